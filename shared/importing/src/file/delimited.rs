//! Text with delimiters: which encoding it is in, what stands between its columns, and its rows.

use chardetng::EncodingDetector;
use csv::{ReaderBuilder, StringRecord};
use encoding_rs::{Encoding, GB18030, GBK, UTF_8};
use rapport_domain::Invalid;

use super::{Rows, refused};

/// What may stand between columns, the likeliest first.
const DELIMITERS: [char; 4] = [',', ';', '\t', '|'];
/// How much is looked at to find out, in records and bytes.
const LOOKED_AT: (usize, usize) = (20, 64 * 1024);

/// The text of a file: by its mark, else as UTF-8 where it is that, else by the frequency of its bytes.
pub(super) fn decode(bytes: &[u8], country: &str) -> Result<(String, String), Invalid> {
    let unreadable = || {
        refused(
            "file_unreadable",
            "this is no text: send CSV, a workbook (.xlsx) or a vCard",
        )
    };
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, bytes.get(mark..).unwrap_or_default()),
        None if std::str::from_utf8(bytes).is_ok() => (UTF_8, bytes),
        None => {
            let mut detector = EncodingDetector::new();
            detector.feed(bytes, true);
            let hint = country.to_ascii_lowercase();
            let domain =
                Some(hint.as_bytes()).filter(|hint| hint.len() == 2 && hint.iter().all(u8::is_ascii_lowercase));
            let guess = detector.guess(domain, false);
            (if guess == GBK { GB18030 } else { guess }, bytes)
        }
    };
    let (text, _) = encoding.decode_without_bom_handling(rest);
    if text.contains('\0') {
        return Err(unreadable());
    }
    Ok((text.into_owned(), encoding.name().to_owned()))
}

/// The rows of a text and what stands between its columns.
pub(super) fn read(text: &str) -> Result<(Rows, char), Invalid> {
    // Excel's own way to say what stands between columns.
    let line = text.lines().next().unwrap_or_default();
    let said = line.strip_prefix("sep=").and_then(|rest| rest.chars().next());
    let (delimiter, body, skipped) = match said.filter(char::is_ascii) {
        Some(delimiter) => (delimiter, text.get(line.len()..).unwrap_or_default(), 1),
        None => (likeliest(text), text, 0),
    };
    let mut rows = Rows::default();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(u8::try_from(delimiter).unwrap_or(b','))
        .from_reader(body.as_bytes());
    let mut record = StringRecord::new();
    let mut number = skipped;
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {
                number += 1;
                rows.push(number, record.iter().map(str::to_owned).collect())?;
            }
            Ok(false) => return Ok((rows, delimiter)),
            Err(error) => return Err(refused("file_unreadable", format!("row {}: {error}", number + 1))),
        }
    }
}

/// What divides the first records into the same number of columns, as many as possible.
fn likeliest(text: &str) -> char {
    let mut end = text.len().min(LOOKED_AT.1);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let start = text.get(..end).unwrap_or_default();
    let mut best = (0, ',');
    for delimiter in DELIMITERS {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(u8::try_from(delimiter).unwrap_or(b','))
            .from_reader(start.as_bytes());
        let widths: Vec<usize> = reader
            .records()
            .take(LOOKED_AT.0)
            .map_while(Result::ok)
            .map(|record| record.len())
            .collect();
        let Some(first) = widths.first().copied().filter(|first| *first > 1) else {
            continue;
        };
        let alike = widths.iter().filter(|width| **width == first).count();
        let score = alike * 1_000 / widths.len() * 1_000 + first.min(999);
        if score > best.0 {
            best = (score, delimiter);
        }
    }
    best.1
}
