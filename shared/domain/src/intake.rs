//! What a source's messages mean: from raw bytes to the fields of a lead, a contact or an order.
//!
//! Pure: nothing is looked up. A message becomes at most one record, and for an order the contact who placed it; both
//! are upserted by what the source calls them. What cannot be read is an [`Invalid`] that people see and may replay.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use crate::invalid::Invalid;
use crate::record::strip_nulls;
use crate::webhook::{Source, SourceKind, Target};

/// The fields of a lead that may be mapped, besides `custom.<key>`.
const LEAD: &[&str] = &[
    "name",
    "company_name",
    "email",
    "phone",
    "title",
    "industry",
    "source",
    "campaign_id",
    "rating",
    "note",
    "owner_id",
    "tags",
    "value.amount",
    "value.currency",
    "utm.source",
    "utm.medium",
    "utm.campaign",
    "utm.term",
    "utm.content",
    "external_id",
    "is_test",
];

/// The fields of a contact that may be mapped, besides `custom.<key>`.
const CONTACT: &[&str] = &[
    "name",
    "given_name",
    "family_name",
    "email",
    "phone",
    "title",
    "occupation",
    "birthday",
    "gender",
    "company_id",
    "locale",
    "note",
    "owner_id",
    "tags",
    "external_id",
    "is_test",
];

/// The fields of an order that may be mapped, besides `custom.<key>`; `lines.…` are paths within each line.
const ORDER: &[&str] = &[
    "external_id",
    "currency",
    "placed_on",
    "status",
    "total",
    "shipping",
    "channel",
    "campaign_id",
    "tax_inclusive",
    "owner_id",
    "tags",
    "contact.external_id",
    "contact.name",
    "contact.email",
    "contact.phone",
    "lines",
    "lines.sku",
    "lines.name",
    "lines.quantity",
    "lines.unit_price",
    "is_test",
];

/// Other names under which forms send a field.
const ALIASES: &[(&str, &str)] = &[
    ("full_name", "name"),
    ("fullname", "name"),
    ("your-name", "name"),
    ("company", "company_name"),
    ("organisation", "company_name"),
    ("organization", "company_name"),
    ("e-mail", "email"),
    ("email_address", "email"),
    ("your-email", "email"),
    ("phone_number", "phone"),
    ("mobile", "phone"),
    ("tel", "phone"),
    ("telephone", "phone"),
    ("first_name", "given_name"),
    ("last_name", "family_name"),
    ("job_title", "title"),
    ("message", "note"),
    ("comment", "note"),
    ("your-message", "note"),
    ("utm_source", "utm.source"),
    ("utm_medium", "utm.medium"),
    ("utm_campaign", "utm.campaign"),
    ("utm_term", "utm.term"),
    ("utm_content", "utm.content"),
    ("id", "external_id"),
    ("lead_id", "external_id"),
];

/// The fields that are decimal numbers in strings.
const DECIMALS: &[&str] = &[
    "value.amount",
    "total",
    "shipping",
    "lines.quantity",
    "lines.unit_price",
];

/// One record that a message gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// What the source calls the record: source and id.
    pub external: Option<(String, String)>,
    /// The fields that the message gives, to be merged into what is there.
    pub fields: Map<String, Value>,
}

/// What a message amounts to.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// Nothing, for a reason.
    Ignored(String),
    /// A record, and the contact it belongs to where that is another.
    Record {
        /// The contact of an order.
        contact: Option<Piece>,
        /// The record.
        piece: Piece,
        /// When the source last changed it, as a text that sorts: an older message must not undo a newer one.
        changed: Option<String>,
    },
}

fn fields_of(target: Target) -> &'static [&'static str] {
    match target {
        Target::Lead => LEAD,
        Target::Contact => CONTACT,
        Target::Order => ORDER,
    }
}

/// Checks one line of a mapping.
///
/// # Errors
/// [`Invalid`] with code `field_unknown` or `path_malformed`.
pub fn check_mapping(target: Target, field: &str, path: &str) -> Result<(), Invalid> {
    let mut invalid = Invalid::default();
    let place = format!("mapping/{}", field.replace('~', "~0").replace('/', "~1"));
    let custom = field
        .strip_prefix("custom.")
        .is_some_and(|key| !key.is_empty() && key.len() <= 60);
    if !custom && !fields_of(target).contains(&field) {
        let known = fields_of(target).join(", ");
        invalid.add(&place, "field_unknown", format!("there are: {known}, custom.<key>"));
    }
    if path.len() > 500 || (!path.starts_with('=') && steps(path).is_none()) {
        let detail = "a path is $.a.b[0], the name of a field, or = and a fixed text";
        invalid.add(&place, "path_malformed", detail);
    }
    invalid.check()
}

/// One step of a path.
#[derive(Debug, PartialEq)]
enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

/// Takes a path apart: `$.a.b[0]`, `$["a b"]`, or the plain name of a field.
fn steps(path: &str) -> Option<Vec<Step<'_>>> {
    let Some(mut rest) = path.strip_prefix('$') else {
        return (!path.is_empty()).then(|| vec![Step::Name(path)]);
    };
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("[\"") {
            let (name, after) = after.split_once("\"]")?;
            steps.push(Step::Name(name));
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']')?;
            steps.push(Step::Index(index.parse().ok()?));
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            if name.is_empty() {
                return None;
            }
            steps.push(Step::Name(name));
            rest = after;
        }
    }
    Some(steps)
}

fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let found = steps(path)?.into_iter().try_fold(value, |value, step| match step {
        Step::Name(name) => value.get(name),
        Step::Index(index) => value.get(index),
    })?;
    (!found.is_null()).then_some(found)
}

/// Reads what a source posted.
///
/// # Errors
/// [`Invalid`] when the message cannot be read or lacks what it must have.
pub fn read(
    source: &Source,
    headers: &BTreeMap<String, String>,
    content_type: Option<&str>,
    body: &[u8],
) -> Result<Reading, Invalid> {
    let document = document(content_type, body)?;
    let test = |flag: Option<&Value>| match flag {
        Some(Value::Bool(test)) => *test,
        Some(Value::String(text)) => matches!(text.as_str(), "true" | "1" | "yes"),
        _ => false,
    };
    let marked = test(document.get("is_test")) || test(document.get("test"));
    if marked || headers.get("x-shopify-test").is_some_and(|text| text == "true") {
        return Ok(Reading::Ignored("the sender marked this message as a test".to_owned()));
    }
    match source.kind {
        SourceKind::ShopifyOrders => shopify(source, headers, &document),
        SourceKind::Typeform => typeform(source, &document),
        SourceKind::StandardWebhooks => {
            let changed = document.get("timestamp").and_then(Value::as_str).map(str::to_owned);
            let root = if source.mapping.is_empty() {
                document.get("data").unwrap_or(&document)
            } else {
                &document
            };
            mapped(source, root, changed)
        }
        SourceKind::Generic => mapped(source, &document, None),
    }
}

/// A body as JSON: JSON itself, or a form's fields by their names.
fn document(content_type: Option<&str>, body: &[u8]) -> Result<Value, Invalid> {
    let essence = content_type
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    if essence == "application/x-www-form-urlencoded" {
        let mut map = Map::new();
        for (name, value) in url::form_urlencoded::parse(body) {
            let value = Value::String(value.into_owned());
            match map.get_mut(name.as_ref()) {
                // A field that comes several times is a list: ticked boxes.
                Some(Value::Array(values)) => values.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
                None => {
                    map.insert(name.into_owned(), value);
                }
            }
        }
        return Ok(Value::Object(map));
    }
    if essence.starts_with("multipart/") {
        return Err(Invalid::one(
            "",
            "unsupported_media_type",
            "multipart forms are not read; send JSON or a plain form",
        ));
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Invalid::one("", "malformed", format!("the body is not JSON: {error}")))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Invalid::one("", "wrong_type", "the body must be a JSON object"))
    }
}

/// A value as a text, where it can be one.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(values) => {
            let texts: Vec<_> = values.iter().filter_map(text_of).collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// A found value in the form its field takes.
fn shaped(field: &str, value: &Value) -> Option<Value> {
    if field == "tags" {
        let tags: Vec<String> = match value {
            Value::Array(values) => values.iter().filter_map(text_of).collect(),
            other => text_of(other)?
                .split(',')
                .map(|tag| tag.trim().to_owned())
                .filter(|tag| !tag.is_empty())
                .collect(),
        };
        return Some(tags.into());
    }
    if field == "tax_inclusive" {
        return match text_of(value)?.as_str() {
            "true" | "1" | "yes" => Some(true.into()),
            _ => Some(false.into()),
        };
    }
    if field.starts_with("custom.") {
        return match value {
            Value::Object(_) => None,
            // Decimal numbers travel as strings.
            Value::Number(number) => Some(number.to_string().into()),
            other => Some(other.clone()),
        };
    }
    let text = text_of(value)?;
    if DECIMALS.contains(&field) {
        return Some(text.replace(',', "").into());
    }
    if field == "placed_on" {
        return Some(text.get(..10).unwrap_or(&text).into());
    }
    Some(text.into())
}

/// Sets `a.b` within a map.
fn set(fields: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            fields.insert(name.to_owned(), value);
        }
        Some((head, rest)) => {
            let inner = fields.entry(head).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                inner.insert(rest.to_owned(), value);
            }
        }
    }
}

fn mapped(source: &Source, document: &Value, changed: Option<String>) -> Result<Reading, Invalid> {
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    if source.mapping.is_empty() {
        let known = fields_of(source.target);
        for (alias, field) in ALIASES.iter().filter(|(_, field)| known.contains(field)) {
            if let Some(value) = document.get(*alias).and_then(|value| shaped(field, value)) {
                found.insert((*field).to_owned(), value);
            }
        }
        let part = |name| document.get(name).and_then(text_of);
        let names: Vec<String> = [part("first_name"), part("last_name")].into_iter().flatten().collect();
        if source.target == Target::Lead && !names.is_empty() {
            found.insert("name".to_owned(), names.join(" ").into());
        }
        for field in known.iter().filter(|field| !field.starts_with("lines")) {
            let path = format!("$.{field}");
            if let Some(value) = find(document, &path).and_then(|value| shaped(field, value)) {
                found.insert((*field).to_owned(), value);
            }
        }
    }
    for (field, path) in source.mapping.iter().filter(|(field, _)| !field.starts_with("lines")) {
        let value = match path.strip_prefix('=') {
            Some(fixed) => Some(Value::String(fixed.to_owned())),
            None => find(document, path).cloned(),
        };
        if let Some(value) = value.and_then(|value| shaped(field, &value)) {
            found.insert(field.clone(), value);
        }
    }
    if found
        .remove("is_test")
        .is_some_and(|test| test == "true" || test == "1")
    {
        return Ok(Reading::Ignored("the sender marked this message as a test".to_owned()));
    }
    if source.target == Target::Order {
        let lines = lines(source, document)?;
        if !lines.is_empty() {
            found.insert("lines".to_owned(), lines.into());
        }
    }
    if found.is_empty() {
        return Err(Invalid::one(
            "",
            "nothing_found",
            "none of the mapped fields is in this message",
        ));
    }
    assemble(source, found, changed)
}

/// The lines of an order by the paths `lines`, `lines.sku`, …
fn lines(source: &Source, document: &Value) -> Result<Vec<Value>, Invalid> {
    let path = source.mapping.get("lines").map_or("$.lines", String::as_str);
    let Some(items) = find(document, path) else {
        return Ok(Vec::new());
    };
    let Value::Array(items) = items else {
        return Err(Invalid::one("lines", "wrong_type", "the lines of an order are a list"));
    };
    let line = |item: &Value| {
        let mut line = Map::new();
        for name in ["sku", "name", "quantity", "unit_price"] {
            let field = format!("lines.{name}");
            let path = source
                .mapping
                .get(&field)
                .map_or_else(|| format!("$.{name}"), Clone::clone);
            if let Some(value) = find(item, &path).and_then(|value| shaped(&field, value)) {
                line.insert(name.to_owned(), value);
            }
        }
        Value::Object(line)
    };
    Ok(items.iter().map(line).collect())
}

fn assemble(source: &Source, found: BTreeMap<String, Value>, changed: Option<String>) -> Result<Reading, Invalid> {
    let mut fields = Map::new();
    let mut contact = Map::new();
    for (name, value) in found {
        match name.strip_prefix("contact.") {
            Some(name) if source.target == Target::Order => set(&mut contact, name, value),
            _ => set(&mut fields, &name, value),
        }
    }
    let external = |fields: &mut Map<String, Value>| {
        fields
            .remove("external_id")
            .and_then(|id| text_of(&id))
            .map(|id| (source.external_source.clone(), id))
    };
    let piece = Piece {
        external: external(&mut fields),
        fields,
    };
    let contact = Piece {
        external: external(&mut contact),
        fields: contact,
    };
    if source.target == Target::Order && piece.external.is_none() {
        return Err(Invalid::one(
            "external_id",
            "required",
            "an order is known by its external_id: map one",
        ));
    }
    let someone = contact.external.is_some() || contact.fields.contains_key("email");
    Ok(Reading::Record {
        contact: someone.then_some(contact),
        piece,
        changed,
    })
}

/// An answer to a Typeform form, its answers by their field's `ref`: `$.answers.<ref>`, and hidden fields:
/// `$.hidden.<name>`. Without a mapping, e-mail and telephone answers are found by their type, the rest by `ref`.
fn typeform(source: &Source, document: &Value) -> Result<Reading, Invalid> {
    if document
        .get("event_type")
        .and_then(Value::as_str)
        .is_some_and(|kind| kind != "form_response")
    {
        return Ok(Reading::Ignored("only form responses are applied".to_owned()));
    }
    let response = document
        .get("form_response")
        .ok_or_else(|| Invalid::one("form_response", "required", "this is not a Typeform message"))?;
    let mut answers = Map::new();
    let mut flat = Map::new();
    for answer in response.get("answers").and_then(Value::as_array).into_iter().flatten() {
        let Some(kind) = answer.get("type").and_then(Value::as_str) else {
            continue;
        };
        let value = match kind {
            "choice" => answer
                .pointer("/choice/label")
                .or_else(|| answer.pointer("/choice/other")),
            "choices" => answer.pointer("/choices/labels"),
            other => answer.get(other),
        };
        let Some(value) = value else { continue };
        for key in ["ref", "id"] {
            if let Some(name) = answer.pointer(&format!("/field/{key}")).and_then(Value::as_str) {
                answers.insert(name.to_owned(), value.clone());
                flat.insert(name.to_lowercase(), value.clone());
            }
        }
        match kind {
            "email" => flat.entry("email").or_insert_with(|| value.clone()),
            "phone_number" => flat.entry("phone").or_insert_with(|| value.clone()),
            _ => continue,
        };
    }
    let hidden = response.get("hidden").cloned().unwrap_or_else(|| json!({}));
    let changed = response.get("submitted_at").and_then(Value::as_str).map(str::to_owned);
    let mut root = if source.mapping.is_empty() {
        if let Value::Object(hidden) = &hidden {
            for (name, value) in hidden {
                flat.entry(name).or_insert_with(|| value.clone());
            }
        }
        flat
    } else {
        let mut root = Map::new();
        root.insert("answers".to_owned(), answers.into());
        root.insert("hidden".to_owned(), hidden);
        root.insert("form_response".to_owned(), response.clone());
        root
    };
    // One response is one record, however often it is sent.
    if !source.mapping.contains_key("external_id")
        && let Some(token) = response.get("token")
    {
        root.insert("external_id".to_owned(), token.clone());
        root.insert("id".to_owned(), token.clone());
        let mut with_id = source.clone();
        if !with_id.mapping.is_empty() {
            with_id
                .mapping
                .insert("external_id".to_owned(), "$.external_id".to_owned());
        }
        return mapped(&with_id, &root.into(), changed);
    }
    mapped(source, &root.into(), changed)
}

/// An order of a Shopify shop with its customer. Amounts are taken as the shop computed them; the order's own rules
/// check the total.
fn shopify(source: &Source, headers: &BTreeMap<String, String>, order: &Value) -> Result<Reading, Invalid> {
    let topic = headers.get("x-shopify-topic").map_or("orders/updated", String::as_str);
    if matches!(topic, "customers/data_request" | "customers/redact" | "shop/redact") {
        return Err(Invalid::one(
            "",
            "privacy_request",
            "a privacy request of the shop: a person must act on it",
        ));
    }
    if !topic.starts_with("orders/") || topic == "orders/delete" {
        return Ok(Reading::Ignored(format!(
            "messages of the topic {topic} are not applied"
        )));
    }
    let text = |value: Option<&Value>| value.and_then(text_of);
    let id = text(order.get("id")).ok_or_else(|| Invalid::one("id", "required", "the order has no id"))?;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    let currency = text(order.get("currency"));
    put("currency", json!(currency));
    put("channel", json!("shopify"));
    let placed = text(order.get("processed_at")).or_else(|| text(order.get("created_at")));
    put("placed_on", json!(placed.as_deref().and_then(|at| at.get(..10))));
    let cancelled = order.get("cancelled_at").is_some_and(|at| !at.is_null());
    let status = match order.get("fulfillment_status").and_then(Value::as_str) {
        _ if cancelled => "cancelled",
        Some("fulfilled") => "fulfilled",
        _ => "placed",
    };
    put("status", json!(status));
    let inclusive = order.get("taxes_included").and_then(Value::as_bool).unwrap_or(false);
    put("tax_inclusive", json!(inclusive));
    put("total", json!(text(order.get("total_price"))));
    let shipping = order
        .pointer("/total_shipping_price_set/shop_money/amount")
        .or_else(|| order.pointer("/shipping_lines/0/price"));
    put("shipping", json!(text(shipping)));
    let items = order
        .get("line_items")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let lines: Vec<Value> = items.iter().map(shopify_line).collect();
    put(
        "rounding",
        json!(shopify_rest(order, &lines, shipping, inclusive).map(|rest| rest.to_string())),
    );
    put("payments", shopify_payments(order, &id, placed.as_deref()).into());
    put("lines", lines.into());
    let customer = order.get("customer");
    let email = text(order.get("email")).or_else(|| text(customer.and_then(|c| c.get("email"))));
    let person = customer.and_then(|customer| text(customer.get("id")));
    let mut contact = Map::new();
    for (ours, theirs) in [
        ("given_name", "first_name"),
        ("family_name", "last_name"),
        ("phone", "phone"),
    ] {
        contact.insert(
            ours.to_owned(),
            json!(text(customer.and_then(|customer| customer.get(theirs)))),
        );
    }
    contact.insert("email".to_owned(), json!(email));
    let mut contact = Value::Object(contact);
    let mut fields = Value::Object(fields);
    strip_nulls(&mut contact);
    strip_nulls(&mut fields);
    let someone = person.is_some() || email.is_some();
    let map = |value: Value| {
        if let Value::Object(map) = value {
            map
        } else {
            Map::new()
        }
    };
    Ok(Reading::Record {
        contact: someone.then(|| Piece {
            external: person.map(|id| (source.external_source.clone(), id)),
            fields: map(contact),
        }),
        piece: Piece {
            external: Some((source.external_source.clone(), id)),
            fields: map(fields),
        },
        changed: text(order.get("updated_at")),
    })
}

/// A decimal number in a text or a number.
fn decimal(value: Option<&Value>) -> Option<Decimal> {
    text_of(value?)?.parse().ok()
}

/// What the shop's total has beyond lines and delivery: tips, duties, the tax on delivery, its own rounding.
fn shopify_rest(order: &Value, lines: &[Value], shipping: Option<&Value>, inclusive: bool) -> Option<Decimal> {
    let total = decimal(order.get("total_price"))?;
    let line = |line: &Value| {
        let gross =
            decimal(line.get("quantity")).unwrap_or_default() * decimal(line.get("unit_price")).unwrap_or_default();
        let tax = decimal(line.pointer("/tax/amount"))
            .filter(|_| !inclusive)
            .unwrap_or_default();
        gross - decimal(line.pointer("/discount/amount")).unwrap_or_default() + tax
    };
    let rest = total - lines.iter().map(line).sum::<Decimal>() - decimal(shipping).unwrap_or_default();
    (!rest.is_zero()).then_some(rest)
}

/// The payment of an order that is paid, and its refunds. A part payment is noted once the rest has come.
fn shopify_payments(order: &Value, id: &str, placed: Option<&str>) -> Vec<Value> {
    let day = |at: Option<&str>| at.and_then(|at| at.get(..10)).map(str::to_owned);
    let mut payments = Vec::new();
    let status = order.get("financial_status").and_then(Value::as_str);
    let total = decimal(order.get("total_price")).filter(|total| !total.is_zero());
    if let (Some("paid" | "partially_refunded" | "refunded"), Some(total)) = (status, total) {
        payments.push(json!({"amount": total.to_string(), "method": "shopify", "received_on": day(placed), "external_id": format!("shopify-{id}")}));
    }
    let refunds = order
        .get("refunds")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let transactions = refunds
        .iter()
        .filter_map(|refund| refund.get("transactions")?.as_array())
        .flatten();
    let paid = !payments.is_empty();
    for transaction in transactions.filter(|_| paid) {
        let is = |field: &str, word: &str| transaction.get(field).and_then(Value::as_str) == Some(word);
        let given = (
            decimal(transaction.get("amount")),
            transaction.get("id").and_then(text_of),
        );
        if let (true, true, (Some(amount), Some(id))) = (is("kind", "refund"), is("status", "success"), given) {
            let at = day(transaction
                .get("processed_at")
                .or_else(|| transaction.get("created_at"))
                .and_then(Value::as_str));
            payments.push(json!({"amount": (-amount).to_string(), "method": "shopify", "received_on": at, "external_id": format!("shopify-refund-{id}")}));
        }
    }
    payments.iter_mut().for_each(strip_nulls);
    payments
}

fn shopify_line(item: &Value) -> Value {
    let text = |value: Option<&Value>| value.and_then(text_of);
    let sum = |list: &str, field: &str| {
        let amounts = item.get(list).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        amounts
            .iter()
            .filter_map(|entry| decimal(entry.get(field)))
            .sum::<Decimal>()
    };
    let mut line = json!({
        "sku": text(item.get("sku")),
        "name": text(item.get("name")).or_else(|| text(item.get("title"))).or_else(|| text(item.get("sku"))).unwrap_or_else(|| "item".to_owned()),
        "quantity": text(item.get("quantity")),
        "unit_price": text(item.get("price")),
    });
    let (discount, tax) = (sum("discount_allocations", "amount"), sum("tax_lines", "price"));
    if !discount.is_zero() {
        line["discount"] = json!({ "amount": discount.to_string() });
    }
    if !tax.is_zero() {
        line["tax"] = json!({ "amount": tax.to_string() });
    }
    strip_nulls(&mut line);
    line
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn source(kind: SourceKind, target: Target, mapping: Value) -> Source {
        Source {
            kind,
            name: "Form".into(),
            target,
            mapping: serde_json::from_value(mapping).unwrap(),
            external_source: kind.external_source().into(),
            enabled: true,
            signed: false,
        }
    }

    fn lead(mapping: Value) -> Source {
        source(SourceKind::Generic, Target::Lead, mapping)
    }

    fn fields(source: &Source, content_type: &str, body: &str) -> (Value, Option<(String, String)>) {
        match read(source, &BTreeMap::new(), Some(content_type), body.as_bytes()).unwrap() {
            Reading::Record { piece, .. } => (piece.fields.into(), piece.external),
            Reading::Ignored(reason) => (json!(reason), None),
        }
    }

    #[test]
    fn generic_messages_are_mapped() {
        let (json_type, form) = ("application/json; charset=utf-8", "application/x-www-form-urlencoded");
        let paths = json!({"email":"$.contact.email","name":"$.contact.names[0]","source":"=fair","utm.source":"$[\"utm source\"]",
            "custom.size":"$.size","external_id":"$.id","tags":"$.tags"});
        for (mapping, content_type, body, expected, external) in [
            (
                json!({}),
                json_type,
                r#"{"email":"a@b.co","full_name":"Ann","utm_source":"ad","hue":3}"#,
                json!({"email":"a@b.co","name":"Ann","utm":{"source":"ad"}}),
                None,
            ),
            (
                json!({}),
                form,
                "email=a%40b.co&your-message=Hi+there&utm_medium=cpc",
                json!({"email":"a@b.co","note":"Hi there","utm":{"medium":"cpc"}}),
                None,
            ),
            (
                json!({}),
                json_type,
                r#"{"email":"a@b.co","name":"","phone":null,"value":{"amount":12.5,"currency":"USD"}}"#,
                json!({"email":"a@b.co","value":{"amount":"12.5","currency":"USD"}}),
                None,
            ),
            (
                json!({}),
                json_type,
                r#"{"lead_id":7,"email":"a@b.co"}"#,
                json!({"email":"a@b.co"}),
                Some("7"),
            ),
            (
                paths,
                json_type,
                r#"{"id":42,"contact":{"email":"a@b.co","names":["Ann"]},"utm source":"ad","size":3,"tags":"x, y"}"#,
                json!({"custom":{"size":"3"},"email":"a@b.co","name":"Ann","source":"fair","tags":["x","y"],"utm":{"source":"ad"}}),
                Some("42"),
            ),
            (
                json!({"email":"data[email]","note":"box"}),
                form,
                "data%5Bemail%5D=a@b.co&box=1&box=2",
                json!({"email":"a@b.co","note":"1, 2"}),
                None,
            ),
            (
                json!({}),
                json_type,
                r#"{"email":"a@b.co","is_test":true}"#,
                json!("the sender marked this message as a test"),
                None,
            ),
        ] {
            let found = fields(&lead(mapping), content_type, body);
            assert_eq!(
                found,
                (expected, external.map(|id| ("webhook".to_owned(), id.to_owned()))),
                "{body}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let form = "application/x-www-form-urlencoded";
        for (content_type, body, code) in [
            ("application/json", "{", "malformed"),
            ("application/json", "[]", "wrong_type"),
            ("application/json", "{}", "nothing_found"),
            (form, "", "nothing_found"),
            ("multipart/form-data; boundary=x", "--x", "unsupported_media_type"),
        ] {
            let invalid = read(&lead(json!({})), &BTreeMap::new(), Some(content_type), body.as_bytes()).unwrap_err();
            assert_eq!(invalid.problems[0].code, code, "{content_type} {body}");
        }
        let order = source(SourceKind::Generic, Target::Order, json!({"currency":"$.currency"}));
        let invalid = read(&order, &BTreeMap::new(), None, br#"{"currency":"USD"}"#).unwrap_err();
        assert_eq!(invalid.problems[0].pointer, "#/external_id");
    }

    #[test]
    fn mappings_are_checked() {
        for (field, path, codes) in [
            ("email", "$.a.b", vec![]),
            ("email", "email", vec![]),
            ("email", "=x", vec![]),
            ("email", "$", vec![]),
            ("custom.size", "$.a[0][\"b c\"].d", vec![]),
            ("status", "$.a", vec!["field_unknown"]),
            ("custom.", "$.a", vec!["field_unknown"]),
            ("email", "", vec!["path_malformed"]),
            ("email", "$.", vec!["path_malformed"]),
            ("email", "$..a", vec!["path_malformed"]),
            ("email", "$.a[x]", vec!["path_malformed"]),
            ("email", "$a", vec!["path_malformed"]),
            ("nope", "$[", vec!["field_unknown", "path_malformed"]),
        ] {
            let found: Vec<_> = check_mapping(Target::Lead, field, path)
                .err()
                .map_or_else(Vec::new, |invalid| {
                    invalid.problems.iter().map(|problem| problem.code).collect()
                });
            assert_eq!(found, codes, "{field} {path}");
        }
    }

    #[test]
    fn a_typeform_response_becomes_a_lead() {
        let body = json!({"event_id":"LtWXD3crgy","event_type":"form_response","form_response":{"form_id":"lT4Z3j","token":"a3a12ec67a1365927098a606107fac15",
            "submitted_at":"2018-01-18T18:17:02Z","hidden":{"utm_source":"newsletter"},"answers":[
            {"type":"text","text":"Ann Li","field":{"id":"A1","type":"short_text","ref":"name"}},
            {"type":"email","email":"a@b.co","field":{"id":"SMEU","type":"email","ref":"readable_ref_email"}},
            {"type":"choice","choice":{"label":"Retail"},"field":{"id":"C1","type":"multiple_choice","ref":"branch"}},
            {"type":"choices","choices":{"labels":["x","y"]},"field":{"id":"C2","type":"multiple_choice","ref":"wants"}},
            {"type":"number","number":12,"field":{"id":"N1","type":"number","ref":"staff"}}]}}).to_string();
        let external = Some(("typeform".to_owned(), "a3a12ec67a1365927098a606107fac15".to_owned()));
        let plain = source(SourceKind::Typeform, Target::Lead, json!({}));
        let expected = json!({"email":"a@b.co","name":"Ann Li","utm":{"source":"newsletter"}});
        assert_eq!(fields(&plain, "application/json", &body), (expected, external.clone()));
        let mapping = json!({"email":"$.answers.readable_ref_email","industry":"$.answers.branch","tags":"$.answers.wants","note":"$.answers.N1"});
        let expected = json!({"email":"a@b.co","industry":"Retail","tags":["x","y"],"note":"12"});
        let mapped = source(SourceKind::Typeform, Target::Lead, mapping);
        assert_eq!(fields(&mapped, "application/json", &body), (expected, external));
    }

    #[test]
    fn a_shopify_order_becomes_an_order_and_its_contact() {
        let source = source(SourceKind::ShopifyOrders, Target::Order, json!({}));
        let body = json!({"id":450789469,"email":"bob@example.com","created_at":"2026-01-02T08:59:11-05:00","updated_at":"2026-01-03T00:00:00-05:00",
            "currency":"USD","total_price":"409.94","taxes_included":false,"financial_status":"partially_refunded","fulfillment_status":null,
            "refunds":[{"transactions":[{"id":77,"kind":"refund","status":"success","amount":"9.94","processed_at":"2026-01-05T00:00:00Z"},{"id":78,"kind":"refund","status":"failure","amount":"1"}]}],
            "total_shipping_price_set":{"shop_money":{"amount":"10.00","currency_code":"USD"}},
            "customer":{"id":207119551,"email":"bob@example.com","first_name":"Bob","last_name":"Norman"},
            "line_items":[{"sku":"IPOD2008","name":"Player","quantity":2,"price":"199.00","tax_lines":[{"price":"11.94"}],"discount_allocations":[{"amount":"10.00"}]}]});
        let headers = BTreeMap::from([("x-shopify-topic".to_owned(), "orders/create".to_owned())]);
        let reading = read(&source, &headers, Some("application/json"), body.to_string().as_bytes()).unwrap();
        let Reading::Record {
            contact,
            piece,
            changed,
        } = reading
        else {
            panic!("a record was expected")
        };
        let contact = contact.unwrap();
        assert_eq!(contact.external, Some(("shopify".into(), "207119551".into())));
        assert_eq!(
            Value::from(contact.fields),
            json!({"given_name":"Bob","family_name":"Norman","email":"bob@example.com"})
        );
        assert_eq!(piece.external, Some(("shopify".into(), "450789469".into())));
        assert_eq!(changed.as_deref(), Some("2026-01-03T00:00:00-05:00"));
        assert_eq!(
            Value::from(piece.fields),
            json!({"currency":"USD","channel":"shopify","placed_on":"2026-01-02","status":"placed",
            "tax_inclusive":false,"total":"409.94","shipping":"10.00",
            "payments":[{"amount":"409.94","method":"shopify","received_on":"2026-01-02","external_id":"shopify-450789469"},
                {"amount":"-9.94","method":"shopify","received_on":"2026-01-05","external_id":"shopify-refund-77"}],
            "lines":[{"sku":"IPOD2008","name":"Player","quantity":"2","unit_price":"199.00","discount":{"amount":"10.00"},"tax":{"amount":"11.94"}}]})
        );
        for (topic, ignored) in [
            ("orders/delete", true),
            ("products/update", true),
            ("orders/paid", false),
        ] {
            let headers = BTreeMap::from([("x-shopify-topic".to_owned(), topic.to_owned())]);
            let reading = read(&source, &headers, None, body.to_string().as_bytes()).unwrap();
            assert_eq!(matches!(reading, Reading::Ignored(_)), ignored, "{topic}");
        }
    }

    #[test]
    fn what_the_sender_marks_as_a_test_is_left_alone() {
        let (json_type, form) = ("application/json", "application/x-www-form-urlencoded");
        let (none, flag) = (json!({}), json!({"email":"$.email","is_test":"$.meta.sandbox"}));
        for (mapping, content_type, body, header, ignored) in [
            (&none, json_type, r#"{"email":"a@b.co"}"#, None, false),
            (&none, json_type, r#"{"email":"a@b.co"}"#, Some("true"), true),
            (&none, json_type, r#"{"email":"a@b.co"}"#, Some("false"), false),
            (&none, json_type, r#"{"email":"a@b.co","test":true}"#, None, true),
            (&none, json_type, r#"{"email":"a@b.co","test":false}"#, None, false),
            (&none, json_type, r#"{"email":"a@b.co","test":"yes"}"#, None, true),
            (&none, json_type, r#"{"email":"a@b.co","test":"no"}"#, None, false),
            (&none, form, "email=a@b.co&is_test=yes", None, true),
            (&none, form, "email=a@b.co&test=1", None, true),
            (
                &flag,
                json_type,
                r#"{"email":"a@b.co","meta":{"sandbox":true}}"#,
                None,
                true,
            ),
            (
                &flag,
                json_type,
                r#"{"email":"a@b.co","meta":{"sandbox":1}}"#,
                None,
                true,
            ),
            (
                &flag,
                json_type,
                r#"{"email":"a@b.co","meta":{"sandbox":0}}"#,
                None,
                false,
            ),
        ] {
            let headers = header.map(|text| ("x-shopify-test".to_owned(), text.to_owned()));
            let headers = headers.into_iter().collect();
            let reading = read(&lead(mapping.clone()), &headers, Some(content_type), body.as_bytes()).unwrap();
            assert_eq!(matches!(reading, Reading::Ignored(_)), ignored, "{body} {header:?}");
        }
    }

    #[test]
    fn a_generic_order_is_read_with_its_lines_and_its_contact() {
        let paths = json!({"external_id":"$.no","contact.email":"$.who","lines":"$.cart","lines.sku":"$.code",
            "lines.unit_price":"$.cost"});
        let own = json!({});
        for (mapping, body, fields, contact) in [
            (
                &own,
                json!({"id":7,"currency":"USD","placed_on":"2026-01-02T08:00:00Z","tax_inclusive":"yes",
                    "contact":{"external_id":9,"name":"Ann"},
                    "lines":[{"sku":"T-1","name":"Tea","quantity":2,"unit_price":"1,250.50"}]}),
                json!({"currency":"USD","placed_on":"2026-01-02","tax_inclusive":true,
                    "lines":[{"sku":"T-1","name":"Tea","quantity":"2","unit_price":"1250.50"}]}),
                Some((Some("9"), json!({"name":"Ann"}))),
            ),
            (
                &own,
                json!({"id":7,"tax_inclusive":false,"contact":{"email":"a@b.co"},"lines":[]}),
                json!({"tax_inclusive":false}),
                Some((None, json!({"email":"a@b.co"}))),
            ),
            // A name alone says not who it is.
            (
                &own,
                json!({"id":7,"currency":"USD","contact":{"name":"Ann"}}),
                json!({"currency":"USD"}),
                None,
            ),
            (
                &paths,
                json!({"no":"7","who":"a@b.co","cart":[{"code":"T-1","name":"Tea","cost":5},{"code":"P-1"}]}),
                json!({"lines":[{"sku":"T-1","name":"Tea","unit_price":"5"},{"sku":"P-1"}]}),
                Some((None, json!({"email":"a@b.co"}))),
            ),
        ] {
            let order = source(SourceKind::Generic, Target::Order, mapping.clone());
            let named = |id: &str| Some(("webhook".to_owned(), id.to_owned()));
            let piece = |external, fields: Value| Piece {
                external,
                fields: fields.as_object().unwrap().clone(),
            };
            let expected = Reading::Record {
                contact: contact.map(|(id, fields)| piece(id.and_then(named), fields)),
                piece: piece(named("7"), fields),
                changed: None,
            };
            let reading = read(&order, &BTreeMap::new(), None, body.to_string().as_bytes()).unwrap();
            assert_eq!(reading, expected, "{body}");
        }
        let order = source(SourceKind::Generic, Target::Order, own);
        let invalid = read(&order, &BTreeMap::new(), None, br#"{"id":7,"lines":"Tea"}"#).unwrap_err();
        assert_eq!(
            (invalid.problems[0].pointer.as_str(), invalid.problems[0].code),
            ("#/lines", "wrong_type")
        );
    }

    #[test]
    fn a_typeform_answer_is_known_by_its_type() {
        let body = json!({"event_type":"form_response","form_response":{"answers":[
            {"type":"phone_number","phone_number":"+14155552671","field":{"id":"P1","ref":"reach_you"}},
            {"type":"email","email":"a@b.co","field":{"id":"E1","ref":"write_you"}},
            {"type":"url","url":"https://a.b","field":{"id":"U1","ref":"see_you"}}]}});
        let form = source(SourceKind::Typeform, Target::Lead, json!({}));
        let expected = json!({"email":"a@b.co","phone":"+14155552671"});
        assert_eq!(fields(&form, "application/json", &body.to_string()), (expected, None));
    }

    #[test]
    fn a_shopify_order_has_the_state_the_rest_and_the_person_that_the_shop_says() {
        let source = source(SourceKind::ShopifyOrders, Target::Order, json!({}));
        for (said, status, rounding, customer) in [
            (json!({}), "placed", None, None),
            (
                json!({"fulfillment_status":"partial","cancelled_at":null}),
                "placed",
                None,
                None,
            ),
            (
                json!({"fulfillment_status":"fulfilled","cancelled_at":null}),
                "fulfilled",
                None,
                None,
            ),
            (
                json!({"fulfillment_status":"fulfilled","cancelled_at":"2026-01-03T00:00:00Z"}),
                "cancelled",
                None,
                None,
            ),
            (json!({"total_price":"18.50"}), "placed", Some("1.50"), None),
            (json!({"total_price":"16.99"}), "placed", Some("-0.01"), None),
            // The tax is in the prices, and so in the total.
            (json!({"total_price":"15","taxes_included":true}), "placed", None, None),
            (json!({"email":"a@b.co"}), "placed", None, Some((None, Some("a@b.co")))),
            (json!({"customer":{"id":5}}), "placed", None, Some((Some("5"), None))),
            (
                json!({"customer":{"id":5,"email":"a@b.co"}}),
                "placed",
                None,
                Some((Some("5"), Some("a@b.co"))),
            ),
            (json!({"customer":{"first_name":"Ann"}}), "placed", None, None),
        ] {
            let mut order = json!({"id":1,"currency":"USD","total_price":"17","shipping_lines":[{"price":"5"}],"line_items":[
                {"name":"Tea","quantity":2,"price":"6","tax_lines":[{"price":"2"}],"discount_allocations":[{"amount":"2"}]}]});
            order.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
            let reading = read(&source, &BTreeMap::new(), None, order.to_string().as_bytes()).unwrap();
            let Reading::Record { contact, piece, .. } = reading else {
                panic!("a record was expected")
            };
            assert_eq!(piece.fields["status"], status, "{said}");
            assert_eq!(piece.fields.get("rounding").and_then(Value::as_str), rounding, "{said}");
            let found = contact.as_ref().map(|contact| {
                let id = contact.external.as_ref().map(|(_, id)| id.as_str());
                (id, contact.fields.get("email").and_then(Value::as_str))
            });
            assert_eq!(found, customer, "{said}");
        }
    }
}
