//! Lists: which index answers a question, what is tested on the rows read, where a page ends.

use rapport_domain::RecordId;
use rapport_store::page::{Position, Query, Row, position};
use rapport_store::records::{COMMON_FILTERS, Filter, Stored, Test, index_partition};
use rapport_store::{Item, Store, Table};
use serde_json::{Value, json};

use crate::caller::Caller;
use crate::problem::{Code, Problem};
use crate::query::Params;

/// At most so many rows are read for one page.
pub const MOST_READ: usize = 1_000;

/// A question that a list answers.
#[derive(Clone, Debug)]
pub struct Question {
    table: Table,
    query: Query,
    /// Whether the partition holds pointers to records rather than records.
    points: bool,
    tests: Vec<(Filter, String)>,
}

/// All filters of a kind.
pub fn filters<K: Stored>() -> impl Iterator<Item = &'static Filter> {
    K::FILTERS.iter().chain(COMMON_FILTERS)
}

impl Question {
    /// Chooses the index for some filters and leaves the rest as tests.
    ///
    /// # Errors
    /// `400` when a value does not fit its filter.
    pub fn new<K: Stored>(given: Vec<(Filter, String)>, zone: &jiff::tz::TimeZone) -> Result<Self, Problem> {
        let mut tests = Vec::with_capacity(given.len());
        for (filter, value) in given {
            let value = normal(&filter, value, zone)?;
            tests.push((filter, value));
        }
        // What lies beside a record cannot be tested on it, so it has to be what is asked first.
        let beside = tests.iter().position(|(filter, _)| filter.beside.is_some());
        let served = beside.or_else(|| tests.iter().position(|(filter, _)| filter.index.is_some()));
        let tagged = tests.iter().position(|(filter, _)| filter.name == "tag");
        let mut question = match (served, tagged) {
            (Some(n), _) => {
                let (filter, value) = tests.remove(n);
                let index = filter.index.unwrap_or_default();
                let (table, noun) = filter.beside.unwrap_or((K::TABLE, K::NOUN));
                Self {
                    table,
                    query: Query::index(index, index_partition(noun, index, &value)),
                    points: filter.beside.is_some(),
                    tests,
                }
            }
            (None, Some(n)) => {
                let (_, value) = tests.remove(n);
                let partition = rapport_store::key::pointer_partition(K::NOUN, &format!("tag#{value}"));
                Self {
                    table: K::TABLE,
                    query: Query::newest(partition),
                    points: true,
                    tests,
                }
            }
            (None, None) => Self {
                table: K::TABLE,
                query: Query::newest(K::NOUN),
                points: false,
                tests,
            },
        };
        let sort = K::SORTS.iter().find(|sort| question.query.index == Some(sort.index));
        question.query.reverse = sort.is_none_or(|sort| !sort.rising);
        question.bound::<K>();
        Ok(question)
    }

    /// Narrows the range of sort keys by the tests on what the source is sorted by.
    fn bound<K: Stored>(&mut self) {
        let sorted_by = self
            .query
            .index
            .and_then(|index| K::SORTS.iter().find(|sort| sort.index == index))
            .map(|sort| sort.field);
        for (filter, value) in &self.tests {
            let edge = match sorted_by {
                Some(field) if field == filter.field => value.clone(),
                // Sorted by id, and an id begins with its time.
                None if filter.field == "created_at" && K::IDS_TELL_CREATION => match value.parse() {
                    Ok(at) => RecordId::floor(K::PREFIX, at).to_string(),
                    Err(_) => continue,
                },
                _ => continue,
            };
            match filter.test {
                Test::Since => self.query.from = Some(edge),
                Test::Before => self.query.to = Some(edge),
                Test::Equal | Test::Holds => {}
            }
        }
    }

    /// Whether the rows come newest first by id, so that pages of several questions can be merged.
    #[must_use]
    pub fn by_id<K: Stored>(&self) -> bool {
        self.query
            .index
            .is_none_or(|index| K::SORTS.iter().all(|sort| sort.index != index))
    }

    /// Goes on before an id, for questions sorted by id.
    pub fn before(&mut self, id: &str) {
        if self.query.to.as_deref().is_none_or(|to| to > id) {
            self.query.to = Some(id.to_owned());
        }
    }

    /// Reads rows until `limit` fit or enough were read. `also` is one more test.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn rows<K: Stored>(
        &self,
        store: &Store,
        caller: &Caller,
        limit: usize,
        mut after: Option<Position>,
        also: impl Fn(&Value) -> bool,
        tested: bool,
    ) -> Result<(Vec<Row>, Option<Position>), Problem> {
        let mut found: Vec<Row> = Vec::new();
        let mut read = 0;
        let sieve = tested || !self.tests.is_empty();
        loop {
            let wanted = limit + 1 - found.len();
            let chunk = if sieve { wanted.max(100) } else { wanted }.min(MOST_READ - read);
            let page = store
                .query(caller.tenant, self.table, &self.query, chunk, after.as_ref())
                .await?;
            read += page.items.len();
            let rows = self.resolve::<K>(store, caller, &page.items).await?;
            for (item, row) in page.items.iter().zip(rows) {
                let fits = row.filter(|row| !row.gone).filter(|row| {
                    !sieve
                        || serde_json::from_str::<Value>(&row.doc).is_ok_and(|doc| {
                            self.tests.iter().all(|(filter, value)| holds(filter, value, &doc)) && also(&doc)
                        })
                });
                let Some(row) = fits else {
                    after = Some(position(item, &self.query));
                    continue;
                };
                if found.len() == limit {
                    // One more fits: the page ends before it.
                    return Ok((found, after));
                }
                found.push(row);
                after = Some(position(item, &self.query));
            }
            match page.next {
                None => return Ok((found, None)),
                Some(next) if read >= MOST_READ => return Ok((found, Some(next))),
                Some(next) => after = Some(next),
            }
        }
    }

    /// The rows of what was read, in its order: the items themselves, or what they point to.
    async fn resolve<K: Stored>(
        &self,
        store: &Store,
        caller: &Caller,
        items: &[Item],
    ) -> Result<Vec<Option<Row>>, Problem> {
        if !self.points {
            return Ok(items.iter().map(Row::read).collect());
        }
        let ids: Vec<String> = items
            .iter()
            .filter_map(|item| rapport_store::text_of(item, "sk"))
            .map(str::to_owned)
            .collect();
        let mut rows: std::collections::HashMap<String, Row> = store
            .rows::<K>(caller.tenant, &ids, false)
            .await?
            .into_iter()
            .map(|row| (row.id.clone(), row))
            .collect();
        Ok(ids.iter().map(|id| rows.remove(id)).collect())
    }
}

/// What a filter takes, for the OpenAPI document.
#[must_use]
pub fn filter_schema(filter: &Filter) -> Value {
    match filter.test {
        Test::Since | Test::Before => {
            json!({"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]})
        }
        Test::Equal | Test::Holds if filter.values.is_empty() => json!({"type": "string"}),
        Test::Equal | Test::Holds => json!({"type": "string", "enum": filter.values}),
    }
}

/// The filters among a list's parameters.
///
/// # Errors
/// `400` when a parameter is unknown.
pub fn given<K: Stored>(params: &Params) -> Result<Vec<(Filter, String)>, Problem> {
    let mut known: Vec<&str> = vec!["limit", "cursor", "fields", "expand"];
    known.extend(filters::<K>().map(|filter| filter.name));
    params.only(&known)?;
    Ok(filters::<K>()
        .filter_map(|filter| Some((*filter, params.get(filter.name)?.to_owned())))
        .collect())
}

/// A filter's value in the form that the field has: days for `…_on`, times for `…_at`, the rest as it is.
fn normal(filter: &Filter, value: String, zone: &jiff::tz::TimeZone) -> Result<String, Problem> {
    let wrong = |what: &str| Problem::new(Code::Malformed).detail(format!("{} takes {what}", filter.name));
    if !filter.values.is_empty() && !filter.values.contains(&value.as_str()) {
        return Err(wrong(&format!("one of {}", filter.values.join(", "))));
    }
    if matches!(filter.test, Test::Equal | Test::Holds) {
        return Ok(value);
    }
    let time = value.parse::<jiff::Timestamp>().ok();
    let day = value.parse::<jiff::civil::Date>().ok().filter(|_| value.len() == 10);
    let time_of = |day: jiff::civil::Date| day.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).ok();
    if filter.field.ends_with("_on") {
        let day = day.or_else(|| time.map(|time| time.to_zoned(zone.clone()).date()));
        day.map(|day| day.to_string())
            .ok_or_else(|| wrong("a day such as 2026-11-22"))
    } else {
        let time = day.and_then(time_of).or(time);
        time.map(rapport_domain::settings::millis::text)
            .ok_or_else(|| wrong("a time such as 2026-11-22T08:00:00Z or a day"))
    }
}

/// Whether a record passes a filter.
fn holds(filter: &Filter, value: &str, doc: &Value) -> bool {
    let Some(field) = field(doc, filter.field) else {
        return false;
    };
    match filter.test {
        Test::Equal => same(field, value),
        Test::Holds => field
            .as_array()
            .is_some_and(|list| list.iter().any(|entry| same(entry, value))),
        Test::Since => field.as_str().is_some_and(|text| text >= value),
        Test::Before => field.as_str().is_some_and(|text| text < value),
    }
}

/// A field by its path, `consent.email.status`.
#[must_use]
pub fn field<'a>(doc: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(doc, |value, name| value.get(name))
}

fn same(field: &Value, value: &str) -> bool {
    match field {
        Value::String(text) => text == value,
        Value::Bool(flag) => value == if *flag { "true" } else { "false" },
        Value::Number(number) => number.to_string() == value,
        _ => false,
    }
}
