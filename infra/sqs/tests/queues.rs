//! The queues' behaviour over the typed calls, on a clock that the test moves.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rapport_sqs::{
    AttributeData, AttributeValue, Attributes, Clock, Code, ManualClock, Options, Outgoing, Queues, Receive, Received,
    Redrive,
};

const START_MS: i64 = 1_790_000_000_000;

struct World {
    queues: Queues,
    clock: Arc<ManualClock>,
}

fn open(path: Option<&Path>, clock: &Arc<ManualClock>) -> Queues {
    let options = Options {
        path: path.map(Path::to_path_buf),
        clock: clock.clone(),
        ..Options::default()
    };
    Queues::open_with(options).unwrap()
}

/// A store in memory with a queue `jobs` of these attributes and its dead-letter queue `dead`.
async fn world(attributes: Attributes) -> World {
    let clock = Arc::new(ManualClock::at(START_MS));
    let queues = open(None, &clock);
    queues.create_queue("dead", Attributes::default()).await.unwrap();
    queues.create_queue("jobs", attributes).await.unwrap();
    World { queues, clock }
}

fn redrive(max_receive_count: u32) -> Attributes {
    let redrive = Redrive {
        dead_letter_queue: "dead".into(),
        max_receive_count,
    };
    Attributes {
        visibility_timeout: 10,
        redrive: Some(redrive),
        ..Attributes::default()
    }
}

impl World {
    async fn send(&self, body: &str) {
        self.queues.send("jobs", Outgoing::new(body)).await.unwrap();
    }

    async fn receive(&self, queue: &str) -> Vec<Received> {
        self.queues
            .receive(
                queue,
                Receive {
                    most: 10,
                    ..Receive::default()
                },
            )
            .await
            .unwrap()
    }

    async fn bodies(&self, queue: &str) -> Vec<String> {
        self.receive(queue)
            .await
            .into_iter()
            .map(|message| message.body)
            .collect()
    }

    async fn waiting(&self) {
        while self.clock.waiting() == 0 {
            tokio::task::yield_now().await;
        }
    }

    fn long_poll(&self) -> tokio::task::JoinHandle<Vec<Received>> {
        let queues = self.queues.clone();
        tokio::spawn(async move {
            queues
                .receive(
                    "jobs",
                    Receive {
                        wait: Some(20),
                        ..Receive::default()
                    },
                )
                .await
                .unwrap()
        })
    }
}

#[tokio::test]
async fn a_received_message_is_hidden_and_comes_back() {
    let world = world(Attributes {
        visibility_timeout: 10,
        ..Attributes::default()
    })
    .await;
    world.send("a").await;
    let first = world.receive("jobs").await.remove(0);
    assert_eq!(
        (first.receive_count, first.sent_ms, first.first_receive_ms),
        (1, START_MS, START_MS)
    );
    world.clock.advance(9);
    assert!(world.receive("jobs").await.is_empty());
    world.clock.advance(1);
    let again = world.receive("jobs").await.remove(0);
    assert_eq!((again.receive_count, again.first_receive_ms), (2, START_MS));
    assert_eq!(again.message_id, first.message_id);
    assert_ne!(again.receipt_handle, first.receipt_handle);
    // The older handle serves too, and once more after that.
    for _ in 0..2 {
        world.queues.delete("jobs", &first.receipt_handle).await.unwrap();
    }
    world.clock.advance(60);
    assert!(world.receive("jobs").await.is_empty());
}

#[tokio::test]
async fn messages_in_flight_are_released_and_delayed_ones_stay_hidden() {
    let world = world(redrive(2)).await;
    world.send("first").await;
    assert_eq!(world.bodies("jobs").await, ["first"]);
    let late = Outgoing {
        delay: Some(60),
        ..Outgoing::new("late")
    };
    world.queues.send("jobs", late).await.unwrap();
    assert_eq!(world.queues.release_in_flight().await.unwrap(), 1);
    assert_eq!(world.bodies("jobs").await, ["first"]);
    // A message that always ends its receiver still ends among the dead letters.
    assert_eq!(world.queues.release_in_flight().await.unwrap(), 1);
    assert_eq!(world.bodies("jobs").await, Vec::<String>::new());
    assert_eq!(world.bodies("dead").await, ["first"]);
    assert_eq!(
        world.queues.release_in_flight().await.unwrap(),
        1,
        "the dead letter just received"
    );
}

#[tokio::test]
async fn visibility_is_changed() {
    let world = world(Attributes {
        visibility_timeout: 10,
        ..Attributes::default()
    })
    .await;
    world.send("a").await;
    let handle = world.receive("jobs").await.remove(0).receipt_handle;
    world.queues.change_visibility("jobs", &handle, 100).await.unwrap();
    world.clock.advance(99);
    assert!(world.receive("jobs").await.is_empty());
    world.queues.change_visibility("jobs", &handle, 0).await.unwrap();
    assert_eq!(world.receive("jobs").await.remove(0).receive_count, 2);
    // Twelve hours since the receive are the most, however they are pieced together.
    world.queues.change_visibility("jobs", &handle, 43_200).await.unwrap();
    world.clock.advance(1);
    let too_long = world
        .queues
        .change_visibility("jobs", &handle, 43_200)
        .await
        .unwrap_err();
    assert_eq!(too_long.code(), Code::InvalidParameterValue);
    world.clock.advance(43_199);
    let visible = world.queues.change_visibility("jobs", &handle, 5).await.unwrap_err();
    assert_eq!(visible.code(), Code::MessageNotInflight);
    world.queues.delete("jobs", &handle).await.unwrap();
    let gone = world.queues.change_visibility("jobs", &handle, 5).await.unwrap_err();
    assert_eq!(gone.code(), Code::InvalidParameterValue);
}

#[tokio::test]
async fn a_message_received_too_often_goes_to_the_dead_letter_queue_and_back() {
    let world = world(redrive(2)).await;
    let mut message = Outgoing::new("a");
    message.attributes.insert("k".into(), AttributeValue::text("v"));
    message.group_id = Some("tenant".into());
    let sent = world.queues.send("jobs", message).await.unwrap();
    for _ in 0..2 {
        assert_eq!(world.receive("jobs").await.len(), 1);
        world.clock.advance(10);
    }
    world.send("b").await;
    assert_eq!(world.bodies("jobs").await, ["b"]);
    let dead = world.receive("dead").await.remove(0);
    assert_eq!((dead.message_id, dead.receive_count), (sent.message_id.clone(), 3));
    assert_eq!(dead.dead_letter_source.as_deref(), Some("jobs"));
    assert_eq!(dead.group_id.as_deref(), Some("tenant"));
    assert_eq!(
        dead.attributes,
        BTreeMap::from([("k".to_owned(), AttributeValue::text("v"))])
    );

    // What is in flight stays; what is visible moves back as a new message.
    let task = world.queues.start_message_move_task("dead", None).await.unwrap();
    assert_eq!((task.moved, task.to_move), (0, 0));
    world.clock.advance(30);
    let task = world.queues.start_message_move_task("dead", None).await.unwrap();
    assert_eq!((task.moved, task.to_move), (1, 1));
    assert_eq!(world.queues.list_message_move_tasks("dead", 10).await.unwrap().len(), 2);
    let back = world
        .receive("jobs")
        .await
        .into_iter()
        .find(|message| message.body == "a")
        .unwrap();
    assert_ne!(back.message_id, sent.message_id);
    assert_eq!((back.receive_count, back.sent_ms), (1, world.clock.now_ms()));
    // A handle from its life in the dead-letter queue does not reach it.
    world.queues.delete("dead", &dead.receipt_handle).await.unwrap();
    world.queues.delete("jobs", &back.receipt_handle).await.unwrap();
    assert!(world.receive("dead").await.is_empty());
}

#[tokio::test]
async fn groups_take_turns_however_many_messages_of_one_are_waiting() {
    let world = world(redrive(5)).await;
    let send = async |group: &str, body: String| {
        let message = Outgoing {
            group_id: Some(group.to_owned()),
            ..Outgoing::new(body)
        };
        world.queues.send("jobs", message).await.unwrap();
    };
    for n in 0..100 {
        send("noisy", format!("noisy {n}")).await;
    }
    for group in ["b", "z"] {
        for n in 0..3 {
            send(group, format!("{group} {n}")).await;
        }
    }
    world.send("of nobody").await;
    // The first after nobody's is whoever sorts behind; each has one, and whoever has more the rest.
    let first = world.bodies("jobs").await;
    assert_eq!(first[..4], ["b 0", "noisy 0", "z 0", "of nobody"]);
    assert_eq!(first[4..], ["b 1", "noisy 1", "z 1", "b 2", "noisy 2", "z 2"]);
    // What is in flight has no turn; the noisy one's own messages go by age.
    send("b", "b 3".to_owned()).await;
    let second = world.bodies("jobs").await;
    assert_eq!(second.len(), 10);
    assert_eq!(second[..2], ["b 3", "noisy 3"]);
    assert_eq!(second[9], "noisy 11");
    // One at a time, each has its turn too.
    send("b", "b 4".to_owned()).await;
    send("z", "z 3".to_owned()).await;
    let mut three = Vec::new();
    for _ in 0..3 {
        let one = world.queues.receive("jobs", Receive::default()).await.unwrap();
        three.extend(one.into_iter().map(|message| message.body));
    }
    assert_eq!(three, ["z 3", "b 4", "noisy 12"]);
}

#[tokio::test]
async fn a_store_of_the_version_before_turns_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queues.sqlite");
    let clock = Arc::new(ManualClock::at(START_MS));
    let queues = open(Some(&path), &clock);
    queues.create_queue("jobs", Attributes::default()).await.unwrap();
    for group in ["noisy", "noisy", "quiet"] {
        let message = Outgoing {
            group_id: Some(group.to_owned()),
            ..Outgoing::new(group)
        };
        queues.send("jobs", message).await.unwrap();
    }
    drop(queues);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("drop index messages_by_turn; alter table messages drop column turn; pragma user_version = 1")
        .unwrap();
    drop(file);
    let queues = open(Some(&path), &clock);
    let ask = Receive {
        most: 2,
        ..Receive::default()
    };
    let found = queues.receive("jobs", ask).await.unwrap();
    let bodies: Vec<&str> = found.iter().map(|message| message.body.as_str()).collect();
    assert_eq!(bodies, ["noisy", "quiet"]);
}

#[tokio::test]
async fn what_is_hidden_waits_no_longer_where_the_clock_is_set_back() {
    let world = world(redrive(5)).await;
    world.send("in flight").await;
    assert_eq!(world.bodies("jobs").await, ["in flight"]);
    let late = Outgoing {
        delay: Some(30),
        ..Outgoing::new("late")
    };
    world.queues.send("jobs", late).await.unwrap();
    world.clock.advance(4);
    assert_eq!(world.bodies("jobs").await, Vec::<String>::new());
    world.clock.set_back(86_400);
    assert_eq!(world.bodies("jobs").await, Vec::<String>::new());
    world.clock.advance(5);
    assert_eq!(world.bodies("jobs").await, Vec::<String>::new());
    world.clock.advance(1);
    assert_eq!(world.bodies("jobs").await, ["in flight"]);
    world.clock.advance(20);
    let mut both = world.bodies("jobs").await;
    both.sort();
    assert_eq!(both, ["in flight", "late"]);
}

#[tokio::test]
async fn messages_are_moved_to_a_named_queue() {
    let world = world(redrive(1)).await;
    world.queues.create_queue("other", Attributes::default()).await.unwrap();
    world.send("a").await;
    world.receive("jobs").await;
    world.clock.advance(10);
    world.receive("jobs").await;
    world
        .queues
        .start_message_move_task("dead", Some("other"))
        .await
        .unwrap();
    assert_eq!(world.bodies("other").await, ["a"]);
    for (source, destination, code) in [
        ("none", None, Code::ResourceNotFound),
        ("dead", Some("none"), Code::ResourceNotFound),
        ("dead", Some("dead"), Code::InvalidParameterValue),
        ("jobs", None, Code::InvalidParameterValue),
    ] {
        let refused = world
            .queues
            .start_message_move_task(source, destination)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), code, "{source} to {destination:?}");
    }
}

#[tokio::test]
async fn a_wait_ends_when_a_message_is_sent() {
    let world = world(Attributes::default()).await;
    let poll = world.long_poll();
    world.waiting().await;
    world.send("a").await;
    assert_eq!(poll.await.unwrap()[0].body, "a");
    assert_eq!(world.clock.now_ms(), START_MS, "no time has passed");
}

#[tokio::test]
async fn a_wait_ends_at_the_moment_of_a_delayed_message() {
    let world = world(Attributes::default()).await;
    world
        .queues
        .send(
            "jobs",
            Outgoing {
                delay: Some(5),
                ..Outgoing::new("a")
            },
        )
        .await
        .unwrap();
    let poll = world.long_poll();
    world.waiting().await;
    world.clock.advance(4);
    assert!(!poll.is_finished());
    world.clock.advance(1);
    assert_eq!(poll.await.unwrap()[0].body, "a");
}

#[tokio::test]
async fn a_wait_ends_when_a_message_in_flight_is_given_back_or_times_out() {
    let world = world(Attributes {
        visibility_timeout: 10,
        ..Attributes::default()
    })
    .await;
    world.send("a").await;
    let handle = world.receive("jobs").await.remove(0).receipt_handle;
    let poll = world.long_poll();
    world.waiting().await;
    world.queues.change_visibility("jobs", &handle, 0).await.unwrap();
    assert_eq!(poll.await.unwrap()[0].receive_count, 2);

    let poll = world.long_poll();
    world.waiting().await;
    world.clock.advance(10);
    assert_eq!(poll.await.unwrap()[0].receive_count, 3);
}

#[tokio::test]
async fn a_wait_ends_empty_in_time_and_when_its_queue_is_deleted() {
    let world = world(Attributes {
        receive_wait: 20,
        ..Attributes::default()
    })
    .await;
    let poll = world.long_poll();
    world.waiting().await;
    world.clock.advance(20);
    assert!(poll.await.unwrap().is_empty());

    let queues = world.queues.clone();
    // The queue's own wait, this time.
    let poll = tokio::spawn(async move { queues.receive("jobs", Receive::default()).await });
    world.waiting().await;
    world.queues.delete_queue("jobs").await.unwrap();
    assert!(poll.await.unwrap().unwrap_err().is_no_queue());
}

#[tokio::test]
async fn waiting_receivers_share_what_is_sent() {
    let world = world(Attributes::default()).await;
    let polls: Vec<_> = (0..8).map(|_| world.long_poll()).collect();
    while world.clock.waiting() < 8 {
        tokio::task::yield_now().await;
    }
    for n in 0..8 {
        world.send(&n.to_string()).await;
    }
    let mut bodies = Vec::new();
    for poll in polls {
        bodies.extend(poll.await.unwrap().into_iter().map(|message| message.body));
    }
    bodies.sort();
    assert_eq!(bodies, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}

#[tokio::test]
async fn old_messages_expire() {
    let world = world(Attributes {
        retention: 60,
        ..Attributes::default()
    })
    .await;
    world.send("a").await;
    world.clock.advance(30);
    world.send("b").await;
    world.clock.advance(30);
    let info = world.queues.attributes("jobs").await.unwrap();
    assert_eq!((info.visible, info.oldest_sent_ms), (1, Some(START_MS + 30_000)));
    assert_eq!(world.bodies("jobs").await, ["b"]);
    world.clock.advance(60);
    let info = world.queues.attributes("jobs").await.unwrap();
    assert_eq!((info.visible, info.in_flight, info.oldest_sent_ms), (0, 0, None));
}

#[tokio::test]
async fn a_batch_fails_in_part() {
    let world = world(Attributes {
        maximum_message_bytes: 1024,
        ..Attributes::default()
    })
    .await;
    let entries = vec![
        ("good".to_owned(), Outgoing::new("a")),
        (
            "late".to_owned(),
            Outgoing {
                delay: Some(901),
                ..Outgoing::new("b")
            },
        ),
        ("long".to_owned(), Outgoing::new("x".repeat(1025))),
        ("odd".to_owned(), Outgoing::new("\u{1}")),
        ("empty".to_owned(), Outgoing::new("")),
        ("fine".to_owned(), Outgoing::new("c")),
    ];
    let outcome = world.queues.send_batch("jobs", entries).await.unwrap();
    let good: Vec<&str> = outcome.successful.iter().map(|(id, _)| id.as_str()).collect();
    let bad: Vec<(&str, Code)> = outcome
        .failed
        .iter()
        .map(|failure| (failure.id.as_str(), failure.code))
        .collect();
    assert_eq!(good, ["good", "fine"]);
    assert_eq!(
        bad,
        [
            ("late", Code::InvalidParameterValue),
            ("long", Code::InvalidParameterValue),
            ("odd", Code::InvalidMessageContents),
            ("empty", Code::MissingParameter)
        ]
    );
    let received = world.receive("jobs").await;
    assert_eq!(received.len(), 2);

    let deletes = vec![
        ("a".to_owned(), received[0].receipt_handle.clone()),
        ("b".to_owned(), "made-up".to_owned()),
        ("c".to_owned(), received[1].receipt_handle.clone()),
    ];
    let outcome = world.queues.delete_batch("jobs", deletes).await.unwrap();
    assert_eq!(outcome.successful.len(), 2);
    assert_eq!(outcome.failed[0].code, Code::ReceiptHandleIsInvalid);
    assert_eq!(world.queues.attributes("jobs").await.unwrap().in_flight, 0);
}

#[tokio::test]
async fn creating_again_takes_over_the_attributes() {
    let world = world(Attributes::default()).await;
    world.send("a").await;
    world
        .queues
        .create_queue(
            "jobs",
            Attributes {
                visibility_timeout: 7,
                ..redrive(3)
            },
        )
        .await
        .unwrap();
    let info = world.queues.attributes("jobs").await.unwrap();
    assert_eq!((info.attributes.visibility_timeout, info.visible), (7, 1));
    assert_eq!(world.queues.dead_letter_sources("dead").await.unwrap(), ["jobs"]);
    for (name, attributes, code) in [
        ("not a name", Attributes::default(), Code::InvalidParameterValue),
        (
            "jobs",
            Attributes {
                delay: 901,
                ..Attributes::default()
            },
            Code::InvalidAttributeValue,
        ),
        ("dead", redrive(3), Code::InvalidParameterValue),
    ] {
        assert_eq!(
            world.queues.create_queue(name, attributes).await.unwrap_err().code(),
            code,
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_purged_queue_is_empty_and_not_purged_again_at_once() {
    let world = world(Attributes::default()).await;
    world.send("a").await;
    world.queues.purge("jobs").await.unwrap();
    assert!(world.receive("jobs").await.is_empty());
    assert_eq!(
        world.queues.purge("jobs").await.unwrap_err().code(),
        Code::PurgeQueueInProgress
    );
    world.clock.advance(60);
    world.queues.purge("jobs").await.unwrap();
}

#[tokio::test]
async fn everything_is_there_after_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queues.sqlite");
    let clock = Arc::new(ManualClock::at(START_MS));
    let world = World {
        queues: open(Some(&path), &clock),
        clock: clock.clone(),
    };
    world.queues.create_queue("dead", Attributes::default()).await.unwrap();
    world.queues.create_queue("jobs", redrive(5)).await.unwrap();
    let mut full = Outgoing::new("in flight");
    full.attributes.insert(
        "n".into(),
        AttributeValue {
            data_type: "Number".into(),
            data: AttributeData::Text("1".into()),
        },
    );
    full.attributes.insert(
        "b".into(),
        AttributeValue {
            data_type: "Binary".into(),
            data: AttributeData::Binary(vec![0, 255]),
        },
    );
    full.trace_header = Some("Root=1-5e3d83c1-e6a0db584850d61342823d4c".into());
    world.queues.send("jobs", full.clone()).await.unwrap();
    let held = world.receive("jobs").await.remove(0);
    world.send("visible").await;
    world.send("deleted").await;
    let gone = world
        .receive("jobs")
        .await
        .into_iter()
        .find(|message| message.body == "deleted")
        .unwrap();
    world.queues.delete("jobs", &gone.receipt_handle).await.unwrap();
    world
        .queues
        .send(
            "jobs",
            Outgoing {
                delay: Some(60),
                ..Outgoing::new("delayed")
            },
        )
        .await
        .unwrap();
    drop(world);

    let world = World {
        queues: open(Some(&path), &clock),
        clock,
    };
    let info = world.queues.attributes("jobs").await.unwrap();
    assert_eq!((info.visible, info.in_flight, info.delayed), (0, 2, 1));
    assert_eq!(info.attributes, redrive(5));
    world.clock.advance(10);
    let mut bodies = Vec::new();
    for message in world.receive("jobs").await {
        assert_eq!(message.receive_count, 2);
        if message.body == "in flight" {
            assert_eq!(
                (&message.attributes, &message.trace_header),
                (&full.attributes, &full.trace_header)
            );
        }
        bodies.push(message.body);
    }
    bodies.sort();
    assert_eq!(bodies, ["in flight", "visible"]);
    // A handle from before still names its message.
    world.queues.delete("jobs", &held.receipt_handle).await.unwrap();
    world.clock.advance(50);
    bodies = world.bodies("jobs").await;
    bodies.sort();
    assert_eq!(bodies, ["delayed", "visible"]);
}

#[tokio::test]
async fn a_file_in_use_is_not_opened_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("queues.sqlite");
    let held = Queues::open(Some(&path)).unwrap();
    held.create_queue("jobs", Attributes::default()).await.unwrap();
    assert!(Queues::open(Some(&path)).err().unwrap().is_unavailable());
    drop(held);
    assert_eq!(Queues::open(Some(&path)).unwrap().list("").await.unwrap(), ["jobs"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_message_is_given_to_two_receivers() {
    let world = world(Attributes::default()).await;
    let senders: Vec<_> = (0..8)
        .map(|sender| {
            let queues = world.queues.clone();
            tokio::spawn(async move {
                for n in 0..25 {
                    queues
                        .send("jobs", Outgoing::new(format!("{sender}-{n}")))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let receivers: Vec<_> = (0..8)
        .map(|_| {
            let queues = world.queues.clone();
            tokio::spawn(async move {
                let mut bodies = Vec::new();
                loop {
                    let some = queues
                        .receive(
                            "jobs",
                            Receive {
                                most: 3,
                                ..Receive::default()
                            },
                        )
                        .await
                        .unwrap();
                    if some.is_empty() {
                        return bodies;
                    }
                    bodies.extend(some.into_iter().map(|message| message.body));
                }
            })
        })
        .collect();
    let mut bodies = Vec::new();
    for receiver in receivers {
        bodies.extend(receiver.await.unwrap());
    }
    assert_eq!(bodies.len(), 200);
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 200);
}
