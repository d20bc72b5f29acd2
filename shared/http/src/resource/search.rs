//! Search by fields: groups of conditions, any group may hold; every group is served by an index.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::response::Response;
use rapport_domain::Invalid;
use rapport_domain::record::shape;
use rapport_runtime::App;
use rapport_store::page::Row;
use rapport_store::records::{Filter, Test};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Resource;
use crate::api::Doc;
use crate::body;
use crate::caller::Caller;
use crate::list::{self, Question};
use crate::problem::{Code, Problem};
use crate::respond;

/// At most so many groups, and so many conditions in each.
const MOST_GROUPS: usize = 6;
const MOST_FILTERS: usize = 10;
/// What results can be sorted by, beside newest first.
const SORTS: [&str; 6] = ["created_at", "updated_at", "name", "number", "placed_on", "score"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Op {
    Eq,
    Neq,
    Gt,
    Gte,
    Lt,
    Lte,
    Between,
    In,
    NotIn,
    Has,
    NotHas,
    ContainsToken,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    field: String,
    op: Op,
    #[serde(default)]
    value: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    filters: Vec<Condition>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sort {
    field: String,
    #[serde(default)]
    descending: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Search {
    filter_groups: Vec<Group>,
    #[serde(default)]
    sorts: Vec<Sort>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    cursor: Option<String>,
}

/// Where a page ended: before an id, or after so many of a sorted whole.
#[derive(Serialize, Deserialize)]
enum Ended {
    #[serde(rename = "b")]
    Before(String),
    #[serde(rename = "o")]
    Offset(usize),
}

pub(super) fn doc<K: Resource>(page: Doc) -> Doc {
    let indexed: Vec<&str> = list::filters::<K>()
        .filter(|filter| filter.beside.is_none() && (filter.index.is_some() || filter.name == "tag"))
        .map(|filter| filter.field)
        .collect();
    page.detail(format!(
        "Any of the groups must hold, and all conditions in it; each group needs an `eq` (or `has` on tags) on one of: {}. Newest first unless sorted by {}; a sorted search reads everything that matches, at most {} rows a group.",
        indexed.join(", "),
        SORTS.join(", "),
        list::MOST_READ,
    ))
    .body_schema(&json!({
        "type": "object", "required": ["filter_groups"], "additionalProperties": false,
        "properties": {
            "filter_groups": {"type": "array", "minItems": 1, "maxItems": MOST_GROUPS, "items": {"type": "object", "required": ["filters"], "properties": {
                "filters": {"type": "array", "minItems": 1, "maxItems": MOST_FILTERS, "items": {"type": "object", "required": ["field", "op"], "properties": {
                    "field": {"type": "string"},
                    "op": {"type": "string", "enum": ["eq", "neq", "gt", "gte", "lt", "lte", "between", "in", "not_in", "has", "not_has", "contains_token"]},
                    "value": {}}}}}}},
            "sorts": {"type": "array", "maxItems": 1, "items": {"type": "object", "required": ["field"], "properties": {"field": {"type": "string", "enum": SORTS}, "descending": {"type": "boolean"}}}},
            "limit": {"type": "integer", "minimum": 1, "maximum": 200},
            "cursor": {"type": "string"},
        },
    }))
}

pub(super) async fn run<K: Resource>(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let (value, _) = body::value(request).await?;
    let mut asked = value.clone();
    let search: Search = shape(value)?;
    check::<K>(&search)?;
    if let Some(map) = asked.as_object_mut() {
        map.remove("cursor");
        map.remove("limit");
    }
    let identity = format!("/v1/{}/search\n{asked}", K::PLURAL);
    let ended: Option<Ended> =
        match &search.cursor {
            None => None,
            Some(text) => Some(app.store.open(caller.tenant, &identity, text).ok_or_else(|| {
                Problem::new(Code::CursorInvalid).detail("a cursor is good for the search it came from")
            })?),
        };
    let limit = search.limit.unwrap_or(50);
    let zone = app.store.tenant_rules(caller.tenant).await?.settings.zone();
    let mut questions = Vec::new();
    for (n, group) in search.filter_groups.iter().enumerate() {
        questions.push((served::<K>(n, group, &zone)?, group));
    }
    let (rows, next) = match search.sorts.first() {
        None => newest::<K>(&app, &caller, questions, limit, ended).await?,
        Some(sort) => sorted::<K>(&app, &caller, questions, sort, limit, ended).await?,
    };
    let next = next.map(|next| {
        (
            app.store.seal(caller.tenant, &identity, &next),
            format!("{}/v1/{}/search", app.config.public_url, K::PLURAL),
        )
    });
    Ok(respond::page(rows.iter().map(|row| row.doc.as_str()), next))
}

fn check<K: Resource>(search: &Search) -> Result<(), Problem> {
    let mut invalid = Invalid::default();
    if search.filter_groups.is_empty() || search.filter_groups.len() > MOST_GROUPS {
        invalid.add("filter_groups", "out_of_range", format!("1 to {MOST_GROUPS} groups"));
    }
    if search.limit.is_some_and(|limit| !(1..=200).contains(&limit)) {
        invalid.add("limit", "out_of_range", "1 to 200");
    }
    if search.sorts.len() > 1 {
        invalid.add("sorts", "too_many", "one sort at most");
    }
    for sort in &search.sorts {
        if !SORTS.contains(&sort.field.as_str()) {
            invalid.add(
                "sorts/0/field",
                "not_a_choice",
                format!("results can be sorted by {}", SORTS.join(", ")),
            );
        }
    }
    let own = crate::api::schema_of::<K>();
    let meta = crate::api::schema_of::<rapport_domain::Meta>();
    let known = |field: &str| {
        let name = field.split('.').next().unwrap_or_default();
        name == "custom"
            || name == "external_ids"
            || ["tags", "owner_id"].contains(&name)
            || own["properties"].get(name).is_some()
            || meta.to_string().contains(&format!("\"{name}\""))
    };
    for (g, group) in search.filter_groups.iter().enumerate() {
        if group.filters.is_empty() || group.filters.len() > MOST_FILTERS {
            invalid.add(
                &format!("filter_groups/{g}/filters"),
                "out_of_range",
                format!("1 to {MOST_FILTERS} conditions"),
            );
        }
        for (c, condition) in group.filters.iter().enumerate() {
            let place = format!("filter_groups/{g}/filters/{c}");
            if !known(&condition.field) {
                invalid.add(
                    &format!("{place}/field"),
                    "field_unknown",
                    format!("a {} has no such field", K::NOUN),
                );
            }
            let fits = match condition.op {
                Op::In | Op::NotIn => condition
                    .value
                    .as_array()
                    .is_some_and(|list| !list.is_empty() && list.len() <= 100),
                Op::Between => condition.value.as_array().is_some_and(|list| list.len() == 2),
                _ => condition.value.is_string() || condition.value.is_number() || condition.value.is_boolean(),
            };
            if !fits {
                invalid.add(
                    &format!("{place}/value"),
                    "wrong_type",
                    "in and not_in take a list of 1 to 100, between takes two values, all others one",
                );
            }
        }
    }
    invalid.check().map_err(Into::into)
}

/// The question that an index answers for a group.
fn served<K: Resource>(n: usize, group: &Group, zone: &jiff::tz::TimeZone) -> Result<Question, Problem> {
    let given: Option<(Filter, String)> = group.filters.iter().find_map(|condition| {
        let text = condition.value.as_str()?.to_owned();
        let filter = list::filters::<K>().find(|filter| {
            filter.field == condition.field
                && filter.beside.is_none()
                && ((filter.index.is_some() && condition.op == Op::Eq)
                    || (filter.name == "tag" && matches!(condition.op, Op::Has | Op::Eq)))
        })?;
        Some((*filter, text))
    });
    let Some(given) = given else {
        let fields: Vec<&str> = list::filters::<K>()
            .filter(|filter| filter.beside.is_none() && (filter.index.is_some() || filter.name == "tag"))
            .map(|filter| filter.field)
            .collect();
        let detail = format!(
            "each group needs an eq (or has on tags) on one of: {}",
            fields.join(", ")
        );
        return Err(Invalid::one(&format!("filter_groups/{n}"), "no_index", detail).into());
    };
    let given = if given.0.test == Test::Equal || given.0.name == "tag" {
        vec![given]
    } else {
        vec![]
    };
    Question::new::<K>(given, zone)
}

/// Newest first: pages of every group, merged by id.
async fn newest<K: Resource>(
    app: &App,
    caller: &Caller,
    questions: Vec<(Question, &Group)>,
    limit: usize,
    ended: Option<Ended>,
) -> Result<(Vec<Row>, Option<Ended>), Problem> {
    let before = match ended {
        Some(Ended::Before(id)) => Some(id),
        Some(Ended::Offset(_)) => return Err(Problem::new(Code::CursorInvalid)),
        None => None,
    };
    if questions.iter().any(|(question, _)| !question.by_id::<K>()) {
        // An index sorted by something else cannot be merged by id: read it whole.
        let offset = before.map(|text| Ended::Offset(text.parse().unwrap_or(0)));
        let sort = Sort {
            field: "created_at".to_owned(),
            descending: true,
        };
        let (rows, next) = sorted::<K>(app, caller, questions, &sort, limit, offset).await?;
        return Ok((
            rows,
            next.map(|next| match next {
                Ended::Offset(n) => Ended::Before(n.to_string()),
                other => other,
            }),
        ));
    }
    let mut found: BTreeMap<String, Row> = BTreeMap::new();
    // Beyond this id some group has not been read yet.
    let mut horizon: Option<String> = None;
    for (mut question, group) in questions {
        if let Some(id) = &before {
            question.before(id);
        }
        let past = before.clone();
        let fits = move |doc: &Value| {
            group.filters.iter().all(|condition| holds(condition, doc))
                && doc.get("id").and_then(Value::as_str) != past.as_deref()
        };
        let (rows, next) = question.rows::<K>(&app.store, caller, limit, None, fits, true).await?;
        if let Some(next) = next {
            horizon = Some(horizon.map_or_else(|| next.sk.clone(), |known| known.max(next.sk.clone())));
        }
        found.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
    }
    let total = found.len();
    let mut rows: Vec<Row> = found
        .into_values()
        .rev()
        .filter(|row| horizon.as_ref().is_none_or(|horizon| row.id >= *horizon))
        .collect();
    let cut = rows.len() > limit || rows.len() < total;
    rows.truncate(limit);
    let next = match (rows.last(), horizon) {
        (Some(last), Some(_)) => Some(last.id.clone()),
        (Some(last), None) if cut => Some(last.id.clone()),
        (None, Some(horizon)) => Some(horizon),
        _ => None,
    };
    Ok((rows, next.map(Ended::Before)))
}

/// Sorted by a field: everything is read, if it is not too much.
async fn sorted<K: Resource>(
    app: &App,
    caller: &Caller,
    questions: Vec<(Question, &Group)>,
    sort: &Sort,
    limit: usize,
    ended: Option<Ended>,
) -> Result<(Vec<Row>, Option<Ended>), Problem> {
    let offset = match ended {
        Some(Ended::Offset(offset)) => offset,
        Some(Ended::Before(_)) => return Err(Problem::new(Code::CursorInvalid)),
        None => 0,
    };
    let mut found: BTreeMap<String, (Value, Row)> = BTreeMap::new();
    for (n, (question, group)) in questions.into_iter().enumerate() {
        let fits = |doc: &Value| group.filters.iter().all(|condition| holds(condition, doc));
        let (rows, next) = question
            .rows::<K>(&app.store, caller, list::MOST_READ, None, fits, true)
            .await?;
        if next.is_some() {
            let detail = format!(
                "more than {} rows are behind this group: narrow it, or leave sorts out",
                list::MOST_READ
            );
            return Err(Invalid::one(&format!("filter_groups/{n}"), "too_many_to_sort", detail).into());
        }
        for row in rows {
            let doc: Value = serde_json::from_str(&row.doc).unwrap_or_default();
            found.insert(
                row.id.clone(),
                (list::field(&doc, &sort.field).cloned().unwrap_or_default(), row),
            );
        }
    }
    let mut rows: Vec<(Value, Row)> = found.into_values().collect();
    rows.sort_by(|a, b| {
        let order = compare(&a.0, &b.0)
            .unwrap_or(Ordering::Equal)
            .then_with(|| a.1.id.cmp(&b.1.id));
        if sort.descending { order.reverse() } else { order }
    });
    let more = rows.len() > offset + limit;
    let page = rows.into_iter().skip(offset).take(limit).map(|(_, row)| row).collect();
    Ok((page, more.then_some(Ended::Offset(offset + limit))))
}

fn holds(condition: &Condition, doc: &Value) -> bool {
    let field = list::field(doc, &condition.field);
    let value = &condition.value;
    let any = |list: &Value| {
        list.as_array()
            .is_some_and(|list| list.iter().any(|entry| Some(entry) == field))
    };
    let contains = |value: &Value| field.and_then(Value::as_array).is_some_and(|list| list.contains(value));
    let order = |value: &Value| field.and_then(|field| compare(field, value));
    match condition.op {
        Op::Eq => field == Some(value) || contains(value),
        Op::Neq => field != Some(value),
        Op::Gt => order(value) == Some(Ordering::Greater),
        Op::Gte => order(value).is_some_and(Ordering::is_ge),
        Op::Lt => order(value) == Some(Ordering::Less),
        Op::Lte => order(value).is_some_and(Ordering::is_le),
        Op::Between => order(&value[0]).is_some_and(Ordering::is_ge) && order(&value[1]).is_some_and(Ordering::is_le),
        Op::In => any(value),
        Op::NotIn => !any(value),
        Op::Has => contains(value),
        Op::NotHas => !contains(value),
        Op::ContainsToken => {
            let words = rapport_domain::text::words(field.and_then(Value::as_str).unwrap_or_default());
            rapport_domain::text::words(value.as_str().unwrap_or_default())
                .iter()
                .all(|word| words.contains(word))
        }
    }
}

/// Numbers by value, also those in strings, as money is; other texts by their characters.
fn compare(a: &Value, b: &Value) -> Option<Ordering> {
    let number = |value: &Value| match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.partial_cmp(&b),
        _ => match (a, b) {
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            _ => None,
        },
    }
}
