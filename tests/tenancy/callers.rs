//! Every route there is, called by those who may not, with real ids of somebody else: without credentials, in a role or with
//! a scope that lacks it, and as another tenant. The routes come from the functions' own lists and what they take from the
//! OpenAPI document, so that a new one is called without a word here.

use std::collections::BTreeSet;

use rapport_domain::permission::Role;
use rapport_http::Access;
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Caller, Tenant, unique};

use super::routes::{PUBLIC, routes};
use super::victim::{Victim, ids_in};
use crate::agreement::document;
use crate::api::identity::invited;
use crate::faults::input::bodies;

/// Routes whose answer to another tenant may hold a victim's word. This list only shrinks.
const TELLS: [&str; 0] = [];

const ROLES: [(&str, Role); 5] = [
    ("manager", Role::Manager),
    ("representative", Role::Representative),
    ("agent", Role::Agent),
    ("marketer", Role::Marketer),
    ("read_only", Role::ReadOnly),
];

/// What a field or parameter of this name would name.
fn prefix_of(name: &str) -> Option<&'static str> {
    Some(match name {
        "contact_id" | "from" | "into" | "contact" => "con",
        "company_id" | "parent_id" => "com",
        "owner_id" | "assignee_id" | "agent_id" | "user_id" => "usr",
        "product_id" => "prd",
        "order_id" => "ord",
        "ticket_id" => "tkt",
        "lead_id" => "lead",
        "survey_id" | "answers_of" => "sur",
        "endpoint_id" => "hep",
        "job" | "job_id" => "job",
        // A kind of record that there is not yet, or a text of the tenant's own.
        "campaign_id" | "solution_id" | "external_id" | "tax_id" | "client_id" => return None,
        name if name.ends_with("_id") || name.ends_with("_ids") || name == "id" || name == "ids" => "con",
        _ => return None,
    })
}

/// A value that a schema takes, with the victim's ids wherever one is named.
fn sample(schema: &Value, name: &str, all: &Value, victim: &Victim, depth: u8) -> Value {
    if depth > 8 {
        return Value::Null;
    }
    if let Some(id) = prefix_of(name).and_then(|prefix| victim.ids.get(prefix)?.first()) {
        return if is(schema, "array") { json!([id]) } else { json!(id) };
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let of = reference.rsplit('/').next().unwrap_or_default();
        return sample(&all[of], name, all, victim, depth + 1);
    }
    for word in ["default", "const"] {
        if !schema[word].is_null() {
            return schema[word].clone();
        }
    }
    for list in ["enum", "examples"] {
        if let Some(first) = schema[list].as_array().and_then(|all| all.first()) {
            return first.clone();
        }
    }
    for list in ["allOf", "oneOf", "anyOf"] {
        let mut choices = schema[list].as_array().into_iter().flatten();
        if let Some(choice) = choices.find(|choice| choice["type"] != "null") {
            return sample(choice, name, all, victim, depth + 1);
        }
    }
    if let Some(fields) = schema["properties"].as_object() {
        let field = |(name, schema): (&String, &Value)| (name.clone(), sample(schema, name, all, victim, depth + 1));
        return fields.iter().map(field).collect::<serde_json::Map<_, _>>().into();
    }
    if is(schema, "array") {
        json!([sample(&schema["items"], name, all, victim, depth + 1)])
    } else if is(schema, "object") {
        json!({})
    } else if is(schema, "boolean") {
        json!(true)
    } else if is(schema, "integer") || is(schema, "number") {
        json!(1)
    } else {
        match schema["format"].as_str() {
            Some("date") => json!("2026-01-05"),
            Some("date-time") => json!("2026-01-05T00:00:00Z"),
            Some("email") => json!("a@b.example"),
            _ => json!("text"),
        }
    }
}

fn is(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind
        || schema["type"]
            .as_array()
            .is_some_and(|kinds| kinds.contains(&json!(kind)))
}

/// The body a route takes according to the document, `{}` where it takes none.
fn body_of(document: &Value, method: &Method, path: &str, victim: &Victim) -> Value {
    let operation = &document["paths"][path][method.as_str().to_ascii_lowercase()];
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    match schema {
        Value::Null => json!({}),
        schema => sample(schema, "", &document["components"]["schemas"], victim, 0),
    }
}

/// The parameters of a route that may name somebody else's things, each by itself.
fn queries(document: &Value, path: &str, victim: &Victim) -> Vec<String> {
    let params = document["paths"][path]["get"]["parameters"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let mut found = vec![String::new()];
    for param in params.iter().filter(|param| param["in"] == "query") {
        let name = param["name"].as_str().unwrap_or_default();
        match name {
            "cursor" | "after" => found.extend(victim.cursors.iter().map(|cursor| format!("?{name}={cursor}"))),
            "email" => found.push(format!("?email={}", victim.tenant.email.replace('@', "%40"))),
            "expand" => found.push("?expand=contact,company,owner".to_owned()),
            name => match prefix_of(name) {
                Some(prefix) => {
                    let ids = victim.ids.get(prefix).into_iter().flatten().take(2);
                    found.extend(ids.map(|id| format!("?{name}={id}")));
                }
                None => {
                    let value = sample(&param["schema"], name, &document["components"]["schemas"], victim, 0);
                    found.push(format!(
                        "?{name}={}",
                        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
                    ));
                }
            },
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_learns_or_changes_anything() {
    let victim = Victim::new().await;
    for kind in [
        "con", "com", "lead", "ord", "prd", "tkt", "msg", "usr", "ivt", "key", "sur", "svi", "hep", "src", "imp",
        "rex", "job", "arc",
    ] {
        assert!(
            victim.ids.contains_key(kind),
            "the victim has no {kind}_: {:?}",
            victim.ids.keys()
        );
    }
    // What differs between two looks (a time of use, a figure of usage) is no sign of a change.
    let (before, again) = (victim.everything().await, victim.everything().await);
    let steady: Vec<&String> = before
        .keys()
        .filter(|path| again.get(*path) == before.get(*path))
        .collect();
    assert!(steady.len() > 50, "{}", steady.len());
    assert!(
        before
            .values()
            .filter(|told| told.to_string().to_lowercase().contains(&victim.word.to_lowercase()))
            .count()
            > 20
    );

    let document = document();
    let anybody = Caller::anonymous();
    let attacker = Tenant::new().await;
    let (mut called, mut told, mut kept) = (0, BTreeSet::new(), String::new());
    let mut see = |path: &str, answer: &Answer, sent: &str| {
        called += 1;
        // What was taken from the attacker he is told again.
        if answer.status < 300 {
            ids_in(sent).iter().for_each(|id| kept.push_str(id));
        }
        assert!(answer.status < 500, "{path}: {} {}", answer.status, answer.text);
        if victim.shows_in(answer, &format!("{sent}{kept}")) {
            assert!(TELLS.contains(&path), "{path} shows what is another's: {}", answer.text);
            told.insert(path.to_owned());
        }
    };
    for (method, path, access) in routes() {
        // What belongs to whoever signs in or up has no id of a tenant's in it; the word is part of these addresses.
        if path.contains("{token}") || path.contains("/fields/{kind}") || path.contains("/by/") {
            continue;
        }
        let body = body_of(&document, &method, &path, &victim);
        let suffixes = if method == Method::GET {
            queries(&document, &path, &victim)
        } else {
            vec![String::new()]
        };
        for address in victim.in_place(&path) {
            if path.contains("{key}") {
                continue;
            }
            let plain = if method == Method::GET {
                None
            } else {
                Some(body.to_string().into_bytes())
            };
            let json = [("content-type", "application/json")];
            if access != Access::Public {
                let answer = anybody.send(method.clone(), &address, &json, plain.clone()).await;
                assert_eq!(answer.status, 401, "{method} {address}: {}", answer.text);
                see(&path, &answer, &format!("{address}{body}"));
            }
            for suffix in &suffixes {
                let whole = format!("{address}{suffix}");
                let answer = attacker.send(method.clone(), &whole, &json, plain.clone()).await;
                see(&path, &answer, &format!("{whole}{body}"));
            }
        }
    }
    // Bodies that are right but for whose the ids are, under the keys of the victim's own requests.
    let rights = bodies(
        &victim.contact,
        &victim.other,
        &victim.order,
        &victim.ticket,
        &victim.tenant.user,
    );
    for (n, (method, path, body)) in rights.into_iter().enumerate() {
        if path == "/v1/settings" || path == "/v1/me" {
            continue;
        }
        let body: Value = serde_json::from_str(&body.to_string().replace("UNIQUE", &unique("u"))).unwrap();
        let key = format!("{}-{n}", victim.idempotency);
        let sent = format!("{path}{body}");
        let answer = attacker
            .json(method.clone(), &path, &[("idempotency-key", &key)], body)
            .await;
        see(&path, &answer, &sent);
        if path.contains('_') {
            assert!((400..500).contains(&answer.status), "{method} {path}: {}", answer.text);
        }
    }
    // Whatever that made the attacker hold.
    for (method, path, _) in routes() {
        if method == Method::GET && !path.contains('{') {
            let answer = attacker.get(&path).await;
            see(&path, &answer, &path);
        }
    }
    // Many at once, each of which names what is another's.
    let mut batches = 0;
    for (_, path, _) in routes().into_iter().filter(|(_, path, _)| path.ends_with("/batch")) {
        let ids: Vec<&String> = victim.ids.values().filter_map(|ids| ids.first()).collect();
        for operation in ["read", "update", "delete"] {
            for atomic in [false, true] {
                let input = |id: &&String| match operation {
                    "update" => json!({"id": id, "patch": {"tags": ["seized"]}}),
                    _ => json!({"id": id}),
                };
                let inputs: Vec<Value> = ids.iter().map(input).collect();
                let body = json!({"operation": operation, "inputs": inputs, "atomic": atomic});
                let answer = attacker.post(&path, body.clone()).await;
                see(&path, &answer, &body.to_string());
                let results = answer.body["results"].as_array().map_or(&[][..], Vec::as_slice);
                assert!(
                    results.iter().all(|one| one["status"].as_u64() >= Some(400)),
                    "{path}: {}",
                    answer.text
                );
                batches += results.len();
            }
        }
    }
    assert!(batches > 200, "{batches}");
    // The same values under the same keys are somebody else's own: a firm that has nothing else, since the word is now its word too.
    let twin = Tenant::new().await;
    for (method, path, _) in routes() {
        if !path.contains("/by/") {
            continue;
        }
        for address in victim.in_place(&path) {
            let body = body_of(&document, &method, &path, &victim);
            let sent = format!("{address}{body}");
            let answer = twin.json(method.clone(), &address, &[], body).await;
            assert!(answer.status < 500, "{address}: {}", answer.text);
            let theirs = ids_in(&answer.text)
                .into_iter()
                .find(|id| !sent.contains(id) && victim.knows_of(id));
            assert_eq!(theirs, None, "{address}: {}", answer.text);
        }
    }
    assert!(called > 1_500, "{called}");
    assert_eq!(
        told,
        TELLS.iter().map(|path| (*path).to_owned()).collect(),
        "a route of TELLS tells nothing any more"
    );

    let after = victim.everything().await;
    for path in steady {
        assert_eq!(after.get(path), before.get(path), "{path} has changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_calls_only_what_it_is_for() {
    let victim = Victim::new().await;
    let document = document();
    let mut callers = Vec::new();
    for (name, role) in ROLES {
        callers.push((name, role, invited(&victim.tenant, name).await.0));
    }
    let (before, again) = (victim.everything().await, victim.everything().await);
    let mut refused = 0;
    for (name, role, caller) in callers {
        for (method, path, access) in routes() {
            let Access::Needs(scope) = access else { continue };
            if role.scopes().has(scope) {
                continue;
            }
            let body = body_of(&document, &method, &path, &victim);
            let address = victim.in_place(&path).swap_remove(0);
            let sent = format!("{address}{body}");
            let answer = caller.json(method.clone(), &address, &[], body).await;
            assert_eq!(
                (answer.status, answer.body["code"].as_str()),
                (403, Some("forbidden")),
                "{name}: {method} {path}: {}",
                answer.text
            );
            let asked = address.contains(&victim.word.to_lowercase());
            assert!(
                asked || !victim.shows_in(&answer, &sent),
                "{name}: {method} {path}: {}",
                answer.text
            );
            refused += 1;
        }
    }
    assert!(refused > 150, "{refused}");
    let after = victim.everything().await;
    for (path, told) in before.iter().filter(|(path, told)| again.get(*path) == Some(told)) {
        assert_eq!(after.get(path), Some(told), "{path} has changed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_calls_only_what_its_one_scope_is_for() {
    let tenant = Tenant::new().await;
    let mut refused = 0;
    for area in rapport_domain::permission::Area::ALL {
        for verb in ["read", "write"] {
            let scope = format!("{}:{verb}", area.as_str());
            let made = tenant
                .post("/v1/api-keys", json!({"name": scope, "scopes": [scope]}))
                .await;
            // A scope that keys may not have.
            if made.status == 422 {
                continue;
            }
            let made = made.expect(201);
            let key = tenant.with_token(made["secret"].as_str().unwrap());
            for (method, path, access) in routes() {
                let Access::Needs(needed) = access else { continue };
                let (wanted, enough) = (needed.to_string(), scope.replace("write", "read"));
                if wanted == scope || wanted == enough {
                    continue;
                }
                let missing = path.replace("{id}", "con_01h455vb4pex5vsknk084sn02q");
                let answer = key.json(method.clone(), &missing, &[], json!({})).await;
                assert_eq!(
                    (answer.status, answer.body["code"].as_str()),
                    (403, Some("forbidden")),
                    "{scope}: {method} {path}: {}",
                    answer.text
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 1_500, "{refused}");
}

#[test]
fn what_is_listed_as_public_still_is() {
    let public: BTreeSet<String> = routes()
        .into_iter()
        .filter(|(_, _, access)| *access == Access::Public)
        .map(|(_, path, _)| path)
        .collect();
    for path in PUBLIC {
        assert!(
            public.contains(path),
            "{path} is not public any more: take it off the list"
        );
    }
}
