//! The store refuses a call in each way of its own: transactions that meet, throttling, faults, batches it leaves undone,
//! answers that never come. Once, nobody notices; all the time, the answer is 503, and nothing is half done or done twice.
//!
//! Of all kinds of write, calls, refusals and numbers of times a share is tried, which `SEED` chooses; all with `LONG=1`.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::json;
use tests::Tenant;
use tests::fault::{Refusal, Weather};

use super::store::{KINDS, MOST_CALLS, World, answers, difference, done, is_unavailable, prepared};

/// The share that is tried in the short form.
const SHARE: f64 = 0.1;
/// Refusals in a row that the retries of the SDK and the product are enough for.
const FEW: u32 = 2;

async fn refused(kind: &str, share: f64, random: &mut StdRng) -> u32 {
    let world = World::new(answers).await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    let request = prepared(kind, &tenant).await;
    let before = world.items().await;
    assert!(done(&request.send(&tenant).await), "{kind}");
    let whole = difference(&before, &world.items().await);
    let (mut strikes, mut last) = (0, MOST_CALLS);
    for how in Refusal::ALL {
        for times in [1, FEW, u32::MAX] {
            for call in 0..MOST_CALLS {
                if call > last {
                    break;
                }
                if !random.random_bool(share) {
                    continue;
                }
                let at = format!("{kind}, {how:?} from call {call}, {times} times");
                let request = prepared(kind, &tenant).await;
                let before = world.items().await;
                world.faults.set(Weather::Refuses(call, times, how));
                let answer = request.send(&tenant).await;
                let calls = world.faults.calls();
                let struck = world.faults.end();
                strikes += u32::from(struck);
                let now = difference(&before, &world.items().await);
                if done(&answer) {
                    assert_eq!(now, whole, "{at}");
                } else {
                    assert!(struck && times == u32::MAX, "{at}: {}", answer.text);
                    is_unavailable(&at, &answer);
                    let parts = kind.starts_with("batch");
                    assert!(parts || now.is_empty(), "{at}: {now:#?}");
                    let again = request.send(&tenant).await;
                    assert!(done(&again), "{at}, again: {}", again.text);
                    assert_eq!(difference(&before, &world.items().await), whole, "{at}, again");
                }
                if request.method == Method::POST && done(&answer) && !kind.starts_with("batch") {
                    let again = request.send(&tenant).await;
                    assert_eq!(again.body["id"], answer.body["id"], "{at}, again");
                    assert_eq!(difference(&before, &world.items().await), whole, "{at}, again");
                }
                // There is no such call.
                if calls <= call {
                    last = last.min(call);
                }
            }
        }
    }
    assert!(world.host.stop().await);
    strikes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_refused_is_made_again_and_nothing_is_done_in_part() {
    let given = |name: &str| {
        std::env::vars()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value)
    };
    let seed: u64 = given("SEED").map_or(1, |seed| seed.parse().unwrap());
    let share = if given("LONG").is_some() { 1.0 } else { SHARE };
    eprintln!("SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut strikes = 0;
    for kind in KINDS {
        strikes += refused(kind, share, &mut random).await;
    }
    assert!(strikes as usize >= KINDS.len(), "{strikes}");
}
