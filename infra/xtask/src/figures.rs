//! `cargo xtask figures`: the tables of what was measured, in the READMEs, from the files that the measurements left in
//! `tests/results`.
//!
//! A table stands between the lines `<!-- figures: load -->` and `<!-- end of figures -->`, and is made of
//! `tests/results/load.json`: a list of rows, whose names are the columns.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::tools::root;

/// Where tables of figures may stand.
const PAGES: [&str; 3] = ["README.md", "infra/README.md", "tests/README.md"];
const BEGIN: &str = "<!-- figures: ";
const END: &str = "<!-- end of figures -->";

/// Writes every table anew.
pub fn run() -> Result<bool, String> {
    for page in PAGES {
        let path = root().join(page);
        let text = read(&path)?;
        let renewed = renewed(&text, results)?;
        if renewed != text {
            std::fs::write(&path, renewed).map_err(|error| format!("{page}: {error}"))?;
            eprintln!("{page} has new figures");
        }
    }
    Ok(true)
}

/// The rows that a measurement left.
fn results(name: &str) -> Result<Value, String> {
    let path: PathBuf = root().join("tests/results").join(format!("{name}.json"));
    serde_json::from_str(&read(&path)?).map_err(|error| format!("{}: {error}", path.display()))
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A page with its tables made anew.
fn renewed(page: &str, results: impl Fn(&str) -> Result<Value, String>) -> Result<String, String> {
    let mut renewed = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (name, inside) = after.split_once(" -->").ok_or("a table of figures has no name")?;
        let (_, behind) = inside
            .split_once(END)
            .ok_or_else(|| format!("the figures of {name} have no end"))?;
        let table = table(&results(name)?).ok_or_else(|| format!("{name}.json has no rows of equal names"))?;
        renewed.push_str(&format!("{before}{BEGIN}{name} -->\n{table}{END}"));
        rest = behind;
    }
    renewed.push_str(rest);
    Ok(renewed)
}

/// Rows as Markdown; nothing when there are none, or when they differ in their columns.
fn table(rows: &Value) -> Option<String> {
    let rows = rows
        .as_array()?
        .iter()
        .map(Value::as_object)
        .collect::<Option<Vec<_>>>()?;
    let columns: Vec<&String> = rows.first()?.keys().collect();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = line(columns.iter().map(|&column| column.clone()).collect());
    text.push_str(&format!("|{}\n", "---|".repeat(columns.len())));
    for row in &rows {
        if row.keys().ne(columns.iter().copied()) {
            return None;
        }
        text.push_str(&line(row.values().map(cell).collect()));
    }
    Some(text)
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "–".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_is_made_of_rows_and_the_text_around_it_stays() {
        let rows =
            json!([{"what": "a read", "value": 1.5, "unit": "ms"}, {"what": "a write", "value": null, "unit": "ms"}]);
        let page = "Before.\n\n<!-- figures: load -->\nold\n<!-- end of figures -->\n\nBehind.\n";
        let made = renewed(page, |name| {
            (name == "load").then(|| rows.clone()).ok_or_else(|| "no".to_owned())
        })
        .unwrap();
        let expected = "Before.\n\n<!-- figures: load -->\n| what | value | unit |\n|---|---|---|\n| a read | 1.5 | ms |\n\
            | a write | – | ms |\n<!-- end of figures -->\n\nBehind.\n";
        assert_eq!(made, expected);
        assert_eq!(renewed(&made, |_| Ok(rows.clone())).unwrap(), made);
    }

    #[test]
    fn a_table_without_an_end_or_with_rows_that_differ_is_refused() {
        let one = |_: &str| Ok(json!([{"what": "a"}]));
        assert!(renewed("<!-- figures: load -->\n", one).is_err());
        let table = "<!-- figures: load -->\n<!-- end of figures -->";
        for rows in [json!([]), json!({}), json!([1]), json!([{"what": 1}, {"value": 1}])] {
            assert!(renewed(table, |_| Ok(rows.clone())).is_err(), "{rows}");
        }
    }

    #[test]
    fn the_pages_say_what_was_measured() {
        for page in PAGES {
            let text = read(&root().join(page)).unwrap();
            assert_eq!(
                renewed(&text, results).unwrap(),
                text,
                "{page}: run `cargo xtask figures`"
            );
        }
    }
}
