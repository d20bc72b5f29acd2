//! The clock jumps forwards and backwards: tokens, timers, schedules, idempotency, cursors, locks and the feed stay sane.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use rapport_host::Host;
use rapport_runtime::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Caller, PASSWORD, Tenant, eventually};

const DAY: i64 = 24 * 60;
/// Minutes; together more than a day ahead at the most and half an hour behind at the least.
const JUMPS: [i64; 10] = [60, -60, -1, -29, 30, 3 * DAY, -3 * DAY, 10, -10, DAY];

/// How often each event was told, by subject, version and type.
type Told = BTreeMap<(String, u64, String), u32>;

struct World {
    host: Host,
    clock: Clock,
    anybody: Caller,
    tenant: Tenant,
    owner: Caller,
    _folder: tempfile::TempDir,
}

async fn world() -> World {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    let host = Host::start(tests::options(folder.path(), clock.clone())).await.unwrap();
    let anybody = Caller::at(&host.url());
    let tenant = Tenant::of(&anybody, json!({})).await;
    let key = json!({"name": "tests", "scopes": ["*:read", "*:write"]});
    let key = tenant.post("/v1/api-keys", key).await.expect(201)["secret"].clone();
    World {
        owner: anybody.with_token(key.as_str().unwrap()),
        host,
        clock,
        anybody,
        tenant,
        _folder: folder,
    }
}

impl World {
    async fn sign_in(&self, password: &str) -> tests::Answer {
        let body = json!({"grant_type": "password", "username": self.tenant.email, "password": password});
        self.anybody.post("/v1/auth/token", body).await
    }

    fn jump(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    async fn read(&self, after: &mut String, told: &mut Told) {
        loop {
            let page = self
                .owner
                .get(&format!("/v1/events?limit=200&after={after}"))
                .await
                .expect(200);
            for event in page["data"].as_array().unwrap() {
                let word = |value: &Value| value.as_str().unwrap().to_owned();
                let version = event["data"]["version"].as_u64().unwrap_or(0);
                *told
                    .entry((word(&event["subject"]), version, word(&event["type"])))
                    .or_default() += 1;
            }
            page["next_cursor"].as_str().unwrap().clone_into(after);
            if page["has_more"] == json!(false) {
                return;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_the_feed_misses_nothing_and_lists_go_on_however_the_clock_jumps() {
    let world = world().await;
    let (mut after, mut told, mut leads) = (String::new(), Told::new(), Vec::new());
    for n in 0..3 {
        leads.push(
            world
                .owner
                .post("/v1/leads", json!({"name": format!("Ann Number{n}")}))
                .await
                .expect(201),
        );
    }
    let page = world.owner.get("/v1/leads?limit=1").await.expect(200);
    let list = format!("/v1/leads?limit=1&cursor={}", page["next_cursor"].as_str().unwrap());
    let listed = world.owner.get(&list).await.expect(200)["data"].clone();
    for minutes in JUMPS {
        world.read(&mut after, &mut told).await;
        world.jump(minutes);
        let name = format!("Ann Number{}", leads.len());
        let lead = world.owner.post("/v1/leads", json!({"name": name})).await.expect(201);
        let path = format!("/v1/leads/{}", lead["id"].as_str().unwrap());
        let changed = world.owner.patch(&path, json!({"note": "called"})).await.expect(200);
        assert_eq!(changed["version"], 2, "{minutes}");
        leads.push(lead);
        // What follows from it follows at once, though the queues' messages were sent by another clock.
        eventually(&format!("the search after {minutes} minutes"), || async {
            let found = world
                .owner
                .get(&format!("/v1/search?q=Number{}", leads.len() - 1))
                .await
                .expect(200);
            (!found["data"].as_array()?.is_empty()).then_some(())
        })
        .await;
        assert_eq!(world.owner.get(&list).await.expect(200)["data"], listed, "{minutes}");
        world.read(&mut after, &mut told).await;
    }
    // The feed of what was written while the clock was back waits until it has caught up.
    world.jump(4 * DAY);
    let expected: usize = 3 + 2 * JUMPS.len();
    let found = eventually("every event", || async {
        let (mut after, mut told) = (after.clone(), told.clone());
        world.read(&mut after, &mut told).await;
        (told.len() >= expected).then_some(told)
    })
    .await;
    assert_eq!(found.len(), expected);
    let twice: Vec<_> = found.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "told more than once: {twice:?}");
    assert!(world.host.stop().await);
}

#[tokio::test]
async fn sign_in_tokens_and_kept_answers_hold_however_the_clock_jumps() {
    let world = world().await;
    let lead = json!({"name": "Ann"});
    let once = async || {
        let headers = [("idempotency-key", "only once")];
        world
            .owner
            .json(Method::POST, "/v1/leads", &headers, lead.clone())
            .await
            .expect(201)["id"]
            .clone()
    };
    let first = once().await;
    let mut tokens = Vec::new();
    for minutes in [60, -60, 10, -30, 14, 5, -120, 600] {
        world.jump(minutes);
        let signed = world.sign_in(PASSWORD).await.expect(200);
        tokens.push((signed["access_token"].clone(), signed["refresh_token"].clone()));
        for (n, (access, _)) in tokens.iter().enumerate() {
            let me = world.anybody.with_token(access.as_str().unwrap()).get("/v1/me").await;
            match (me.status, n + 1 == tokens.len()) {
                (200, _) => {}
                (401, false) => drop(me.problem(401, "token_expired").clone()),
                other => panic!("{minutes}: {other:?} {}", me.text),
            }
        }
        // Kept for a day: within it the answer is the same whichever way the clock went.
        assert_eq!(once().await, first, "{minutes}");
    }
    for (_, refresh) in tokens {
        let body = json!({"grant_type": "refresh_token", "refresh_token": refresh});
        world.anybody.post("/v1/auth/token", body).await.expect(200);
    }
    assert!(world.host.stop().await);
}

#[tokio::test]
async fn a_lock_does_not_last_for_days_when_the_clock_is_set_back() {
    let world = world().await;
    world.jump(3 * DAY);
    while world.sign_in("a wrong password").await.status != 429 {}
    let locked = world.sign_in(PASSWORD).await;
    let wait: i64 = locked
        .problem(429, "too_many_requests")
        .header("retry-after")
        .parse()
        .unwrap();
    assert!((1..=15 * 60).contains(&wait), "{wait}");
    world.jump(-3 * DAY);
    world.sign_in(PASSWORD).await.expect(200);
    while world.sign_in("a wrong password").await.status != 429 {}
    world.jump(16);
    world.sign_in(PASSWORD).await.expect(200);
    assert!(world.host.stop().await);
}

#[tokio::test]
async fn deadlines_pass_and_schedules_go_on_when_the_clock_was_set_back() {
    let world = world().await;
    world
        .tenant
        .patch("/v1/settings", crate::api::tickets::always())
        .await
        .expect(200);
    let open = async || {
        let ticket = json!({"subject": "A", "priority": "urgent"});
        let ticket = world.owner.post("/v1/tickets", ticket).await.expect(201);
        format!("/v1/tickets/{}", ticket["id"].as_str().unwrap())
    };
    let broken = async |path: &str| {
        eventually("the broken first response", || async {
            // Timers are looked at each minute.
            world.jump(1);
            let ticket = world.owner.get(path).await.expect(200);
            // Where both promises are long past, either may be told first.
            let broken = ticket["breached"].as_array()?;
            broken.contains(&json!("first_response")).then_some(())
        })
        .await;
    };
    let early = open().await;
    world.jump(3 * DAY);
    broken(&early).await;
    let ahead = open().await;
    world.jump(-3 * DAY);
    let late = open().await;
    world.jump(62);
    broken(&late).await;
    let waits = world.owner.get(&ahead).await.expect(200);
    assert_eq!(waits["breached"], json!([]), "its deadline is still to come");
    world.jump(3 * DAY);
    broken(&ahead).await;
    assert!(world.host.stop().await);
}
