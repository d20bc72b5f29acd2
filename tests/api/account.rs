//! The end of a firm's account: closed, opened again, and erased when its time is over, at hosts of the tests' own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use rapport_host::Host;
use rapport_host::engine::{self, InProcess};
use rapport_runtime::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Caller, PASSWORD, Tenant, eventually};

pub(super) struct World {
    host: Host,
    pub(super) clock: Clock,
    pub(super) anybody: Caller,
    /// Where its mails land.
    pub(super) folder: tempfile::TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::default());
        let host = Host::start(tests::options(folder.path(), clock.clone())).await.unwrap();
        Self {
            anybody: Caller::at(&host.url()),
            host,
            clock,
            folder,
        }
    }

    /// Its store, from the inside.
    pub(super) fn client(&self) -> aws_sdk_dynamodb::Client {
        engine::dynamodb(InProcess::tables(Arc::clone(self.host.engine())))
    }

    /// Every item of every table that has a text anywhere in it: table, keys, and whether it has an end.
    pub(super) async fn items_with(&self, text: &str) -> Vec<(String, String, bool)> {
        items_with(&self.host, text).await
    }

    /// In how many hours items end, by table and kind.
    async fn ends(&self) -> BTreeMap<String, BTreeSet<i64>> {
        let (client, now) = (self.client(), self.clock.now().as_second());
        let mut ends: BTreeMap<String, BTreeSet<i64>> = BTreeMap::new();
        for name in client.list_tables().send().await.unwrap().table_names.unwrap() {
            let mut items = client.scan().table_name(&name).into_paginator().items().send();
            while let Some(item) = items.next().await {
                let item = item.unwrap();
                let Some(end) = item.get("expires") else { continue };
                let hours = (end.as_n().unwrap().parse::<i64>().unwrap() - now + 1_800).div_euclid(3_600);
                let kind = kind_of(item["pk"].as_s().unwrap());
                ends.entry(format!("{name} {kind}")).or_default().insert(hours);
            }
        }
        ends
    }

    async fn left_of(&self, tenant: &Tenant) -> Vec<String> {
        left_of(&self.host, tenant).await
    }
}

/// Every item of every table that has a text anywhere in it: table, keys, and whether it has an end.
pub(super) async fn items_with(host: &Host, text: &str) -> Vec<(String, String, bool)> {
    let client = engine::dynamodb(InProcess::tables(Arc::clone(host.engine())));
    let names = client.list_tables().send().await.unwrap().table_names.unwrap();
    let mut found = Vec::new();
    for name in names {
        let mut pages = client.scan().table_name(&name).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            if format!("{item:?}").contains(text) {
                let key = |part: &str| item[part].as_s().unwrap().clone();
                let place = format!("{} / {}", key("pk"), key("sk"));
                found.push((name.clone(), place, item.contains_key("expires")));
            }
        }
    }
    found
}

/// What is left of a tenant, beside what goes by itself: answers to requests, guards of repeated messages and
/// what a recompute under way noted at their end, timers when they are due; and what it used of the service, which is kept.
pub(super) async fn left_of(host: &Host, tenant: &Tenant) -> Vec<String> {
    let items = items_with(host, &tenant.id).await.into_iter();
    let goes = |place: &str, ends: bool| {
        let of_itself = [
            "#idempotency#",
            "#unique#webhook_seen#",
            "#unique#contact#claimed.",
            "#run#job_",
        ];
        place.starts_with("timer#")
            || place.contains("#usage / ")
            || ends && of_itself.iter().any(|kind| place.contains(kind))
    };
    let left = items.filter(|(_, place, ends)| !goes(place, *ends));
    left.map(|(table, place, _)| format!("{table}: {place}")).collect()
}

pub(super) fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

pub(super) async fn made(caller: &Caller, path: &str, body: Value) -> String {
    id(&caller.post(path, body).await.expect(201))
}

/// A firm that has something of every kind, some of it merged, deleted or under way. Surveys wait for weeks, whatever the hour is.
pub(super) async fn busy(tenant: &Tenant) {
    let settings = json!({"survey": {"delay_minutes": 60 * 24 * 60}});
    tenant.patch("/v1/settings", settings).await.expect(200);
    let field = json!({"kind": "contact", "key": "badge", "label": "Badge", "type": "text", "unique": true});
    tenant.post("/v1/fields", field).await.expect(201);
    let company = made(tenant, "/v1/companies", json!({"name": "Mill Ltd", "tags": ["north"]})).await;
    let ann = json!({"name": "Ann Lee", "email": "ann@mail.example", "phone": "+14155550100", "tags": ["vip"],
        "company_id": company, "custom": {"badge": "B-1"}, "external_ids": {"shop": "17"}});
    let ann = made(tenant, "/v1/contacts", ann).await;
    let other = made(
        tenant,
        "/v1/contacts",
        json!({"name": "Anna Leigh", "email": "anna@mail.example"}),
    )
    .await;
    let gone = made(
        tenant,
        "/v1/leads",
        json!({"name": "Bob Gone", "email": "bob@mail.example"}),
    )
    .await;
    made(
        tenant,
        "/v1/leads",
        json!({"name": "Cy Stays", "email": "cy@mail.example", "tags": ["fair"]}),
    )
    .await;
    tenant.delete(&format!("/v1/leads/{gone}")).await.expect(204);
    made(
        tenant,
        "/v1/products",
        json!({"name": "Tea", "sku": "T-1", "price": {"amount": "5.00", "currency": "USD"}}),
    )
    .await;
    let order = json!({"contact_id": ann, "placed_on": "2026-10-01", "currency": "USD", "historic": true, "status": "fulfilled",
        "lines": [{"sku": "T-1", "name": "Tea", "unit_price": "5", "unit_cost": "1"}]});
    let headers = [("idempotency-key", "first-order")];
    tenant
        .json(Method::POST, "/v1/orders", &headers, order)
        .await
        .expect(201);
    let ticket = made(
        tenant,
        "/v1/tickets",
        json!({"subject": "The lid is cracked", "contact_id": ann}),
    )
    .await;
    let resolve = json!({"note": "A new lid was sent"});
    tenant
        .post(&format!("/v1/tickets/{ticket}/resolve"), resolve)
        .await
        .expect(200);
    made(tenant, "/v1/webhook-endpoints", json!({"url": "http://127.0.0.1:9/"})).await;
    let source = json!({"kind": "generic", "name": "Form"});
    let source = tenant.post("/v1/webhook-sources", source).await.expect(201);
    let posted = source["url"].as_str().unwrap();
    let posted = &posted[posted.find("/hooks/").unwrap()..];
    let answer = tenant
        .with_token("")
        .post(posted, json!({"name": "Dee Form", "email": "dee@mail.example"}))
        .await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let schedule = json!({"report": "sales", "every": "day", "format": "csv"});
    made(tenant, "/v1/report-schedules", schedule).await;
    let export = json!({"format": "csv", "from": "2026-10-01", "to": "2026-10-31", "by": "customer"});
    tenant.post("/v1/reports/sales/exports", export).await.expect(202);
    let (path, csv) = (
        "/v1/imports?kind=contacts&name=people.csv",
        "Name,E-mail\nEve Row,eve@mail.example\n",
    );
    let headers = [("content-type", "text/csv")];
    let import = tenant
        .send(Method::POST, path, &headers, Some(csv.into()))
        .await
        .expect(201);
    tenant
        .post(&format!("/v1/imports/{}/start", id(&import)), json!({}))
        .await;
    tenant.post("/v1/segments/recompute", json!({})).await;
    let merge = tenant
        .post(&format!("/v1/contacts/{ann}/merge"), json!({"from": [other]}))
        .await;
    assert_eq!(merge.status, 202, "{}", merge.text);
    made(tenant, "/v1/api-keys", json!({"name": "k", "scopes": ["leads:read"]})).await;
    eventually("what was asked for in the background", || async {
        let sales = tenant
            .get("/v1/reports/sales?from=2026-10-01&to=2026-10-31&by=month")
            .await
            .expect(200);
        let imported = tenant.get(&format!("/v1/imports/{}", id(&import))).await.expect(200);
        let exports = tenant.get("/v1/report-exports").await.expect(200);
        let words = tenant.get("/v1/search?q=Eve").await.expect(200);
        let settled = sales["settling"] == false && sales["parts"][0]["totals"]["orders"]["value"] == "1";
        let done = imported["status"] == "done" && exports["data"][0]["status"] == "done";
        (settled && done && words.to_string().contains("Eve Row")).then_some(())
    })
    .await;
}

/// What an item is: its partition without the tenant and the ids of things.
fn kind_of(place: &str) -> String {
    let words = place.split('#').skip(1);
    let word = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    words.take_while(word).collect::<Vec<_>>().join("#")
}

#[tokio::test]
async fn what_is_kept_for_a_time_ends_when_it_should() {
    let world = World::new().await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    busy(&tenant).await;
    let invited = json!({"email": "colleague@mail.example", "role": "agent"});
    tenant.post("/v1/invitations", invited).await.expect(201);
    let month = 30 * 24;
    let expected = [
        ("ContactsTable manifest", month),
        ("ContactsTable merge", month),
        // A week to accept it, then a month.
        ("IdentityTable invitation", 7 * 24 + month),
        ("IdentityTable session", month),
        ("ImportsTable import", month),
        ("ImportsTable import_file", 3 * month),
        ("ImportsTable import_outcome", 3 * month),
        ("ImportsTable import_page", 3 * month),
        ("ImportsTable import_phase", 3 * month),
        ("ImportsTable import_wrote", 3 * month),
        ("InsightsTable recompute", month),
        ("InsightsTable recompute_latest", month),
        ("InsightsTable rules", 3 * month),
        ("LeadsTable lead", month),
        ("OrdersTable idempotency", 24),
        ("ReportsTable report_export", 7 * 24),
        ("ReportsTable report_file", 7 * 24),
        ("SurveysTable survey_pause", 3 * month),
        ("WebhooksTable unique#webhook_seen", 24),
        ("WebhooksTable webhook_delivery", month),
        ("WebhooksTable webhook_receipt", month),
    ];
    // What works in the background may still be at it, and what was posted waits longer until it is applied.
    let mut ends = eventually("everything that ends", || async {
        let ends = world.ends().await;
        let are_there = expected.iter().all(|(kind, _)| ends.contains_key(*kind));
        (are_there && !ends["WebhooksTable webhook_receipt"].contains(&(6 * month))).then_some(ends)
    })
    .await;
    let found: Vec<_> = expected.iter().map(|(kind, _)| (*kind, ends.remove(*kind))).collect();
    let expected: Vec<_> = expected
        .map(|(kind, hours)| (kind, Some(BTreeSet::from([hours]))))
        .into();
    assert_eq!(found, expected);
    // Locks, brakes and the like.
    assert!(ends.values().flatten().all(|hours| *hours >= 0), "{ends:?}");
}

#[tokio::test]
async fn an_owner_closes_the_account_by_his_password_and_opens_it_again() {
    let world = World::new().await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    let key = json!({"name": "k", "scopes": ["leads:read"]});
    let key = tenant.post("/v1/api-keys", key).await.expect(201);
    let key = tenant.with_token(key["secret"].as_str().unwrap());
    let right = json!({"password": PASSWORD});
    key.post("/v1/account/close", right.clone())
        .await
        .problem(403, "forbidden");
    let wrong = tenant
        .post("/v1/account/close", json!({"password": "not this one"}))
        .await;
    wrong.problem(422, "validation_failed");
    assert_eq!(wrong.body["errors"][0]["code"], "invalid_credentials");
    assert_eq!(
        tenant.post("/v1/account/reopen", json!({})).await.expect(200)["status"],
        "open"
    );

    let closed = tenant.post("/v1/account/close", right.clone()).await.expect(200);
    assert_eq!(closed["status"], "closed");
    let days = |from: &Value, to: &Value| {
        let at = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        at(to).duration_since(at(from)).as_hours() / 24
    };
    assert_eq!(days(&closed["status_since"], &closed["erased_at"]), 30);
    // Asked again it stays as it is, and everything can be read.
    assert_eq!(
        tenant.post("/v1/account/close", right.clone()).await.expect(200),
        closed
    );
    key.get("/v1/leads").await.expect(200);
    // Whoever may not read the account is told this much.
    key.get("/v1/account").await.problem(403, "forbidden");
    assert_eq!(key.get("/v1/me").await.expect(200)["account"], "closed");
    let open = tenant.post("/v1/account/reopen", json!({})).await.expect(200);
    assert_eq!((&open["status"], open.get("erased_at")), (&json!("open"), None));
    assert_eq!(tenant.get("/v1/me").await.expect(200)["account"], "open");
    made(&tenant, "/v1/leads", json!({"name": "A"})).await;

    // What the first closing set in motion does nothing to an account that is open.
    world.clock.advance(SignedDuration::from_hours(24 * 30 + 1));
    let body = json!({"grant_type": "password", "username": tenant.email, "password": PASSWORD});
    let token = world.anybody.post("/v1/auth/token", body).await.expect(200);
    let again = tenant.with_token(token["access_token"].as_str().unwrap());
    eventually("the timer of the first closing is gone", || async {
        let timers = world.items_with("tenant_erase_v1").await;
        timers.is_empty().then_some(())
    })
    .await;
    assert_eq!(
        again.get("/v1/leads").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn what_a_closed_firm_had_is_erased_and_nothing_of_anybody_else() {
    let world = World::new().await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    // The same owner's other firm, and somebody else's.
    let mine = Tenant::of(&world.anybody, json!({"company": "Other", "email": tenant.email})).await;
    let other = Tenant::of(&world.anybody, json!({})).await;
    busy(&tenant).await;
    busy(&mine).await;
    // What was taken while it could be one record's alone is found when it may be shared, or is no longer asked for.
    let shared = json!({"unique_email": false});
    tenant.patch("/v1/settings", shared).await.expect(200);
    tenant.delete("/v1/fields/contact/badge").await.expect(204);
    made(&other, "/v1/leads", json!({"name": "Somebody"})).await;
    let close = json!({"password": PASSWORD});
    tenant.post("/v1/account/close", close.clone()).await.expect(200);
    other.post("/v1/account/close", close).await.expect(200);
    assert!(world.left_of(&tenant).await.len() > 60);
    world.clock.advance(SignedDuration::from_hours(24 * 29));
    assert!(world.left_of(&tenant).await.len() > 30);

    let kept = world.left_of(&mine).await;
    world.clock.advance(SignedDuration::from_hours(25));
    // Each is looked through once more a quarter of an hour after the last find.
    let mut left = Vec::new();
    for look in 1..=200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if look % 20 == 0 {
            world.clock.advance(SignedDuration::from_mins(16));
        }
        left = [world.left_of(&tenant).await, world.left_of(&other).await].concat();
        if left.is_empty() {
            break;
        }
    }
    assert!(left.is_empty(), "{left:#?}");
    // Contacts, orders and settings of the other firm are where they were.
    let still = world.left_of(&mine).await;
    for kind in ["#contact /", "#order /", "#settings /", "#user /", "#unique#contact#"] {
        let of_kind = |items: &[String]| items.iter().filter(|item| item.contains(kind)).count();
        assert!(of_kind(&kept) > 0, "{kind}");
        assert_eq!(of_kind(&still), of_kind(&kept), "{kind}");
    }
    let sign_in = |email: &str| json!({"grant_type": "password", "username": email, "password": PASSWORD});
    let token = world
        .anybody
        .post("/v1/auth/token", sign_in(&tenant.email))
        .await
        .expect(200);
    let me = tenant.with_token(token["access_token"].as_str().unwrap());
    assert_eq!(me.get("/v1/me").await.expect(200)["tenant"]["id"], mine.id.as_str());
    world
        .anybody
        .post("/v1/auth/token", sign_in(&other.email))
        .await
        .problem(401, "invalid_credentials");
    // The address is free again.
    let again = Tenant::of(&world.anybody, json!({"email": other.email})).await;
    assert_ne!(again.id, other.id);
    assert_eq!(again.get("/v1/leads").await.expect(200)["data"], json!([]));
}
