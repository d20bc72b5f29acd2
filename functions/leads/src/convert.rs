//! `POST /v1/leads/{id}/convert`: a lead becomes a contact and a company, all in one transaction.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{StatusCode, header};
use rapport_domain::company::{Company, CompanyIn};
use rapport_domain::contact::{Contact, ContactIn, EmailIn, PhoneIn};
use rapport_domain::lead::{Lead, LeadStatus};
use rapport_domain::record::shape;
use rapport_domain::{Common, Invalid, Kind, Prefix, Record, RecordId};
use rapport_http::problem::Code;
use rapport_http::resource::id;
use rapport_http::{Area, Caller, IdempotencyKey, IfMatch, Problem, Scope, Verb, body, respond};
use rapport_runtime::App;
use rapport_store::idempotency::{Answer, Idempotency};
use rapport_store::records::{Planned, Stored, parse, revised};
use rapport_store::{Accept, Store, StoreError, Table, Write};
use serde::Deserialize;
use serde_json::{Value, json};

/// How often a lost race is run again.
const ATTEMPTS: u32 = 4;

/// What the lead becomes, where it is there already.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ConvertIn {
    /// An existing contact instead of a new one. What the lead knows and the contact lacks is added to it.
    contact_id: Option<String>,
    /// An existing company instead of a new one.
    company_id: Option<String>,
}

/// The schema of the answer.
pub(crate) fn schema() -> Value {
    let object = json!({"type": "object"});
    json!({"type": "object", "required": ["lead", "contact"], "properties": {"lead": object, "contact": object, "company": object}})
}

pub(crate) async fn convert(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let lead = id(Prefix::Lead, &text)?;
    let needed = Scope(Area::Contacts, Verb::Write);
    if !caller.scopes.has(needed) {
        return Err(Problem::new(Code::Forbidden).detail(format!("this also needs the permission {needed}")));
    }
    let (value, bytes) = optional_body(request).await?;
    let input: ConvertIn = shape(value)?;
    let cx = caller.accept(&app).await?;
    let idempotency = key.of(Table::Leads, &bytes, None);
    let idempotency = idempotency.as_ref();
    let work = Box::pin(converted(&app.store, &cx, lead, expected, &input, idempotency));
    match app.store.once(cx.tenant, idempotency, cx.rules.now, work).await {
        Ok(body) => Ok(respond::json_text(StatusCode::OK, body)),
        Err(StoreError::Answered(answer)) => Ok(respond::replay(*answer)),
        Err(error) => Err(error.into()),
    }
}

/// A body that may be left out.
async fn optional_body(request: Request) -> Result<(Value, Vec<u8>), Problem> {
    if request.headers().contains_key(header::CONTENT_TYPE) {
        return body::value(request).await;
    }
    let bytes = body::read(request.into_body()).await?;
    if bytes.is_empty() {
        return Ok((json!({}), bytes));
    }
    Err(Problem::new(Code::UnsupportedMediaType).detail("send Content-Type: application/json"))
}

async fn converted(
    store: &Store,
    cx: &Accept,
    lead: RecordId,
    expected: Option<u64>,
    input: &ConvertIn,
    idempotency: Option<&Idempotency>,
) -> Result<String, StoreError> {
    let mut attempt = 0;
    loop {
        let (mut write, body) = plan(store, cx, lead, expected, input).await?;
        if let Some(idempotency) = idempotency {
            let answer = Answer {
                status: 200,
                location: None,
                etag: None,
                body: body.clone(),
            };
            write.answer(store, idempotency, &answer, cx.rules.now)?;
        }
        match write.commit(store).await {
            Err(StoreError::Stale(_)) if expected.is_none() && attempt < ATTEMPTS => attempt += 1,
            result => return result.map(|()| body),
        }
    }
}

/// What becomes of a lead: everything to write, and the answer.
async fn plan(
    store: &Store,
    cx: &Accept,
    id: RecordId,
    expected: Option<u64>,
    input: &ConvertIn,
) -> Result<(Write, String), StoreError> {
    let row = store.row::<Lead>(cx.tenant, id).await?;
    if row.gone {
        return Err(StoreError::Missing);
    }
    if expected.is_some_and(|version| version != row.version) {
        return Err(StoreError::Stale(Some(row.doc)));
    }
    let lead: Record<Lead> = parse(&row.doc)?;
    if lead.body.status == LeadStatus::Converted {
        return Err(StoreError::conflict(
            "already_converted",
            "this lead was converted before",
        ));
    }
    let known: Option<Record<Contact>> = existing(store, cx, "contact_id", input.contact_id.as_deref()).await?;
    let (company, new_company) = company(store, cx, &lead, known.as_ref(), input).await?;
    let company_id = company.as_ref().map(|(id, _)| *id);
    let (contact_id, contact, contact_write) = match known {
        Some(contact) => joined(store, cx, &lead, &contact, company_id)?,
        None => {
            let planned = contact(store, cx, &lead, company_id, new_company.as_ref()).await?;
            (planned.record.meta.id, planned.doc, planned.write)
        }
    };
    let body = lead.body.convert(contact_id, company_id, cx.rules.now)?;
    let next = lead.with_body(body, &cx.actor, cx.rules.now);
    let planned = store.plan_change(cx, &lead, next).await?;
    let mut write = planned.write;
    write.append(contact_write);
    if let Some(company) = new_company {
        write.append(company.write);
    }
    let company = company.map_or_else(String::new, |(_, doc)| format!(",\"company\":{doc}"));
    Ok((
        write,
        format!("{{\"lead\":{},\"contact\":{contact}{company}}}", planned.doc),
    ))
}

/// A record that the caller names.
async fn existing<K: Stored>(
    store: &Store,
    cx: &Accept,
    field: &str,
    id: Option<&str>,
) -> Result<Option<Record<K>>, StoreError> {
    let Some(id) = id else { return Ok(None) };
    let id = RecordId::parse(K::PREFIX, id).map_err(|error| Invalid::one(field, "id_malformed", error.to_string()))?;
    match store.live::<K>(cx.tenant, id).await {
        Ok(record) => Ok(Some(record)),
        Err(StoreError::Missing) => {
            Err(Invalid::one(field, "not_found", format!("there is no such {}", K::NOUN)).into())
        }
        Err(error) => Err(error),
    }
}

type Named = (RecordId, String);

/// The company: the one the caller names, the contact's, or a new one by the name on the lead.
async fn company(
    store: &Store,
    cx: &Accept,
    lead: &Record<Lead>,
    contact: Option<&Record<Contact>>,
    input: &ConvertIn,
) -> Result<(Option<Named>, Option<Planned<Company>>), StoreError> {
    let named = |company: Record<Company>| (company.meta.id, company.to_value().to_string());
    if let Some(company) = existing::<Company>(store, cx, "company_id", input.company_id.as_deref()).await? {
        return Ok((Some(named(company)), None));
    }
    if let Some(id) = contact.and_then(|contact| contact.body.company_id) {
        return match store.live::<Company>(cx.tenant, id).await {
            Ok(company) => Ok((Some(named(company)), None)),
            Err(StoreError::Missing) => Ok((None, None)),
            Err(error) => Err(error),
        };
    }
    let Some(name) = &lead.body.company_name else {
        return Ok((None, None));
    };
    let new = CompanyIn {
        name: Some(name.clone()),
        industry: lead.body.industry.clone(),
        ..CompanyIn::default()
    };
    let planned = store.plan_create::<Company>(cx, common_of(lead), new).await?;
    Ok((Some((planned.record.meta.id, planned.doc.clone())), Some(planned)))
}

/// A new contact. An e-mail address that somebody has already names that contact, so that the caller can choose it.
async fn contact(
    store: &Store,
    cx: &Accept,
    lead: &Record<Lead>,
    company: Option<RecordId>,
    new_company: Option<&Planned<Company>>,
) -> Result<Planned<Contact>, StoreError> {
    if let Some(email) = lead.body.email.as_ref().filter(|_| cx.rules.settings.unique_email)
        && let Some(holder) = store.holder::<Contact>(cx.tenant, "email", &email.key()).await?
    {
        return Err(StoreError::Taken {
            scope: "email".to_owned(),
            holder: Some(holder.to_string()),
        });
    }
    let input = contact_of(&lead.body, company.filter(|_| new_company.is_none()));
    let mut common = common_of(lead);
    common.tags.clone_from(&lead.meta.common.tags);
    store.plan_contact(cx, common, input, new_company).await
}

/// What a lead says of a contact.
fn contact_of(lead: &Lead, company: Option<RecordId>) -> ContactIn {
    let reached = lead.email.is_some() || lead.phone.is_some();
    ContactIn {
        // A lead that is only a firm becomes a contact of the firm's name.
        name: lead
            .name
            .clone()
            .or_else(|| lead.company_name.clone().filter(|_| !reached)),
        email: lead.email.as_ref().map(ToString::to_string),
        phone: lead.phone_given.clone().or_else(|| lead.phone.clone()),
        title: lead.title.clone(),
        company_id: company.map(|id| id.to_string()),
        note: lead.note.clone(),
        ..ContactIn::default()
    }
}

/// The owner goes along.
fn common_of(lead: &Record<Lead>) -> Common {
    Common {
        owner_id: lead.meta.common.owner_id.clone(),
        ..Common::default()
    }
}

/// An existing contact with what the lead knows and it lacks.
fn joined(
    store: &Store,
    cx: &Accept,
    lead: &Record<Lead>,
    contact: &Record<Contact>,
    company: Option<RecordId>,
) -> Result<(RecordId, String, Write), StoreError> {
    let input = enriched(&contact.body, &lead.body, company);
    let next = revised(cx, contact, contact.meta.common.clone().into(), input)?;
    let id = contact.meta.id;
    if next.meta.version != contact.meta.version {
        // The company was looked up before, or is made in this very transaction.
        let planned = store.plan_joined(cx, contact, next)?;
        return Ok((id, planned.doc, planned.write));
    }
    let mut write = Write::new(cx.tenant);
    let key = rapport_store::Key::record(cx.tenant, Contact::NOUN, id);
    write.unchanged(store, Contact::TABLE, &key, contact.meta.version)?;
    Ok((id, contact.to_value().to_string(), write))
}

/// The input that gives a contact what a lead knows more.
fn enriched(contact: &Contact, lead: &Lead, company: Option<RecordId>) -> ContactIn {
    let mut input = contact.editable();
    if let Some(email) = &lead.email
        && !contact.emails.iter().any(|known| known.address.key() == email.key())
        && contact.emails.len() < rapport_domain::contact::MOST_WAYS
    {
        input.emails.push(EmailIn {
            address: email.to_string(),
            ..EmailIn::default()
        });
    }
    if let Some(phone) = &lead.phone
        && !contact.phones.iter().any(|known| known.number == *phone)
        && contact.phones.len() < rapport_domain::contact::MOST_WAYS
    {
        input.phones.push(PhoneIn {
            number: phone.clone(),
            given: lead.phone_given.clone(),
            ..PhoneIn::default()
        });
    }
    input.title = input.title.or_else(|| lead.title.clone());
    input.company_id = input.company_id.or_else(|| company.map(|id| id.to_string()));
    input
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::Rules;

    fn rules() -> Rules {
        Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: std::sync::Arc::default(),
            fields: std::sync::Arc::default(),
        }
    }

    fn lead(input: Value) -> Lead {
        Lead::create(serde_json::from_value(input).unwrap(), &rules()).unwrap()
    }

    #[test]
    fn every_lead_makes_a_contact() {
        for (input, name) in [
            (json!({"name":"Ann","email":"a@b.co"}), "Ann"),
            (json!({"email":"a@b.co","company_name":"Acme"}), "a@b.co"),
            (json!({"phone":"+14155552671"}), "+14155552671"),
            (json!({"company_name":"Acme"}), "Acme"),
        ] {
            let contact = Contact::create(contact_of(&lead(input.clone()), None), &rules()).unwrap();
            assert_eq!(contact.name, name, "{input}");
        }
    }

    #[test]
    fn an_existing_contact_gains_what_it_lacks_and_loses_nothing() {
        let contact = Contact::create(
            serde_json::from_value(json!({"name":"Ann","email":"a@b.co","title":"Cook"})).unwrap(),
            &rules(),
        )
        .unwrap();
        let lead = lead(json!({"name":"Anna","email":"c@d.ef","phone":"(415) 555-2671","title":"Chief"}));
        let next = contact.revise(enriched(&contact, &lead, None), &rules()).unwrap();
        assert_eq!((next.name.as_str(), next.title.as_deref()), ("Ann", Some("Cook")));
        assert_eq!(next.email.unwrap().as_str(), "a@b.co");
        assert_eq!((next.emails.len(), next.phone.as_deref()), (2, Some("+14155552671")));
    }
}
