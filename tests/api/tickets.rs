//! Tickets: the flow, the conversation, lists, and deadlines that pass.

use std::collections::BTreeSet;

use futures::future::join_all;
use jiff::SignedDuration;
use rapport_host::Host;
use rapport_runtime::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Tenant, eventually};

/// A firm that works round the clock, and a ticket of it.
async fn firm() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.patch("/v1/settings", always()).await.expect(200);
    tenant
}

pub fn always() -> Value {
    let day = json!([["00:00", "24:00"]]);
    json!({"working_hours": {"mon": day, "tue": day, "wed": day, "thu": day, "fri": day, "sat": day, "sun": day}})
}

async fn opened(tenant: &Tenant, fields: Value) -> (Value, String) {
    let ticket = tenant.post("/v1/tickets", fields).await.expect(201);
    let path = format!("/v1/tickets/{}", ticket["id"].as_str().unwrap());
    (ticket, path)
}

#[tokio::test]
async fn a_ticket_flows_from_new_to_closed() {
    let tenant = firm().await;
    let (ticket, path) = opened(&tenant, json!({"subject": "It is broken", "priority": "urgent"})).await;
    assert_eq!(
        (&ticket["number"], &ticket["status"], &ticket["message_count"]),
        (&json!(1), &json!("new"), &json!(0))
    );
    assert_eq!(ticket["due_at"], ticket["first_response_due_at"]);
    let (second, _) = opened(&tenant, json!({"subject": "Another"})).await;
    assert_eq!(second["number"], 2);
    let messages = format!("{path}/messages");
    tenant
        .post(&messages, json!({"body": "A note", "internal": true}))
        .await
        .expect(201);
    let said = tenant
        .post(&messages, json!({"body": "We look at it"}))
        .await
        .expect(201);
    assert_eq!((&said["from"], &said["ticket_id"]), (&json!("agent"), &ticket["id"]));
    let open = tenant.get(&path).await.expect(200);
    assert_eq!(
        (&open["status"], &open["message_count"], &open["note_count"]),
        (&json!("open"), &json!(1), &json!(1))
    );
    assert_eq!(
        (&open["first_responded_at"], &open["due_at"]),
        (&said["created_at"], &open["resolution_due_at"])
    );
    let waiting = tenant.patch(&path, json!({"status": "waiting"})).await.expect(200);
    assert!(waiting.get("due_at").is_none() && waiting.get("clock_stopped_at").is_some());
    tenant
        .post(&messages, json!({"body": "Still broken", "from": "customer"}))
        .await
        .expect(201);
    let back = tenant.get(&path).await.expect(200);
    assert_eq!(
        (&back["status"], &back["due_at"]),
        (&json!("open"), &back["resolution_due_at"])
    );
    let resolved = tenant
        .post(&format!("{path}/resolve"), json!({"note": "Mended"}))
        .await
        .expect(200);
    assert_eq!(
        (&resolved["status"], &resolved["resolution_note"]),
        (&json!("resolved"), &json!("Mended"))
    );
    tenant
        .post(&format!("{path}/resolve"), json!({}))
        .await
        .problem(409, "transition_not_allowed");
    tenant
        .post(&messages, json!({"body": "Broken again", "from": "customer"}))
        .await
        .expect(201);
    assert_eq!(tenant.get(&path).await.expect(200)["reopen_count"], 1);
    tenant
        .post(&format!("{path}/reopen"), json!({}))
        .await
        .problem(409, "transition_not_allowed");
    assert_eq!(
        tenant.post(&format!("{path}/escalate"), json!({})).await.expect(200)["escalation_level"],
        1
    );
    tenant
        .send(Method::POST, &format!("{path}/close"), &[], None)
        .await
        .expect(200);
    for (step, body) in [
        ("resolve", json!({})),
        ("reopen", json!({})),
        ("close", json!({})),
        ("escalate", json!({})),
        ("messages", json!({"body": "x"})),
    ] {
        tenant
            .post(&format!("{path}/{step}"), body)
            .await
            .problem(409, "transition_not_allowed");
    }
    tenant
        .patch(&path, json!({"status": "open"}))
        .await
        .problem(422, "validation_failed");

    let page = tenant.get(&format!("{messages}?limit=3")).await.expect(200);
    let bodies: Vec<&str> = page["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["body"].as_str().unwrap())
        .collect();
    assert_eq!(bodies, ["Broken again", "Still broken", "We look at it"]);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = tenant
        .get(&format!("{messages}?limit=3&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(
        (rest["data"].as_array().unwrap().len(), &rest["has_more"]),
        (1, &json!(false))
    );
    tenant
        .get(&format!("{messages}?cursor=x{cursor}"))
        .await
        .problem(400, "cursor_invalid");
}

#[tokio::test]
async fn the_feed_tells_what_happened_to_a_ticket() {
    let tenant = firm().await;
    let (_, path) = opened(&tenant, json!({"subject": "A"})).await;
    tenant
        .post(&format!("{path}/messages"), json!({"body": "Hello"}))
        .await
        .expect(201);
    tenant.post(&format!("{path}/resolve"), json!({})).await.expect(200);
    tenant.post(&format!("{path}/reopen"), json!({})).await.expect(200);
    tenant.post(&format!("{path}/escalate"), json!({})).await.expect(200);
    let history = eventually("the ticket's history", || async {
        let history = tenant.get(&format!("{path}/history")).await;
        Some(history.body).filter(|body| body["data"].as_array().is_some_and(|data| data.len() == 5))
    })
    .await
    .to_string();
    for event in [
        "ticket.opened",
        "ticket.replied",
        "ticket.resolved",
        "ticket.reopened",
        "ticket.escalated",
    ] {
        assert!(history.contains(event), "{event} {history}");
    }
}

#[tokio::test]
async fn lists_of_tickets_answer_what_an_agent_asks() {
    let tenant = firm().await;
    let contact = tenant.post("/v1/contacts", json!({"name": "Ann"})).await.expect(201);
    let (_, urgent) = opened(
        &tenant,
        json!({"subject": "A", "priority": "urgent", "assignee_id": tenant.user}),
    )
    .await;
    opened(
        &tenant,
        json!({"subject": "B", "priority": "low", "assignee_id": tenant.user, "contact_id": contact["id"]}),
    )
    .await;
    opened(
        &tenant,
        json!({"subject": "C", "kind": "fault", "channel": "phone", "status": "open"}),
    )
    .await;
    let (_, waiting) = opened(&tenant, json!({"subject": "D", "assignee_id": tenant.user})).await;
    tenant.patch(&waiting, json!({"status": "waiting"})).await.expect(200);
    let soon = tenant.get(&urgent).await.expect(200)["resolution_due_at"]
        .as_str()
        .unwrap()
        .to_owned();
    let me = &tenant.user;
    let them = contact["id"].as_str().unwrap();
    for (query, expected) in [
        (format!("assignee_id={me}"), &["A", "B", "D"][..]),
        (format!("assignee_id={me}&due_before={soon}"), &["A"]),
        (format!("assignee_id={me}&due_before=2020-01-01"), &[]),
        (format!("assignee_id={me}&status=waiting"), &["D"]),
        ("status=new".to_owned(), &["A", "B"]),
        ("status=open&kind=fault".to_owned(), &["C"]),
        (format!("contact_id={them}"), &["B"]),
        (format!("contact_id={them}&status=resolved"), &[]),
        ("priority=urgent".to_owned(), &["A"]),
        ("channel=phone".to_owned(), &["C"]),
        ("number=3".to_owned(), &["C"]),
        ("breached=resolution".to_owned(), &[]),
    ] {
        let page = tenant.get(&format!("/v1/tickets?{query}")).await.expect(200);
        let found: BTreeSet<&str> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|ticket| ticket["subject"].as_str().unwrap())
            .collect();
        assert_eq!(found, expected.iter().copied().collect(), "{query}");
    }
    tenant.get("/v1/tickets?status=lost").await.problem(400, "malformed");
    let expanded = tenant.get(&format!("{urgent}?expand=assignee")).await.expect(200);
    assert_eq!(expanded["assignee"]["id"], json!(me));
}

#[tokio::test]
async fn a_ticket_names_only_what_is_there_and_takes_its_contacts_company() {
    let (tenant, other) = (firm().await, firm().await);
    let company = tenant.post("/v1/companies", json!({"name": "Acme"})).await.expect(201);
    let contact = tenant
        .post("/v1/contacts", json!({"name": "Ann", "company_id": company["id"]}))
        .await
        .expect(201);
    let (ticket, path) = opened(&tenant, json!({"subject": "A", "contact_id": contact["id"]})).await;
    assert_eq!(ticket["company_id"], company["id"]);
    let theirs = other.post("/v1/contacts", json!({"name": "Ann"})).await.expect(201);
    for body in [
        json!({"contact_id": theirs["id"]}),
        json!({"company_id": "com_01h455vb4pex5vsknk084sn02q"}),
        json!({"order_id": "ord_01h455vb4pex5vsknk084sn02q"}),
    ] {
        let refused = tenant.patch(&path, body.clone()).await;
        assert_eq!(
            refused.problem(422, "validation_failed").body["errors"][0]["code"],
            "reference_missing",
            "{body}"
        );
    }
    for (verb, place) in [
        (Method::GET, path.clone()),
        (Method::GET, format!("{path}/messages")),
        (Method::POST, format!("{path}/close")),
    ] {
        other.send(verb, &place, &[], None).await.problem(404, "not_found");
    }
    other
        .post(&format!("{path}/messages"), json!({"body": "x"}))
        .await
        .problem(404, "not_found");
}

#[tokio::test]
async fn what_is_wrong_with_a_ticket_is_said() {
    let tenant = firm().await;
    let (_, path) = opened(&tenant, json!({"subject": "A"})).await;
    for (place, body, code) in [
        ("", json!({}), "required"),
        ("", json!({"subject": "A", "number": 7}), "field_unknown"),
        ("", json!({"subject": "A", "priority": "huge"}), "wrong_type"),
        ("", json!({"subject": "A", "status": "resolved"}), "not_allowed"),
        ("", json!({"subject": "x".repeat(301)}), "too_long"),
        ("/messages", json!({"body": ""}), "required"),
        ("/messages", json!({}), "required"),
        ("/messages", json!(["text"]), "wrong_type"),
        (
            "/messages",
            json!({"body": "a", "internal": true, "from": "customer"}),
            "not_allowed",
        ),
        ("/resolve", json!({"solution_id": "x"}), "id_malformed"),
        ("/resolve", json!({"other": 1}), "field_unknown"),
        ("/close", json!({"other": 1}), "field_unknown"),
        ("/reopen", json!([]), "wrong_type"),
    ] {
        let at = if place.is_empty() {
            "/v1/tickets".to_owned()
        } else {
            format!("{path}{place}")
        };
        let refused = tenant.post(&at, body.clone()).await;
        assert_eq!(
            refused.problem(422, "validation_failed").body["errors"][0]["code"],
            code,
            "{at} {body}"
        );
    }
    for id in [
        "tkt_01h455vb4pex5vsknk084sn02q",
        "tkt_1",
        "lead_01h455vb4pex5vsknk084sn02q",
    ] {
        for step in ["resolve", "close", "reopen", "escalate"] {
            tenant
                .post(&format!("/v1/tickets/{id}/{step}"), json!({}))
                .await
                .problem(404, "not_found");
        }
        tenant
            .post(&format!("/v1/tickets/{id}/messages"), json!({"body": "a"}))
            .await
            .problem(404, "not_found");
        tenant
            .get(&format!("/v1/tickets/{id}/messages"))
            .await
            .problem(404, "not_found");
    }
    tenant
        .json(
            Method::POST,
            &format!("{path}/close"),
            &[("if-match", "\"9\"")],
            json!({}),
        )
        .await
        .problem(412, "precondition_failed");
}

#[tokio::test]
async fn messages_at_once_are_all_kept_and_a_key_answers_once() {
    let tenant = firm().await;
    let (_, path) = opened(&tenant, json!({"subject": "A"})).await;
    let messages = format!("{path}/messages");
    let sent = (0..5).map(|n| tenant.post(&messages, json!({"body": format!("{n}")})));
    for answer in join_all(sent).await {
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let same = (0..10).map(|_| {
        tenant.json(
            Method::POST,
            &messages,
            &[("idempotency-key", "k")],
            json!({"body": "once"}),
        )
    });
    let ids: BTreeSet<String> = join_all(same)
        .await
        .into_iter()
        .map(|answer| answer.expect(201)["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(tenant.get(&path).await.expect(200)["message_count"], 6);
    assert_eq!(
        tenant.get(&messages).await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        6
    );
}

/// A host of its own: setting the clock forward would let the tokens of all other tests expire.
#[tokio::test]
async fn deadlines_that_pass_break_and_escalate_once() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let host = Host::start(tests::options(folder.path(), clock.clone())).await.unwrap();
    let http = reqwest::Client::new();
    let url = host.url();
    let call = |method: Method, path: &str, token: &str, body: Value| {
        let mut request = http.request(method, format!("{url}{path}")).json(&body);
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        async move {
            let answer = request.send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{status} {text}");
            serde_json::from_str::<Value>(&text).unwrap_or(Value::Null)
        }
    };
    let person =
        json!({"company": "Firm", "name": "Owner", "email": "owner@firm.example", "password": tests::PASSWORD});
    let signed = call(Method::POST, "/v1/signup", "", person).await;
    let token = signed["access_token"].as_str().unwrap();
    call(Method::PATCH, "/v1/settings", token, always()).await;
    let key = call(
        Method::POST,
        "/v1/api-keys",
        token,
        json!({"name": "tests", "scopes": ["tickets:write"]}),
    )
    .await;
    let key = key["secret"].as_str().unwrap();
    let open = |priority: &'static str| {
        call(
            Method::POST,
            "/v1/tickets",
            key,
            json!({"subject": "A", "priority": priority}),
        )
    };
    let place = |ticket: &Value| format!("/v1/tickets/{}", ticket["id"].as_str().unwrap());
    let broken = place(&open("urgent").await);
    let answered = place(&open("urgent").await);
    let waiting = place(&open("urgent").await);
    call(
        Method::POST,
        &format!("{answered}/messages"),
        key,
        json!({"body": "Hello"}),
    )
    .await;
    call(Method::PATCH, &waiting, key, json!({"status": "waiting"})).await;
    clock.advance(SignedDuration::from_mins(62));
    let ticket = eventually("the broken first response", || async {
        let ticket = call(Method::GET, &broken, key, Value::Null).await;
        Some(ticket).filter(|ticket| ticket["breached"] == json!(["first_response"]))
    })
    .await;
    assert_eq!(ticket["escalation_level"], 1);
    clock.advance(SignedDuration::from_mins(190));
    eventually("the broken resolution", || async {
        let ticket = call(Method::GET, &answered, key, Value::Null).await;
        Some(ticket).filter(|ticket| ticket["breached"] == json!(["resolution"]))
    })
    .await;
    let ticket = eventually("both broken", || async {
        let ticket = call(Method::GET, &broken, key, Value::Null).await;
        Some(ticket).filter(|ticket| ticket["breached"] == json!(["first_response", "resolution"]))
    })
    .await;
    assert_eq!(ticket["escalation_level"], 2);
    let idle = call(Method::GET, &waiting, key, Value::Null).await;
    assert_eq!((&idle["breached"], &idle["escalation_level"]), (&json!([]), &json!(0)));
    let due = clock.now().to_string();
    let overdue = call(Method::GET, &format!("/v1/tickets?due_before={due}"), key, Value::Null).await;
    assert_eq!(overdue["data"].as_array().unwrap().len(), 2);
    assert!(host.stop().await);
}
