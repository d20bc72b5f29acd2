//! Webhooks: told to endpoints that answer, fail, ask for patience and go away; taken from sources that sign, repeat
//! themselves and get it wrong.

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use rapport_domain::signature::{Secret, hmac_sha256, sign_v1, verify_standard};
use rapport_domain::webhook::SCHEDULE;
use rapport_host::Host;
use rapport_runtime::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Caller, Tenant, eventually, unique, until, world};

use super::account::World;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Notify;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// One request that an endpoint got.
#[derive(Clone, Debug)]
struct Told {
    path: String,
    id: String,
    at: String,
    signatures: String,
    body: Vec<u8>,
}

impl Told {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn is_signed_by(&self, key: &str) -> bool {
        let (secret, at) = (Secret::parse(key).unwrap(), self.at.parse().unwrap());
        // Other tests may set the clock forward meanwhile.
        let now = jiff::Timestamp::from_second(at).unwrap();
        verify_standard(&secret, &self.id, &self.at, &self.signatures, &self.body, now).is_ok()
    }
}

/// A subscriber's server: `/<status>` answers with the status, `/flaky` fails the first time, `/held` waits the first time until it
/// is let go.
#[derive(Clone)]
struct Subscriber {
    url: String,
    told: Arc<Mutex<Vec<Told>>>,
    go: Arc<Notify>,
}

impl Subscriber {
    async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let go: Arc<Notify> = Arc::default();
        let (kept, held) = (Arc::clone(&told), Arc::clone(&go));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                let body = loop {
                    let mut chunk = [0; 4_096];
                    let read = stream.read(&mut chunk).await.unwrap();
                    bytes.extend_from_slice(&chunk[..read]);
                    let head = bytes.windows(4).position(|part| part == b"\r\n\r\n");
                    if let Some(head) = head {
                        let length: usize = header(&bytes[..head], "content-length").parse().unwrap();
                        if bytes.len() >= head + 4 + length {
                            break head + 4;
                        }
                    }
                    assert!(read > 0, "a request broke off");
                };
                let head = &bytes[..body];
                let path = String::from_utf8_lossy(head).split(' ').nth(1).unwrap().to_owned();
                let before = kept
                    .lock()
                    .unwrap()
                    .iter()
                    .filter(|told: &&Told| told.path == path)
                    .count();
                let is_held = path == "/held" && before == 0;
                let status = match path.as_str() {
                    "/flaky" if before == 0 => 503,
                    "/flaky" | "/held" => 200,
                    path => path[1..].parse().unwrap(),
                };
                kept.lock().unwrap().push(Told {
                    path,
                    id: header(head, "webhook-id"),
                    at: header(head, "webhook-timestamp"),
                    signatures: header(head, "webhook-signature"),
                    body: bytes[body..].to_vec(),
                });
                if is_held {
                    held.notified().await;
                }
                let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhm");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, told, go }
    }

    /// The requests to a path so far.
    fn to(&self, path: &str) -> Vec<Told> {
        self.told
            .lock()
            .unwrap()
            .iter()
            .filter(|told| told.path == path)
            .cloned()
            .collect()
    }

    /// Waits for so many requests to a path.
    async fn wait(&self, path: &str, count: usize) -> Vec<Told> {
        eventually("a webhook", || async {
            Some(self.to(path)).filter(|told| told.len() >= count)
        })
        .await
    }
}

fn header(head: &[u8], name: &str) -> String {
    let text = String::from_utf8_lossy(head);
    let line = text
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
    line.and_then(|line| line.split_once(':'))
        .map_or_else(String::new, |(_, value)| value.trim().to_owned())
}

#[tokio::test]
async fn endpoints_are_told_what_they_want_signed_by_both_keys() {
    let (tenant, subscriber) = (Tenant::new().await, Subscriber::new().await);
    let body = json!({"url": format!("{}/200", subscriber.url), "event_types": ["lead.*"], "description": "ours"});
    let made = tenant
        .json(
            Method::POST,
            "/v1/webhook-endpoints",
            &[("idempotency-key", "k1")],
            body.clone(),
        )
        .await;
    let again = tenant
        .json(
            Method::POST,
            "/v1/webhook-endpoints",
            &[("idempotency-key", "k1")],
            body,
        )
        .await;
    let endpoint = made.expect(201);
    assert_eq!(
        (again.status, &again.body["id"], again.body.get("secret")),
        (201, &endpoint["id"], None)
    );
    let (secret, public) = (text(&endpoint["secret"]), text(&endpoint["public_key"]));
    let path = format!("/v1/webhook-endpoints/{}", text(&endpoint["id"]));
    assert_eq!(tenant.get(&path).await.expect(200).get("secret"), None);
    let lead = tenant.post("/v1/leads", json!({"name": "Ann"})).await.expect(201);
    tenant.post("/v1/contacts", json!({"name": "Bob"})).await.expect(201);
    let told = subscriber.wait("/200", 1).await;
    let (told, event) = (&told[0], told[0].json());
    assert_eq!((&event["type"], &event["data"]), (&json!("lead.created"), &lead));
    assert!(told.id.starts_with("evt_") && event["id"] == json!(told.id) && event["timestamp"] == lead["created_at"]);
    assert!(told.is_signed_by(&secret) && told.is_signed_by(&public));
    assert!(!told.is_signed_by("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"));

    let rotated = tenant.post(&format!("{path}/rotate"), json!({})).await.expect(200);
    assert_ne!(text(&rotated["secret"]), secret);
    let sent = tenant.post(&format!("{path}/test"), json!({})).await.expect(202);
    assert_eq!(
        (&sent["status"], &sent["event_type"]),
        (&json!("pending"), &json!("webhook.test"))
    );
    let told = subscriber.wait("/200", 2).await;
    assert_eq!(told[1].json()["type"], "webhook.test");
    for key in [
        &secret,
        &public,
        &text(&rotated["secret"]),
        &text(&rotated["public_key"]),
    ] {
        assert!(told[1].is_signed_by(key), "{key}");
    }
    let log = format!(
        "/v1/webhook-deliveries?endpoint_id={}&status=succeeded",
        text(&endpoint["id"])
    );
    let log = eventually("the log", || async {
        let body = tenant.get(&log).await.expect(200);
        body["data"].as_array().filter(|data| data.len() == 2).cloned()
    })
    .await;
    assert_eq!(
        (&log[1]["event_id"], &log[1]["attempts"][0]["status"]),
        (&json!(told[0].id), &json!(200))
    );
    let replay = format!("/v1/webhook-deliveries/{}/replay", text(&log[1]["id"]));
    assert_eq!(tenant.post(&replay, json!({})).await.status, 202);
    let told = subscriber.wait("/200", 3).await;
    assert_eq!((&told[2].id, &told[2].body), (&told[0].id, &told[0].body));

    let other = Tenant::new().await;
    for (method, path) in [(Method::GET, &path), (Method::DELETE, &path), (Method::POST, &replay)] {
        other.send(method, path, &[], None).await.problem(404, "not_found");
    }
    assert_eq!(tenant.delete(&path).await.status, 204);
    tenant.post(&replay, json!({})).await.problem(409, "endpoint_disabled");
}

#[tokio::test]
async fn a_failure_is_tried_again_and_an_endpoint_that_is_gone_is_left_alone() {
    let (tenant, subscriber) = (Tenant::new().await, Subscriber::new().await);
    let mut paths = Vec::new();
    for way in ["flaky", "410", "302"] {
        let body = json!({"url": format!("{}/{way}", subscriber.url), "event_types": ["lead.created"]});
        paths.push(text(
            &tenant.post("/v1/webhook-endpoints", body).await.expect(201)["id"],
        ));
    }
    tenant.post("/v1/leads", json!({"name": "Ann"})).await.expect(201);
    let told = subscriber.wait("/flaky", 2).await;
    assert_eq!((&told[0].id, &told[0].body), (&told[1].id, &told[1].body));
    for (endpoint, status, codes) in [
        (&paths[0], "succeeded", vec![503, 200]),
        (&paths[1], "failed", vec![410]),
        (&paths[2], "pending", vec![302]),
    ] {
        let found = eventually("the log", || async {
            let body = tenant
                .get(&format!("/v1/webhook-deliveries?endpoint_id={endpoint}"))
                .await
                .expect(200);
            let delivery = &body["data"][0];
            let found: Vec<u64> = delivery["attempts"]
                .as_array()?
                .iter()
                .filter_map(|attempt| attempt["status"].as_u64())
                .collect();
            (delivery["status"] == json!(status) && found.len() >= codes.len()).then_some(found)
        })
        .await;
        assert_eq!(found[..codes.len()], codes, "{status}");
    }
    let gone = eventually("the endpoint's end", || async {
        let body = tenant
            .get(&format!("/v1/webhook-endpoints/{}", paths[1]))
            .await
            .expect(200);
        (body["enabled"] == json!(false)).then_some(body)
    })
    .await;
    assert_eq!(gone["disabled_reason"], "gone");
    let on = tenant
        .patch(&format!("/v1/webhook-endpoints/{}", paths[1]), json!({"enabled": true}))
        .await
        .expect(200);
    assert_eq!((&on["enabled"], on.get("disabled_reason")), (&json!(true), None));
}

#[tokio::test]
async fn who_asks_for_a_delivery_during_an_attempt_gets_one_more() {
    let (tenant, subscriber) = (Tenant::new().await, Subscriber::new().await);
    let body = json!({"url": format!("{}/held", subscriber.url), "event_types": ["lead.created"]});
    tenant.post("/v1/webhook-endpoints", body).await.expect(201);
    tenant.post("/v1/leads", json!({"name": "Ann"})).await.expect(201);
    subscriber.wait("/held", 1).await;
    let log = tenant.get("/v1/webhook-deliveries").await.expect(200);
    let delivery = format!("/v1/webhook-deliveries/{}", text(&log["data"][0]["id"]));
    tenant.post(&format!("{delivery}/replay"), json!({})).await.expect(202);
    // What the attempt under way finds out is of a delivery that is another by now.
    subscriber.go.notify_one();
    let told = subscriber.wait("/held", 2).await;
    assert_eq!((&told[0].id, &told[0].body), (&told[1].id, &told[1].body));
    let kept = until(&tenant, &delivery, |kept| kept["status"] == json!("succeeded")).await;
    assert_eq!(kept["attempt_count"], 1);
}

/// A host of its own: setting the clock forward would let the tokens of all other tests expire.
#[tokio::test]
async fn an_endpoint_that_fails_for_three_days_is_switched_off() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    let host = Host::start(tests::options(folder.path(), clock.clone())).await.unwrap();
    let (http, url, subscriber) = (reqwest::Client::new(), host.url(), Subscriber::new().await);
    let call = |method: Method, path: &str, token: &str, body: Value| {
        let mut request = http.request(method, format!("{url}{path}")).json(&body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        async move {
            let answer = request.send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{status} {text}");
            serde_json::from_str::<Value>(&text).unwrap_or(Value::Null)
        }
    };
    let person =
        json!({"company": "Firm", "name": "Owner", "email": "owner@firm.example", "password": tests::PASSWORD});
    let signed = call(Method::POST, "/v1/signup", "", person).await;
    let scopes = json!({"name": "tests", "scopes": ["webhooks:write", "leads:write"]});
    let key = call(Method::POST, "/v1/api-keys", &text(&signed["access_token"]), scopes).await;
    let key = &text(&key["secret"]);
    let body = json!({"url": format!("{}/500", subscriber.url)});
    let endpoint = call(Method::POST, "/v1/webhook-endpoints", key, body).await;
    call(Method::POST, "/v1/leads", key, json!({"name": "Ann"})).await;
    for (n, wait) in SCHEDULE.iter().enumerate() {
        // Up to a tenth more by chance, and a minute until the timers are looked at.
        clock.advance(*wait + *wait / 10 + SignedDuration::from_secs(if n == 0 { 0 } else { 61 }));
        let told = subscriber.wait("/500", n + 1).await;
        assert_eq!(told[n].body, told[0].body);
        eventually("the note of an attempt", || async {
            let body = call(Method::GET, "/v1/webhook-deliveries", key, Value::Null).await;
            (body["data"][0]["attempt_count"] == json!(n + 1)).then_some(())
        })
        .await;
    }
    let path = format!("/v1/webhook-endpoints/{}", text(&endpoint["id"]));
    eventually("the endpoint's end", || async {
        let body = call(Method::GET, &path, key, Value::Null).await;
        (body["disabled_reason"] == json!("failing")).then_some(())
    })
    .await;
    let log = call(Method::GET, "/v1/webhook-deliveries?status=failed", key, Value::Null).await;
    assert_eq!(log["data"].as_array().unwrap().len(), 1);
    assert_eq!(subscriber.to("/500").len(), SCHEDULE.len(), "each attempt is made once");
}

#[tokio::test]
async fn endpoints_and_sources_are_checked() {
    let tenant = Tenant::new().await;
    for (path, body, pointer) in [
        ("/v1/webhook-endpoints", json!({"url": "ftp://example.com/"}), "#/url"),
        (
            "/v1/webhook-endpoints",
            json!({"url": "https://a:b@example.com/"}),
            "#/url",
        ),
        (
            "/v1/webhook-endpoints",
            json!({"url": "https://example.com/", "event_types": ["deal.won"]}),
            "#/event_types/0",
        ),
        (
            "/v1/webhook-endpoints",
            json!({"url": "https://example.com/", "secret": "x"}),
            "#/secret",
        ),
        (
            "/v1/webhook-sources",
            json!({"kind": "shopify_orders", "name": "Shop"}),
            "#/secret",
        ),
        ("/v1/webhook-sources", json!({"kind": "generic", "name": ""}), "#/name"),
        ("/v1/webhook-sources", json!({"kind": "mail", "name": "X"}), "#/kind"),
        (
            "/v1/webhook-sources",
            json!({"kind": "generic", "name": "X", "mapping": {"email": "$.["}}),
            "#/mapping/email",
        ),
    ] {
        let answer = tenant.post(path, body.clone()).await;
        answer.problem(422, "validation_failed");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{body}");
    }
    Caller::anonymous()
        .get("/v1/webhook-endpoints")
        .await
        .problem(401, "unauthenticated");
}

/// Posts to a source's address.
async fn hook(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let path = url.strip_prefix(&world().url).unwrap();
    Caller::anonymous()
        .send(Method::POST, path, headers, Some(body.to_vec()))
        .await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_form_becomes_a_lead_once_and_what_fails_can_be_mended() {
    let tenant = Tenant::new().await;
    let source = tenant
        .post("/v1/webhook-sources", json!({"kind": "generic", "name": "Form"}))
        .await
        .expect(201);
    let (url, path) = (
        text(&source["url"]),
        format!("/v1/webhook-sources/{}", text(&source["id"])),
    );
    assert_eq!(tenant.get(&path).await.expect(200).get("url"), None);
    let email = format!("{}@form.example", unique("ann"));
    let form = format!("email={email}&name=Ann+Li&utm_source=ad");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let first = hook(&url, &[kind], form.as_bytes()).await.expect(202);
    assert_eq!(
        hook(&url, &[kind], form.as_bytes()).await.expect(202),
        first,
        "a repeat has the same id"
    );
    let leads = || async {
        let body = tenant.get("/v1/leads").await.expect(200);
        body["data"].as_array().filter(|data| !data.is_empty()).cloned()
    };
    let lead = eventually("the lead", leads).await;
    assert_eq!(
        (lead.len(), &lead[0]["email"], &lead[0]["utm"]["source"]),
        (1, &json!(email), &json!("ad"))
    );
    assert_eq!(
        (&lead[0]["updated_via"], &lead[0]["created_by"]),
        (&json!("hook"), &source["id"])
    );
    let more = json!({"email": email, "phone": "+14155552671"}).to_string();
    hook(&url, &[JSON], more.as_bytes()).await.expect(202);
    eventually("the lead's number", || async {
        let lead = leads().await?;
        (lead.len() == 1 && lead[0]["phone"] == json!("+14155552671")).then_some(())
    })
    .await;

    hook(&url, &[JSON], br#"{"contact":{"mail":"bob@form.example"}}"#)
        .await
        .expect(202);
    let failures = format!("{path}/failures");
    let failed = eventually("the failure", || async {
        let body = tenant.get(&failures).await.expect(200);
        body["data"].get(0).cloned()
    })
    .await;
    assert_eq!(failed["problems"][0]["code"], "nothing_found");
    let one = tenant
        .get(&format!("{failures}/{}", text(&failed["id"])))
        .await
        .expect(200);
    assert_eq!(one["body"], r#"{"contact":{"mail":"bob@form.example"}}"#);
    tenant
        .patch(&path, json!({"mapping": {"email": "$.contact.mail"}}))
        .await
        .expect(200);
    assert_eq!(
        tenant.post(&format!("{failures}/replay"), json!({})).await.expect(202)["replayed"],
        1
    );
    eventually("the mended lead", || async {
        leads().await.filter(|leads| leads.len() == 2)
    })
    .await;
    eventually("no failure", || async {
        let body = tenant.get(&failures).await.expect(200);
        (body["data"] == json!([])).then_some(())
    })
    .await;
    let receipts = format!("{path}/receipts");
    let all = tenant.get(&receipts).await.expect(200);
    let all = all["data"].as_array().cloned().unwrap_or_default();
    assert_eq!(all[0]["id"], failed["id"], "the newest first");
    assert!(
        all.len() >= 3 && all.iter().all(|receipt| receipt["status"] == "applied"),
        "{all:?}"
    );
    let first = tenant.get(&format!("{receipts}?limit=1")).await.expect(200);
    let rest = tenant
        .get(&format!("{receipts}?cursor={}", text(&first["next_cursor"])))
        .await
        .expect(200);
    assert_eq!(rest["data"][0]["id"], all[1]["id"]);
    Tenant::new().await.get(&receipts).await.problem(404, "not_found");

    for bad in ["x", &url[url.len() - 75..url.len() - 1]] {
        hook(&format!("{}/hooks/{bad}", world().url), &[JSON], b"{}")
            .await
            .problem(404, "not_found");
    }
    hook(&url, &[JSON], &vec![b'x'; 1_100_000])
        .await
        .problem(413, "too_large");
    let rotated = tenant.post(&format!("{path}/rotate"), json!({})).await.expect(200);
    hook(&url, &[JSON], b"{}").await.problem(404, "not_found");
    let verify = text(&rotated["url"]).replace(&world().url, "");
    let echoed = Caller::anonymous()
        .get(&format!("{verify}?hub.mode=subscribe&hub.challenge=abc123"))
        .await;
    assert_eq!((echoed.status, echoed.text.as_str()), (200, "abc123"));
    Tenant::new().await.get(&failures).await.problem(404, "not_found");
}

#[tokio::test]
async fn what_is_too_large_for_one_item_is_taken_as_a_whole() {
    let world = World::new().await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    let body = json!({"kind": "generic", "name": "Form"});
    let source = tenant.post("/v1/webhook-sources", body).await.expect(201);
    let (url, email) = (text(&source["url"]), format!("{}@form.example", unique("ann")));
    let path = &url[url.find("/hooks/").unwrap()..];
    // Three parts, whose ends lie within a character.
    let filler = "\u{754c}".repeat(230_000);
    let form = json!({"email": email, "filler": filler}).to_string();
    world
        .anybody
        .send(Method::POST, path, &[JSON], Some(form.into_bytes()))
        .await
        .expect(202);
    until(&tenant, "/v1/leads", |body| body["data"][0]["email"] == email).await;
    let wrong = json!({"mail": email, "filler": filler}).to_string();
    let sent = Some(wrong.clone().into_bytes());
    world.anybody.send(Method::POST, path, &[JSON], sent).await.expect(202);
    let failures = format!("/v1/webhook-sources/{}/failures", text(&source["id"]));
    let failed = until(&tenant, &failures, |body| body["data"][0]["id"].is_string()).await;
    let path = format!("{failures}/{}", text(&failed["data"][0]["id"]));
    assert!(tenant.get(&path).await.expect(200)["body"] == wrong);
    // No part ends before what it is a part of.
    let mut ends = Vec::new();
    let mut items = world
        .client()
        .scan()
        .table_name("WebhooksTable")
        .into_paginator()
        .items()
        .send();
    while let Some(item) = items.next().await {
        let item = item.unwrap();
        if item.get("body").is_some_and(|body| body.as_b().is_ok()) {
            ends.push(item["expires"].as_n().unwrap().parse::<i64>().unwrap());
        }
    }
    let failures_end = (world.clock.now() + SignedDuration::from_hours(24 * 180)).as_second();
    assert_eq!(
        ends.iter()
            .filter(|end| (failures_end - 600..=failures_end).contains(*end))
            .count(),
        5,
        "{ends:?}"
    );
}

#[tokio::test]
async fn signed_sources_are_believed_only_when_signed() {
    let tenant = Tenant::new().await;
    let key = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let body = json!({"kind": "standard_webhooks", "name": "App", "secret": key, "target": "contact"});
    let source = tenant.post("/v1/webhook-sources", body).await.expect(201);
    assert_eq!((source.get("secret"), &source["signed"]), (None, &json!(true)));
    let url = text(&source["url"]);
    let message = json!({"type": "person.added", "timestamp": "2026-11-22T00:00:00Z", "data": {"id": "p1", "email": "p@std.example", "given_name": "Pat"}});
    let message = message.to_string();
    let Some(Secret::Shared(bytes)) = Secret::parse(key) else {
        panic!("a shared secret was expected")
    };
    let now = world().clock.now().as_second();
    let (at, old) = (now.to_string(), (now - 400).to_string());
    let good = sign_v1(&bytes, "m1", now, message.as_bytes());
    let late = sign_v1(&bytes, "m1", now - 400, message.as_bytes());
    for (at, signature, status) in [
        (&at, "v1,AAAA", 401),
        (&old, late.as_str(), 401),
        (&at, good.as_str(), 202),
    ] {
        let headers = [
            JSON,
            ("webhook-id", "m1"),
            ("webhook-timestamp", at.as_str()),
            ("webhook-signature", signature),
        ];
        assert_eq!(
            hook(&url, &headers, message.as_bytes()).await.status,
            status,
            "{at} {signature}"
        );
    }
    let contact = eventually("the contact", || async {
        let body = tenant.get("/v1/contacts").await.expect(200);
        body["data"].get(0).cloned()
    })
    .await;
    assert_eq!(
        (&contact["given_name"], &contact["external_ids"]["webhook"]),
        (&json!("Pat"), &json!("p1"))
    );
}

#[tokio::test]
async fn a_shops_order_comes_with_its_customer_payment_and_refund() {
    let tenant = Tenant::new().await;
    let body = json!({"kind": "shopify_orders", "name": "Shop", "secret": "shop's own secret"});
    let source = tenant.post("/v1/webhook-sources", body).await.expect(201);
    let url = text(&source["url"]);
    let post = async |order: &Value, topic: &str, event: &str| {
        let body = order.to_string();
        let signature = hmac_sha256(b"shop's own secret", body.as_bytes())
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let headers = [
            JSON,
            ("x-shopify-hmac-sha256", signature.as_str()),
            ("x-shopify-topic", topic),
            ("x-shopify-event-id", event),
        ];
        hook(&url, &headers, body.as_bytes()).await.expect(202)
    };
    let mut order = json!({"id": 450789469, "email": "bob@shop.example", "created_at": "2026-11-02T08:59:11-05:00", "updated_at": "2026-11-02T09:00:00-05:00",
        "currency": "USD", "total_price": "409.94", "taxes_included": false, "financial_status": "pending", "fulfillment_status": null,
        "total_shipping_price_set": {"shop_money": {"amount": "10.00", "currency_code": "USD"}},
        "customer": {"id": 207119551, "email": "bob@shop.example", "first_name": "Bob", "last_name": "Norman"},
        "line_items": [{"sku": "IPOD2008", "name": "Player", "quantity": 2, "price": "199.00", "tax_lines": [{"price": "11.94"}], "discount_allocations": [{"amount": "10.00"}]}]});
    post(&order, "orders/create", "e1").await;
    let look = |status: &'static str| {
        let tenant = &tenant;
        async move {
            let failures = tenant
                .get(&format!(
                    "/v1/webhook-sources/{}/failures",
                    text(&source_id(tenant).await)
                ))
                .await
                .expect(200);
            assert_eq!(failures["data"], json!([]));
            let body = tenant.get("/v1/orders").await.expect(200);
            body["data"]
                .get(0)
                .filter(|order| order["payment_status"] == json!(status))
                .cloned()
        }
    };
    let first = eventually("the order", || look("unpaid")).await;
    assert_eq!(
        (&first["total"], &first["status"], &first["external_ids"]["shopify"]),
        (&json!("409.94"), &json!("placed"), &json!("450789469"))
    );
    let stale = order.clone();
    order["financial_status"] = json!("paid");
    order["updated_at"] = json!("2026-11-03T00:00:00Z");
    post(&order, "orders/paid", "e2").await;
    let paid = eventually("the payment", || look("paid")).await;
    assert_eq!(paid["paid"], json!("409.94"));
    // What comes late must not undo what came since.
    post(&stale, "orders/updated", "e3").await;
    order["updated_at"] = json!("2026-11-04T00:00:00Z");
    order["financial_status"] = json!("refunded");
    order["refunds"] =
        json!([{"transactions": [{"id": 77, "kind": "refund", "status": "success", "amount": "409.94"}]}]);
    post(&order, "orders/updated", "e4").await;
    let refunded = eventually("the refund", || look("refunded")).await;
    assert_eq!(refunded["payments"].as_array().unwrap().len(), 2);
    let contacts = tenant.get("/v1/contacts").await.expect(200);
    assert_eq!(contacts["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&contacts["data"][0]["name"], &contacts["data"][0]["id"]),
        (&json!("Bob Norman"), &refunded["contact_id"])
    );
}

async fn source_id(tenant: &Tenant) -> Value {
    tenant.get("/v1/webhook-sources").await.expect(200)["data"][0]["id"].clone()
}
