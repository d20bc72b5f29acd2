//! Changes of the tables reach `change-events` out of order, across tables and within a record, and more than once. What the
//! workers make of them is the same in the end, and equals a recount from the records; so it is where the store refuses workers now and
//! then. `SEED` chooses the order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aws_lambda_events::dynamodb::{Event, EventRecord};
use jiff::SignedDuration;
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rapport_host::invoke::Handler;
use rapport_host::{Host, Options};
use rapport_runtime::{App, Clock, Config};
use serde_json::{Value, json};
use tests::fault::{Faults, Refusal, Weather};
use tests::{Caller, Tenant, eventually};

/// Stands between the streams and `change-events`: takes all, and gives when it is told to.
#[derive(Clone, Default)]
struct Held {
    app: Arc<Mutex<Option<App>>>,
    waiting: Arc<Mutex<Vec<EventRecord>>>,
    given: Arc<Mutex<Vec<EventRecord>>>,
}

impl Held {
    fn between(&self, options: &mut Options) {
        let held = self.clone();
        options.functions = options.functions.clone().with("change-events", move |given| {
            let config = Config::read(|name| given.environment.get(name).cloned())?;
            let clients = given.clients();
            let app = App::new(config, given.clock, clients, given.sqs, None, given.meter);
            *held.app.lock() = Some(app);
            let waiting = Arc::clone(&held.waiting);
            Ok(Handler::Stream(Arc::new(move |event| {
                waiting.lock().extend(event.records);
                Box::pin(async { aws_lambda_events::streams::DynamoDbEventResponse::default() })
            })))
        });
    }

    async fn give(&self, records: &[EventRecord]) {
        let app = self.app.lock().clone().unwrap();
        let mut event = Event::default();
        event.records = records.to_vec();
        let failed = change_events::handle(app, event).await.batch_item_failures;
        assert!(failed.is_empty(), "{failed:?}");
    }

    /// Gives what waits in any order, some of it twice or thrice, in batches of any size.
    async fn shuffle(&self, random: &mut StdRng) {
        let mut records = std::mem::take(&mut *self.waiting.lock());
        self.given.lock().extend(records.iter().cloned());
        for _ in 0..records.len() / 2 {
            let again = records[random.random_range(0..records.len())].clone();
            records.push(again);
        }
        records.shuffle(random);
        let mut rest = records.as_slice();
        while !rest.is_empty() {
            let (batch, more) = rest.split_at(random.random_range(1..=rest.len().min(20)));
            self.give(batch).await;
            rest = more;
        }
    }
}

async fn pages(owner: &Caller, path: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = owner.get(&format!("{path}?limit=100{cursor}")).await.expect(200);
        all.extend(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A firm's small history, in which records change several times.
async fn history(owner: &Caller, random: &mut StdRng) {
    let made = async |path: &str, body: Value| word(&owner.post(path, body).await.expect(201)["id"]);
    let mut customers = Vec::new();
    for n in 0..4 {
        let customer = json!({"name": format!("Customer Number{n}"), "email": format!("c{n}@mail.example")});
        customers.push(made("/v1/contacts", customer).await);
    }
    for n in 0..8 {
        let lead = made("/v1/leads", json!({"name": format!("Early Lead{n}")})).await;
        let path = format!("/v1/leads/{lead}");
        owner
            .patch(&path, json!({"name": format!("Late Lead{n}")}))
            .await
            .expect(200);
        if n % 4 == 0 {
            owner.delete(&path).await.expect(204);
        }
        if n % 8 == 0 {
            owner.post(&format!("{path}/restore"), json!({})).await.expect(200);
        }
    }
    for n in 0..16_i32 {
        let customer = &customers[random.random_range(0..customers.len())];
        let order = json!({"contact_id": customer, "historic": true, "placed_on": format!("2025-{:02}-15", n % 12 + 1),
            "lines": [{"name": "Tea", "unit_price": "10.00"}]});
        let path = format!("/v1/orders/{}", made("/v1/orders", order).await);
        match n % 4 {
            0 => {}
            1 => {
                owner.post(&format!("{path}/cancel"), json!({})).await.expect(200);
            }
            _ => {
                let pay = owner
                    .post(&format!("{path}/payments"), json!({"amount": "10.00"}))
                    .await;
                assert!((200..300).contains(&pay.status), "{}", pay.text);
                owner
                    .patch(&path, json!({"placed_on": format!("2025-{:02}-20", (n + 5) % 12 + 1)}))
                    .await
                    .expect(200);
            }
        }
    }
    for customer in &customers {
        let ticket = made(
            "/v1/tickets",
            json!({"subject": "Help", "contact_id": customer, "channel": "api"}),
        )
        .await;
        owner
            .post(&format!("/v1/tickets/{ticket}/resolve"), json!({}))
            .await
            .expect(200);
    }
}

/// What workers made of the changes.
async fn state(owner: &Caller) -> BTreeMap<String, Value> {
    let mut state = BTreeMap::new();
    for contact in pages(owner, "/v1/contacts").await {
        let path = format!("/v1/contacts/{}/score", word(&contact["id"]));
        let rfm = &owner.get(&path).await.expect(200)["rfm"];
        let score = json!({"frequency": rfm["frequency"], "amount": rfm["monetary"]["amount"]});
        state.insert(format!("figures of {}", word(&contact["name"])), score);
    }
    let report = owner
        .get("/v1/reports/sales?from=2025-01-01&to=2025-12-31&by=month")
        .await
        .expect(200);
    let groups = report["parts"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|part| part["groups"].as_array().unwrap());
    for group in groups {
        let of = |name: &str| group["numbers"][name]["value"].clone();
        state.insert(
            format!("sales of {}", word(&group["key"])),
            json!([of("orders"), of("sales")]),
        );
    }
    state.insert("settling".to_owned(), report["settling"].clone());
    for query in ["Early", "Late", "Customer", "Help"] {
        let found = owner.get(&format!("/v1/search?q={query}&limit=50")).await.expect(200);
        let ids: BTreeSet<String> = found["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hit| word(&hit["id"]))
            .collect();
        state.insert(format!("search of {query}"), json!(ids));
    }
    let invitations = pages(owner, "/v1/survey-invitations").await;
    let asked: Vec<String> = invitations
        .iter()
        .map(|invitation| format!("{} {}", word(&invitation["ticket_id"]), word(&invitation["status"])))
        .collect();
    state.insert("invitations".to_owned(), json!(asked));
    if let Some(invitation) = invitations.first() {
        let path = format!("/v1/surveys/{}/results", word(&invitation["survey_id"]));
        let results = owner.get(&path).await.expect(200);
        state.insert(
            "results".to_owned(),
            json!([results["invitations"], results["sent"], results["pending"]]),
        );
    }
    state
}

/// What it should be, from the records alone.
async fn recount(owner: &Caller) -> BTreeMap<String, Value> {
    let mut state = BTreeMap::new();
    let orders = pages(owner, "/v1/orders").await;
    let paid = |order: &&Value| order["payment_status"] == "paid" && order["status"] == "placed";
    for contact in pages(owner, "/v1/contacts").await {
        let own = orders
            .iter()
            .filter(paid)
            .filter(|order| order["contact_id"] == contact["id"]);
        let days: Vec<String> = own.map(|order| word(&order["placed_on"])).collect();
        // What is bought on one day is one purchase.
        let times = days.iter().collect::<BTreeSet<_>>().len();
        let score = if times == 0 {
            json!({"frequency": null, "amount": null})
        } else {
            json!({"frequency": times, "amount": format!("{}.00", days.len() * 10)})
        };
        state.insert(format!("figures of {}", word(&contact["name"])), score);
    }
    let mut months: BTreeMap<String, u32> = BTreeMap::new();
    for order in orders.iter().filter(paid) {
        *months.entry(word(&order["placed_on"])[..7].to_owned()).or_default() += 1;
    }
    for (month, count) in months {
        state.insert(
            format!("sales of {month}"),
            json!([count.to_string(), (count * 10).to_string()]),
        );
    }
    state.insert("settling".to_owned(), json!(false));
    let ids = |records: Vec<Value>| {
        json!(
            records
                .iter()
                .map(|record| word(&record["id"]))
                .collect::<BTreeSet<_>>()
        )
    };
    state.insert("search of Early".to_owned(), json!([]));
    state.insert("search of Late".to_owned(), ids(pages(owner, "/v1/leads").await));
    state.insert("search of Customer".to_owned(), ids(pages(owner, "/v1/contacts").await));
    state.insert("search of Help".to_owned(), ids(pages(owner, "/v1/tickets").await));
    state
}

/// The versions that the feed tells of, each by how many entries.
async fn told(owner: &Caller) -> BTreeMap<(String, u64, String), u32> {
    let (mut told, mut after) = (BTreeMap::new(), String::new());
    loop {
        let page = owner
            .get(&format!("/v1/events?limit=200&after={after}"))
            .await
            .expect(200);
        for event in page["data"].as_array().unwrap() {
            let version = event["data"]["version"].as_u64().unwrap_or(0);
            *told
                .entry((word(&event["subject"]), version, word(&event["type"])))
                .or_default() += 1;
        }
        after = word(&page["next_cursor"]);
        if page["has_more"] == json!(false) {
            return told;
        }
    }
}

/// What differs from a recount.
fn differing(found: &BTreeMap<String, Value>, expected: &BTreeMap<String, Value>) -> Vec<String> {
    // Months without sales are told as naught.
    let mut found = found.clone();
    found.retain(|what, value| *value != json!(["0", "0"]) && what != "invitations" && what != "results");
    let keys: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let differing = keys.into_iter().filter(|key| found.get(*key) != expected.get(*key));
    differing
        .map(|key| format!("{key}: {:?}, not {:?}", found.get(key), expected.get(key)))
        .collect()
}

/// A firm that asks how it went at once, and its key: a token would end when the clock is set forward.
async fn asking(host: &Host) -> Caller {
    let tenant = Tenant::of(&Caller::at(&host.url()), json!({})).await;
    let ask = json!({"survey": {"delay_minutes": 0, "quiet_hours": null}});
    tenant.patch("/v1/settings", ask).await.expect(200);
    let key = json!({"name": "tests", "scopes": ["*:read", "*:write"]});
    let key = tenant.post("/v1/api-keys", key).await.expect(201)["secret"].clone();
    tenant.with_token(key.as_str().unwrap())
}

/// Whether nothing is left to do: no message waits or is at work.
async fn rests(host: &Host) -> Option<()> {
    for name in host.queues().list("").await.ok()? {
        let info = host.queues().attributes(&name).await.ok()?;
        if info.attributes.redrive.is_none() {
            assert_eq!(info.visible, 0, "{name} holds dead letters");
        } else if info.visible + info.in_flight + info.delayed > 0 {
            return None;
        }
    }
    Some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_of_many_firms_come_in_one_batch() {
    let (folder, held) = (tempfile::tempdir().unwrap(), Held::default());
    let mut options = tests::options(folder.path(), Clock::default());
    held.between(&mut options);
    let host = Host::start(options).await.unwrap();
    let anybody = Caller::at(&host.url());
    let mut firms = Vec::new();
    for n in 0..4 {
        let firm = Tenant::of(&anybody, json!({})).await;
        let lead = firm
            .post("/v1/leads", json!({"name": format!("Lead {n}")}))
            .await
            .expect(201);
        firms.push((firm, lead));
    }
    let all = || held.waiting.lock().len() >= firms.len();
    eventually("the changes", || async { all().then_some(()) }).await;
    let records = held.waiting.lock().clone();
    held.give(&records).await;
    for (firm, lead) in &firms {
        // Entries are told some seconds after they were appended.
        let told = eventually("the feed", || async {
            let feed = firm.get("/v1/events?types=lead.created").await.expect(200);
            let told: Vec<Value> = feed["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["subject"].clone())
                .collect();
            (!told.is_empty()).then_some(told)
        })
        .await;
        assert_eq!(told, [lead["id"].clone()]);
    }
    assert!(host.stop().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_in_any_order_and_any_number_of_times_end_where_those_in_order_do() {
    let seed: u64 = std::env::vars()
        .find(|(name, _)| name == "SEED")
        .map_or_else(rand::random, |(_, value)| value.parse().unwrap());
    eprintln!("SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (folder, held) = (tempfile::tempdir().unwrap(), Held::default());
    let clock = Clock::default();
    let mut options = tests::options(folder.path(), clock.clone());
    held.between(&mut options);
    let host = Host::start(options).await.unwrap();
    let owner = asking(&host).await;
    history(&owner, &mut random).await;

    let expected = recount(&owner).await;
    let random = Mutex::new(random);
    let looks = AtomicU32::new(1);
    // What lost a race too often comes again when its message is visible again.
    let wait = || {
        if looks.fetch_add(1, Ordering::Relaxed).is_multiple_of(150) {
            clock.advance(SignedDuration::from_mins(31));
        }
    };
    let shuffled = eventually("rest", || async {
        let mut own = StdRng::seed_from_u64(random.lock().random());
        held.shuffle(&mut own).await;
        wait();
        rests(&host).await?;
        held.waiting.lock().is_empty().then_some(())?;
        Some(state(&owner).await).filter(|found| found["settling"] == json!(false))
    })
    .await;
    assert_eq!(differing(&shuffled, &expected), Vec::<String>::new(), "seed {seed}");
    let asked = shuffled["invitations"].as_array().unwrap();
    assert!(
        asked.len() == 4 && asked.iter().all(|one| word(one).ends_with("sent")),
        "seed {seed}: {asked:?}"
    );
    assert_eq!(shuffled["results"], json!([4, 4, 0]), "seed {seed}");

    // Once more, in order: nothing changes.
    let given = held.given.lock().clone();
    assert!(given.len() > 60, "{}", given.len());
    for batch in given.chunks(50) {
        held.give(batch).await;
    }
    let again = eventually("rest", || async {
        held.shuffle(&mut StdRng::seed_from_u64(seed)).await;
        wait();
        rests(&host).await?;
        held.waiting.lock().is_empty().then_some(())?;
        Some(state(&owner).await).filter(|found| found["settling"] == json!(false))
    })
    .await;
    assert_eq!(again, shuffled, "seed {seed}");
    let mut versions = BTreeSet::new();
    for plural in ["contacts", "leads", "orders", "tickets"] {
        for record in pages(&owner, &format!("/v1/{plural}")).await {
            versions.extend((1..=record["version"].as_u64().unwrap()).map(|version| (word(&record["id"]), version)));
        }
    }
    let told = eventually("the feed", || async {
        let told = told(&owner).await;
        let seen: BTreeSet<(String, u64)> = told.keys().map(|(id, version, _)| (id.clone(), *version)).collect();
        versions.is_subset(&seen).then_some(told)
    })
    .await;
    let twice: Vec<_> = told.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "seed {seed}, told more than once: {twice:?}");
    host.stop().await;
}

/// What makes something of records.
const WORKERS: [&str; 6] = [
    "change-events",
    "report-sheets",
    "satisfaction-surveys",
    "search-index",
    "segment-scores",
    "usage-counts",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_are_refused_now_and_then_end_where_all_others_do() {
    let seed: u64 = std::env::vars()
        .find(|(name, _)| name == "SEED")
        .map_or_else(rand::random, |(_, value)| value.parse().unwrap());
    eprintln!("SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (folder, clock, faults) = (tempfile::tempdir().unwrap(), Clock::default(), Faults::default());
    let mut options = tests::options(folder.path(), clock.clone());
    options.functions = faults.between(options.functions, |name| WORKERS.contains(&name));
    let host = Host::start(options).await.unwrap();
    let owner = asking(&host).await;
    let struck = Arc::new(AtomicU32::new(0));
    let weather = tokio::spawn({
        let (faults, struck, mut random) = (faults.clone(), Arc::clone(&struck), StdRng::seed_from_u64(seed));
        async move {
            loop {
                // All but silence, each of which takes seconds.
                let how = Refusal::ALL[random.random_range(0..Refusal::ALL.len() - 1)];
                faults.set(Weather::Refuses(
                    random.random_range(0..5),
                    random.random_range(1..=4),
                    how,
                ));
                tokio::time::sleep(Duration::from_millis(15)).await;
                struck.fetch_add(u32::from(faults.end()), Ordering::Relaxed);
            }
        }
    });
    history(&owner, &mut random).await;
    // The workers go on for some time after the last request.
    tokio::time::sleep(Duration::from_secs(3)).await;
    weather.abort();
    let _ = weather.await;
    faults.set(Weather::Fair);
    let struck = struck.load(Ordering::Relaxed);
    assert!(struck > 20, "seed {seed}: only {struck} refusals");

    let expected = recount(&owner).await;
    let (started, mut looks) = (Instant::now(), 0_u32);
    let found = loop {
        // What failed comes again when its message is visible again.
        looks += 1;
        if looks.is_multiple_of(50) {
            clock.advance(SignedDuration::from_mins(31));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let rested = rests(&host).await.is_some();
        let found = state(&owner).await;
        let differing = differing(&found, &expected);
        if rested && differing.is_empty() {
            break found;
        }
        assert!(
            started.elapsed() < Duration::from_secs(90),
            "seed {seed}: rested {rested}, {differing:#?}"
        );
    };
    let asked = found["invitations"].as_array().unwrap();
    assert!(
        asked.len() == 4 && asked.iter().all(|one| word(one).ends_with("sent")),
        "seed {seed}: {asked:?}"
    );
    assert_eq!(found["results"], json!([4, 4, 0]), "seed {seed}");
    let told = told(&owner).await;
    let twice: Vec<_> = told.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "seed {seed}, told more than once: {twice:?}");
    assert!(host.stop().await);
}
