//! Every route, called by those who may not: nobody, a reader, and another tenant.

use std::collections::BTreeSet;

use rapport_http::Access;
use rapport_http::Verb;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Caller, Tenant, world};

/// The routes of all functions as method, path and access.
pub fn routes() -> Vec<(Method, String, Access)> {
    let apis = crate::agreement::apis();
    apis.iter()
        .flat_map(|(_, api)| {
            api.routes()
                .iter()
                .map(|route| (route.method.clone(), route.path.clone(), route.access))
        })
        .collect()
}

/// What anybody may call. This list only shrinks.
pub const PUBLIC: [&str; 17] = [
    "/",
    "/docs",
    "/openapi.json",
    "/health",
    "/.well-known/jwks.json",
    "/v1/plans",
    "/v1/signup",
    "/v1/auth/token",
    "/v1/auth/revoke",
    "/v1/auth/password/forgot",
    "/v1/auth/password/reset",
    "/v1/invitations/accept",
    "/hooks/{token}",
    "/s/{token}",
    "/s/{token}/stop",
    "/s/{token}",
    "/hooks/{token}",
];

#[tokio::test]
async fn nobody_calls_what_is_not_public() {
    let routes = routes();
    assert!(routes.len() > 80, "{}", routes.len());
    let anybody = Caller::anonymous();
    for (method, path, access) in routes {
        if access == Access::Public {
            assert!(PUBLIC.contains(&path.as_str()), "{path} is public");
            continue;
        }
        let answer = anybody.json(method.clone(), &fill(&path, "x"), &[], json!({})).await;
        assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_key_that_may_only_read_changes_nothing() {
    let tenant = Tenant::new().await;
    let key = tenant
        .post("/v1/api-keys", json!({"name": "reader", "scopes": ["*:read"]}))
        .await;
    assert_eq!(key.status, 201, "{}", key.text);
    let reader = tenant.with_token(key.body["secret"].as_str().or(key.body["key"].as_str()).unwrap());
    let mut writes = 0;
    for (method, path, access) in routes() {
        let Access::Needs(scope) = access else { continue };
        if scope.1 == Verb::Write {
            writes += 1;
            let answer = reader.json(method.clone(), &fill(&path, "x"), &[], json!({})).await;
            assert_eq!(
                (answer.status, answer.body["code"].as_str()),
                (403, Some("forbidden")),
                "{method} {path}: {}",
                answer.text
            );
        }
    }
    assert!(writes > 40, "{writes}");
}

/// A path with something in its places.
fn fill(path: &str, id: &str) -> String {
    path.split('/')
        .map(|part| if part.starts_with('{') { id } else { part })
        .collect::<Vec<_>>()
        .join("/")
}

#[tokio::test]
async fn another_tenants_record_answers_like_a_missing_one() {
    let (mine, theirs) = (Tenant::new().await, Tenant::new().await);
    let contact = theirs
        .post("/v1/contacts", json!({"name": "Secretword"}))
        .await
        .expect(201);
    let lead = theirs
        .post("/v1/leads", json!({"name": "Secretword"}))
        .await
        .expect(201);
    let company = theirs
        .post("/v1/companies", json!({"name": "Secretword"}))
        .await
        .expect(201);
    let ticket = theirs
        .post("/v1/tickets", json!({"subject": "Secretword", "channel": "api"}))
        .await
        .expect(201);
    let order = theirs.post("/v1/orders", json!({"placed_on": "2026-01-01", "currency": "USD", "contact_id": contact["id"], "lines": [{"name": "Secretword", "quantity": "1", "unit_price": "1"}]})).await.expect(201);
    let product = theirs
        .post("/v1/products", json!({"name": "Secretword", "sku": "S"}))
        .await
        .expect(201);
    let headers = [("content-type", "text/csv")];
    let file = Some(b"name\nSecretword\n".to_vec());
    let path = "/v1/imports?kind=contacts";
    let import = theirs.send(Method::POST, path, &headers, file).await.expect(201);
    let announced = json!({"bytes": 1, "sha256": "0".repeat(64)});
    let archive = theirs.post("/v1/archives/uploads", announced).await.expect(201);
    let ids = [
        ("archives", &archive),
        ("imports", &import),
        ("leads", &lead),
        ("contacts", &contact),
        ("companies", &company),
        ("tickets", &ticket),
        ("orders", &order),
        ("products", &product),
    ];
    let mut called = BTreeSet::new();
    for (noun, record) in ids {
        let real = record["id"].as_str().unwrap();
        let (prefix, _) = real.rsplit_once('_').unwrap();
        let missing = format!("{prefix}_01h455vb4pex5vsknk084sn02q");
        for (method, path, _) in routes()
            .into_iter()
            .filter(|(_, path, _)| path.starts_with(&format!("/v1/{noun}/{{id}}")))
        {
            let body = json!({});
            let other = mine.json(method.clone(), &fill(&path, real), &[], body.clone()).await;
            let none = mine.json(method.clone(), &fill(&path, &missing), &[], body).await;
            let same = |text: &str, id: &str| normal(text, id);
            assert_eq!(
                other.status, none.status,
                "{method} {path}: {} / {}",
                other.text, none.text
            );
            assert_eq!(same(&other.text, real), same(&none.text, &missing), "{method} {path}");
            assert!(!other.text.contains("Secretword"), "{method} {path}");
            called.insert(path);
        }
    }
    assert!(called.len() > 30, "{called:?}");
    // Nothing happened to them.
    for (noun, record) in ids {
        let now = theirs
            .get(&format!("/v1/{noun}/{}", record["id"].as_str().unwrap()))
            .await
            .expect(200);
        assert_eq!(&now, record, "{noun}");
    }
    // Nor do they show where ids are named in bodies and queries.
    let contact_id = contact["id"].as_str().unwrap();
    for path in [
        format!("/v1/orders?contact_id={contact_id}"),
        format!("/v1/tickets?contact_id={contact_id}"),
        "/v1/search?q=Secretword".to_owned(),
        "/v1/contacts".to_owned(),
    ] {
        assert_eq!(mine.get(&path).await.expect(200)["data"], json!([]), "{path}");
    }
    let _ = world();
}

/// An answer without what must differ: the request's id and the id that was asked for.
fn normal(text: &str, id: &str) -> Value {
    let mut value: Value = serde_json::from_str(&text.replace(id, "ID")).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.remove("request_id");
    }
    value
}
