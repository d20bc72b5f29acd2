//! The log of changes: history, the record as it was, the timeline of a contact, the feed.

use serde_json::{Value, json};
use tests::{Tenant, eventually};

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn who_changed_what_is_known_and_so_is_what_was() {
    let (tenant, other) = (Tenant::new().await, Tenant::new().await);
    let created = tenant
        .post("/v1/leads", json!({"name": "A", "note": "first"}))
        .await
        .expect(201);
    let path = format!("/v1/leads/{}", text(&created["id"]));
    let changed = tenant
        .patch(&path, json!({"name": "B", "note": null, "title": "Buyer"}))
        .await
        .expect(200);
    assert_eq!(tenant.delete(&path).await.status, 204);
    let history = format!("{path}/history");
    let versions = eventually("the history", || async {
        let body = tenant.get(&history).await.body;
        body["data"].as_array().filter(|data| data.len() == 3).cloned()
    })
    .await;
    let types: Vec<&Value> = versions.iter().map(|version| &version["types"][0]).collect();
    assert_eq!(types, ["lead.deleted", "lead.updated", "lead.created"]);
    assert_eq!(
        (&versions[1]["actor"], &versions[1]["via"]),
        (&json!(tenant.user), &json!("console"))
    );
    let mut changes: Vec<(String, Value, Value)> = versions[1]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (text(&change["field"]), change["old"].clone(), change["new"].clone()))
        .filter(|(field, ..)| !field.starts_with("score"))
        .collect();
    changes.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("name".to_owned(), json!("A"), json!("B")),
        ("note".to_owned(), json!("first"), Value::Null),
        ("title".to_owned(), Value::Null, json!("Buyer")),
    ];
    assert_eq!(changes, expected);
    for (as_of, expected) in [(&created["updated_at"], &created), (&changed["updated_at"], &changed)] {
        let then = tenant
            .get(&format!("{history}?as_of={}", text(as_of)))
            .await
            .expect(200);
        assert_eq!(&then, expected);
    }
    tenant
        .get(&format!("{history}?as_of=2001-01-01T00:00:00Z"))
        .await
        .problem(404, "not_found");
    tenant
        .get(&format!("{history}?as_of=yesterday"))
        .await
        .problem(400, "malformed");
    other.get(&history).await.problem(404, "not_found");
    let page = tenant.get(&format!("{history}?limit=2")).await.expect(200);
    let cursor = text(&page["next_cursor"]);
    let rest = tenant
        .get(&format!("{history}?limit=2&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(
        (rest["data"].as_array().unwrap().len(), &rest["has_more"]),
        (1, &json!(false))
    );
    other
        .get(&format!("{history}?cursor={cursor}"))
        .await
        .problem(400, "cursor_invalid");
}

#[tokio::test]
async fn the_feed_tells_everything_in_order_and_goes_on_where_it_was_left() {
    let tenant = Tenant::new().await;
    let mut expected = Vec::new();
    for n in 0..3 {
        let lead = tenant
            .post("/v1/leads", json!({"name": format!("L{n}")}))
            .await
            .expect(201);
        let id = text(&lead["id"]);
        tenant
            .patch(&format!("/v1/leads/{id}"), json!({"note": "x"}))
            .await
            .expect(200);
        expected.extend([(id.clone(), "lead.created"), (id, "lead.updated")].map(|(id, kind)| (id, kind.to_owned())));
    }
    let told = |body: &Value| -> Vec<(String, String)> {
        body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| (text(&event["subject"]), text(&event["type"])))
            .collect()
    };
    let all = eventually("the feed", || async {
        let body = tenant.get("/v1/events?types=lead.*").await.expect(200);
        (told(&body).len() == 6).then_some(body)
    })
    .await;
    assert_eq!(told(&all), expected);
    assert_eq!(all["data"][1]["previous"], json!({"note": null}));
    let (mut after, mut found) = (String::new(), Vec::new());
    loop {
        let page = tenant
            .get(&format!("/v1/events?limit=1&types=lead.updated,order.*&after={after}"))
            .await
            .expect(200);
        found.extend(told(&page));
        after = text(&page["next_cursor"]);
        if page["has_more"] == json!(false) {
            break;
        }
    }
    expected.retain(|(_, kind)| kind == "lead.updated");
    assert_eq!(found, expected);
    let late = tenant.post("/v1/leads", json!({"name": "late"})).await.expect(201);
    let more = eventually("the feed's end", || async {
        let body = tenant
            .get(&format!("/v1/events?after={after}&types=lead.created"))
            .await
            .expect(200);
        Some(told(&body)).filter(|told| !told.is_empty())
    })
    .await;
    assert_eq!(more, [(text(&late["id"]), "lead.created".to_owned())]);
    let other = Tenant::new().await;
    other
        .get(&format!("/v1/events?after={after}"))
        .await
        .problem(400, "cursor_invalid");
    for bad in ["types=lead", "types=deal.*", "limit=0", "since=1"] {
        assert_eq!(tenant.get(&format!("/v1/events?{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_contacts_timeline_holds_what_is_its_own() {
    let (tenant, other) = (Tenant::new().await, Tenant::new().await);
    let contact = tenant.post("/v1/contacts", json!({"name": "Ann"})).await.expect(201);
    let id = text(&contact["id"]);
    let order = json!({"contact_id": id, "lines": [{"name": "Tea", "unit_price": "5.00"}]});
    tenant.post("/v1/orders", order).await.expect(201);
    let path = format!("/v1/contacts/{id}/timeline");
    let types = eventually("the timeline", || async {
        let body = tenant.get(&path).await.body;
        let types: Vec<String> = body["data"]
            .as_array()?
            .iter()
            .map(|event| text(&event["type"]))
            .collect();
        (types.len() == 3).then_some(types)
    })
    .await;
    assert_eq!(types, ["order.placed", "order.created", "contact.created"]);
    other.get(&path).await.problem(404, "not_found");
}
