//! A firm's whole record moved out of one service and into another, over HTTP: what comes out of the second is what came out of
//! the first. And what is not moved in.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use futures::future::join_all;
use jiff::SignedDuration;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use rapport_domain::TenantId;
use rapport_domain::archive::{Manifest, Signature, is_signed};
use rapport_domain::survey::{Metric, Survey};
use reqwest::Method;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tests::{Answer, Tenant, until};
use zip::ZipArchive;

use super::account::{World, busy, id, made};
use super::identity::mailed_in;
use super::surveys;

/// The length of a part and of a range.
const PART: usize = 4 * 1024 * 1024;

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Has an archive made, and fetches it.
pub(super) async fn moved_out(tenant: &Tenant) -> Vec<u8> {
    let asked = tenant.post("/v1/archives", json!({})).await;
    let place = asked.header("location").to_owned();
    asked.expect(202);
    let done = until(tenant, &place, |archive| {
        assert_ne!(archive["status"], "failed", "{archive}");
        archive["status"] == "done"
    })
    .await;
    fetched(tenant, &place, &done).await
}

/// The file of an archive that is done, by ranges.
pub(super) async fn fetched(tenant: &Tenant, place: &str, done: &Value) -> Vec<u8> {
    let length = usize::try_from(done["bytes"].as_u64().unwrap()).unwrap();
    let mut bytes = Vec::new();
    while bytes.len() < length {
        // Several ranges, none longer than a part.
        let to = (bytes.len() + (length / 7).clamp(1, PART - 1)).min(length - 1);
        let range = format!("bytes={}-{to}", bytes.len());
        let answer = tenant
            .send(Method::GET, &format!("{place}/file"), &[("range", &range)], None)
            .await;
        assert_eq!(answer.status, 206, "{}", answer.text);
        assert_eq!(
            answer.header("content-range"),
            format!("bytes {}-{to}/{length}", bytes.len())
        );
        bytes.extend_from_slice(&answer.bytes);
    }
    assert_eq!(hex(&bytes), done["sha256"].as_str().unwrap());
    bytes
}

/// Sends a file, and begins to move it in.
pub(super) async fn sent(tenant: &Tenant, bytes: &[u8]) -> String {
    let announced = json!({"bytes": bytes.len(), "sha256": hex(bytes)});
    let announced = tenant.post("/v1/archives/uploads", announced).await.expect(201);
    let place = format!("/v1/archives/{}", id(&announced));
    for (part, content) in bytes.chunks(PART).enumerate() {
        let headers = [("content-type", "application/octet-stream")];
        let path = format!("{place}/parts/{}", part + 1);
        let answer = tenant.send(Method::PUT, &path, &headers, Some(content.to_vec())).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    }
    place
}

async fn moved_in(tenant: &Tenant, bytes: &[u8]) -> Value {
    let place = sent(tenant, bytes).await;
    // Asked for more than once, by two at once: it is moved in once.
    let (path, body) = (format!("{place}/move-in"), json!({}));
    tenant.post(&path, body.clone()).await.expect(202);
    let (again, more) = tokio::join!(tenant.post(&path, body.clone()), tenant.post(&path, body));
    for answer in [again, more] {
        answer.expect(202);
    }
    until(tenant, &place, |archive| {
        archive["status"] == "done" || archive["status"] == "failed"
    })
    .await
}

/// The lines of an archive by file, and who answers for it.
pub(super) struct Content {
    files: BTreeMap<String, Vec<String>>,
    manifest: Manifest,
}

impl Content {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut zip = ZipArchive::new(Cursor::new(bytes.to_vec())).unwrap();
        let mut texts = BTreeMap::new();
        for n in 0..zip.len() {
            let mut file = zip.by_index(n).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            texts.insert(file.name().to_owned(), text);
        }
        let words = texts.remove("manifest.json").unwrap();
        let signature: Signature = serde_json::from_str(&texts.remove("signature.json").unwrap()).unwrap();
        assert!(is_signed(&signature, words.as_bytes()));
        let manifest: Manifest = serde_json::from_str(&words).unwrap();
        for file in &manifest.files {
            assert_eq!(hex(texts[&file.name].as_bytes()), file.sha256, "{}", file.name);
        }
        assert_eq!(texts.len(), manifest.files.len());
        let lines = |text: String| text.lines().map(str::to_owned).collect();
        let files = texts.into_iter().map(|(name, text)| (name, lines(text))).collect();
        Self { files, manifest }
    }

    pub(super) fn lines(&self, kind: &str) -> &[String] {
        self.files.get(&format!("{kind}.ndjson")).map_or(&[], Vec::as_slice)
    }
}

/// Insists that a second archive holds what a first one does, ids that are made of the tenant's and that of the user apart.
pub(super) fn assert_same(first: &Content, second: &Content, user: (&str, &str)) {
    let tenants = [first, second].map(|content| TenantId::parse(&content.manifest.tenant).unwrap());
    let mut names = vec![
        (tenants[0].to_string(), tenants[1].to_string()),
        (user.0.to_owned(), user.1.to_owned()),
    ];
    for metric in Metric::ALL {
        let [there, here] = tenants.map(|tenant| Survey::built_in_id(tenant, metric).to_string());
        names.push((there, here));
    }
    let renamed = |line: &String| {
        names
            .iter()
            .fold(line.clone(), |line, (there, here)| line.replace(there, here))
    };
    assert_eq!(
        first.files.keys().collect::<Vec<_>>(),
        second.files.keys().collect::<Vec<_>>()
    );
    for (name, lines) in &first.files {
        let sorted = |lines: Vec<String>| {
            let mut lines: Vec<String> = lines
                .into_iter()
                // The user who moved it in is who he was there.
                .filter(|line| name != "users.ndjson" || !line.contains(user.1))
                .collect();
            // Built-in surveys have another place among the rest; what was appended in one millisecond has any.
            lines.sort();
            lines
        };
        let expected = sorted(lines.iter().map(renamed).collect());
        let found = sorted(second.files[name].clone());
        let (missing, more): (Vec<_>, Vec<_>) = (
            expected.iter().filter(|line| !found.contains(line)).collect(),
            found.iter().filter(|line| !expected.contains(line)).collect(),
        );
        assert!(
            missing.is_empty() && more.is_empty(),
            "{name}: missing {missing:#?}, more {more:#?}"
        );
        assert_eq!(expected.len(), found.len(), "{name}");
    }
}

/// Waits until nothing more happens to a firm: its feed is as long as it was.
pub(super) async fn settled(tenant: &Tenant) {
    let mut before = Value::Null;
    for _ in 0..60 {
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        let feed = tenant.get("/v1/events?limit=200").await.expect(200);
        let now = json!([
            feed["data"].as_array().unwrap().len(),
            feed["data"].as_array().unwrap().last().map(|last| last["id"].clone())
        ]);
        if now == before {
            return;
        }
        before = now;
    }
    panic!("something goes on and on");
}

#[tokio::test]
async fn what_is_moved_out_is_what_is_moved_in() {
    let (here, there) = (World::new().await, World::new().await);
    let tenant = Tenant::of(&here.anybody, json!({})).await;
    busy(&tenant).await;
    let found = tenant.get("/v1/search?q=Lee").await.expect(200);
    let decisions = format!("/v1/contacts/{}/screenings", id(&found["data"][0]));
    for decision in ["watch", "develop"] {
        made(
            &tenant,
            &decisions,
            json!({"decision": decision, "note": "She asked for more"}),
        )
        .await;
    }
    settled(&tenant).await;
    let bytes = moved_out(&tenant).await;
    let first = Content::of(&bytes);
    for kind in [
        "settings",
        "fields",
        "users",
        "contacts",
        "companies",
        "leads",
        "products",
        "orders",
        "tickets",
        "events",
        "report_schedules",
        "screenings",
        "survey_invitations",
        "survey_pauses",
    ] {
        assert!(!first.lines(kind).is_empty(), "{kind}");
    }
    let whole: String = first.files.values().flatten().map(String::as_str).collect();
    for secret in ["argon2", "password", "whsec_", "signing"] {
        assert!(!whole.contains(secret), "{secret}");
    }

    // By the same person elsewhere.
    let other = Tenant::of(&there.anybody, json!({"email": tenant.email})).await;
    let done = moved_in(&other, &bytes).await;
    assert_eq!(done["status"], "done", "{done}");
    assert_eq!(done["signed_here"], false);
    assert_eq!(done["rows"]["orders"], first.lines("orders").len());
    settled(&other).await;
    let second = Content::of(&moved_out(&other).await);
    assert_same(&first, &second, (&tenant.user, &other.user));

    // What is made of records is there too.
    let of_both = |path: &'static str| {
        let (tenant, other) = (&tenant, &other);
        async move { (tenant.get(path).await.expect(200), other.get(path).await.expect(200)) }
    };
    let (sold, again) = of_both("/v1/reports/sales?from=2026-10-01&to=2026-10-31&by=month").await;
    assert_eq!(sold["parts"][0]["totals"]["orders"]["value"], "1");
    for measure in ["orders", "sales", "margin"] {
        let totals = [&sold, &again].map(|report| report["parts"][0]["totals"][measure]["value"].clone());
        assert!(totals[0].is_string() && totals[0] == totals[1], "{measure}: {totals:?}");
    }
    let decided = tenant.get(&decisions).await.expect(200);
    assert_eq!(decided["data"][0]["decision"], "develop");
    // By whom: the same person has another id there.
    let there = decided.to_string().replace(&tenant.user, &other.user);
    assert_eq!(other.get(&decisions).await.expect(200).to_string(), there);
    let (found, again) = of_both("/v1/search?q=Lee").await;
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["data"][0]["id"], again["data"][0]["id"], "{again}");
    // Numbers go on where they were, and what is unique stays so.
    let contact = found["data"][0]["id"].as_str().unwrap();
    let order = json!({"contact_id": contact, "placed_on": "2026-10-02", "currency": "USD",
        "lines": [{"name": "Tea", "unit_price": "5"}]});
    let number = |order: &Value| order["number"].as_str().unwrap().parse::<u64>().unwrap();
    let next = other.post("/v1/orders", order).await.expect(201);
    let before: Value = serde_json::from_str(&first.lines("orders")[0]).unwrap();
    assert!(number(&next) > number(&before), "{next}");
    let twin = json!({"name": "Other", "external_ids": {"shop": "17"}});
    other.post("/v1/contacts", twin).await.problem(409, "conflict");
}

#[tokio::test]
async fn who_was_asked_before_a_move_is_reminded_after_it_and_not_asked_again() {
    let (here, there) = (World::new().await, World::new().await);
    let tenant = Tenant::of(&here.anybody, json!({})).await;
    tenant
        .patch("/v1/settings", surveys::at_once(json!({})))
        .await
        .expect(200);
    let survey = json!({"name": "Own", "metric": "csat", "triggers": ["ticket.resolved"], "reminder_days": 2});
    made(&tenant, "/v1/surveys", survey).await;
    let [silent, answers] = [
        surveys::contact(&tenant, json!({})).await,
        surveys::contact(&tenant, json!({})).await,
    ];
    let mut asked = Vec::new();
    for contact in [&silent, &answers] {
        surveys::resolved(&tenant, contact).await;
        asked.push(surveys::invitation(&tenant, contact, "sent").await);
    }
    let (_, link) = surveys::mailed(here.folder.path(), &asked[1]);
    here.anybody.post(&link, json!({"score": 5})).await.expect(200);
    settled(&tenant).await;
    let bytes = moved_out(&tenant).await;

    let mut other = Tenant::of(&there.anybody, json!({"email": tenant.email})).await;
    assert_eq!(moved_in(&other, &bytes).await["status"], "done");
    let scopes = json!(["tickets:write", "contacts:write", "surveys:read", "tickets:read"]);
    let key = other
        .post("/v1/api-keys", json!({"name": "k", "scopes": scopes}))
        .await
        .expect(201);
    other.owner = there.anybody.with_token(key["secret"].as_str().unwrap());
    // Both were asked not long ago, a third was not.
    for contact in [&silent, &answers] {
        surveys::resolved(&other, contact).await;
    }
    let third = surveys::contact(&other, json!({})).await;
    surveys::resolved(&other, &third).await;
    surveys::invitation(&other, &third, "sent").await;
    // A mail for each who did not answer.
    let reminders = there.items_with("survey_reminder_v1").await;
    assert_eq!(
        reminders.iter().filter(|(table, ..)| table.contains("imer")).count(),
        2,
        "{reminders:?}"
    );
    there.clock.advance(SignedDuration::from_hours(49));
    let place = format!("/v1/survey-invitations/{}", id(&asked[0]));
    until(&other, &place, |invitation| invitation["reminders"] == 1).await;
    for (invitation, reminded) in asked.iter().zip([true, false]) {
        let mail = there.folder.path().join(format!("{}-1.eml", id(invitation)));
        assert_eq!(mail.exists(), reminded, "{invitation}");
    }
    for contact in [&silent, &answers] {
        let invitations = other
            .get(&format!("/v1/survey-invitations?contact_id={contact}"))
            .await
            .expect(200);
        assert_eq!(invitations["data"].as_array().unwrap().len(), 1, "{invitations}");
    }
}

/// A firm with a random history.
async fn lived(tenant: &Tenant, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut contacts: Vec<String> = Vec::new();
    let mut records: Vec<(&str, String)> = Vec::new();
    let (mut fields, mut merges): (Vec<String>, Vec<(String, String)>) = (Vec::new(), Vec::new());
    // What a customer is called by a shop, and what nobody is called any more.
    let (mut called, mut free): (BTreeMap<String, usize>, Vec<usize>) = (BTreeMap::new(), Vec::new());
    let odd = ["Ann", "Zoë", "李 雷", "O'Neil \"Bo\"", "a\u{301}b", "tab\there", "🧁"];
    for step in 0..90 {
        let word = odd[random.random_range(0..odd.len())];
        let name = format!("{word} {seed}-{step}");
        let contact = contacts.get(random.random_range(0..contacts.len().max(1))).cloned();
        match random.random_range(0..15) {
            0..=2 => {
                let custom: Map<String, Value> = fields
                    .iter()
                    .filter(|_| random.random_bool(0.5))
                    .map(|key| (key.clone(), format!("{word} {step}").into()))
                    .collect();
                let number = free.pop().unwrap_or(step);
                let body = json!({"name": name, "email": format!("c{number}@mail.example"), "tags": ["t", word.to_lowercase()],
                    "external_ids": {"shop": number.to_string()}, "custom": custom});
                let id = made(tenant, "/v1/contacts", body).await;
                called.insert(id.clone(), number);
                contacts.push(id.clone());
                records.push(("contacts", id));
            }
            3 => records.push((
                "leads",
                made(
                    tenant,
                    "/v1/leads",
                    json!({"name": name, "email": format!("l{step}@mail.example")}),
                )
                .await,
            )),
            4 => records.push(("companies", made(tenant, "/v1/companies", json!({"name": name})).await)),
            5 => records.push((
                "products",
                made(
                    tenant,
                    "/v1/products",
                    json!({"name": name, "sku": format!("S-{step}"),
                "price": {"amount": "5.00", "currency": "USD"}}),
                )
                .await,
            )),
            6 | 7 => {
                let Some(contact) = contact else { continue };
                let body = json!({"contact_id": contact, "placed_on": format!("2026-0{}-1{}", random.random_range(1..=9), random.random_range(0..=9)),
                    "currency": "USD", "historic": true, "status": "fulfilled",
                    "lines": [{"name": word, "quantity": "2", "unit_price": "12.50", "unit_cost": "5"}]});
                records.push(("orders", made(tenant, "/v1/orders", body).await));
            }
            8 => {
                let body = json!({"subject": name, "contact_id": contact});
                let ticket = made(tenant, "/v1/tickets", body).await;
                let message = json!({"body": word, "internal": step % 2 == 0});
                let said = tenant.post(&format!("/v1/tickets/{ticket}/messages"), message).await;
                assert!(said.status == 201, "{}", said.text);
                records.push(("tickets", ticket));
            }
            9 => {
                let key = format!("field_{step}");
                let field =
                    json!({"kind": "contact", "key": key, "label": word, "type": "text", "unique": step % 2 == 0});
                tenant.post("/v1/fields", field).await.expect(201);
                fields.push(key);
            }
            10 | 11 => {
                // Two become one; what pointed at the other follows in the background, or has not yet when the firm is moved.
                let Some(into) = contact else { continue };
                let Some(other) = contacts.iter().find(|other| **other != into).cloned() else {
                    continue;
                };
                let merge = tenant
                    .post(&format!("/v1/contacts/{into}/merge"), json!({"from": [other]}))
                    .await
                    .expect(202);
                contacts.retain(|contact| *contact != other);
                merges.push((into, merge["job"]["id"].as_str().unwrap().to_owned()));
            }
            12 => {
                // Of two merges of one only the later can be undone, and none of somebody who was deleted.
                let Some((into, merge)) = merges.pop() else { continue };
                let undone = tenant
                    .post(&format!("/v1/contacts/{into}/unmerge"), json!({"merge": merge}))
                    .await;
                assert!([202, 404, 409].contains(&undone.status), "{}", undone.text);
            }
            13 => {
                let zone = ["Asia/Shanghai", "America/Lima", "UTC"][step % 3];
                let settings =
                    json!({"company": name, "time_zone": zone, "holidays": [format!("2027-01-{:02}", 1 + step % 28)]});
                tenant.patch("/v1/settings", settings).await.expect(200);
            }
            _ => {
                let Some((kind, id)) = records.get(random.random_range(0..records.len().max(1))).cloned() else {
                    continue;
                };
                let path = format!("/v1/{kind}/{id}");
                // What was deleted before answers so, and that is as good.
                let answer: Answer = if random.random_bool(0.4) {
                    let answer = tenant.delete(&path).await;
                    if contacts.contains(&id) {
                        contacts.retain(|contact| *contact != id);
                        free.extend(called.get(&id));
                    }
                    answer
                } else {
                    tenant.patch(&path, json!({"tags": [format!("changed-{step}")]})).await
                };
                assert!([200, 204, 404, 409].contains(&answer.status), "{path}: {}", answer.text);
            }
        }
    }
    let job = tenant.post("/v1/segments/recompute", json!({})).await;
    let place = job.header("location").to_owned();
    job.expect(202);
    until(tenant, &place, |job| job["status"] == "done").await;
}

#[tokio::test]
async fn whatever_a_firm_lived_through_it_is_the_same_after_a_move() {
    let seed = std::env::vars()
        .find(|(name, _)| name == "SEED")
        .and_then(|(_, text)| text.parse().ok())
        .unwrap_or_else(rand::random::<u64>);
    let (here, there) = (World::new().await, World::new().await);
    for seed in [seed, seed.wrapping_add(1)] {
        eprintln!("SEED={seed}");
        let tenant = Tenant::of(&here.anybody, json!({})).await;
        lived(&tenant, seed).await;
        settled(&tenant).await;
        let bytes = moved_out(&tenant).await;
        // By somebody else: everybody of the first firm is a user of the second.
        let other = Tenant::of(&there.anybody, json!({})).await;
        let done = moved_in(&other, &bytes).await;
        assert_eq!(done["status"], "done", "{done}");
        settled(&other).await;
        let (first, second) = (Content::of(&bytes), Content::of(&moved_out(&other).await));
        assert_same(&first, &second, ("usr_nobody", &other.user));
        assert_eq!(second.lines("users").len(), 2);
        comes_back(&there, &tenant, &other).await;
    }
}

#[tokio::test]
async fn a_file_of_several_parts_is_moved_in_as_well() {
    let (here, there) = (World::new().await, World::new().await);
    let tenant = Tenant::of(&here.anybody, json!({})).await;
    let ticket = made(&tenant, "/v1/tickets", json!({"subject": "Long letters"})).await;
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..130 {
        // What cannot be packed much.
        let letter: String = (0..49_000)
            .map(|_| char::from(random.random_range(b' '..=b'~')))
            .collect();
        let path = format!("/v1/tickets/{ticket}/messages");
        tenant
            .post(&path, json!({"body": format!("x{letter}x")}))
            .await
            .expect(201);
    }
    settled(&tenant).await;
    let bytes = moved_out(&tenant).await;
    assert!(bytes.len() > PART, "{}", bytes.len());
    let first = Content::of(&bytes);
    let files = first.files.keys().filter(|name| name.starts_with("ticket_messages"));
    assert!(files.count() > 1);
    let archives = tenant.get("/v1/archives").await.expect(200);
    let whole = tenant
        .get(&format!("/v1/archives/{}/file", id(&archives["data"][0])))
        .await;
    whole.problem(400, "range_invalid");
    let other = Tenant::of(&there.anybody, json!({"email": tenant.email})).await;
    let done = moved_in(&other, &bytes).await;
    assert_eq!(done["status"], "done", "{done}");
    settled(&other).await;
    let second = Content::of(&moved_out(&other).await);
    assert_same(&first, &second, (&tenant.user, &other.user));
}

#[tokio::test]
async fn of_several_archives_that_are_to_be_moved_in_at_once_one_is() {
    let world = World::new().await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    made(&tenant, "/v1/leads", json!({"name": "A"})).await;
    let bytes = moved_out(&tenant).await;
    let other = Tenant::of(&world.anybody, json!({})).await;
    let mut places = Vec::new();
    for _ in 0..4 {
        places.push(sent(&other, &bytes).await);
    }
    let paths: Vec<String> = places.iter().map(|place| format!("{place}/move-in")).collect();
    let answers = join_all(paths.iter().map(|path| other.post(path, json!({})))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [202, 409, 409, 409], "{answers:?}");
    for (place, answer) in places.iter().zip(&answers) {
        if answer.status == 202 {
            until(&other, place, |archive| archive["status"] == "done").await;
        } else {
            assert_eq!(other.get(place).await.expect(200)["status"], "uploading");
        }
    }
    let leads = other.get("/v1/leads").await.expect(200);
    assert_eq!(leads["data"].as_array().unwrap().len(), 1);
}

/// Whoever was a user of the first firm is invited to the second, and is who he was.
async fn comes_back(there: &World, tenant: &Tenant, other: &Tenant) {
    let sign_in = json!({"grant_type": "password", "username": tenant.email, "password": tests::PASSWORD});
    let nobody = there.anybody.post("/v1/auth/token", sign_in.clone()).await;
    nobody.problem(401, "invalid_credentials");
    let invitation = json!({"email": tenant.email, "role": "agent"});
    let invitation = other.post("/v1/invitations", invitation.clone()).await.expect(201);
    assert_eq!(invitation["role"], "owner");
    let token = mailed_in(there.folder.path(), &tenant.email, "it_").unwrap();
    let accept = json!({"token": token, "password": tests::PASSWORD});
    let welcome = there.anybody.post("/v1/invitations/accept", accept).await.expect(201);
    assert_eq!(welcome["user"]["id"], tenant.user.as_str());
    there.anybody.post("/v1/auth/token", sign_in).await.expect(200);
    let again = json!({"email": tenant.email, "role": "agent"});
    other.post("/v1/invitations", again).await.problem(409, "user_exists");
}

#[tokio::test]
async fn nothing_is_moved_in_that_is_not_whole_or_meets_something() {
    let world = World::new().await;
    let tenant = Tenant::of(&world.anybody, json!({})).await;
    made(&tenant, "/v1/leads", json!({"name": "A"})).await;
    let bytes = moved_out(&tenant).await;

    // A firm with records.
    let place = sent(&tenant, &bytes).await;
    let refused = tenant.post(&format!("{place}/move-in"), json!({})).await;
    refused.problem(409, "not_empty");

    // A file that was changed, one that was cut off, and none at all.
    let mut changed = bytes.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 0xff;
    for wrong in [changed, bytes[..bytes.len() - 9].to_vec(), b"not a zip".to_vec()] {
        let other = Tenant::of(&world.anybody, json!({})).await;
        let failed = moved_in(&other, &wrong).await;
        assert_eq!(failed["status"], "failed", "{failed}");
        assert!(failed["error"].as_str().is_some_and(|why| why.len() > 20), "{failed}");
        // It is open again, and as it was.
        assert_eq!(other.get("/v1/leads").await.expect(200)["data"], json!([]));
        made(&other, "/v1/leads", json!({"name": "B"})).await;
    }

    // Parts that are missing or of another length, and keys.
    let other = Tenant::of(&world.anybody, json!({})).await;
    let announced = json!({"bytes": bytes.len(), "sha256": hex(&bytes)});
    let announced = other.post("/v1/archives/uploads", announced).await.expect(201);
    let place = format!("/v1/archives/{}", id(&announced));
    let headers = [("content-type", "application/octet-stream")];
    for (part, expected) in [("1", 400), ("2", 404), ("0", 404), ("x", 404)] {
        let path = format!("{place}/parts/{part}");
        let answer = other.send(Method::PUT, &path, &headers, Some(vec![1])).await;
        assert_eq!(answer.status, expected, "{}", answer.text);
    }
    other.post(&format!("{place}/move-in"), json!({})).await.expect(202);
    let failed = until(&other, &place, |archive| archive["status"] == "failed").await;
    assert!(failed["error"].as_str().unwrap().contains("parts"), "{failed}");
    let key = json!({"name": "k", "scopes": ["account:write"]});
    let key = other.post("/v1/api-keys", key).await.expect(201);
    let key = other.with_token(key["secret"].as_str().unwrap());
    let announced = json!({"bytes": 1, "sha256": hex(b"1")});
    key.post("/v1/archives/uploads", announced)
        .await
        .problem(403, "forbidden");
    for wrong in [
        json!({"bytes": 0, "sha256": hex(b"")}),
        json!({"bytes": 1, "sha256": "x"}),
    ] {
        other
            .post("/v1/archives/uploads", wrong)
            .await
            .problem(422, "validation_failed");
    }
    // So many archives, and no more.
    let mut last = 201;
    for n in 0..25 {
        let announced = json!({"bytes": 1, "sha256": hex(b"1")});
        let answer = other.post("/v1/archives/uploads", announced).await;
        if answer.status != 201 {
            answer.problem(409, "too_many");
        }
        assert!(n > 0 || answer.status == 201);
        last = answer.status;
    }
    assert_eq!(last, 409);
    // Somebody else's is none.
    other
        .get(&format!("{place}/file"))
        .await
        .problem(409, "archive_not_done");
    tenant.get(&place).await.problem(404, "not_found");
}
