//! Input that nobody should send: every field with every odd value, ids of other kinds, forged cursors, parameters
//! without end, and bytes that are no HTTP. Never a 500, always a clear answer, and nothing kept of what was refused.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use futures::stream::iter;
use parking_lot::Mutex;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Tenant, eventually, world};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What is counted: plural, and what its ids begin with.
const KEPT: [(&str, &str); 7] = [
    ("leads", "lead_"),
    ("contacts", "con_"),
    ("companies", "com_"),
    ("products", "prd_"),
    ("orders", "ord_"),
    ("tickets", "tkt_"),
    ("surveys", "sur_"),
];

/// What is put in the place of every field, as JSON text.
const ODD: [&str; 27] = [
    "null",
    "true",
    "-1",
    "1.5",
    "1e308",
    "1e999",
    "18446744073709551616",
    "\"\"",
    "\" \"",
    "\"NaN\"",
    "\"-1.00\"",
    "\"1e999\"",
    "\"99999999999999999999999999999999999999\"",
    "\"0.0000000000000000000000000000001\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\u{202e}\u{feff}\"",
    "\"0000-01-01\"",
    "\"9999-12-31\"",
    "\"2026-02-30\"",
    "\"-009999-01-01T00:00:00Z\"",
    "\"con_7zzzzzzzzzzzzzzzzzzzzzzzzz\"",
    "\"../../etc/passwd\"",
    "[]",
    "[null, [[[]]]]",
    "{}",
    "{\"a\": {\"b\": [null]}}",
];

/// A body with every field that there is, and where it goes. `UNIQUE` is another text each time.
pub fn bodies(contact: &str, other: &str, order: &str, ticket: &str, user: &str) -> Vec<(Method, String, Value)> {
    let money = json!({"amount": "12.50", "currency": "USD"});
    let common = json!({"owner_id": user, "tags": ["a"], "external_ids": {"shop": "UNIQUE"}});
    let with = |mut body: Value| {
        body.as_object_mut()
            .unwrap()
            .extend(common.as_object().unwrap().clone());
        body
    };
    let address = json!([{"street": "1 Main Street", "city": "Springfield", "region": "IL", "postal_code": "62701", "country": "US", "label": "home"}]);
    let line = json!({"sku": "TEA", "name": "Tea", "quantity": "2", "unit_price": "5.00", "unit_cost": "2.00", "discount": {"percent": "10"}, "tax": {"rate": "0.1"}});
    let filter = json!({"filter_groups": [{"filters": [{"field": "tags", "op": "eq", "value": "a"}]}], "sorts": [{"field": "created_at", "descending": true}], "limit": 10});
    let post = |path: &str, body: Value| (Method::POST, path.to_owned(), body);
    vec![
        post(
            "/v1/leads",
            with(
                json!({"name": "Ann", "company_name": "Firm", "email": "UNIQUE@shop.example", "phone": "+14155552671", "title": "Cook", "industry": "food", "source": "web", "utm": {"source": "s", "medium": "m", "campaign": "c", "term": "t", "content": "x"}, "status": "new", "rating": "hot", "note": "n", "value": money}),
            ),
        ),
        post(
            "/v1/contacts",
            with(
                json!({"name": "Ann", "given_name": "Ann", "family_name": "Example", "emails": [{"address": "UNIQUE@shop.example", "label": "work", "primary": true}], "phones": [{"number": "+14155552671", "label": "work", "primary": true}], "addresses": address, "title": "Cook", "occupation": "Cook", "birthday": "1990-02-28", "gender": "female", "locale": "en", "consent": {"email": {"status": "granted", "at": "2026-01-01T00:00:00Z", "source": "form"}}, "do_not_contact": false, "note": "n"}),
            ),
        ),
        post(
            "/v1/companies",
            with(
                json!({"name": "Firm", "kind": "organisation", "industry": "food", "size": "small", "website": "https://firm.example", "email": "UNIQUE@firm.example", "phone": "+14155552671", "addresses": address, "tax_id": "1", "region": "IL", "country": "US", "credit_limit": money, "terms_days": 30, "note": "n"}),
            ),
        ),
        post(
            "/v1/products",
            with(
                json!({"sku": "UNIQUE", "name": "Tea", "category": "drinks", "price": money, "cost": money, "unit": "kg", "active": true, "stock": "3"}),
            ),
        ),
        post(
            "/v1/orders",
            with(
                json!({"contact_id": contact, "placed_on": "2026-01-05", "fulfilled_on": "2026-01-06", "currency": "USD", "status": "fulfilled", "lines": [line], "tax_inclusive": false, "shipping": "1.00", "rounding": "0.01", "payments": [{"amount": "1.00", "method": "card", "received_on": "2026-01-06", "external_id": "p"}], "allow_credit": false, "historic": true, "channel": "web"}),
            ),
        ),
        post(
            "/v1/orders",
            json!({"contact_ref": {"key": "shop", "value": "UNIQUE"}, "lines": [{"name": "Tea", "unit_price": "1.00", "discount": {"amount": "0.10"}, "tax": {"amount": "0.10"}}]}),
        ),
        post(
            &format!("/v1/orders/{order}/payments"),
            json!({"amount": "0.01", "method": "card", "received_on": "2026-01-06", "external_id": "UNIQUE", "allow_credit": true}),
        ),
        post(
            &format!("/v1/orders/{order}/fulfil"),
            json!({"fulfilled_on": "2026-01-06"}),
        ),
        post(
            "/v1/tickets",
            with(
                json!({"subject": "Help", "body": "b", "contact_id": contact, "order_id": order, "channel": "api", "kind": "question", "priority": "high", "status": "new", "assignee_id": user}),
            ),
        ),
        post(
            &format!("/v1/tickets/{ticket}/messages"),
            json!({"body": "b", "internal": true, "from": "agent"}),
        ),
        post(&format!("/v1/tickets/{ticket}/resolve"), json!({"note": "n"})),
        post(
            "/v1/fields",
            json!({"kind": "lead", "key": "UNIQUE", "label": "Field", "type": "choice", "required": false, "unique": false, "choices": ["a", "b"]}),
        ),
        post(
            "/v1/surveys",
            with(
                json!({"name": "S", "metric": "csat", "question": {"en": "How?"}, "thanks": {"en": "Thanks"}, "triggers": ["ticket.resolved"], "active": true, "sample_rate": 0.5, "reminder_days": 3, "most_reminders": 2,
                    "items": [{"key": "again", "kind": "choice", "text": {"en": "Again?"}, "heading": {"en": "H"}, "choices": [{"key": "yes", "text": {"en": "Yes"}}, {"key": "no", "text": {"en": "No"}}], "required": true},
                        {"key": "speed", "kind": "scale", "text": {"en": "Speed?"}, "from": 1, "to": 5, "show_if": {"item": "again", "op": "eq", "value": "no"}}]}),
            ),
        ),
        post(
            "/v1/webhook-endpoints",
            json!({"url": "https://hook.example/UNIQUE", "event_types": ["lead.created"], "enabled": false, "description": "d"}),
        ),
        post(
            "/v1/webhook-sources",
            json!({"kind": "generic", "name": "S", "target": "lead", "mapping": {"name": "fields.name"}, "external_source": "form", "enabled": true}),
        ),
        post(
            "/v1/api-keys",
            json!({"name": "k", "scopes": ["leads:read"], "expires_at": "2030-01-01T00:00:00Z"}),
        ),
        post(
            "/v1/invitations",
            json!({"email": "UNIQUE@firm.example", "role": "agent", "name": "N", "locale": "en"}),
        ),
        post(
            "/v1/leads/batch",
            json!({"operation": "update", "inputs": [{"id": "lead_01h455vb4pex5vsknk084sn02q", "patch": {"note": "n"}}], "atomic": false}),
        ),
        post(
            "/v1/leads/batch",
            json!({"operation": "upsert", "inputs": [{"key": "shop", "value": "UNIQUE", "record": {"name": "A"}}]}),
        ),
        post("/v1/contacts/search", filter.clone()),
        post("/v1/orders/search", filter),
        post(
            &format!("/v1/contacts/{contact}/merge"),
            json!({"from": [other], "fields": {"name": contact}, "dry_run": true}),
        ),
        post("/v1/segments/recompute", json!({"until": "2026-01-01"})),
        (
            Method::PUT,
            "/v1/contacts/by/shop/UNIQUE".into(),
            json!({"name": "Ann", "emails": [{"address": "UNIQUE@shop.example"}]}),
        ),
        (
            Method::PATCH,
            format!("/v1/contacts/{contact}"),
            json!({"name": "Ann", "birthday": "2000-02-29", "tags": ["a"], "external_ids": {"erp": "UNIQUE"}}),
        ),
        (
            Method::PATCH,
            format!("/v1/orders/{order}"),
            json!({"channel": "web", "tags": ["a"], "external_ids": {"erp": "UNIQUE"}}),
        ),
        (Method::PATCH, "/v1/me".into(), json!({"name": "Owner", "locale": "en"})),
        (
            Method::PATCH,
            "/v1/settings".into(),
            json!({"country": "US", "currency": "USD", "time_zone": "UTC", "locale": "en", "working_hours": {"mon": [["09:00", "12:00"]]}, "holidays": ["2026-12-25"],
            "sla": {"policies": [{"priority": "high", "first_response_minutes": 30, "resolution_minutes": 240}]}, "survey": {"enabled": false, "delay_minutes": 1, "quiet_hours": {"from": "22:00", "to": "08:00"}, "min_days_between": 1, "sample_rate": 1.0},
            "scoring": {"pareto_cuts": [0.8, 0.95], "at_risk_p_alive": 0.5, "lost_after_days": 365, "margin_rate": 0.3, "discount_rate": 0.1}, "allowed_origins": ["https://shop.example"]}),
        ),
    ]
}

/// The place of every value in a body, and the body itself.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map
            .iter()
            .for_each(|(name, value)| places(value, &format!("{at}/{name}"), found)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(n, value)| places(value, &format!("{at}/{n}"), found)),
        _ => {}
    }
}

/// What is wrong with an answer, which must be success or a problem that says where or what.
fn unclear(answer: &Answer) -> Option<String> {
    if matches!(answer.status, 200..=299) {
        return None;
    }
    let says = |value: &Value| value.as_str().is_some_and(|text| text.len() > 3);
    let points = |error: &Value| {
        error["pointer"]
            .as_str()
            .is_some_and(|pointer| pointer.starts_with('#'))
    };
    let errors = answer.body["errors"].as_array();
    let clear = (400..500).contains(&answer.status)
        && answer.header("content-type") == "application/problem+json"
        && says(&answer.body["title"])
        && says(&answer.body["code"])
        && (answer.status != 422
            || errors.is_some_and(|errors| {
                let named = |error: &Value| points(error) && says(&error["detail"]) && says(&error["code"]);
                !errors.is_empty() && errors.iter().all(named)
            }));
    (!clear).then(|| format!("{} {}", answer.status, answer.text))
}

/// The ids of all records of what these bodies make.
async fn kept(tenant: &Tenant) -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    for (plural, _) in KEPT {
        let mut cursor = String::new();
        loop {
            let page = tenant.get(&format!("/v1/{plural}?limit=200{cursor}")).await.expect(200);
            let data = page["data"].as_array().unwrap();
            ids.extend(data.iter().map(|record| record["id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
    }
    ids
}

struct Records {
    tenant: Tenant,
    contact: String,
    other: String,
    order: String,
    ticket: String,
}

async fn records() -> Records {
    let tenant = Tenant::new().await;
    let made = async |plural: &str, body: Value| {
        let record = tenant.post(&format!("/v1/{plural}"), body).await.expect(201);
        record["id"].as_str().unwrap().to_owned()
    };
    let contact = made("contacts", json!({"name": "Base"})).await;
    let other = made("contacts", json!({"name": "Other"})).await;
    let order = made("orders", json!({"lines": [{"name": "Tea", "unit_price": "1000.00"}]})).await;
    let ticket = made("tickets", json!({"subject": "Base", "channel": "api"})).await;
    made("products", json!({"sku": "TEA", "name": "Tea"})).await;
    Records {
        contact,
        other,
        order,
        ticket,
        tenant,
    }
}

/// The records that a request made, and the customer of an order, who may have come with it.
fn made(answer: &Answer) -> Vec<String> {
    let own = std::slice::from_ref(&answer.body);
    let records = match answer.body["results"].as_array() {
        Some(results) => results
            .iter()
            .filter(|result| result["status"] == 201)
            .map(|result| &result["record"])
            .collect(),
        None => own.iter().filter(|_| answer.status == 201).collect::<Vec<_>>(),
    };
    let ids = records
        .into_iter()
        .flat_map(|record| [&record["id"], &record["contact_id"]]);
    ids.filter_map(Value::as_str)
        .filter(|id| KEPT.iter().any(|(_, prefix)| id.starts_with(prefix)))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_field_with_every_odd_value_gets_a_clear_answer() {
    let base = records().await;
    // Settings and fields bind what others may send: they are a firm's of their own.
    let apart = Tenant::new().await;
    let before = kept(&base.tenant).await;
    let (unique, new) = (AtomicUsize::new(0), Mutex::new(before.clone()));
    let (mut as_they_are, mut calls) = (Vec::new(), Vec::new());
    for (method, path, body) in bodies(&base.contact, &base.other, &base.order, &base.ticket, &base.tenant.user) {
        let mut found = Vec::new();
        places(&body, "", &mut found);
        for place in found {
            calls.extend(
                ODD.iter()
                    .map(|odd| (method.clone(), path.clone(), body.clone(), place.clone(), *odd)),
            );
        }
        // The body as it is must be taken, or nothing is learnt from its being refused: one by one, before the others.
        as_they_are.push((method, path, body, "as it is".to_owned(), ""));
    }
    let total = calls.len();
    assert!(total > 5_000, "{total}");
    let wrong = Mutex::new(Vec::new());
    let (base, apart, unique, new, wrong) = (&base, &apart, &unique, &new, &wrong);
    let send = |(method, path, mut body, place, odd): (Method, String, Value, String, &'static str)| async move {
        let at = format!("{method} {path} {place} {odd}");
        if let Some(value) = body.pointer_mut(&place) {
            *value = json!("ODD");
        }
        let mark = format!("u{}", unique.fetch_add(1, Ordering::Relaxed));
        let text = body.to_string().replace("\"ODD\"", odd).replace("UNIQUE", &mark);
        let headers = [
            ("content-type", "application/json"),
            ("rapport-allow-duplicate", "true"),
        ];
        let tenant = if path == "/v1/settings" || path == "/v1/fields" {
            apart
        } else {
            &base.tenant
        };
        let answer = tenant
            .send(
                method,
                &path.replace("UNIQUE", &mark),
                &headers,
                Some(text.into_bytes()),
            )
            .await;
        let refused = (odd.is_empty() && answer.status > 299).then(|| answer.text.clone());
        wrong
            .lock()
            .extend(unclear(&answer).or(refused).map(|why| format!("{at}: {why}")));
        new.lock().extend(made(&answer));
    };
    iter(as_they_are).for_each(send).await;
    iter(calls).for_each_concurrent(8, send).await;
    assert!(wrong.lock().is_empty(), "{:#?}", wrong.lock());
    let expected = new.lock().clone();
    assert!(
        expected.len() > before.len() + 500,
        "{} were taken",
        expected.len() - before.len()
    );
    assert_eq!(
        kept(&base.tenant).await,
        expected,
        "nothing is kept of what was refused"
    );
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let base = records().await;
    let before = kept(&base.tenant).await;
    let order = |field: &str, value: Value| {
        let mut order = json!({"lines": [{"name": "Tea", "unit_price": "5.00"}]});
        let (parent, name) = field.rsplit_once('/').unwrap();
        order.pointer_mut(parent).unwrap()[name] = value;
        ("orders", order)
    };
    let of = |plural: &'static str, base: Value, field: &str, value: Value| {
        let mut body = base;
        body[field] = value;
        (plural, body)
    };
    let lead = |field: &str, value: Value| of("leads", json!({"name": "A"}), field, value);
    let contact = |field: &str, value: Value| of("contacts", json!({"name": "A"}), field, value);
    let company = |field: &str, value: Value| of("companies", json!({"name": "A"}), field, value);
    let product = |field: &str, value: Value| of("products", json!({"sku": "X", "name": "A"}), field, value);
    let ticket = |field: &str, value: Value| of("tickets", json!({"subject": "A", "channel": "api"}), field, value);
    let money = |amount: &str, currency: &str| json!({"amount": amount, "currency": currency});
    let mut wrong = Vec::new();
    for ((plural, body), pointer) in [
        // Currencies.
        (lead("value", money("1", "")), "#/value/currency"),
        (lead("value", money("1", "usd ")), "#/value/currency"),
        (lead("value", money("1", "XXX")), "#/value/currency"),
        (lead("value", money("1", "XTS")), "#/value/currency"),
        (lead("value", money("1", "ZZZ")), "#/value/currency"),
        (lead("value", money("1", "ＵＳＤ")), "#/value/currency"),
        (order("/currency", json!("BTC")), "#/currency"),
        (order("/currency", json!("US")), "#/currency"),
        (order("/currency", json!(840)), "#/currency"),
        // Amounts and quantities.
        (lead("value", money("NaN", "USD")), "#/value/amount"),
        (lead("value", money("Infinity", "USD")), "#/value/amount"),
        (lead("value", money("1e999", "USD")), "#/value/amount"),
        (lead("value", money("1,000", "USD")), "#/value/amount"),
        (lead("value", money("0x10", "USD")), "#/value/amount"),
        (lead("value", money("١٢", "USD")), "#/value/amount"),
        (
            lead("value", money("99999999999999999999999999999999", "USD")),
            "#/value/amount",
        ),
        (order("/lines/0/quantity", json!("-1")), "#/lines/0/quantity"),
        (order("/lines/0/quantity", json!("0")), "#/lines/0/quantity"),
        (order("/lines/0/quantity", json!(2)), "#/lines/0/quantity"),
        (order("/lines/0/quantity", json!("1e30")), "#/lines/0/quantity"),
        (order("/lines/0/unit_price", json!("-5.00")), "#/lines/0/unit_price"),
        (order("/lines/0/unit_price", json!(5)), "#/lines/0/unit_price"),
        (
            order("/lines/0/unit_price", json!("79228162514264337593543950335")),
            "#/lines/0/unit_price",
        ),
        (order("/lines/0/unit_cost", json!("-1")), "#/lines/0/unit_cost"),
        (
            order("/lines/0/discount", json!({"percent": "101"})),
            "#/lines/0/discount/percent",
        ),
        (
            order("/lines/0/discount", json!({"amount": "5.01"})),
            "#/lines/0/discount",
        ),
        (order("/lines/0/tax", json!({"rate": "-0.1"})), "#/lines/0/tax/rate"),
        (order("/shipping", json!("-1")), "#/shipping"),
        (order("/lines", json!([])), "#/lines"),
        (order("/payments", json!([{"amount": "0"}])), "#/payments"),
        (product("price", money("-1", "USD")), "#/price"),
        (product("stock", json!("1e40")), "#/stock"),
        (company("credit_limit", money("-1", "USD")), "#/credit_limit"),
        (company("terms_days", json!(-1)), "#/terms_days"),
        (company("terms_days", json!(1.5)), "#/terms_days"),
        // Days and times.
        (order("/placed_on", json!("0000-01-01")), "#/placed_on"),
        (order("/placed_on", json!("0001-01-01")), "#/placed_on"),
        (order("/placed_on", json!("9999-12-31")), "#/placed_on"),
        (order("/placed_on", json!("10000-01-01")), "#/placed_on"),
        (order("/placed_on", json!("-000001-01-01")), "#/placed_on"),
        (order("/placed_on", json!("2026-02-29")), "#/placed_on"),
        (order("/placed_on", json!("1900-02-29")), "#/placed_on"),
        (order("/placed_on", json!("2026-13-01")), "#/placed_on"),
        (order("/placed_on", json!("2026-1-1")), "#/placed_on"),
        (order("/placed_on", json!("2026-01-01T00:00:00Z")), "#/placed_on"),
        (order("/placed_on", json!(20_260_101)), "#/placed_on"),
        (contact("birthday", json!("0000-00-00")), "#/birthday"),
        (contact("birthday", json!("0000-01-01")), "#/birthday"),
        (contact("birthday", json!("9999-12-31")), "#/birthday"),
        (contact("birthday", json!("2023-02-29")), "#/birthday"),
        // Texts.
        (lead("name", json!("a\u{0}b")), "#/name"),
        (lead("name", json!("x".repeat(100_000))), "#/name"),
        (lead("email", json!("a@b@c")), "#/email"),
        (lead("email", json!("a\r\nBcc: b@c.de")), "#/email"),
        (lead("phone", json!("1".repeat(40))), "#/phone"),
        (lead("tags", json!(["x".repeat(1_000)])), "#/tags"),
        (
            lead("tags", json!((0..1_000).map(|n| n.to_string()).collect::<Vec<_>>())),
            "#/tags",
        ),
        (lead("external_ids", json!({"": "x"})), "#/external_ids"),
        (lead("custom", json!({"never declared": 1})), "#/custom/never declared"),
        (lead("status", json!("converted")), "#/status"),
        (contact("locale", json!("the local one")), "#/locale"),
        (company("website", json!("javascript:alert(1)")), "#/website"),
        (company("country", json!("Atlantis")), "#/country"),
        (ticket("channel", json!("pigeon")), "#/channel"),
        (ticket("subject", json!("")), "#/subject"),
    ] {
        let answer = base.tenant.post(&format!("/v1/{plural}"), body.clone()).await;
        let empty = Vec::new();
        let errors = answer.body["errors"].as_array().unwrap_or(&empty);
        let found: Vec<&str> = errors.iter().filter_map(|error| error["pointer"].as_str()).collect();
        if answer.status != 422 || !found.iter().any(|found| found.starts_with(pointer)) {
            let shown: String = body.to_string().chars().take(200).collect();
            wrong.push(format!("{shown}: {} {found:?} is not {pointer}", answer.status));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    // What looks odd and is right.
    for (plural, body) in [
        contact("birthday", json!("2024-02-29")),
        order("/placed_on", json!("2024-02-29")),
        lead("value", money("0.001", "KWD")),
        lead("name", json!("\u{202e}אבג 🦀 e\u{301}")),
    ] {
        base.tenant.post(&format!("/v1/{plural}"), body).await.expect(201);
    }
    assert_eq!(kept(&base.tenant).await.len(), before.len() + 4);
}

/// Ids of every kind that there is.
async fn ids(base: &Records) -> Vec<String> {
    let made = async |plural: &str, body: Value| {
        let record = base.tenant.post(&format!("/v1/{plural}"), body).await.expect(201);
        record["id"].as_str().unwrap().to_owned()
    };
    let product = base.tenant.get("/v1/products").await.expect(200)["data"][0]["id"].clone();
    vec![
        made("leads", json!({"name": "Base"})).await,
        made("companies", json!({"name": "Base"})).await,
        made(
            "webhook-endpoints",
            json!({"url": "https://hook.example/", "event_types": ["*"]}),
        )
        .await,
        made("api-keys", json!({"name": "k", "scopes": ["leads:read"]})).await,
        product.as_str().unwrap().to_owned(),
        base.contact.clone(),
        base.order.clone(),
        base.ticket.clone(),
        base.tenant.user.clone(),
        base.tenant.id.clone(),
        "not-an-id".to_owned(),
        base.contact.to_uppercase(),
        format!("{} ", base.contact),
        format!("{}0", base.contact),
    ]
}

#[tokio::test]
async fn an_id_of_another_kind_is_refused_where_it_is_named() {
    let base = records().await;
    let ids = ids(&base).await;
    let prefix = |id: &str| id.split('_').next().unwrap_or_default().to_owned();
    let line = json!([{"name": "Tea", "unit_price": "1"}]);
    for (plural, kind, pointer, body) in [
        ("leads", "usr", "/owner_id", json!({"name": "A"})),
        ("contacts", "com", "/company_id", json!({"name": "A"})),
        ("companies", "com", "/parent_id", json!({"name": "A"})),
        ("products", "usr", "/owner_id", json!({"name": "A", "sku": "S"})),
        ("orders", "con", "/contact_id", json!({"lines": line})),
        ("orders", "com", "/company_id", json!({"lines": line})),
        (
            "orders",
            "prd",
            "/lines/0/product_id",
            json!({"lines": [{"unit_price": "1"}]}),
        ),
        (
            "tickets",
            "con",
            "/contact_id",
            json!({"subject": "A", "channel": "api"}),
        ),
        (
            "tickets",
            "com",
            "/company_id",
            json!({"subject": "A", "channel": "api"}),
        ),
        ("tickets", "ord", "/order_id", json!({"subject": "A", "channel": "api"})),
        (
            "tickets",
            "usr",
            "/assignee_id",
            json!({"subject": "A", "channel": "api"}),
        ),
    ] {
        // As it is: of the right kind, and in no other spelling.
        for id in ids.iter().filter(|id| prefix(id) != kind || id.len() != 30) {
            let mut body = body.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[name] = json!(id);
            let answer = base.tenant.post(&format!("/v1/{plural}"), body).await;
            assert_eq!(answer.status, 422, "{plural} {pointer} {id}: {}", answer.text);
            let errors = answer.problem(422, "validation_failed").body["errors"]
                .as_array()
                .unwrap();
            assert!(
                errors.iter().any(|error| error["pointer"] == format!("#{pointer}")),
                "{id}: {}",
                answer.text
            );
        }
    }
    for (path, body) in [
        (format!("/v1/contacts/{}/merge", base.contact), json!({"from": ["ID"]})),
        (format!("/v1/contacts/{}/unmerge", base.contact), json!({"merge": "ID"})),
    ] {
        for id in ids.iter().filter(|id| **id != base.contact) {
            let body: Value = serde_json::from_str(&body.to_string().replace("ID", id)).unwrap();
            base.tenant.post(&path, body).await.problem(422, "validation_failed");
        }
    }
}

/// The routes of a method that have a text in their path.
fn routes(method: &Method, part: &str) -> Vec<String> {
    let apis = crate::agreement::apis();
    let all = apis.iter().flat_map(|(_, api)| api.routes());
    // The operator's routes take another credential.
    let ours = |path: &str| path.starts_with("/v1/") && !path.starts_with("/v1/operator/");
    all.filter(|route| route.method == *method && ours(&route.path) && route.path.contains(part))
        .map(|route| route.path.clone())
        .collect()
}

#[tokio::test]
async fn an_id_of_another_kind_in_a_path_leads_nowhere() {
    let base = records().await;
    let ids = ids(&base).await;
    let mut called = 0;
    for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE] {
        for route in routes(&method, "{id}") {
            let own = match route.split('/').nth(2).unwrap() {
                "leads" => "lead_",
                "contacts" => "con_",
                "companies" => "com_",
                "products" => "prd_",
                "orders" => "ord_",
                "tickets" => "tkt_",
                "users" => "usr_",
                "api-keys" => "key_",
                "webhook-endpoints" => "hep_",
                _ => "none",
            };
            let odd = ["%00", "%FF%FE", "..", "%2e%2e%2fleads", "a%2Fb", "%F0%9F%A6%80"].map(str::to_owned);
            let others = ids
                .iter()
                .filter(|id| !id.starts_with(own) && !id.contains(' '))
                .chain(&odd);
            for id in others {
                let path = route.replace("{id}", id).replace("{receipt}", id);
                let answer = base.tenant.json(method.clone(), &path, &[], json!({})).await;
                let at = format!("{method} {path}");
                assert_eq!(unclear(&answer), None, "{at}");
                // A body that says too little may be told first.
                assert!(
                    matches!(answer.status, 400 | 404 | 405 | 422),
                    "{at}: {} {}",
                    answer.status,
                    answer.text
                );
                called += 1;
            }
        }
    }
    assert!(called > 800, "{called}");
}

#[tokio::test]
async fn forged_cursors_and_parameters_without_end_are_refused() {
    let base = records().await;
    for n in 0..3 {
        base.tenant
            .post("/v1/leads", json!({"name": format!("L{n}")}))
            .await
            .expect(201);
    }
    let page = base.tenant.get("/v1/leads?limit=1").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    let other = Tenant::new().await;
    let mut turned = cursor.clone().into_bytes();
    let middle = turned.len() / 2;
    turned[middle] = if turned[middle] == b'A' { b'B' } else { b'A' };
    let turned = String::from_utf8(turned).unwrap();
    let long = "A".repeat(4_000);
    let forged = ["x", "%00", "%FF", "e30", "bnVsbA", &turned, &cursor[1..], &long];
    let fill = |route: &str| {
        let id = match route.split('/').nth(2).unwrap() {
            "contacts" => &base.contact,
            "orders" => &base.order,
            "tickets" => &base.ticket,
            _ => return None,
        };
        Some(route.replace("{id}", id)).filter(|path| !path.contains('{'))
    };
    let lists = [
        "leads",
        "contacts",
        "companies",
        "products",
        "orders",
        "tickets",
        "surveys",
        "survey-invitations",
        "webhook-endpoints",
        "webhook-sources",
        "webhook-deliveries",
    ];
    let mut paths: Vec<String> = lists.iter().map(|plural| format!("/v1/{plural}?cursor=")).collect();
    paths.push("/v1/events?after=".to_owned());
    for part in ["/history", "/timeline", "/messages"] {
        paths.extend(
            routes(&Method::GET, part)
                .iter()
                .filter_map(|route| fill(route))
                .map(|path| format!("{path}?cursor=")),
        );
    }
    assert!(paths.len() >= 17, "{paths:?}");
    for path in &paths {
        for cursor in forged {
            let answer = base.tenant.get(&format!("{path}{cursor}")).await;
            // A byte that is no UTF-8 cannot be read at all.
            let code = answer.body["code"].as_str();
            assert!(
                answer.status == 400 && matches!(code, Some("cursor_invalid" | "malformed")),
                "{path}{cursor}: {}",
                answer.text
            );
        }
        // A good cursor is good for its own list alone, with its own filters and for its own firm.
        if !path.starts_with("/v1/leads?") {
            base.tenant
                .get(&format!("{path}{cursor}"))
                .await
                .problem(400, "cursor_invalid");
        }
    }
    let good = format!("/v1/leads?cursor={cursor}");
    base.tenant.get(&good).await.expect(200);
    other.get(&good).await.problem(400, "cursor_invalid");
    base.tenant
        .get(&format!("{good}&status=new"))
        .await
        .problem(400, "cursor_invalid");

    let many = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    for (query, code) in [
        ("colour=red".to_owned(), "unknown_parameter"),
        ("limit=1&limit=1".to_owned(), "malformed"),
        ("%6Cimit=1&limit=1".to_owned(), "malformed"),
        ("limit=99999999999999999999".to_owned(), "malformed"),
        ("limit=-1".to_owned(), "malformed"),
        ("limit=1.0".to_owned(), "malformed"),
        ("limit=%00".to_owned(), "malformed"),
        ("created_since=0000-00-00".to_owned(), "malformed"),
        ("created_since=%2B10000-01-01T00:00:00Z".to_owned(), "malformed"),
        ("created_since=2026-02-30".to_owned(), "malformed"),
        ("&&&=&=".to_owned(), "unknown_parameter"),
        (many(1_000), "unknown_parameter"),
        (format!("{}=1", "x".repeat(6_000)), "unknown_parameter"),
    ] {
        for plural in ["leads", "contacts", "companies", "products", "orders", "tickets"] {
            let answer = base.tenant.get(&format!("/v1/{plural}?{query}")).await;
            let shown: String = query.chars().take(60).collect();
            let found = (answer.status, answer.body["code"].as_str());
            assert_eq!(found, (400, Some(code)), "{plural} {shown}: {}", answer.text);
        }
    }
    // Years at the edge are times like others.
    for query in [
        "created_since=0001-01-01T00:00:00Z",
        "created_before=9999-12-30T22:00:00Z",
        "tag=%FF",
        "tag=%00",
    ] {
        let answer = base.tenant.get(&format!("/v1/leads?{query}")).await;
        assert_eq!(unclear(&answer), None, "{query}");
    }
}

/// Sends bytes and gives the first answer's status, or nothing when the connection just ends.
async fn raw(bytes: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(world().url.trim_start_matches("http://"))
        .await
        .unwrap();
    // The other side may hang up before it has read all.
    let _ = stream.write_all(bytes).await;
    let mut head = vec![0; 12];
    let read = tokio::time::timeout(std::time::Duration::from_secs(10), stream.read_exact(&mut head));
    read.await.unwrap().ok()?;
    std::str::from_utf8(&head[9..]).ok()?.parse().ok()
}

#[tokio::test]
async fn bytes_that_are_no_request_are_refused() {
    let tenant = Tenant::new().await;
    let token = &tenant.token;
    let post = |headers: &str, body: &[u8]| {
        let head = format!(
            "POST /v1/leads HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n{headers}\r\n"
        );
        [head.as_bytes(), body].concat()
    };
    let get = |line: &[u8], headers: &[u8]| {
        let head = format!(" HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n");
        [b"GET ", line, head.as_bytes(), headers, b"\r\n"].concat()
    };
    let long = "y".repeat(200_000);
    let sized = |body: &[u8]| post(&format!("content-length: {}\r\n", body.len()), body);
    for (what, bytes, expected) in [
        ("as it is", sized(br#"{"name":"A"}"#), &[201][..]),
        ("bytes over 127 in a path", get(b"/v1/leads/\xff\xfe", b""), &[400, 404]),
        ("bytes over 127 in a query", get(b"/v1/leads?tag=\xff", b""), &[400]),
        ("half an escape in a path", get(b"/v1/leads/%f", b""), &[400, 404]),
        ("half an escape in a query", get(b"/v1/leads?tag=%", b""), &[200, 400]),
        ("a long path", get(format!("/{long}").as_bytes(), b""), &[414, 431]),
        (
            "a long header",
            get(b"/v1/leads", format!("x: {long}\r\n").as_bytes()),
            &[431],
        ),
        (
            "bytes over 127 in a header",
            get(b"/v1/leads", b"if-none-match: \xff\xfe\r\n"),
            &[200, 400],
        ),
        (
            "bytes over 127 in an id",
            get(b"/v1/leads", b"x-request-id: \xff\r\n"),
            &[200, 400],
        ),
        ("a length that is none", post("content-length: ten\r\n", b"{}"), &[400]),
        ("a length below zero", post("content-length: -1\r\n", b"{}"), &[400]),
        (
            "two lengths",
            post("content-length: 2\r\ncontent-length: 3\r\n", b"{}"),
            &[400],
        ),
        (
            "a broken chunk",
            post("transfer-encoding: chunked\r\n", b"zz\r\n{}\r\n"),
            &[400],
        ),
        (
            "bytes that are no UTF-8 in a body",
            sized(b"{\"name\":\"\xc3\x28\"}"),
            &[400],
        ),
        ("a lone surrogate", sized(br#"{"name":"\ud800"}"#), &[400]),
        ("a byte order mark", sized(b"\xef\xbb\xbf{\"name\":\"A\"}"), &[201, 400]),
        ("two bodies", sized(br#"{"name":"A"}{"name":"B"}"#), &[400]),
        (
            "a number without end",
            sized(format!("{{\"name\":{}}}", "9".repeat(100_000)).as_bytes()),
            &[400, 422],
        ),
        (
            "depth without end",
            sized("{\"custom\":".repeat(50_000).as_bytes()),
            &[400],
        ),
        (
            "a key of 256 characters",
            post(
                &format!("idempotency-key: {}\r\ncontent-length: 12\r\n", "k".repeat(256)),
                br#"{"name":"A"}"#,
            ),
            &[400],
        ),
        (
            "a key that is no text",
            post("idempotency-key: \u{ff}\r\ncontent-length: 12\r\n", br#"{"name":"A"}"#),
            &[400],
        ),
        (
            "a version that is none",
            post("if-match: latest\r\ncontent-length: 12\r\n", br#"{"name":"A"}"#),
            &[201, 400],
        ),
        ("no HTTP at all", b"\x16\x03\x01\x02\x00\x01\x00".to_vec(), &[400]),
    ] {
        let status = raw(&bytes).await;
        assert!(
            status.is_none_or(|status| expected.contains(&status)),
            "{what}: {status:?}"
        );
        // Only what cannot be an HTTP request may be left without an answer.
        assert!(status.is_some() || what == "no HTTP at all", "{what}: no answer");
    }
    // A body that is announced and does not come, and one of exactly the limit.
    let just = format!("{{\"note\":\"{}\"}}", "x".repeat(1024 * 1024 - 11));
    assert_eq!(just.len(), 1024 * 1024);
    assert_eq!(
        raw(&sized(just.as_bytes())).await,
        Some(422),
        "1 MiB can be read, and a note is not so long"
    );
    assert_eq!(raw(&sized(format!("{just} ").as_bytes())).await, Some(413));
    eventually("the service", || async {
        (tenant.get("/v1/leads").await.status == 200).then_some(())
    })
    .await;
}
