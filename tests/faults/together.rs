//! Many at once: on one record of each kind, with one key, and for one customer who was not there before.

use std::collections::BTreeSet;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Caller, Tenant, unique};

/// A record of each kind that can be changed: plural, how it is made, and the field that everybody changes.
fn kinds() -> [(&'static str, Value, &'static str); 6] {
    [
        ("leads", json!({"name": "A"}), "note"),
        ("contacts", json!({"name": "A", "email": "a@shop.example"}), "note"),
        ("companies", json!({"name": "A"}), "note"),
        ("products", json!({"sku": "A", "name": "A"}), "name"),
        (
            "orders",
            json!({"lines": [{"name": "Tea", "unit_price": "1"}]}),
            "channel",
        ),
        ("tickets", json!({"subject": "A", "channel": "api"}), "subject"),
    ]
}

async fn made(tenant: &Caller, plural: &str, body: Value) -> String {
    let record = tenant.post(&format!("/v1/{plural}"), body).await.expect(201);
    format!("/v1/{plural}/{}", record["id"].as_str().unwrap())
}

#[tokio::test]
async fn of_a_hundred_changes_one_wins_each_version_and_none_is_lost() {
    let tenant = Tenant::new().await;
    for (plural, body, field) in kinds() {
        let path = made(&tenant, plural, body).await;
        let answers = join_all((0..100).map(|n| tenant.patch(&path, json!({field: format!("n{n}")})))).await;
        let (won, lost): (Vec<Answer>, Vec<Answer>) = answers.into_iter().partition(|answer| answer.status == 200);
        lost.iter()
            .for_each(|answer| drop(answer.problem(409, "contention").clone()));
        let versions: BTreeSet<u64> = won
            .iter()
            .map(|answer| answer.body["version"].as_u64().unwrap())
            .collect();
        assert_eq!(
            versions,
            (2..2 + won.len() as u64).collect(),
            "{plural}: each version was won by one"
        );
        let last = won.iter().max_by_key(|answer| answer.body["version"].as_u64()).unwrap();
        assert_eq!(tenant.get(&path).await.expect(200), last.body, "{plural}");
    }
}

#[tokio::test]
async fn of_a_hundred_who_saw_the_same_version_one_changes_it() {
    let tenant = Tenant::new().await;
    for (plural, body, field) in kinds() {
        let path = made(&tenant, plural, body).await;
        let headers = [("if-match", "\"1\"")];
        let answers =
            join_all((0..100).map(|n| tenant.json(Method::PATCH, &path, &headers, json!({field: format!("n{n}")}))))
                .await;
        let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1, "{plural}");
        for lost in answers.iter().filter(|answer| answer.status != 200) {
            assert_eq!(
                lost.problem(412, "precondition_failed").body["current"]["version"],
                2,
                "{plural}"
            );
        }
        assert_eq!(tenant.get(&path).await.expect(200), won[0].body, "{plural}");
    }
}

#[tokio::test]
async fn one_key_fifty_times_at_once_makes_one_record_of_each_kind() {
    let tenant = Tenant::new().await;
    let ticket = made(&tenant, "tickets", json!({"subject": "B", "channel": "api"})).await;
    let mut calls: Vec<(String, Value)> = kinds().map(|(plural, body, _)| (format!("/v1/{plural}"), body)).into();
    calls.push((format!("{ticket}/messages"), json!({"body": "Yes", "internal": false})));
    for (path, body) in calls {
        let before = tenant.get(&path).await.expect(200)["data"].as_array().unwrap().len();
        let key = unique("key");
        let headers = [("idempotency-key", key.as_str())];
        let answers = join_all((0..50).map(|_| tenant.json(Method::POST, &path, &headers, body.clone()))).await;
        for answer in &answers {
            assert_eq!(answer.status, 201, "{path}: {}", answer.text);
            assert_eq!(answer.text, answers[0].text, "{path}: all get the same answer");
        }
        let replayed = answers
            .iter()
            .filter(|answer| answer.header("idempotent-replayed") == "true");
        assert_eq!(replayed.count(), 49, "{path}");
        let after = tenant.get(&path).await.expect(200)["data"].as_array().unwrap().len();
        assert_eq!(after, before + 1, "{path}");
    }
}

#[tokio::test]
async fn one_key_fifty_times_at_once_does_a_step_once() {
    let tenant = Tenant::new().await;
    let lead = made(
        &tenant,
        "leads",
        json!({"name": "C", "email": "c@shop.example", "company_name": "Firm"}),
    )
    .await;
    let order = made(
        &tenant,
        "orders",
        json!({"lines": [{"name": "Tea", "unit_price": "9"}]}),
    )
    .await;
    let ticket = made(&tenant, "tickets", json!({"subject": "B", "channel": "api"})).await;
    let contact = made(&tenant, "contacts", json!({"name": "D"})).await;
    for (method, path, body) in [
        (Method::POST, format!("{lead}/convert"), json!({})),
        (Method::POST, format!("{order}/payments"), json!({"amount": "9"})),
        (Method::POST, format!("{order}/fulfil"), json!({})),
        (Method::POST, format!("{ticket}/resolve"), json!({})),
        (
            Method::PATCH,
            contact.clone(),
            json!({"note": "n", "email": "d@shop.example"}),
        ),
    ] {
        let key = unique("key");
        let headers = [("idempotency-key", key.as_str())];
        let answers = join_all((0..50).map(|_| tenant.json(method.clone(), &path, &headers, body.clone()))).await;
        for answer in &answers {
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
            assert_eq!(answer.text, answers[0].text, "{path}: all get the same answer");
        }
    }
    for (path, version) in [(lead, 2), (order, 3), (ticket, 2), (contact, 2)] {
        assert_eq!(tenant.get(&path).await.expect(200)["version"], version, "{path}");
    }
    assert_eq!(
        tenant.get("/v1/contacts").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[tokio::test]
async fn one_value_that_only_one_may_hold_is_held_by_one() {
    let tenant = Tenant::new().await;
    for (plural, body) in [
        ("contacts", json!({"name": "A", "email": "same@shop.example"})),
        ("products", json!({"sku": "SAME", "name": "A"})),
        ("leads", json!({"name": "A", "external_ids": {"shop": "same"}})),
    ] {
        let path = format!("/v1/{plural}");
        let headers = [("rapport-allow-duplicate", "true")];
        let answers = join_all((0..50).map(|_| tenant.json(Method::POST, &path, &headers, body.clone()))).await;
        let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(won.len(), 1, "{plural}");
        for lost in answers.iter().filter(|answer| answer.status != 201) {
            assert_eq!(
                lost.problem(409, "conflict").body["holder"],
                won[0].body["id"],
                "{plural}"
            );
        }
        assert_eq!(
            tenant.get(&path).await.expect(200)["data"].as_array().unwrap().len(),
            1,
            "{plural}"
        );
    }
}

#[tokio::test]
async fn fifty_orders_at_once_bring_one_new_customer() {
    let tenant = Tenant::new().await;
    for key in ["email", "shop"] {
        let order = |n: usize| {
            let value = if key == "email" { "new@shop.example" } else { "c1" };
            json!({"contact_ref": {"key": key, "value": value}, "external_ids": {"till": format!("{key}{n}")}, "lines": [{"name": "Tea", "unit_price": "1"}]})
        };
        let answers = join_all((0..50).map(|n| tenant.post("/v1/orders", order(n)))).await;
        let contacts: BTreeSet<String> = answers
            .into_iter()
            .map(|answer| answer.expect(201)["contact_id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(contacts.len(), 1, "{key}");
        let orders = tenant
            .get(&format!(
                "/v1/orders?limit=200&contact_id={}",
                contacts.first().unwrap()
            ))
            .await
            .expect(200);
        let numbers: BTreeSet<String> = orders["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|order| order["number"].to_string())
            .collect();
        assert_eq!(numbers.len(), 50, "{key}: each order has a number of its own");
    }
    assert_eq!(
        tenant.get("/v1/contacts").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}
