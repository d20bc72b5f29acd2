//! A person who asks to be forgotten: nothing in any table says a word of him afterwards, and the books are as they were.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Tenant, eventually};

use super::account::{World, id, made};

/// Words that are said of the person and of nobody else, as they may be stored.
const WORDS: [&str; 12] = [
    "Zebulon",
    "zebulon",
    "Quarrier",
    "quarrier",
    "4155550142",
    "Gannet Lane",
    "likes liquorice",
    "allergic",
    "broken lid",
    "zq-17",
    "very slow answer",
    "gave his word",
];

async fn said(world: &World) -> Vec<String> {
    let mut found = Vec::new();
    for word in WORDS {
        let items = world.items_with(word).await.into_iter();
        found.extend(items.map(|(table, place, _)| format!("{word}: {table}: {place}")));
    }
    found
}

#[tokio::test]
async fn nothing_is_left_of_a_person_but_what_the_books_need() {
    let world = World::new().await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    let settings = json!({"survey": {"delay_minutes": 0, "quiet_hours": null, "min_days_between": 0}});
    tenant.patch("/v1/settings", settings).await.expect(200);
    let field = json!({"kind": "contact", "key": "badge", "label": "Badge", "type": "text", "unique": true});
    tenant.post("/v1/fields", field).await.expect(201);
    // The person as a lead that became a contact, another contact that was he too, an order, a ticket with words, an answer.
    let lead = json!({"name": "Zebulon Quarrier", "email": "zebulon@mail.example", "note": "likes liquorice"});
    let lead = made(&tenant, "/v1/leads", lead).await;
    let converted = tenant.post(&format!("/v1/leads/{lead}/convert"), json!({})).await;
    assert!([200, 201].contains(&converted.status), "{}", converted.text);
    let contact = tenant.get(&format!("/v1/leads/{lead}")).await.expect(200)["contact_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let more = json!({"phone": "+14155550142", "note": "allergic to nuts", "external_ids": {"shop": "zq-17"}, "custom": {"badge": "Quarrier-7"},
        "addresses": [{"street": "9 Gannet Lane", "city": "York", "country": "GB"}]});
    tenant.patch(&format!("/v1/contacts/{contact}"), more).await.expect(200);
    let twin = json!({"name": "Z. Quarrier", "email": "quarrier@mail.example"});
    let twin = made(&tenant, "/v1/contacts", twin).await;
    let order = |contact: &str, tags: Value| {
        json!({"contact_id": contact, "placed_on": "2026-10-01", "currency": "USD", "historic": true,
        "status": "fulfilled", "tags": tags, "lines": [{"name": "Tea", "unit_price": "5"}]})
    };
    let bought = made(&tenant, "/v1/orders", order(&twin, json!([]))).await;
    let again = made(&tenant, "/v1/orders", order(&contact, json!(["gave his word"]))).await;
    let ticket = json!({"subject": "The broken lid of Quarrier", "contact_id": contact});
    let ticket = made(&tenant, "/v1/tickets", ticket).await;
    let message = json!({"body": "Zebulon wants a new one"});
    tenant
        .post(&format!("/v1/tickets/{ticket}/messages"), message)
        .await
        .expect(201);
    tenant
        .post(
            &format!("/v1/tickets/{ticket}/resolve"),
            json!({"note": "sent to Gannet Lane"}),
        )
        .await
        .expect(200);
    // One that was deleted before, with what was said in it.
    let deleted = json!({"subject": "Quarrier asks again", "contact_id": contact});
    let deleted = made(&tenant, "/v1/tickets", deleted).await;
    let message = json!({"body": "Zebulon is cross"});
    let path = format!("/v1/tickets/{deleted}");
    tenant.post(&format!("{path}/messages"), message).await.expect(201);
    tenant.delete(&path).await.expect(204);
    let asked = format!("/v1/survey-invitations?contact_id={contact}");
    let invitation = eventually("a survey", || async {
        let found = tenant.get(&asked).await.expect(200);
        found["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["status"] == "sent")
            .map(id)
    })
    .await;
    let _ = invitation;
    let merge = json!({"from": [twin]});
    tenant
        .post(&format!("/v1/contacts/{contact}/merge"), merge)
        .await
        .expect(202);
    // Somebody else, of whom everything stays.
    let other = made(
        &tenant,
        "/v1/contacts",
        json!({"name": "Una Stays", "email": "una@mail.example"}),
    )
    .await;
    let theirs = made(&tenant, "/v1/orders", order(&other, json!([]))).await;
    let totals = |report: &Value| {
        let totals = &report["parts"][0]["totals"];
        (
            report["settling"].clone(),
            totals["orders"]["value"].clone(),
            totals["sales"]["value"].clone(),
        )
    };
    let sales = "/v1/reports/sales?from=2026-10-01&to=2026-10-31&by=month";
    eventually("everything is told of", || async {
        let found = tenant.get("/v1/search?q=Quarrier").await.expect(200);
        let found = found["data"].as_array().unwrap().len() >= 2;
        let orders = tenant
            .get(&format!("/v1/orders?contact_id={contact}"))
            .await
            .expect(200);
        let moved = orders["data"].as_array().unwrap().len() == 2;
        (found && moved && totals(&tenant.get(sales).await.expect(200)) == (json!(false), json!("3"), json!("15")))
            .then_some(())
    })
    .await;
    tenant.post("/v1/segments/recompute", json!({})).await.expect(202);
    eventually("a score", || async {
        (tenant.get(&format!("/v1/contacts/{contact}/score")).await.status == 200).then_some(())
    })
    .await;
    // What only one might have, many may by now.
    tenant
        .patch("/v1/fields/contact/badge", json!({"unique": false}))
        .await
        .expect(200);
    tenant
        .patch("/v1/settings", json!({"unique_email": false}))
        .await
        .expect(200);
    assert!(said(&world).await.len() > 20);

    // Not by a key that may only change contacts.
    let path = format!("/v1/contacts/{contact}/erasure");
    let key = json!({"name": "k", "scopes": ["contacts:write"]});
    let key = tenant.post("/v1/api-keys", key).await.expect(201);
    let key = tenant.with_token(key["secret"].as_str().unwrap());
    key.post(&path, json!({})).await.problem(403, "forbidden");
    tenant.get(&path).await.problem(404, "not_found");
    let begun = tenant.post(&path, json!({})).await.expect(202);
    assert_eq!((&begun["contact_id"], begun.get("done_at")), (&json!(contact), None));
    // Asked again while it is under way, it is one erasure.
    tenant.post(&path, json!({})).await.expect(202);
    let mut done = Value::Null;
    for look in 1..=80 {
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        if look % 10 == 0 {
            world.clock.advance(SignedDuration::from_secs(121));
        }
        done = tenant.get(&path).await.expect(200);
        if done["done_at"].is_string() {
            break;
        }
    }
    assert!(done["done_at"].is_string(), "{done}");
    let mut left = said(&world).await;
    for _ in 0..40 {
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        left = said(&world).await;
    }
    assert!(left.is_empty(), "{left:#?}");

    // Nothing leads to him, and the sums are what they were.
    for path in [
        format!("/v1/contacts/{contact}"),
        format!("/v1/contacts/{contact}/score"),
        format!("/v1/tickets/{ticket}"),
        format!("/v1/leads/{lead}"),
        format!("/v1/contacts/{twin}"),
    ] {
        let answer = tenant.get(&path).await;
        assert!(answer.status == 404 || answer.status == 410, "{path}: {}", answer.text);
    }
    // Nor does he come back as somebody without a name.
    for path in [
        format!("/v1/contacts/{contact}"),
        format!("/v1/leads/{lead}"),
        format!("/v1/tickets/{ticket}"),
        format!("/v1/tickets/{deleted}"),
    ] {
        tenant
            .post(&format!("{path}/restore"), json!({}))
            .await
            .problem(404, "not_found");
    }
    assert_eq!(tenant.get("/v1/search?q=Quarrier").await.expect(200)["data"], json!([]));
    for order in [&bought, &again] {
        let order = tenant.get(&format!("/v1/orders/{order}")).await.expect(200);
        assert_eq!(
            (&order["contact_id"], &order["total"]),
            (&Value::Null, &json!("5.00")),
            "{order}"
        );
    }
    eventually("the same sums", || async {
        (totals(&tenant.get(sales).await.expect(200)) == (json!(false), json!("3"), json!("15"))).then_some(())
    })
    .await;
    // The address is free, and others are as they were.
    made(
        &tenant,
        "/v1/contacts",
        json!({"name": "New", "email": "zebulon@mail.example"}),
    )
    .await;
    assert_eq!(
        tenant.get(&format!("/v1/orders/{theirs}")).await.expect(200)["contact_id"],
        other.as_str()
    );
    let log = tenant
        .send(Method::GET, &format!("/v1/contacts/{other}"), &[], None)
        .await;
    assert_eq!(log.body["name"], "Una Stays");
}
