//! Messages that nobody can handle, on every queue: no JSON, unknown, of another version or queue, of other tenants, huge.
//! After five receives they rest among the dead letters, and nothing else is held up meanwhile.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use rapport_host::Host;
use rapport_runtime::Clock;
use rapport_sqs::Outgoing;
use serde_json::{Value, json};
use tests::{Caller, Tenant, eventually};

/// A message is given out so often before it rests.
const RECEIVES: u32 = 5;

/// What no worker of the queue can handle.
fn poison(queue: &str, tenant: &str) -> Vec<String> {
    // Each is well formed and some other queue's.
    let elsewhere = if queue.contains("record-merges") || queue.contains("RecordMerges") {
        json!({"tenant": tenant, "type": "survey_due_v1", "invitation": "svi_01JZZZZZZZZZZZZZZZZZZZZZZZ"})
    } else {
        json!({"tenant": tenant, "type": "repoint_v1", "noun": "planet", "job": "job_1", "from": "con_1", "into": "con_2"})
    };
    vec![
        "{".to_owned(),
        "null".to_owned(),
        "\u{fffd}\u{fffd}".to_owned(),
        json!({"tenant": tenant, "type": "nobody_knows_v1"}).to_string(),
        json!({"tenant": tenant, "type": "changed_v9", "noun": "lead"}).to_string(),
        json!({"tenant": "tnt_none", "type": "changed_v1", "noun": "lead", "subject": "lead_1", "version": 1, "types": []})
            .to_string(),
        elsewhere.to_string(),
        format!("{{\"tenant\":\"{tenant}\",\"type\":\"{}\"}}", "x".repeat(900_000)),
    ]
}

/// What was changed of another tenant's record, told in this one's name.
fn of_another(tenant: &str, lead: &Value) -> String {
    json!({"tenant": tenant, "type": "changed_v1", "noun": "lead", "subject": lead["id"], "version": 1, "types": ["lead.created"]})
        .to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_nobody_can_handle_rests_among_the_dead_letters_and_holds_up_no_other() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::default());
    let host = Host::start(tests::options(folder.path(), clock.clone())).await.unwrap();
    let anybody = Caller::at(&host.url());
    let (victim, tenant) = (
        Tenant::of(&anybody, json!({})).await,
        Tenant::of(&anybody, json!({})).await,
    );
    let key = json!({"name": "tests", "scopes": ["*:read", "*:write"]});
    let key = tenant.post("/v1/api-keys", key).await.expect(201)["secret"].clone();
    let owner = anybody.with_token(key.as_str().unwrap());
    let secret = victim
        .post("/v1/leads", json!({"name": "Zoe Hidden"}))
        .await
        .expect(201);

    let queues = host.queues();
    let mut sent: BTreeMap<String, (String, usize)> = BTreeMap::new();
    for name in queues.list("").await.unwrap() {
        let Some(redrive) = queues.attributes(&name).await.unwrap().attributes.redrive else {
            continue;
        };
        assert_eq!(redrive.max_receive_count, RECEIVES, "{name}");
        let bodies = poison(&name, &tenant.id);
        sent.insert(name.clone(), (redrive.dead_letter_queue, bodies.len()));
        for body in bodies.into_iter().chain([of_another(&tenant.id, &secret)]) {
            let message = Outgoing {
                group_id: Some(tenant.id.clone()),
                ..Outgoing::new(body)
            };
            queues.send(&name, message).await.unwrap();
        }
    }
    assert!(sent.len() >= 11, "{sent:?}");

    for round in 0..=RECEIVES {
        // While they come again and again, what the same tenant does is done.
        let name = format!("Ann Round{round}");
        owner.post("/v1/leads", json!({"name": name})).await.expect(201);
        eventually("the search", || async {
            let found = owner.get(&format!("/v1/search?q=Round{round}")).await.expect(200);
            (found["data"].as_array()?.len() == 1).then_some(())
        })
        .await;
        eventually("all that is visible", || async {
            for name in sent.keys() {
                if queues.attributes(name).await.unwrap().visible > 0 {
                    return None;
                }
            }
            Some(())
        })
        .await;
        // Longer than any visibility timeout.
        clock.advance(SignedDuration::from_mins(40));
    }
    eventually("rest", || async {
        for (name, (dead, count)) in &sent {
            let (own, resting) = (
                queues.attributes(name).await.unwrap(),
                queues.attributes(dead).await.unwrap().visible,
            );
            // What was told of another tenant's record is no poison where a worker knows such messages: the record is not
            // there for this tenant.
            let all = usize::try_from(resting).unwrap();
            if own.visible + own.in_flight > 0 || !(*count..=*count + 1).contains(&all) {
                return None;
            }
        }
        Some(())
    })
    .await;
    let found = owner.get("/v1/search?q=Hidden").await.expect(200);
    assert_eq!(found["data"], json!([]), "nothing of another tenant");
    let told = owner.get("/v1/events?limit=200").await.expect(200);
    assert!(!told.to_string().contains("Hidden"), "nothing of another tenant");
    assert!(host.stop().await);
}
