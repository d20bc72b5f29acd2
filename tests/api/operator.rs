//! The operator's view: whose keys open it, what it shows and what not, what becomes of tenants, of dead letters and of
//! what is made anew; and the command.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use rapport_host::engine::{self, InProcess};
use rapport_host::{Host, OPERATOR_OF_TESTS, Options, secrets};
use rapport_http::Access;
use rapport_runtime::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use tests::fault::{Faults, Weather};
use tests::{Caller, Tenant, eventually, unique, until};

use super::surveys::{at_once, contact, invitation, resolved};

/// A service of the test's own, its operator, and a switch that takes the store from the index of search.
struct Service {
    host: Host,
    clock: Clock,
    faults: Faults,
    operator: Caller,
    _folder: tempfile::TempDir,
}

impl Service {
    async fn new(change: impl FnOnce(&mut Options)) -> Self {
        let (folder, clock, faults) = (tempfile::tempdir().unwrap(), Clock::default(), Faults::default());
        let mut options = tests::options(folder.path(), clock.clone());
        options.functions = faults.between(options.functions, |function| function == "search-index");
        change(&mut options);
        let host = Host::start(options).await.unwrap();
        Self {
            operator: Caller::at(&host.url()).with_token(OPERATOR_OF_TESTS),
            host,
            clock,
            faults,
            _folder: folder,
        }
    }

    fn anybody(&self) -> Caller {
        Caller::at(&self.host.url())
    }

    /// A firm, and its key: a token ends when the clock is set forward.
    async fn firm(&self) -> (Tenant, Caller) {
        let tenant = Tenant::of(&self.anybody(), json!({})).await;
        let body = json!({"name": "all", "scopes": ["*:read", "*:write"]});
        let key = tenant.post("/v1/api-keys", body).await.expect(201);
        let key = tenant.with_token(key["secret"].as_str().or(key["key"].as_str()).unwrap());
        (tenant, key)
    }

    /// Takes every item of a tenant out of a table that lies in partitions of that beginning.
    async fn empty(&self, table: &str, tenant: &str, below: &str) -> usize {
        let client = engine::dynamodb(InProcess::tables(Arc::clone(self.host.engine())));
        let mut pages = client.scan().table_name(table).into_paginator().items().send();
        let mut keys = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            if item["pk"].as_s().unwrap().starts_with(&format!("{tenant}#{below}")) {
                keys.push((item["pk"].clone(), item["sk"].clone()));
            }
        }
        for (pk, sk) in &keys {
            let delete = client.delete_item().table_name(table);
            let delete = delete.key("pk", pk.clone()).key("sk", sk.clone());
            delete.send().await.unwrap();
        }
        keys.len()
    }

    /// The dead letters of the index of search.
    async fn letters(&self) -> Vec<Value> {
        let page = self.operator.get("/v1/operator/dead-letters/search_index").await;
        page.expect(200)["data"].as_array().unwrap().clone()
    }

    /// Makes a contact whose message is given up, and gives its id.
    async fn poisoned(&self, firm: &Caller, name: &str) -> String {
        let before = self.letters().await.len();
        self.faults.set(Weather::DownFrom(0));
        let contact = firm.post("/v1/contacts", json!({"name": name})).await.expect(201);
        eventually("the dead letter", || async {
            // Each try is followed by the time that the queue hides the message for.
            self.clock.advance(SignedDuration::from_secs(200));
            (self.letters().await.len() > before).then_some(())
        })
        .await;
        // The clock ran ahead of tries that are still under way: they are to fail like the others.
        let seen = Cell::new((0, 0));
        eventually("the end of all tries", || async {
            let (calls, looks) = (self.faults.calls(), seen.get());
            seen.set((calls, if calls == looks.0 { looks.1 + 1 } else { 0 }));
            (seen.get().1 == 10).then_some(())
        })
        .await;
        assert!(self.faults.end());
        contact["id"].as_str().unwrap().to_owned()
    }

    async fn actions(&self) -> Vec<Value> {
        let page = self.operator.get("/v1/operator/audit").await.expect(200);
        page["data"].as_array().unwrap().clone()
    }
}

/// The operator's routes as method and path.
fn routes() -> Vec<(Method, String)> {
    let apis = crate::agreement::apis();
    let all = apis.iter().flat_map(|(_, api)| api.routes());
    let routes: Vec<_> = all
        .filter(|route| route.path.starts_with("/v1/operator"))
        .map(|route| {
            assert_eq!(route.access, Access::Operator, "{}", route.path);
            let parts = route.path.split('/');
            let path: Vec<&str> = parts
                .map(|part| if part.starts_with('{') { "x" } else { part })
                .collect();
            (route.method.clone(), path.join("/"))
        })
        .collect();
    assert!(routes.len() > 10, "{routes:?}");
    routes
}

#[tokio::test]
async fn a_tenants_credential_is_not_the_operators_nor_the_other_way_round() {
    let (ann, bob) = ("ro_ann", "ro_bob");
    let keys = [("ann", ann), ("bob", bob)].map(|(name, key)| secrets::operator_digest(name, key));
    let service = Service::new(|options| {
        options.environment.insert("OPERATOR_KEYS".to_owned(), keys.join(","));
    })
    .await;
    let (tenant, key) = service.firm().await;
    let anybody = service.anybody();
    for (method, path) in routes() {
        for caller in [&anybody, &tenant.owner, &key] {
            let answer = caller.json(method.clone(), &path, &[], json!({})).await;
            answer.problem(401, "unauthenticated");
        }
    }
    for path in ["/v1/contacts", "/v1/me", "/v1/settings", "/v1/users"] {
        let answer = anybody.with_token(ann).get(path).await;
        answer.problem(401, "unauthenticated");
    }
    // One that the configuration knew once, and pieces of one that it knows.
    for wrong in [OPERATOR_OF_TESTS, "ro_", "ro_an", "ro_annn", "RO_ANN"] {
        let answer = anybody.with_token(wrong).get("/v1/operator/health").await;
        answer.problem(401, "unauthenticated");
    }
    // Each key acts under its own name.
    let path = format!("/v1/operator/tenants/{}", tenant.id);
    for (key, plan) in [(ann, "team"), (bob, "starter")] {
        let moved = anybody.with_token(key).patch(&path, json!({"plan": plan})).await;
        assert_eq!(moved.expect(200)["plan"], plan);
    }
    let page = anybody
        .with_token(bob)
        .get("/v1/operator/audit?limit=1")
        .await
        .expect(200);
    let (first, next) = (&page["data"][0], page["next_cursor"].as_str().unwrap());
    let path = format!("/v1/operator/audit?limit=1&cursor={next}");
    let page = anybody.with_token(ann).get(&path).await.expect(200);
    let second = &page["data"][0];
    for (action, operator, plan) in [(first, "bob", "starter"), (second, "ann", "team")] {
        assert_eq!(
            (
                &action["operator"],
                &action["action"],
                &action["detail"],
                &action["tenant"]
            ),
            (&json!(operator), &json!("plan"), &json!(plan), &json!(tenant.id))
        );
    }
}

#[tokio::test]
async fn who_guesses_has_to_wait_and_does_not_learn_whether_the_last_guess_was_right() {
    let service = Service::new(|_| ()).await;
    let path = "/v1/operator/health";
    let mut refused = BTreeSet::new();
    for n in 0..22 {
        let answer = service.anybody().with_token(&format!("ro_{n}")).get(path).await;
        refused.insert(answer.status);
    }
    assert_eq!(refused, BTreeSet::from([401, 429]));
    let answer = service.operator.get(path).await;
    answer.problem(429, "too_many_requests");
    let wait: i64 = answer.header("retry-after").parse().unwrap();
    service.clock.advance(SignedDuration::from_secs(wait));
    service.operator.get(path).await.expect(200);
}

#[tokio::test]
async fn all_tenants_are_listed_once_whatever_the_size_of_a_page() {
    let service = Service::new(|_| ()).await;
    let mut firms = BTreeMap::new();
    for _ in 0..7 {
        let tenant = Tenant::of(&service.anybody(), json!({})).await;
        firms.insert(tenant.id.clone(), tenant);
    }
    for limit in [1, 3, 7, 200] {
        let (mut found, mut path) = (Vec::new(), format!("/v1/operator/tenants?limit={limit}"));
        loop {
            let page = service.operator.get(&path).await.expect(200);
            let data = page["data"].as_array().unwrap();
            assert!(data.len() <= limit, "{data:?}");
            found.extend(data.iter().map(|tenant| tenant["id"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(next) => path = format!("/v1/operator/tenants?limit={limit}&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found.len(), 7, "{limit}");
        assert_eq!(
            found.into_iter().collect::<BTreeSet<_>>(),
            firms.keys().cloned().collect()
        );
    }
    let one = firms.values().next().unwrap();
    let read = service.operator.get(&format!("/v1/operator/tenants/{}", one.id)).await;
    let read = read.expect(200);
    assert_eq!((&read["plan"], &read["status"]), (&json!("business"), &json!("open")));
    for (path, status, code) in [
        ("/v1/operator/tenants?moon=1", 400, "unknown_parameter"),
        ("/v1/operator/tenants?status=full", 400, "malformed"),
        ("/v1/operator/tenants?cursor=x", 400, "cursor_invalid"),
        ("/v1/operator/tenants/x", 404, "not_found"),
        ("/v1/operator/tenants/tnt_01h455vb4pex5vsknk084sn02q", 404, "not_found"),
        ("/v1/operator/dead-letters/moon", 404, "not_found"),
        ("/v1/operator/audit?month=now", 400, "malformed"),
    ] {
        service.operator.get(path).await.problem(status, code);
    }
}

#[tokio::test]
async fn what_a_suspended_firm_has_under_way_waits_and_nothing_of_it_is_lost() {
    let service = Service::new(|_| {}).await;
    let (tenant, key) = service.firm().await;
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    // A survey that waits an hour, a report of each day, an address that fails at first, a form, and a file of many rows.
    let settings = json!({"survey": {"delay_minutes": 60, "quiet_hours": null}});
    tenant.patch("/v1/settings", settings).await.expect(200);
    let contact = json!({"name": "Ann", "email": "ann@customer.example"});
    let contact = id(&key.post("/v1/contacts", contact).await.expect(201));
    let ticket = json!({"subject": "A", "contact_id": contact});
    let ticket = id(&key.post("/v1/tickets", ticket).await.expect(201));
    key.post(&format!("/v1/tickets/{ticket}/resolve"), json!({}))
        .await
        .expect(200);
    let invitations = format!("/v1/survey-invitations?contact_id={contact}");
    until(&key, &invitations, |list| list["data"][0]["status"] == "pending").await;
    let schedule = json!({"report": "sales", "every": "day", "format": "csv"});
    let schedule = tenant.post("/v1/report-schedules", schedule).await.expect(201);
    let schedule = format!("/v1/report-schedules/{}", id(&schedule));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let endpoint = json!({"url": format!("http://{address}/"), "event_types": ["company.created"]});
    key.post("/v1/webhook-endpoints", endpoint).await.expect(201);
    key.post("/v1/companies", json!({"name": "First"})).await.expect(201);
    let attempts = |list: &Value| list["data"][0]["attempt_count"].as_u64().unwrap_or(0);
    until(&key, "/v1/webhook-deliveries", |list| attempts(list) == 2).await;
    let source = key
        .post("/v1/webhook-sources", json!({"kind": "generic", "name": "Form"}))
        .await
        .expect(201);
    let url = source["url"].as_str().unwrap();
    let hook = url[url.find("/hooks/").unwrap()..].to_owned();
    let rows: String = (0..3_000).map(|n| format!("Eve {n},eve{n}@mail.example\n")).collect();
    let headers = [("content-type", "text/csv")];
    let file = Some(format!("Name,E-mail\n{rows}").into_bytes());
    let import = key
        .send(Method::POST, "/v1/imports?kind=leads&name=a.csv", &headers, file)
        .await
        .expect(201);
    let import = format!("/v1/imports/{}", id(&import));
    key.post(&format!("{import}/start"), json!({})).await;
    let created = |import: &Value| import["counts"]["created"].as_u64().unwrap_or(0);
    until(&key, &import, |import| created(import) > 0).await;

    let account = format!("/v1/operator/tenants/{}", tenant.id);
    let because = json!({"because": "three invoices are open"});
    service
        .operator
        .post(&format!("{account}/suspend"), because)
        .await
        .expect(200);
    let anybody = service.anybody();
    let posted = anybody
        .post(&hook, json!({"name": "Dee", "email": "dee@form.example"}))
        .await;
    assert_eq!(posted.status, 202, "{}", posted.text);
    let failures = format!("/v1/webhook-sources/{}/failures", id(&source));
    let failed = until(&key, &failures, |list| list["data"][0].is_object()).await;
    assert_eq!(failed["data"][0]["problems"][0]["code"], "account_not_open");
    service.clock.advance(SignedDuration::from_hours(26));
    let skipped = until(&key, &invitations, |list| list["data"][0]["status"] == "skipped").await;
    assert_eq!(skipped["data"][0]["skipped"], "account_not_open");
    // A schedule is its owner's, whose token is over by now.
    let sign_in = json!({"grant_type": "password", "username": tenant.email, "password": tests::PASSWORD});
    let tokens = anybody.post("/v1/auth/token", sign_in).await.expect(200);
    let owner = tenant.with_token(tokens["access_token"].as_str().unwrap());
    let told = until(&owner, &schedule, |schedule| schedule["last_error"].is_string()).await;
    assert_eq!(told["last_error"], "the account is not open");
    let stands = key.get(&import).await.expect(200);
    assert!(stands["status"] == "running" && created(&stands) < 3_000, "{stands}");
    assert_eq!(attempts(&key.get("/v1/webhook-deliveries").await.expect(200)), 2);
    let found = key.get("/v1/search?q=Dee").await.expect(200);
    assert_eq!(found["data"], json!([]));
    let store = engine::dynamodb(InProcess::tables(Arc::clone(service.host.engine())));
    eventually("the delivery that waits an hour", || async {
        let timers = store
            .scan()
            .table_name("TimersTable")
            .send()
            .await
            .unwrap()
            .items
            .unwrap();
        let of_delivery = |item: &std::collections::HashMap<_, _>| format!("{item:?}").contains("webhook_deliveries");
        timers.iter().any(of_delivery).then_some(())
    })
    .await;

    // Everything goes on.
    service
        .operator
        .post(&format!("{account}/resume"), json!({}))
        .await
        .expect(200);
    key.post(&format!("{failures}/replay"), json!({})).await.expect(202);
    until(&key, "/v1/search?q=Dee", |found| found["data"][0].is_object()).await;
    service.clock.advance(SignedDuration::from_hours(2));
    let done = until(&key, &import, |import| import["status"] == "done").await;
    assert_eq!(created(&done), 3_000, "{done}");
    until(&key, "/v1/webhook-deliveries", |list| attempts(list) > 2).await;
}

#[tokio::test]
async fn a_tenant_is_suspended_with_a_reason_and_resumed() {
    let service = Service::new(|_| ()).await;
    let (tenant, _) = service.firm().await;
    let path = format!("/v1/operator/tenants/{}", tenant.id);
    let because = json!({"because": "Three invoices are open"});
    for _ in 0..2 {
        let answer = service.operator.post(&format!("{path}/suspend"), because.clone()).await;
        let answer = answer.expect(200);
        assert_eq!(answer["status"], "suspended");
        assert_eq!(answer["suspended_because"], because["because"]);
    }
    let listed = service
        .operator
        .get("/v1/operator/tenants?status=suspended")
        .await
        .expect(200);
    assert_eq!(listed["data"][0]["id"], tenant.id.as_str());
    let empty = service
        .operator
        .post(&format!("{path}/suspend"), json!({"because": " "}))
        .await;
    empty.problem(422, "validation_failed");
    for _ in 0..2 {
        let answer = service
            .operator
            .post(&format!("{path}/resume"), json!({}))
            .await
            .expect(200);
        assert_eq!(answer["status"], "open");
        assert!(answer.get("suspended_because").is_none());
    }
    let done: Vec<Value> = service
        .actions()
        .await
        .iter()
        .map(|action| action["action"].clone())
        .collect();
    assert_eq!(done, ["resume", "resume", "suspend", "suspend"]);
}

#[tokio::test]
async fn nothing_that_a_tenant_recorded_is_shown() {
    let service = Service::new(|_| ()).await;
    let word = unique("Secretword");
    let tenant = Tenant::of(&service.anybody(), json!({"company": word, "name": word})).await;
    let contact = service.poisoned(&tenant, &word).await;
    for (path, body) in [
        ("/v1/leads", json!({"name": word})),
        ("/v1/companies", json!({"name": word})),
        ("/v1/products", json!({"name": word, "sku": word})),
    ] {
        // The clock was set forward past the end of the token.
        let answer = service
            .anybody()
            .post(
                "/v1/auth/token",
                json!({"grant_type": "password", "username": tenant.email, "password": tests::PASSWORD}),
            )
            .await
            .expect(200);
        let owner = service.anybody().with_token(answer["access_token"].as_str().unwrap());
        owner.post(path, body).await.expect(201);
    }
    let mut seen = 0;
    for (method, path) in routes() {
        if method == Method::GET && !path.ends_with("/openapi.json") {
            for path in [
                path.clone(),
                path.replace("tenants/x", &format!("tenants/{}", tenant.id)),
                path.replace("/x", "/search_index"),
            ] {
                let answer = service.operator.get(&path).await;
                seen += usize::from(answer.status == 200);
                for secret in [word.as_str(), tenant.email.as_str()] {
                    assert!(!answer.text.contains(secret), "{path}: {}", answer.text);
                }
            }
        }
    }
    assert!(seen > 6, "{seen}");
    // There was something to be shown: the dead letter names the contact, by its id.
    assert!(
        service
            .letters()
            .await
            .iter()
            .any(|letter| letter["ids"]["subject"] == contact.as_str())
    );
}

#[tokio::test]
async fn what_was_given_up_is_replayed_once_its_cause_is_gone() {
    let service = Service::new(|_| ()).await;
    let (tenant, key) = service.firm().await;
    let found = async |word: &str| {
        let path = format!("/v1/search?q={word}");
        until(&key, &path, |page| {
            page["data"].as_array().is_some_and(|hits| !hits.is_empty())
        })
        .await
    };
    let words: Vec<String> = (0..3).map(|n| unique(&format!("Poison{n}x"))).collect();
    let mut contacts = Vec::new();
    for word in &words {
        contacts.push(service.poisoned(&key, word).await);
    }
    let letters = service.letters().await;
    assert_eq!(letters.len(), 3, "{letters:?}");
    for (letter, contact) in letters.iter().zip(&contacts) {
        assert_eq!(letter["type"], "changed_v1");
        assert_eq!(letter["tenant"], tenant.id.as_str());
        assert_eq!(letter["ids"], json!({"subject": contact}));
        assert!(
            letter["receives"].as_u64().unwrap() >= 5 && letter["sent_at"].is_string(),
            "{letter}"
        );
    }
    let health = service.operator.get("/v1/operator/health").await.expect(200);
    assert_eq!(
        (&health["healthy"], &health["dead_letters"]),
        (&json!(false), &json!(3))
    );
    let queues = service.operator.get("/v1/operator/queues").await.expect(200);
    let queue = queues["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|queue| queue["queue"] == "search_index");
    assert_eq!(queue.unwrap()["dead_letters"], 3);

    // One by its id; the same again does nothing.
    let path = "/v1/operator/dead-letters/search_index/replay";
    let one = json!({"ids": [letters[0]["id"]]});
    for replayed in [1, 0] {
        let answer = service.operator.post(path, one.clone()).await.expect(200);
        assert_eq!(answer, json!({"status": "completed", "replayed": replayed}));
    }
    assert_eq!(found(&words[0]).await["data"][0]["id"], contacts[0].as_str());
    let left: Vec<Value> = service
        .letters()
        .await
        .iter()
        .map(|letter| letter["id"].clone())
        .collect();
    assert_eq!(left, [letters[1]["id"].clone(), letters[2]["id"].clone()]);
    // One is not wanted any more.
    let body = json!({"ids": [letters[1]["id"]], "because": "the contact was a mistake"});
    let answer = service
        .operator
        .post("/v1/operator/dead-letters/search_index/discard", body)
        .await;
    assert_eq!(answer.expect(200)["discarded"], json!([letters[1]["id"]]));
    // The rest at once, by the queue itself.
    for replayed in [1, 0] {
        let answer = service.operator.post(path, json!({})).await.expect(200);
        assert_eq!(answer, json!({"status": "completed", "replayed": replayed}));
    }
    assert_eq!(found(&words[2]).await["data"].as_array().unwrap().len(), 1);
    assert_eq!(service.letters().await, Vec::<Value>::new());
    let nothing = key.get(&format!("/v1/search?q={}", words[1])).await.expect(200);
    assert_eq!(nothing["data"], json!([]), "{contacts:?}");
    let refused = service
        .operator
        .post("/v1/operator/dead-letters/change_events/replay", json!({}))
        .await;
    refused.problem(409, "not_replayable");
    until(&service.operator, "/v1/operator/health", |health| {
        health["healthy"] == true
    })
    .await;
}

#[tokio::test]
async fn every_queue_has_dead_letters_that_can_be_seen_to() {
    let service = Service::new(|_| ()).await;
    for name in rapport_queue::dead::names() {
        let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
        let rests = format!("{}DeadLetters", words.collect::<String>());
        let path = format!("/v1/operator/dead-letters/{name}");
        let put = async |body: &str| {
            let sent = service
                .host
                .queues()
                .send(&rests, rapport_sqs::Outgoing::new(body))
                .await;
            let id = sent.unwrap_or_else(|error| panic!("{rests}: {error}")).message_id;
            let page = service.operator.get(&path).await.expect(200);
            let receives = page["data"][0]["receives"].clone();
            // None of ours: nothing of it is shown but its id.
            let letter = json!({"id": id, "ids": {}, "sent_at": page["data"][0]["sent_at"],
                "tried_at": page["data"][0]["tried_at"], "receives": receives});
            assert_eq!(page["data"], json!([letter]), "{name}");
            json!([id])
        };
        let ids = put("Secretword").await;
        let body = json!({"ids": ids, "because": "nobody knows what it was"});
        let gone = service
            .operator
            .post(&format!("{path}/discard"), body)
            .await
            .expect(200);
        assert_eq!(gone["discarded"], ids, "{name}");
        if name != rapport_queue::dead::CHANGE_EVENTS {
            let ids = put("Secretword").await;
            for (body, replayed) in [(json!({"ids": ids}), 1), (json!({}), 0)] {
                let back = service.operator.post(&format!("{path}/replay"), body).await.expect(200);
                assert_eq!(back, json!({"status": "completed", "replayed": replayed}), "{name}");
            }
        }
        assert_eq!(
            service.operator.get(&path).await.expect(200)["data"],
            json!([]),
            "{name}"
        );
    }
}

#[tokio::test]
async fn what_is_made_anew_is_what_was_there() {
    let service = Service::new(|_| ()).await;
    let (tenant, key) = service.firm().await;
    let mut contacts = Vec::new();
    for n in 0..12 {
        let contact = key
            .post("/v1/contacts", json!({"name": format!("Rebuilt {n}")}))
            .await
            .expect(201);
        let day = format!("2026-{:02}-05", 1 + n % 9);
        let amount = format!("{}.00", 10 * (n + 1));
        let order = json!({"contact_id": contact["id"], "placed_on": day, "historic": true, "currency": "USD",
            "lines": [{"name": "Goods", "quantity": "1", "unit_price": amount}],
            "payments": [{"amount": amount, "method": "card", "received_on": day}]});
        key.post("/v1/orders", order).await.expect(201);
        contacts.push(contact["id"].as_str().unwrap().to_owned());
    }
    // More than one page of the rebuild.
    let inputs: Vec<Value> = (0..50).map(|n| json!({"name": format!("Other {n}")})).collect();
    let body = json!({"operation": "create", "inputs": inputs});
    let made = key.post("/v1/contacts/batch", body).await;
    assert!(made.status < 300, "{}", made.text);
    let search = "/v1/search?q=rebuilt&limit=50";
    let report = "/v1/reports/sales?from=2026-01-01&to=2026-12-31&by=month";
    let count = |page: &Value| page["data"].as_array().map_or(0, Vec::len);
    let words = until(&key, search, |page| count(page) == 12).await;
    let score = format!("/v1/contacts/{}/score", contacts[3]);
    // Twice, so that nothing is on its way any more.
    let asked = key.post("/v1/segments/recompute", json!({})).await;
    let job = asked.header("location").to_owned();
    until(&key, &job, |job| job["status"] == "done").await;
    until(&key, &score, |score| score["rfm"]["segment"].is_string()).await;
    let settled =
        |report: &Value| report["settling"] == false && report["parts"][0]["totals"]["sales"]["value"] == "780";
    let sums = plain(until(&key, report, settled).await);
    let scored = plain(key.get(&score).await.expect(200));

    // A ticket whose customer is asked.
    tenant.patch("/v1/settings", at_once(json!({}))).await.expect(200);
    let ann = contact(&tenant, json!({})).await;
    resolved(&tenant, &ann).await;
    let survey = invitation(&tenant, &ann, "sent").await["survey_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let results = format!("/v1/surveys/{survey}/results?by=week");
    let counts = until(&key, &results, |results| results["sent"] == 1).await;
    let counts = plain(counts);

    let path = format!("/v1/operator/tenants/{}/rebuild", tenant.id);
    for (what, table, partitions) in [
        ("search", "SearchTable", ""),
        ("reports", "ReportsTable", ""),
        ("scores", "ScoresTable", ""),
        ("surveys", "SurveysTable", "survey_counts#"),
    ] {
        assert!(service.empty(table, &tenant.id, partitions).await > 0, "{table}");
        let answer = service.operator.post(&path, json!({"what": what})).await.expect(202);
        assert_eq!(answer, json!({"what": what, "status": "queued"}));
    }
    assert_eq!(until(&key, search, |page| count(page) == 12).await, words);
    until(&key, report, |report| plain(report.clone()) == sums).await;
    until(&key, &score, |score| plain(score.clone()) == scored).await;
    until(&key, &results, |results| plain(results.clone()) == counts).await;

    let answer = service.operator.post(&path, json!({"what": "moon"})).await;
    answer.problem(422, "validation_failed");
    let nobody = "/v1/operator/tenants/tnt_01h455vb4pex5vsknk084sn02q/rebuild";
    service
        .operator
        .post(nobody, json!({"what": "search"}))
        .await
        .problem(404, "not_found");
}

/// An answer without when it was made.
fn plain(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) => {
            for name in ["as_of", "scored_at"] {
                map.remove(name);
            }
            map.values_mut().for_each(|value| *value = plain(value.take()));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| *value = plain(value.take())),
        _ => {}
    }
    value
}

#[tokio::test]
async fn the_command_shows_and_does_the_same() {
    let service = Service::new(|_| ()).await;
    let (tenant, key) = service.firm().await;
    let run = async |arguments: &[&str]| {
        let url = service.host.url();
        let mut command = tokio::process::Command::new(env!("CARGO"));
        command.args(["xtask", "operator", "--url", &url]).args(arguments);
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        let output = command
            .env("RAPPORT_OPERATOR_KEY", OPERATOR_OF_TESTS)
            .output()
            .await
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let (code, text, errors) = run(&["tenants", "--email", &tenant.email.to_uppercase()]).await;
    assert_eq!(code, 0, "{errors}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("id ") && lines[0].contains("  plan "), "{text}");
    assert!(
        lines[1].starts_with(&format!("{}  business  open", tenant.id)),
        "{text}"
    );

    let (code, text, _) = run(&["--json", "plan", &tenant.id, "team"]).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &answer["plan"]), (0, &json!("team")));
    assert_eq!(run(&["health"]).await.0, 0);
    let word = unique("Command");
    service.poisoned(&key, &word).await;
    let (code, text, _) = run(&["health"]).await;
    assert!(code == 1 && text.contains("search_index has 1 dead letters"), "{text}");
    let (code, text, _) = run(&["dead-letters"]).await;
    assert!(
        code == 0 && text.contains("changed_v1") && text.contains(&tenant.id),
        "{text}"
    );
    let (code, text, _) = run(&["dead-letters", "--replay"]).await;
    assert!(code == 0 && text.contains("search_index  completed  1"), "{text}");
    until(&key, &format!("/v1/search?q={word}"), |page| {
        page["data"].as_array().is_some_and(|hits| hits.len() == 1)
    })
    .await;
    service.poisoned(&key, &unique("Command")).await;
    let (code, text, _) = run(&["dead-letters", "search_index", "--discard", "--because", "a test"]).await;
    assert_eq!(code, 0, "{text}");
    assert_eq!(run(&["health"]).await.0, 0);
    let (code, text, _) = run(&["queues"]).await;
    assert!(code == 0 && text.contains("search_index"), "{text}");

    let (code, text, _) = run(&["suspend", &tenant.id, "--because", "unpaid"]).await;
    assert!(code == 0 && text.contains("suspended"), "{text}");
    let refused = key.post("/v1/leads", json!({"name": "Nobody"})).await;
    refused.problem(403, "account_suspended");
    let (code, text, _) = run(&["resume", &tenant.id]).await;
    assert!(
        code == 0 && text.contains("open") && !text.contains("suspended"),
        "{text}"
    );
    key.post("/v1/leads", json!({"name": "Somebody"})).await.expect(201);

    let (code, text, _) = run(&["--json", "usage"]).await;
    let all: Value = serde_json::from_str(&text).unwrap();
    let of_firm = all.as_array().unwrap().iter().find(|row| row["tenant"] == tenant.id);
    assert!(
        code == 0 && of_firm.is_some_and(|row| row["cost"]["amount"].is_string()),
        "as it came: {text}"
    );
    let (code, text, _) = run(&["usage"]).await;
    assert!(
        code == 0 && text.contains("  usd") && text.contains(&tenant.id),
        "{text}"
    );
    let (code, text, _) = run(&["usage", &tenant.id, "--month", "2020-01"]).await;
    assert_eq!(code, 0, "{text}");
    let (code, text, _) = run(&["rebuild", "search", &tenant.id]).await;
    assert!(code == 0 && text.contains("queued"), "{text}");
    let (code, _, errors) = run(&["rebuild", "moon", &tenant.id]).await;
    assert!(code == 1 && errors.contains("422"), "{errors}");

    let (code, text, _) = run(&["audit"]).await;
    for action in [
        "dead_letters.replay",
        "dead_letters.discard",
        "suspend",
        "resume",
        "rebuild",
    ] {
        assert!(code == 0 && text.contains(action), "{action}: {text}");
    }
    // What is refused goes to standard error.
    let (code, text, errors) = run(&["tenant", "tnt_01h455vb4pex5vsknk084sn02q"]).await;
    assert!(code == 1 && text.is_empty() && errors.contains("404"), "{errors}");
    let (code, _, errors) = run(&["--key", "ro_wrong", "queues"]).await;
    assert!(code == 1 && errors.contains("the key is not valid"), "{errors}");
}

#[tokio::test]
async fn the_operator_sees_what_each_tenant_used_and_what_that_costs() {
    let service = Service::new(|_| ()).await;
    let (busy, key) = service.firm().await;
    let (idle, _) = service.firm().await;
    for n in 0..60 {
        let lead = json!({"name": format!("Ann {n}")});
        key.post("/v1/leads", lead).await.expect(201);
    }
    // What a process counted is told after a minute at the latest, with the next call.
    service.clock.advance(SignedDuration::from_secs(61));
    key.get("/v1/leads").await.expect(200);
    let number = |row: &Value, field: &str| row[field].as_u64().unwrap();
    let dollars = |row: &Value| row["cost"]["amount"].as_str().unwrap().parse::<f64>().unwrap();
    let page = service.operator.get("/v1/operator/usage").await.expect(200);
    let of = |tenant: &Tenant| {
        let rows = page["data"].as_array().unwrap();
        rows.iter()
            .find(|row| row["tenant"] == tenant.id.as_str())
            .unwrap()
            .clone()
    };
    let (much, little) = (of(&busy), of(&idle));
    assert!(
        number(&much, "calls") >= 60 && number(&much, "calls") > number(&little, "calls"),
        "{page}"
    );
    // 60 writes of at least 2 units, at 0.625 dollars a million.
    assert!(
        dollars(&much) > 60.0 * 2.0 * 0.625 / 1e6 && dollars(&much) > dollars(&little),
        "{much}"
    );
    assert_eq!(much["cost"]["currency"], "USD");

    // The days of the month add up to it.
    let path = format!("/v1/operator/tenants/{}/usage", busy.id);
    let days = service.operator.get(&path).await.expect(200);
    let sum: u64 = days["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| number(day, "calls"))
        .sum();
    assert_eq!(sum, number(&much, "calls"), "{days}");
    let before = service.operator.get(&format!("{path}?month=2020-01")).await.expect(200);
    assert_eq!(before["data"], json!([]));
    let path = "/v1/operator/tenants/tnt_01h455vb4pex5vsknk084sn02q/usage";
    service.operator.get(path).await.problem(404, "not_found");
    for month in ["2020", "2020-13", "last"] {
        let answer = service.operator.get(&format!("/v1/operator/usage?month={month}")).await;
        answer.problem(400, "malformed");
    }
}
