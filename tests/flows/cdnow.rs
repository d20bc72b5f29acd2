//! From an empty directory to scores, through HTTP only: the public CDNOW log in, a recompute, the model that the
//! literature gives for it (Fader, Hardie and Lee 2005).

use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Tenant, unique, until};

/// The rows of the log as orders: master id, sample id, date, pieces, dollars.
fn orders() -> Vec<Value> {
    let path = std::env::vars()
        .find(|(name, _)| name == "CDNOW_SAMPLE")
        .map(|(_, path)| path);
    let path = path.expect("CDNOW_SAMPLE names the log: run this by `cargo verify`, or `cargo xtask cdnow` and set it");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .enumerate()
        .map(|(row, line)| {
            let cells: Vec<&str> = line.split_whitespace().collect();
            let day = format!("{}-{}-{}", &cells[2][..4], &cells[2][4..6], &cells[2][6..]);
            let payments = if cells[4] == "0.00" { json!([]) } else { json!([{"amount": cells[4], "method": "other", "received_on": day}]) };
            json!({
                "contact_ref": {"key": "cdnow", "value": cells[1]}, "placed_on": day, "currency": "USD", "status": "fulfilled", "historic": true,
                "lines": [{"name": "Music", "quantity": "1", "unit_price": cells[4]}], "payments": payments,
                "external_ids": {"cdnow": format!("row-{row}")},
            })
        })
        .collect()
}

/// A batch as clients send it: under a key, and once more when the gateway did not wait for it.
async fn sent(tenant: &Tenant, batch: Value) -> Answer {
    let key = unique("batch");
    let mut again = 0;
    loop {
        let headers = [("idempotency-key", key.as_str())];
        let answer = tenant
            .json(Method::POST, "/v1/orders/batch", &headers, batch.clone())
            .await;
        if answer.status != 504 || again == 5 {
            return answer;
        }
        again += 1;
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}

async fn recompute(tenant: &Tenant, body: Value) -> Value {
    let asked = tenant.post("/v1/segments/recompute", body).await;
    let job = asked.header("location").to_owned();
    asked.expect(202);
    until(tenant, &job, |job| job["status"] == "done").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_public_log_gives_the_published_model() {
    let tenant = Tenant::new().await;
    let orders = orders();
    assert_eq!(orders.len(), 6_919);
    let batches: Vec<Value> = orders
        .chunks(100)
        .map(|chunk| json!({"operation": "create", "inputs": chunk}))
        .collect();
    let answers: Vec<_> = stream::iter(batches.clone())
        .map(|batch| sent(&tenant, batch))
        // No more at a time than there are processors: each batch is then answered before the gateway gives up, as a rule.
        .buffer_unordered(2)
        .collect()
        .await;
    for answer in answers {
        answer.expect(200);
    }
    // Every purchase is settled when the figures of the last and of the heaviest customer are: so wait for all of them.
    let total = |body: &Value| body["model"]["customers"].as_u64().unwrap_or(0);
    let mut model = Value::Null;
    for _ in 0..40 {
        recompute(&tenant, json!({"until": "1997-09-30"})).await;
        model = tenant.get("/v1/segments?until=1997-09-30").await.expect(200);
        let fitted = model["model"]["bg_nbd"]["log_likelihood"].as_f64().unwrap_or(0.0);
        if total(&model) == 2_357 && (fitted + 9_582.43).abs() < 0.01 {
            break;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let bg = &model["model"]["bg_nbd"];
    for (name, expected) in [("r", 0.243), ("alpha", 4.414), ("a", 0.793), ("b", 2.426)] {
        let found = bg[name].as_f64().unwrap_or_default();
        assert!((found - expected).abs() < 0.001, "{name}: {found} {model}");
    }
    let gamma = &model["model"]["gamma_gamma"];
    for (name, expected) in [("p", 6.2488), ("q", 3.7446), ("v", 15.4477)] {
        let found = gamma[name].as_f64().unwrap_or_default();
        assert!((found - expected).abs() < 0.01, "{name}: {found} {model}");
    }
    // Loading again makes nothing twice.
    let again = tenant.post("/v1/orders/batch", batches[0].clone()).await.expect(207);
    assert!(
        again["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|result| result["status"] == 409 && result["error"]["scope"] == "external.cdnow"),
        "{again}"
    );
    // Every customer has a score.
    let done = recompute(&tenant, json!({})).await;
    assert_eq!(done["customers"], 2_357);
    let contacts = tenant.get("/v1/contacts?limit=5").await.expect(200);
    for contact in contacts["data"].as_array().unwrap() {
        let score = tenant
            .get(&format!("/v1/contacts/{}/score", contact["id"].as_str().unwrap()))
            .await
            .expect(200);
        assert!(
            score["rfm"]["cell"].is_string() && score["value"]["clv_12m"]["currency"] == "USD",
            "{score}"
        );
    }
    let unchanged = recompute(&tenant, json!({})).await;
    assert_eq!(unchanged["changed"], 0, "{unchanged}");
}
