//! Signing up and in, tokens, users, invitations, keys, settings and fields.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Caller, PASSWORD, Tenant, unique, world};

use super::account::World;

const TOKEN: &str = "/v1/auth/token";

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

async fn sign_in(email: &str, password: &str) -> Answer {
    let body = json!({"grant_type": "password", "username": email, "password": password});
    Caller::anonymous().post(TOKEN, body).await
}

async fn refresh(token: &str) -> Answer {
    let body = json!({"grant_type": "refresh_token", "refresh_token": token});
    Caller::anonymous().post(TOKEN, body).await
}

async fn form(path: &str, fields: &str, headers: &[(&str, &str)]) -> Answer {
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    all.extend_from_slice(headers);
    Caller::anonymous()
        .send(Method::POST, path, &all, Some(fields.as_bytes().to_vec()))
        .await
}

/// The token of the link in the newest mail to somebody. Mails are handed over before the request is answered.
fn mailed(to: &str, prefix: &str) -> Option<String> {
    mailed_in(&world().outbox, to, prefix)
}

/// The same of a host with an outbox of its own.
pub fn mailed_in(outbox: &std::path::Path, to: &str, prefix: &str) -> Option<String> {
    let files = std::fs::read_dir(outbox).unwrap().map(|file| file.unwrap().path());
    let mut mails: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .collect();
    // Names are by time-ordered ids.
    mails.sort();
    mails.iter().rev().find_map(|path| {
        // Quoted-printable breaks long lines by `=` and writes `=` as `=3D`.
        let mail = std::fs::read_to_string(path).ok()?;
        let plain = mail.replace("=\r\n", "").replace("=3D", "=");
        if !mail.lines().any(|line| line.starts_with("To:") && line.contains(to)) {
            return None;
        }
        let rest = plain.split_once(&format!("token={prefix}"))?.1;
        let token: String = rest
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            .collect();
        Some(format!("{prefix}{token}"))
    })
}

/// Somebody of a role in a tenant, by way of an invitation: the caller, the user's id, the address and the refresh token.
pub async fn invited(tenant: &Tenant, role: &str) -> (Caller, String, String, String) {
    let email = format!("{}@firm.example", unique(role));
    let invitation = tenant
        .post("/v1/invitations", json!({"email": email, "role": role, "name": "Bo"}))
        .await;
    let invitation = invitation.expect(201);
    let token = mailed(&email, "it_").unwrap();
    assert!(!invitation.to_string().contains(&token), "an answer shows the token");
    let body = json!({"token": token, "password": PASSWORD});
    let welcome = Caller::anonymous()
        .post("/v1/invitations/accept", body.clone())
        .await
        .expect(201);
    assert_eq!(
        (&welcome["user"]["role"], &welcome["user"]["name"]),
        (&json!(role), &json!("Bo"))
    );
    Caller::anonymous()
        .post("/v1/invitations/accept", body)
        .await
        .problem(422, "validation_failed");
    let caller = tenant.with_token(&text(&welcome["access_token"]));
    (
        caller,
        text(&welcome["user"]["id"]),
        email,
        text(&welcome["refresh_token"]),
    )
}

#[tokio::test]
async fn a_firm_signs_up() {
    let email = format!("{}@firm.example", unique("founder"));
    let body = json!({"company": "Lantern Tea", "name": "Ann", "email": email, "password": PASSWORD, "country": "CN"});
    let welcome = Caller::anonymous().post("/v1/signup", body.clone()).await.expect(201);
    let tenant = &welcome["tenant"];
    assert_eq!(
        (
            &tenant["currency"],
            &tenant["time_zone"],
            &tenant["locale"],
            &welcome["user"]["role"]
        ),
        (&json!("CNY"), &json!("Asia/Shanghai"), &json!("zh-CN"), &json!("owner"))
    );
    let ann = Caller::anonymous().with_token(&text(&welcome["access_token"]));
    let me = ann.get("/v1/me").await.expect(200);
    assert_eq!(
        (&me["user"], &me["tenant"], &me["role"]),
        (&welcome["user"], tenant, &json!("owner"))
    );

    // The same address: with its password one more tenant, else nothing.
    let mut again = body.clone();
    again["email"] = email.to_uppercase().into();
    let second = Caller::anonymous().post("/v1/signup", again.clone()).await.expect(201);
    assert_ne!(second["tenant"]["id"], tenant["id"]);
    again["password"] = "some other sentence".into();
    Caller::anonymous()
        .post("/v1/signup", again)
        .await
        .problem(409, "login_exists");

    for (field, value, pointer) in [
        ("company", json!(" "), "#/company"),
        ("email", json!("a@"), "#/email"),
        ("password", json!("short"), "#/password"),
        ("password", json!("Password123"), "#/password"),
        ("country", json!("zz"), "#/country"),
        ("time_zone", json!("Mars/Base"), "#/time_zone"),
        ("currency", json!("ZZZ"), "#/currency"),
        ("locale", json!("xx"), "#/locale"),
        ("plan", json!("free"), "#/plan"),
    ] {
        let mut wrong = body.clone();
        wrong[field] = value;
        let answer = Caller::anonymous().post("/v1/signup", wrong).await;
        assert_eq!(
            answer.problem(422, "validation_failed").body["errors"][0]["pointer"],
            pointer
        );
    }
}

#[tokio::test]
async fn a_login_leads_to_its_tenants() {
    let first = Tenant::new().await;
    let body = json!({"company": "Second", "name": "Ann", "email": first.email, "password": PASSWORD});
    let second = text(&Caller::anonymous().post("/v1/signup", body).await.expect(201)["tenant"]["id"]);
    let of = |answer: Answer| text(&answer.expect(200)["tenant_id"]);
    assert_eq!(of(sign_in(&first.email, PASSWORD).await), second);
    let fields = format!(
        "grant_type=password&username={}&password={}&tenant={}",
        first.email,
        PASSWORD.replace(' ', "+"),
        first.id
    );
    assert_eq!(of(form(TOKEN, &fields, &[]).await), first.id);
    assert_eq!(of(sign_in(&first.email, PASSWORD).await), first.id, "the last used");
    let stranger = Tenant::new().await;
    let fields = format!(
        "grant_type=password&username={}&password={}&tenant={}",
        first.email,
        PASSWORD.replace(' ', "+"),
        stranger.id
    );
    form(TOKEN, &fields, &[]).await.problem(401, "no_active_user");
}

#[tokio::test]
async fn an_unknown_address_answers_like_a_wrong_password() {
    let tenant = Tenant::new().await;
    let mut answers = Vec::new();
    for email in [tenant.email.clone(), format!("{}@firm.example", unique("nobody"))] {
        let mut answer = sign_in(&email, "not the password")
            .await
            .problem(401, "invalid_credentials")
            .clone();
        assert_eq!(answer.body["error"], "invalid_grant");
        let cost = answer.header("rapport-cost");
        let units = cost.rsplit_once(',').unwrap().0.to_owned();
        answer.body.as_object_mut().unwrap().remove("request_id");
        answers.push((answer.body, units));
    }
    // The same words, and the same reads, writes and hashing behind them.
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn grants_are_refused_in_the_words_of_oauth() {
    for (body, error) in [
        (json!({}), "invalid_request"),
        (json!({"grant_type": "implicit"}), "unsupported_grant_type"),
        (
            json!({"grant_type": "password", "username": "a@b.co"}),
            "invalid_request",
        ),
        (json!({"grant_type": "refresh_token"}), "invalid_request"),
        (json!({"grant_type": "client_credentials"}), "invalid_request"),
    ] {
        let answer = Caller::anonymous().post(TOKEN, body).await;
        assert_eq!(answer.problem(400, error).body["error"], error);
    }
    for (body, status) in [
        (
            json!({"grant_type": "password", "username": "nobody", "password": "x"}),
            401,
        ),
        (
            json!({"grant_type": "password", "username": "a@b.co", "password": "x".repeat(100_000)}),
            401,
        ),
        (json!({"grant_type": "refresh_token", "refresh_token": "rt_x"}), 401),
        (
            json!({"grant_type": "client_credentials", "client_secret": "rk_live_x"}),
            401,
        ),
        (json!({"grant_type": 1}), 422),
    ] {
        assert_eq!(
            Caller::anonymous().post(TOKEN, body.clone()).await.status,
            status,
            "{body}"
        );
    }
    form(TOKEN, "grant_type=password&grant_type=password", &[])
        .await
        .problem(400, "malformed");
}

#[tokio::test]
async fn forged_tokens_open_nothing() {
    let (ours, theirs) = (Tenant::new().await, Tenant::new().await);
    let [head, claims, signature]: [&str; 3] = ours.token.split('.').collect::<Vec<_>>().try_into().unwrap();
    let their_claims = theirs.token.split('.').nth(1).unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let decoded: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
    let mac = URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "typ": "JWT", "kid": decoded["kid"]}).to_string());
    for forged in [
        "x".to_owned(),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{mac}.{claims}.{signature}"),
        format!("{head}.{their_claims}.{signature}"),
        format!("{head}.{claims}"),
        format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        ours.refresh.clone(),
        "rk_live_AAAA".to_owned(),
    ] {
        let answer = ours.with_token(&forged).get("/v1/me").await;
        answer.problem(401, "unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    let keys = Caller::anonymous().get("/.well-known/jwks.json").await.expect(200);
    assert_eq!(
        (&keys["keys"][0]["kid"], &keys["keys"][0]["alg"]),
        (&decoded["kid"], &json!("EdDSA"))
    );
}

#[tokio::test]
async fn a_refresh_token_is_good_once() {
    let tenant = Tenant::new().await;
    let second = text(&refresh(&tenant.refresh).await.expect(200)["refresh_token"]);
    refresh(&tenant.refresh).await.problem(401, "refresh_token_reused");
    refresh(&second).await.problem(401, "refresh_token_invalid");

    // At once: at most one gets the next, and then the session is over for all.
    let token = text(&sign_in(&tenant.email, PASSWORD).await.expect(200)["refresh_token"]);
    let answers = join_all((0..20).map(|_| refresh(&token))).await;
    let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert!(won.len() <= 1 && answers.iter().all(|answer| matches!(answer.status, 200 | 401)));
    for winner in won {
        refresh(&text(&winner.body["refresh_token"]))
            .await
            .problem(401, "refresh_token_invalid");
    }

    // Somebody who knows the session but not its secrets ends nothing.
    let token = text(&sign_in(&tenant.email, PASSWORD).await.expect(200)["refresh_token"]);
    let mut bytes = URL_SAFE_NO_PAD.decode(token.trim_start_matches("rt_")).unwrap();
    bytes[48..].fill(7);
    let forged = format!("rt_{}", URL_SAFE_NO_PAD.encode(bytes));
    refresh(&forged).await.problem(401, "refresh_token_invalid");
    let _ = refresh(&token).await.expect(200);
}

#[tokio::test]
async fn signing_out_ends_the_session() {
    let tenant = Tenant::new().await;
    for by in ["refresh_token", "access_token"] {
        let tokens = sign_in(&tenant.email, PASSWORD).await.expect(200);
        let answer = form("/v1/auth/revoke", &format!("token={}", text(&tokens[by])), &[]).await;
        assert_eq!(answer.status, 200);
        refresh(&text(&tokens["refresh_token"]))
            .await
            .problem(401, "refresh_token_invalid");
    }
    assert_eq!(form("/v1/auth/revoke", "token=nonsense", &[]).await.status, 200);
    let _ = refresh(&tenant.refresh).await.expect(200);
    assert_eq!(
        tenant
            .post(&format!("/v1/users/{}/sign-out", tenant.user), json!({}))
            .await
            .status,
        204
    );
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let tenant = Tenant::new().await;
    for email in [tenant.email.clone(), format!("{}@firm.example", unique("nobody"))] {
        // Many at once count as many.
        let answers = join_all((0..30).map(|_| sign_in(&email, "a guess and a guess"))).await;
        let tried = answers.iter().filter(|answer| answer.status == 401).count();
        assert!(
            tried <= 5 && answers.iter().all(|answer| matches!(answer.status, 401 | 429)),
            "{tried}"
        );
        let locked = answers.iter().find(|answer| answer.status == 429).unwrap();
        let wait: u32 = locked
            .problem(429, "too_many_requests")
            .header("retry-after")
            .parse()
            .unwrap();
        assert!((1..=900).contains(&wait));
    }
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_by_mail() {
    let tenant = Tenant::new().await;
    let unknown = format!("{}@firm.example", unique("nobody"));
    let forgot = |email: &str| {
        let body = json!({"email": email});
        async move {
            Caller::anonymous()
                .post("/v1/auth/password/forgot", body)
                .await
                .expect(202)
        }
    };
    let (known, other) = futures::join!(forgot(&tenant.email), forgot(&unknown));
    assert_eq!(known, other);
    assert_eq!(mailed(&unknown, "pr_"), None);
    let token = mailed(&tenant.email, "pr_").unwrap();
    let page = Caller::anonymous()
        .get(&format!("/v1/auth/password/reset?token={token}"))
        .await;
    assert!(page.status == 200 && page.text.contains(&token));
    let reset = |token: String, password: &str| {
        let body = json!({"token": token, "password": password});
        async move { Caller::anonymous().post("/v1/auth/password/reset", body).await }
    };
    reset(token.clone(), "password123")
        .await
        .problem(422, "validation_failed");
    reset(format!("{}AAAA", &token[..token.len() - 4]), "a brand new sentence")
        .await
        .problem(422, "validation_failed");
    let fields = format!("token={token}&password=a+brand+new+sentence");
    assert_eq!(form("/v1/auth/password/reset", &fields, &[]).await.status, 204);
    reset(token, "yet another sentence")
        .await
        .problem(422, "validation_failed");
    refresh(&tenant.refresh).await.problem(401, "refresh_token_invalid");
    sign_in(&tenant.email, PASSWORD)
        .await
        .problem(401, "invalid_credentials");
    let tokens = sign_in(&tenant.email, "a brand new sentence").await.expect(200);

    let caller = tenant.with_token(&text(&tokens["access_token"]));
    let change = |current: &str, next: &str| {
        let (caller, body) = (caller.clone(), json!({"current_password": current, "password": next}));
        async move { caller.post("/v1/auth/password/change", body).await }
    };
    change("not the password", "a third long sentence")
        .await
        .problem(422, "validation_failed");
    let fresh = change("a brand new sentence", "a third long sentence")
        .await
        .expect(200);
    refresh(&text(&tokens["refresh_token"]))
        .await
        .problem(401, "refresh_token_invalid");
    let _ = refresh(&text(&fresh["refresh_token"])).await.expect(200);
}

#[tokio::test]
async fn roles_bind_who_is_invited() {
    let tenant = Tenant::new().await;
    let (agent, agent_id, ..) = invited(&tenant, "agent").await;
    let users = format!("/v1/users/{agent_id}");
    for (method, path) in [
        (Method::POST, "/v1/invitations"),
        (Method::POST, "/v1/api-keys"),
        (Method::POST, "/v1/fields"),
        (Method::PATCH, "/v1/settings"),
        (Method::PATCH, users.as_str()),
        (Method::POST, "/v1/leads"),
    ] {
        agent.json(method, path, &[], json!({})).await.problem(403, "forbidden");
    }
    agent.delete(&users).await.problem(403, "forbidden");
    agent
        .post(&format!("/v1/users/{}/sign-out", tenant.user), json!({}))
        .await
        .problem(403, "forbidden");
    assert_eq!(agent.get("/v1/users").await.status, 200);
    assert_eq!(agent.post("/v1/contacts", json!({"name": "A"})).await.status, 201);
    let me = agent
        .patch("/v1/me", json!({"name": "Bea", "locale": "zh-CN"}))
        .await
        .expect(200);
    assert_eq!(me["user"]["name"], "Bea");
    agent
        .patch("/v1/me", json!({"role": "owner"}))
        .await
        .problem(422, "validation_failed");

    let (admin, admin_id, ..) = invited(&tenant, "admin").await;
    let owner = format!("/v1/users/{}", tenant.user);
    let itself = format!("/v1/users/{admin_id}");
    admin
        .patch(&owner, json!({"role": "agent"}))
        .await
        .problem(403, "forbidden");
    admin.delete(&owner).await.problem(403, "forbidden");
    admin
        .patch(&itself, json!({"role": "owner"}))
        .await
        .problem(403, "forbidden");
    let body = json!({"email": "x@firm.example", "role": "owner"});
    admin.post("/v1/invitations", body).await.problem(403, "forbidden");
    assert_eq!(admin.patch(&users, json!({"role": "manager"})).await.status, 200);
}

#[tokio::test]
async fn a_tenant_keeps_an_owner() {
    let tenant = Tenant::new().await;
    let mine = format!("/v1/users/{}", tenant.user);
    tenant
        .patch(&mine, json!({"role": "admin"}))
        .await
        .problem(409, "conflict");
    tenant.delete(&mine).await.problem(409, "conflict");
    let (other, other_id, _, other_refresh) = invited(&tenant, "admin").await;
    let theirs = format!("/v1/users/{other_id}");
    assert_eq!(tenant.patch(&theirs, json!({"role": "owner"})).await.status, 200);
    // The new role counts from the next refresh on.
    other
        .patch(&mine, json!({"role": "admin"}))
        .await
        .problem(403, "forbidden");
    let other = other.with_token(&text(&refresh(&other_refresh).await.expect(200)["access_token"]));
    let (a, b) = futures::join!(
        tenant.patch(&theirs, json!({"role": "admin"})),
        other.patch(&mine, json!({"role": "admin"}))
    );
    assert_eq!(BTreeSet::from([a.status, b.status]), BTreeSet::from([200, 409]));
    let owners = tenant.get("/v1/users?role=owner").await.expect(200);
    assert_eq!(owners["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deactivated_user_is_out_until_restored() {
    let tenant = Tenant::new().await;
    let (_, id, email, token) = invited(&tenant, "representative").await;
    let path = format!("/v1/users/{id}");
    let seats = || async {
        let usage = tenant.get("/v1/usage").await.expect(200);
        let mut limits = usage["limits"].as_array().unwrap().iter();
        limits.find(|limit| limit["name"] == "users").unwrap()["used"].clone()
    };
    assert_eq!(seats().await, 2);
    assert_eq!(tenant.delete(&path).await.status, 204);
    assert_eq!(tenant.delete(&path).await.status, 204);
    assert_eq!(tenant.get(&path).await.expect(200)["status"], "deactivated");
    assert_eq!(seats().await, 1);
    refresh(&token).await.problem(401, "refresh_token_invalid");
    sign_in(&email, PASSWORD).await.problem(401, "no_active_user");
    let restored = tenant.post(&format!("{path}/restore"), json!({})).await.expect(200);
    assert_eq!(restored["status"], "active");
    let tokens = sign_in(&email, PASSWORD).await.expect(200);
    assert_eq!(tenant.post(&format!("{path}/sign-out"), json!({})).await.status, 204);
    refresh(&text(&tokens["refresh_token"]))
        .await
        .problem(401, "refresh_token_invalid");
}

#[tokio::test]
async fn invitations_are_taken_back_and_join_known_logins() {
    let (tenant, guest) = (Tenant::new().await, Tenant::new().await);
    let body = json!({"email": guest.email, "role": "read_only"});
    let taken_back = tenant.post("/v1/invitations", body.clone()).await.expect(201);
    let old = mailed(&guest.email, "it_").unwrap();
    let path = format!("/v1/invitations/{}", text(&taken_back["id"]));
    assert_eq!(tenant.delete(&path).await.status, 204);
    assert_eq!(tenant.get(&path).await.expect(200)["status"], "revoked");
    guest.get(&path).await.problem(404, "not_found");
    let accept = |token: String, password: &str| {
        let body = json!({"token": token, "password": password});
        async move { Caller::anonymous().post("/v1/invitations/accept", body).await }
    };
    accept(old, PASSWORD).await.problem(422, "validation_failed");
    let _ = tenant.post("/v1/invitations", body.clone()).await.expect(201);
    let token = mailed(&guest.email, "it_").unwrap();
    accept(token.clone(), "not the password")
        .await
        .problem(409, "login_exists");
    let welcome = accept(token, PASSWORD).await.expect(201);
    assert_eq!(welcome["tenant_id"], tenant.id.as_str());
    tenant.post("/v1/invitations", body).await.problem(409, "user_exists");
    let listed = tenant.get("/v1/invitations").await.expect(200);
    let states: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["status"]))
        .collect();
    assert_eq!(states, ["accepted", "revoked"]);
}

#[tokio::test]
async fn api_keys_permit_what_they_say_until_revoked() {
    let tenant = Tenant::new().await;
    let made = tenant
        .post(
            "/v1/api-keys",
            json!({"name": "Shop", "scopes": ["leads:write", "contacts:read"]}),
        )
        .await
        .expect(201);
    let (id, secret) = (text(&made["id"]), text(&made["secret"]));
    let key = tenant.with_token(&secret);
    assert_eq!(
        key.post("/v1/leads", json!({"name": "A"})).await.expect(201)["updated_via"],
        "api"
    );
    for path in ["/v1/orders", "/v1/users", "/v1/settings", "/v1/api-keys"] {
        key.get(path).await.problem(403, "forbidden");
    }
    assert_eq!(key.get("/v1/me").await.expect(200)["api_key"]["id"], id.as_str());
    let wide = tenant
        .post(
            "/v1/api-keys",
            json!({"name": "Wide", "scopes": "api_keys:write leads:read"}),
        )
        .await
        .expect(201);
    let wide = tenant.with_token(&text(&wide["secret"]));
    wide.post("/v1/api-keys", json!({"name": "More", "scopes": ["leads:write"]}))
        .await
        .problem(403, "forbidden");
    for scopes in [json!([]), json!(["nothing:read"]), json!(["leads"]), json!(1)] {
        tenant
            .post("/v1/api-keys", json!({"name": "X", "scopes": scopes}))
            .await
            .problem(422, "validation_failed");
    }

    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let tokens = form(
        TOKEN,
        "grant_type=client_credentials&scope=leads:read",
        &[("authorization", &basic)],
    )
    .await
    .expect(200);
    let exchanged = tenant.with_token(&text(&tokens["access_token"]));
    assert!(tokens.get("refresh_token").is_none());
    assert_eq!(exchanged.get("/v1/leads").await.status, 200);
    exchanged
        .post("/v1/leads", json!({"name": "B"}))
        .await
        .problem(403, "forbidden");
    form(
        TOKEN,
        "grant_type=client_credentials&scope=*",
        &[("authorization", &basic)],
    )
    .await
    .problem(400, "invalid_scope");

    for path in ["/v1/api-keys".to_owned(), format!("/v1/api-keys/{id}")] {
        let shown = tenant.get(&path).await;
        assert!(
            shown.status == 200 && !shown.text.contains(&secret) && !shown.text.contains("hash"),
            "{}",
            shown.text
        );
    }
    Tenant::new()
        .await
        .delete(&format!("/v1/api-keys/{id}"))
        .await
        .problem(404, "not_found");
    assert_eq!(tenant.delete(&format!("/v1/api-keys/{id}")).await.status, 204);
    key.get("/v1/leads").await.problem(401, "unauthenticated");
    form(TOKEN, "grant_type=client_credentials", &[("authorization", &basic)])
        .await
        .problem(401, "unauthenticated");
}

#[tokio::test]
async fn settings_change_by_version() {
    let tenant = Tenant::new().await;
    let path = "/v1/settings";
    assert_eq!(tenant.get(path).await.header("etag"), "\"1\"");
    let change = json!({"survey": {"delay_minutes": 3}, "working_hours": {"sat": [["10:00", "14:00"]]}});
    let changed = tenant.json(Method::PATCH, path, &[("if-match", "\"1\"")], change).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    assert_eq!(changed.body["working_hours"]["sat"], json!([["10:00", "14:00"]]));
    assert_eq!(changed.body["survey"]["enabled"], true);
    let stale = tenant
        .json(
            Method::PATCH,
            path,
            &[("if-match", "\"1\"")],
            json!({"locale": "zh-CN"}),
        )
        .await;
    assert_eq!(
        stale.problem(412, "precondition_failed").body["current"]["survey"]["delay_minutes"],
        3
    );
    for wrong in [
        json!({"locale": "xx"}),
        json!({"nothing": 1}),
        json!([]),
        json!({"company": null}),
    ] {
        tenant.patch(path, wrong).await.problem(422, "validation_failed");
    }
    let patches = (0..10).map(|n| tenant.patch(path, json!({"survey": {"min_days_between": 40 + n}})));
    let answers = join_all(patches).await;
    let versions: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .map(|a| a.header("etag").to_owned())
        .collect();
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409)) && !versions.is_empty());
    let distinct: BTreeSet<_> = versions.iter().collect();
    assert_eq!(distinct.len(), versions.len(), "one change a version");
}

#[tokio::test]
async fn custom_fields_are_declared_and_held_to() {
    let tenant = Tenant::new().await;
    let size = json!({"kind": "lead", "key": "size", "label": "Size", "type": "choice", "choices": ["s", "m"]});
    let _ = tenant.post("/v1/fields", size.clone()).await.expect(201);
    tenant.post("/v1/fields", size.clone()).await.problem(409, "conflict");
    for (field, value) in [
        ("kind", json!("user")),
        ("key", json!("Größe")),
        ("type", json!("colour")),
        ("choices", json!([])),
    ] {
        let mut wrong = size.clone();
        wrong[field] = value;
        tenant.post("/v1/fields", wrong).await.problem(422, "validation_failed");
    }
    let lead = |size: &str| tenant.post("/v1/leads", json!({"name": unique("L"), "custom": {"size": size}}));
    assert_eq!(lead("s").await.status, 201);
    lead("l").await.problem(422, "validation_failed");
    let changed = tenant
        .patch("/v1/fields/lead/size", json!({"choices": ["s", "m", "l"]}))
        .await
        .expect(200);
    assert_eq!(changed["choices"], json!(["s", "m", "l"]));
    assert_eq!(lead("l").await.status, 201);
    tenant
        .patch("/v1/fields/lead/size", json!({"type": "text"}))
        .await
        .problem(422, "validation_failed");
    tenant.get("/v1/fields/lead/nothing").await.problem(404, "not_found");
    tenant.get("/v1/fields/nothing/size").await.problem(404, "not_found");
    tenant.get("/v1/fields?kind=nothing").await.problem(400, "malformed");
    assert_eq!(
        tenant.get("/v1/fields?kind=lead").await.expect(200)["data"],
        json!([changed])
    );
    assert_eq!(tenant.delete("/v1/fields/lead/size").await.status, 204);
    assert_eq!(tenant.get("/v1/fields").await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn an_address_is_trusted_for_thirty_days_after_a_sign_in() {
    let world = World::new().await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    let sign_in = json!({"grant_type": "password", "username": tenant.email, "password": PASSWORD});
    world.anybody.post("/v1/auth/token", sign_in).await.expect(200);
    let items = world
        .client()
        .scan()
        .table_name("IdentityTable")
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    let number = |item: &std::collections::HashMap<_, aws_sdk_dynamodb::types::AttributeValue>, name: &str| {
        item.get(name).and_then(|value| value.as_n().ok()?.parse::<i64>().ok())
    };
    let trusted: Vec<_> = items.iter().filter(|item| number(item, "trusted") == Some(1)).collect();
    assert_eq!(trusted.len(), 1, "{trusted:?}");
    let days = (number(trusted[0], "expires").unwrap() - world.clock.now().as_second()) / (24 * 3_600);
    assert!((29..=30).contains(&days), "{days}");
}
