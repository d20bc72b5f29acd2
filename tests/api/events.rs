//! The log of changes: history, the record as it was, the timeline of a contact, the feed.

use serde_json::{Value, json};
use tests::{Caller, Tenant, eventually};

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

/// Somebody with an API key for some permissions.
async fn holder(tenant: &Tenant, scopes: &[&str]) -> Caller {
    let body = json!({"name": "Narrow", "scopes": scopes});
    let key = tenant.post("/v1/api-keys", body).await.expect(201);
    tenant.with_token(key["secret"].as_str().unwrap_or_else(|| panic!("no key: {key}")))
}

#[tokio::test]
async fn nobody_reads_by_a_detour_what_is_closed_to_him() {
    let tenant = Tenant::new().await;
    let contact = tenant.post("/v1/contacts", json!({"name": "A"})).await.expect(201);
    let contact = text(&contact["id"]);
    let order = json!({"contact_id": contact, "currency": "USD", "lines": [{"name": "Tea", "quantity": "1", "unit_price": "5"}]});
    tenant.post("/v1/orders", order).await.expect(201);
    let ticket = json!({"contact_id": contact, "subject": "Late", "owner_id": tenant.user});
    let ticket = text(&tenant.post("/v1/tickets", ticket).await.expect(201)["id"]);
    let timeline = format!("/v1/contacts/{contact}/timeline");
    let overview = format!("/v1/contacts/{contact}/overview");
    let nouns = |body: &Value| -> Vec<String> {
        let events = body["data"].as_array().into_iter().flatten();
        let mut nouns: Vec<String> = events
            .filter_map(|event| Some(event["type"].as_str()?.split('.').next()?.to_owned()))
            .collect();
        nouns.sort();
        nouns.dedup();
        nouns
    };
    eventually("all events", || async {
        let body = tenant.get(&timeline).await.body;
        (nouns(&body) == ["contact", "order", "ticket"]).then_some(())
    })
    .await;
    let narrow = holder(&tenant, &["contacts:read"]).await;
    assert_eq!(nouns(&narrow.get(&timeline).await.expect(200)), ["contact"]);
    let body = narrow.get(&overview).await.expect(200);
    assert_eq!(nouns(&body["timeline"]), ["contact"]);
    assert!(
        body.get("orders").is_none() && body.get("open_tickets").is_none(),
        "{body}"
    );
    // What a record names is expanded for those who may read it; of colleagues all may see the name.
    let path = format!("/v1/tickets/{ticket}?expand=contact,owner");
    for (scopes, sees, mail) in [
        (&["tickets:read"][..], false, false),
        (&["tickets:read", "contacts:read", "users:read"], true, true),
    ] {
        let body = holder(&tenant, scopes).await.get(&path).await.expect(200);
        assert_eq!(body.get("contact").is_some(), sees, "{body}");
        assert_eq!(body["owner"]["name"], "Owner");
        assert_eq!(body["owner"].get("email").is_some(), mail, "{body}");
    }
}
