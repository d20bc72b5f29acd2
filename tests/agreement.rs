//! Whether the parts that must say the same do: template, routers, host, OpenAPI document, stored kinds.

use std::collections::BTreeSet;

use serde_json::Value;

/// Every share of the OpenAPI document, by function.
fn document() -> Value {
    rapport_host::functions::document()
}

#[test]
fn openapi() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/console/openapi.json");
    let fresh = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    if std::env::vars().any(|(name, _)| name == "UPDATE_OPENAPI") {
        std::fs::write(path, &fresh).unwrap();
    }
    let known = std::fs::read_to_string(path).unwrap();
    assert!(
        known == fresh,
        "functions/console/openapi.json is stale: run `cargo xtask openapi`"
    );
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn walk<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(map) => map.iter().for_each(|(name, value)| {
                if name == "$ref" {
                    found.extend(value.as_str());
                }
                walk(value, found);
            }),
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut references = BTreeSet::new();
    walk(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        assert!(
            document.pointer(reference.trim_start_matches('#')).is_some(),
            "{reference}"
        );
    }
}

#[test]
fn the_host_has_every_function_that_the_template_declares() {
    assert_eq!(tests::world().missing, Vec::<String>::new());
}
