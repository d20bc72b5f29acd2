//! Merging contacts and companies, what follows a merge, and undoing it.

use serde_json::{Value, json};
use tests::{Tenant, eventually};

use super::contacts::{id, made};
use super::surveys::{at_once, invitation, resolved};

async fn done(tenant: &Tenant, job: &Value) -> Value {
    let path = format!("/v1/jobs/{}", id(job));
    eventually("the end of a job", || async {
        let job = tenant.get(&path).await.expect(200);
        (job["status"] == "done").then_some(job)
    })
    .await
}

async fn order(tenant: &Tenant, contact: &Value) -> Value {
    let line = json!({"name": "Tea", "quantity": "1", "unit_price": "10.00"});
    let body = json!({"contact_id": id(contact), "placed_on": "2026-11-20", "status": "placed", "lines": [line]});
    made(tenant, "orders", body).await
}

#[tokio::test]
async fn a_merged_contact_leads_to_the_one_that_stays() {
    let tenant = Tenant::new().await;
    let ann = made(&tenant, "contacts", json!({"name": "Ann", "email": "ann@a.example"})).await;
    let body = json!({"name": "Anna", "email": "anna@b.example", "title": "Buyer", "external_ids": {"shop": "77"}, "tags": ["vip"]});
    let anna = made(&tenant, "contacts", body).await;
    let order = order(&tenant, &anna).await;
    let ticket = made(
        &tenant,
        "tickets",
        json!({"contact_id": id(&anna), "subject": "Help", "channel": "web"}),
    )
    .await;
    let path = format!("/v1/contacts/{}", id(&ann));
    let merge = json!({"from": [id(&anna)], "fields": {"email": id(&anna)}});

    let mut rehearsal = merge.clone();
    rehearsal["dry_run"] = json!(true);
    let shown = tenant.post(&format!("{path}/merge"), rehearsal).await.expect(200);
    assert_eq!(shown["record"]["email"], "anna@b.example");
    let fields: Vec<_> = shown["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["email", "name"]);
    assert_eq!(tenant.get(&path).await.expect(200), ann, "a rehearsal writes nothing");

    let merged = tenant.post(&format!("{path}/merge"), merge.clone()).await;
    assert_eq!(
        (merged.status, merged.header("location")),
        (202, format!("/v1/jobs/{}", id(&merged.body["job"])).as_str())
    );
    let (record, job) = (&merged.body["record"], &merged.body["job"]);
    assert_eq!(
        (
            &record["name"],
            &record["email"],
            &record["title"],
            &record["external_ids"],
            &record["tags"]
        ),
        (
            &json!("Ann"),
            &json!("anna@b.example"),
            &json!("Buyer"),
            &json!({"shop": "77"}),
            &json!(["vip"])
        )
    );
    let again = tenant.post(&format!("{path}/merge"), merge).await.expect(202);
    assert_eq!(id(&again["job"]), id(job), "the same merge again is the same job");
    let followed = tenant.get(&format!("/v1/contacts/{}", id(&anna))).await.expect(200);
    assert_eq!(&followed, record);
    for key in ["shop/77", "email/anna@b.example"] {
        let found = tenant
            .put(&format!("/v1/contacts/by/{key}"), json!({}))
            .await
            .expect(200);
        assert_eq!(found["id"], ann["id"], "{key}");
    }
    assert_eq!(done(&tenant, job).await["moved"], 2);
    for (plural, record) in [("orders", &order), ("tickets", &ticket)] {
        let moved = tenant.get(&format!("/v1/{plural}/{}", id(record))).await.expect(200);
        assert_eq!(moved["contact_id"], ann["id"], "{plural}");
    }
    let listed = tenant.get("/v1/contacts").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn undoing_a_merge_brings_everything_back() {
    let tenant = Tenant::new().await;
    let ann = made(
        &tenant,
        "contacts",
        json!({"name": "Ann", "email": "ann@a.example", "external_ids": {"shop": "1"}}),
    )
    .await;
    let anna = made(
        &tenant,
        "contacts",
        json!({"name": "Anna", "email": "anna@b.example", "external_ids": {"shop": "2"}}),
    )
    .await;
    let orders = [order(&tenant, &ann).await, order(&tenant, &anna).await];
    let path = format!("/v1/contacts/{}", id(&ann));
    let merged = tenant
        .post(&format!("{path}/merge"), json!({"from": [id(&anna)]}))
        .await
        .expect(202);
    let found = tenant.put("/v1/contacts/by/shop/2", json!({})).await.expect(200);
    assert_eq!(
        (&found["id"], &found["external_ids"]["shop"]),
        (&ann["id"], &json!("1")),
        "a second id of one source leads here too"
    );
    done(&tenant, &merged["job"]).await;
    tenant.patch(&path, json!({"occupation": "Cook"})).await.expect(200);

    let undo = json!({"merge": id(&merged["job"])});
    let undone = tenant.post(&format!("{path}/unmerge"), undo.clone()).await.expect(202);
    assert_eq!(
        (&undone["record"]["occupation"], &undone["record"]["emails"]),
        (&json!("Cook"), &ann["emails"])
    );
    assert_eq!(
        (&undone["restored"][0]["id"], &undone["restored"][0]["version"]),
        (&anna["id"], &json!(3))
    );
    tenant
        .post(&format!("{path}/unmerge"), undo.clone())
        .await
        .problem(409, "already_undone");
    done(&tenant, &undone["job"]).await;
    for (order, contact) in orders.iter().zip([&ann, &anna]) {
        let read = tenant.get(&format!("/v1/orders/{}", id(order))).await.expect(200);
        assert_eq!(read["contact_id"], contact["id"]);
    }
    for (key, contact) in [("shop/1", &ann), ("shop/2", &anna), ("email/anna@b.example", &anna)] {
        let found = tenant
            .put(&format!("/v1/contacts/by/{key}"), json!({}))
            .await
            .expect(200);
        assert_eq!(found["id"], contact["id"], "{key}");
    }
    let other = Tenant::new().await;
    other
        .post(&format!("{path}/unmerge"), undo)
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused() {
    let tenant = Tenant::new().await;
    let other = Tenant::new().await;
    let ann = made(&tenant, "contacts", json!({"name": "Ann"})).await;
    let bob = made(&tenant, "contacts", json!({"name": "Bob"})).await;
    let company = made(&tenant, "companies", json!({"name": "Works"})).await;
    let foreign = made(&other, "contacts", json!({"name": "Cat"})).await;
    let path = format!("/v1/contacts/{}/merge", id(&ann));
    for wrong in [
        json!({}),
        json!({"from": []}),
        json!({"from": [id(&ann)]}),
        json!({"from": [id(&bob), id(&bob)]}),
        json!({"from": [id(&company)]}),
        json!({"from": [id(&foreign)]}),
        json!({"from": [id(&bob)], "fields": {"emails": id(&bob)}}),
        json!({"from": [id(&bob)], "fields": {"name": id(&foreign)}}),
        json!({"from": [id(&bob)], "more": 1}),
    ] {
        tenant.post(&path, wrong).await.problem(422, "validation_failed");
    }
    other
        .post(&path, json!({"from": [id(&foreign)]}))
        .await
        .problem(404, "not_found");
    let stale = [("if-match", "\"9\"")];
    tenant
        .json(http::Method::POST, &path, &stale, json!({"from": [id(&bob)]}))
        .await
        .problem(412, "precondition_failed");
    let answers = futures::future::join_all((0..10).map(|_| tenant.post(&path, json!({"from": [id(&bob)]})))).await;
    let mut jobs: Vec<_> = answers
        .iter()
        .filter(|a| a.status == 202)
        .map(|a| id(&a.body["job"]).to_owned())
        .collect();
    jobs.dedup();
    assert_eq!(jobs.len(), 1, "ten at once are one merge");
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 202 | 409 | 412 | 422))
    );
}

#[tokio::test]
async fn companies_merge_with_all_that_belongs_to_them() {
    let tenant = Tenant::new().await;
    let works = made(&tenant, "companies", json!({"name": "Works"})).await;
    let inc = made(
        &tenant,
        "companies",
        json!({"name": "Works Inc", "parent_id": id(&works)}),
    )
    .await;
    let daughter = made(&tenant, "companies", json!({"name": "Daughter", "parent_id": id(&inc)})).await;
    let contact = made(&tenant, "contacts", json!({"name": "Ann", "company_id": id(&inc)})).await;
    let lead = made(&tenant, "leads", json!({"name": "Bob"})).await;
    let convert = json!({"company_id": id(&inc)});
    tenant
        .post(&format!("/v1/leads/{}/convert", id(&lead)), convert)
        .await
        .expect(200);
    let merged = tenant
        .post(
            &format!("/v1/companies/{}/merge", id(&works)),
            json!({"from": [id(&inc)]}),
        )
        .await
        .expect(202);
    done(&tenant, &merged["job"]).await;
    for (plural, record, field) in [
        ("contacts", &contact, "company_id"),
        ("companies", &daughter, "parent_id"),
        ("leads", &lead, "company_id"),
    ] {
        let moved = tenant.get(&format!("/v1/{plural}/{}", id(record))).await.expect(200);
        assert_eq!(moved[field], works["id"], "{plural}");
    }
}

/// Where each of these records' field leads to.
async fn named(tenant: &Tenant, records: &[(&str, &Value, &str)]) -> Vec<Value> {
    let mut found = Vec::new();
    for (plural, record, field) in records {
        let read = tenant.get(&format!("/v1/{plural}/{}", id(record))).await.expect(200);
        found.push(read[*field].clone());
    }
    found
}

#[tokio::test]
async fn every_kind_of_record_follows_a_merge_and_its_undoing() {
    let tenant = Tenant::new().await;
    tenant.patch("/v1/settings", at_once(json!({}))).await.expect(200);
    let ann = made(&tenant, "contacts", json!({"name": "Ann", "email": "ann@a.example"})).await;
    let anna = made(&tenant, "contacts", json!({"name": "Anna", "email": "anna@b.example"})).await;
    let lead = made(&tenant, "leads", json!({"name": "Anna"})).await;
    let convert = format!("/v1/leads/{}/convert", id(&lead));
    tenant
        .post(&convert, json!({"contact_id": id(&anna)}))
        .await
        .expect(200);
    let order = order(&tenant, &anna).await;
    let ticket = json!({ "id": resolved(&tenant, id(&anna)).await });
    let asked = invitation(&tenant, id(&anna), "sent").await;
    let all = [
        ("leads", &lead, "contact_id"),
        ("orders", &order, "contact_id"),
        ("tickets", &ticket, "contact_id"),
        ("survey-invitations", &asked, "contact_id"),
    ];
    assert_eq!(named(&tenant, &all).await, vec![anna["id"].clone(); 4]);
    let path = format!("/v1/contacts/{}", id(&ann));
    let merge = json!({"from": [id(&anna)]});
    let merged = tenant.post(&format!("{path}/merge"), merge).await.expect(202);
    assert_eq!(done(&tenant, &merged["job"]).await["moved"], 4);
    assert_eq!(named(&tenant, &all).await, vec![ann["id"].clone(); 4]);
    let undo = json!({"merge": id(&merged["job"])});
    let undone = tenant.post(&format!("{path}/unmerge"), undo).await.expect(202);
    done(&tenant, &undone["job"]).await;
    assert_eq!(named(&tenant, &all).await, vec![anna["id"].clone(); 4]);
}

#[tokio::test]
async fn more_records_than_one_message_moves_follow_all_the_same() {
    let tenant = Tenant::new().await;
    let works = made(&tenant, "companies", json!({"name": "Works"})).await;
    let inc = made(&tenant, "companies", json!({"name": "Works Inc"})).await;
    for batch in 0..6 {
        let person = |n: u32| json!({"name": format!("Worker {batch} {n}"), "company_id": id(&inc)});
        let batch = json!({"operation": "create", "inputs": (0..90).map(person).collect::<Vec<_>>()});
        let alike = [("rapport-allow-duplicate", "true")];
        let made = tenant
            .json(http::Method::POST, "/v1/contacts/batch", &alike, batch)
            .await;
        made.expect(200);
    }
    let path = format!("/v1/companies/{}", id(&works));
    let merge = json!({"from": [id(&inc)]});
    let merged = tenant.post(&format!("{path}/merge"), merge).await.expect(202);
    assert_eq!(done(&tenant, &merged["job"]).await["moved"], 540);
    for (company, left, more) in [(&inc, 0, false), (&works, 200, true)] {
        let path = format!("/v1/contacts?limit=200&company_id={}", id(company));
        let page = tenant.get(&path).await.expect(200);
        assert_eq!(
            (page["data"].as_array().unwrap().len(), &page["has_more"]),
            (left, &json!(more))
        );
    }
}
