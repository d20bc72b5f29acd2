//! Reads what a report needs: sheets, the model, the stock. Never records.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use jiff::Timestamp;
use rapport_domain::score::Score;
use rapport_domain::settings::Settings;
use rapport_domain::{Invalid, TenantId};
use rapport_http::Problem;
use rapport_reporting::cells::{Cells, Dimension, Family};
use rapport_reporting::fact::{Fact, WHOLE};
use rapport_reporting::period::month_of;
use rapport_reporting::report::{Ask, Definition, Need, Source};
use rapport_reporting::stock::Stock;
use rapport_runtime::App;
use rapport_scoring::Model;
use rapport_store::page::Query;
use rapport_store::{Store, Table};

/// The most bytes of sums read in one dimension: in memory they take several times as much.
const MOST_BYTES: usize = 30_000_000;
/// The most products whose stock is looked at.
const MOST_PRODUCTS: usize = 10_000;
/// The most scores looked at: beyond these, what the last recompute counted stands for them.
const MOST_SCORES: usize = 5_000;

/// What was read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Sums by sheet.
    pub sheets: BTreeMap<(Family, Dimension), BTreeMap<String, Cells>>,
    /// The model of the last recompute.
    pub model: Option<Model>,
    /// Products and their stock.
    pub stock: Vec<Stock>,
    /// The scores of all customers; `None` where they are too many.
    pub scores: Option<Vec<Score>>,
    /// Whether some of these sums are being made anew.
    pub settling: bool,
}

impl Loaded {
    /// As reports take it.
    #[must_use]
    pub fn source<'a>(&'a mut self, settings: &'a Settings, as_of: Timestamp) -> Source<'a> {
        Source {
            sheets: std::mem::take(&mut self.sheets),
            model: self.model.as_ref(),
            stock: &self.stock,
            scores: self.scores.as_deref(),
            settings,
            as_of,
        }
    }
}

/// The sheets of a need.
fn range(need: &Need) -> (String, String) {
    if need.family.is_dated() {
        (month_of(need.days.from), month_of(need.days.to))
    } else {
        (WHOLE.to_owned(), WHOLE.to_owned())
    }
}

/// Reads what a report needs. Half a read unit for each 4 KB of sums.
///
/// # Errors
/// `422` when it is too much for one answer.
pub async fn load(app: &App, tenant: TenantId, definition: &Definition, ask: &Ask) -> Result<Loaded, Problem> {
    let needs = (definition.needs)(ask);
    let sheets = async {
        try_join_all(needs.iter().map(async |need| {
            let (from, to) = range(need);
            let family = need.family.word();
            let (found, settling) = futures::try_join!(
                app.store
                    .sheets(tenant, (family, need.dimension.word()), (&from, &to), MOST_BYTES),
                app.store.is_dirty(tenant, family, (&from, &to)),
            )?;
            let found = found.ok_or_else(|| {
                Problem::from(Invalid::one(
                    "from",
                    "too_many",
                    "these are too many sums for one answer: take fewer months",
                ))
            })?;
            Ok::<_, Problem>((need, found, settling))
        }))
        .await
    };
    let model = async {
        if !definition.needs_model {
            return Ok(None);
        }
        let text = app.store.model(tenant, None).await?;
        text.map(|text| serde_json::from_str(&text).map_err(|error| Problem::internal(error.to_string())))
            .transpose()
    };
    let stock = async {
        if definition.needs_stock {
            stock(app, tenant).await
        } else {
            Ok(Vec::new())
        }
    };
    let scores = async {
        if definition.needs_scores {
            scores(app, tenant).await
        } else {
            Ok(None)
        }
    };
    let (found, model, stock, scores) = futures::try_join!(sheets, model, stock, scores)?;
    let mut loaded = Loaded {
        model,
        stock,
        scores,
        ..Loaded::default()
    };
    for (need, chunks, settling) in found {
        loaded.settling |= settling;
        let sheets = loaded.sheets.entry((need.family, need.dimension)).or_default();
        let mut fresh: BTreeMap<String, Cells> = BTreeMap::new();
        for (sheet, chunk) in chunks {
            let cells = fresh.entry(sheet).or_default();
            cells
                .read(&chunk)
                .map_err(|error| Problem::internal(error.to_string()))?;
        }
        // Two needs may share sheets.
        sheets.extend(fresh);
    }
    Ok(loaded)
}

/// All products and their stock.
///
/// # Errors
/// `422` when there are too many.
pub async fn stock(app: &App, tenant: TenantId) -> Result<Vec<Stock>, Problem> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let place = (Family::Stock.word(), WHOLE);
        let (facts, next) = app
            .store
            .facts(tenant, place, ("", "~"), 1_000, after.as_deref(), false)
            .await?;
        for (_, doc) in facts {
            let fact: Fact = serde_json::from_str(&doc).map_err(|error| Problem::internal(error.to_string()))?;
            if let Fact::Stock(stock) = fact {
                all.push(stock);
            }
        }
        if all.len() > MOST_PRODUCTS {
            return Err(Invalid::one("by", "too_many", "stock is looked at for 10,000 products at most").into());
        }
        after = next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// The scores of all customers, where they are few enough.
async fn scores(app: &App, tenant: TenantId) -> Result<Option<Vec<Score>>, Problem> {
    let query = Query {
        partition: rapport_store::score::NOUN.to_owned(),
        ..Query::default()
    };
    let mut scores = Vec::new();
    let mut after = None;
    loop {
        let page = app
            .store
            .query(tenant, Table::Scores, &query, MOST_SCORES, after.as_ref())
            .await?;
        for item in &page.items {
            scores.push(Store::score_of(item)?);
        }
        after = page.next;
        if scores.len() > MOST_SCORES || (scores.len() == MOST_SCORES && after.is_some()) {
            return Ok(None);
        }
        if after.is_none() {
            return Ok(Some(scores));
        }
    }
}
