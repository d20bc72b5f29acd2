//! After each recompute: what is bought together. One page of orders a message becomes a page of baskets ([`gather`]); the
//! last one asks for the rules over all of them ([`mine`]).

use std::collections::{BTreeSet, HashMap};

use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rapport_domain::order::Order;
use rapport_domain::product::Product;
use rapport_domain::{Kind as _, Prefix, RecordId, TenantId};
use rapport_queue::Message;
use rapport_runtime::{App, BoxError};
use rapport_scoring::baskets::{Association, BasketPage, Baskets, MONTHS, Mined, dearer};
use rapport_store::association::StoredBaskets;
use rapport_store::page::{Position, Query, Row};
use rapport_store::records::parse;
use rapport_store::{StoreError, Table};
use serde::Deserialize;
use serde_json::json;

/// Orders read at a time.
const READ: usize = 500;
/// Orders looked at for one message.
const MOST_OF_PAGE: usize = 2_000;
/// A page is closed from this size on: with the orders of one more reading it stays below what an item may have.
const FULL: usize = 150_000;
/// A page has at most so many bytes; what would make it larger goes to the next.
const MOST_BYTES: usize = 300_000;
/// Orders looked at in all, the newest.
const MOST_ORDERS: usize = 500_000;
/// A chunk of rules has at most so many bytes.
const CHUNK: usize = 300_000;
/// Products read at a time.
const PRODUCTS: usize = 100;

/// Asks for the rules of what was bought up to a day.
///
/// # Errors
/// When the queue does not answer.
pub async fn ask(app: &App, tenant: TenantId, job: RecordId, day: Date) -> Result<(), BoxError> {
    let first = Message::BasketsGatherV1 {
        job,
        day,
        page: 0,
        read: 0,
        after: None,
    };
    crate::send(app, tenant, [first]).await
}

/// Gathers a page of baskets, newest orders first, and asks for the next or for the rules.
///
/// # Errors
/// When the store or the queue does not answer.
pub async fn gather(
    app: &App,
    tenant: TenantId,
    job: RecordId,
    day: Date,
    (page, read): (u32, usize),
    after: Option<String>,
) -> Result<(), BoxError> {
    let since = day.saturating_sub(Span::new().months(MONTHS));
    let (mut basket_page, mut looked_at) = (BasketPage::default(), 0);
    // Ids tell when an order was entered; one may be placed up to a year after that.
    let floor = since.saturating_sub(Span::new().years(1)).to_zoned(TimeZone::UTC)?;
    let query = Query {
        from: Some(RecordId::floor(Prefix::Order, floor.timestamp()).to_string()),
        ..Query::newest(Order::NOUN)
    };
    let mut position = after.map(Position::after);
    let mut more = true;
    'page: while more && looked_at < MOST_OF_PAGE && basket_page.bytes() < FULL {
        let items = app
            .store
            .query(tenant, Table::Orders, &query, READ, position.as_ref())
            .await?;
        more = items.next.is_some();
        for row in items.items.iter().filter_map(Row::read) {
            if !row.gone {
                basket_page.add(&parse::<Order>(&row.doc)?.body, since);
            }
            looked_at += 1;
            position = Some(Position::after(row.id));
            if basket_page.bytes() >= MOST_BYTES {
                more = true;
                break 'page;
            }
        }
    }
    let read = read + looked_at;
    let last = position
        .map(|position| position.sk)
        .filter(|_| more && read < MOST_ORDERS);
    let kept = StoredBaskets {
        doc: serde_json::to_string(&basket_page)?,
        last: last.clone(),
    };
    if !app.store.put_baskets(tenant, job, page, &kept, app.clock.now()).await? {
        // A repetition: the chain goes on from where the kept page ended, and once its next page is there needs no second.
        if app.store.baskets(tenant, job, page + 1).await?.is_some() {
            return Ok(());
        }
        let known = app.store.baskets(tenant, job, page).await?;
        let last = known.and_then(|known| known.last);
        return crate::send(app, tenant, [next(job, day, page, read, last)]).await;
    }
    crate::send(app, tenant, [next(job, day, page, read, last)]).await
}

fn next(job: RecordId, day: Date, page: u32, read: usize, last: Option<String>) -> Message {
    match last {
        Some(last) => Message::BasketsGatherV1 {
            job,
            day,
            page: page + 1,
            read,
            after: Some(last),
        },
        None => Message::BasketsMineV1 {
            job,
            day,
            pages: page + 1,
            read,
        },
    }
}

/// Mines the rules over all pages, sifts them by what the products are, and keeps them.
///
/// # Errors
/// When the store does not answer.
pub async fn mine(
    app: &App,
    tenant: TenantId,
    job: RecordId,
    day: Date,
    pages: u32,
    read: usize,
) -> Result<(), BoxError> {
    // A message that was long on its way: what is answered is newer already.
    if let Some(head) = app.store.rules_head(tenant).await?
        && serde_json::from_str::<Kept>(&head)?.as_of > day
    {
        return Ok(());
    }
    let mut baskets = Baskets::default();
    for n in 0..pages {
        let Some(page) = app.store.baskets(tenant, job, n).await? else {
            // So late that a page has expired: the next night has rules of its own.
            return Ok(());
        };
        baskets.take(serde_json::from_str(&page.doc)?);
    }
    // Seconds of arithmetic for a large tenant: not on the threads that answer others.
    let (mined, rules) = tokio::task::spawn_blocking(move || baskets.mine()).await?;
    let products = products(app, tenant, &rules).await?;
    let rules = dearer(rules, &products);
    let head = head(job, day, read, &mined, rules.len());
    let now = app.clock.now();
    Ok(app.store.put_rules(tenant, job, chunks(&rules)?, head, now).await?)
}

/// What matters here of the rules that are answered.
#[derive(Deserialize)]
struct Kept {
    as_of: Date,
}

/// The products that rules over customers name.
async fn products(app: &App, tenant: TenantId, rules: &[Association]) -> Result<HashMap<String, Product>, StoreError> {
    let keys: BTreeSet<String> = rules
        .iter()
        .filter(|rule| rule.kind == rapport_scoring::baskets::SuggestionKind::UpSell)
        .flat_map(|rule| rule.antecedent.iter().chain([&rule.consequent]))
        .filter(|article| article.product().is_some())
        .map(|article| article.key.clone())
        .collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let mut found = HashMap::new();
    for chunk in keys.chunks(PRODUCTS) {
        for row in app.store.rows::<Product>(tenant, chunk, false).await? {
            let product = parse::<Product>(&row.doc)?.body;
            found.insert(row.id, product);
        }
    }
    Ok(found)
}

/// What the rules rest on. `functions/segments` reads it.
fn head(job: RecordId, day: Date, read: usize, mined: &Mined, rules: usize) -> String {
    json!({"job": job, "as_of": day, "mined": mined, "rules": rules, "complete": read < MOST_ORDERS}).to_string()
}

/// Rules as JSON lists of a bounded size.
fn chunks(rules: &[Association]) -> Result<Vec<String>, serde_json::Error> {
    let mut chunks: Vec<String> = Vec::new();
    for rule in rules {
        let text = serde_json::to_string(rule)?;
        match chunks.last_mut() {
            Some(chunk) if chunk.len() + text.len() < CHUNK => {
                chunk.push(',');
                chunk.push_str(&text);
            }
            _ => chunks.push(format!("[{text}")),
        }
    }
    chunks.iter_mut().for_each(|chunk| chunk.push(']'));
    Ok(chunks)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_scoring::baskets::{Article, SuggestionKind};

    #[test]
    fn chunks_are_bounded_and_hold_every_rule_once() {
        let article = |n: usize| Article {
            key: format!("sku:{n}"),
            name: Some("x".repeat(80)),
            price: None,
        };
        for n in [0, 1, 5_000] {
            let rules: Vec<Association> = (0..n)
                .map(|n| Association {
                    kind: SuggestionKind::CrossSell,
                    antecedent: vec![article(n)],
                    consequent: article(n + 1),
                    support: 0.1,
                    confidence: 0.5,
                    lift: 2.0,
                    baskets: 5,
                    antecedent_baskets: 10,
                })
                .collect();
            let chunks = chunks(&rules).unwrap();
            assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK));
            let back: Vec<Association> = chunks
                .iter()
                .flat_map(|chunk| serde_json::from_str::<Vec<Association>>(chunk).unwrap())
                .collect();
            assert_eq!(back, rules);
        }
    }
}
