//! Erasures that break off at some call of the store, as they do when their process is killed there: they go on when the message comes
//! again, and nothing is left.

use futures::future::join_all;
use jiff::SignedDuration;
use rapport_host::Host;
use rapport_runtime::Clock;
use serde_json::{Value, json};
use tests::fault::{Faults, Weather};
use tests::{Caller, PASSWORD, Tenant, eventually};

use super::account::{id, items_with, left_of, made};
use super::archives::settled;
use super::moves::upkeep_by_hand;

/// The calls at which erasures break off: each of the first, and some of the others.
const CALLS: [u32; 18] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 14, 18, 23, 29, 37, 47, 61];
/// More calls than an erasure has.
const NEVER: u32 = 1_000_000;

/// Every other call is done, and nobody hears of it.
fn weather(number: usize, call: u32) -> Weather {
    if number.is_multiple_of(2) {
        Weather::DownFrom(call)
    } else {
        Weather::LostThenDown(call)
    }
}

/// A firm with a customer, who has said and bought something; and the word that is said of him alone.
async fn firm(anybody: &Caller, number: u32) -> (Tenant, String, String) {
    let tenant = Tenant::of(anybody, json!({})).await;
    let word = format!("quarrier{number}x");
    let lead = json!({"name": format!("Zeb {word}"), "email": format!("{word}@mail.example")});
    let lead = made(&tenant, "/v1/leads", lead).await;
    let converted = tenant.post(&format!("/v1/leads/{lead}/convert"), json!({})).await;
    let contact = id(&converted.body["contact"]);
    let order = json!({"contact_id": contact, "currency": "USD", "lines": [{"name": "Tea", "unit_price": "5"}]});
    made(&tenant, "/v1/orders", order).await;
    let ticket = json!({"subject": format!("The broken lid of {word}"), "contact_id": contact});
    let ticket = made(&tenant, "/v1/tickets", ticket).await;
    let message = json!({"body": format!("{word} wants a new one")});
    let path = format!("/v1/tickets/{ticket}/messages");
    tenant.post(&path, message).await.expect(201);
    (tenant, contact, word)
}

async fn firms(host: &Host) -> Vec<(Tenant, String, String)> {
    let anybody = Caller::at(&host.url());
    let numbers = CALLS.into_iter().chain([NEVER]);
    let firms = join_all(numbers.map(|number| firm(&anybody, number))).await;
    join_all(firms.iter().map(|(tenant, ..)| settled(tenant))).await;
    firms
}

#[tokio::test]
async fn nothing_is_left_of_a_person_wherever_his_erasure_broke_off() {
    let (folder, clock, faults) = (tempfile::tempdir().unwrap(), Clock::default(), Faults::default());
    let (host, worker) = upkeep_by_hand(folder.path(), clock.clone(), &faults).await;
    let mut broken = 0;
    for (number, (tenant, contact, word)) in firms(&host).await.into_iter().enumerate() {
        let call = CALLS.get(number).copied().unwrap_or(NEVER);
        // Those before took some minutes each.
        let body = json!({"grant_type": "password", "username": tenant.email, "password": PASSWORD});
        let signed = tenant.post("/v1/auth/token", body).await.expect(200);
        let owner = tenant.with_token(signed["access_token"].as_str().unwrap());
        let path = format!("/v1/contacts/{contact}/erasure");
        owner.post(&path, json!({})).await.expect(202);
        let message = json!({"tenant": tenant.id, "type": "person_erase_v1", "contact": contact});
        faults.set(weather(number, call));
        let ok = worker.takes(&message).await;
        broken += usize::from(faults.end());
        assert!(ok || worker.takes(&message).await, "call {call}");
        let mut done = Value::Null;
        for _ in 0..4 {
            clock.advance(SignedDuration::from_secs(121));
            assert!(worker.takes(&message).await, "call {call}");
            done = owner.get(&path).await.expect(200);
            if done["done_at"].is_string() {
                break;
            }
        }
        assert!(done["done_at"].is_string(), "call {call}: {done}");
        eventually(&format!("no word of {word}"), || async {
            items_with(&host, &word).await.is_empty().then_some(())
        })
        .await;
        let orders = owner.get("/v1/orders").await.expect(200);
        assert_eq!(
            (&orders["data"][0]["contact_id"], &orders["data"][0]["total"]),
            (&Value::Null, &json!("5.00")),
            "call {call}"
        );
    }
    assert!(broken > 10, "{broken}");
    assert!(host.stop().await);
}

#[tokio::test]
async fn nothing_is_left_of_a_firm_wherever_its_erasure_broke_off() {
    let (folder, clock, faults) = (tempfile::tempdir().unwrap(), Clock::default(), Faults::default());
    let (host, worker) = upkeep_by_hand(folder.path(), clock.clone(), &faults).await;
    let firms = firms(&host).await;
    let mut dues = Vec::new();
    for (tenant, ..) in &firms {
        let closed = tenant.post("/v1/account/close", json!({"password": PASSWORD})).await;
        dues.push(closed.expect(200)["erased_at"].clone());
    }
    clock.advance(SignedDuration::from_hours(24 * 30 + 1));
    let mut broken = 0;
    for (number, ((tenant, ..), due)) in firms.iter().zip(dues).enumerate() {
        let call = CALLS.get(number).copied().unwrap_or(NEVER);
        let message = json!({"tenant": tenant.id, "type": "tenant_erase_v1", "due": due});
        faults.set(weather(number, call));
        let ok = worker.takes(&message).await;
        broken += usize::from(faults.end());
        assert!(ok || worker.takes(&message).await, "call {call}");
        let mut left = Vec::new();
        for _ in 0..4 {
            clock.advance(SignedDuration::from_mins(16));
            assert!(worker.takes(&message).await, "call {call}");
            left = left_of(&host, tenant).await;
            if left.is_empty() {
                break;
            }
        }
        assert!(left.is_empty(), "call {call}: {left:#?}");
    }
    assert!(broken > 10, "{broken}");
    assert!(host.stop().await);
}
