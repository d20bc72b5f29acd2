//! `GET /v1/contacts/{id}/suggestions`: what else a customer may want, with the rule behind each suggestion.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use jiff::civil::Date;
use rapport_domain::order::{Order, OrderStatus};
use rapport_domain::product::Product;
use rapport_domain::survey::Language;
use rapport_domain::{Kind as _, Money, Prefix, RecordId, TenantId};
use rapport_http::problem::Code;
use rapport_http::resource::id;
use rapport_http::{Caller, Doc, Params, Problem, respond};
use rapport_runtime::App;
use rapport_scoring::baskets::{Article, Association, LEAST_SEVERAL, MONTHS, Mined, SuggestionKind, articles, suggest};
use rapport_store::page::{Query, Row};
use rapport_store::records::{index_partition, parse};
use rapport_store::{Kept, StoreError, Table};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::score::existing;

/// The newest orders of the customer that are looked at.
const MOST_ORDERS: usize = 200;
/// Products looked at, of which some may no longer be sold, for one that is suggested.
const SPARE: usize = 3;

/// A product or something known by its stock keeping unit alone.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SuggestedProduct {
    /// The product; absent where lines name it by its stock keeping unit alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<RecordId>,
    /// The stock keeping unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    /// Its name.
    name: String,
    /// Its price; of what is no product that of the newest line.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Money>,
}

/// The rule behind a suggestion.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct SuggestionRule {
    /// What the customer has of it.
    antecedents: Vec<SuggestedProduct>,
    /// Share of all baskets that hold both sides.
    support: f64,
    /// Share of the baskets with the antecedents that hold the product as well.
    confidence: f64,
    /// How many times as often as by chance both stand together.
    lift: f64,
    /// Baskets that hold both sides.
    baskets: u32,
    /// Baskets that hold the antecedents.
    antecedent_baskets: u32,
    /// All baskets: orders for `cross_sell`, customers for `up_sell`.
    of: usize,
}

/// Something to suggest.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Suggestion {
    /// The product.
    product: SuggestedProduct,
    /// Bought with what the customer has, or dearer.
    kind: SuggestionKind,
    /// Why.
    rule: SuggestionRule,
    /// The same in words, in the tenant's language.
    words: String,
}

/// What else a customer may want.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Suggestions {
    /// The suggestions, the surest first.
    data: Vec<Suggestion>,
    /// Why there are none: `not_mined` before the first recompute, `too_few_baskets`, `no_purchases`.
    #[serde(skip_serializing_if = "Option::is_none")]
    insufficient_data: Option<String>,
    /// The last day the rules know of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date")]
    as_of: Option<Date>,
    /// How each number comes about.
    #[schema(value_type = Object)]
    explain: serde_json::Value,
}

/// What the rules rest on, as the recompute left it.
#[derive(Clone, Debug, Deserialize)]
struct Head {
    job: RecordId,
    as_of: Date,
    mined: Mined,
    complete: bool,
}

/// Rules by the tenant and job they are of.
type Remembered = Kept<(TenantId, RecordId), Arc<Vec<Association>>>;

/// The rules of a job do not change: this process reads them once.
static RULES: LazyLock<Remembered> = LazyLock::new(|| Kept::new(100, Duration::from_secs(600)));

/// What the route says of itself.
pub fn doc() -> Doc {
    Doc::new("Suggest what else a customer may want")
        .detail(
            "By association rules over the orders of the last 24 months, mined after each recompute: what is bought together \
             (`cross_sell`), and what is dearer and of the same category and was taken by customers who took the same \
             (`up_sell`). What the customer has and what is no longer sold is left out. Reading products is needed too.",
        )
        .query(
            "limit",
            "How many, 1 to 50",
            &json!({"type": "integer", "minimum": 1, "maximum": 50, "default": 10}),
        )
        .answers::<Suggestions>(200)
}

/// Answers the suggestions. 2 read units and half a one for each four kilobytes of the customer's orders and for each
/// product named; rules are read once in a while.
///
/// # Errors
/// `404` for a contact that is not there, `403` for somebody who may not see products.
pub async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    params: Params,
) -> Result<Response, Problem> {
    params.only(&["limit"])?;
    let limit = params.number("limit", 10, 1, 50)?;
    if !caller.reads("product") {
        return Err(Problem::new(Code::Forbidden).detail("this needs the permission products:read too"));
    }
    let contact = existing(&app, caller.tenant, id(Prefix::Contact, &text)?).await?;
    let settings = app.store.rules(caller.tenant, app.clock.now()).await?.settings;
    let (head, owned) = futures::try_join!(head(&app, caller.tenant), async {
        Ok(owned(&app, caller.tenant, contact).await?)
    },)?;
    let Some(head) = head else {
        return Ok(respond::json(StatusCode::OK, &nothing("not_mined", None)));
    };
    if owned.is_empty() {
        return Ok(respond::json(StatusCode::OK, &nothing("no_purchases", Some(&head))));
    }
    let rules = rules(&app, caller.tenant, head.job).await?;
    let chosen: Vec<&Association> = suggest(&rules, &owned).into_iter().take(limit * SPARE).collect();
    let products = products(&app, caller.tenant, &chosen).await?;
    let language = settings.language();
    let data: Vec<Suggestion> = chosen
        .into_iter()
        .filter_map(|rule| suggestion(rule, &products, &head, language))
        .take(limit)
        .collect();
    let answer = Suggestions {
        insufficient_data: head.mined.insufficient_data.clone().filter(|_| data.is_empty()),
        data,
        as_of: Some(head.as_of),
        explain: explain(Some(&head)),
    };
    Ok(respond::json(StatusCode::OK, &answer))
}

fn nothing(why: &str, head: Option<&Head>) -> Suggestions {
    Suggestions {
        data: Vec::new(),
        insufficient_data: Some(why.to_owned()),
        as_of: head.map(|head| head.as_of),
        explain: explain(head),
    }
}

async fn head(app: &App, tenant: TenantId) -> Result<Option<Head>, Problem> {
    let text = app.store.rules_head(tenant).await?;
    text.map(|text| serde_json::from_str(&text).map_err(|error| Problem::internal(error.to_string())))
        .transpose()
}

async fn rules(app: &App, tenant: TenantId, job: RecordId) -> Result<Arc<Vec<Association>>, Problem> {
    if let Some(known) = RULES.get(&(tenant, job)) {
        return Ok(known);
    }
    let mut all = Vec::new();
    for chunk in app.store.rules_of(tenant, job).await? {
        let rules: Vec<Association> =
            serde_json::from_str(&chunk).map_err(|error| Problem::internal(error.to_string()))?;
        all.extend(rules);
    }
    let all = Arc::new(all);
    RULES.put((tenant, job), Arc::clone(&all));
    Ok(all)
}

/// The keys of what a customer has ordered and not given back.
async fn owned(app: &App, tenant: TenantId, contact: RecordId) -> Result<HashSet<String>, StoreError> {
    let partition = index_partition(Order::NOUN, "by_contact_id", &contact.to_string());
    let query = Query::index("by_contact_id", partition);
    let page = app
        .store
        .query(tenant, Table::Orders, &query, MOST_ORDERS, None)
        .await?;
    let mut owned = HashSet::new();
    for row in page.items.iter().filter_map(Row::read).filter(|row| !row.gone) {
        let order = parse::<Order>(&row.doc)?.body;
        if matches!(order.status, OrderStatus::Placed | OrderStatus::Fulfilled) {
            owned.extend(articles(&order).into_iter().map(|article| article.key));
        }
    }
    Ok(owned)
}

async fn products(app: &App, tenant: TenantId, rules: &[&Association]) -> Result<HashMap<String, Product>, StoreError> {
    let keys: BTreeSet<String> = rules
        .iter()
        .flat_map(|rule| rule.antecedent.iter().chain([&rule.consequent]))
        .filter(|article| article.product().is_some())
        .map(|article| article.key.clone())
        .collect();
    let keys: Vec<String> = keys.into_iter().collect();
    let rows = app.store.rows::<Product>(tenant, &keys, false).await?;
    rows.into_iter()
        .map(|row| Ok((row.id, parse::<Product>(&row.doc)?.body)))
        .collect()
}

fn named(article: &Article, products: &HashMap<String, Product>) -> SuggestedProduct {
    match products.get(&article.key) {
        Some(product) => SuggestedProduct {
            id: article.product(),
            sku: product.sku.clone(),
            name: product.name.clone(),
            price: product.price,
        },
        None => SuggestedProduct {
            id: article.product(),
            sku: article.sku().map(str::to_owned),
            // A product that is gone has no name any more, and is not suggested.
            name: article
                .name
                .clone()
                .unwrap_or_else(|| article.sku().unwrap_or(&article.key).to_owned()),
            price: article.price,
        },
    }
}

/// The suggestion of a rule; none of what is not sold any more, or not dearer any more.
fn suggestion(
    rule: &Association,
    products: &HashMap<String, Product>,
    head: &Head,
    language: Language,
) -> Option<Suggestion> {
    let sold = |article: &Article| match article.product() {
        Some(_) => products.get(&article.key).is_some_and(|product| product.active),
        None => true,
    };
    if !sold(&rule.consequent) {
        return None;
    }
    if rule.kind == SuggestionKind::UpSell && rapport_scoring::baskets::dearer(vec![rule.clone()], products).is_empty()
    {
        return None;
    }
    let antecedents: Vec<SuggestedProduct> = rule.antecedent.iter().map(|article| named(article, products)).collect();
    let of = match rule.kind {
        SuggestionKind::CrossSell => head.mined.orders,
        SuggestionKind::UpSell => head.mined.customers,
    };
    Some(Suggestion {
        words: words(rule, &antecedents, language),
        product: named(&rule.consequent, products),
        kind: rule.kind,
        rule: SuggestionRule {
            antecedents,
            support: rule.support,
            confidence: rule.confidence,
            lift: rule.lift,
            baskets: rule.baskets,
            antecedent_baskets: rule.antecedent_baskets,
            of,
        },
    })
}

fn words(rule: &Association, antecedents: &[SuggestedProduct], language: Language) -> String {
    let names: Vec<&str> = antecedents.iter().map(|product| product.name.as_str()).collect();
    let (n, of, lift) = (rule.baskets, rule.antecedent_baskets, rule.lift);
    match (language, rule.kind) {
        (Language::En, SuggestionKind::CrossSell) => {
            let with = names.join(" and ");
            format!("{n} of {of} orders with {with} hold it too, {lift:.1} times as many as by chance")
        }
        (Language::En, SuggestionKind::UpSell) => {
            let with = names.join(" and ");
            format!(
                "{n} of {of} customers who took {with} took this dearer one too, {lift:.1} times as many as by chance"
            )
        }
        (Language::ZhCn, SuggestionKind::CrossSell) => {
            let with = names.join("和");
            format!("含有{with}的 {of} 份订单中，{n} 份也含有它，是随机情形的 {lift:.1} 倍")
        }
        (Language::ZhCn, SuggestionKind::UpSell) => {
            let with = names.join("和");
            format!("购买过{with}的 {of} 位客户中，{n} 位也购买了这款价格更高的产品，是随机情形的 {lift:.1} 倍")
        }
    }
}

fn explain(head: Option<&Head>) -> serde_json::Value {
    let mut explain = json!({
        "baskets": format!("orders paid or fulfilled, placed in the last {MONTHS} months; for up_sell all of them of one customer together"),
        "confidence": "baskets / antecedent_baskets",
        "support": "baskets / of",
        "lift": "confidence / share of all baskets that hold the product; above 1 is more often than by chance",
        "order": "the best rule of each product by confidence; highest confidence first, then lift",
        "left_out": format!("what the customer's newest {MOST_ORDERS} orders hold, and what is not sold any more"),
        "insufficient_data": format!("too_few_baskets below {LEAST_SEVERAL} orders with two products or more"),
    });
    if let Some(head) = head {
        explain["rows_counted"] = json!({
            "orders": head.mined.orders, "orders_with_several": head.mined.orders_with_several,
            "customers": head.mined.customers, "complete": head.complete,
            "a_rule_needs": {"orders": head.mined.least_orders, "customers": head.mined.least_customers}});
    }
    explain
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn head() -> Head {
        serde_json::from_value(json!({"job": RecordId::from_u128(Prefix::Job, 1), "as_of": "2026-01-01", "complete": true, "rules": 1,
            "mined": {"orders": 40, "orders_with_several": 20, "customers": 30, "least_orders": 3, "least_customers": 3}}))
        .unwrap()
    }

    fn rule(kind: SuggestionKind, from: &str, to: &str) -> Association {
        let article = |key: &str| Article {
            key: key.to_owned(),
            name: None,
            price: None,
        };
        Association {
            kind,
            antecedent: vec![article(from)],
            consequent: article(to),
            support: 0.1,
            confidence: 0.75,
            lift: 2.52,
            baskets: 9,
            antecedent_baskets: 12,
        }
    }

    #[test]
    fn what_is_not_sold_is_not_suggested_and_words_tell_why() {
        use SuggestionKind::{CrossSell, UpSell};
        let key = |n: u128| RecordId::from_u128(Prefix::Product, n).to_string();
        let product = |name: &str, price: &str, active: bool| -> Product {
            serde_json::from_value(json!({"name": name, "category": "Grinders", "active": active,
                "price": {"amount": price, "currency": "USD"}}))
            .unwrap()
        };
        let products = HashMap::from([
            (key(1), product("Hand grinder", "20", true)),
            (key(2), product("Mill", "90", true)),
            (key(3), product("Old mill", "80", false)),
        ]);
        for (kind, to, language, words) in [
            (
                CrossSell,
                key(2),
                Language::En,
                Some("9 of 12 orders with Hand grinder hold it too, 2.5 times as many as by chance"),
            ),
            (
                UpSell,
                key(2),
                Language::En,
                Some(
                    "9 of 12 customers who took Hand grinder took this dearer one too, 2.5 times as many as by chance",
                ),
            ),
            (
                CrossSell,
                key(2),
                Language::ZhCn,
                Some("含有Hand grinder的 12 份订单中，9 份也含有它，是随机情形的 2.5 倍"),
            ),
            (
                CrossSell,
                "sku:x-1".to_owned(),
                Language::En,
                Some("9 of 12 orders with Hand grinder hold it too, 2.5 times as many as by chance"),
            ),
            (CrossSell, key(3), Language::En, None),
            (CrossSell, key(4), Language::En, None),
            (UpSell, key(1), Language::En, None),
        ] {
            let found = suggestion(&rule(kind, &key(1), &to), &products, &head(), language);
            assert_eq!(found.as_ref().map(|found| found.words.as_str()), words, "{kind:?} {to}");
            if let Some(found) = found {
                assert_eq!(found.rule.of, if kind == CrossSell { 40 } else { 30 });
            }
        }
    }
}
