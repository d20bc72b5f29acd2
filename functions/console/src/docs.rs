//! The documentation as one page, written from the OpenAPI document: no script, nothing fetched from elsewhere.

use std::fmt::Write as _;
use std::sync::LazyLock;

use rapport_http::problem::Code;
use serde_json::Value;

use crate::OPENAPI;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// The page.
pub fn page() -> &'static str {
    static PAGE: LazyLock<String> = LazyLock::new(|| {
        let document: Value = serde_json::from_str(OPENAPI).unwrap_or_default();
        render(&document).unwrap_or_default()
    });
    &PAGE
}

fn render(document: &Value) -> Result<String, std::fmt::Error> {
    let mut page = String::from(include_str!("docs_head.html"));
    let text = |value: &Value| escape(value.as_str().unwrap_or_default());
    write!(
        page,
        "<h1>{}</h1><p>{}</p>",
        text(&document["info"]["title"]),
        text(&document["info"]["description"])
    )?;
    let mut tags: Vec<(String, String)> = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            let Some(operation) = item.get(method) else { continue };
            let tag = operation["tags"][0].as_str().unwrap_or("service").to_owned();
            let section = match tags.iter_mut().find(|(known, _)| *known == tag) {
                Some((_, section)) => section,
                None => {
                    tags.push((tag, String::new()));
                    &mut tags.last_mut().ok_or(std::fmt::Error)?.1
                }
            };
            one(section, document, method, path, operation)?;
        }
    }
    page.push_str("<nav>");
    for (tag, _) in &tags {
        write!(page, "<a href=\"#{0}\">{0}</a> ", escape(tag))?;
    }
    page.push_str("<a href=\"#problems\">problems</a></nav>");
    for (tag, section) in tags {
        write!(page, "<h2 id=\"{0}\">{0}</h2>{section}", escape(&tag))?;
    }
    page.push_str("<h2 id=\"problems\">Problems</h2><p>Errors are <code>application/problem+json</code> with one of these codes, or the rule's own word.</p><table><tr><th>Code<th>Status<th>Meaning</tr>");
    for code in Code::ALL {
        write!(
            page,
            "<tr id=\"{0}\"><td><code>{0}</code><td>{1}<td>{2}</tr>",
            code.as_str(),
            code.status().as_u16(),
            escape(code.explanation())
        )?;
    }
    page.push_str("</table></main></html>");
    Ok(page)
}

fn one(page: &mut String, document: &Value, method: &str, path: &str, operation: &Value) -> std::fmt::Result {
    let text = |value: &Value| escape(value.as_str().unwrap_or_default());
    write!(
        page,
        "<details><summary><b class=\"{method}\">{}</b> <code>{}</code> <span>{}</span></summary>",
        method.to_uppercase(),
        escape(path),
        text(&operation["summary"])
    )?;
    if operation["description"].is_string() {
        write!(page, "<p>{}</p>", text(&operation["description"]))?;
    }
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        page.push_str("<table><tr><th>Parameter<th>In<th>Meaning</tr>");
        for parameter in parameters {
            let choices = parameter["schema"]["enum"]
                .as_array()
                .map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "));
            let choices = choices.map(|all| format!(" — {}", escape(&all))).unwrap_or_default();
            write!(
                page,
                "<tr><td><code>{}</code><td>{}<td>{}{choices}</tr>",
                text(&parameter["name"]),
                text(&parameter["in"]),
                text(&parameter["description"])
            )?;
        }
        page.push_str("</table>");
    }
    if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
        page.push_str("<h4>Body</h4>");
        fields(page, document, schema, 0)?;
    }
    for (status, response) in operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(status, _)| *status != "default")
    {
        write!(page, "<h4>{} {}</h4>", escape(status), text(&response["description"]))?;
        if let Some(schema) = response.pointer("/content/application~1json/schema") {
            fields(page, document, schema, 0)?;
        }
    }
    page.push_str("</details>");
    Ok(())
}

/// The fields of a schema, three levels deep.
fn fields(page: &mut String, document: &Value, schema: &Value, depth: usize) -> std::fmt::Result {
    let schema = resolved(document, schema);
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().try_for_each(|part| fields(page, document, part, depth));
    }
    if schema["items"].is_object() {
        return fields(page, document, &schema["items"], depth);
    }
    let Some(properties) = schema["properties"].as_object().filter(|_| depth < 3) else {
        return Ok(());
    };
    page.push_str("<ul>");
    for (name, property) in properties {
        let property = resolved(document, property);
        let detail = property["description"].as_str().unwrap_or_default();
        write!(
            page,
            "<li><code>{}</code> <i>{}</i> {}",
            escape(name),
            escape(&kind(property)),
            escape(detail)
        )?;
        fields(page, document, property, depth + 1)?;
        page.push_str("</li>");
    }
    page.push_str("</ul>");
    Ok(())
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let choice = schema["oneOf"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["type"] != "null"));
    let schema = choice.unwrap_or(schema);
    let path = schema["$ref"].as_str().and_then(|path| path.strip_prefix('#'));
    path.and_then(|path| document.pointer(path)).unwrap_or(schema)
}

fn kind(schema: &Value) -> String {
    if let Some(choices) = schema["enum"].as_array() {
        return choices.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | ");
    }
    match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|kind| *kind != "null")
            .collect::<Vec<_>>()
            .join(" or "),
        _ => String::new(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_lists_every_operation_and_code_and_escapes_what_it_shows() {
        let page = page();
        let document: Value = serde_json::from_str(OPENAPI).unwrap_or_default();
        for path in document["paths"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(path, _)| path)
        {
            assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
        }
        assert!(
            Code::ALL
                .iter()
                .all(|code| page.contains(&format!("id=\"{}\"", code.as_str())))
        );
        assert_eq!(escape("<a b=\"c\">&"), "&lt;a b=&quot;c&quot;&gt;&amp;");
    }
}
