//! Leads, and with them all that records of any kind do.

use std::collections::BTreeSet;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Tenant, unique};

#[tokio::test]
async fn a_lead_lives() {
    let tenant = Tenant::new().await;
    let created = tenant
        .post(
            "/v1/leads",
            json!({"name": " Ann ", "email": "Ann@Shop.Example", "phone": "(415) 555-2671", "tags": ["vip"]}),
        )
        .await;
    let id = created.body["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (created.status, created.header("etag"), created.header("location")),
        (201, "\"1\"", format!("/v1/leads/{id}").as_str())
    );
    assert_eq!(created.body["phone"], "+14155552671");
    assert_eq!(created.body["score_reasons"].as_array().unwrap().len(), 2);
    let path = format!("/v1/leads/{id}");
    let read = tenant.get(&path).await;
    assert_eq!((read.status, &read.body), (200, &created.body));
    assert!(
        read.header("rapport-cost").starts_with("rru=1, wru=0"),
        "{}",
        read.header("rapport-cost")
    );
    assert_eq!(
        tenant
            .send(Method::GET, &path, &[("if-none-match", "\"1\"")], None)
            .await
            .status,
        304
    );

    let changed = tenant.patch(&path, json!({"note": "rang", "email": null})).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    assert!(changed.body.get("email").is_none());
    let same = tenant.patch(&path, json!({"note": "rang"})).await;
    assert_eq!(same.header("etag"), "\"2\"", "a change of nothing is no version");
    let stale = tenant
        .json(Method::PATCH, &path, &[("if-match", "\"1\"")], json!({"note": "x"}))
        .await;
    assert_eq!(stale.problem(412, "precondition_failed").body["current"]["version"], 2);
    tenant
        .patch(&path, json!({"nothing": 1}))
        .await
        .problem(422, "validation_failed");
    tenant
        .patch(&path, json!({"id": "x"}))
        .await
        .problem(422, "validation_failed");

    assert_eq!(
        tenant.get(&format!("{path}?fields=name")).await.expect(200),
        json!({"id": id, "name": "Ann"})
    );
    assert_eq!(tenant.delete(&path).await.status, 204);
    assert_eq!(tenant.delete(&path).await.status, 204);
    tenant.get(&path).await.problem(404, "not_found");
    tenant
        .patch(&path, json!({"note": "y"}))
        .await
        .problem(404, "not_found");
    assert_eq!(tenant.get("/v1/leads").await.expect(200)["data"], json!([]));
    let restored = tenant.post(&format!("{path}/restore"), json!({})).await.expect(200);
    assert_eq!((&restored["version"], &restored["note"]), (&json!(4), &json!("rang")));
    assert_eq!(tenant.get(&path).await.status, 200);
}

#[tokio::test]
async fn a_list_is_paged_filtered_and_held_to_its_question() {
    let tenant = Tenant::new().await;
    let inputs: Vec<Value> = (0..25).map(|n| json!({"name": format!("L{n}"), "status": if n % 5 == 0 { "qualified" } else { "new" }, "tags": if n % 2 == 0 { json!(["even"]) } else { json!([]) }, "source": if n < 5 { "fair" } else { "web" }})).collect();
    let made = tenant
        .post("/v1/leads/batch", json!({"operation": "create", "inputs": inputs}))
        .await
        .expect(200);
    assert_eq!(made["results"].as_array().unwrap().len(), 25);
    let count = |query: &'static str| {
        let tenant = &tenant;
        async move {
            tenant.get(&format!("/v1/leads?limit=200&{query}")).await.expect(200)["data"]
                .as_array()
                .unwrap()
                .len()
        }
    };
    for (query, expected) in [
        ("", 25),
        ("status=qualified", 5),
        ("tag=even", 13),
        ("tag=odd", 0),
        ("source=fair", 5),
        ("status=new&source=fair", 4),
        ("tag=even&status=qualified", 3),
        ("created_since=2020-01-01", 25),
        ("created_before=2020-01-01", 0),
        ("updated_since=2099-01-01", 0),
    ] {
        assert_eq!(count(query).await, expected, "{query}");
    }
    let mut seen = BTreeSet::new();
    let mut path = "/v1/leads?limit=7&source=web".to_owned();
    let mut pages = 0;
    loop {
        let page = tenant.get(&path).await;
        let body = page.clone().expect(200);
        seen.extend(
            body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|lead| lead["id"].as_str().unwrap().to_owned()),
        );
        pages += 1;
        let Some(cursor) = body["next_cursor"].as_str() else {
            break;
        };
        assert_eq!(body["has_more"], true);
        assert!(page.header("link").ends_with("rel=\"next\""));
        path = format!("/v1/leads?limit=7&source=web&cursor={cursor}");
        tenant
            .get(&format!("/v1/leads?limit=7&source=fair&cursor={cursor}"))
            .await
            .problem(400, "cursor_invalid");
        tenant
            .get(&format!("/v1/leads?limit=7&source=web&cursor=x{cursor}"))
            .await
            .problem(400, "cursor_invalid");
        Tenant::new().await.get(&path).await.problem(400, "cursor_invalid");
    }
    assert_eq!((seen.len(), pages), (20, 3));
}

#[tokio::test]
async fn the_same_key_fifty_times_at_once_makes_one_record() {
    let tenant = Tenant::new().await;
    let key = unique("key");
    let headers = [("idempotency-key", key.as_str())];
    let calls = (0..50).map(|_| tenant.json(Method::POST, "/v1/leads", &headers, json!({"name": "Once"})));
    let answers = join_all(calls).await;
    let ids: BTreeSet<&str> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 201, "{}", answer.text);
            answer.body["id"].as_str().unwrap()
        })
        .collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer.header("idempotent-replayed") == "true")
            .count(),
        49
    );
    assert_eq!(
        tenant.get("/v1/leads").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    tenant
        .json(
            Method::POST,
            "/v1/leads",
            &[("idempotency-key", &key)],
            json!({"name": "Other"}),
        )
        .await
        .problem(422, "idempotency_key_reused");
    let refused = unique("key");
    tenant
        .json(Method::POST, "/v1/leads", &[("idempotency-key", &refused)], json!({}))
        .await
        .problem(422, "validation_failed");
    assert_eq!(
        tenant
            .json(
                Method::POST,
                "/v1/leads",
                &[("idempotency-key", &refused)],
                json!({"name": "A"})
            )
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn a_hundred_changes_at_once_lose_nothing() {
    let tenant = Tenant::new().await;
    let id = tenant.post("/v1/leads", json!({"name": "A"})).await.expect(201)["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/v1/leads/{id}");
    let changes = join_all((0..100).map(|n| tenant.patch(&path, json!({"note": format!("n{n}")})))).await;
    let mut versions: Vec<u64> = Vec::new();
    for answer in changes {
        match answer.status {
            200 => versions.push(answer.body["version"].as_u64().unwrap()),
            _ => {
                answer.problem(409, "contention");
            }
        }
    }
    versions.sort_unstable();
    let expected: Vec<u64> = (2..2 + versions.len() as u64).collect();
    assert_eq!(versions, expected, "each version was won by one");
    assert_eq!(tenant.get(&path).await.expect(200)["version"], versions.len() + 1);
}

#[tokio::test]
async fn a_lead_that_looks_like_another_is_suspected() {
    let tenant = Tenant::new().await;
    let first = tenant
        .post("/v1/leads", json!({"name": "A", "email": "a@b.example"}))
        .await
        .expect(201);
    let second = tenant
        .post("/v1/leads", json!({"name": "B", "email": "A@B.example"}))
        .await;
    assert_eq!(
        second.problem(409, "duplicate_suspected").body["candidates"][0]["id"],
        first["id"]
    );
    let made = tenant
        .json(
            Method::POST,
            "/v1/leads",
            &[("rapport-allow-duplicate", "true")],
            json!({"name": "B", "email": "A@B.example"}),
        )
        .await
        .expect(201);
    let found = tenant
        .get(&format!("/v1/leads/{}/duplicates", made["id"].as_str().unwrap()))
        .await
        .expect(200);
    assert_eq!(found["data"][0]["id"], first["id"]);
}

#[tokio::test]
async fn upsert_by_an_external_id_creates_once_then_changes() {
    let tenant = Tenant::new().await;
    let path = "/v1/leads/by/shop/42%2F7";
    let calls = join_all((0..10).map(|n| tenant.put(path, json!({"name": format!("N{n}")})))).await;
    assert_eq!(calls.iter().filter(|answer| answer.status == 201).count(), 1);
    assert!(
        calls.iter().all(|answer| matches!(answer.status, 200 | 201)),
        "{calls:?}"
    );
    let again = tenant.put(path, json!({"note": "x"})).await.expect(200);
    assert_eq!(again["external_ids"], json!({"shop": "42/7"}));
    assert!(again["name"].is_string());
    tenant
        .post("/v1/leads", json!({"name": "B", "external_ids": {"shop": "42/7"}}))
        .await
        .problem(409, "conflict");
    tenant
        .put("/v1/leads/by/Not a source/1", json!({"name": "B"}))
        .await
        .problem(422, "validation_failed");
}

#[tokio::test]
async fn a_batch_does_each_by_itself_or_all_or_none() {
    let tenant = Tenant::new().await;
    let mixed = tenant.post("/v1/leads/batch", json!({"operation": "create", "inputs": [{"name": "A"}, {}, {"name": "C", "external_ids": {"s": "1"}}, {"name": "D", "external_ids": {"s": "1"}}]})).await.expect(207);
    let statuses: Vec<_> = mixed["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [201, 422, 201, 409]);
    let id = mixed["results"][0]["record"]["id"].clone();
    let atomic = tenant
        .post(
            "/v1/leads/batch",
            json!({"operation": "create", "atomic": true, "inputs": [{"name": "E"}, {"email": "x"}]}),
        )
        .await;
    assert_eq!(atomic.problem(422, "validation_failed").body["inputs"][0]["input"], 1);
    assert_eq!(
        tenant.get("/v1/leads").await.expect(200)["data"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    tenant
        .post(
            "/v1/leads/batch",
            json!({"operation": "update", "atomic": true, "inputs": [{"id": id, "patch": {"note": "n"}}]}),
        )
        .await
        .expect(200);
    let read = tenant.post("/v1/leads/batch", json!({"operation": "read", "inputs": [{"id": id}, {"id": "lead_00000000000000000000000000"}, {"id": "con_1"}]})).await.expect(207);
    let statuses: Vec<_> = read["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [200, 404, 404]);
    assert_eq!(read["results"][0]["record"]["note"], "n");
    let deleted = tenant
        .post(
            "/v1/leads/batch",
            json!({"operation": "delete", "inputs": [{"id": id}]}),
        )
        .await
        .expect(200);
    assert_eq!(deleted["results"][0]["status"], 204);
    tenant
        .post("/v1/leads/batch", json!({"operation": "create", "inputs": []}))
        .await
        .problem(422, "validation_failed");
    tenant
        .post("/v1/leads/batch", json!({"operation": "fly", "inputs": [{}]}))
        .await
        .problem(422, "validation_failed");
}

#[tokio::test]
async fn sixteen_changes_of_one_record_in_one_batch_are_all_there() {
    let tenant = Tenant::new().await;
    let lead = tenant.post("/v1/leads", json!({"name": "A"})).await.expect(201);
    let inputs: Vec<Value> = (0..16)
        .map(|n| json!({"id": lead["id"], "patch": {"external_ids": {format!("source_{n}"): "1"}}}))
        .collect();
    let batch = json!({"operation": "update", "inputs": inputs});
    let done = tenant.post("/v1/leads/batch", batch).await.body;
    // One that met others too often says so and has changed nothing.
    let done = done["results"].as_array().unwrap();
    let written = done.iter().filter(|result| result["status"] == 200).count();
    let now = tenant
        .get(&format!("/v1/leads/{}", lead["id"].as_str().unwrap()))
        .await
        .expect(200);
    assert!(written > 0);
    assert_eq!(
        now["external_ids"].as_object().unwrap().len(),
        written,
        "{now} {done:?}"
    );
    assert_eq!(now["version"], 1 + written);
}

#[tokio::test]
async fn search_takes_any_of_several_groups() {
    let tenant = Tenant::new().await;
    let inputs: Vec<Value> = (0..30).map(|n| json!({"name": format!("Name {n:02}"), "status": (["new", "working", "qualified"][n % 3]), "rating": if n % 2 == 0 { "hot" } else { "cold" }})).collect();
    tenant
        .post("/v1/leads/batch", json!({"operation": "create", "inputs": inputs}))
        .await
        .expect(200);
    let groups = json!([{"filters": [{"field": "status", "op": "eq", "value": "new"}, {"field": "rating", "op": "eq", "value": "hot"}]}, {"filters": [{"field": "status", "op": "eq", "value": "working"}]}]);
    let mut seen = BTreeSet::new();
    let mut cursor = Value::Null;
    loop {
        let mut body = json!({"filter_groups": groups, "limit": 4});
        if cursor.is_string() {
            body["cursor"] = cursor;
        }
        let page = tenant.post("/v1/leads/search", body).await.expect(200);
        for lead in page["data"].as_array().unwrap() {
            assert!(seen.insert(lead["id"].as_str().unwrap().to_owned()), "twice");
        }
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(seen.len(), 15);
    let sorted = tenant
        .post(
            "/v1/leads/search",
            json!({"filter_groups": groups, "sorts": [{"field": "name"}], "limit": 3}),
        )
        .await
        .expect(200);
    let names: Vec<_> = sorted["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|lead| lead["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Name 00", "Name 01", "Name 04"]);
    for bad in [
        json!({"filter_groups": []}),
        json!({"filter_groups": [{"filters": [{"field": "rating", "op": "eq", "value": "hot"}]}]}),
        json!({"filter_groups": [{"filters": [{"field": "status", "op": "like", "value": "n"}]}]}),
        json!({"filter_groups": [{"filters": [{"field": "nonsense", "op": "eq", "value": "n"}]}]}),
        json!({"filter_groups": groups, "sorts": [{"field": "note"}]}),
    ] {
        tenant
            .post("/v1/leads/search", bad)
            .await
            .problem(422, "validation_failed");
    }
}

/// Read units of an answer.
fn read_units(answer: &Answer) -> f64 {
    let cost = answer.header("rapport-cost");
    cost.trim_start_matches("rru=")
        .split(',')
        .next()
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn every_condition_of_a_search_is_held_to_and_what_is_wrong_is_named() {
    let tenant = Tenant::new().await;
    let inputs = json!([
        {"name": "Ann Lee", "rating": "hot", "tags": ["a"]},
        {"name": "Bob Ray", "rating": "warm", "tags": ["a", "b"]},
        {"name": "Cy Lee", "rating": "cold"},
    ]);
    let batch = json!({"operation": "create", "inputs": inputs});
    tenant.post("/v1/leads/batch", batch).await.expect(200);
    let search = |op: &str, field: &str, value: &Value| {
        let new = json!({"field": "status", "op": "eq", "value": "new"});
        let filters = json!([new, {"field": field, "op": op, "value": value}]);
        let body = json!({"filter_groups": [{"filters": filters}], "sorts": [{"field": "name"}]});
        let tenant = &tenant;
        async move { tenant.post("/v1/leads/search", body).await }
    };
    for (field, op, value, expected) in [
        ("name", "eq", json!("Bob Ray"), "Bob"),
        ("name", "neq", json!("Bob Ray"), "Ann Cy"),
        ("name", "gt", json!("Bob Ray"), "Cy"),
        ("name", "gte", json!("Bob Ray"), "Bob Cy"),
        ("name", "lt", json!("Bob Ray"), "Ann"),
        ("name", "lte", json!("Bob Ray"), "Ann Bob"),
        ("name", "between", json!(["Ann Lee", "Bob Ray"]), "Ann Bob"),
        ("name", "between", json!(["B", "C"]), "Bob"),
        ("rating", "in", json!(["hot", "cold"]), "Ann Cy"),
        ("rating", "not_in", json!(["hot", "cold"]), "Bob"),
        ("tags", "has", json!("b"), "Bob"),
        ("tags", "not_has", json!("a"), "Cy"),
        ("name", "contains_token", json!("lee"), "Ann Cy"),
        ("name", "contains_token", json!("lee cy"), "Cy"),
    ] {
        let found = search(op, field, &value).await.expect(200);
        let names: Vec<&str> = found["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|lead| lead["name"].as_str().unwrap().split(' ').next().unwrap())
            .collect();
        assert_eq!(names.join(" "), expected, "{field} {op} {value}");
    }
    for (op, value) in [
        ("between", json!(["A"])),
        ("between", json!(["A", "B", "C"])),
        ("between", json!("A")),
        ("in", json!([])),
        ("in", json!("hot")),
        ("not_in", json!(vec!["hot"; 101])),
        ("eq", json!(["hot"])),
    ] {
        let refused = search(op, "name", &value).await;
        refused.problem(422, "validation_failed");
        assert_eq!(refused.body["errors"][0]["code"], "wrong_type", "{op} {value}");
    }
}

#[tokio::test]
async fn a_page_is_as_full_as_it_can_be_and_costs_no_more_than_it_must() {
    let tenant = Tenant::new().await;
    tenant.post("/v1/leads", json!({"name": "First"})).await.expect(201);
    for part in 0..3 {
        let inputs: Vec<Value> = (0..100)
            .map(|n| json!({"name": format!("Lead {part} {n}"), "note": "x".repeat(900)}))
            .collect();
        let batch = json!({"operation": "create", "inputs": inputs});
        tenant.post("/v1/leads/batch", batch).await.expect(200);
    }
    let new = json!({"field": "status", "op": "eq", "value": "new"});
    let search = |filters: Value, limit: u32, sorts: Value| {
        let body = json!({"filter_groups": [{"filters": filters}], "limit": limit, "sorts": sorts});
        let tenant = &tenant;
        async move { tenant.post("/v1/leads/search", body).await }
    };
    // The one that fits lies behind three hundred that do not.
    let first = json!([new, {"field": "name", "op": "eq", "value": "First"}]);
    let found = search(first, 1, json!([])).await.expect(200);
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    // As many as there are: nothing follows. One fewer: something does.
    let of_part = json!([new, {"field": "name", "op": "lt", "value": "Lead 1"}]);
    for (limit, more) in [(102, false), (101, false), (100, true)] {
        let found = search(of_part.clone(), limit, json!([])).await.expect(200);
        assert_eq!(found["has_more"], more, "{limit}");
        assert_eq!(found["next_cursor"].is_string(), more, "{limit}");
    }
    // The newest are read from their end, not all and then sorted.
    let newest = read_units(&search(json!([new]), 1, json!([])).await);
    let sorted = read_units(&search(json!([new]), 1, json!([{"field": "name"}])).await);
    assert!(newest < sorted / 2.0, "{newest} {sorted}");
    // Who asks for a time reads no other.
    let all = tenant.get("/v1/leads?source=none&created_since=2026-01-01").await;
    let later = tenant.get("/v1/leads?source=none&created_since=2999-01-01").await;
    assert!(
        read_units(&all) > 10.0 && read_units(&later) < 2.0,
        "{} {}",
        read_units(&all),
        read_units(&later)
    );
}

#[tokio::test]
async fn custom_fields_are_declared_and_held_to() {
    let tenant = Tenant::new().await;
    tenant
        .post(
            "/v1/fields",
            json!({"kind": "lead", "key": "tax_number", "label": "Tax number", "type": "text", "unique": true}),
        )
        .await
        .expect(201);
    tenant
        .post(
            "/v1/fields",
            json!({"kind": "lead", "key": "size", "label": "Size", "type": "choice", "choices": ["s", "m"]}),
        )
        .await
        .expect(201);
    let lead = tenant
        .post(
            "/v1/leads",
            json!({"name": "A", "custom": {"tax_number": "T1", "size": "m"}}),
        )
        .await
        .expect(201);
    assert_eq!(lead["custom"], json!({"tax_number": "T1", "size": "m"}));
    let answer = tenant
        .post("/v1/leads", json!({"name": "B", "custom": {"tax_number": "t1"}}))
        .await;
    assert_eq!(answer.problem(409, "conflict").body["holder"], lead["id"]);
    tenant
        .post("/v1/leads", json!({"name": "B", "custom": {"size": "xl"}}))
        .await
        .problem(422, "validation_failed");
    tenant
        .post("/v1/leads", json!({"name": "B", "custom": {"other": 1}}))
        .await
        .problem(422, "validation_failed");
    let id = lead["id"].as_str().unwrap();
    tenant.delete(&format!("/v1/leads/{id}")).await;
    tenant
        .post("/v1/leads", json!({"name": "B", "custom": {"tax_number": "t1"}}))
        .await
        .expect(201);
    tenant
        .post(&format!("/v1/leads/{id}/restore"), json!({}))
        .await
        .problem(409, "conflict");
}
