//! Cards of contacts: vCard 2.1 to 4.0, one contact a card, put in columns that bear the names of fields.

use rapport_domain::Invalid;

use super::{Rows, refused};

/// The columns, in their order.
const COLUMNS: [&str; 16] = [
    "name",
    "family_name",
    "given_name",
    "email",
    "phone",
    "organisation",
    "title",
    "address.street",
    "address.city",
    "address.region",
    "address.postal_code",
    "address.country",
    "birthday",
    "tags",
    "note",
    "external_id",
];

/// Name and parameters of a property have at most so many bytes.
const LONGEST_HEAD: usize = 1_000;

/// Whether a text is of cards.
pub(super) fn is_card(text: &str) -> bool {
    let start = text.trim_start().get(..11).unwrap_or_default();
    start.eq_ignore_ascii_case("BEGIN:VCARD")
}

/// The cards as rows below the names of their fields.
pub(super) fn read(text: &str) -> Result<Rows, Invalid> {
    let mut rows = Rows::default();
    rows.push(1, COLUMNS.map(str::to_owned).to_vec())?;
    let mut card: Vec<String> = Vec::new();
    let mut number = 1;
    for line in unfolded(text) {
        let Some((head, raw)) = line.split_once(':') else {
            continue;
        };
        let mut parts = head.split(';');
        let name = parts.next().unwrap_or_default();
        // `item1.EMAIL` is an EMAIL.
        let name = name.rsplit('.').next().unwrap_or_default().to_ascii_uppercase();
        let quoted = parts.any(|part| part.to_ascii_uppercase().ends_with("QUOTED-PRINTABLE"));
        let value = if quoted { printable(raw) } else { raw.to_owned() };
        match name.as_str() {
            "BEGIN" => card = vec![String::new(); COLUMNS.len()],
            "END" => {
                number += 1;
                rows.push(number, std::mem::take(&mut card))?;
            }
            _ => put(&mut card, &name, &value),
        }
    }
    if rows.rows.len() == 1 {
        return Err(refused("file_empty", "the file has no card that ends"));
    }
    Ok(rows)
}

/// Puts a property where it belongs: of those that come several times the first.
fn put(card: &mut [String], name: &str, value: &str) {
    let mut set = |column: &str, text: Option<&String>| {
        let place = COLUMNS.iter().position(|known| *known == column);
        if let (Some(cell), Some(text)) = (place.and_then(|place| card.get_mut(place)), text)
            && cell.is_empty()
        {
            cell.clone_from(text);
        }
    };
    let parts = split(value);
    let whole = parts.join(";");
    match name {
        "FN" => set("name", Some(&whole)),
        "N" => {
            set("family_name", parts.first());
            set("given_name", parts.get(1));
        }
        "EMAIL" => set("email", Some(&whole)),
        "TEL" => set("phone", Some(&whole.trim_start_matches("tel:").to_owned())),
        "ORG" => set("organisation", parts.first()),
        "TITLE" => set("title", Some(&whole)),
        "ADR" => {
            let places = [
                "address.street",
                "address.city",
                "address.region",
                "address.postal_code",
                "address.country",
            ];
            for (column, place) in places.into_iter().zip(2..) {
                set(column, parts.get(place));
            }
        }
        "BDAY" => set("birthday", Some(&whole)),
        "CATEGORIES" => set("tags", Some(&whole)),
        "NOTE" => set("note", Some(&whole)),
        "UID" => set("external_id", Some(&whole)),
        _ => {}
    }
}

/// Lines put together again: a line that begins with a space, and in old cards one that ends with `=`, goes on with the last.
fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut soft = false;
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        match lines.last_mut() {
            Some(last) if soft => {
                last.pop();
                last.push_str(line);
            }
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line.get(1..).unwrap_or_default()),
            _ => lines.push(line.to_owned()),
        }
        let head = lines.last().and_then(|last| head_of(last));
        soft = line.ends_with('=') && head.is_some_and(|head| head.to_ascii_uppercase().contains("QUOTED-PRINTABLE"));
    }
    lines
}

/// What stands before the colon. Names and parameters are short: a line without end, put together from a million pieces, is
/// not searched through with each of them.
fn head_of(line: &str) -> Option<&str> {
    let end = line.floor_char_boundary(LONGEST_HEAD);
    line.get(..end)?.split_once(':').map(|(head, _)| head)
}

/// A value's parts between semicolons, with what is escaped as it is meant.
fn split(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            ';' => {
                parts.push(String::new());
                continue;
            }
            '\\' => match chars.next() {
                Some('n' | 'N') => '\n',
                Some(c) => c,
                None => '\\',
            },
            c => c,
        };
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts
}

/// Text of old cards, in which bytes stand as `=E6`.
fn printable(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|_| *byte == b'=')
        {
            Some(decoded) => {
                bytes.push(decoded);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
