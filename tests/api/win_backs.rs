//! Customers who fall silent: alerts with their reasons, cases, what is done, and what it brings.

use jiff::civil::Date;
use jiff::{SignedDuration, Span};
use rapport_host::Host;
use rapport_runtime::Clock;
use serde_json::{Value, json};
use tests::{Caller, Tenant, eventually};

/// A firm at a host of its own, whose clock a test may set forward.
struct Firm {
    tenant: Tenant,
    /// Somebody with an API key, which outlives the tokens.
    key: Caller,
    clock: Clock,
    host: Host,
    _folder: tempfile::TempDir,
}

impl Firm {
    async fn new(fields: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::default();
        let host = Host::start(tests::options(folder.path(), clock.clone())).await.unwrap();
        let tenant = Tenant::of(&Caller::at(&host.url()), fields).await;
        let key = tenant
            .post("/v1/api-keys", json!({"name": "tests", "scopes": ["*"]}))
            .await;
        let secret = key.body["secret"].as_str().unwrap();
        Self {
            key: tenant.with_token(secret),
            tenant,
            clock,
            host,
            _folder: folder,
        }
    }

    fn day(&self, ago: i64) -> Date {
        let today = self.clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        today.saturating_sub(Span::new().days(ago))
    }

    async fn contact(&self, name: &str) -> String {
        let made = self
            .key
            .post("/v1/contacts", json!({"name": name, "owner_id": self.tenant.user}))
            .await;
        made.expect(201)["id"].as_str().unwrap().to_owned()
    }

    async fn buy(&self, contact: &str, ago: i64, amount: &str) -> String {
        let day = self.day(ago);
        let order = json!({"contact_id": contact, "placed_on": day,
            "lines": [{"name": "Goods", "quantity": "1", "unit_price": amount}],
            "historic": ago > 0,
            "payments": [{"amount": amount, "method": "card", "received_on": day}]});
        let made = self.key.post("/v1/orders", order).await.expect(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// Somebody who bought every thirty days, the last time so many days ago.
    async fn regular(&self, name: &str, ago: i64, amount: &str) -> String {
        let contact = self.contact(name).await;
        for n in (0..4).rev() {
            self.buy(&contact, ago + 30 * n, amount).await;
        }
        self.counted(&contact, 4).await;
        contact
    }

    async fn counted(&self, contact: &str, days: u64) -> Value {
        let path = format!("/v1/contacts/{contact}/score");
        eventually(&format!("{days} days of purchase"), || async {
            let score = self.key.get(&path).await.expect(200);
            (score["rfm"]["frequency"] == days).then_some(score)
        })
        .await
    }

    async fn recompute(&self) {
        let asked = self.key.post("/v1/segments/recompute", json!({})).await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        let path = asked.header("location").to_owned();
        eventually("the recompute", || async {
            let job = self.key.get(&path).await.expect(200);
            (job["status"] == "done").then_some(())
        })
        .await;
    }

    async fn list(&self, filter: &str) -> Vec<Value> {
        let page = self
            .key
            .get(&format!("/v1/win-backs?limit=200&{filter}"))
            .await
            .expect(200);
        page["data"].as_array().unwrap().clone()
    }

    /// The only case of a customer, once it has a status.
    async fn case(&self, contact: &str, status: &str) -> Value {
        eventually(&format!("a case that is {status}"), || async {
            let cases = self.list(&format!("contact_id={contact}")).await;
            assert!(cases.len() < 2, "{cases:?}");
            cases.into_iter().find(|case| case["status"] == status)
        })
        .await
    }

    async fn act(&self, case: &Value, body: Value) -> tests::Answer {
        let id = case["id"].as_str().unwrap();
        self.key.post(&format!("/v1/win-backs/{id}/actions"), body).await
    }

    /// The effect; each list behind a number holds as many cases as the number says.
    async fn effect(&self) -> Value {
        let effect = self.key.get("/v1/win-backs/effect").await.expect(200);
        let groups = [
            &effect["acted"],
            &effect["left_alone"],
            &effect["hold_out"]["offered"],
            &effect["hold_out"]["held_out"],
        ];
        for group in groups.into_iter().filter(|group| !group.is_null()) {
            for number in ["n", "returned"] {
                let path = group["rows"][number].as_str().unwrap();
                let listed = self.key.get(path).await.expect(200);
                assert_eq!(listed["data"].as_array().unwrap().len() as u64, group[number], "{path}");
            }
        }
        let path = effect["revenue"]["rows"].as_str().unwrap();
        let cases = self.key.get(path).await.expect(200);
        let amounts = cases["data"].as_array().unwrap().iter();
        let total: f64 = amounts
            .map(|case| case["revenue"]["amount"].as_str().unwrap().parse::<f64>().unwrap())
            .sum();
        let said: f64 = effect["revenue"]["amount"].as_str().unwrap().parse().unwrap();
        assert!((total - said).abs() < 0.001, "{total} {said}");
        effect
    }
}

#[tokio::test]
async fn the_silent_are_found_dealt_with_and_counted() {
    let firm = Firm::new(json!({})).await;
    let ann = firm.regular("Ann", 94, "40.00").await;
    let bob = firm.regular("Bob", 94, "70.00").await;
    let cid = firm.regular("Cid", 120, "20.00").await;
    let dee = firm.regular("Dee", 100, "10.00").await;
    let eve = firm.regular("Eve", 5, "90.00").await;
    firm.recompute().await;

    // Alerts: the most valuable first, with the reason in words and figures.
    let alerts = firm.key.get("/v1/segments/alerts").await.expect(200);
    let order: Vec<&str> = alerts["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|score| score["contact_id"].as_str().unwrap())
        .collect();
    assert_eq!(order, [&bob, &ann, &cid, &dee]);
    let detail = &alerts["data"][0]["churn"]["detail"];
    assert_eq!(detail["text"], "last order 94 days ago, usually every 30");
    assert_eq!(
        (
            &detail["days_since_last"],
            &detail["usual_days"],
            &detail["rhythm_days"]
        ),
        (&json!(94), &json!(30.0), &json!(30.0))
    );
    assert_eq!(
        firm.key.get("/v1/segments/alerts?stage=lost").await.expect(200)["data"],
        json!([])
    );
    firm.key
        .get("/v1/segments/alerts?stage=loyal")
        .await
        .problem(400, "malformed");
    let page = firm.key.get("/v1/segments/alerts?limit=3").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = firm
        .key
        .get(&format!("/v1/segments/alerts?limit=3&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(rest["data"][0]["contact_id"], dee);

    // One case each, however often the silence is found.
    firm.recompute().await;
    let found = firm.list("status=found").await;
    assert_eq!(found.len(), 4);
    assert_eq!(firm.list(&format!("owner_id={}", firm.tenant.user)).await.len(), 4);
    assert!(firm.list(&format!("contact_id={eve}")).await.is_empty());
    let case = firm.case(&ann, "found").await;
    assert_eq!(case["detail"]["text"], "last order 94 days ago, usually every 30");
    assert_eq!(
        (&case["stage"], &case["value_basis"]),
        (&json!("at_risk"), &json!("clv_12m"))
    );
    assert_eq!(case["last_purchase_on"], firm.day(94).to_string());

    // Dealing with them.
    let acted = firm
        .act(&case, json!({"kind": "call", "note": "Will come by", "cost": "2.50"}))
        .await
        .expect(200);
    assert_eq!(
        (&acted["status"], &acted["treatment"]),
        (&json!("acted"), &json!("acted"))
    );
    assert_eq!(
        acted["actions"][0]["cost"],
        json!({"amount": "2.50", "currency": "USD"})
    );
    let other = firm.case(&dee, "found").await;
    firm.act(&other, json!({"kind": "offer", "cost": "5"}))
        .await
        .expect(200);
    for (body, code) in [
        (json!({"kind": "spell"}), "validation_failed"),
        (json!({"kind": "call", "on": "2999-01-01"}), "validation_failed"),
        (json!({"kind": "call", "cost": "-1"}), "validation_failed"),
        (json!({"note": "nothing"}), "validation_failed"),
        (json!([]), "validation_failed"),
    ] {
        firm.act(&case, body).await.problem(422, code);
    }
    let gone = firm.case(&cid, "found").await;
    let path = format!("/v1/win-backs/{}", gone["id"].as_str().unwrap());
    let dismissed = firm
        .key
        .patch(&path, json!({"dismiss_reason": "Moved away", "note": "Sent a card"}))
        .await
        .expect(200);
    assert_eq!(
        (&dismissed["status"], &dismissed["note"]),
        (&json!("dismissed"), &json!("Sent a card"))
    );
    firm.act(&gone, json!({"kind": "call"}))
        .await
        .problem(409, "case_closed");
    assert_eq!(firm.key.get(&path).await.expect(200), dismissed);

    // A purchase closes a case and moves the stage at once, without a recompute.
    firm.buy(&ann, 0, "33.00").await;
    let returned = firm.case(&ann, "returned").await;
    assert_eq!(
        (&returned["revenue"]["amount"], &returned["treatment"]),
        (&json!("33.00"), &json!("acted"))
    );
    let score = eventually("Ann's stage", || async {
        let score = firm.key.get(&format!("/v1/contacts/{ann}/score")).await.expect(200);
        (score["lifecycle"] == "loyal").then_some(score)
    })
    .await;
    assert_eq!(score["churn"]["alert"], false);
    let event = eventually("the event", || async {
        firm.clock.advance(SignedDuration::from_secs(6));
        let feed = firm
            .key
            .get("/v1/events?types=contact.lifecycle_changed")
            .await
            .expect(200);
        let events = feed["data"].as_array().unwrap().clone();
        events.into_iter().find(|event| event["subject"] == *ann)
    })
    .await;
    assert_eq!(
        (&event["data"]["lifecycle"], &event["previous"]["lifecycle"]),
        (&json!("loyal"), &json!("at_risk"))
    );

    // What is refunded was no return.
    let order = firm.buy(&bob, 0, "70.00").await;
    let returned = firm.case(&bob, "returned").await;
    assert_eq!(
        (&returned["treatment"], &returned["returned_in_time"]),
        (&json!("left_alone"), &json!(true))
    );
    let refund = json!({"amount": "-70.00", "method": "card", "received_on": firm.day(0)});
    firm.key.post(&format!("/v1/orders/{order}/payments"), refund).await;
    let again = firm.case(&bob, "found").await;
    assert!(
        again.get("returned_on").is_none() && again.get("revenue").is_none(),
        "{again}"
    );
    firm.buy(&bob, 0, "12.00").await;
    firm.case(&bob, "returned").await;

    // Sixty days later whoever has not come has not returned.
    let before = firm.effect().await;
    assert_eq!((&before["acted"]["n"], &before["open"]["n"]), (&json!(1), &json!(1)));
    firm.clock.advance(SignedDuration::from_hours(24 * 61));
    firm.recompute().await;
    firm.case(&dee, "not_returned").await;
    // Somebody who was ranked before and fell silent since is told of, with the reason.
    let alert = eventually("the event of an alert", || async {
        firm.clock.advance(SignedDuration::from_secs(6));
        let feed = firm.key.get("/v1/events?types=contact.churn_alert").await.expect(200);
        let events = feed["data"].as_array().unwrap().clone();
        events.into_iter().find(|event| event["subject"] == *eve)
    })
    .await;
    assert_eq!(
        alert["data"]["churn"]["detail"]["text"],
        "last order 66 days ago, usually every 30"
    );
    firm.case(&eve, "found").await;
    let effect = firm.effect().await;
    assert_eq!(
        (&effect["acted"]["n"], &effect["acted"]["returned"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        (&effect["left_alone"]["n"], &effect["left_alone"]["returned"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(effect["acted"]["share"]["value"], 0.5);
    assert_eq!(effect["difference"]["value"], -0.5);
    assert_eq!(
        (&effect["revenue"]["amount"], &effect["cost"]["amount"]),
        (&json!("33.00"), &json!("7.50"))
    );
    assert!(
        effect["explain"]["nature"]
            .as_str()
            .unwrap()
            .starts_with("an observation")
    );
    for (query, status, code) in [
        ("from=2026-02-01&to=2026-01-01", 400, "malformed"),
        ("from=yesterday", 400, "malformed"),
        ("since=2026-01-01", 400, "unknown_parameter"),
    ] {
        firm.key
            .get(&format!("/v1/win-backs/effect?{query}"))
            .await
            .problem(status, code);
    }
    let stranger = Tenant::of(&Caller::at(&firm.host.url()), json!({})).await;
    stranger.get(&path).await.problem(404, "not_found");
    assert_eq!(stranger.get("/v1/win-backs").await.expect(200)["data"], json!([]));
    assert_eq!(
        stranger.get("/v1/win-backs/effect").await.expect(200)["insufficient_data"],
        "no_outcomes"
    );
    assert!(firm.host.stop().await);
}

#[tokio::test]
async fn lots_decide_whom_to_leave_alone_and_a_merge_brings_purchases_to_light() {
    let firm = Firm::new(json!({"locale": "zh-CN"})).await;
    let changed = firm
        .tenant
        .patch("/v1/settings", json!({"win_back": {"hold_out": 1.0}}))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    firm.tenant
        .patch("/v1/settings", json!({"win_back": {"hold_out": 2}}))
        .await
        .problem(422, "validation_failed");
    let ann = firm.regular("Ann", 94, "40.00").await;
    let bob = firm.regular("Bob", 94, "40.00").await;
    let twin = firm.contact("Bob B.").await;
    firm.buy(&twin, 20, "15.00").await;
    firm.counted(&twin, 1).await;
    firm.recompute().await;
    let held = firm.case(&ann, "found").await;
    assert_eq!(held["left_alone_on_purpose"], true);
    assert_eq!(held["detail"]["text"], "上次下单在 94 天前，通常每 30 天一次");
    firm.act(&held, json!({"kind": "mail"}))
        .await
        .problem(409, "left_alone_on_purpose");
    firm.buy(&ann, 0, "5.00").await;
    firm.case(&ann, "returned").await;
    let effect = firm.effect().await;
    assert_eq!(
        (
            &effect["hold_out"]["held_out"]["n"],
            &effect["hold_out"]["offered"]["n"]
        ),
        (&json!(1), &json!(0))
    );
    // The other of the two had bought twenty days ago: there was no such silence.
    firm.case(&bob, "found").await;
    let merged = firm
        .key
        .post(&format!("/v1/contacts/{twin}/merge"), json!({"from": [bob]}))
        .await;
    assert!((200..300).contains(&merged.status), "{}", merged.text);
    let case = firm.case(&twin, "dismissed").await;
    assert_eq!(case["mistaken_since"], firm.day(20).to_string());
    assert!(firm.host.stop().await);
}

#[tokio::test]
async fn a_loss_goes_on_with_the_open_case_and_follows_a_closed_one() {
    let firm = Firm::new(json!({})).await;
    let open = firm.regular("Open", 340, "40.00").await;
    let shut = firm.regular("Shut", 300, "40.00").await;
    let told = firm.regular("Told", 340, "40.00").await;
    let old = firm.regular("Old", 731, "40.00").await;
    firm.recompute().await;
    let case = firm.case(&told, "found").await;
    let path = format!("/v1/win-backs/{}", case["id"].as_str().unwrap());
    firm.key
        .patch(&path, json!({"dismiss_reason": "Died"}))
        .await
        .expect(200);
    assert_eq!(firm.case(&open, "found").await["stage"], "at_risk");
    firm.clock.advance(SignedDuration::from_hours(24 * 30));
    firm.recompute().await;
    let raised = eventually("the loss", || async {
        let case = firm.case(&open, "found").await;
        (case["stage"] == "lost").then_some(case)
    })
    .await;
    assert_eq!(raised["found_on"], firm.day(30).to_string());
    firm.clock.advance(SignedDuration::from_hours(24 * 40));
    firm.recompute().await;
    eventually("a second case", || async {
        let cases = firm.list(&format!("contact_id={shut}")).await;
        let stages: Vec<(&Value, &Value)> = cases.iter().map(|case| (&case["stage"], &case["status"])).collect();
        (stages
            == [
                (&json!("lost"), &json!("found")),
                (&json!("at_risk"), &json!("not_returned")),
            ])
        .then_some(())
    })
    .await;
    assert_eq!(firm.list(&format!("contact_id={told}")).await.len(), 1);
    // Nobody looks for those who were gone before the firm came here.
    assert!(firm.list(&format!("contact_id={old}")).await.is_empty());
    assert!(firm.host.stop().await);
}

#[tokio::test]
async fn a_first_purchase_makes_a_customer_at_once_and_one_from_the_past_does_not() {
    let firm = Firm::new(json!({})).await;
    let new = firm.contact("New").await;
    let known = firm.contact("Known").await;
    firm.buy(&known, 40, "10.00").await;
    firm.counted(&known, 1).await;
    let order = firm.buy(&new, 0, "10.00").await;
    let score = eventually("the stage", || async {
        let score = firm.key.get(&format!("/v1/contacts/{new}/score")).await.expect(200);
        (score["lifecycle"] == "customer").then_some(score)
    })
    .await;
    assert_eq!(
        (&score["insufficient_data"], &score["rfm"]["frequency"]),
        (&json!("not_scored"), &json!(1))
    );
    let listed = firm.key.get("/v1/contacts?lifecycle=customer").await.expect(200);
    assert_eq!(
        (&listed["data"][0]["id"], listed["data"].as_array().unwrap().len()),
        (&json!(new), 1)
    );
    let event = eventually("the event", || async {
        firm.clock.advance(SignedDuration::from_secs(6));
        let feed = firm
            .key
            .get("/v1/events?types=contact.lifecycle_changed")
            .await
            .expect(200);
        let events = feed["data"].as_array().unwrap().clone();
        events.into_iter().next()
    })
    .await;
    assert_eq!(
        (&event["subject"], &event["data"]["lifecycle"]),
        (&json!(new), &json!("customer"))
    );
    // The recompute ranks both, and makes no event of what is no change.
    firm.recompute().await;
    for contact in [&new, &known] {
        let score = firm.key.get(&format!("/v1/contacts/{contact}/score")).await.expect(200);
        assert_eq!(
            (&score["lifecycle"], score["rfm"]["cell"].as_str().map(str::len)),
            (&json!("customer"), Some(3))
        );
    }
    // Two orders of one day are one purchase; without either there is none, and no stage to move.
    let again = firm.buy(&new, 0, "5.00").await;
    firm.counted(&new, 1).await;
    for id in [&order, &again] {
        firm.key.delete(&format!("/v1/orders/{id}")).await;
    }
    eventually("no purchase", || async {
        let score = firm.key.get(&format!("/v1/contacts/{new}/score")).await.expect(200);
        (score["insufficient_data"] == "no_purchases").then_some(())
    })
    .await;
    firm.clock.advance(SignedDuration::from_secs(6));
    let feed = firm
        .key
        .get("/v1/events?types=contact.lifecycle_changed")
        .await
        .expect(200);
    assert_eq!(feed["data"].as_array().unwrap().len(), 1, "{feed}");
    assert!(firm.host.stop().await);
}
