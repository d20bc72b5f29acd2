//! Surveys: a settled matter, one mail, the page behind its link, the answer and what follows from it.

use jiff::SignedDuration;
use rapport_host::Host;
use rapport_runtime::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Caller, Tenant, eventually, unique, world};

/// A firm that asks at once, at any hour.
pub(super) async fn firm(survey: Value) -> Tenant {
    let tenant = Tenant::with(json!({"company": "Firm & <b>Sons</b>"})).await;
    tenant.patch("/v1/settings", at_once(survey)).await.expect(200);
    tenant
}

pub(super) fn at_once(more: Value) -> Value {
    let mut survey = json!({"delay_minutes": 0, "quiet_hours": null});
    if let (Some(survey), Value::Object(more)) = (survey.as_object_mut(), more) {
        survey.extend(more);
    }
    json!({ "survey": survey })
}

pub(super) async fn contact(tenant: &Tenant, more: Value) -> String {
    let mut body = json!({"name": "Ann", "email": format!("{}@customer.example", unique("ann"))});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    id(&tenant.post("/v1/contacts", body).await.expect(201))
}

pub(super) fn id(record: &Value) -> String {
    record["id"].as_str().unwrap().to_owned()
}

/// A ticket of a contact, resolved.
pub(super) async fn resolved(tenant: &Tenant, contact: &str) -> String {
    let ticket = tenant
        .post("/v1/tickets", json!({"subject": "A", "contact_id": contact}))
        .await;
    let ticket = id(&ticket.expect(201));
    let path = format!("/v1/tickets/{ticket}/resolve");
    tenant.post(&path, json!({})).await.expect(200);
    ticket
}

pub(super) async fn fulfilled(tenant: &Tenant, contact: &str, more: Value) -> Answer {
    let mut body = json!({"contact_id": contact, "currency": "USD", "status": "fulfilled",
        "lines": [{"sku": "a", "name": "A", "quantity": "1", "unit_price": "5"}]});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    tenant.post("/v1/orders", body).await
}

/// The one invitation of a contact, once it has a status.
pub(super) async fn invitation(tenant: &Tenant, contact: &str, status: &str) -> Value {
    eventually(&format!("an invitation that is {status}"), || async {
        let list = tenant
            .get(&format!("/v1/survey-invitations?contact_id={contact}"))
            .await
            .expect(200);
        let found = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["status"] == status);
        found.cloned()
    })
    .await
}

/// The mail of an invitation, unfolded, and the path of its link.
pub(super) fn mailed(outbox: &std::path::Path, invitation: &Value) -> (String, String) {
    let file = outbox.join(format!("{}.eml", invitation["id"].as_str().unwrap()));
    let mail = std::fs::read_to_string(file).unwrap();
    let header = mail.lines().find(|line| line.starts_with("List-Unsubscribe:")).unwrap();
    let url = header.split_once('<').unwrap().1.split_once("/stop>").unwrap().0;
    let path = format!("/s/{}", url.rsplit_once("/s/").unwrap().1);
    (mail, path)
}

/// The results of a survey, once so many answers and mails are counted.
pub(super) async fn results(tenant: &Tenant, survey: &str, query: &str, answered: u64, sent: u64) -> Value {
    let path = format!("/v1/surveys/{survey}/results?{query}");
    eventually(&format!("{answered} answers to {sent} mails"), || async {
        let results = tenant.get(&path).await.expect(200);
        (results["answered"] == answered && results["sent"] == sent).then_some(results)
    })
    .await
}

pub(super) async fn form(path: &str, fields: &str) -> Answer {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    Caller::anonymous()
        .send(Method::POST, path, &headers, Some(fields.as_bytes().to_vec()))
        .await
}

#[tokio::test]
async fn a_resolved_ticket_is_asked_about_once_and_a_bad_answer_opens_a_complaint() {
    let tenant = firm(json!({})).await;
    let ann = contact(&tenant, json!({})).await;
    let ticket = resolved(&tenant, &ann).await;
    let sent = invitation(&tenant, &ann, "sent").await;
    assert_eq!(
        (&sent["ticket_id"], &sent["metric"], &sent["language"]),
        (&json!(ticket), &json!("csat"), &json!("en"))
    );
    let (mail, path) = mailed(&world().outbox, &sent);
    assert!(
        mail.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click"),
        "{mail}"
    );
    // Looking records nothing.
    let page = Caller::anonymous().get(&format!("{path}?score=4")).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("value=\"4\" required checked") && page.text.contains("Firm &amp; &lt;b&gt;Sons"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("<script") && page.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(page.header("x-robots-tag"), "noindex, nofollow");
    assert_eq!(invitation(&tenant, &ann, "sent").await["version"], sent["version"]);
    // What is off the scale is asked again.
    for fields in ["score=6", "score=x", "comment=hello", ""] {
        let again = form(&path, fields).await;
        assert_eq!(again.status, 422, "{fields}");
        assert!(again.text.contains("role=\"alert\""), "{}", again.text);
    }
    let caller = Caller::anonymous();
    caller
        .post(&path, json!({"score": 9}))
        .await
        .problem(422, "validation_failed");
    caller
        .post(&path, json!({"score": 1, "evil": 1}))
        .await
        .problem(422, "validation_failed");
    let thanks = form(&path, "score=1&comment=%3Cscript%3Ealert(1)%3C%2Fscript%3E").await;
    assert_eq!(thanks.status, 200, "{}", thanks.text);
    let answered = invitation(&tenant, &ann, "answered").await;
    assert_eq!(
        (&answered["score"], &answered["comment"]),
        (&json!(1), &json!("<script>alert(1)</script>"))
    );
    // A second answer within a day replaces the first and opens no second ticket.
    assert_eq!(
        caller.post(&path, json!({"score": 2})).await.expect(200),
        json!({"status": "recorded", "score": 2})
    );
    let replaced = invitation(&tenant, &ann, "answered").await;
    assert_eq!(
        (&replaced["score"], &replaced["complaint_id"]),
        (&json!(2), &answered["complaint_id"])
    );
    assert!(replaced.get("comment").is_none() && replaced["first_answered_at"] == answered["first_answered_at"]);
    let tickets = tenant
        .get(&format!("/v1/tickets?contact_id={ann}&kind=complaint"))
        .await
        .expect(200);
    let complaints = tickets["data"].as_array().unwrap();
    assert_eq!(complaints.len(), 1);
    assert_eq!(
        (&complaints[0]["id"], &complaints[0]["channel"]),
        (&answered["complaint_id"], &json!("survey"))
    );
    // Asked not long ago: the next occasion makes none.
    resolved(&tenant, &ann).await;
    let bo = contact(&tenant, json!({})).await;
    resolved(&tenant, &bo).await;
    invitation(&tenant, &bo, "sent").await;
    let all = tenant
        .get(&format!("/v1/survey-invitations?contact_id={ann}"))
        .await
        .expect(200);
    assert_eq!(all["data"].as_array().unwrap().len(), 1);
    let survey = answered["survey_id"].as_str().unwrap();
    let results = results(&tenant, survey, "", 1, 2).await;
    assert_eq!(results["complete"], json!(true));
    assert_eq!(
        (&results["response_rate"]["value"], &results["csat"]["value"]),
        (&json!(0.5), &json!(0.0))
    );
    assert!(results["csat"]["high"].as_f64().unwrap() > 0.5, "{results}");
    // The feed and the timeline know of it.
    eventually("the answer on the timeline", || async {
        let timeline = tenant.get(&format!("/v1/contacts/{ann}/timeline")).await.expect(200);
        timeline.to_string().contains("survey.answered").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_fulfilled_order_is_asked_about_in_the_contacts_language_and_a_tenants_own_survey_comes_first() {
    let tenant = firm(json!({"template": "ces"})).await;
    let listed = tenant.get("/v1/surveys").await.expect(200);
    let metrics: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["metric"].as_str().unwrap())
        .collect();
    assert_eq!((metrics.len(), metrics.contains(&"servqual")), (6, true));
    let built_in = format!("/v1/surveys/{}", id(&listed["data"][0]));
    tenant.delete(&built_in).await.problem(409, "built_in");
    tenant.patch(&built_in, json!({"name": "Ours"})).await.expect(200);
    let own = json!({"name": "Own", "metric": "nps", "triggers": ["order.fulfilled"], "question": {"zh-CN": "您会推荐我们吗？"}});
    let own = tenant.post("/v1/surveys", own).await.expect(201);
    let path = format!("/v1/surveys/{}", id(&own));
    tenant
        .patch(&path, json!({"metric": "csat"}))
        .await
        .problem(422, "validation_failed");
    let ann = contact(&tenant, json!({"locale": "zh-CN"})).await;
    fulfilled(&tenant, &ann, json!({})).await.expect(201);
    let sent = invitation(&tenant, &ann, "sent").await;
    assert_eq!(
        (&sent["survey_id"], &sent["metric"], &sent["language"]),
        (&own["id"], &json!("nps"), &json!("zh-CN"))
    );
    let (_, link) = mailed(&world().outbox, &sent);
    let page = Caller::anonymous().get(&link).await;
    assert!(
        page.text.contains("您会推荐我们吗？") && page.text.contains("lang=\"zh-CN\""),
        "{}",
        page.text
    );
    form(&link, "score=9").await.expect(200);
    assert!(
        invitation(&tenant, &ann, "answered")
            .await
            .get("complaint_id")
            .is_none()
    );
    let results = results(&tenant, own["id"].as_str().unwrap(), "", 1, 1).await;
    assert_eq!(
        (&results["nps"]["score"]["value"], &results["nps"]["promoters"]),
        (&json!(100.0), &json!(1))
    );
    // Without it the built-in one that the settings name is sent.
    tenant.patch(&path, json!({"active": false})).await.expect(200);
    let bo = contact(&tenant, json!({})).await;
    fulfilled(&tenant, &bo, json!({})).await.expect(201);
    assert_eq!(invitation(&tenant, &bo, "sent").await["metric"], "ces");
}

#[tokio::test]
async fn who_must_not_be_asked_is_not() {
    let tenant = firm(json!({})).await;
    let refused = contact(&tenant, json!({"consent": {"email": {"status": "denied"}}})).await;
    let silent = contact(&tenant, json!({"do_not_contact": true})).await;
    let unreachable = contact(&tenant, json!({"email": null, "phone": "+14155550123"})).await;
    let past = contact(&tenant, json!({})).await;
    for contact in [&refused, &silent, &unreachable] {
        resolved(&tenant, contact).await;
    }
    fulfilled(&tenant, &past, json!({"historic": true})).await.expect(201);
    tenant
        .post("/v1/tickets", json!({"subject": "Nobody's"}))
        .await
        .expect(201);
    // The last to be made is the last to be handled, or nearly: the others had their turn.
    let asked = contact(&tenant, json!({})).await;
    resolved(&tenant, &asked).await;
    invitation(&tenant, &asked, "sent").await;
    let all = tenant.get("/v1/survey-invitations").await.expect(200);
    let whom: Vec<_> = all["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["contact_id"].clone())
        .collect();
    assert_eq!(whom, [json!(asked)]);
}

#[tokio::test]
async fn one_click_ends_such_mails() {
    let tenant = firm(json!({"min_days_between": 0})).await;
    let ann = contact(&tenant, json!({})).await;
    resolved(&tenant, &ann).await;
    let (_, path) = mailed(&world().outbox, &invitation(&tenant, &ann, "sent").await);
    let stop = format!("{path}/stop");
    let consent =
        || async { tenant.get(&format!("/v1/contacts/{ann}")).await.expect(200)["consent"]["email"]["status"].clone() };
    let asked = Caller::anonymous().get(&stop).await;
    assert!(
        asked.status == 200 && asked.text.contains("<form method=\"post\">"),
        "{}",
        asked.text
    );
    assert_eq!(consent().await, Value::Null);
    for _ in 0..2 {
        assert_eq!(form(&stop, "List-Unsubscribe=One-Click").await.status, 200);
        assert_eq!(consent().await, "denied");
    }
}

#[tokio::test]
async fn links_that_are_not_ours_say_nothing() {
    let tenant = firm(json!({})).await;
    let ann = contact(&tenant, json!({})).await;
    resolved(&tenant, &ann).await;
    let (_, path) = mailed(&world().outbox, &invitation(&tenant, &ann, "sent").await);
    let mut changed = path.clone().into_bytes();
    changed[30] = if changed[30] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    for forged in [
        changed.as_str(),
        "/s/x",
        "/s/%00",
        "/s/svi_01h455vb4pex5vsknk084sn02q",
        &format!("{path}A"),
    ] {
        for answer in [Caller::anonymous().get(forged).await, form(forged, "score=5").await] {
            assert_eq!(answer.status, 404, "{forged}");
            assert!(!answer.text.contains("Firm"), "{}", answer.text);
        }
        Caller::anonymous()
            .post(forged, json!({"score": 5}))
            .await
            .problem(404, "not_found");
    }
    let other = Tenant::new().await;
    let survey = id(&tenant.get("/v1/surveys").await.expect(200)["data"][0]);
    other
        .get(&format!("/v1/surveys/{survey}/results"))
        .await
        .problem(404, "not_found");
    other
        .get(&format!("/v1/surveys/{survey}"))
        .await
        .problem(404, "not_found");
    assert_eq!(other.get("/v1/survey-invitations").await.expect(200)["data"], json!([]));
}

/// A host of its own: setting the clock forward would let the tokens of all other tests expire.
#[tokio::test]
async fn an_invitation_waits_for_its_time_and_its_link_ends() {
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
            let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
            (
                status,
                serde_json::from_str::<Value>(&text).unwrap_or(Value::String(text)),
            )
        }
    };
    let person =
        json!({"company": "Firm", "name": "Owner", "email": "owner@firm.example", "password": tests::PASSWORD});
    let signed = call(Method::POST, "/v1/signup", "", person).await.1;
    let token = signed["access_token"].as_str().unwrap();
    call(
        Method::PATCH,
        "/v1/settings",
        token,
        at_once(json!({"delay_minutes": 120, "min_days_between": 0})),
    )
    .await;
    let scopes = json!([
        "tickets:write",
        "contacts:write",
        "surveys:read",
        "tickets:read",
        "contacts:read"
    ]);
    let key = call(
        Method::POST,
        "/v1/api-keys",
        token,
        json!({"name": "tests", "scopes": scopes}),
    )
    .await
    .1;
    let key = key["secret"].as_str().unwrap();
    let ann = call(
        Method::POST,
        "/v1/contacts",
        key,
        json!({"name": "Ann", "email": "ann@customer.example"}),
    )
    .await
    .1;
    let resolved = || async {
        let body = json!({"subject": "A", "contact_id": ann["id"]});
        let ticket = id(&call(Method::POST, "/v1/tickets", key, body).await.1);
        let (status, _) = call(Method::POST, &format!("/v1/tickets/{ticket}/resolve"), key, json!({})).await;
        assert_eq!(status, 200);
        ticket
    };
    let of = |ticket: String, status: &'static str| {
        let call = &call;
        async move {
            eventually(&format!("an invitation that is {status}"), || async {
                let list = call(
                    Method::GET,
                    &format!("/v1/survey-invitations?ticket_id={ticket}"),
                    key,
                    Value::Null,
                )
                .await
                .1;
                list["data"]
                    .as_array()?
                    .iter()
                    .find(|it| it["status"] == status)
                    .cloned()
            })
            .await
        }
    };
    let kept = resolved().await;
    let reopened = resolved().await;
    of(kept.clone(), "pending").await;
    of(reopened.clone(), "pending").await;
    call(Method::POST, &format!("/v1/tickets/{reopened}/reopen"), key, json!({})).await;
    clock.advance(SignedDuration::from_mins(121));
    let sent = of(kept.clone(), "sent").await;
    assert_eq!(of(reopened, "skipped").await["skipped"], "unsettled");
    let (_, path) = mailed(folder.path(), &sent);
    assert_eq!(call(Method::POST, &path, "", json!({"score": 5})).await.0, 200);
    clock.advance(SignedDuration::from_hours(25));
    let (status, late) = call(Method::POST, &path, "", json!({"score": 1})).await;
    assert_eq!((status, &late["code"]), (409, &json!("already_answered")));
    clock.advance(SignedDuration::from_hours(24 * 30));
    let (status, page) = call(Method::GET, &path, "", Value::Null).await;
    assert_eq!(status, 410);
    assert!(!page.as_str().unwrap().contains("Firm"), "{page}");
    let (status, late) = call(Method::POST, &path, "", json!({"score": 5})).await;
    assert_eq!((status, &late["code"]), (404, &json!("link_expired")));
    assert!(host.stop().await);
}
