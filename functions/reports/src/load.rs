//! Reads what a report needs: sheets, the model, the stock. Never records.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use rapport_domain::{Invalid, TenantId};
use rapport_http::Problem;
use rapport_reporting::cells::{Cells, Dimension, Family};
use rapport_reporting::fact::{Fact, WHOLE};
use rapport_reporting::period::month_of;
use rapport_reporting::report::{Ask, Definition, Need};
use rapport_reporting::stock::Stock;
use rapport_runtime::App;
use rapport_scoring::Model;

/// The most items of sums read for one report: about 40 MB.
const MOST_CHUNKS: usize = 1_000;
/// The most products whose stock is looked at.
const MOST_PRODUCTS: usize = 10_000;

/// What was read.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Sums by sheet.
    pub sheets: BTreeMap<(Family, Dimension), BTreeMap<String, Cells>>,
    /// The model of the last recompute.
    pub model: Option<Model>,
    /// Products and their stock.
    pub stock: Vec<Stock>,
    /// Whether some of these sums are being made anew.
    pub settling: bool,
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
                    .sheets(tenant, (family, need.dimension.word()), (&from, &to), MOST_CHUNKS),
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
    let (found, model, stock) = futures::try_join!(sheets, model, stock)?;
    let mut loaded = Loaded {
        model,
        stock,
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
