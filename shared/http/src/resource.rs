//! The standard operations of a kind of record: the same for every noun, so written once.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use rapport_domain::permission::{Area, Scope, Verb};
use rapport_domain::record::split;
use rapport_domain::{Kind, Prefix, RecordId, TenantId};
use rapport_runtime::App;
use rapport_store::page::Row;
use rapport_store::records::{Stored, Test, Written};
use rapport_store::{Key, Store, StoreError, Table};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::api::{Access, Api, Doc};
use crate::body::{self, IdempotencyKey, IfMatch, IfNoneMatch};
use crate::caller::Caller;
use crate::list::{self, Question};
use crate::problem::{Code, Problem};
use crate::query::Params;
use crate::respond;

mod batch;
mod search;
mod upsert;

/// A record that another names by its id.
#[derive(Clone, Copy, Debug)]
pub struct Expand {
    /// What it is called in `?expand=` and in the answer.
    pub name: &'static str,
    /// The field that holds the id.
    pub field: &'static str,
    /// The kind it is of.
    pub prefix: Prefix,
    /// Where it lies.
    pub table: Table,
    /// Its noun.
    pub noun: &'static str,
}

/// The owner: every kind has one.
pub const OWNER: Expand = Expand {
    name: "owner",
    field: "owner_id",
    prefix: Prefix::User,
    table: Table::Identity,
    noun: "user",
};

/// A kind of record that the API offers.
pub trait Resource: Stored + PartialEq + ToSchema + Kind<In: ToSchema> {
    /// The area of permissions it belongs to.
    const AREA: Area;
    /// What can be expanded.
    const EXPANDS: &'static [Expand] = &[OWNER];
    /// Unique values, beside external ids, by which a record can be upserted: key in the URL and scope of the guard.
    const KEYS: &'static [(&'static str, &'static str)] = &[];

    /// Puts the value of one of [`Resource::KEYS`] into a body that does not name it.
    fn place_key(body: &mut serde_json::Map<String, Value>, key: &str, value: &str) {
        body.entry(key).or_insert_with(|| value.into());
    }

    /// The record that holds a key's value.
    fn holder(
        store: &Store,
        tenant: TenantId,
        key: &str,
        scope: &str,
        value: &str,
    ) -> impl Future<Output = Result<Option<RecordId>, StoreError>> + Send {
        let _ = key;
        store.holder::<Self>(tenant, scope, value)
    }

    /// The form in which a key's value is guarded.
    fn normal_key(key: &str, value: &str) -> String {
        if key == "email" {
            value.trim().to_lowercase()
        } else {
            value.trim().to_owned()
        }
    }
}

/// The schema of a kind's answers.
fn schema<K: Resource>(doc: &mut Doc) -> Value {
    let meta = doc.schema::<rapport_domain::Meta>();
    let own = doc.schema::<K>();
    json!({"allOf": [meta, own]})
}

fn body_schema<K: Resource>(doc: &mut Doc) -> Value {
    doc.joined::<rapport_domain::Common, K::In>(&format!("{}Body", K::name()))
}

impl Api {
    /// Adds the standard operations of a kind: create, list, read, change, delete, restore, upsert, batch, search, duplicates.
    #[must_use]
    pub fn resource<K: Resource>(self) -> Self {
        let read = Access::Needs(Scope(K::AREA, Verb::Read));
        let write = Access::Needs(Scope(K::AREA, Verb::Write));
        let (noun, plural) = (K::NOUN, K::PLURAL);
        let all = format!("/v1/{plural}");
        let one = format!("{all}/{{id}}");
        let answer = |summary: &str, status: u16| {
            let mut doc = Doc::new(summary);
            let schema = schema::<K>(&mut doc);
            doc.answers_schema(status, &schema)
        };
        let takes = |mut doc: Doc| {
            let schema = body_schema::<K>(&mut doc);
            doc.body_schema(&schema)
        };
        let key = |doc: Doc| {
            doc.header(
                "Idempotency-Key",
                "At most 255 characters; the first answer is replayed for a day.",
            )
        };
        let page = |summary: &str| {
            let mut doc = Doc::new(summary);
            let schema = schema::<K>(&mut doc);
            let page = crate::api::page_of(&schema);
            doc.answers_schema(200, &page)
        };
        let listing = Doc::of(|| {
            let sorts: Vec<String> = K::SORTS
                .iter()
                .map(|sort| {
                    let name = sort.index.strip_prefix("by_").unwrap_or(sort.index);
                    let first = if sort.rising { "soonest" } else { "latest" };
                    format!("by `{}` with `{name}`, {first} first", sort.field)
                })
                .collect();
            let listing = page(&format!("List {plural}, newest first"));
            let mut listing = if sorts.is_empty() {
                listing
            } else {
                listing.detail(format!("Sorted {}.", sorts.join("; ")))
            }
            .paged()
            .query(
                "fields",
                "Only these fields, separated by commas",
                &json!({"type": "string"}),
            );
            for filter in list::filters::<K>() {
                let detail = match filter.test {
                    Test::Equal => format!("{} equals this", filter.field),
                    Test::Holds => format!("{} holds this", filter.field),
                    Test::Since => format!("{} is at or after this time or day", filter.field),
                    Test::Before => format!("{} is before this time or day", filter.field),
                };
                listing = listing.query(filter.name, &detail, &list::filter_schema(filter));
            }
            listing
        });
        let reading = Doc::of(|| {
            let expands: Vec<&str> = K::EXPANDS.iter().map(|expand| expand.name).collect();
            answer(&format!("Read a {noun}"), 200)
                .answers_type(304, "")
                .query(
                    "fields",
                    "Only these fields, separated by commas",
                    &json!({"type": "string"}),
                )
                .query(
                    "expand",
                    &format!("Also what it names: {}, separated by commas", expands.join(", ")),
                    &crate::api::words_of(expands.iter().copied()),
                )
                .header("If-None-Match", "304 when the record still has this ETag")
        });
        let if_match = |doc: Doc| doc.header("If-Match", "412 when the record has another ETag");
        self.route(
            Method::POST,
            &all,
            write,
            Doc::of(|| {
                key(takes(answer(&format!("Create a {noun}"), 201))).header(
                    "Rapport-Allow-Duplicate",
                    "true creates it though it looks like another",
                )
            }),
            create::<K>,
        )
        .route(Method::GET, &all, read, listing, list::<K>)
        .route(
            Method::POST,
            &format!("{all}/batch"),
            write,
            Doc::of(|| key(batch::doc::<K>())),
            batch::run::<K>,
        )
        .route(
            Method::POST,
            &format!("{all}/search"),
            read,
            Doc::of(|| search::doc::<K>(page(&format!("Search {plural}")))),
            search::run::<K>,
        )
        .route(
            Method::PUT,
            &format!("{all}/by/{{key}}/{{value}}"),
            write,
            Doc::of(|| {
                takes(answer(&format!("Create or change a {noun} by a unique value"), 200))
                    .detail("201 when it was created. What the body leaves out stays as it is.")
                    .answers_schema(201, &json!({"type": "object"}))
            }),
            upsert::run::<K>,
        )
        .route(Method::GET, &one, read, reading, get::<K>)
        .route(
            Method::PATCH,
            &one,
            write,
            Doc::of(|| {
                if_match(key(answer(&format!("Change a {noun}"), 200)))
                    .detail("An RFC 7396 merge patch: null clears.")
                    .body_schema(&json!({"type": "object"}))
            }),
            patch::<K>,
        )
        .route(
            Method::DELETE,
            &one,
            write,
            Doc::of(|| {
                if_match(
                    Doc::new(format!("Delete a {noun}"))
                        .detail("It can be restored for 30 days.")
                        .answers_type(204, ""),
                )
            }),
            delete::<K>,
        )
        .route(
            Method::POST,
            &format!("{one}/restore"),
            write,
            Doc::of(|| answer(&format!("Restore a deleted {noun}"), 200)),
            restore::<K>,
        )
        .route(
            Method::GET,
            &format!("{one}/duplicates"),
            read,
            Doc::of(|| {
                let found =
                    json!({"type": "object", "properties": {"data": {"type": "array", "items": {"type": "object"}}}});
                Doc::new(format!("Records that look like this {noun}")).answers_schema(200, &found)
            }),
            duplicates::<K>,
        )
    }
}

/// An id in the path; one of another kind or malformed answers like a missing one.
///
/// # Errors
/// `404`.
pub fn id(prefix: Prefix, text: &str) -> Result<RecordId, Problem> {
    RecordId::parse(prefix, text).map_err(|_| Problem::not_found())
}

/// The outcome of a write as an answer; a request answered before is answered the same again.
///
/// # Errors
/// What the store refused.
pub fn written<K: Kind>(
    status: StatusCode,
    result: Result<Written<K>, StoreError>,
    location: Option<String>,
) -> Result<Response, Problem> {
    match result {
        Ok(written) => Ok(respond::record(
            status,
            written.doc,
            written.record.meta.version,
            location,
        )),
        Err(StoreError::Answered(answer)) => Ok(respond::replay(*answer)),
        Err(error) => Err(error.into()),
    }
}

async fn create<K: Resource>(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (value, bytes) = body::value(request).await?;
    let cx = caller.accept(&app).await?;
    let (common, input) = split::<K::In>(value)?;
    let result = app
        .store
        .create::<K>(&cx, common, input, key.of(K::TABLE, &bytes, None).as_ref())
        .await;
    let location = result
        .as_ref()
        .ok()
        .map(|written| format!("/v1/{}/{}", K::PLURAL, written.record.meta.id));
    written(StatusCode::CREATED, result, location)
}

async fn get<K: Resource>(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
    IfNoneMatch(known): IfNoneMatch,
) -> Result<Response, Problem> {
    params.only(&["fields", "expand"])?;
    let row = current::<K>(&app, &caller, id(K::PREFIX, &text)?).await?;
    if known.contains(&row.version) {
        let mut response = respond::no_content();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
            .headers_mut()
            .insert(http::header::ETAG, respond::etag(row.version));
        return Ok(response);
    }
    let version = row.version;
    let docs = shaped::<K>(&app, &caller, &params, vec![row]).await?;
    Ok(respond::record(
        StatusCode::OK,
        docs.into_iter().next().unwrap_or_default(),
        version,
        None,
    ))
}

/// The row of a record that is there; one merged away leads to the one it was merged into.
///
/// # Errors
/// `404`.
pub async fn current<K: Resource>(app: &App, caller: &Caller, mut id: RecordId) -> Result<Row, Problem> {
    // A chain of merges is as long as people made it, but not endless.
    for _ in 0..10 {
        let row = app.store.row::<K>(caller.tenant, id).await?;
        if !row.gone {
            return Ok(row);
        }
        let doc: Value = serde_json::from_str(&row.doc).map_err(|error| Problem::internal(error.to_string()))?;
        let into = doc
            .get("merged_into")
            .and_then(Value::as_str)
            .filter(|_| doc.get("deleted_at").is_none());
        id = into
            .and_then(|into| RecordId::parse(K::PREFIX, into).ok())
            .ok_or_else(Problem::not_found)?;
    }
    Err(Problem::not_found())
}

/// Rows as the caller wants them: only some fields, with what they name.
async fn shaped<K: Resource>(
    app: &App,
    caller: &Caller,
    params: &Params,
    rows: Vec<Row>,
) -> Result<Vec<String>, Problem> {
    let names = |name: &str| -> Vec<String> {
        params
            .get(name)
            .map(|text| {
                text.split(',')
                    .map(|part| part.trim().to_owned())
                    .filter(|part| !part.is_empty())
                    .collect()
            })
            .unwrap_or_default()
    };
    let (fields, expand) = (names("fields"), names("expand"));
    if fields.is_empty() && expand.is_empty() {
        return Ok(rows.into_iter().map(|row| row.doc).collect());
    }
    let mut docs = rows
        .iter()
        .map(|row| serde_json::from_str::<Value>(&row.doc).map_err(|error| Problem::internal(error.to_string())))
        .collect::<Result<Vec<_>, _>>()?;
    for name in &expand {
        let expand = K::EXPANDS.iter().find(|known| known.name == name).ok_or_else(|| {
            let known: Vec<&str> = K::EXPANDS.iter().map(|known| known.name).collect();
            Problem::new(Code::Malformed).detail(format!(
                "'{name}' cannot be expanded here; there are: {}",
                known.join(", ")
            ))
        })?;
        fill(app, caller, expand, &mut docs).await?;
    }
    if !fields.is_empty() {
        for doc in &mut docs {
            if let Value::Object(map) = doc {
                map.retain(|name, _| name == "id" || fields.contains(name) || expand.contains(name));
            }
        }
    }
    Ok(docs.iter().map(Value::to_string).collect())
}

/// What a caller who may not look at users still sees of a colleague.
const OF_COLLEAGUES: [&str; 2] = ["id", "name"];

/// Puts records in that others name. Those that the caller may not read are left out.
async fn fill(app: &App, caller: &Caller, expand: &Expand, docs: &mut [Value]) -> Result<(), Problem> {
    let whole = caller.reads(expand.noun);
    if !whole && expand.prefix != Prefix::User {
        return Ok(());
    }
    let named = |doc: &Value| {
        doc.get(expand.field)
            .and_then(Value::as_str)
            .filter(|id| RecordId::parse(expand.prefix, id).is_ok())
            .map(str::to_owned)
    };
    let ids: std::collections::BTreeSet<String> = docs.iter().filter_map(named).collect();
    let keys: Vec<Key> = ids
        .iter()
        .map(|id| Key::new(caller.tenant, expand.noun, id.clone()))
        .collect();
    let items = app.store.get_items(expand.table, &keys, false).await?;
    let found: std::collections::BTreeMap<String, Value> = items
        .iter()
        .filter_map(Row::read)
        .filter(|row| !row.gone)
        .filter_map(|row| Some((row.id, serde_json::from_str(&row.doc).ok()?)))
        .collect();
    for doc in docs {
        if let Some(record) = named(doc).and_then(|id| found.get(&id)) {
            let mut record = record.clone();
            if let (false, Value::Object(fields)) = (whole, &mut record) {
                fields.retain(|name, _| OF_COLLEAGUES.contains(&name.as_str()));
            }
            doc[expand.name] = record;
        }
    }
    Ok(())
}

async fn list<K: Resource>(State(app): State<App>, caller: Caller, params: Params) -> Result<Response, Problem> {
    let given = list::given::<K>(&params)?;
    let limit = params.number("limit", 50, 1, 200)?;
    let zone = if given
        .iter()
        .any(|(filter, _)| matches!(filter.test, Test::Since | Test::Before))
    {
        app.store.tenant_rules(caller.tenant).await?.settings.zone()
    } else {
        jiff::tz::TimeZone::UTC
    };
    let filters: Vec<String> = given
        .iter()
        .map(|(filter, value)| format!("{}={value}", filter.name))
        .collect();
    let identity = format!("/v1/{}?{}", K::PLURAL, filters.join("&"));
    let after = cursor(&app, &caller, &identity, &params)?;
    let question = Question::new::<K>(given, &zone)?;
    let (rows, next) = question
        .rows::<K>(&app.store, &caller, limit, after, |_| true, false)
        .await?;
    let docs = shaped::<K>(&app, &caller, &params, rows).await?;
    Ok(respond::page(
        docs.iter().map(String::as_str),
        next.map(|next| link(&app, &caller, &identity, K::PLURAL, &params, &next)),
    ))
}

/// The position that a cursor stands for.
///
/// # Errors
/// `400` when it is not ours or not for this question.
pub fn cursor<P: serde::de::DeserializeOwned>(
    app: &App,
    caller: &Caller,
    identity: &str,
    params: &Params,
) -> Result<Option<P>, Problem> {
    let Some(text) = params.get("cursor") else {
        return Ok(None);
    };
    let position = app.store.open(caller.tenant, identity, text);
    position.map(Some).ok_or_else(|| {
        Problem::new(Code::CursorInvalid).detail("a cursor is good for the list and filters it came from")
    })
}

/// The cursor of a position and the address of the next page. `path` is what follows `/v1/`.
#[must_use]
pub fn link<P: serde::Serialize>(
    app: &App,
    caller: &Caller,
    identity: &str,
    path: &str,
    params: &Params,
    next: &P,
) -> (String, String) {
    let cursor = app.store.seal(caller.tenant, identity, next);
    let mut pairs: Vec<(&str, &str)> = params
        .0
        .iter()
        .filter(|(name, _)| name != "cursor")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    pairs.push(("cursor", &cursor));
    let query = serde_urlencoded::to_string(pairs).unwrap_or_default();
    let url = format!("{}/v1/{path}?{query}", app.config.public_url);
    (cursor, url)
}

async fn patch<K: Resource>(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    request: Request,
) -> Result<Response, Problem> {
    let (value, bytes) = body::value(request).await?;
    let id = id(K::PREFIX, &text)?;
    let cx = caller.accept(&app).await?;
    let result = app
        .store
        .patch::<K>(&cx, id, expected, key.of(K::TABLE, &bytes, None).as_ref(), &value)
        .await;
    match result {
        Err(StoreError::Stale(_)) if expected.is_none() => Err(Problem::new(Code::Contention)),
        result => written(StatusCode::OK, result, None),
    }
}

async fn delete<K: Resource>(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    IfMatch(expected): IfMatch,
) -> Result<Response, Problem> {
    let id = id(K::PREFIX, &text)?;
    let cx = caller.accept(&app).await?;
    app.store.delete::<K>(&cx, id, expected).await?;
    Ok(respond::no_content())
}

async fn restore<K: Resource>(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let id = id(K::PREFIX, &text)?;
    let cx = caller.accept(&app).await?;
    written(StatusCode::OK, app.store.restore::<K>(&cx, id).await, None)
}

async fn duplicates<K: Resource>(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let row = current::<K>(&app, &caller, id(K::PREFIX, &text)?).await?;
    let record = rapport_store::records::parse::<K>(&row.doc)?;
    let likes = app
        .store
        .likes::<K>(caller.tenant, &record.body.likeness(), Some(record.meta.id))
        .await?;
    let ids: Vec<String> = likes.iter().map(|(id, _)| id.to_string()).collect();
    let rows = app.store.rows::<K>(caller.tenant, &ids, false).await?;
    let data: Vec<Value> = likes
        .iter()
        .filter_map(|(id, score)| {
            let row = rows.iter().find(|row| row.id == id.to_string())?;
            let record: Value = serde_json::from_str(&row.doc).ok()?;
            Some(json!({"id": id, "score": (f64::from(*score) * 100.0).round() / 100.0, "record": record}))
        })
        .collect();
    Ok(respond::json(StatusCode::OK, &json!({"data": data, "has_more": false})))
}
