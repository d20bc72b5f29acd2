//! Files as people send them, and as nobody should.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io::Write as _;
use std::sync::Arc;

use proptest::prelude::*;
use rapport_domain::Rules;
use rapport_domain::import::{ImportKind, Outcome, fields, group, order_of, record_of};
use rapport_domain::settings::Settings;
use rapport_importing::file::{File, Row, read};
use rapport_importing::unit::Unit;

fn opened(bytes: &[u8]) -> Result<File, &'static str> {
    read(bytes, &Settings::default()).map_err(|invalid| invalid.problems[0].code)
}

fn cells(file: &File) -> Vec<Vec<&str>> {
    file.rows
        .iter()
        .map(|row| row.1.iter().map(String::as_str).collect())
        .collect()
}

fn encoded(encoding: &'static encoding_rs::Encoding, text: &str) -> Vec<u8> {
    encoding.encode(text).0.into_owned()
}

fn utf16(text: &str, little: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units
        .flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() })
        .collect()
}

#[test]
fn text_is_read_in_its_encoding_and_by_its_delimiter() {
    let chinese = "姓名,公司,备注\n李小明,上海茶叶有限公司,老客户，每月采购龙井茶\n王芳,北京书店,喜欢电话联系\n";
    let german = "Name;Straße;Größe\nJürgen Müller;Königsstraße 5;groß und übermütig\nJörg;Bäckergäßchen;schön\n";
    for (bytes, encoding, delimiter, heading, last) in [
        (b"name,city\nAnn,Berlin\n".to_vec(), "UTF-8", ',', "name", "Berlin"),
        (
            "\u{feff}name;city\nAnn;Berlin\n".as_bytes().to_vec(),
            "UTF-8",
            ';',
            "name",
            "Berlin",
        ),
        (b"name\tcity\nAnn\tBerlin\n".to_vec(), "UTF-8", '\t', "name", "Berlin"),
        (b"name|city\nAnn|Berlin\n".to_vec(), "UTF-8", '|', "name", "Berlin"),
        (
            b"sep=;\nname;a,b\nAnn;Berlin\n".to_vec(),
            "UTF-8",
            ';',
            "name",
            "Berlin",
        ),
        // More commas than semicolons, but not the same number in each row.
        (b"name;note\nAnn;a, b, c\nBob;d\n".to_vec(), "UTF-8", ';', "name", "d"),
        (
            utf16("name\tcity\nAnn\tZürich\n", true),
            "UTF-16LE",
            '\t',
            "name",
            "Zürich",
        ),
        (
            utf16("name\tcity\nAnn\tZürich\n", false),
            "UTF-16BE",
            '\t',
            "name",
            "Zürich",
        ),
        (
            encoded(encoding_rs::GB18030, chinese),
            "gb18030",
            ',',
            "姓名",
            "喜欢电话联系",
        ),
        (
            encoded(encoding_rs::WINDOWS_1252, german),
            "windows-1252",
            ';',
            "Name",
            "schön",
        ),
        ("שם,עיר\nדוד,חיפה\n".as_bytes().to_vec(), "UTF-8", ',', "שם", "חיפה"),
        ("name,mood\nAnn,👩‍👩‍👧‍👦\n".as_bytes().to_vec(), "UTF-8", ',', "name", "👩‍👩‍👧‍👦"),
        (b"name\nAnn\n".to_vec(), "UTF-8", ',', "name", "Ann"),
        (
            b"name,note\r\nAnn,\"a \"\"b\"\"\r\nc, d\"\r\n".to_vec(),
            "UTF-8",
            ',',
            "name",
            "a \"b\"\r\nc, d",
        ),
    ] {
        let file = opened(&bytes).unwrap();
        assert_eq!(
            (file.encoding.as_str(), file.delimiter),
            (encoding, Some(delimiter)),
            "{heading}"
        );
        assert_eq!(file.headings[0], heading);
        assert_eq!(cells(&file).last().unwrap().last(), Some(&last));
    }
}

#[test]
fn rows_may_be_ragged_and_headings_double_or_missing() {
    let file = opened(b"a,a,\nx\n\n1,2,3,4,5\n , ,\n").unwrap();
    assert_eq!(file.headings, ["a", "a", "", "", ""]);
    assert_eq!(
        file.rows,
        [
            Row(2, vec!["x".into()]),
            Row(3, ["1", "2", "3", "4", "5"].map(str::to_owned).to_vec())
        ]
    );
    // A first row with an address in it is no heading.
    let file = opened(b"Ann,ann@a.example\nBob,bob@a.example\n").unwrap();
    assert_eq!((file.headings[1].as_str(), file.rows.len()), ("Column 2", 2));
    let rules = Rules {
        now: jiff::Timestamp::UNIX_EPOCH,
        settings: Arc::default(),
        fields: Arc::default(),
    };
    let (columns, _) = file.columns(ImportKind::Contacts, &rules);
    assert_eq!(columns[1].field.as_deref(), Some("email"));
    // What is shown of long headings and cells is short.
    let long = format!("{},name\n{},Ann\n", "长".repeat(500), "🙂".repeat(500));
    let file = opened(long.as_bytes()).unwrap();
    let (columns, _) = file.columns(ImportKind::Contacts, &rules);
    assert!(
        columns[0].name.len() < 130 && columns[0].samples[0].len() < 70,
        "{columns:?}"
    );
    assert_eq!(file.headings[0].chars().count(), 500);
}

#[test]
fn what_cannot_be_read_is_refused() {
    let wide = vec!["x"; 100_000].join(",");
    for (bytes, code) in [
        (b"".to_vec(), "file_empty"),
        (b"\xef\xbb\xbf".to_vec(), "file_empty"),
        (b"name\n".to_vec(), "file_empty"),
        (b",,\n\n".to_vec(), "file_empty"),
        (b"a\0b".to_vec(), "file_unreadable"),
        (format!("{wide}\n{wide}\n").into_bytes(), "too_many_columns"),
        ("a\n".repeat(20_002).into_bytes(), "too_many_rows"),
        (b"PK\x03\x04".to_vec(), "file_unreadable"),
        (b"\xd0\xcf\x11\xe0".to_vec(), "file_unreadable"),
        (b"BEGIN:VCARD\nFN:Ann\n".to_vec(), "file_empty"),
    ] {
        assert_eq!(opened(&bytes).err(), Some(code), "{:?}", bytes.get(..20));
    }
    assert_eq!(opened("a\n".repeat(20_001).as_bytes()).unwrap().rows.len(), 20_000);
}

#[test]
fn a_workbook_gives_its_values_as_text() {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let day = rust_xlsxwriter::Format::new().set_num_format("dd/mm/yyyy");
    let time = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let at = |text: &str| rust_xlsxwriter::ExcelDateTime::parse_from_str(text).unwrap();
    for (column, heading) in (0..).zip(["text", "number", "sum", "day", "time", "flag", "formula"]) {
        sheet.write_string(1, column, heading).unwrap();
    }
    sheet.write_string(3, 0, "李 \"a\"\nb").unwrap();
    sheet.write_number(3, 1, 13_800_138_000.0).unwrap();
    sheet.write_number(3, 2, 0.1 + 0.2).unwrap();
    sheet.write_datetime_with_format(3, 3, at("2026-12-31"), &day).unwrap();
    sheet
        .write_datetime_with_format(3, 4, at("2026-12-31T08:30:00"), &time)
        .unwrap();
    sheet.write_boolean(3, 5, true).unwrap();
    sheet
        .write_formula(3, 6, rust_xlsxwriter::Formula::new("=1+1").set_result("2"))
        .unwrap();
    // Another sheet is not looked at, nor is a blank cell far away.
    sheet.write_blank(900_000, 10_000, &day).unwrap();
    book.add_worksheet().write_string(0, 0, "other").unwrap();
    let file = opened(&book.save_to_buffer().unwrap()).unwrap();
    assert_eq!(file.headings.len(), 7);
    assert_eq!(
        file.rows,
        [Row(
            4,
            [
                "李 \"a\"\nb",
                "13800138000",
                "0.3",
                "2026-12-31",
                "2026-12-31 08:30:00",
                "true",
                "2"
            ]
            .map(str::to_owned)
            .to_vec()
        )]
    );
}

#[test]
fn a_workbook_that_unpacks_to_too_much_is_refused() {
    let options = zip::write::SimpleFileOptions::default();
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("xl/worksheets/sheet1.xml", options).unwrap();
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..65 {
        archive.write_all(&zeros).unwrap();
    }
    let bytes = archive.finish().unwrap().into_inner();
    assert!(bytes.len() < 1 << 20, "{}", bytes.len());
    assert_eq!(opened(&bytes).err(), Some("too_large"));

    // A long text once in the file and in many cells.
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let text = "x".repeat(30_000);
    for row in 0..700 {
        sheet.write_string(row, 0, &text).unwrap();
    }
    let bytes = book.save_to_buffer().unwrap();
    assert!(bytes.len() < 100_000, "{}", bytes.len());
    assert_eq!(opened(&bytes).err(), Some("too_large"));
}

/// A workbook with another text in one of its parts.
fn with_part(book: &[u8], name: &str, text: &str) -> Vec<u8> {
    let options = zip::write::SimpleFileOptions::default();
    let mut from = zip::ZipArchive::new(std::io::Cursor::new(book)).unwrap();
    let mut to = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for place in 0..from.len() {
        let part = from.by_index_raw(place).unwrap();
        if part.name() == name {
            to.start_file(name, options).unwrap();
            to.write_all(text.as_bytes()).unwrap();
        } else {
            to.raw_copy_file(part).unwrap();
        }
    }
    to.finish().unwrap().into_inner()
}

#[test]
fn a_file_that_makes_a_great_deal_of_work_of_little_is_refused_or_soon_read() {
    // One place that many cells claim, each with a copy of the longest text.
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "x".repeat(32_767)).unwrap();
    let book = book.save_to_buffer().unwrap();
    let many = r#"<c r="A1" t="s"><v>0</v></c>"#.repeat(1_000_000);
    let sheet = format!(
        r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">{many}</row></sheetData></worksheet>"#
    );
    let book = with_part(&book, "xl/worksheets/sheet1.xml", &sheet);
    assert!(book.len() < 1 << 20, "{}", book.len());
    assert_eq!(opened(&book).err(), Some("too_large"));
    // A line of many pieces, of a name that never ends or ends late: eight times as many take eight times as long, not 64 times.
    let spent = |head: &str, many: usize| {
        let line = head.replace('X', &"X".repeat(many));
        let card = format!("BEGIN:VCARD\nFN:Ann\n{line}{}\nEND:VCARD\n", "\n =".repeat(many));
        let read = || {
            let started = std::time::Instant::now();
            let file = opened(card.as_bytes()).unwrap();
            assert_eq!((file.rows.len(), file.rows[0].1[0].as_str()), (1, "Ann"));
            started.elapsed().as_secs_f64()
        };
        // The quickest of three: what else the machine does only makes it slower.
        (0..3).map(|_| read()).fold(f64::INFINITY, f64::min)
    };
    for head in ["NOTE", "X:"] {
        let (few, many) = (spent(head, 25_000), spent(head, 200_000));
        assert!(many < few * 24.0, "{head}: {few:.3} s and {many:.3} s");
    }
}

/// A workbook of a few cells, to be damaged.
fn small_book() -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for row in 0..3 {
        sheet.write_string(row, 0, "name").unwrap();
        sheet.write_number(row, 1, 1.5).unwrap();
    }
    book.save_to_buffer().unwrap()
}

/// Every kind understands the rows of a file somehow, and says something of each.
fn understood(file: &File) {
    let rules = Rules {
        now: jiff::Timestamp::UNIX_EPOCH,
        settings: Arc::default(),
        fields: Arc::default(),
    };
    for word in ImportKind::WORDS {
        let kind = ImportKind::from_word(word).unwrap();
        let (columns, options) = file.columns(kind, &rules);
        let all = fields(kind, &[]);
        let mapped = columns.iter().filter_map(|column| {
            let key = column.field.as_deref()?;
            Some((column.index, all.iter().find(|field| field.key == key)?.clone()))
        });
        let mapping = rapport_domain::import::Mapping(mapped.collect());
        let rows: Vec<&[String]> = file.rows.iter().map(|row| row.1.as_slice()).collect();
        for row in &rows {
            let _ = record_of(&mapping, row, &options, &rules.settings);
        }
        let groups = group(&mapping, rows.iter().copied());
        assert_eq!(groups.iter().map(Vec::len).sum::<usize>(), rows.len());
        for group in groups {
            let rows: Vec<&[String]> = group.iter().map(|place| rows[*place]).collect();
            let _ = order_of(&mapping, &rows, &options, &rules.settings);
        }
    }
    for row in &file.rows {
        assert_eq!(Unit { rows: vec![row] }.became(Outcome::Skip, Vec::new()).row, row.0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        if let Ok(file) = opened(&bytes) {
            understood(&file);
        }
    }

    #[test]
    fn no_text_breaks_it(text in "(name|email|订单号|Total|paid|date|qty)?[,;\t]?(\\PC|[,;\"\n\r\t0-9.@年月日/:-]){0,300}") {
        if let Ok(file) = opened(text.as_bytes()) {
            understood(&file);
        }
    }

    #[test]
    fn no_card_breaks_it(text in "BEGIN:VCARD\n((FN|N|TEL|ADR|NOTE;ENCODING=QUOTED-PRINTABLE|X)[:;=\\\\a-z0-9 ]{0,20}=?\n){0,10}END:VCARD\n?") {
        if let Ok(file) = opened(text.as_bytes()) {
            understood(&file);
        }
    }

    #[test]
    fn no_damaged_workbook_breaks_it(at in 0usize..4_000, byte in any::<u8>(), cut in any::<bool>()) {
        let mut bytes = small_book();
        let at = at % bytes.len();
        if cut {
            bytes.truncate(at);
        } else {
            bytes[at] = byte;
        }
        if let Ok(file) = opened(&bytes) {
            understood(&file);
        }
    }
}
