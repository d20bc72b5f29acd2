//! The store fails at each of its calls in turn, in three ways. Whatever the call: the answer is 503 or success, all is
//! written or nothing, and the same request again ends where an undisturbed one does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use rapport_host::Host;
use rapport_host::engine::{self, InProcess};
use rapport_runtime::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use tests::fault::{Faults, Weather};
use tests::{Answer, Caller, PASSWORD, Tenant, eventually, unique};

/// The tables that requests write. Workers write the others, in their own time.
const TABLES: [&str; 9] = [
    "IdentityTable",
    "LeadsTable",
    "ContactsTable",
    "OrdersTable",
    "TicketsTable",
    "SurveysTable",
    "ImportsTable",
    "WebhooksTable",
    "ReportsTable",
];
/// More calls than any request makes.
pub(super) const MOST_CALLS: u32 = 60;

/// What answers requests; the rest are workers.
pub(super) fn answers(function: &str) -> bool {
    let answers = [
        "identity", "leads", "contacts", "orders", "tickets", "surveys", "imports", "webhooks", "reports",
    ];
    answers.contains(&function)
}

pub(super) struct World {
    pub(super) host: Host,
    pub(super) faults: Faults,
    pub(super) clock: Clock,
    pub(super) anybody: Caller,
    _folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn new(named: fn(&str) -> bool) -> Self {
        let (folder, faults, clock) = (tempfile::tempdir().unwrap(), Faults::default(), Clock::default());
        let mut options = tests::options(folder.path(), clock.clone());
        options.functions = faults.between(options.functions, named);
        let host = Host::start(options).await.unwrap();
        Self {
            anybody: Caller::at(&host.url()),
            host,
            faults,
            clock,
            _folder: folder,
        }
    }

    /// Every item of the tables that requests write, by table and key. Of reports only what is asked for, since workers write the
    /// rest; of imports not the parts of a file, which lead nowhere until an import names them, and go by themselves.
    pub(super) async fn items(&self) -> BTreeMap<String, String> {
        let client = engine::dynamodb(InProcess::tables(Arc::clone(self.host.engine())));
        let names = client.list_tables().send().await.unwrap().table_names.unwrap();
        let mut items = BTreeMap::new();
        for name in names {
            if !TABLES.contains(&name.as_str()) {
                continue;
            }
            let mut pages = client.scan().table_name(&name).into_paginator().items().send();
            while let Some(item) = pages.next().await {
                let item = item.unwrap();
                let key = |part: &str| item[part].as_s().unwrap().clone();
                let of_no_request = match name.as_str() {
                    "ReportsTable" => !key("pk").contains("#report_schedule"),
                    "ImportsTable" => key("pk").contains("#import_file#"),
                    _ => false,
                };
                if of_no_request {
                    continue;
                }
                let attributes: BTreeMap<_, _> = item.iter().collect();
                items.insert(format!("{name} {} {}", key("pk"), key("sk")), format!("{attributes:?}"));
            }
        }
        items
    }
}

/// How many keys of which shape came, went and changed. Numbers that were reserved and not used leave a gap, no trace.
pub(super) fn difference(
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> BTreeMap<String, usize> {
    let mut shapes = BTreeMap::new();
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys.into_iter().filter(|key| !key.contains("#counter ")) {
        let what = match (before.get(key), after.get(key)) {
            (None, Some(_)) => "+",
            (Some(_), None) => "-",
            (old, new) if old != new => "~",
            _ => continue,
        };
        let shape: String = key
            .split_inclusive(['#', ' '])
            .map(|part| {
                let word = part.trim_end_matches(['#', ' ']);
                if word.chars().all(|c| c.is_ascii_lowercase() || "_-.".contains(c)) {
                    part
                } else {
                    "… "
                }
            })
            .collect();
        *shapes.entry(format!("{what} {shape}")).or_default() += 1;
    }
    shapes
}

pub(super) struct Request {
    pub(super) method: Method,
    path: String,
    body: Value,
    key: String,
}

impl Request {
    pub(super) async fn send(&self, tenant: &Tenant) -> Answer {
        let key = ("idempotency-key", self.key.as_str());
        if let Value::String(rows) = &self.body {
            let headers = [key, ("content-type", "text/csv")];
            let rows = Some(rows.clone().into_bytes());
            return tenant.send(self.method.clone(), &self.path, &headers, rows).await;
        }
        let headers = [key];
        tenant
            .json(self.method.clone(), &self.path, &headers, self.body.clone())
            .await
    }
}

/// A request of a kind, and what must be there before it.
pub(super) async fn prepared(kind: &str, tenant: &Tenant) -> Request {
    let mark = unique("m");
    let mail = format!("{mark}@shop.example");
    let made = async |plural: &str, body: Value| {
        let record = tenant.post(&format!("/v1/{plural}"), body).await.expect(201);
        record["id"].as_str().unwrap().to_owned()
    };
    let lines = json!([{"name": "Tea", "unit_price": "10.00"}]);
    let survey = json!({"name": format!("Own {mark}"), "metric": "nps", "triggers": ["order.fulfilled"]});
    let schedule = json!({"report": "sales", "every": "day", "format": "csv"});
    let endpoint = json!({"url": "http://127.0.0.1:9/", "event_types": ["survey.answered"]});
    let source = json!({"kind": "generic", "name": format!("Form {mark}")});
    let (method, path, body) = match kind {
        "create lead" => (
            Method::POST,
            "/v1/leads".to_owned(),
            json!({"name": format!("Ann {mark}"), "email": mail, "tags": ["new"], "external_ids": {"shop": mark}}),
        ),
        "change contact" => {
            let contact = made(
                "contacts",
                json!({"name": format!("Ann {mark}"), "email": format!("old-{mail}")}),
            )
            .await;
            (
                Method::PATCH,
                format!("/v1/contacts/{contact}"),
                json!({"email": mail, "emails": null}),
            )
        }
        "delete contact" => {
            let contact = made("contacts", json!({"name": format!("Ann {mark}"), "email": mail})).await;
            (Method::DELETE, format!("/v1/contacts/{contact}"), Value::Null)
        }
        "order of a new customer" => (
            Method::POST,
            "/v1/orders".to_owned(),
            json!({"contact_ref": {"key": "email", "value": mail}, "lines": lines, "payments": [{"amount": "10.00"}]}),
        ),
        "upsert of a new customer's order" => (
            Method::PUT,
            format!("/v1/orders/by/shop/{mark}"),
            json!({"contact_ref": {"key": "email", "value": mail}, "lines": lines, "payments": [{"amount": "10.00"}]}),
        ),
        "pay" => {
            let order = made("orders", json!({"lines": lines})).await;
            (
                Method::POST,
                format!("/v1/orders/{order}/payments"),
                json!({"amount": "4.00", "external_id": mark}),
            )
        }
        "convert lead" => {
            let lead = made(
                "leads",
                json!({"name": format!("Ann {mark}"), "email": mail, "company_name": format!("Firm {mark}")}),
            )
            .await;
            (Method::POST, format!("/v1/leads/{lead}/convert"), json!({}))
        }
        "merge contacts" => {
            let into = made("contacts", json!({"name": format!("Ann {mark}"), "email": mail})).await;
            let from = made(
                "contacts",
                json!({"name": format!("Bob {mark}"), "email": format!("b-{mail}")}),
            )
            .await;
            (
                Method::POST,
                format!("/v1/contacts/{into}/merge"),
                json!({"from": [from]}),
            )
        }
        "create company" => (
            Method::POST,
            "/v1/companies".to_owned(),
            json!({"name": format!("Firm {mark}"), "external_ids": {"shop": mark}}),
        ),
        "create product" => (
            Method::POST,
            "/v1/products".to_owned(),
            json!({"name": format!("Tea {mark}"), "sku": mark}),
        ),
        "upsert of a lead" => (
            Method::PUT,
            format!("/v1/leads/by/shop/{mark}"),
            json!({"name": format!("Ann {mark}"), "email": mail}),
        ),
        "restore lead" => {
            let lead = made("leads", json!({"name": format!("Ann {mark}"), "email": mail})).await;
            tenant.delete(&format!("/v1/leads/{lead}")).await.expect(204);
            (Method::POST, format!("/v1/leads/{lead}/restore"), json!({}))
        }
        "place order" => {
            let order = made("orders", json!({"lines": lines, "status": "draft"})).await;
            (Method::POST, format!("/v1/orders/{order}/place"), json!({}))
        }
        "resolve ticket" => {
            let ticket = made("tickets", json!({"subject": format!("Help {mark}"), "channel": "api"})).await;
            (Method::POST, format!("/v1/tickets/{ticket}/resolve"), json!({}))
        }
        "change settings" => (
            Method::PATCH,
            "/v1/settings".to_owned(),
            json!({"company": format!("Firm {mark}")}),
        ),
        "open ticket" => (
            Method::POST,
            "/v1/tickets".to_owned(),
            json!({"subject": format!("Help {mark}"), "channel": "api"}),
        ),
        "say on a ticket" => {
            let ticket = made("tickets", json!({"subject": format!("Help {mark}"), "channel": "api"})).await;
            (
                Method::POST,
                format!("/v1/tickets/{ticket}/messages"),
                json!({"body": "Yes", "internal": false}),
            )
        }
        "batch of leads" => {
            let inputs: Vec<Value> = (0..3)
                .map(|n| json!({"name": format!("Ann{n} {mark}"), "email": format!("{n}-{mail}")}))
                .collect();
            (
                Method::POST,
                "/v1/leads/batch".to_owned(),
                json!({"operation": "create", "inputs": inputs}),
            )
        }
        "batch of new customers' orders" => {
            let inputs: Vec<Value> = (0..4)
                .map(|n| json!({"contact_ref": {"key": "email", "value": format!("{}-{mail}", n / 2)}, "lines": lines}))
                .collect();
            (
                Method::POST,
                "/v1/orders/batch".to_owned(),
                json!({"operation": "create", "inputs": inputs}),
            )
        }
        "create survey" => (Method::POST, "/v1/surveys".to_owned(), survey),
        "change survey" => {
            let survey = made("surveys", survey).await;
            (
                Method::PATCH,
                format!("/v1/surveys/{survey}"),
                json!({"name": format!("Ours {mark}")}),
            )
        }
        "delete survey" => {
            let survey = made("surveys", survey).await;
            (Method::DELETE, format!("/v1/surveys/{survey}"), Value::Null)
        }
        "upload rows" => (
            Method::POST,
            "/v1/imports?kind=contacts&name=people.csv".to_owned(),
            json!(format!("Name,E-mail\nAnn {mark},{mail}\n")),
        ),
        "create schedule" => (Method::POST, "/v1/report-schedules".to_owned(), schedule),
        "delete schedule" => {
            let schedule = made("report-schedules", schedule).await;
            (Method::DELETE, format!("/v1/report-schedules/{schedule}"), Value::Null)
        }
        "change endpoint" => {
            let endpoint = made("webhook-endpoints", endpoint).await;
            let change = json!({"description": format!("Ours {mark}")});
            (Method::PATCH, format!("/v1/webhook-endpoints/{endpoint}"), change)
        }
        "delete endpoint" => {
            let endpoint = made("webhook-endpoints", endpoint).await;
            (Method::DELETE, format!("/v1/webhook-endpoints/{endpoint}"), Value::Null)
        }
        "change source" => {
            let source = made("webhook-sources", source).await;
            (
                Method::PATCH,
                format!("/v1/webhook-sources/{source}"),
                json!({"name": format!("Ours {mark}")}),
            )
        }
        "delete source" => {
            let source = made("webhook-sources", source).await;
            (Method::DELETE, format!("/v1/webhook-sources/{source}"), Value::Null)
        }
        other => panic!("{other}"),
    };
    Request {
        method,
        path,
        body,
        key: mark,
    }
}

/// Whether all of it was done: of a batch, every input.
pub(super) fn done(answer: &Answer) -> bool {
    matches!(answer.status, 200..=299) && answer.status != 207
}

/// What an answer that is no success must be; of a batch, what each failed input's must be.
pub(super) fn is_unavailable(at: &str, answer: &Answer) {
    if answer.status == 207 {
        for result in answer.body["results"].as_array().unwrap() {
            let (status, code) = (&result["status"], &result["error"]["code"]);
            assert!(
                *status == 201 || (*status == 503 && code == "unavailable"),
                "{at}: {result}"
            );
        }
        return;
    }
    assert_eq!(answer.status, 503, "{at}: {}", answer.text);
    answer.problem(503, "unavailable");
    let seconds: u32 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{at}: {seconds}");
    assert!(!answer.text.contains("away"), "nothing of the inside: {}", answer.text);
}

async fn every_call_may_fail(kind: &str) {
    let world = World::new(answers).await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    let request = prepared(kind, &tenant).await;
    let before = world.items().await;
    let answer = request.send(&tenant).await;
    assert!(done(&answer), "{kind}: {}", answer.text);
    let whole = difference(&before, &world.items().await);
    assert!(!whole.is_empty());
    // The inputs of a batch are written each by itself.
    let parts = kind.starts_with("batch");
    let mut strikes = 0;
    for weather in [Weather::DownFrom, Weather::LostThenDown, Weather::LostOnce] {
        for call in 0.. {
            assert!(call < MOST_CALLS, "{kind}: it never succeeds");
            let at = format!("{kind}, {:?}", weather(call));
            let request = prepared(kind, &tenant).await;
            let before = world.items().await;
            world.faults.set(weather(call));
            let answer = request.send(&tenant).await;
            let struck = world.faults.end();
            strikes += u32::from(struck);
            let now = difference(&before, &world.items().await);
            if done(&answer) {
                assert_eq!(now, whole, "{at}");
            } else {
                is_unavailable(&at, &answer);
                assert!(struck && (parts || now.is_empty() || now == whole), "{at}: {now:#?}");
            }
            let again = request.send(&tenant).await;
            assert!(done(&again), "{at}, again: {}", again.text);
            assert_eq!(difference(&before, &world.items().await), whole, "{at}, again");
            if done(&answer) && request.method == Method::POST && !parts {
                assert_eq!(again.body["id"], answer.body["id"], "{at}, again");
            }
            if !struck {
                break;
            }
        }
    }
    assert!(strikes >= 6, "{kind}: {strikes}");
    assert!(world.host.stop().await);
}

macro_rules! each {
    ($($name:ident = $kind:literal,)*) => {
        /// Every kind of write.
        pub(super) const KINDS: &[&str] = &[$($kind,)*];
        $(
            #[tokio::test]
            async fn $name() {
                every_call_may_fail($kind).await;
            }
        )*
    };
}

each! {
    a_lead_is_made_or_not = "create lead",
    a_company_is_made_or_not = "create company",
    a_product_is_made_or_not = "create product",
    a_lead_is_put_or_not = "upsert of a lead",
    a_contact_is_changed_or_not = "change contact",
    a_contact_is_deleted_or_not = "delete contact",
    a_lead_is_restored_or_not = "restore lead",
    an_order_comes_with_its_customer_or_not = "order of a new customer",
    an_order_is_put_with_its_customer_or_not = "upsert of a new customer's order",
    an_order_is_placed_or_not = "place order",
    a_payment_is_recorded_or_not = "pay",
    a_lead_is_converted_or_not = "convert lead",
    contacts_are_merged_or_not = "merge contacts",
    a_ticket_is_opened_or_not = "open ticket",
    a_ticket_is_resolved_or_not = "resolve ticket",
    a_message_is_kept_or_not = "say on a ticket",
    a_survey_is_made_or_not = "create survey",
    a_survey_is_changed_or_not = "change survey",
    a_survey_is_deleted_or_not = "delete survey",
    rows_are_kept_or_not = "upload rows",
    a_schedule_is_made_or_not = "create schedule",
    a_schedule_is_deleted_or_not = "delete schedule",
    an_endpoint_is_changed_or_not = "change endpoint",
    an_endpoint_is_deleted_or_not = "delete endpoint",
    a_source_is_changed_or_not = "change source",
    a_source_is_deleted_or_not = "delete source",
    settings_are_changed_or_not = "change settings",
    each_lead_of_a_batch_is_made_or_not = "batch of leads",
    each_order_of_a_batch_comes_with_its_customer_or_not = "batch of new customers' orders",
}

/// What a source posts is taken once or not at all, and whoever is told that it was not sends it again.
#[tokio::test]
async fn a_message_that_was_taken_is_applied_once() {
    let world = World::new(answers).await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    let source = json!({"kind": "generic", "name": "Form"});
    let source = tenant.post("/v1/webhook-sources", source).await.expect(201);
    let posted = source["url"].as_str().unwrap();
    let path = &posted[posted.find("/hooks/").unwrap()..];
    let anybody = tenant.with_token("");
    let (mut sent, mut strikes) = (0, 0);
    for weather in [Weather::DownFrom, Weather::LostThenDown, Weather::LostOnce] {
        for call in 0..MOST_CALLS {
            let at = format!("{:?}", weather(call));
            let body = json!({"name": format!("Dee Form{sent}"), "email": format!("dee{sent}@mail.example")});
            let id = format!("message-{sent}");
            let headers = [("webhook-id", id.as_str())];
            world.faults.set(weather(call));
            let answer = anybody.json(Method::POST, path, &headers, body.clone()).await;
            let struck = world.faults.end();
            strikes += u32::from(struck);
            if answer.status != 202 {
                is_unavailable(&at, &answer);
            }
            let again = anybody.json(Method::POST, path, &headers, body).await;
            assert!(matches!(again.status, 200 | 202), "{at}, again: {}", again.text);
            sent += 1;
            if !struck {
                break;
            }
        }
    }
    assert!(strikes >= 3, "{strikes}");
    let leads = eventually("a lead of each", || async {
        let found = tenant.get("/v1/leads?limit=200").await.expect(200)["data"].clone();
        (found.as_array()?.len() >= sent).then_some(found)
    })
    .await;
    let emails: BTreeSet<&str> = leads
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|lead| lead["email"].as_str())
        .collect();
    assert_eq!((leads.as_array().unwrap().len(), emails.len()), (sent, sent), "{leads}");
    assert!(world.host.stop().await);
}

async fn sign_in(anybody: &Caller, email: &str) -> Answer {
    let body = json!({"grant_type": "password", "username": email, "password": PASSWORD});
    anybody.post("/v1/auth/token", body).await
}

async fn refresh(anybody: &Caller, token: &Value) -> Answer {
    let body = json!({"grant_type": "refresh_token", "refresh_token": token});
    anybody.post("/v1/auth/token", body).await
}

#[tokio::test]
async fn whoever_could_not_sign_in_can_when_the_store_is_back() {
    let world = World::new(answers).await;
    for weather in [Weather::DownFrom, Weather::LostThenDown, Weather::LostOnce] {
        for call in 0..MOST_CALLS {
            let at = format!("{:?}", weather(call));
            let tenant = Tenant::of(&world.anybody, json!({})).await;
            world.faults.set(weather(call));
            let answer = sign_in(&world.anybody, &tenant.email).await;
            let struck = world.faults.end();
            if answer.status != 200 {
                is_unavailable(&at, &answer);
            }
            let again = sign_in(&world.anybody, &tenant.email).await;
            assert_eq!(again.status, 200, "{at}, again: {}", again.text);
            if !struck {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_session_outlives_a_store_that_is_away() {
    let world = World::new(answers).await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    for weather in [Weather::DownFrom, Weather::LostThenDown, Weather::LostOnce] {
        for call in 0..MOST_CALLS {
            let at = format!("{:?}", weather(call));
            let token = sign_in(&world.anybody, &tenant.email).await.expect(200)["refresh_token"].clone();
            world.faults.set(weather(call));
            let answer = refresh(&world.anybody, &token).await;
            let struck = world.faults.end();
            if answer.status == 200 {
                let next = refresh(&world.anybody, &answer.body["refresh_token"]).await;
                assert_eq!(next.status, 200, "{at}, next: {}", next.text);
            } else {
                is_unavailable(&at, &answer);
                let again = refresh(&world.anybody, &token).await;
                // Where the answer with the next token was lost, the old one is used up: its owner signs in again.
                if again.status != 200 {
                    assert!(
                        matches!(weather(call), Weather::LostThenDown(_)),
                        "{at}, again: {}",
                        again.text
                    );
                    again.problem(401, "refresh_token_reused");
                }
            }
            if !struck {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_firm_is_signed_up_or_not() {
    let world = World::new(answers).await;
    let whole = {
        let before = world.items().await;
        Tenant::of(&world.anybody, json!({})).await;
        difference(&before, &world.items().await)
    };
    assert!(whole.len() > 4, "{whole:?}");
    for weather in [Weather::DownFrom, Weather::LostThenDown, Weather::LostOnce] {
        for call in 0..MOST_CALLS {
            let at = format!("{:?}", weather(call));
            let email = format!("{}@firm.example", unique("owner"));
            let body = json!({"company": "Firm", "name": "Owner", "email": email, "password": PASSWORD, "country": "US", "currency": "USD", "time_zone": "UTC"});
            let before = world.items().await;
            world.faults.set(weather(call));
            let answer = world.anybody.post("/v1/signup", body.clone()).await;
            let struck = world.faults.end();
            let now = difference(&before, &world.items().await);
            if answer.status == 201 {
                assert_eq!(now, whole, "{at}");
            } else {
                is_unavailable(&at, &answer);
                assert!(now.is_empty() || now == whole, "{at}: {now:#?}");
                if now.is_empty() {
                    world.anybody.post("/v1/signup", body).await.expect(201);
                }
            }
            assert_eq!(sign_in(&world.anybody, &email).await.status, 200, "{at}");
            if !struck {
                break;
            }
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_before_the_workers_lost_the_store_is_told_once() {
    let world = World::new(|_| true).await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    for n in 0..10 {
        tenant
            .post("/v1/leads", json!({"name": format!("Ann {n}")}))
            .await
            .expect(201);
        // Down for everybody, in the midst of what the workers do with the lead before.
        world.faults.set(Weather::DownFrom(n % 4));
        tokio::time::sleep(std::time::Duration::from_millis(30)).await;
        while tenant.get("/v1/leads").await.status != 503 {}
        let _ = world.faults.end();
    }
    // What a worker could not do comes again when its message's visibility timeout has passed.
    world.clock.advance(SignedDuration::from_mins(6));
    let told = eventually("ten events", || async {
        let body = tenant.get("/v1/events?types=lead.created").await.expect(200);
        let subjects: Vec<String> = body["data"]
            .as_array()?
            .iter()
            .map(|event| event["subject"].to_string())
            .collect();
        (subjects.len() >= 10).then_some(subjects)
    })
    .await;
    assert_eq!((told.len(), told.iter().collect::<BTreeSet<_>>().len()), (10, 10));
    eventually("the search", || async {
        let found = tenant.get("/v1/search?q=Ann&limit=50").await.expect(200);
        (found["data"].as_array()?.len() == 10).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_store_that_is_away_for_a_minute_refuses_whole_and_all_goes_on_afterwards() {
    let world = World::new(|_| true).await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    let mut kept = BTreeSet::new();
    for n in 0..5 {
        let lead = tenant.post("/v1/leads", json!({"name": format!("Ann Early{n}")})).await;
        kept.insert(lead.expect(201)["id"].to_string());
    }
    let before = world.items().await;
    world.faults.set(Weather::DownFrom(0));
    for second in 0..60 {
        let path = [
            "/v1/leads",
            "/v1/contacts",
            "/v1/orders?limit=1",
            "/v1/search?q=Ann",
            "/v1/events",
            "/v1/settings",
        ][second % 6];
        is_unavailable(path, &tenant.get(path).await);
        let name = json!({"name": format!("Ann Late{second}")});
        is_unavailable("create", &tenant.post("/v1/leads", name).await);
        world.clock.advance(SignedDuration::from_secs(1));
    }
    assert!(world.faults.end());
    assert_eq!(difference(&before, &world.items().await), BTreeMap::new(), "half done");
    let after = tenant.post("/v1/leads", json!({"name": "Ann After"})).await;
    kept.insert(after.expect(201)["id"].to_string());
    // What workers had in their hands comes again after its visibility timeout.
    world.clock.advance(SignedDuration::from_mins(6));
    eventually("all that was left", || async {
        let found = tenant.get("/v1/search?q=Ann&limit=50").await.expect(200);
        let told = tenant.get("/v1/events?types=lead.created").await.expect(200);
        let told = told["data"]
            .as_array()?
            .iter()
            .map(|event| event["subject"].to_string());
        (told.collect::<BTreeSet<_>>() == kept && found["data"].as_array()?.len() == kept.len()).then_some(())
    })
    .await;
    let queues = world.host.queues();
    for name in queues.list("").await.unwrap() {
        let info = queues.attributes(&name).await.unwrap();
        assert!(
            info.attributes.redrive.is_some() || info.visible == 0,
            "{name} holds dead letters"
        );
    }
    assert!(world.host.stop().await);
}
