//! What else a customer may want, and how loyal one is.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Tenant, eventually};

async fn made(tenant: &Tenant, path: &str, body: Value) -> String {
    let made = tenant.post(path, body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

async fn product(tenant: &Tenant, name: &str, category: &str, price: &str) -> String {
    let body = json!({"name": name, "sku": name.to_lowercase(), "category": category, "price": {"amount": price, "currency": "USD"}});
    made(tenant, "/v1/products", body).await
}

async fn buy(tenant: &Tenant, contact: &str, day: &str, lines: Value) -> String {
    let order = json!({"contact_id": contact, "placed_on": day, "historic": true, "status": "fulfilled", "fulfilled_on": day, "lines": lines});
    made(tenant, "/v1/orders", order).await
}

fn line(product: &str) -> Value {
    json!({"product_id": product, "quantity": "1", "unit_price": "10"})
}

fn days_ago(days: i64) -> String {
    let today = tests::world().clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    today.saturating_sub(jiff::Span::new().days(days)).to_string()
}

/// Waits until as many customers have figures, ranks them, and waits for the rules.
async fn mined(tenant: &Tenant, contacts: &[String]) {
    for contact in contacts {
        let path = format!("/v1/contacts/{contact}/score");
        eventually("figures", || async {
            let score = tenant.get(&path).await.expect(200);
            score.get("rfm").map(|_| ())
        })
        .await;
    }
    let asked = tenant.post("/v1/segments/recompute", json!({})).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let path = format!("/v1/contacts/{}/suggestions", contacts[0]);
    eventually("the rules", || async {
        let answer = tenant.get(&path).await.expect(200);
        (answer["insufficient_data"] != "not_mined").then_some(())
    })
    .await;
}

#[tokio::test]
async fn suggestions_name_the_rule_behind_them() {
    let tenant = Tenant::new().await;
    let beans = product(&tenant, "Beans", "Coffee", "12").await;
    let filter = product(&tenant, "Filter", "Ware", "5").await;
    let cup = product(&tenant, "Cup", "Ware", "4").await;
    let hand = product(&tenant, "Hand grinder", "Grinders", "30").await;
    let mill = product(&tenant, "Mill", "Grinders", "190").await;
    let contacts = join_all((0..24).map(|n| {
        let (tenant, beans, filter, cup, hand, mill) = (&tenant, &beans, &filter, &cup, &hand, &mill);
        async move {
            let contact = made(tenant, "/v1/contacts", json!({"name": format!("Customer {n}")})).await;
            let day = days_ago(10 + n);
            match n {
                0..10 => drop(buy(tenant, &contact, &day, json!([line(beans), line(filter), line(cup)])).await),
                10..16 => {
                    buy(tenant, &contact, &day, json!([line(hand)])).await;
                    buy(tenant, &contact, &days_ago(5), json!([line(mill)])).await;
                }
                16..20 => drop(buy(tenant, &contact, &day, json!([{"sku": "loose", "name": "Loose tea", "quantity": "1", "unit_price": "3"}, {"sku": "pot", "name": "Pot", "quantity": "1", "unit_price": "8"}])).await),
                // Three years ago: too old to count, but the customer has it.
                20 => drop(buy(tenant, &contact, &days_ago(1_000), json!([line(beans)])).await),
                21 => drop(buy(tenant, &contact, &day, json!([line(hand)])).await),
                22 => drop(buy(tenant, &contact, &day, json!([{"sku": "LOOSE", "name": "Loose tea", "quantity": "1", "unit_price": "3"}])).await),
                _ => drop(buy(tenant, &contact, &day, json!([{"name": "Repair", "quantity": "1", "unit_price": "3"}])).await),
            }
            contact
        }
    }))
    .await;
    let path = |n: usize| format!("/v1/contacts/{}/suggestions", contacts[n]);
    assert_eq!(
        tenant.get(&path(20)).await.expect(200)["insufficient_data"],
        "not_mined"
    );
    // What is not sold any more is not suggested.
    tenant
        .patch(&format!("/v1/products/{cup}"), json!({"active": false}))
        .await
        .expect(200);
    mined(&tenant, &contacts).await;

    let answer = tenant.get(&path(20)).await.expect(200);
    let found = answer["data"].as_array().unwrap();
    assert_eq!(found.len(), 1, "{answer}");
    assert_eq!(
        (&found[0]["kind"], &found[0]["product"]["id"]),
        (&json!("cross_sell"), &json!(filter))
    );
    assert_eq!(found[0]["product"]["price"]["amount"], "5");
    let rule = &found[0]["rule"];
    assert_eq!(
        (&rule["baskets"], &rule["antecedent_baskets"], &rule["confidence"]),
        (&json!(10), &json!(10), &json!(1.0))
    );
    assert_eq!(rule["antecedents"][0]["name"], "Beans");
    let (lift, of) = (rule["lift"].as_f64().unwrap(), rule["of"].as_f64().unwrap());
    assert!((lift - of / 10.0).abs() < 0.001, "{rule}");
    assert!(
        found[0]["words"]
            .as_str()
            .unwrap()
            .starts_with("10 of 10 orders with Beans hold it too")
    );

    let dearer = tenant.get(&path(21)).await.expect(200);
    assert_eq!(
        (&dearer["data"][0]["kind"], &dearer["data"][0]["product"]["name"]),
        (&json!("up_sell"), &json!("Mill"))
    );
    assert_eq!(dearer["data"][0]["rule"]["baskets"], 6);
    // Nobody is to step down: who has the mill is not offered the hand grinder.
    let loose = tenant.get(&path(22)).await.expect(200);
    assert_eq!(
        (
            &loose["data"][0]["product"]["sku"],
            &loose["data"][0]["product"]["name"]
        ),
        (&json!("pot"), &json!("Pot"))
    );
    assert_eq!(tenant.get(&path(0)).await.expect(200)["data"], json!([]));
    assert_eq!(
        tenant.get(&path(23)).await.expect(200)["insufficient_data"],
        "no_purchases"
    );

    tenant
        .get(&format!("{}?limit=0", path(0)))
        .await
        .problem(400, "malformed");
    tenant
        .get("/v1/contacts/con_x/suggestions")
        .await
        .problem(404, "not_found");
    let other = Tenant::new().await;
    other.get(&path(0)).await.problem(404, "not_found");
    let key = tenant
        .post("/v1/api-keys", json!({"name": "scores", "scopes": ["segments:read"]}))
        .await;
    let narrow = tenant.with_token(key.body["secret"].as_str().unwrap());
    narrow.get(&path(0)).await.problem(403, "forbidden");
}

#[tokio::test]
async fn too_few_baskets_are_said_to_be() {
    let tenant = Tenant::new().await;
    let contact = made(&tenant, "/v1/contacts", json!({"name": "Ann"})).await;
    let tea = product(&tenant, "Tea", "Tea", "3").await;
    buy(&tenant, &contact, &days_ago(3), json!([line(&tea)])).await;
    mined(&tenant, std::slice::from_ref(&contact)).await;
    let answer = tenant
        .get(&format!("/v1/contacts/{contact}/suggestions"))
        .await
        .expect(200);
    assert_eq!(
        (&answer["insufficient_data"], &answer["data"]),
        (&json!("too_few_baskets"), &json!([]))
    );
    assert_eq!(answer["explain"]["rows_counted"]["orders"], 1);
}

#[tokio::test]
async fn loyalty_is_told_from_purchases_and_answers() {
    let tenant = Tenant::new().await;
    let contact = made(&tenant, "/v1/contacts", json!({"name": "Ann"})).await;
    let path = format!("/v1/contacts/{contact}/loyalty");
    let nothing = tenant.get(&path).await.expect(200);
    assert_eq!(
        (&nothing["level"], &nothing["insufficient_data"]),
        (&json!("none"), &json!("no_purchases"))
    );
    for ago in [80, 50, 20] {
        buy(
            &tenant,
            &contact,
            &days_ago(ago),
            json!([{"name": "Goods", "quantity": "1", "unit_price": "3"}]),
        )
        .await;
    }
    let told = eventually("three purchases", || async {
        let told = tenant.get(&path).await.expect(200);
        (told["purchase_days"] == 3).then_some(told)
    })
    .await;
    assert_eq!(
        (&told["level"], &told["usual_days_between"]),
        (&json!("behavioural"), &json!(30.0))
    );
    assert_eq!(told["insufficient_data"], "not_asked");
    assert!(told.get("days_to_decide").is_none());
    let segments = eventually("a rate", || async {
        tenant.post("/v1/segments/recompute", json!({})).await;
        let segments = tenant.get("/v1/segments").await.expect(200);
        segments.get("repeat_purchase_rate").cloned()
    })
    .await;
    assert_eq!((&segments["value"], &segments["n"]), (&json!(1.0), &json!(1)));
    tenant
        .get(&format!("{path}?since=2020"))
        .await
        .problem(400, "unknown_parameter");
    Tenant::new().await.get(&path).await.problem(404, "not_found");
}
