//! Orders out of rows: one row is one line, and rows with one number are one order.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::row::value;
use super::{Fault, ImportOptions, Mapping, cell};
use crate::money::{Amount, Currency};
use crate::settings::Settings;

/// What names the order of a row: its external id, else its number.
fn name_of<'a>(mapping: &Mapping, cells: &'a [String]) -> Option<&'a str> {
    mapping
        .cell("external_id", cells)
        .or_else(|| mapping.cell("number", cells))
}

/// The rows of each order, by their places, in the order of their first rows. A row without a number stands alone.
pub fn group<'a>(mapping: &Mapping, rows: impl Iterator<Item = &'a [String]>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (place, cells) in rows.enumerate() {
        match name_of(mapping, cells) {
            Some(name) => {
                let at = *known.entry(name).or_insert_with(|| {
                    groups.push(Vec::new());
                    groups.len() - 1
                });
                if let Some(group) = groups.get_mut(at) {
                    group.push(place);
                }
            }
            None => groups.push(vec![place]),
        }
    }
    groups
}

/// The order of some rows, as it would be sent to the API but for its customer.
///
/// # Errors
/// What is wrong with the cells.
pub fn order_of(
    mapping: &Mapping,
    rows: &[&[String]],
    options: &ImportOptions,
    settings: &Settings,
) -> Result<Map<String, Value>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut order = Map::new();
    // What is said of the whole order stands in any of its rows.
    let mut said = |key: &str| -> Option<Value> {
        let (_, field) = mapping.0.iter().find(|(_, field)| field.key == key)?;
        let text = rows.iter().find_map(|cells| mapping.cell(key, cells))?;
        match value(mapping, field, text, options) {
            Ok(value) => Some(value),
            Err(fault) => {
                faults.push(fault);
                None
            }
        }
    };
    for key in ["placed_on", "status", "shipping", "channel", "tags", "owner_id"] {
        if let Some(value) = said(key) {
            order.insert(key.to_owned(), value);
        }
    }
    let mut custom = Map::new();
    for (_, field) in &mapping.0 {
        if let Some(key) = field.key.strip_prefix("custom.")
            && let Some(value) = said(&field.key)
        {
            custom.insert(key.to_owned(), value);
        }
    }
    let code = said("currency").and_then(|value| Some(value.as_str()?.to_uppercase()));
    let paid = said("paid");
    if !custom.is_empty() {
        order.insert("custom".to_owned(), custom.into());
    }
    let currency = code
        .as_deref()
        .map_or(Some(settings.currency), |code| code.parse().ok());
    if let Some(code) = &code {
        order.insert("currency".to_owned(), code.clone().into());
    }
    let name = rows.iter().find_map(|cells| name_of(mapping, cells));
    if let Some(name) = name {
        order.insert("external_ids".to_owned(), json!({ options.source.clone(): name }));
    }
    let mut lines = Vec::new();
    let mut total = Some(Decimal::ZERO);
    for cells in rows {
        match line_of(mapping, cells, options) {
            Ok((line, sum)) => {
                lines.push(line);
                let round = |sum: Decimal| currency.map_or(sum, |currency: Currency| currency.round(sum));
                total = total.zip(sum).and_then(|(total, sum)| total.checked_add(round(sum)));
            }
            Err(mut wrong) => faults.append(&mut wrong),
        }
    }
    order.insert("lines".to_owned(), lines.into());
    if let Some(paid) = paid.as_ref().and_then(Value::as_str) {
        let shipping = order.get("shipping").and_then(Value::as_str);
        let shipping = shipping.and_then(|text| text.parse().ok()).unwrap_or_default();
        let due = total.and_then(|total| total.checked_add(shipping));
        match paid_of(mapping, paid, due, options) {
            Ok(Some(amount)) => {
                // The same payment again is known by what the order is called.
                let id = name
                    .map(|name| format!("{}:{name}", options.source))
                    .filter(|id| id.len() <= 200);
                order.insert(
                    "payments".to_owned(),
                    json!([{"amount": amount.to_string(), "external_id": id}]),
                );
            }
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(order) } else { Err(faults) }
}

/// A line, and what it comes to where its price is known.
fn line_of(
    mapping: &Mapping,
    cells: &[String],
    options: &ImportOptions,
) -> Result<(Value, Option<Decimal>), Vec<Fault>> {
    let mut faults = Vec::new();
    let mut number = |key: &str| {
        let text = mapping.cell(key, cells)?;
        let found = cell::amount(text, options.decimal);
        if found.is_none() {
            let shown: String = text.chars().take(60).collect();
            let detail = format!("'{shown}' is not a number whose decimals follow '{}'", options.decimal);
            faults.push(mapping.fault(key, "number_malformed", detail));
        }
        found
    };
    let (quantity, price, amount) = (number("quantity"), number("unit_price"), number("amount"));
    let (sku, name) = (mapping.cell("sku", cells), mapping.cell("product_name", cells));
    let units = quantity.unwrap_or(Decimal::ONE);
    // An amount alone is that of the whole line.
    let price = match (price, amount) {
        (Some(price), _) => Some(price),
        (None, Some(amount)) => {
            let each = amount.checked_div(units).map(|each| each.normalize());
            let exact = each.filter(|each| Amount(*each).is_sane() && each.checked_mul(units) == Some(amount));
            if exact.is_none() {
                let detail = "the amount is not the quantity times a price: a column with the price of one is needed";
                faults.push(mapping.fault("amount", "not_divisible", detail));
            }
            exact
        }
        (None, None) => None,
    };
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut line = Map::new();
    line.insert("quantity".to_owned(), units.to_string().into());
    if let Some(sku) = sku {
        line.insert("sku".to_owned(), sku.into());
    }
    // A line needs a name or a product: one that only has an amount is named after what it is.
    if let Some(name) = name.or_else(|| (sku.is_none() && price.is_some()).then_some("Order")) {
        line.insert("name".to_owned(), name.into());
    }
    if let Some(price) = price {
        line.insert("unit_price".to_owned(), price.to_string().into());
    }
    Ok((Value::Object(line), price.and_then(|price| price.checked_mul(units))))
}

/// How much was paid: all of it, some of it, or nothing.
fn paid_of(
    mapping: &Mapping,
    text: &str,
    due: Option<Decimal>,
    options: &ImportOptions,
) -> Result<Option<Decimal>, Fault> {
    let word = text.to_lowercase();
    let all = matches!(word.as_str(), "paid" | "full" | "已付" | "已付款" | "已支付");
    let none = matches!(word.as_str(), "unpaid" | "open" | "未付" | "未付款" | "未支付");
    // "1" and "0" are amounts here, as any other number is.
    let amount = cell::amount(text, options.decimal);
    match (amount, cell::boolean(text)) {
        (Some(amount), _) => Ok(Some(amount).filter(|amount| !amount.is_zero())),
        (None, flag) if all || flag == Some(true) => match due {
            Some(due) => Ok(Some(due).filter(|due| !due.is_zero())),
            None => Err(mapping.fault(
                "paid",
                "amount_unknown",
                "what was paid is not known where the price comes from the product: say the amount",
            )),
        },
        (None, flag) if none || flag == Some(false) => Ok(None),
        _ => {
            let shown: String = text.chars().take(60).collect();
            Err(mapping.fault(
                "paid",
                "number_malformed",
                format!("'{shown}' is neither yes, no nor an amount"),
            ))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::{DayOrder, Existing, ImportKind, fields};
    use super::*;

    #[test]
    fn a_line_is_named_after_what_it_is_only_where_it_has_neither_name_nor_product() {
        let keys = ["sku", "product_name", "amount"];
        let known = fields(ImportKind::Orders, &[]);
        let column = |key: &&str| known.iter().find(|field| field.key == *key).unwrap().clone();
        let mapping = Mapping(keys.iter().map(column).enumerate().collect());
        let options = ImportOptions {
            r#match: "external_id".to_owned(),
            existing: Existing::Update,
            day_order: DayOrder::Dmy,
            decimal: '.',
            source: "erp".to_owned(),
        };
        for (cells, line) in [
            (
                ["", "", "5"],
                json!({"quantity": "1", "name": "Order", "unit_price": "5"}),
            ),
            (
                ["", "Tea", "5"],
                json!({"quantity": "1", "name": "Tea", "unit_price": "5"}),
            ),
            (
                ["T-1", "", "5"],
                json!({"quantity": "1", "sku": "T-1", "unit_price": "5"}),
            ),
            (["T-1", "", ""], json!({"quantity": "1", "sku": "T-1"})),
            (["", "", ""], json!({"quantity": "1"})),
        ] {
            let row = cells.map(str::to_owned);
            let order = order_of(&mapping, &[&row], &options, &Settings::default()).unwrap();
            assert_eq!(order["lines"], json!([line]), "{cells:?}");
        }
    }
}
