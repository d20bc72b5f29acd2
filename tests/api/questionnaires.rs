//! What surveys ask: every template sent and answered in both ways, items and skip logic, reminders, and answers that are
//! none.

use futures::future::join_all;
use jiff::SignedDuration;
use rapport_host::Host;
use rapport_runtime::Clock;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tests::{Answer, Caller, Tenant, eventually, world};

use super::surveys::{at_once, contact, firm, form, id, invitation, mailed, resolved};

/// The link of a survey sent to a new contact.
async fn asked(tenant: &Tenant, more: Value) -> (String, String) {
    let contact = contact(tenant, more).await;
    resolved(tenant, &contact).await;
    let (_, link) = mailed(&world().outbox, &invitation(tenant, &contact, "sent").await);
    (contact, link)
}

/// A survey of a tenant's own, sent after tickets.
async fn survey(tenant: &Tenant, more: Value) -> String {
    let mut body = json!({"name": "Own", "metric": "csat", "triggers": ["ticket.resolved"]});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    id(&tenant.post("/v1/surveys", body).await.expect(201))
}

fn points() -> Value {
    json!({"tangibles": 10, "reliability": 40, "responsiveness": 20, "assurance": 20, "empathy": 10})
}

/// An answer to a template, as JSON, and as the fields of its form.
fn answer(metric: &str) -> (Value, String) {
    let mut answers = Map::new();
    match metric {
        "servqual" => {
            for n in 1..=22 {
                answers.insert(format!("e{n}"), json!(7));
                answers.insert(format!("p{n}"), json!(if n <= 4 { 2 } else { 6 }));
            }
            answers.insert("points".into(), points());
        }
        "servqual_short" => {
            for key in points().as_object().unwrap().keys() {
                answers.insert(key.clone(), json!(6));
            }
        }
        _ => return (json!({"score": 4}), "score=4".to_owned()),
    }
    let mut fields = vec!["comment=".to_owned()];
    for (key, value) in &answers {
        match value {
            Value::Object(parts) => fields.extend(parts.iter().map(|(part, n)| format!("q.{key}.{part}={n}"))),
            value => fields.push(format!("q.{key}={value}")),
        }
    }
    (json!({"answers": answers}), fields.join("&"))
}

#[tokio::test]
async fn every_template_is_sent_shown_and_answered_by_form_and_by_json() {
    for (metric, radios, score) in [
        ("csat", 5, 4),
        ("nps", 11, 4),
        ("ces", 7, 4),
        ("servqual", 44 * 7, 5),
        ("servqual_short", 5 * 7, 6),
        ("fault_tolerance", 7, 4),
    ] {
        let tenant = firm(json!({"template": metric})).await;
        let (ann, by_form) = asked(&tenant, json!({"locale": "zh-CN"})).await;
        let (bob, by_json) = asked(&tenant, json!({})).await;
        for (link, language) in [(&by_form, "zh-CN"), (&by_json, "en")] {
            let page = Caller::anonymous().get(link).await;
            assert_eq!(page.status, 200);
            assert_eq!(page.text.matches("type=\"radio\"").count(), radios, "{metric}");
            assert!(page.text.contains(&format!("lang=\"{language}\"")) && !page.text.contains("<script"));
        }
        let (body, fields) = answer(metric);
        form(&by_form, &fields).await.expect(200);
        let recorded = Caller::anonymous().post(&by_json, body).await.expect(200);
        assert_eq!(recorded["score"], score, "{metric}");
        for contact in [&ann, &bob] {
            let answered = invitation(&tenant, contact, "answered").await;
            assert_eq!(
                (&answered["metric"], &answered["score"]),
                (&json!(metric), &json!(score))
            );
            if metric == "servqual" {
                assert_eq!(
                    (&answered["answers"]["p22"], &answered["answers"]["points"]),
                    (&json!(6), &points())
                );
            }
        }
    }
}

#[tokio::test]
async fn items_are_asked_on_their_conditions() {
    let tenant = firm(json!({})).await;
    let items = json!([
        {"key": "again", "kind": "choice", "text": {"en": "Would you buy again?", "zh-CN": "您会再次购买吗？"}, "required": true,
         "choices": [{"key": "yes", "text": {"en": "Yes"}}, {"key": "no", "text": {"en": "No"}}]},
        {"key": "why", "kind": "text", "text": {"en": "Why not?"}, "required": true,
         "show_if": {"item": "again", "op": "eq", "value": "no"}},
        {"key": "speed", "kind": "scale", "from": 0, "to": 3, "text": {"en": "How quick were we?"},
         "show_if": {"item": "score", "op": "lte", "value": 3}},
    ]);
    // What looks ahead, or at itself, is no survey.
    for (item, on) in [(0, "why"), (1, "why"), (1, "speed"), (1, "nobody")] {
        let mut wrong = items.clone();
        wrong[item]["show_if"] = json!({"item": on, "op": "eq", "value": "no"});
        let body = json!({"name": "Wrong", "metric": "csat", "items": wrong});
        let refused = tenant.post("/v1/surveys", body).await;
        refused.problem(422, "validation_failed");
        assert!(refused.text.contains("condition_malformed"), "{}", refused.text);
    }
    survey(&tenant, json!({"items": items})).await;
    let (ann, link) = asked(&tenant, json!({})).await;
    let page = Caller::anonymous().get(&format!("{link}?score=2")).await;
    for words in [
        "1. How satisfied",
        "2. Would you buy again?",
        "Only if your answer to question 2 is “No”",
        "Only if your answer to question 1 is at most 3",
        "value=\"2\" required checked",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let caller = Caller::anonymous();
    for (body, pointer, code) in [
        (json!({"score": 2, "answers": {}}), "#/answers/again", "required"),
        (
            json!({"score": 2, "answers": {"again": "no"}}),
            "#/answers/why",
            "required",
        ),
        (
            json!({"score": 2, "answers": {"again": "maybe"}}),
            "#/answers/again",
            "not_a_choice",
        ),
        (
            json!({"score": 2, "answers": {"again": 1}}),
            "#/answers/again",
            "not_a_choice",
        ),
        (
            json!({"score": 2, "answers": {"again": "yes", "speed": 4}}),
            "#/answers/speed",
            "out_of_range",
        ),
        (
            json!({"score": 2, "answers": {"again": "yes", "speed": [1]}}),
            "#/answers/speed",
            "wrong_type",
        ),
        (
            json!({"score": 2, "answers": {"again": "yes", "evil": 1}}),
            "#/answers",
            "item_unknown",
        ),
    ] {
        let refused = caller.post(&link, body.clone()).await;
        refused.problem(422, "validation_failed");
        let first = &refused.body["errors"][0];
        assert_eq!(
            (&first["pointer"], &first["code"]),
            (&json!(pointer), &json!(code)),
            "{body}"
        );
    }
    // The form says in words what is missing and keeps what was given.
    let again = form(&link, "score=2&q.again=no&q.speed=3&comment=hello").await;
    assert_eq!(again.status, 422);
    assert!(
        again.text.contains("Please answer this.") && again.text.contains(">hello</textarea>"),
        "{}",
        again.text
    );
    assert!(again.text.contains("value=\"no\" required checked"), "{}", again.text);
    // What does not apply is dropped: the page shows it all the same.
    form(&link, "score=5&q.again=yes&q.why=because&q.speed=3")
        .await
        .expect(200);
    let answered = invitation(&tenant, &ann, "answered").await;
    assert_eq!(
        (&answered["score"], &answered["answers"]),
        (&json!(5), &json!({"again": "yes"}))
    );
    // A bad answer opens a complaint, with its reasons in the answers.
    form(&link, "score=1&q.again=no&q.why=slow&q.speed=0").await.expect(200);
    let answered = invitation(&tenant, &ann, "answered").await;
    assert_eq!(answered["answers"], json!({"again": "no", "why": "slow", "speed": 0}));
    assert!(answered["complaint_id"].is_string());
    let survey = answered["survey_id"].as_str().unwrap();
    let results = eventually("the answers to the items", || async {
        let results = super::surveys::results(&tenant, survey, "by=month", 1, 1).await;
        (results["items"] == json!({"again": {"no": 1}, "speed": {"0": 1}})).then_some(results)
    })
    .await;
    super::survey_results::numbers_are_their_rows(&tenant, &results).await;
}

#[tokio::test]
async fn answers_that_are_none_change_nothing() {
    let tenant = firm(json!({"template": "servqual"})).await;
    let (ann, link) = asked(&tenant, json!({})).await;
    let caller = Caller::anonymous();
    let (good, fields) = answer("servqual");
    let with = |key: &str, value: Value| {
        let mut answer = good.clone();
        answer["answers"][key] = value;
        answer
    };
    let long = "x".repeat(1_000_000);
    let mut missing = good.clone();
    missing["answers"].as_object_mut().unwrap().remove("e9");
    for (body, status) in [
        (missing, 422),
        (with("e1", json!(8)), 422),
        (with("e1", json!("7")), 422),
        (with("e1", json!(1e300)), 422),
        (with("points", json!({"tangibles": 101})), 422),
        (with("points", json!({"tangibles": 99})), 422),
        (with("points", json!({"tangibles": 100, "evil": 0})), 422),
        (with("points", json!([20, 20, 20, 20, 20])), 422),
        (with(&long, json!(1)), 422),
        (json!({"score": 5}), 422),
        (json!({"comment": long, "answers": good["answers"]}), 422),
        (json!({"comment": 7}), 422),
        (json!({"answers": [1]}), 422),
        (json!([]), 422),
        (json!(null), 422),
    ] {
        let refused = caller.post(&link, body).await;
        assert_eq!(refused.status, status, "{:.300}", refused.text);
        assert!(refused.text.len() < 20_000);
    }
    let huge = caller.post(&link, json!({"comment": "x".repeat(2_000_000)})).await;
    huge.problem(413, "too_large");
    // A form as long comes back with as much of it as could be taken.
    for bad in [
        format!("{fields}&comment={long}"),
        format!("{fields}&q.e1=0"),
        format!("{fields}&q.points.empathy=11"),
        format!("{fields}&q.points.empathy=%3Cscript%3E"),
        "%ff=%ff".to_owned(),
        "x".repeat(100_000),
    ] {
        let again = form(&link, &bad).await;
        assert_eq!(again.status, 422, "{:.300}", again.text);
        assert!(again.text.len() < 200_000 && !again.text.contains("<script"));
    }
    assert!(invitation(&tenant, &ann, "sent").await["score"].is_null());
    caller.post(&link, good).await.expect(200);
}

#[tokio::test]
async fn many_answers_at_once_are_one_and_open_one_complaint() {
    let tenant = firm(json!({})).await;
    let (ann, link) = asked(&tenant, json!({})).await;
    let posts = (0..12).map(|n| {
        let link = link.clone();
        async move { Caller::anonymous().post(&link, json!({"score": 1 + n % 2})).await }
    });
    let answers: Vec<Answer> = join_all(posts).await;
    assert!(
        answers.iter().all(|answer| matches!(answer.status, 200 | 409)),
        "{answers:?}"
    );
    assert!(answers.iter().any(|answer| answer.status == 200));
    let answered = invitation(&tenant, &ann, "answered").await;
    let path = format!("/v1/tickets?contact_id={ann}&kind=complaint");
    let complaints = tenant.get(&path).await.expect(200);
    assert_eq!(complaints["data"].as_array().unwrap().len(), 1);
    let survey = answered["survey_id"].as_str().unwrap();
    // The count of an answer that was replaced at once follows a moment later.
    let score = answered["score"].to_string();
    tests::eventually("the last answer alone in the results", || async {
        let results = super::surveys::results(&tenant, survey, "", 1, 1).await;
        (results["distribution"][&score] == 1).then_some(())
    })
    .await;
}

/// A host of its own: setting the clock forward would let the tokens of all other tests expire.
#[tokio::test]
async fn who_does_not_answer_is_reminded_twice_at_most_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::default();
    let host = Host::start(tests::options(folder.path(), clock.clone())).await.unwrap();
    let anybody = Caller::at(&host.url());
    let mut tenant = Tenant::of(&anybody, json!({})).await;
    tenant.patch("/v1/settings", at_once(json!({}))).await.expect(200);
    let scopes = json!([
        "tickets:write",
        "contacts:write",
        "surveys:write",
        "tickets:read",
        "contacts:read",
        "surveys:read"
    ]);
    let key = tenant
        .post("/v1/api-keys", json!({"name": "tests", "scopes": scopes}))
        .await
        .expect(201);
    let owner = tenant.owner.clone();
    tenant.owner = anybody.with_token(key["secret"].as_str().unwrap());
    let survey = survey(&tenant, json!({"reminder_days": 2, "most_reminders": 2})).await;
    let mut asked = Vec::new();
    for _ in 0..4 {
        let contact = contact(&tenant, json!({})).await;
        resolved(&tenant, &contact).await;
        let sent = invitation(&tenant, &contact, "sent").await;
        let (_, link) = mailed(folder.path(), &sent);
        asked.push((contact, id(&sent), link));
    }
    let reminders = |n: usize| {
        let path = format!("/v1/survey-invitations/{}", asked[n].1);
        let caller = tenant.owner.clone();
        async move { caller.get(&path).await.expect(200) }
    };
    let reminded = |n: usize, times: u64| {
        let reminders = &reminders;
        async move {
            eventually(&format!("reminder {times}"), || async {
                let now = reminders(n).await;
                (now["reminders"] == times).then_some(now)
            })
            .await
        }
    };
    let mail = |n: usize, nth: u8| folder.path().join(format!("{}-{nth}.eml", asked[n].1));
    // The second answers, the third wants no more mails.
    anybody.post(&asked[1].2, json!({"score": 5})).await.expect(200);
    let stop = [("content-type", "application/x-www-form-urlencoded")];
    let stopped = anybody
        .send(
            Method::POST,
            &format!("{}/stop", asked[2].2),
            &stop,
            Some(b"List-Unsubscribe=One-Click".to_vec()),
        )
        .await;
    assert_eq!(stopped.status, 200);
    // At the hour of the first reminder it is night until two hours later.
    let night = clock.now().in_tz("UTC").unwrap();
    let hour = |hours: i64| {
        (night.clone() + SignedDuration::from_hours(hours))
            .strftime("%H:%M")
            .to_string()
    };
    let quiet = json!({"survey": {"quiet_hours": {"from": hour(-1), "to": hour(2)}}});
    owner.patch("/v1/settings", quiet).await.expect(200);
    clock.advance(SignedDuration::from_hours(48) + SignedDuration::from_mins(2));
    // Nothing goes out at night: when it does, the clock shows so.
    clock.advance(SignedDuration::from_hours(2));
    for n in [0, 3] {
        let first = reminded(n, 1).await;
        let at: jiff::Timestamp = first["reminded_at"].as_str().unwrap().parse().unwrap();
        assert!(at >= night.timestamp() + SignedDuration::from_hours(49), "{first}");
        let text = std::fs::read_to_string(mail(n, 1)).unwrap();
        assert!(text.contains("A reminder: How did we do?"), "{text}");
    }
    // The fourth answers by the same link after all.
    anybody.post(&asked[3].2, json!({"score": 4})).await.expect(200);
    clock.advance(SignedDuration::from_hours(49));
    reminded(0, 2).await;
    clock.advance(SignedDuration::from_hours(24 * 5));
    // Whoever is asked now had no turn before the others.
    let last = contact(&tenant, json!({})).await;
    resolved(&tenant, &last).await;
    invitation(&tenant, &last, "sent").await;
    for (n, times) in [(0, 2), (1, 0), (2, 0), (3, 1)] {
        assert_eq!(reminders(n).await["reminders"], times, "{n}");
        for nth in 1..=3 {
            assert_eq!(mail(n, nth).exists(), u64::from(nth) <= times, "{n} {nth}");
        }
    }
    let results = super::surveys::results(&tenant, &survey, "", 2, 5).await;
    assert_eq!(results["response_rate"]["value"], 0.4);
    // A month later somebody is less content.
    clock.advance(SignedDuration::from_hours(24 * 40));
    let later = contact(&tenant, json!({})).await;
    resolved(&tenant, &later).await;
    let (_, link) = mailed(folder.path(), &invitation(&tenant, &later, "sent").await);
    anybody.post(&link, json!({"score": 1})).await.expect(200);
    let results = super::surveys::results(&tenant, &survey, "by=month", 3, 6).await;
    let groups = results["groups"].as_array().unwrap();
    let sum = |field: &str| groups.iter().map(|group| group[field].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("answered"), sum("sent")), (3, 6), "{results}");
    let latest = groups.last().unwrap();
    assert_eq!(
        (&latest["score"]["value"], &latest["change"]["value"]),
        (&json!(0.0), &json!(-1.0))
    );
    assert!(results["trend"]["slope"]["value"].as_f64() < Some(0.0), "{results}");
    assert!(host.stop().await);
}

#[tokio::test]
async fn a_survey_takes_its_own_sample() {
    let tenant = firm(json!({"sample_rate": 0})).await;
    survey(&tenant, json!({"sample_rate": 1})).await;
    let (ann, _) = asked(&tenant, json!({})).await;
    invitation(&tenant, &ann, "sent").await;
    survey(&tenant, json!({"sample_rate": 0})).await;
    let bob = contact(&tenant, json!({})).await;
    resolved(&tenant, &bob).await;
    // The newest comes first and asks nobody; the one after it is asked by an order.
    tenant
        .post(
            "/v1/surveys",
            json!({"name": "Orders", "metric": "nps", "triggers": ["order.fulfilled"], "sample_rate": 1}),
        )
        .await
        .expect(201);
    let cat = contact(&tenant, json!({})).await;
    super::surveys::fulfilled(&tenant, &cat, json!({})).await.expect(201);
    invitation(&tenant, &cat, "sent").await;
    let path = format!("/v1/survey-invitations?contact_id={bob}");
    assert_eq!(tenant.get(&path).await.expect(200)["data"], json!([]));
}
