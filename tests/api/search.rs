//! Search over all kinds of record.

use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_store::search::ToIndex;
use rapport_store::{Store, TableNames};
use serde_json::{Value, json};
use tests::{Tenant, eventually};

use super::account::World;
use super::contacts::{id, made};

async fn find(tenant: &Tenant, question: &str) -> Vec<Value> {
    let query: String = question.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answer = tenant.get(&format!("/v1/search?q={query}")).await.expect(200);
    answer["data"].as_array().unwrap().clone()
}

async fn found(tenant: &Tenant, question: &str, record: &Value) {
    eventually(question, || async {
        let hits = find(tenant, question).await;
        hits.iter().any(|hit| hit["id"] == record["id"]).then_some(())
    })
    .await;
}

async fn lost(tenant: &Tenant, question: &str) {
    eventually(question, || async {
        find(tenant, question).await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn records_are_found_by_what_people_type() {
    let tenant = Tenant::new().await;
    let ann = made(
        &tenant,
        "contacts",
        json!({"name": "Ann Müller", "email": "ann@shop.example", "phone": "(415) 555-2671"}),
    )
    .await;
    let li = made(
        &tenant,
        "contacts",
        json!({"name": "李小明", "external_ids": {"erp": "K-17"}}),
    )
    .await;
    let company = made(
        &tenant,
        "companies",
        json!({"name": "Iron Works", "website": "ironworks.example"}),
    )
    .await;
    let lead = made(&tenant, "leads", json!({"name": "Zoe", "company_name": "Orchard"})).await;
    let product = made(&tenant, "products", json!({"sku": "TEA-100", "name": "Green tea"})).await;
    let ticket = made(
        &tenant,
        "tickets",
        json!({"subject": "Screen is broken", "channel": "web", "contact_id": id(&ann)}),
    )
    .await;
    for (question, record) in [
        ("ann", &ann),
        ("muller ann", &ann),
        ("ann@sho", &ann),
        ("415 555", &ann),
        ("+1 415", &ann),
        ("李", &li),
        ("小明", &li),
        ("k-17", &li),
        ("works iro", &company),
        ("orch", &lead),
        ("tea-1", &product),
        ("broken", &ticket),
    ] {
        found(&tenant, question, record).await;
    }
    assert!(find(&tenant, "明小").await.is_empty());
    assert!(find(&tenant, "ann tea").await.is_empty());
    let hit = find(&tenant, "broken").await.remove(0);
    assert_eq!(
        (&hit["kind"], &hit["title"]),
        (&json!("ticket"), &json!("Screen is broken"))
    );
    let other = Tenant::new().await;
    assert!(find(&other, "ann").await.is_empty());
}

#[tokio::test]
async fn the_index_follows_changes_deletion_and_restoring() {
    let tenant = Tenant::new().await;
    let contact = made(&tenant, "contacts", json!({"name": "Before"})).await;
    let path = format!("/v1/contacts/{}", id(&contact));
    found(&tenant, "before", &contact).await;
    tenant.patch(&path, json!({"name": "After"})).await.expect(200);
    found(&tenant, "after", &contact).await;
    lost(&tenant, "before").await;
    assert_eq!(tenant.delete(&path).await.status, 204);
    lost(&tenant, "after").await;
    tenant.post(&format!("{path}/restore"), json!({})).await.expect(200);
    found(&tenant, "after", &contact).await;
}

#[tokio::test]
async fn common_words_do_not_hide_rare_ones() {
    let tenant = Tenant::new().await;
    for batch in 0..3 {
        let inputs: Vec<Value> = (0..100)
            .map(|n| json!({"name": format!("Common Person{batch}x{n}")}))
            .collect();
        let answer = tenant
            .post("/v1/contacts/batch", json!({"operation": "create", "inputs": inputs}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let last = made(&tenant, "contacts", json!({"name": "Common Zebra"})).await;
    found(&tenant, "zebra", &last).await;
    found(&tenant, "common zebra", &last).await;
    eventually("all indexed", || async {
        let answer = tenant.get("/v1/search?q=person2x99&limit=50").await.expect(200);
        (answer["data"].as_array()?.len() == 1).then_some(())
    })
    .await;
    let hits = find(&tenant, "common person2x99").await;
    assert_eq!(hits.len(), 1);
    let answer = tenant.get("/v1/search?q=common&limit=50").await;
    assert_eq!(answer.body["data"].as_array().unwrap().len(), 50);
    let cost = answer.header("rapport-cost").to_owned();
    let units: f64 = cost
        .trim_start_matches("rru=")
        .split(',')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert!(units <= 10.0, "{cost}");
}

#[tokio::test]
async fn a_bad_question_is_refused() {
    let tenant = Tenant::new().await;
    let long = format!("/v1/search?q={}", "a".repeat(201));
    for (path, status, code) in [
        ("/v1/search", 422, "validation_failed"),
        ("/v1/search?q=", 422, "validation_failed"),
        ("/v1/search?q=%20", 422, "validation_failed"),
        (long.as_str(), 422, "validation_failed"),
        ("/v1/search?q=a&kinds=user", 400, "malformed"),
        ("/v1/search?q=a&limit=51", 400, "malformed"),
        ("/v1/search?q=a&more=1", 400, "unknown_parameter"),
    ] {
        tenant.get(path).await.problem(status, code);
    }
    assert!(find(&tenant, "...").await.is_empty());
    let key = tenant
        .post("/v1/api-keys", json!({"name": "k", "scopes": ["leads:read"]}))
        .await
        .expect(201);
    let secret = ["secret", "key"].iter().find_map(|name| key[*name].as_str()).unwrap();
    let lead = made(&tenant, "leads", json!({"name": "Shared"})).await;
    let contact = made(&tenant, "contacts", json!({"name": "Shared"})).await;
    found(&tenant, "shared", &lead).await;
    found(&tenant, "shared", &contact).await;
    let limited = tenant.with_token(secret).get("/v1/search?q=shared").await.expect(200);
    let kinds: Vec<_> = limited["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["kind"].clone())
        .collect();
    assert_eq!(kinds, ["lead"]);
}

/// Who read a record and was slow to write its words comes after somebody who read it later, and found its words as they were.
#[tokio::test]
async fn whoever_is_late_with_a_records_words_does_not_replace_those_of_a_later_version() {
    let world = World::new().await;
    let tables = |name: &str| (name == "TABLE_SEARCH").then(|| "SearchTable".to_owned());
    let store = Store::new(world.client(), TableNames::read(tables), &[0; 32]);
    let (tenant, now) = (TenantId::new(), world.clock.now());
    let lead = RecordId::new(Prefix::Lead).to_string();
    let entry = |name: &str| rapport_domain::search::entry("lead", &json!({"name": name}));
    let index = async |version, entry: Option<_>| {
        let (noun, id) = ("lead".to_owned(), lead.clone());
        let record = ToIndex {
            noun,
            id,
            version,
            entry,
            fresh: false,
            again: false,
        };
        store.index_records(tenant, &[record], now).await.remove(0).unwrap();
    };
    let found = async |word: &str| {
        store
            .search(tenant, &["lead"], &[word.to_owned()], 10)
            .await
            .unwrap()
            .len()
    };
    // Deleted and never found: what it was before comes late.
    index(2, None).await;
    index(1, entry("Early")).await;
    assert_eq!(found("early").await, 0);
    // Back, with another name: that it was gone, and what it was called in between, come late.
    index(4, entry("Late")).await;
    index(3, None).await;
    assert_eq!(found("late").await, 1);
    index(6, entry("Late")).await;
    index(5, entry("Other")).await;
    assert_eq!((found("late").await, found("other").await), (1, 0));
    // The very next version with the same words writes nothing.
    let items = async || {
        world
            .client()
            .scan()
            .table_name("SearchTable")
            .send()
            .await
            .unwrap()
            .items
            .unwrap()
    };
    let before = items().await;
    index(7, entry("Late")).await;
    assert_eq!(items().await, before);
}
