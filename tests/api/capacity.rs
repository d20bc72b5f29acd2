//! What requests cost, as the store itself says (`ReturnConsumedCapacity`, summed in the header `Rapport-Cost`), held to
//! DynamoDB's rules: a read unit for each 4 KB, half of one where it need not be consistent; a write unit for each 1 KB of
//! an item, two in a transaction; and for each index that an item is in, what the item costs once more.

use std::collections::HashMap;
use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use rapport_host::Host;
use rapport_host::engine::{self, InProcess};
use rapport_runtime::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Caller, Tenant};

type Item = HashMap<String, AttributeValue>;

struct World {
    host: Host,
    tenant: Tenant,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let host = Host::start(tests::options(folder.path(), Clock::default()))
            .await
            .unwrap();
        let tenant = Tenant::of(&Caller::at(&host.url()), json!({})).await;
        // Settings and fields are read once and remembered for a while: not what is measured.
        tenant.get("/v1/leads").await.expect(200);
        for plural in ["leads", "contacts", "companies", "orders", "tickets"] {
            let refused = tenant.post(&format!("/v1/{plural}"), json!({"nothing": 1})).await;
            assert_eq!(refused.status, 422);
        }
        Self {
            host,
            tenant,
            _folder: folder,
        }
    }

    /// The items of the tables that requests write, by table and key.
    async fn items(&self) -> HashMap<String, Item> {
        let client = engine::dynamodb(InProcess::tables(Arc::clone(self.host.engine())));
        let mut items = HashMap::new();
        for table in [
            "LeadsTable",
            "ContactsTable",
            "OrdersTable",
            "TicketsTable",
            "TimersTable",
        ] {
            let mut pages = client.scan().table_name(table).into_paginator().items().send();
            while let Some(item) = pages.next().await {
                let item = item.unwrap();
                items.insert(format!("{table} {:?} {:?}", item["pk"], item["sk"]), item);
            }
        }
        items
    }
}

/// What an answer says it cost: read and write units.
fn cost(answer: &Answer) -> (f64, f64) {
    let part = |name: &str| {
        let parts = answer.header("rapport-cost").split(", ");
        let found = parts
            .filter_map(|part| part.split_once('='))
            .find(|(known, _)| *known == name);
        found.unwrap().1.parse::<f64>().unwrap()
    };
    (part("rru"), part("wru"))
}

/// The size of an item by DynamoDB's rules: names and values in UTF-8, a number two digits a byte and one more.
fn bytes(item: &Item) -> usize {
    let size = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        other => panic!("{other:?}"),
    };
    item.iter().map(|(name, value)| name.len() + size(value)).sum()
}

fn kilobytes(item: &Item) -> usize {
    bytes(item).div_ceil(1024)
}

/// What writing these items costs by DynamoDB's rules: each once alone and twice in a transaction, and once more for
/// each index that it is in. A counter is counted up by itself.
fn price(items: &[&Item]) -> usize {
    let (counters, others): (Vec<&Item>, Vec<&Item>) = items
        .iter()
        .partition(|item| item["pk"].as_s().unwrap().ends_with("#counter"));
    let each = if others.len() > 1 { 2 } else { 1 };
    let indexes = |item: &Item| {
        item.keys()
            .filter(|name| name.starts_with("by_") && name.ends_with("_at"))
            .count()
    };
    counters.len()
        + others
            .iter()
            .map(|item| kilobytes(item) * (each + indexes(item)))
            .sum::<usize>()
}

/// A note that makes a record of about 1 KB, whose row is then a little longer: 2 KB as DynamoDB rounds.
fn filler() -> String {
    "n".repeat(600)
}

#[tokio::test]
async fn a_create_costs_what_its_items_do() {
    let world = World::new().await;
    let tenant = &world.tenant;
    let contact = tenant.post("/v1/contacts", json!({"name": "Base"})).await.expect(201)["id"].clone();
    let (alone, twice, pointer, guard, timer, counter) = (1, 2, 2, 2, 2, 1);
    let note = filler();
    for (plural, body, reads, writes) in [
        // The row alone, and its index by status.
        (
            "leads",
            json!({"name": "Ann Example", "note": note}),
            0.0,
            2 * alone + 2,
        ),
        // With what leads to it by e-mail address and number; looking for likenesses by both.
        (
            "leads",
            json!({"name": "Ann Beispiel", "email": "ann@shop.example", "phone": "+14155552671", "note": note}),
            0.5 + 0.5,
            2 * twice + 2 + 2 * pointer,
        ),
        (
            "contacts",
            json!({"name": "Bob Example", "note": note}),
            0.5,
            2 * twice + pointer,
        ),
        // E-mail address, number, name and two tags.
        (
            "contacts",
            json!({"name": "Bob Beispiel", "email": "bob@shop.example", "phone": "+14155552672", "note": note, "tags": ["a", "b"]}),
            3.0 * 0.5,
            2 * twice + guard + 5 * pointer,
        ),
        (
            "companies",
            json!({"name": "Firm Example", "note": note}),
            0.5,
            2 * twice + pointer,
        ),
        // Its customer is read for certain; indexes by status and contact.
        (
            "orders",
            json!({"contact_id": contact, "lines": [{"name": "Tea", "unit_price": "1"}]}),
            1.0,
            2 * alone + 2 * 2 + counter,
        ),
        // Two deadlines.
        (
            "tickets",
            json!({"subject": "Help", "channel": "api", "contact_id": contact, "body": "b".repeat(300)}),
            1.0,
            2 * twice + 2 * 2 + 2 * timer + counter,
        ),
    ] {
        let before = world.items().await;
        let answer = tenant.post(&format!("/v1/{plural}"), body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let after = world.items().await;
        let written: Vec<&Item> = after
            .iter()
            .filter(|(key, item)| before.get(*key) != Some(item))
            .map(|(_, item)| item)
            .collect();
        let at = format!("{plural}, {} bytes, {} items", answer.text.len(), written.len());
        assert_eq!(cost(&answer), (reads, f64::from(writes)), "{at}");
        assert_eq!(price(&written) as i32, writes, "{at}: the arithmetic is DynamoDB's");

        // With an idempotency key its answer is kept too: read whether it is there, and written in the transaction.
        let key = [("idempotency-key", plural), ("rapport-allow-duplicate", "true")];
        let body =
            json!({"name": "A", "subject": "A", "channel": "api", "lines": [{"name": "Tea", "unit_price": "1"}]});
        let body = match plural {
            "orders" => json!({"lines": body["lines"]}),
            "tickets" => json!({"subject": "A", "channel": "api"}),
            _ => json!({"name": "A"}),
        };
        let before = world.items().await;
        let first = tenant
            .json(Method::POST, &format!("/v1/{plural}"), &key, body.clone())
            .await;
        let after = world.items().await;
        let written: Vec<&Item> = after
            .iter()
            .filter(|(key, item)| before.get(*key) != Some(item))
            .map(|(_, item)| item)
            .collect();
        if first.header("idempotent-replayed").is_empty() {
            assert_eq!(cost(&first).1, price(&written) as f64, "{at}, with a key");
        }
        let again = tenant.json(Method::POST, &format!("/v1/{plural}"), &key, body).await;
        assert_eq!(
            (again.header("idempotent-replayed"), cost(&again)),
            ("true", (1.0, 0.0)),
            "{at}, again"
        );
    }
}

#[tokio::test]
async fn reads_cost_what_is_read() {
    let world = World::new().await;
    let tenant = &world.tenant;
    let inputs = |plural: &str, n: usize| match plural {
        "orders" => json!({"lines": [{"name": "Tea", "unit_price": "1"}], "channel": format!("c{n}")}),
        "tickets" => json!({"subject": format!("S{n}"), "channel": "api", "body": filler()}),
        _ => json!({"name": format!("Person {n}"), "note": filler()}),
    };
    for plural in ["leads", "contacts", "companies", "orders", "tickets"] {
        let path = format!("/v1/{plural}");
        let batch: Vec<Value> = (0..60).map(|n| inputs(plural, n)).collect();
        tenant
            .post(
                &format!("{path}/batch"),
                json!({"operation": "create", "inputs": batch}),
            )
            .await
            .expect(200);
        let items = world.items().await;
        let page = tenant.get(&format!("{path}?limit=50")).await;
        let ids: Vec<&str> = page.body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["id"].as_str().unwrap())
            .collect();
        assert_eq!(ids.len(), 50);
        let of_page = |item: &&Item| item.contains_key("doc") && ids.contains(&item["sk"].as_s().unwrap().as_str());
        let read: usize = items.values().filter(of_page).map(bytes).sum();
        // Half a unit for each 4 KB of the page and of the one row more that tells whether there is more.
        let half = |bytes: usize| 0.5 * bytes.div_ceil(4096) as f64;
        let (reads, writes) = cost(&page);
        assert!(
            (half(read)..=half(read + read / 50)).contains(&reads),
            "{path}: {read} bytes, {reads}"
        );
        assert_eq!(writes, 0.0, "{path}");
        let one = cost(&tenant.get(&format!("{path}?limit=1")).await);
        assert_eq!(one.0, 0.5, "{path}: one, and the one more, in 4 KB");
        // One is read for certain: a unit for up to 4 KB, also where there is none.
        assert_eq!(
            cost(&tenant.get(&format!("{path}/{}", ids[0])).await),
            (1.0, 0.0),
            "{path}"
        );
        let last = ids[0].chars().last().unwrap();
        let none = format!("{}{}", &ids[0][..ids[0].len() - 1], if last == '0' { '1' } else { '0' });
        let missing = tenant.get(&format!("{path}/{none}")).await;
        assert_eq!((missing.status, cost(&missing)), (404, (1.0, 0.0)), "{path}");
        let read = json!({"operation": "read", "inputs": ids.iter().map(|id| json!({"id": id})).collect::<Vec<_>>()});
        assert_eq!(
            cost(&tenant.post(&format!("{path}/batch"), read).await),
            (50.0, 0.0),
            "{path}: fifty, each for certain"
        );
    }
}

#[tokio::test]
async fn a_batch_of_a_hundred_costs_what_a_hundred_do() {
    let world = World::new().await;
    let before = world.items().await;
    let inputs: Vec<Value> = (0..100)
        .map(|n| json!({"name": format!("Person {n}"), "email": format!("p{n}@shop.example"), "note": filler()}))
        .collect();
    let answer = world
        .tenant
        .post("/v1/leads/batch", json!({"operation": "create", "inputs": inputs}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let after = world.items().await;
    let written: Vec<&Item> = after
        .iter()
        .filter(|(key, _)| !before.contains_key(*key))
        .map(|(_, item)| item)
        .collect();
    assert_eq!(written.len(), 200, "a hundred rows and a hundred ways to them");
    // Each in a transaction: a row of 2 KB, its index, and the e-mail address.
    assert_eq!(cost(&answer), (100.0 * 0.5, f64::from(100 * (2 * 2 + 2 + 2))));
    assert_eq!(price(&written), 800);
}

#[tokio::test]
async fn a_change_costs_what_it_changes() {
    let world = World::new().await;
    let tenant = &world.tenant;
    let (twice, pointer) = (2, 2);
    for (plural, body, patch, writes) in [
        // The row and its index by status.
        (
            "leads",
            json!({"name": "A", "note": filler()}),
            json!({"title": "Cook"}),
            2 + 2,
        ),
        // The same, and a tag that comes.
        (
            "leads",
            json!({"name": "B", "note": filler()}),
            json!({"tags": ["x"]}),
            2 * twice + 2 + pointer,
        ),
        // One tag goes, another comes.
        (
            "leads",
            json!({"name": "C", "note": filler(), "tags": ["x"]}),
            json!({"tags": ["y"]}),
            2 * twice + 2 + 2 * pointer,
        ),
        // What changes nothing costs nothing.
        (
            "leads",
            json!({"name": "D", "title": "Cook"}),
            json!({"title": "Cook"}),
            0,
        ),
    ] {
        let made = tenant.post(&format!("/v1/{plural}"), body).await.expect(201);
        let path = format!("/v1/{plural}/{}", made["id"].as_str().unwrap());
        let answer = tenant.patch(&path, patch.clone()).await;
        assert_eq!(
            (answer.status, cost(&answer)),
            (200, (1.0, f64::from(writes))),
            "{path} {patch}"
        );
    }
}
