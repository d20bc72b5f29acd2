//! Scores: figures that follow every order at once, recomputes that change only what changed, runs up to a day.

use futures::future::join_all;
use rapport_domain::score::Figures;
use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_runtime::Clock;
use rapport_store::archive::ScoreLine;
use rapport_store::score::Purchase;
use rapport_store::{Store, TableNames};
use serde_json::{Value, json};
use tests::fault::Faults;
use tests::worker::by_hand;
use tests::{Answer, Caller, Tenant, eventually};

use super::account::World;

async fn contact(tenant: &Tenant, name: &str) -> String {
    let made = tenant.post("/v1/contacts", json!({"name": name})).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

fn order(contact: &str, day: &str, amount: &str) -> Value {
    json!({"contact_id": contact, "placed_on": day, "historic": true,
        "lines": [{"name": "Goods", "quantity": "1", "unit_price": amount}],
        "payments": [{"amount": amount, "method": "card", "received_on": day}]})
}

async fn buy(tenant: &Tenant, contact: &str, day: &str, amount: &str) -> String {
    let made = tenant.post("/v1/orders", order(contact, day, amount)).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

/// Waits for a customer's live figures: frequency and monetary value.
async fn settles(tenant: &Tenant, contact: &str, frequency: u64, monetary: &str) -> Value {
    let path = format!("/v1/contacts/{contact}/score");
    eventually(&format!("{frequency} purchases of {monetary}"), || async {
        let score = tenant.get(&path).await.expect(200);
        let rfm = &score["rfm"];
        (rfm["frequency"] == frequency && rfm["monetary"]["amount"] == monetary).then_some(score)
    })
    .await
}

async fn finished(tenant: &Tenant, asked: &Answer) -> Value {
    assert_eq!(asked.status, 202, "{}", asked.text);
    let path = asked.header("location").to_owned();
    assert!(path.starts_with("/v1/segments/jobs/job_"), "{path}");
    eventually("the recompute", || async {
        let job = tenant.get(&path).await.expect(200);
        (job["status"] == "done").then_some(job)
    })
    .await
}

pub(super) async fn recompute(tenant: &Tenant, body: Value) -> Value {
    let asked = tenant.post("/v1/segments/recompute", body).await;
    finished(tenant, &asked).await
}

#[tokio::test]
async fn figures_follow_orders_whatever_happens_to_them() {
    let tenant = Tenant::new().await;
    let (ann, bob) = (contact(&tenant, "Ann").await, contact(&tenant, "Bob").await);
    let path = format!("/v1/contacts/{ann}/score");
    let nothing = tenant.get(&path).await.expect(200);
    assert_eq!(nothing["insufficient_data"], "no_purchases");
    assert!(nothing.get("rfm").is_none());

    let first = buy(&tenant, &ann, "2026-01-05", "100.00").await;
    let score = settles(&tenant, &ann, 1, "100.00").await;
    assert_eq!(score["insufficient_data"], "not_scored");
    // Two on one day are one day of purchase.
    join_all([
        buy(&tenant, &ann, "2026-02-05", "20.00"),
        buy(&tenant, &ann, "2026-02-05", "30.50"),
        buy(&tenant, &ann, "2026-03-05", "9.50"),
    ])
    .await;
    let score = settles(&tenant, &ann, 3, "160.00").await;
    assert_eq!(score["rfm"]["first_purchase_on"], "2026-01-05");
    assert_eq!(score["rfm"]["last_purchase_on"], "2026-03-05");

    // What is not paid is no purchase until it is.
    let mut unpaid = order(&ann, "2026-04-01", "40.00");
    unpaid.as_object_mut().unwrap().remove("payments");
    let unpaid = tenant.post("/v1/orders", unpaid).await.expect(201)["id"].clone();
    let pay = json!({"amount": "40.00", "method": "transfer", "received_on": "2026-04-02"});
    tenant
        .post(&format!("/v1/orders/{}/payments", unpaid.as_str().unwrap()), pay)
        .await;
    settles(&tenant, &ann, 4, "200.00").await;

    // An order of another currency counts, its amount does not.
    let mut foreign = order(&ann, "2026-05-01", "77.00");
    foreign["currency"] = json!("EUR");
    let foreign = tenant.post("/v1/orders", foreign).await.expect(201)["id"].clone();
    let score = settles(&tenant, &ann, 5, "200.00").await;
    assert_eq!(score["rfm"]["other_currency_orders"], 1);
    let gone = tenant
        .delete(&format!("/v1/orders/{}", foreign.as_str().unwrap()))
        .await;
    assert_eq!(gone.status, 204);
    settles(&tenant, &ann, 4, "200.00").await;

    // An order moves to another customer and takes what it adds along.
    let moved = tenant
        .patch(&format!("/v1/orders/{first}"), json!({"contact_id": bob}))
        .await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    settles(&tenant, &bob, 1, "100.00").await;
    settles(&tenant, &ann, 3, "100.00").await;
}

#[tokio::test]
async fn whoever_is_late_with_a_customers_figures_does_not_replace_those_of_a_later_order() {
    let (folder, faults) = (tempfile::tempdir().unwrap(), Faults::default());
    let function = segment_scores::function();
    let (host, worker) = by_hand(folder.path(), "segment-scores", function, Clock::default(), &faults).await;
    let tenant = Tenant::of(&Caller::at(&host.url()), json!({})).await;
    let ann = contact(&tenant, "Ann").await;
    let order = buy(&tenant, &ann, "2026-01-05", "100.00").await;
    let path = format!("/v1/orders/{order}");
    let changed = eventually("the message", || async {
        let sent = worker.sent.lock();
        let mut messages = sent.iter().filter_map(|body| serde_json::from_str::<Value>(body).ok());
        messages.find(|message| message["subject"] == order)
    })
    .await;
    assert!(worker.takes(&changed).await);
    let (store, id) = (&worker.app.store, TenantId::parse(&tenant.id).unwrap());
    let (ann, order) = (
        RecordId::parse(Prefix::Contact, &ann).unwrap(),
        RecordId::parse(Prefix::Order, &order).unwrap(),
    );
    let known = async || store.figures(id, &[ann]).await.unwrap().remove(&ann).unwrap();
    let first = known().await;
    // The order is another day's, which somebody notes, and is about to write the figures of.
    let day = async |day: &str| tenant.patch(&path, json!({"placed_on": day})).await.expect(200)["version"].as_u64();
    let version = day("2026-01-06").await.unwrap();
    let mut adds = store.contributions(id, ann).await.unwrap().remove(0);
    adds.day += 1;
    let purchase = Purchase {
        order,
        version,
        adds: Some((ann, adds)),
    };
    store.purchases(id, &[purchase]).await.unwrap().remove(0).unwrap();
    let seen = store.contributions(id, ann).await.unwrap();
    let late = Figures::of(&seen, seen[0].currency);
    assert_ne!(first.figures.as_ref(), Some(&late));
    // Meanwhile it is what it was, and the figures with it.
    day("2026-01-05").await.unwrap();
    assert!(worker.takes(&changed).await);
    assert_eq!(known().await.figures, first.figures);
    let written = store.put_figures(id, &[(ann, first.version, late)], "late").await;
    assert_eq!(written.unwrap(), [false]);
    // Who brings nothing new leaves no mark.
    let after = known().await;
    assert!(worker.takes(&changed).await);
    assert_eq!(
        (known().await.version, known().await.figures),
        (after.version, first.figures)
    );
    assert!(host.stop().await);
}

#[tokio::test]
async fn a_recompute_ranks_everybody_and_a_second_changes_nothing() {
    let tenant = Tenant::new().await;
    let before = tenant.get("/v1/segments").await.expect(200);
    assert_eq!(
        (before["data"].as_array().unwrap().len(), &before["insufficient_data"]),
        (11, &json!("not_scored"))
    );
    let contacts = join_all((0..12).map(|n| {
        let tenant = &tenant;
        async move {
            let contact = contact(tenant, &format!("Customer {n}")).await;
            for k in 0..=n % 4 {
                buy(
                    tenant,
                    &contact,
                    &format!("2026-0{}-1{}", 1 + k, n % 10),
                    &format!("{}.00", 10 + n),
                )
                .await;
            }
            contact
        }
    }))
    .await;
    for (n, contact) in contacts.iter().enumerate() {
        let days = n % 4 + 1;
        settles(&tenant, contact, days as u64, &format!("{}.00", (10 + n) * days)).await;
    }
    let job = recompute(&tenant, json!({})).await;
    assert_eq!((&job["customers"], &job["changed"]), (&json!(12), &json!(12)));
    assert_eq!(job["errors"], json!([]));

    let segments = tenant.get("/v1/segments").await.expect(200);
    let members: u64 = segments["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["members"].as_u64().unwrap())
        .sum();
    assert_eq!(members, 12);
    assert_eq!(segments["model"]["customers"], 12);
    assert_eq!(segments["model"]["bg_nbd"]["basis"], "small_sample");
    let mut listed = Vec::new();
    for segment in segments["data"].as_array().unwrap() {
        let path = format!("/v1/segments/{}/members?limit=200", segment["key"].as_str().unwrap());
        let page = tenant.get(&path).await.expect(200);
        let rows = page["data"].as_array().unwrap();
        assert_eq!(rows.len() as u64, segment["members"].as_u64().unwrap());
        let amount = |row: &Value| -> f64 { row["rfm"]["monetary"]["amount"].as_str().unwrap().parse().unwrap() };
        assert!(rows.windows(2).all(|pair| amount(&pair[0]) >= amount(&pair[1])));
        listed.extend(rows.iter().map(|row| row["contact_id"].as_str().unwrap().to_owned()));
    }
    listed.sort_unstable();
    let mut expected = contacts.clone();
    expected.sort_unstable();
    assert_eq!(listed, expected);
    let score = tenant
        .get(&format!("/v1/contacts/{}/score", contacts[3]))
        .await
        .expect(200);
    assert_eq!(score["rfm"]["cell"].as_str().unwrap().len(), 3);
    assert!(score["value"]["p_alive"].as_f64().unwrap() <= 1.0);
    assert!(score["explain"]["cell"].as_str().unwrap().contains("12 customers"));

    let again = recompute(&tenant, json!({})).await;
    assert_eq!((&again["customers"], &again["changed"]), (&json!(12), &json!(0)));
    let events = tenant.get("/v1/events?types=contact.segment_changed").await.expect(200);
    assert_eq!(events["data"], json!([]));

    // A page at a time, each good for this list only.
    let largest = segments["data"]
        .as_array()
        .unwrap()
        .iter()
        .max_by_key(|s| s["members"].as_u64())
        .unwrap();
    let path = format!("/v1/segments/{}/members", largest["key"].as_str().unwrap());
    let page = tenant.get(&format!("{path}?limit=1")).await.expect(200);
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = tenant.get(&format!("{path}?limit=1&cursor={cursor}")).await.expect(200);
    assert_ne!(next["data"][0]["contact_id"], page["data"][0]["contact_id"]);
}

/// The store of a service, from the inside.
fn store(world: &World) -> Store {
    let tables = |name: &str| match name {
        "TABLE_INSIGHTS" => Some("InsightsTable".to_owned()),
        "TABLE_SCORES" => Some("ScoresTable".to_owned()),
        _ => None,
    };
    Store::new(world.client(), TableNames::read(tables), &[0; 32])
}

#[tokio::test]
async fn a_page_of_a_run_is_compared_with_the_scores_of_its_stretch_alone() {
    let world = World::new().await;
    let (store, tenant) = (store(&world), TenantId::new());
    let contact = |n: u128| RecordId::from_u128(Prefix::Contact, n).to_string();
    let line = |n| ScoreLine {
        version: 1,
        stable: String::new(),
        score: json!({"contact_id": contact(n), "as_of": "2026-02-10"}),
    };
    let lines: Vec<ScoreLine> = (1..=6).map(line).collect();
    store.put_back_scores(tenant, &lines, "req").await.unwrap();
    for (after, last, expected) in [
        (None, None, 1..=6),
        (None, Some(2), 1..=2),
        (Some(2), Some(4), 3..=4),
        (Some(4), None, 5..=6),
    ] {
        let (after, last) = (after.map(contact), last.map(contact));
        let found = store
            .scores_between(tenant, after.as_deref(), last.as_deref())
            .await
            .unwrap();
        let mut found: Vec<String> = found.into_keys().collect();
        found.sort_unstable();
        assert_eq!(found, expected.map(contact).collect::<Vec<_>>(), "{after:?} {last:?}");
    }
}

#[tokio::test]
async fn what_is_cleared_before_a_stretch_is_written_anew_is_that_stretch_alone() {
    let world = World::new().await;
    let store = store(&world);
    let (tenant, until, now) = (TenantId::new(), jiff::civil::date(2026, 2, 10), world.clock.now());
    let contact = |n: u128| RecordId::from_u128(Prefix::Contact, n);
    let chunks = [10, 20, 30, 40].map(|last| (contact(last), vec![last as u8]));
    store.put_until(tenant, until, chunks.to_vec(), now).await.unwrap();
    let found = || async {
        let mut found = Vec::new();
        for n in [5, 15, 25, 35, 45] {
            found.push(
                store
                    .until_chunk(tenant, until, contact(n))
                    .await
                    .unwrap()
                    .map(|chunk| chunk[0]),
            );
        }
        found
    };
    assert_eq!(found().await, [Some(10), Some(20), Some(30), Some(40), None]);
    let [after, last] = [20, 30].map(|n| contact(n).to_string());
    store
        .clear_until(tenant, until, Some(&after), Some(&last))
        .await
        .unwrap();
    assert_eq!(found().await, [Some(10), Some(20), Some(40), Some(40), None]);
}

#[tokio::test]
async fn a_run_up_to_a_day_is_apart_and_silent() {
    let tenant = Tenant::new().await;
    let ann = contact(&tenant, "Ann").await;
    for day in ["2026-01-05", "2026-02-05", "2026-03-05"] {
        buy(&tenant, &ann, day, "10.00").await;
    }
    settles(&tenant, &ann, 3, "30.00").await;
    let score = format!("/v1/contacts/{ann}/score");
    tenant
        .get("/v1/segments?until=2026-02-10")
        .await
        .problem(404, "not_found");
    let job = recompute(&tenant, json!({"until": "2026-02-10"})).await;
    assert_eq!((&job["until"], &job["customers"]), (&json!("2026-02-10"), &json!(1)));
    let then = tenant.get(&format!("{score}?until=2026-02-10")).await.expect(200);
    assert_eq!(then["rfm"]["frequency"], 2);
    assert_eq!(then["rfm"]["recency_days"], 5);
    assert_eq!(then["rfm"]["cell"], "333");
    assert_eq!(then["as_of"], "2026-02-10");
    let segments = tenant.get("/v1/segments?until=2026-02-10").await.expect(200);
    assert_eq!(segments["model"]["until"], "2026-02-10");
    // The scores themselves know nothing of it.
    assert_eq!(tenant.get(&score).await.expect(200)["insufficient_data"], "not_scored");
    assert!(tenant.get("/v1/segments").await.expect(200).get("model").is_none());
}

#[tokio::test]
async fn bad_questions_have_clear_answers() {
    let tenant = Tenant::new().await;
    let other = Tenant::new().await;
    let ann = contact(&tenant, "Ann").await;
    for (path, status, code) in [
        (format!("/v1/contacts/{ann}/score?until=yesterday"), 400, "malformed"),
        (
            format!("/v1/contacts/{ann}/score?since=2026-01-01"),
            400,
            "unknown_parameter",
        ),
        ("/v1/contacts/con_x/score".to_owned(), 404, "not_found"),
        ("/v1/segments/vip/members".to_owned(), 404, "not_found"),
        ("/v1/segments/loyal/members?limit=0".to_owned(), 400, "malformed"),
        ("/v1/segments/loyal/members?cursor=x".to_owned(), 400, "cursor_invalid"),
        (
            "/v1/segments/jobs/job_01h455vb4pex5vsknk084sn02q".to_owned(),
            404,
            "not_found",
        ),
        ("/v1/segments?until=2026-01-01".to_owned(), 404, "not_found"),
    ] {
        tenant.get(&path).await.problem(status, code);
    }
    other
        .get(&format!("/v1/contacts/{ann}/score"))
        .await
        .problem(404, "not_found");
    for (body, status, code) in [
        (json!({"until": "2999-01-01"}), 422, "validation_failed"),
        (json!({"until": 7}), 422, "validation_failed"),
        (json!({"since": "2026-01-01"}), 422, "validation_failed"),
        (json!([]), 422, "validation_failed"),
    ] {
        tenant.post("/v1/segments/recompute", body).await.problem(status, code);
    }
    let asked = tenant
        .send(reqwest::Method::POST, "/v1/segments/recompute", &[], None)
        .await;
    let job = finished(&tenant, &asked).await;
    assert_eq!(job["customers"], 0);
    let path = asked.header("location").to_owned();
    other.get(&path).await.problem(404, "not_found");
    let key = [("idempotency-key", "once")];
    let once = tenant
        .json(reqwest::Method::POST, "/v1/segments/recompute", &key, json!({}))
        .await;
    let twice = tenant
        .json(reqwest::Method::POST, "/v1/segments/recompute", &key, json!({}))
        .await;
    assert_eq!((once.status, &once.body["id"]), (202, &twice.body["id"]));
}

#[tokio::test]
async fn a_customer_who_moves_up_is_told_of_and_one_who_is_merged_takes_purchases_along() {
    let tenant = Tenant::new().await;
    let contacts = join_all((0..6).map(|n| {
        let tenant = &tenant;
        async move {
            let contact = contact(tenant, &format!("Customer {n}")).await;
            buy(tenant, &contact, &format!("2026-01-0{}", n + 1), "10.00").await;
            contact
        }
    }))
    .await;
    for contact in &contacts {
        settles(&tenant, contact, 1, "10.00").await;
    }
    recompute(&tenant, json!({})).await;
    // The one whose only purchase lies furthest back becomes the best customer.
    let first = &contacts[0];
    for day in ["2026-02-01", "2026-02-08", "2026-02-15"] {
        buy(&tenant, first, day, "500.00").await;
    }
    settles(&tenant, first, 4, "1510.00").await;
    let job = recompute(&tenant, json!({})).await;
    assert!(job["changed"].as_u64().unwrap() >= 1, "{job}");
    let event = eventually("the event of a changed segment", || async {
        let feed = tenant.get("/v1/events?types=contact.segment_changed").await.expect(200);
        let events = feed["data"].as_array().unwrap().clone();
        events.into_iter().find(|event| event["subject"] == **first)
    })
    .await;
    assert_eq!(event["data"]["rfm"]["r"], 5);
    assert_ne!(event["data"]["rfm"]["segment"], event["previous"]["rfm"]["segment"]);

    let merged = tenant
        .post(&format!("/v1/contacts/{first}/merge"), json!({"from": [contacts[1]]}))
        .await;
    assert!((200..300).contains(&merged.status), "{}", merged.text);
    settles(&tenant, first, 5, "1520.00").await;
    // The merged id leads to the one that stays, and the other's score goes with the next recompute.
    let through = tenant
        .get(&format!("/v1/contacts/{}/score", contacts[1]))
        .await
        .expect(200);
    assert_eq!(through["contact_id"], **first);
    let job = recompute(&tenant, json!({})).await;
    assert_eq!(job["customers"], 5);
}
