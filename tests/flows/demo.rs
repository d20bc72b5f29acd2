//! The demo firm of `cargo up --demo`: it is filled through HTTP, complete, and the same after a second start.

use std::collections::BTreeSet;

use rapport_host::demo::{self, Outcome};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Caller, world};

async fn signed_in() -> Caller {
    let anonymous = Caller::anonymous();
    let password = json!({"grant_type": "password", "username": demo::EMAIL, "password": demo::PASSWORD});
    let answer = anonymous.post("/v1/auth/token", password).await.expect(200);
    anonymous.with_token(answer["access_token"].as_str().unwrap())
}

/// All of a list, over its pages.
async fn all(caller: &Caller, path: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut next = format!("{path}?limit=200");
    loop {
        let page = caller.get(&next).await.expect(200);
        rows.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}?limit=200&cursor={cursor}"),
            None => return rows,
        }
    }
}

const NOUNS: [&str; 6] = ["contacts", "companies", "products", "orders", "leads", "tickets"];

/// Every record with its version; but for the ticket that is escalated by itself, minutes after it is opened.
async fn ids(caller: &Caller) -> Vec<BTreeSet<String>> {
    let mut found = Vec::new();
    for noun in NOUNS {
        let rows = all(caller, &format!("/v1/{noun}")).await;
        let ids = rows.iter().map(|row| match row["external_ids"]["demo"].as_str() {
            Some("t01") => row["id"].to_string(),
            _ => format!("{}@{}", row["id"], row["version"]),
        });
        found.push(ids.collect());
    }
    found
}

fn words(rows: &[Value], field: &str) -> BTreeSet<String> {
    rows.iter()
        .filter_map(|row| row[field].as_str())
        .map(str::to_owned)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_firm_is_complete_and_is_filled_once() {
    assert_eq!(demo::fill(&world().url).await.unwrap(), Outcome::Filled);
    let caller = signed_in().await;
    let first = ids(&caller).await;
    let counts: Vec<usize> = first.iter().map(BTreeSet::len).collect();
    assert!(
        (60..=90).contains(&counts[0]) && counts[3] > 700 && counts[4] >= 20 && counts[5] >= 12,
        "{counts:?}"
    );

    let leads = all(&caller, "/v1/leads").await;
    assert_eq!(words(&leads, "status").len(), 5, "every status of a lead");
    let tickets = all(&caller, "/v1/tickets").await;
    assert_eq!(words(&tickets, "status").len(), 5, "every status of a ticket");
    assert_eq!(words(&tickets, "priority").len(), 4, "every priority");
    assert!(
        tickets
            .iter()
            .any(|ticket| ticket["escalation_level"].as_u64() > Some(0))
    );
    let orders = all(&caller, "/v1/orders").await;
    assert_eq!(words(&orders, "status").len(), 5, "every status of an order");
    assert_eq!(
        words(&orders, "payment_status"),
        ["paid", "part_paid", "refunded", "unpaid"].map(str::to_owned).into()
    );

    let mut days: Vec<(u64, &str)> = orders
        .iter()
        .map(|order| {
            (
                order["number"].as_str().unwrap().parse().unwrap(),
                order["placed_on"].as_str().unwrap(),
            )
        })
        .collect();
    days.sort_unstable();
    assert!(days.is_sorted_by_key(|(_, day)| *day), "numbers rise with the days");

    // Late within minutes of its opening, though the firm's own promises are longer.
    let late = tickets
        .iter()
        .find(|ticket| ticket["external_ids"]["demo"] == "t01")
        .unwrap();
    let at = |field: &str| late[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let promised = at("resolution_due_at").duration_since(at("created_at"));
    assert!(promised < jiff::SignedDuration::from_mins(3), "{late}");
    let settings = caller.get("/v1/settings").await.expect(200);
    assert_eq!(settings["sla"]["policies"].as_array().unwrap().len(), 3);
    assert!(
        settings["working_hours"]["sun"].is_null() && settings["country"] == "GB",
        "{settings}"
    );

    let segments = caller.get("/v1/segments").await.expect(200);
    let model = &segments["model"];
    assert!(
        model["customers"].as_u64() > Some(60) && model["bg_nbd"]["log_likelihood"].as_f64() < Some(0.0),
        "{model}"
    );
    let mut scores = Vec::new();
    for segment in segments["data"].as_array().unwrap() {
        scores.extend(
            all(
                &caller,
                &format!("/v1/segments/{}/members", segment["key"].as_str().unwrap()),
            )
            .await,
        );
    }
    for digit in ["r", "f", "m"] {
        let found: BTreeSet<u64> = scores.iter().filter_map(|score| score["rfm"][digit].as_u64()).collect();
        assert_eq!(found, (1..=5).collect(), "{digit}");
    }
    assert_eq!(
        words(
            &scores.iter().map(|score| score["pareto"].clone()).collect::<Vec<_>>(),
            "grade"
        )
        .len(),
        3
    );
    assert!(
        scores.iter().any(|score| score["churn"]["alert"] == true),
        "somebody is leaving"
    );
    let stages = words(&scores, "lifecycle");
    for stage in ["loyal", "at_risk", "lost", "repeat", "customer"] {
        assert!(stages.contains(stage), "{stage}: {stages:?}");
    }

    // A second start changes nothing at all.
    assert_eq!(demo::fill(&world().url).await.unwrap(), Outcome::Known);
    assert_eq!(ids(&caller).await, first);

    // Neither does one after a start that was cut short before its end.
    caller
        .send(Method::DELETE, "/v1/fields/ticket/cause", &[], None)
        .await
        .expect(204);
    assert_eq!(demo::fill(&world().url).await.unwrap(), Outcome::Filled);
    for (noun, (now, before)) in NOUNS.iter().zip(ids(&caller).await.into_iter().zip(first)) {
        assert_eq!(now, before, "{noun}");
    }
}
