//! Contacts and companies: what is theirs beyond what records of any kind do.

use serde_json::{Value, json};
use tests::{Tenant, eventually};

pub(crate) async fn made(tenant: &Tenant, plural: &str, body: Value) -> Value {
    tenant.post(&format!("/v1/{plural}"), body).await.expect(201)
}

pub(crate) fn id(record: &Value) -> &str {
    record["id"].as_str().unwrap()
}

#[tokio::test]
async fn a_contact_belongs_to_a_company_that_is_there() {
    let tenant = Tenant::new().await;
    let company = made(&tenant, "companies", json!({"name": "Works", "industry": "steel"})).await;
    let body =
        json!({"given_name": "Ann", "family_name": "Li", "email": "Ann@Works.Example", "company_id": id(&company)});
    let contact = made(&tenant, "contacts", body).await;
    assert_eq!(
        (&contact["name"], &contact["email"]),
        (&json!("Ann Li"), &json!("Ann@works.example"))
    );
    let path = format!("/v1/contacts/{}", id(&contact));
    let read = tenant.get(&format!("{path}?expand=company,score")).await.expect(200);
    assert_eq!(read["company"], company);
    let plain = tenant.get(&path).await;
    assert!(
        plain.header("rapport-cost").starts_with("rru=1, wru=0"),
        "{}",
        plain.header("rapport-cost")
    );
    let listed = tenant
        .get(&format!("/v1/contacts?company_id={}", id(&company)))
        .await
        .expect(200);
    assert_eq!(listed["data"], json!([contact]));
    for wrong in ["com_01h455vb4pex5vsknk084sn02q", "lead_01h455vb4pex5vsknk084sn02q", "x"] {
        let answer = tenant.patch(&path, json!({"company_id": wrong})).await;
        assert_eq!(
            answer.problem(422, "validation_failed").body["errors"][0]["pointer"],
            "#/company_id"
        );
    }
    let other = Tenant::new().await;
    let answer = other
        .post("/v1/contacts", json!({"name": "X", "company_id": id(&company)}))
        .await;
    answer.problem(422, "validation_failed");
}

#[tokio::test]
async fn a_primary_address_is_one_contacts_alone_and_a_number_is_not() {
    let tenant = Tenant::new().await;
    let first = made(
        &tenant,
        "contacts",
        json!({"name": "Ann", "email": "a@b.co", "phone": "(415) 555-2671"}),
    )
    .await;
    let suspected = tenant
        .post("/v1/contacts", json!({"name": "Bob", "email": "A@b.co"}))
        .await;
    assert_eq!(
        suspected.problem(409, "duplicate_suspected").body["candidates"][0]["id"],
        first["id"]
    );
    let allowed = [("rapport-allow-duplicate", "true")];
    let taken = tenant
        .json(
            http::Method::POST,
            "/v1/contacts",
            &allowed,
            json!({"name": "Bob", "email": "A@b.co"}),
        )
        .await;
    assert_eq!(taken.problem(409, "conflict").body["holder"], first["id"]);
    made(&tenant, "contacts", json!({"name": "Bob", "phone": "+1 415 555 2671"})).await;
    let found = tenant.get("/v1/contacts/lookup?phone=4155552671").await.expect(200);
    assert_eq!(found["data"].as_array().unwrap().len(), 2);
    let found = tenant.get("/v1/contacts/lookup?phone=+14155552672").await.expect(200);
    assert_eq!(found["data"], json!([]));
    for path in ["/v1/contacts/lookup", "/v1/contacts/lookup?phone=abc"] {
        tenant.get(path).await.problem(422, "validation_failed");
    }
    tenant
        .patch("/v1/settings", json!({"unique_email": false}))
        .await
        .expect(200);
    tenant
        .json(
            http::Method::POST,
            "/v1/contacts",
            &allowed,
            json!({"name": "Bob", "email": "A@b.co"}),
        )
        .await
        .expect(201);
}

/// Addresses that could be shared for a while are had by two contacts, one of which holds them.
#[tokio::test]
async fn what_was_shared_for_a_while_hinders_nobody() {
    let tenant = Tenant::new().await;
    let unique = async |yes: bool| {
        let settings = json!({"unique_email": yes});
        tenant.patch("/v1/settings", settings).await.expect(200);
    };
    let allowed = async |name: &str, email: &str| {
        let body = json!({"name": name, "email": email});
        let headers = [("rapport-allow-duplicate", "true")];
        let answer = tenant.json(http::Method::POST, "/v1/contacts", &headers, body).await;
        id(&answer.expect(201)).to_owned()
    };
    let holder = async |email: &str| {
        let body = json!({"name": "Zoe", "email": email});
        let headers = [("rapport-allow-duplicate", "true")];
        let answer = tenant.json(http::Method::POST, "/v1/contacts", &headers, body).await;
        answer.problem(409, "conflict").body["holder"].clone()
    };

    // Who held it lets go of it, whatever the settings are by then.
    let ann = allowed("Ann", "first@b.co").await;
    unique(false).await;
    let bob = allowed("Bob", "first@b.co").await;
    let path = format!("/v1/contacts/{ann}");
    tenant.patch(&path, json!({"email": "second@b.co"})).await.expect(200);
    unique(true).await;
    let cleo = allowed("Cleo", "first@b.co").await;
    // Who has it and does not hold it can be changed and deleted, and takes it from nobody.
    tenant
        .patch(&format!("/v1/contacts/{bob}"), json!({"email": "third@b.co"}))
        .await
        .expect(200);
    assert_eq!(holder("first@b.co").await, cleo);
    assert_eq!(holder("third@b.co").await, bob);

    // Merged into each other, whichever of them held it: the one that stays does.
    for (n, held_by_first) in [true, false].into_iter().enumerate() {
        let email = format!("shared{n}@b.co");
        let one = allowed("Dan", &email).await;
        unique(false).await;
        let two = allowed("Daniel", &email).await;
        unique(true).await;
        let (into, from) = if held_by_first { (one, two) } else { (two, one) };
        let merge = tenant
            .post(&format!("/v1/contacts/{into}/merge"), json!({"from": [from]}))
            .await;
        merge.expect(202);
        assert_eq!(holder(&email).await, into, "held by the first: {held_by_first}");
    }
    // And one that is had by two is deleted twice.
    let eve = allowed("Eve", "last@b.co").await;
    unique(false).await;
    let eva = allowed("Eva", "last@b.co").await;
    unique(true).await;
    for gone in [&eva, &eve] {
        tenant.delete(&format!("/v1/contacts/{gone}")).await.expect(204);
    }
    allowed("Evi", "last@b.co").await;
}

#[tokio::test]
async fn companies_do_not_belong_to_themselves() {
    let tenant = Tenant::new().await;
    let a = made(&tenant, "companies", json!({"name": "A"})).await;
    let b = made(&tenant, "companies", json!({"name": "B", "parent_id": id(&a)})).await;
    let c = made(&tenant, "companies", json!({"name": "C", "parent_id": id(&b)})).await;
    for parent in [&a, &b, &c] {
        let answer = tenant
            .patch(&format!("/v1/companies/{}", id(&a)), json!({"parent_id": id(parent)}))
            .await;
        assert_eq!(
            answer.problem(422, "validation_failed").body["errors"][0]["code"],
            "circular"
        );
    }
    let listed = tenant
        .get(&format!("/v1/companies?parent_id={}", id(&a)))
        .await
        .expect(200);
    assert_eq!(listed["data"], json!([b]));
}

#[tokio::test]
async fn an_overview_shows_all_there_is_and_only_what_the_caller_may_read() {
    let tenant = Tenant::new().await;
    let contact = made(&tenant, "contacts", json!({"name": "Ann"})).await;
    let line = json!({"name": "Tea", "quantity": "1", "unit_price": "10.00"});
    let order = json!({"contact_id": id(&contact), "placed_on": "2026-11-20", "status": "placed", "lines": [line]});
    let order = made(&tenant, "orders", order).await;
    let ticket = |subject: &str| json!({"contact_id": id(&contact), "subject": subject, "channel": "email"});
    let open = made(&tenant, "tickets", ticket("Open")).await;
    let done = made(&tenant, "tickets", ticket("Done")).await;
    tenant
        .post(&format!("/v1/tickets/{}/resolve", id(&done)), json!({}))
        .await
        .expect(200);
    let path = format!("/v1/contacts/{}/overview", id(&contact));
    let overview = eventually("the timeline", || async {
        let overview = tenant.get(&path).await.expect(200);
        let events = overview["timeline"]["data"].as_array()?.len();
        (events >= 5).then_some(overview)
    })
    .await;
    assert_eq!(overview["contact"], contact);
    assert_eq!(overview["orders"][0]["balance"], order["balance"]);
    assert_eq!(overview["open_tickets"], json!([open]));
    let key = tenant
        .post("/v1/api-keys", json!({"name": "k", "scopes": ["contacts:read"]}))
        .await
        .expect(201);
    let secret = ["secret", "key"].iter().find_map(|name| key[*name].as_str()).unwrap();
    let limited = tenant.with_token(secret).get(&path).await.expect(200);
    assert!(
        limited.get("orders").is_none() && limited.get("open_tickets").is_none(),
        "{limited}"
    );
    let other = Tenant::new().await;
    other.get(&path).await.problem(404, "not_found");
}

#[tokio::test]
async fn a_lead_converts_once_into_a_contact_and_a_company() {
    let tenant = Tenant::new().await;
    let body = json!({"name": "Eve", "company_name": "Orchard", "email": "eve@orchard.example", "tags": ["fair"]});
    let lead = made(&tenant, "leads", body).await;
    let path = format!("/v1/leads/{}/convert", id(&lead));
    let key = [("idempotency-key", "once")];
    let done = tenant
        .json(http::Method::POST, &path, &key, json!({}))
        .await
        .expect(200);
    assert_eq!(done["lead"]["status"], "converted");
    assert_eq!(done["lead"]["contact_id"], done["contact"]["id"]);
    assert_eq!(done["contact"]["company_id"], done["company"]["id"]);
    assert_eq!(
        (
            &done["contact"]["email"],
            &done["contact"]["tags"],
            &done["company"]["name"]
        ),
        (&json!("eve@orchard.example"), &json!(["fair"]), &json!("Orchard"))
    );
    let again = tenant.json(http::Method::POST, &path, &key, json!({})).await;
    assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &done));
    tenant.post(&path, json!({})).await.problem(409, "already_converted");
    for plural in ["contacts", "companies"] {
        let listed = tenant.get(&format!("/v1/{plural}")).await.expect(200);
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{plural}");
    }
    let listed = tenant
        .get(&format!("/v1/leads?contact_id={}", id(&done["contact"])))
        .await
        .expect(200);
    assert_eq!(listed["data"], json!([done["lead"]]));
}

#[tokio::test]
async fn a_lead_of_a_known_person_converts_into_that_contact() {
    let tenant = Tenant::new().await;
    let contact = made(&tenant, "contacts", json!({"name": "Eve", "email": "eve@b.example"})).await;
    let body = json!({"name": "Eve", "company_name": "Orchard", "email": "eve@b.example", "phone": "+14155552671"});
    let lead = made(&tenant, "leads", body).await;
    let path = format!("/v1/leads/{}/convert", id(&lead));
    let refused = tenant.post(&path, json!({})).await;
    assert_eq!(refused.problem(409, "conflict").body["holder"], contact["id"]);
    let companies = tenant.get("/v1/companies").await.expect(200);
    assert_eq!(
        companies["data"],
        json!([]),
        "a refused conversion leaves nothing behind"
    );
    for wrong in [
        json!({"contact_id": "con_01h455vb4pex5vsknk084sn02q"}),
        json!({"company_id": id(&contact)}),
        json!({"deal": 1}),
    ] {
        tenant.post(&path, wrong).await.problem(422, "validation_failed");
    }
    let done = tenant
        .post(&path, json!({"contact_id": id(&contact)}))
        .await
        .expect(200);
    assert_eq!(
        (
            &done["contact"]["id"],
            &done["contact"]["version"],
            &done["contact"]["phone"]
        ),
        (&contact["id"], &json!(2), &json!("+14155552671"))
    );
    assert_eq!(done["contact"]["company_id"], done["company"]["id"]);
    let other = Tenant::new().await;
    other.post(&path, json!({})).await.problem(404, "not_found");
}

#[tokio::test]
async fn twenty_conversions_at_once_make_one_contact() {
    let tenant = Tenant::new().await;
    let lead = made(&tenant, "leads", json!({"name": "Eve", "company_name": "Orchard"})).await;
    let path = format!("/v1/leads/{}/convert", id(&lead));
    let answers = futures::future::join_all((0..20).map(|_| tenant.post(&path, json!({})))).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 409)));
    let listed = tenant.get("/v1/contacts").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}
