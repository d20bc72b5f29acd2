//! What answers amount to: by month, week, segment, agent, product and language, with the rows behind every number; what
//! respondents wrote; tables for spreadsheets.

use std::collections::BTreeSet;

use futures::future::join_all;
use rapport_domain::{Prefix, RecordId, TenantId};
use rapport_store::{Item, Store, TableNames};
use serde_json::{Value, json};
use tests::{Answer, Caller, Tenant, eventually, world};

use super::account::World;
use super::surveys::{at_once, contact, firm, form, fulfilled, id, invitation, mailed, resolved, results};

/// The ids behind a link, through all its pages.
async fn rows(tenant: &Tenant, link: &Value) -> BTreeSet<String> {
    let link = link.as_str().unwrap();
    let mut found = BTreeSet::new();
    let mut path = link.to_owned();
    loop {
        let page = tenant.get(&path).await.expect(200);
        found.extend(page["data"].as_array().unwrap().iter().map(id));
        match page["next_cursor"].as_str() {
            Some(next) => path = format!("{link}&cursor={next}"),
            None => return found,
        }
    }
}

/// Walks every number of some results and compares it with the rows behind it.
pub(super) async fn numbers_are_their_rows(tenant: &Tenant, results: &Value) {
    let groups = results["groups"].as_array().unwrap().iter();
    for group in groups.chain([results]) {
        for name in ["answered", "invitations", "pending", "skipped", "sent"] {
            let rows = rows(tenant, &group["rows"][name]).await;
            assert_eq!(group[name], rows.len(), "{name} of {group}");
        }
        for (score, count) in group["distribution"].as_object().unwrap() {
            let link = json!(format!("{}&score={score}", group["rows"]["answered"].as_str().unwrap()));
            assert_eq!(*count, rows(tenant, &link).await.len(), "{score} of {group}");
        }
        for (item, answers) in group["items"].as_object().into_iter().flatten() {
            for (answer, count) in answers.as_object().unwrap() {
                let link = format!("{}&answer={item}:{answer}", group["rows"]["answered"].as_str().unwrap());
                assert_eq!(
                    *count,
                    rows(tenant, &json!(link)).await.len(),
                    "{item} {answer} of {group}"
                );
            }
        }
    }
}

async fn answer(tenant: &Tenant, contact: &str, fields: &str) {
    let (_, link) = mailed(&world().outbox, &invitation(tenant, contact, "sent").await);
    form(&link, fields).await.expect(200);
}

fn keys(results: &Value) -> Vec<(String, u64)> {
    let groups = results["groups"].as_array().unwrap();
    groups
        .iter()
        .map(|group| {
            (
                group["key"].as_str().unwrap().to_owned(),
                group["answered"].as_u64().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn tickets_are_counted_by_agent_language_month_and_week() {
    let tenant = firm(json!({})).await;
    let mut contacts = Vec::new();
    for (locale, agent) in [
        ("en", true),
        ("en", true),
        ("zh-CN", true),
        ("zh-CN", false),
        ("en", false),
    ] {
        let contact = contact(&tenant, json!({"locale": locale})).await;
        let mut ticket = json!({"subject": "A", "contact_id": contact});
        if agent {
            ticket["assignee_id"] = json!(tenant.user);
        }
        let ticket = id(&tenant.post("/v1/tickets", ticket).await.expect(201));
        tenant
            .post(&format!("/v1/tickets/{ticket}/resolve"), json!({}))
            .await
            .expect(200);
        contacts.push(contact);
    }
    for (contact, score) in contacts.iter().zip([5, 4, 1, 3]) {
        answer(&tenant, contact, &format!("score={score}&comment=c{score}")).await;
    }
    let last = invitation(&tenant, &contacts[4], "sent").await;
    let survey = last["survey_id"].as_str().unwrap().to_owned();
    assert_eq!((&last["agent_id"], &last["due_on"].is_string()), (&Value::Null, &true));
    let all = results(&tenant, &survey, "", 4, 5).await;
    assert_eq!(
        (
            &all["score"]["value"],
            &all["score"]["n"],
            &all["response_rate"]["value"]
        ),
        (&json!(0.5), &json!(4), &json!(0.8))
    );
    assert_eq!(all["distribution"], json!({"1": 1, "2": 0, "3": 1, "4": 1, "5": 1}));
    let today = all["as_of"].as_str().unwrap()[..10].to_owned();
    for (by, expected) in [
        ("agent", vec![(tenant.user.clone(), 3), ("none".to_owned(), 1)]),
        ("language", vec![("en".to_owned(), 2), ("zh-CN".to_owned(), 2)]),
        ("segment", vec![("none".to_owned(), 4)]),
        ("product", vec![("none".to_owned(), 4)]),
        ("month", vec![(today[..7].to_owned(), 4)]),
    ] {
        let grouped = results(&tenant, &survey, &format!("by={by}&from={today}&to={today}"), 4, 5).await;
        assert_eq!(keys(&grouped), expected, "{by}");
        numbers_are_their_rows(&tenant, &grouped).await;
    }
    let weekly = results(&tenant, &survey, "by=week", 4, 5).await;
    assert!(weekly["groups"][0]["key"].as_str().unwrap().contains("-W"), "{weekly}");
    // Of other days there is nothing, and nothing is no number.
    let path = format!("/v1/surveys/{survey}/results");
    let none = tenant.get(&format!("{path}?to=2001-01-01&by=month")).await.expect(200);
    assert_eq!((&none["answered"], &none["groups"]), (&json!(0), &json!([])));
    assert!(none.get("score").is_none() && none.get("response_rate").is_none());
    let ages = format!("{path}?from=0001-01-01&to=9999-12-31&by=week");
    tenant.get(&ages).await.expect(200);
    for query in [
        "from=x",
        "from=2026-02-30",
        "from=2026-02-02&to=2026-02-01",
        "by=weather",
        "format=xls",
        "by=month&by=week",
    ] {
        assert_eq!(tenant.get(&format!("{path}?{query}")).await.status, 400, "{query}");
    }
    assert_eq!(tenant.get(&format!("{path}?since=2026-02-01")).await.status, 400);
    // A replaced answer is counted once, by what it says now.
    let (_, link) = mailed(&world().outbox, &last);
    form(&link, "score=1").await.expect(200);
    form(&link, "score=5").await.expect(200);
    let replaced = eventually("the replaced answer", || async {
        let all = results(&tenant, &survey, "", 5, 5).await;
        (all["distribution"]["5"] == 2).then_some(all)
    })
    .await;
    assert_eq!(replaced["distribution"]["1"], 1);
}

#[tokio::test]
async fn answers_that_come_together_are_all_counted() {
    let tenant = firm(json!({})).await;
    let tenant = &tenant;
    let answers = (0..40).map(|n| async move {
        let contact = contact(tenant, json!({})).await;
        resolved(tenant, &contact).await;
        answer(tenant, &contact, &format!("score={}", 1 + n % 5)).await;
        // Every fourth thinks better of it.
        if n % 4 == 0 {
            let (_, link) = mailed(&world().outbox, &invitation(tenant, &contact, "answered").await);
            form(&link, "score=5").await.expect(200);
        }
        contact
    });
    let contacts = join_all(answers).await;
    let survey = invitation(tenant, &contacts[0], "answered").await["survey_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let expected = (0..40).filter(|n| n % 4 == 0 || n % 5 == 4).count();
    let counted = eventually("all answers", || async {
        let all = results(tenant, &survey, "by=language", 40, 40).await;
        (all["distribution"]["5"] == expected).then_some(all)
    })
    .await;
    numbers_are_their_rows(tenant, &counted).await;
}

#[tokio::test]
async fn who_counts_a_day_that_is_as_before_makes_late_counts_of_it_fail() {
    let here = World::new().await;
    let tenant = Tenant::of(&here.anybody, json!({})).await;
    tenant.patch("/v1/settings", at_once(json!({}))).await.expect(200);
    let ann = contact(&tenant, json!({})).await;
    resolved(&tenant, &ann).await;
    let sent = invitation(&tenant, &ann, "sent").await;
    let day = async || {
        let items = here.client().scan().table_name("SurveysTable").send().await.unwrap();
        let mut items = items.items.unwrap_or_default().into_iter();
        items.find(|item| item.contains_key("digest"))
    };
    eventually("the day's counts", || async { day().await }).await;
    let tables = |name: &str| (name == "TABLE_SURVEYS").then(|| "SurveysTable".to_owned());
    let store = Store::new(here.client(), TableNames::read(tables), &[0; 32]);
    let (firm, sent) = (
        TenantId::parse(&tenant.id).unwrap(),
        RecordId::parse(Prefix::SurveyInvitation, &id(&sent)).unwrap(),
    );
    let number = |item: &Item| rapport_store::number_of::<u64>(item, "v").unwrap();
    // The host's own worker may still be at it; nobody counts in between here.
    let before = eventually("quiet", || async {
        let first = day().await?;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        (day().await? == first).then_some(first)
    })
    .await;
    store.count_invitation(firm, sent).await.unwrap();
    let mut after = day().await.unwrap();
    assert_eq!(number(&after), number(&before) + 1);
    after.insert("v".to_owned(), before["v"].clone());
    assert_eq!(after, before);
}

#[tokio::test]
async fn orders_are_counted_by_product_and_segment() {
    let tenant = firm(json!({"min_days_between": 0})).await;
    let body = json!({"name": "After orders", "metric": "nps", "triggers": ["order.fulfilled"]});
    let survey = id(&tenant.post("/v1/surveys", body).await.expect(201));
    let mut products = Vec::new();
    for sku in ["a", "b"] {
        let body = json!({"sku": sku, "name": sku, "price": {"amount": "5.00", "currency": "USD"}});
        products.push(id(&tenant.post("/v1/products", body).await.expect(201)));
    }
    let (ann, bob) = (contact(&tenant, json!({})).await, contact(&tenant, json!({})).await);
    // Ann bought before and stands in a segment.
    for day in ["2026-01-05", "2026-02-05", "2026-03-05"] {
        let order = json!({"contact_id": ann, "placed_on": day, "historic": true,
            "lines": [{"name": "Goods", "quantity": "1", "unit_price": "50"}],
            "payments": [{"amount": "50", "method": "card", "received_on": day}]});
        tenant.post("/v1/orders", order).await.expect(201);
    }
    let score = format!("/v1/contacts/{ann}/score");
    eventually("three purchases", || async {
        (tenant.get(&score).await.expect(200)["rfm"]["frequency"] == 3).then_some(())
    })
    .await;
    tenant.post("/v1/segments/recompute", json!({})).await.expect(202);
    let segment = eventually("a segment", || async {
        let score = tenant.get(&score).await.expect(200);
        score["rfm"]["segment"].as_str().map(str::to_owned)
    })
    .await;
    let line = |product: &String| json!({"product_id": product, "quantity": "1"});
    let both = json!({"lines": [line(&products[0]), line(&products[1]), line(&products[0])]});
    fulfilled(&tenant, &ann, both).await.expect(201);
    fulfilled(&tenant, &bob, json!({"lines": [line(&products[0])]}))
        .await
        .expect(201);
    answer(&tenant, &ann, "score=9").await;
    answer(&tenant, &bob, "score=3").await;
    let by_product = results(&tenant, &survey, "by=product", 2, 2).await;
    assert_eq!(keys(&by_product), [(products[0].clone(), 2), (products[1].clone(), 1)]);
    assert_eq!(by_product["groups"][1]["score"]["value"], 100.0);
    numbers_are_their_rows(&tenant, &by_product).await;
    let by_segment = results(&tenant, &survey, "by=segment", 2, 2).await;
    let mut expected = vec![(segment, 1), ("none".to_owned(), 1)];
    expected.sort();
    assert_eq!(keys(&by_segment), expected);
    numbers_are_their_rows(&tenant, &by_segment).await;
}

#[tokio::test]
async fn service_quality_is_told_by_dimension() {
    let tenant = firm(json!({"template": "servqual"})).await;
    let mut survey = String::new();
    for (perceived, share) in [(5, 40), (3, 20)] {
        let contact = contact(&tenant, json!({})).await;
        resolved(&tenant, &contact).await;
        let mut fields: Vec<String> = (1..=22).map(|n| format!("q.e{n}=6")).collect();
        // Tangibles are as expected, the others are not.
        fields.extend((1..=22).map(|n| format!("q.p{n}={}", if n <= 4 { 6 } else { perceived })));
        fields.push(format!(
            "q.points.tangibles={share}&q.points.reliability={}",
            100 - share
        ));
        answer(&tenant, &contact, &fields.join("&")).await;
        survey = invitation(&tenant, &contact, "answered").await["survey_id"]
            .as_str()
            .unwrap()
            .to_owned();
    }
    let all = results(&tenant, &survey, "by=month", 2, 2).await;
    for (dimension, expectation, perception, gap, weight, weighted) in [
        ("tangibles", 6.0, 6.0, 0.0, 30.0, 0.0),
        ("reliability", 6.0, 4.0, -2.0, 70.0, -1.5),
        ("empathy", 6.0, 4.0, -2.0, 0.0, 0.0),
    ] {
        let got = &all["servqual"]["dimensions"][dimension];
        for (name, value) in [
            ("expectation", expectation),
            ("perception", perception),
            ("gap", gap),
            ("weight", weight),
            ("weighted_gap", weighted),
        ] {
            assert_eq!(got[name]["value"], value, "{dimension} {name}");
            assert!(got[name]["low"].as_f64() <= got[name]["high"].as_f64());
        }
    }
    // Gaps of −1 and −3 weighted 60 and 80 of 100: −0.6 and −2.4.
    assert_eq!(
        (&all["score"]["value"], &all["servqual"]["gap"]["value"]),
        (&json!(-1.5), &json!(-1.6))
    );
    assert_eq!(all["groups"][0]["servqual"], all["servqual"]);
    let csv = tenant.get(&format!("/v1/surveys/{survey}/results?format=csv")).await;
    assert!(
        csv.text.contains("reliability_weighted_gap") && csv.text.contains(",-2,70,-1.5,"),
        "{}",
        csv.text
    );
}

fn table(answer: &Answer) -> Vec<Vec<String>> {
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "text/csv; charset=utf-8")
    );
    let text = answer
        .text
        .strip_prefix('\u{feff}')
        .unwrap_or_else(|| panic!("no mark: {}", answer.text));
    let rows = text.trim_end().split("\r\n");
    rows.map(|row| row.split(',').map(str::to_owned).collect()).collect()
}

#[tokio::test]
async fn words_are_listed_and_tables_hold_no_formulas() {
    let tenant = firm(json!({"min_days_between": 0})).await;
    let items = json!([
        {"key": "wish", "kind": "text", "text": {"en": "A wish?"}},
        {"key": "split", "kind": "split", "text": {"en": "S"}, "choices": [
            {"key": "a", "text": {"en": "A"}}, {"key": "b", "text": {"en": "B"}}]}]);
    let body = json!({"name": "Own", "metric": "csat", "triggers": ["ticket.resolved"], "items": items});
    let survey = id(&tenant.post("/v1/surveys", body).await.expect(201));
    for fields in [
        "score=1&comment=%3DHYPERLINK(1)&q.split.a=70&q.split.b=30",
        "score=4",
        "score=2&q.wish=%2B1",
        "score=5&comment=%3Cb%3Ekind%3C%2Fb%3E",
    ] {
        let contact = contact(&tenant, json!({})).await;
        resolved(&tenant, &contact).await;
        answer(&tenant, &contact, fields).await;
    }
    let path = format!("/v1/surveys/{survey}");
    let said = |list: &Value| -> Vec<String> {
        let list = list["data"].as_array().unwrap();
        list.iter()
            .map(|it| {
                it["comment"]
                    .as_str()
                    .or(it["answers"]["wish"].as_str())
                    .unwrap()
                    .to_owned()
            })
            .collect()
    };
    let all = tenant.get(&format!("{path}/comments")).await.expect(200);
    assert_eq!(said(&all), ["<b>kind</b>", "+1", "=HYPERLINK(1)"]);
    let bad = tenant
        .get(&format!("{path}/comments?score_to=2&limit=1"))
        .await
        .expect(200);
    assert_eq!((said(&bad), &bad["has_more"]), (vec!["+1".to_owned()], &json!(true)));
    let cursor = bad["next_cursor"].as_str().unwrap();
    let rest = tenant
        .get(&format!("{path}/comments?score_to=2&limit=1&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(
        (said(&rest), &rest["has_more"]),
        (vec!["=HYPERLINK(1)".to_owned()], &json!(false))
    );
    // A cursor is good for its own question only.
    let other = tenant.get(&format!("{path}/comments?score_to=3&cursor={cursor}")).await;
    assert_eq!(other.status, 400);
    assert_eq!(tenant.get(&format!("{path}/comments?score_to=x")).await.status, 400);
    let none = tenant.get(&format!("{path}/comments?to=2001-01-01")).await.expect(200);
    assert_eq!(none["data"], json!([]));

    let answers = table(&tenant.get(&format!("{path}/answers.csv")).await);
    let column = |name: &str| answers[0].iter().position(|column| column == name).unwrap();
    assert_eq!(answers.len(), 5);
    let cells = |name: &str| -> Vec<&str> { answers[1..].iter().map(|row| row[column(name)].as_str()).collect() };
    assert_eq!(cells("score"), ["5", "2", "4", "1"]);
    assert_eq!(cells("comment"), ["<b>kind</b>", "", "", "'=HYPERLINK(1)"]);
    assert_eq!(cells("wish"), ["", "'+1", "", ""]);
    assert_eq!(cells("split.a"), ["", "", "", "70"]);
    let first = tenant.get(&format!("{path}/answers.csv?limit=3")).await;
    assert_eq!(table(&first).len(), 4);
    let next = first.header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    let next = &next[next.find("/v1/").unwrap()..];
    let last = tenant.get(next).await;
    assert_eq!((table(&last).len(), last.header("link")), (2, ""));
    results(&tenant, &survey, "", 4, 4).await;
    let totals = table(&tenant.get(&format!("{path}/results?format=csv&by=language")).await);
    assert_eq!(
        (totals.len(), totals[1][0].as_str(), totals[2][0].as_str()),
        (3, "all", "en")
    );
    let score = totals[0].iter().position(|column| column == "score").unwrap();
    assert_eq!(totals[1][score], "0.5");

    // To others none of this is there.
    let stranger = Tenant::new().await;
    for part in ["results", "results?format=csv", "comments", "answers.csv"] {
        stranger.get(&format!("{path}/{part}")).await.problem(404, "not_found");
        assert_eq!(Caller::anonymous().get(&format!("{path}/{part}")).await.status, 401);
    }
    let foreign = stranger
        .get(&format!("/v1/survey-invitations?answers_of={survey}"))
        .await
        .expect(200);
    assert_eq!(foreign["data"], json!([]));
}
