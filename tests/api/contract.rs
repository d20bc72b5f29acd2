//! What every endpoint does alike: headers, problems, bodies, cursors, keys.

use reqwest::Method;
use serde_json::json;
use tests::{Caller, Tenant};

#[tokio::test]
async fn every_answer_says_its_id_version_and_cost() {
    let tenant = Tenant::new().await;
    // The first call of some seconds reads the firm's settings too.
    tenant.get("/v1/leads").await.expect(200);
    let answer = tenant.get("/v1/leads").await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("request-id").starts_with("req_"));
    assert_eq!(answer.header("rapport-version"), "2026-11-22");
    assert!(
        answer.header("rapport-cost").starts_with("rru=0.5, wru=0, ms="),
        "{}",
        answer.header("rapport-cost")
    );
    for (name, value) in [("x-content-type-options", "nosniff"), ("cache-control", "no-store")] {
        assert_eq!(answer.header(name), value);
    }
    assert!(answer.header("server-timing").contains("store;dur="));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_in_words() {
    let tenant = Tenant::new().await;
    let json_type = ("content-type", "application/json");
    let big = format!("{{\"name\":\"{}\"}}", "x".repeat(1024 * 1024));
    for (headers, body, status, code) in [
        (&[json_type][..], b"{".to_vec(), 400, "malformed"),
        (&[json_type], b"".to_vec(), 400, "malformed"),
        (&[json_type], b"{\"name\":\"\xff\"}".to_vec(), 400, "malformed"),
        (&[json_type], b"[1]".to_vec(), 422, "validation_failed"),
        (&[json_type], b"null".to_vec(), 422, "validation_failed"),
        (&[json_type], b"{\"nam\":\"A\"}".to_vec(), 422, "validation_failed"),
        (&[json_type], b"{\"name\":1}".to_vec(), 422, "validation_failed"),
        (
            &[json_type],
            b"{\"name\":\"A\",\"value\":{\"amount\":1,\"currency\":\"USD\"}}".to_vec(),
            422,
            "validation_failed",
        ),
        (
            &[json_type],
            b"{\"name\":\"A\",\"value\":{\"amount\":\"1\",\"currency\":\"ZZZ\"}}".to_vec(),
            422,
            "validation_failed",
        ),
        (
            &[json_type],
            b"{\"name\":\"A\",\"owner_id\":\"lead_1\"}".to_vec(),
            422,
            "validation_failed",
        ),
        (&[json_type], big.into_bytes(), 413, "too_large"),
        (
            &[("content-type", "text/plain")],
            b"{}".to_vec(),
            415,
            "unsupported_media_type",
        ),
        (&[], b"{}".to_vec(), 415, "unsupported_media_type"),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
        let answer = tenant.send(Method::POST, "/v1/leads", headers, Some(body)).await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (status, Some(code)),
            "{shown}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn deeply_nested_and_hostile_json_is_no_fault_of_ours() {
    let tenant = Tenant::new().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        deep,
        "{\"custom\":{\"a\":{\"b\":{}}}}".to_owned(),
        "{\"name\":\"\\u0000\"}".to_owned(),
        "{\"name\":\"A\",\"tags\":[\"\"]}".to_owned(),
        "{\"name\":\"A\",\"name\":\"B\",\"x\":1e999}".to_owned(),
    ] {
        let answer = tenant
            .send(
                Method::POST,
                "/v1/leads",
                &[("content-type", "application/json")],
                Some(body.into_bytes()),
            )
            .await;
        assert!(matches!(answer.status, 400 | 422), "{}", answer.text);
    }
}

#[tokio::test]
async fn nobody_gets_in_without_credentials() {
    let tenant = Tenant::new().await;
    for token in [
        "",
        "x",
        "rk_live_x",
        "rk_live_AAAA",
        "a.b.c",
        "eyJhbGciOiJub25lIn0.e30.",
    ] {
        tenant
            .with_token(token)
            .get("/v1/leads")
            .await
            .problem(401, "unauthenticated");
    }
    let answer = Caller::anonymous().get("/v1/leads").await;
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
    let mut changed = tenant.token.clone();
    let last = changed.pop().unwrap();
    changed.push(if last == 'A' { 'B' } else { 'A' });
    // The last character of base64url may carry unused bits: change one in the middle of the signature as well.
    changed.insert(changed.len() - 20, 'x');
    tenant
        .with_token(&changed)
        .get("/v1/leads")
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn unknown_paths_methods_and_parameters() {
    let tenant = Tenant::new().await;
    tenant.get("/v1/nothing").await.problem(404, "not_found");
    tenant.get("/nothing/at/all").await.problem(404, "not_found");
    tenant
        .send(Method::DELETE, "/v1/leads", &[], None)
        .await
        .problem(405, "method_not_allowed");
    tenant
        .get("/v1/leads?colour=red")
        .await
        .problem(400, "unknown_parameter");
    tenant.get("/v1/leads?limit=0").await.problem(400, "malformed");
    tenant.get("/v1/leads?limit=201").await.problem(400, "malformed");
    tenant.get("/v1/leads?limit=ten").await.problem(400, "malformed");
    tenant.get("/v1/leads?status=green").await.problem(400, "malformed");
    tenant
        .get("/v1/leads?created_since=yesterday")
        .await
        .problem(400, "malformed");
    tenant.get("/v1/leads?limit=1&limit=2").await.problem(400, "malformed");
}

#[tokio::test]
async fn a_preflight_is_answered_and_an_origin_must_be_the_tenants() {
    let tenant = Tenant::new().await;
    let preflight = Caller::anonymous()
        .send(
            Method::OPTIONS,
            "/v1/leads",
            &[
                ("origin", "https://shop.example"),
                ("access-control-request-method", "POST"),
            ],
            None,
        )
        .await;
    assert_eq!(
        (preflight.status, preflight.header("access-control-allow-origin")),
        (204, "*")
    );
    // The console, under another name of the same address.
    let port = tests::world().url.rsplit(':').next().unwrap_or_default();
    let (host, origin) = (format!("localhost:{port}"), format!("http://localhost:{port}"));
    let own = [("host", host.as_str()), ("origin", origin.as_str())];
    assert_eq!(tenant.send(Method::GET, "/v1/leads", &own, None).await.status, 200);
    let other = [("host", "localhost:1"), ("origin", origin.as_str())];
    tenant
        .send(Method::GET, "/v1/leads", &other, None)
        .await
        .problem(403, "forbidden");
    let from_shop = [("origin", "https://shop.example")];
    tenant
        .send(Method::GET, "/v1/leads", &from_shop, None)
        .await
        .problem(403, "forbidden");
    tenant
        .patch("/v1/settings", json!({"allowed_origins": ["https://shop.example"]}))
        .await
        .expect(200);
    let answer = tenant.send(Method::GET, "/v1/leads", &from_shop, None).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (200, "https://shop.example")
    );
}

#[tokio::test]
async fn the_pages_answer() {
    let anybody = Caller::anonymous();
    for (path, kind, text) in [
        ("/", "text/html; charset=utf-8", "/docs"),
        ("/docs", "text/html; charset=utf-8", "/v1/leads"),
        ("/openapi.json", "application/json", "\"openapi\""),
        ("/health", "application/json", "ok"),
        ("/.well-known/jwks.json", "application/json", "Ed25519"),
    ] {
        let answer = anybody.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, kind), "{path}");
        assert!(answer.text.contains(text), "{path}");
    }
}
