//! Reports: every number is what its rows sum to, and sums that are kept equal a recount whatever happened.

use std::collections::BTreeMap;
use std::str::FromStr;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tests::{Tenant, eventually};

fn decimal(value: &Value) -> Option<Decimal> {
    Decimal::from_str(value.as_str()?).ok()
}

/// All pages of a list.
async fn pages(tenant: &Tenant, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut cursor = String::new();
    loop {
        let gap = if path.contains('?') { '&' } else { '?' };
        let more = if cursor.is_empty() {
            String::new()
        } else {
            format!("{gap}cursor={cursor}")
        };
        let page = tenant.get(&format!("{path}{more}")).await.expect(200);
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => return all,
        }
    }
}

/// Checks one number: its rows sum to it and are as many as it says, or it follows from those it is computed from. How many
/// lists of rows were looked at.
async fn check(tenant: &Tenant, name: &str, number: &Value) -> usize {
    let explain = &number["explain"];
    let said = ["formula", "filter", "as_of"]
        .iter()
        .all(|part| explain[part].is_string());
    assert!(said && explain["rows"].is_u64(), "{name}: {number}");
    let value = decimal(&number["value"]);
    let mut looked = 0;
    if let Some(path) = number["rows"].as_str() {
        let rows = pages(tenant, path).await;
        let sum: Decimal = rows.iter().map(|row| decimal(&row["value"]).unwrap()).sum();
        assert_eq!(Some(sum), value, "{name}: {path}");
        assert_eq!(rows.len() as u64, explain["rows"].as_u64().unwrap(), "{name}: {path}");
        assert!(
            rows.iter()
                .all(|row| row["record"].is_string() && row["href"].is_string())
        );
        looked += 1;
    }
    let parts: Vec<(&String, &Value)> = number["of"].as_object().into_iter().flatten().collect();
    if let [(_, above), (_, below)] = parts.as_slice() {
        let (above_value, below_value) = (decimal(&above["value"]), decimal(&below["value"]));
        let formula = explain["formula"].as_str().unwrap();
        let expected = match formula {
            _ if formula.contains('÷') => above_value
                .zip(below_value.filter(|below| !below.is_zero()))
                .map(|(above, below)| (above / below).round_dp(4)),
            _ if formula.contains('−') => above_value.zip(below_value).map(|(above, below)| above - below),
            _ if formula.contains('×') => above_value.zip(below_value).map(|(above, below)| above * below),
            _ if formula.contains('+') => above_value.zip(below_value).map(|(above, below)| above + below),
            // A place among all customers follows from no two numbers.
            _ if formula.contains("percentile") || formula.contains("weights") => value,
            _ => panic!("{name}: an unknown formula: {formula}"),
        };
        assert_eq!(value, expected, "{name}: {formula}");
    }
    for (part, number) in parts {
        looked += Box::pin(check(tenant, &format!("{name} of {part}"), number)).await;
    }
    looked
}

/// Walks every report in every grouping and checks every number; how many lists of rows were looked at.
pub async fn walk(tenant: &Tenant, from: &str, to: &str) -> usize {
    let mut looked = 0;
    let catalogue = tenant.get("/v1/reports").await.expect(200);
    for report in catalogue["data"].as_array().unwrap() {
        for by in report["by"].as_array().unwrap() {
            let (name, by) = (report["name"].as_str().unwrap(), by.as_str().unwrap());
            let path = format!("/v1/reports/{name}?from={from}&to={to}&by={by}");
            let answer = tenant.get(&path).await.expect(200);
            assert!(!answer.to_string().contains("NaN"), "{path}");
            for part in answer["parts"].as_array().unwrap() {
                for (what, number) in part["totals"].as_object().unwrap() {
                    looked += check(tenant, &format!("{path} {what}"), number).await;
                }
                // A few groups of each are as good as all.
                for group in part["groups"].as_array().unwrap().iter().take(3) {
                    for (what, number) in group["numbers"].as_object().unwrap() {
                        looked += check(tenant, &format!("{path} {} {what}", group["key"]), number).await;
                    }
                }
            }
        }
    }
    looked
}

/// Waits until no sums are being made anew and the number of orders is the one expected.
async fn settled(tenant: &Tenant, orders: &str) {
    eventually(&format!("{orders} orders in the report"), || async {
        let path = "/v1/reports/sales?from=2024-01-01&to=2026-12-31&by=year";
        let answer = tenant.get(path).await.expect(200);
        let all: Decimal = answer["parts"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|part| decimal(&part["totals"]["orders"]["value"]))
            .sum();
        (answer["settling"] == false && all == Decimal::from_str(orders).unwrap()).then_some(())
    })
    .await;
}

async fn id(tenant: &Tenant, path: &str, body: Value) -> String {
    let made = tenant.post(path, body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_number_is_what_its_rows_sum_to() {
    let tenant = Tenant::new().await;
    let tea = id(
        &tenant,
        "/v1/products",
        json!({"name": "Tea", "sku": "TEA", "category": "Drinks", "price": {"amount": "12.00", "currency": "USD"},
            "cost": {"amount": "5.00", "currency": "USD"}, "stock": "40"}),
    )
    .await;
    let company = id(
        &tenant,
        "/v1/companies",
        json!({"name": "Shop", "kind": "organisation", "industry": "Retail", "region": "North"}),
    )
    .await;
    let ann = id(
        &tenant,
        "/v1/contacts",
        json!({"name": "Ann", "occupation": "Cook", "birthday": "1990-05-01", "company_id": company}),
    )
    .await;
    let bob = id(&tenant, "/v1/contacts", json!({"name": "Bob"})).await;
    let order = |contact: &str, day: &str, quantity: &str, currency: &str| {
        let price = if currency == "USD" {
            json!({"product_id": tea, "quantity": quantity, "discount": {"amount": "1.00"}})
        } else {
            json!({"name": "Gift", "quantity": quantity, "unit_price": "7.77"})
        };
        json!({"contact_id": contact, "company_id": company, "placed_on": day, "currency": currency, "historic": true,
            "status": "fulfilled", "channel": "shop", "lines": [price, {"name": "Card", "unit_price": "2.50", "unit_cost": "0.50"}]})
    };
    for (contact, day, quantity, currency) in [
        (&ann, "2025-01-31", "2", "USD"),
        (&ann, "2025-02-01", "1", "USD"),
        (&bob, "2025-02-15", "5", "USD"),
        (&bob, "2025-12-31", "3", "USD"),
        (&ann, "2025-03-03", "4", "EUR"),
    ] {
        id(&tenant, "/v1/orders", order(contact, day, quantity, currency)).await;
    }
    settled(&tenant, "5").await;
    let answer = tenant
        .get("/v1/reports/sales?from=2025-01-01&to=2025-12-31")
        .await
        .expect(200);
    let parts = answer["parts"].as_array().unwrap();
    let currencies: Vec<&str> = parts.iter().map(|part| part["currency"].as_str().unwrap()).collect();
    assert_eq!(currencies, ["USD", "EUR"], "currencies are never added");
    let usd = &parts[0];
    // 2 × 12 − 1, 1 × 12 − 1, 5 × 12 − 1, 3 × 12 − 1 and four cards of 2.50
    assert_eq!(usd["totals"]["sales"]["value"], "138");
    assert_eq!(usd["totals"]["margin"]["value"], "81");
    assert_eq!(usd["groups"].as_array().unwrap().len(), 12);
    assert_eq!(usd["groups"][1]["key"], "2025-02");
    assert_eq!(usd["groups"][1]["numbers"]["orders"]["value"], "2");
    let by = tenant
        .get("/v1/reports/product-sales?from=2025-01-01&to=2025-12-31")
        .await
        .expect(200);
    assert_eq!(by["parts"][0]["groups"][0]["title"], "Tea");
    assert_eq!(by["parts"][0]["groups"][0]["numbers"]["quantity"]["value"], "11");

    let looked = walk(&tenant, "2025-01-01", "2025-12-31").await;
    assert!(looked > 300, "{looked} lists of rows");

    // Converted by the tenant's rate, in one part that says so.
    tenant
        .patch("/v1/settings", json!({"rates": {"EUR": "1.10"}}))
        .await
        .expect(200);
    let path = "/v1/reports/sales?from=2025-01-01&to=2025-12-31&convert=true";
    let answer = eventually("the rate", || async {
        let answer = tenant.get(path).await.expect(200);
        (answer["parts"].as_array().unwrap().len() == 1).then_some(answer)
    })
    .await;
    assert_eq!(answer["parts"][0]["converted"], json!([["EUR", "1.10"]]));
    // 138 + 1.1 × (4 × 7.77 + 2.50)
    assert_eq!(answer["parts"][0]["totals"]["sales"]["value"], "174.938");
    check(&tenant, "converted", &answer["parts"][0]["totals"]["sales"]).await;
}

/// What the report of sales should say, from the orders themselves: by month the orders, sales and open balance.
async fn recount(tenant: &Tenant) -> BTreeMap<String, (u32, Decimal, Decimal)> {
    let mut months: BTreeMap<String, (u32, Decimal, Decimal)> = BTreeMap::new();
    for order in pages(tenant, "/v1/orders?limit=200").await {
        let of = |field: &str| decimal(&order[field]).unwrap_or_default();
        let (total, paid) = (of("total"), of("paid"));
        let word = |field: &str| order[field].as_str().unwrap().to_owned();
        let (status, payment) = (word("status"), word("payment_status"));
        let counts = match status.as_str() {
            "placed" => payment == "paid" || payment == "credit",
            "fulfilled" => payment != "refunded",
            _ => false,
        };
        let month = months.entry(word("placed_on")[..7].to_owned()).or_default();
        if counts {
            let given_back = paid + of("refunded") >= total;
            month.0 += 1;
            month.1 += if given_back { paid.min(total) } else { total };
        }
        if status == "placed" || status == "fulfilled" {
            month.2 += of("balance");
        }
    }
    months.retain(|_, (orders, sales, balance)| *orders > 0 || !sales.is_zero() || !balance.is_zero());
    months
}

/// The same from the reports.
async fn reported(tenant: &Tenant) -> BTreeMap<String, (u32, Decimal, Decimal)> {
    let mut months: BTreeMap<String, (u32, Decimal, Decimal)> = BTreeMap::new();
    for (report, what) in [("sales", ["orders", "sales"]), ("receivables", ["balance", "balance"])] {
        let path = format!("/v1/reports/{report}?from=2025-01-01&to=2025-12-31&by=month");
        let answer = tenant.get(&path).await.expect(200);
        for group in answer["parts"].as_array().unwrap().iter().flat_map(|part| {
            let groups = part["groups"].as_array().unwrap();
            groups.clone()
        }) {
            let value = |name: &str| decimal(&group["numbers"][name]["value"]).unwrap_or_default();
            let month = months.entry(group["key"].as_str().unwrap().to_owned()).or_default();
            if report == "sales" {
                month.0 = u32::try_from(value(what[0])).unwrap();
                month.1 = value(what[1]);
            } else {
                month.2 = value(what[0]);
            }
        }
    }
    months.retain(|_, (orders, sales, balance)| *orders > 0 || !sales.is_zero() || !balance.is_zero());
    months
}

#[tokio::test]
async fn kept_sums_equal_a_recount_after_any_history() {
    let seed: u64 = std::env::vars()
        .find(|(name, _)| name == "SEED")
        .map_or_else(rand::random, |(_, value)| value.parse().unwrap());
    let mut random = StdRng::seed_from_u64(seed);
    let tenant = Tenant::new().await;
    let mut contacts = Vec::new();
    for n in 0..5 {
        contacts.push(id(&tenant, "/v1/contacts", json!({"name": format!("Customer {n}")})).await);
    }
    let mut orders: Vec<String> = Vec::new();
    let mut deleted: Vec<String> = Vec::new();
    for _ in 0..120 {
        let contact = contacts[random.random_range(0..contacts.len())].clone();
        let day = format!(
            "2025-{:02}-{:02}",
            random.random_range(1..=12),
            random.random_range(1..=28)
        );
        let amount = format!("{}.{:02}", random.random_range(1..300), random.random_range(0..100));
        let order = orders.get(random.random_range(0..orders.len().max(1))).cloned();
        // Whatever is refused, such as paying a cancelled order, changes nothing.
        match (random.random_range(0..12), order) {
            (0..=3, _) | (_, None) => {
                let status = ["placed", "fulfilled", "draft"][random.random_range(0..3)];
                let body = json!({"contact_id": contact, "placed_on": day, "status": status, "historic": true,
                    "lines": [{"name": "Goods", "unit_price": amount, "unit_cost": "0.99", "tax": {"rate": "0.1"}}]});
                orders.push(id(&tenant, "/v1/orders", body).await);
            }
            (4, Some(order)) => {
                let path = format!("/v1/orders/{order}/payments");
                tenant
                    .post(
                        &path,
                        json!({"amount": amount, "received_on": day, "allow_credit": true}),
                    )
                    .await;
            }
            (5, Some(order)) => {
                let path = format!("/v1/orders/{order}/payments");
                tenant
                    .post(&path, json!({"amount": format!("-{amount}"), "received_on": day}))
                    .await;
            }
            (6, Some(order)) => {
                let verb = ["place", "fulfil", "cancel", "return"][random.random_range(0..4)];
                tenant.post(&format!("/v1/orders/{order}/{verb}"), json!({})).await;
            }
            (7, Some(order)) => {
                tenant.delete(&format!("/v1/orders/{order}")).await;
                deleted.push(order);
            }
            (8, Some(_)) => {
                if let Some(order) = deleted.pop() {
                    tenant.post(&format!("/v1/orders/{order}/restore"), json!({})).await;
                }
            }
            (9, Some(order)) => {
                tenant
                    .patch(&format!("/v1/orders/{order}"), json!({"placed_on": day}))
                    .await;
            }
            (10, Some(order)) => {
                tenant
                    .patch(&format!("/v1/orders/{order}"), json!({"contact_id": contact}))
                    .await;
            }
            (_, Some(_)) => {
                if contacts.len() > 2 {
                    let from = contacts.pop().unwrap();
                    let path = format!("/v1/contacts/{}/merge", contacts[0]);
                    tenant.post(&path, json!({"from": [from]})).await;
                }
            }
        }
    }
    let expected = recount(&tenant).await;
    assert!(!expected.is_empty(), "seed {seed}");
    eventually(&format!("what a recount gives, seed {seed}"), || async {
        (reported(&tenant).await == expected).then_some(())
    })
    .await;
    // No merged contact is left among the customers, and all of them together bought what was sold.
    let path = "/v1/reports/sales?from=2025-01-01&to=2025-12-31&by=customer";
    let sold: Decimal = expected.values().map(|month| month.1).sum();
    eventually(&format!("customers that are there, seed {seed}"), || async {
        let answer = tenant.get(path).await.expect(200);
        let groups = answer["parts"][0]["groups"].as_array().cloned().unwrap_or_default();
        let known = groups
            .iter()
            .all(|group| contacts.iter().any(|contact| group["key"] == contact.as_str()));
        let all: Decimal = groups
            .iter()
            .filter_map(|group| decimal(&group["numbers"]["sales"]["value"]))
            .sum();
        (known && all == sold && answer["settling"] == false).then_some(())
    })
    .await;
    // Made anew they are the same.
    let before = tenant.get(path).await.expect(200)["parts"].to_string();
    tenant.post("/v1/reports/rebuild", json!({})).await.expect(202);
    eventually("sums made anew", || async {
        let answer = tenant.get(path).await.expect(200);
        (answer["settling"] == true).then_some(())
    })
    .await;
    eventually(&format!("the same sums, seed {seed}"), || async {
        let answer = tenant.get(path).await.expect(200);
        let strip = |text: String| {
            text.split("\"as_of\"")
                .map(|part| part.get(27..).unwrap_or_default().to_owned())
                .collect::<Vec<_>>()
        };
        (answer["settling"] == false && strip(answer["parts"].to_string()) == strip(before.clone())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn questions_that_cannot_be_answered_are_refused_in_words() {
    let tenant = Tenant::new().await;
    for (path, status, code) in [
        ("/v1/reports/nothing", 404, "not_found"),
        ("/v1/reports/sales?by=moon", 422, "validation_failed"),
        ("/v1/reports/sales?from=yesterday", 400, "malformed"),
        (
            "/v1/reports/sales?from=2025-02-01&to=2025-01-01",
            422,
            "validation_failed",
        ),
        (
            "/v1/reports/sales?from=1900-01-01&to=2025-01-01",
            422,
            "validation_failed",
        ),
        (
            "/v1/reports/sales?from=2025-01-02&to=2025-01-31&by=customer",
            422,
            "validation_failed",
        ),
        (
            "/v1/reports/sales?from=-009999-01-01&to=9999-12-31",
            422,
            "validation_failed",
        ),
        (
            "/v1/reports/sales?from=2015-01-01&to=2025-12-31&by=day",
            422,
            "validation_failed",
        ),
        ("/v1/reports/sales?colour=red", 400, "unknown_parameter"),
        ("/v1/reports/sales?limit=0", 400, "malformed"),
        ("/v1/reports/sales/rows", 400, "malformed"),
        ("/v1/reports/sales/rows?measure=luck", 422, "validation_failed"),
        ("/v1/reports/sales/rows?measure=sales&by=luck", 422, "validation_failed"),
        (
            "/v1/reports/sales/rows?measure=sales&cursor=made-up",
            400,
            "cursor_invalid",
        ),
        (
            "/v1/reports/pareto/rows?measure=sales&rank_from=1&from=2025-01-02&to=2025-01-31",
            422,
            "validation_failed",
        ),
        (
            "/v1/reports/loyalty/rows?measure=count&orders_from=2&from=2025-01-01&to=2025-01-30",
            422,
            "validation_failed",
        ),
        (
            "/v1/reports/product-turnover/rows?measure=average_stock&by=product&key=x",
            404,
            "not_found",
        ),
    ] {
        tenant.get(path).await.problem(status, code);
    }
    for report in tenant.get("/v1/reports").await.expect(200)["data"].as_array().unwrap() {
        let answer = tenant.get(report["href"].as_str().unwrap()).await.expect(200);
        assert!(answer["insufficient_data"].is_string(), "{answer}");
        assert_eq!(answer["parts"], json!([]));
    }
}

#[tokio::test]
async fn odd_histories_get_a_clear_answer() {
    let order = |contact: &str, day: &str, amount: &str, more: Value| {
        let mut order = json!({"contact_ref": {"key": "odd", "value": contact}, "placed_on": day, "status": "fulfilled",
            "historic": true, "lines": [{"name": "Goods", "unit_price": amount, "unit_cost": "1.00"}]});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    };
    let none = || json!({});
    let paid_back = |amount: &str| {
        json!({"payments": [{"amount": amount, "received_on": "2025-03-01"},
        {"amount": format!("-{amount}"), "received_on": "2025-03-02"}]})
    };
    let cases: Vec<(&str, Vec<Value>)> = vec![
        ("no orders", vec![]),
        ("one order", vec![order("a", "2025-03-01", "10.00", none())]),
        (
            "one customer",
            (1..=9)
                .map(|day| order("a", &format!("2025-03-0{day}"), "10.00", none()))
                .collect(),
        ),
        (
            "all amounts equal",
            (1..=9)
                .map(|n| order(&format!("c{n}"), &format!("2025-0{n}-01"), "10.00", none()))
                .collect(),
        ),
        (
            "all given back",
            (1..=4)
                .map(|n| order(&format!("c{n}"), "2025-03-01", "10.00", paid_back("10.00")))
                .collect(),
        ),
        (
            "free of charge",
            (1..=4)
                .map(|n| order(&format!("c{n}"), "2025-03-01", "0.00", none()))
                .collect(),
        ),
        (
            "three currencies",
            ["USD", "EUR", "JPY"]
                .iter()
                .flat_map(|currency| {
                    let more = json!({"currency": currency, "lines": [{"name": "Goods", "unit_price": "100"}]});
                    [
                        order("a", "2025-03-01", "0", more.clone()),
                        order("b", "2025-04-01", "0", more),
                    ]
                })
                .collect(),
        ),
        (
            "the largest amounts and ten years of silence",
            vec![
                order("a", "2014-03-01", "999999999999.99", none()),
                order("a", "2025-03-01", "999999999999.99", none()),
                order("b", "1901-01-01", "0.01", none()),
            ],
        ),
        (
            "days to come",
            vec![order(
                "a",
                &tests::world().clock.now().to_string()[..10],
                "10.00",
                json!({"placed_on": (tests::world().clock.now().to_zoned(jiff::tz::TimeZone::UTC).date() + jiff::Span::new().days(200)).to_string()}),
            )],
        ),
    ];
    futures::future::join_all(cases.into_iter().map(async |(what, orders)| {
        let tenant = Tenant::new().await;
        for order in &orders {
            id(&tenant, "/v1/orders", order.clone()).await;
        }
        let asked = tenant.post("/v1/segments/recompute", json!({})).await;
        let job = asked.header("location").to_owned();
        asked.expect(202);
        eventually(what, || async {
            (tenant.get(&job).await.expect(200)["status"] == "done").then_some(())
        })
        .await;
        eventually(&format!("{what}: sums that are made"), || async {
            let filed = tenant
                .get("/v1/reports/sales/rows?measure=orders&from=2014-01-01&to=2028-12-31&limit=200")
                .await;
            let paid = tenant
                .get("/v1/reports/sales?from=2014-01-01&to=2028-12-31&by=year")
                .await
                .expect(200);
            let rows = filed.expect(200)["data"].as_array().unwrap().len();
            let all: Decimal = paid["parts"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|part| decimal(&part["totals"]["orders"]["value"]))
                .sum();
            (paid["settling"] == false
                && Decimal::from(rows) == all
                && (rows > 0 || orders.is_empty() || what == "all given back"))
                .then_some(())
        })
        .await;
        walk(&tenant, "2024-07-01", "2026-12-31").await;
        for report in tenant.get("/v1/reports").await.expect(200)["data"].as_array().unwrap() {
            let path = format!("{}?from=2014-01-01&to=2028-12-31", report["href"].as_str().unwrap());
            let answer = tenant.get(&path).await;
            assert_eq!(answer.status, 200, "{what}: {path}: {}", answer.text);
            assert!(!answer.text.contains("NaN"), "{what}: {path}");
        }
        for path in [
            "/v1/segments",
            "/v1/segments/alerts",
            "/v1/win-backs",
            "/v1/win-backs/effect",
        ] {
            let answer = tenant.get(path).await;
            assert_eq!(answer.status, 200, "{what}: {path}: {}", answer.text);
            assert!(
                !answer.text.contains("NaN") && !answer.text.contains("inf"),
                "{what}: {path}"
            );
        }
    }))
    .await;
}

#[tokio::test]
async fn customers_are_screened_and_decided_upon() {
    let tenant = Tenant::new().await;
    tenant
        .patch(
            "/v1/settings",
            json!({"activity_costs": {"ticket": "5.00", "complaint": "20.00", "delivery": "1.50"},
                "screening": {"purchases": 2.0, "cooperation": 0.0}}),
        )
        .await
        .expect(200);
    tenant
        .patch("/v1/settings", json!({"screening": {"purchases": -1.0}}))
        .await
        .problem(422, "validation_failed");
    let today = tests::world().clock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let mut contacts = Vec::new();
    for (n, amount) in ["500.00", "50.00", "5.00"].iter().enumerate() {
        let contact = id(&tenant, "/v1/contacts", json!({"name": format!("Customer {n}")})).await;
        let order = json!({"contact_id": contact, "placed_on": today.to_string(), "status": "fulfilled", "historic": true,
            "lines": [{"name": "Goods", "unit_price": amount, "unit_cost": "1.00"}]});
        id(&tenant, "/v1/orders", order).await;
        contacts.push(contact);
    }
    id(
        &tenant,
        "/v1/tickets",
        json!({"subject": "Broken", "kind": "complaint", "contact_id": contacts[2]}),
    )
    .await;
    let path = "/v1/reports/profitability";
    let report = eventually("the profit of three customers", || async {
        let report = tenant.get(path).await.expect(200);
        let totals = &report["parts"][0]["totals"];
        // Margins of 499, 49 and 4, three deliveries, one ticket that is a complaint.
        (report["settling"] == false && totals["profit"]["value"] == "522.5").then_some(report)
    })
    .await;
    let groups = report["parts"][0]["groups"].as_array().unwrap();
    assert_eq!(groups[2]["title"], "Customer 2");
    assert_eq!(groups[2]["numbers"]["profit"]["value"], "-22.5");
    check(&tenant, "profit", &groups[2]["numbers"]["profit"]).await;

    let screening = tenant.get("/v1/reports/screening").await.expect(200);
    let groups = screening["parts"][0]["groups"].as_array().unwrap();
    let ranks: Vec<&str> = groups.iter().map(|group| group["key"].as_str().unwrap()).collect();
    assert_eq!(ranks, contacts.iter().map(String::as_str).collect::<Vec<_>>());
    let best = &groups[0]["numbers"];
    assert_eq!(
        (&best["purchases"]["value"], &best["profitability"]["value"]),
        (&json!("100"), &json!("100"))
    );

    let path = format!("/v1/contacts/{}/screenings", contacts[2]);
    let decision = json!({"decision": "limit_credit", "note": "  Costs more than it brings "});
    let key = [("idempotency-key", "decide-1")];
    let post = || tenant.json(reqwest::Method::POST, &path, &key, decision.clone());
    let kept = post().await.expect(201);
    assert_eq!(kept["decided_by"], tenant.user.as_str());
    assert_eq!(kept["note"], "Costs more than it brings");
    assert!(
        kept["total"].is_string() && kept["bases"]["profitability"] == "0",
        "{kept}"
    );
    let again = post().await;
    assert_eq!(
        (again.header("idempotent-replayed"), again.body["id"].clone()),
        ("true", kept["id"].clone())
    );
    let keep = json!({"decision": "keep"});
    tenant.post(&path, keep.clone()).await.expect(201);
    let listed = pages(&tenant, &path).await;
    let decisions: Vec<&str> = listed.iter().map(|one| one["decision"].as_str().unwrap()).collect();
    assert_eq!(decisions, ["keep", "limit_credit"]);
    let long = "x".repeat(2_001);
    for (body, code) in [
        (json!({"decision": "marry"}), "validation_failed"),
        (json!({}), "validation_failed"),
        (json!({"decision": "keep", "note": long}), "validation_failed"),
        (json!({"decision": "keep", "total": "99"}), "validation_failed"),
    ] {
        tenant.post(&path, body).await.problem(422, code);
    }
    let other = Tenant::new().await;
    other.get(&path).await.problem(404, "not_found");
    other.post(&path, keep).await.problem(404, "not_found");
}
