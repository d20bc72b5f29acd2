//! A tenant with one of everything, and a word in every text of it that nobody else has; and what another needs to try to
//! get at it: every id, cursor and value of it that the tenant itself is told.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::survey::Metric;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Tenant, eventually, unique};

use super::routes::routes;
use crate::faults::input::bodies;

/// Fields that hold words of the tenant's choice, in any body.
const WORDS: [&str; 33] = [
    "name",
    "given_name",
    "family_name",
    "title",
    "note",
    "body",
    "subject",
    "description",
    "company_name",
    "street",
    "city",
    "region",
    "postal_code",
    "occupation",
    "category",
    "industry",
    "source",
    "channel",
    "label",
    "en",
    "sku",
    "tax_id",
    "medium",
    "campaign",
    "term",
    "content",
    "external_id",
    "unit",
    "external_source",
    "solution",
    "reason",
    "value",
    "shop",
];
/// What some of these may not be in some places: the word would be refused there.
const BUT: [&str; 5] = ["/channel", "/value", "/region", "/phones", "/filter_groups"];

pub struct Victim {
    pub tenant: Tenant,
    /// The word.
    pub word: String,
    /// Ids by their prefix.
    pub ids: BTreeMap<String, BTreeSet<String>>,
    /// The addresses at which the tenant is told something.
    readable: BTreeSet<String>,
    /// Where lists go on.
    pub cursors: BTreeSet<String>,
    /// The key under which its requests are kept.
    pub idempotency: String,
    pub contact: String,
    pub other: String,
    pub order: String,
    pub ticket: String,
}

impl Victim {
    pub async fn new() -> Self {
        let word = unique("Quagga");
        let tenant = Tenant::with(json!({"company": word, "name": word})).await;
        let made = async |path: &str, body: Value| {
            let record = tenant.post(path, body).await.expect(201);
            record["id"].as_str().unwrap().to_owned()
        };
        let contact = made("/v1/contacts", json!({"name": word, "note": word})).await;
        let other = made("/v1/contacts", json!({"name": format!("{word} too")})).await;
        let line = json!({"name": word, "unit_price": "1000.00"});
        let order = made("/v1/orders", json!({"contact_id": contact, "lines": [line]})).await;
        let ticket = made(
            "/v1/tickets",
            json!({"subject": word, "channel": "api", "contact_id": contact}),
        )
        .await;
        let mut victim = Self {
            idempotency: unique("key"),
            word,
            tenant,
            ids: BTreeMap::new(),
            readable: BTreeSet::new(),
            cursors: BTreeSet::new(),
            contact,
            other,
            order,
            ticket,
        };
        for id in ids_in(&victim.fill().await) {
            victim.knows(id);
        }
        victim.look_around().await;
        // Looking made the surveys that every tenant has, and these are told of in the feed some seconds later.
        tests::until(&victim.tenant, "/v1/events?types=survey.created&limit=200", |feed| {
            let events = feed["data"].as_array().map_or(&[][..], Vec::as_slice);
            let made = events.iter().filter(|event| event["data"]["built_in"] == true);
            made.count() >= Metric::ALL.len()
        })
        .await;
        victim
    }

    /// One of everything that a body is known for, and what takes more than one: gives what was answered.
    async fn fill(&self) -> String {
        let mut told = String::new();
        let Self { tenant, word, .. } = self;
        let settings = json!({"survey": {"delay_minutes": 0, "quiet_hours": null, "min_days_between": 0}});
        tenant.patch("/v1/settings", settings).await.expect(200);
        // Somebody who is asked how it went.
        let body = json!({"name": word, "email": format!("{}@asked.example", word.to_lowercase())});
        let asked = tenant.post("/v1/contacts", body).await.expect(201);
        let asked = asked["id"].as_str().unwrap();
        let ticket = json!({"subject": word, "contact_id": asked});
        let ticket = tenant.post("/v1/tickets", ticket).await.expect(201);
        let path = format!("/v1/tickets/{}/resolve", ticket["id"].as_str().unwrap());
        tenant.post(&path, json!({"note": word})).await.expect(200);
        let texts = bodies(&self.contact, &self.other, &self.order, &self.ticket, &tenant.user);
        for (n, (method, path, mut body)) in texts.into_iter().enumerate() {
            // Later ones of these would take the ticket's survey back.
            if path == "/v1/settings" {
                continue;
            }
            mark(&mut body, "", word);
            let key = format!("{}-{n}", self.idempotency);
            let body: Value = serde_json::from_str(&body.to_string().replace("UNIQUE", &word.to_lowercase())).unwrap();
            let answer = tenant
                .json(method.clone(), &path, &[("idempotency-key", &key)], body)
                .await;
            // What is alike (two orders of one customer under one reference) may well be refused.
            assert!(answer.status < 500, "{method} {path}: {}", answer.text);
            told += &answer.text;
        }
        let headers = [("content-type", "text/csv")];
        let file = Some(format!("name\n{word}\n").into_bytes());
        let path = format!("/v1/imports?kind=contacts&name={word}.csv");
        tenant.send(Method::POST, &path, &headers, file).await.expect(201);
        let days = json!({"format": "csv", "from": "2026-01-01", "to": "2026-12-31", "by": "customer"});
        tenant.post("/v1/reports/sales/exports", days).await.expect(202);
        tenant.post("/v1/archives", json!({})).await.expect(202);
        let schedule = json!({"report": "sales", "every": "day", "name": word});
        tenant.post("/v1/report-schedules", schedule).await;
        let screening = json!({"decision": "keep", "note": word});
        tenant
            .post(&format!("/v1/contacts/{}/screenings", self.contact), screening)
            .await;
        let source = tenant
            .post("/v1/webhook-sources", json!({"kind": "generic", "name": word}))
            .await
            .expect(201);
        let url = source["url"].as_str().unwrap();
        let hook = &url[url.find("/hooks/").unwrap()..];
        // What has no mapping is a failure.
        tenant.with_token("").post(hook, json!({"words": word})).await;
        let merge = json!({"from": [self.other]});
        let path = format!("/v1/contacts/{}/merge", self.contact);
        told += &tenant.post(&path, merge).await.expect(202).to_string();
        let asked = format!("/v1/survey-invitations?contact_id={asked}");
        let some = |answer: Answer| {
            answer.body["data"]
                .as_array()
                .is_some_and(|all| !all.is_empty())
                .then_some(())
        };
        eventually("a survey", || async { some(tenant.get(&asked).await) }).await;
        let failures = format!("/v1/webhook-sources/{}/receipts", source["id"].as_str().unwrap());
        eventually("a receipt", || async { some(tenant.get(&failures).await) }).await;
        told
    }

    fn knows(&mut self, id: String) {
        let prefix = id.rsplit_once('_').unwrap().0.to_owned();
        self.ids.entry(prefix).or_default().insert(id);
    }

    /// Notes each id and cursor that the tenant's own lists and records tell of: twice, since records lead to others.
    async fn look_around(&mut self) {
        self.knows(self.tenant.user.clone());
        for _ in 0..2 {
            for path in self.paths() {
                let answer = self.tenant.get(&path).await;
                if answer.status != 200 {
                    continue;
                }
                for id in ids_in(&answer.text) {
                    self.knows(id);
                }
                self.readable.insert(path);
            }
        }
        for path in &self.readable {
            let page = self.tenant.get(&format!("{path}?limit=1")).await;
            self.cursors
                .extend(page.body["next_cursor"].as_str().map(str::to_owned));
        }
        for own in ["req", "tnt", "ses"] {
            self.ids.remove(own);
        }
    }

    /// Where something might be to read.
    fn paths(&self) -> Vec<String> {
        let gets = routes()
            .into_iter()
            .filter(|(method, path, _)| method == Method::GET && path.starts_with("/v1/"));
        gets.flat_map(|(_, path, _)| self.in_place(&path)).collect()
    }

    /// A path with an id of each kind in its places.
    pub fn in_place(&self, path: &str) -> Vec<String> {
        let Some(start) = path.find('{') else {
            return vec![path.to_owned()];
        };
        let end = start + path[start..].find('}').unwrap() + 1;
        let words: Vec<String> = match &path[start..end] {
            "{id}" | "{receipt}" => self.ids.values().filter_map(|ids| ids.first().cloned()).collect(),
            "{name}" => vec!["sales".to_owned()],
            "{part}" => vec!["1".to_owned()],
            "{queue}" => vec!["search_index".to_owned()],
            "{kind}" => vec!["lead".to_owned()],
            "{key}" if path.contains("/by/") => vec!["shop".to_owned()],
            _ => vec![self.word.to_lowercase()],
        };
        let rest = self.in_place(&path[end..]);
        let with = |word: &String| {
            rest.iter()
                .map(|rest| format!("{}{word}{rest}", &path[..start]))
                .collect::<Vec<_>>()
        };
        words.iter().flat_map(with).collect()
    }

    /// What the tenant is told at each of these addresses.
    pub async fn everything(&self) -> BTreeMap<String, Value> {
        let mut found = BTreeMap::new();
        for path in &self.readable {
            let answer = self.tenant.get(path).await;
            let told = if answer.body.is_null() {
                json!(answer.text)
            } else {
                answer.body
            };
            found.insert(path.clone(), json!([answer.status, told]));
        }
        found
    }

    /// Whether an answer tells anything of the tenant's that was not sent: its word, an id, the address of its owner.
    pub fn shows_in(&self, answer: &Answer, sent: &str) -> bool {
        let learnt = ids_in(&answer.text)
            .iter()
            .any(|id| !sent.contains(id) && self.knows_of(id));
        let owner = &self.tenant.email;
        let sent_owner = sent.contains(owner) || sent.contains(&owner.replace('@', "%40"));
        self.word_is_in(answer) || learnt || answer.text.contains(owner) && !sent_owner
    }

    /// Whether an id is of something of the tenant's.
    pub fn knows_of(&self, id: &str) -> bool {
        self.ids.values().any(|ids| ids.contains(id))
    }

    fn word_is_in(&self, answer: &Answer) -> bool {
        let word = self.word.to_lowercase();
        let headers = answer.headers.values().any(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).to_lowercase();
            text.contains(&word)
        });
        headers || answer.text.to_lowercase().contains(&word)
    }
}

/// Puts the word into every field that may hold any word.
fn mark(value: &mut Value, at: &str, word: &str) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                mark(value, &format!("{at}/{name}"), word);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mark(item, at, word)),
        Value::String(text) => {
            let name = at.rsplit('/').next().unwrap_or_default();
            let free = WORDS.contains(&name) && !BUT.iter().any(|but| at.contains(but));
            if free && !text.contains('_') {
                *text = word.to_owned();
            }
        }
        _ => {}
    }
}

/// Every id in a text.
pub fn ids_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| {
            word.rsplit_once('_')
                .is_some_and(|(prefix, rest)| rest.len() == 26 && rapport_domain::Prefix::from_text(prefix).is_some())
        })
        .map(str::to_owned)
        .collect()
}
