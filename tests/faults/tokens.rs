//! Tokens that are too old, or of another issuer although signed by the same key, at hosts of the test's own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use rapport_host::Host;
use rapport_runtime::Clock;
use serde_json::{Value, json};
use tests::{Caller, Tenant};

async fn refresh(anybody: &Caller, token: &str) -> tests::Answer {
    let body = json!({"grant_type": "refresh_token", "refresh_token": token});
    anybody.post("/v1/auth/token", body).await
}

#[tokio::test]
async fn an_access_token_lives_fifteen_minutes_and_a_session_thirty_days() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    let host = Host::start(tests::options(folder.path(), clock.clone())).await.unwrap();
    let anybody = Caller::at(&host.url());
    let tenant = Tenant::of(&anybody, json!({})).await;
    let key = json!({"name": "k", "scopes": ["leads:read"], "expires_at": (clock.now() + SignedDuration::from_hours(1)).to_string()});
    let key = tenant.post("/v1/api-keys", key).await.expect(201);
    let key = tenant.with_token(key["secret"].as_str().unwrap());
    // What was said at first is true for the whole of the quarter of an hour, and no later than a minute after it.
    clock.advance(SignedDuration::from_mins(14));
    tenant.get("/v1/me").await.expect(200);
    clock.advance(SignedDuration::from_mins(2));
    let answer = tenant.get("/v1/me").await;
    answer.problem(401, "token_expired");
    assert!(
        answer.header("www-authenticate").starts_with("Bearer"),
        "{:?}",
        answer.headers
    );
    assert_eq!(tenant.post("/v1/leads", json!({"name": "A"})).await.status, 401);

    let next = refresh(&anybody, &tenant.refresh).await.expect(200);
    let tenant_again = tenant.with_token(next["access_token"].as_str().unwrap());
    assert_eq!(
        tenant_again.get("/v1/leads").await.expect(200)["data"],
        json!([]),
        "nothing was made by the old one"
    );
    key.get("/v1/leads").await.expect(200);
    clock.advance(SignedDuration::from_mins(60));
    key.get("/v1/leads").await.problem(401, "unauthenticated");

    let mut token = next["refresh_token"].as_str().unwrap().to_owned();
    for days in [29, 29] {
        clock.advance(SignedDuration::from_hours(24 * days));
        token = refresh(&anybody, &token).await.expect(200)["refresh_token"]
            .as_str()
            .unwrap()
            .to_owned();
    }
    clock.advance(SignedDuration::from_hours(24 * 30 + 1));
    refresh(&anybody, &token).await.problem(401, "refresh_token_invalid");
    // One of long ago is used up as well, and says no more than that.
    refresh(&anybody, &tenant.refresh)
        .await
        .problem(401, "refresh_token_invalid");
}

#[tokio::test]
async fn a_token_of_another_issuer_opens_nothing_although_the_key_is_the_same() {
    let (outbox, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let start = async || {
        let mut options = tests::options(outbox.path(), Clock::default());
        options.data = Some(data.path().to_owned());
        Host::start(options).await.unwrap()
    };
    let first = start().await;
    let tenant = Tenant::of(&Caller::at(&first.url()), json!({})).await;
    tenant.get("/v1/me").await.expect(200);
    let known = Caller::at(&first.url()).get("/.well-known/jwks.json").await.expect(200);
    assert!(first.stop().await);

    // The same data and keys at another address.
    let second = start().await;
    let anybody = Caller::at(&second.url());
    assert_eq!(anybody.get("/.well-known/jwks.json").await.expect(200), known);
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(tenant.token.split('.').nth(1).unwrap()).unwrap()).unwrap();
    assert_ne!(claims["iss"], second.url());
    anybody
        .with_token(&tenant.token)
        .get("/v1/me")
        .await
        .problem(401, "unauthenticated");
    // The session itself is good: a refresh token names no issuer.
    let next = refresh(&anybody, &tenant.refresh).await.expect(200);
    let owner = anybody.with_token(next["access_token"].as_str().unwrap());
    assert_eq!(owner.get("/v1/me").await.expect(200)["user"]["id"], tenant.user);

    // A host of other keys at another address knows neither.
    let stranger = Host::start(tests::options(outbox.path(), Clock::default()))
        .await
        .unwrap();
    let stranger = Caller::at(&stranger.url());
    stranger
        .with_token(&owner.token)
        .get("/v1/me")
        .await
        .problem(401, "unauthenticated");
    refresh(&stranger, next["refresh_token"].as_str().unwrap())
        .await
        .problem(401, "refresh_token_invalid");
}
