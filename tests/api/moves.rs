//! A move that breaks off at some call of the store, as it does when its process is killed there: it goes on when its message comes
//! again, and what comes out is the same.

use std::path::Path;
use std::sync::Arc;

use jiff::SignedDuration;
use rapport_host::Host;
use rapport_runtime::Clock;
use serde_json::{Value, json};
use tests::fault::{Faults, Weather};
use tests::worker::{Worker, by_hand};
use tests::{Caller, PASSWORD, Tenant, eventually};

use super::account::{World, busy, id};
use super::archives::{Content, assert_same, fetched, moved_out, sent, settled};
use super::surveys::{at_once, contact, invitation, resolved};

/// A host whose `tenant-upkeep` is in the test's hands.
pub(super) async fn upkeep_by_hand(folder: &Path, clock: Clock, faults: &Faults) -> (Host, Worker) {
    by_hand(folder, "tenant-upkeep", tenant_upkeep::function(), clock, faults).await
}

/// The message of an archive.
fn message(tenant: &Tenant, place: &str) -> Value {
    let archive = place.rsplit('/').next().unwrap();
    json!({"tenant": tenant.id, "type": "archive_v1", "archive": archive})
}

async fn archive(tenant: &Caller, place: &str) -> Value {
    tenant.get(place).await.expect(200)
}

/// Longer than a message says that it is at work.
const MUCH_LATER: SignedDuration = SignedDuration::from_mins(11);

#[tokio::test]
async fn a_move_that_breaks_off_anywhere_goes_on_when_its_message_comes_again() {
    let here = World::new().await;
    let tenant = Tenant::of(&here.anybody, json!({})).await;
    busy(&tenant).await;
    // The test jumps over hours, in which nothing may fall due.
    let schedule = id(&tenant.get("/v1/report-schedules").await.expect(200)["data"][0]);
    let off = json!({"enabled": false});
    tenant
        .patch(&format!("/v1/report-schedules/{schedule}"), off)
        .await
        .expect(200);
    settled(&tenant).await;
    let bytes = moved_out(&tenant).await;
    let first = Content::of(&bytes);

    let (folder, clock, faults) = (tempfile::tempdir().unwrap(), Clock::default(), Faults::default());
    let (host, worker) = upkeep_by_hand(folder.path(), clock.clone(), &faults).await;
    let messages = Arc::clone(&worker.sent);
    let anybody = Caller::at(&host.url());
    let (mut broken, mut call, mut whole) = (0, 0, 0);
    loop {
        let other = Tenant::of(&anybody, json!({"email": tenant.email})).await;
        let place = sent(&other, &bytes).await;
        other.post(&format!("{place}/move-in"), json!({})).await.expect(202);
        // Every other time the last call is done, and nobody hears of it.
        faults.set(if broken % 2 == 0 {
            Weather::DownFrom(call)
        } else {
            Weather::LostThenDown(call)
        });
        let ok = worker.takes(&message(&other, &place)).await;
        let calls = faults.calls();
        if !faults.end() {
            assert!(ok, "nothing broke");
            whole = calls;
        } else if archive(&other, &place).await["status"] == "done" {
            // The last word was heard.
        } else {
            assert!(!ok, "the message has to come again after call {call}");
            // At once, as after a kill: it goes on, or has itself sent again for when nobody can be at it any more.
            assert!(worker.takes(&message(&other, &place)).await, "call {call}");
            if archive(&other, &place).await["status"] != "done" {
                clock.advance(MUCH_LATER);
                let id = place.rsplit('/').next().unwrap();
                let again = || messages.lock().iter().filter(|body| body.contains(id)).count() == 2;
                eventually("the message again", || async { again().then_some(()) }).await;
                assert!(worker.takes(&message(&other, &place)).await, "call {call}");
            }
        }
        let done = archive(&other, &place).await;
        assert_eq!(done["status"], "done", "call {call}: {done}");
        assert_eq!(done["rows"]["orders"], first.lines("orders").len(), "call {call}");

        let asked = other.post("/v1/archives", json!({})).await;
        let out = asked.header("location").to_owned();
        asked.expect(202);
        assert!(worker.takes(&message(&other, &out)).await);
        let out_done = archive(&other, &out).await;
        let second = Content::of(&fetched(&other, &out, &out_done).await);
        assert_same(&first, &second, (&tenant.user, &other.user));
        if whole > 0 {
            break;
        }
        broken += 1;
        // All of the first calls, and then some of them: a move has some hundreds.
        call += if call < 12 { 1 } else { 17 };
    }
    assert!(broken > 15, "{broken} of {whole} calls");
    assert!(host.stop().await);
}

#[tokio::test]
async fn what_falls_due_while_a_firm_moves_in_waits_until_it_has_moved() {
    let here = World::new().await;
    let tenant = Tenant::of(&here.anybody, json!({})).await;
    let survey = json!({"delay_minutes": 60, "min_days_between": 0});
    tenant.patch("/v1/settings", at_once(survey)).await.expect(200);
    let schedule = json!({"report": "sales", "every": "day"});
    let schedule = id(&tenant.post("/v1/report-schedules", schedule).await.expect(201));
    let ann = contact(&tenant, json!({})).await;
    resolved(&tenant, &ann).await;
    let asked = id(&invitation(&tenant, &ann, "pending").await);
    settled(&tenant).await;
    let bytes = moved_out(&tenant).await;

    let (folder, clock, faults) = (tempfile::tempdir().unwrap(), Clock::default(), Faults::default());
    let (host, worker) = upkeep_by_hand(folder.path(), clock.clone(), &faults).await;
    let anybody = Caller::at(&host.url());
    let begun = async || {
        let other = Tenant::of(&anybody, json!({})).await;
        let place = sent(&other, &bytes).await;
        other.post(&format!("{place}/move-in"), json!({})).await.expect(202);
        (other, place)
    };
    // How many calls a move has; the next one breaks off shortly before the end.
    let (whole, place) = begun().await;
    faults.set(Weather::DownFrom(1_000_000));
    assert!(worker.takes(&message(&whole, &place)).await);
    let calls = faults.calls();
    assert!(!faults.end());
    let (other, place) = begun().await;
    faults.set(Weather::DownFrom(calls - 4));
    assert!(!worker.takes(&message(&other, &place)).await);
    assert!(faults.end());
    assert_eq!(other.get("/v1/me").await.expect(200)["account"], "moving_in");
    let signed_in = async |tenant: &Tenant| {
        let body = json!({"grant_type": "password", "username": tenant.email, "password": PASSWORD});
        let signed = tenant.post("/v1/auth/token", body).await.expect(200);
        tenant.with_token(signed["access_token"].as_str().unwrap())
    };
    // What became of the survey and of the report: its status; whether it was ever sent, and whether something was wrong.
    let standing = async |tenant: &Tenant| {
        let owner = signed_in(tenant).await;
        let survey = owner.get(&format!("/v1/survey-invitations/{asked}")).await.expect(200);
        let report = owner.get(&format!("/v1/report-schedules/{schedule}")).await.expect(200);
        let status = survey["status"].as_str().unwrap().to_owned();
        (
            status,
            report["last_sent_at"].is_string(),
            report["last_error"].is_string(),
        )
    };
    for _ in 0..25 {
        clock.advance(SignedDuration::from_hours(1));
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let both = ("sent".to_owned(), true, false);
    eventually("what was due to whoever has moved", || async {
        (standing(&whole).await == both).then_some(())
    })
    .await;
    assert_eq!(standing(&other).await, ("pending".to_owned(), false, false));

    assert!(worker.takes(&message(&other, &place)).await);
    clock.advance(MUCH_LATER);
    assert!(worker.takes(&message(&other, &place)).await);
    assert_eq!(archive(&signed_in(&other).await, &place).await["status"], "done");
    clock.advance(SignedDuration::from_mins(6));
    eventually("what was due to whoever moved late", || async {
        (standing(&other).await == both).then_some(())
    })
    .await;
    assert!(host.stop().await);
}
