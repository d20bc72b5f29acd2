//! A product: what is sold, under which stock keeping unit, at what price and cost.

use serde::{Deserialize, Serialize};

use crate::custom::FieldKind;
use crate::id::Prefix;
use crate::invalid::Invalid;
use crate::money::{Amount, Money};
use crate::record::{Kind, Rules, Unique};
use crate::text;

/// What a caller may say of a product.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProductIn {
    /// The stock keeping unit: unique, whatever the case of its letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// Its name. Needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A free category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The list price of one unit, not negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// What one unit costs the firm, not negative, in the currency of the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Money>,
    /// In what it is counted: `piece`, `kg`, `hour`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether it is sold at present; yes unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// How many units were in stock when somebody last said so; below zero when oversold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<Amount>,
}

/// A product as kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct Product {
    pub sku: Option<String>,
    pub name: String,
    pub category: Option<String>,
    pub price: Option<Money>,
    pub cost: Option<Money>,
    pub unit: Option<String>,
    pub active: bool,
    pub stock: Option<Amount>,
}

/// The scope of the guard of stock keeping units.
pub const SKU: &str = "sku";

/// A stock keeping unit for comparing.
#[must_use]
pub fn sku_key(sku: &str) -> String {
    sku.to_lowercase()
}

impl Product {
    fn build(input: ProductIn) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let ProductIn {
            sku,
            name,
            category,
            price,
            cost,
            unit,
            active,
            stock,
        } = input;
        let sku = invalid.take(text::optional("sku", sku, 100)).flatten();
        let name = invalid.take(text::required("name", name, 300));
        let category = invalid.take(text::optional("category", category, 100)).flatten();
        let unit = invalid.take(text::optional("unit", unit, 40)).flatten();
        for (field, money) in [("price", price), ("cost", cost)] {
            if money.is_some_and(|money| money.amount.0.is_sign_negative() && !money.amount.0.is_zero()) {
                invalid.add(
                    &format!("{field}/amount"),
                    "negative",
                    format!("a {field} is not negative"),
                );
            }
        }
        if let (Some(price), Some(cost)) = (price, cost)
            && price.currency != cost.currency
        {
            invalid.add(
                "cost/currency",
                "currency_differs",
                "price and cost are in one currency",
            );
        }
        invalid.check()?;
        Ok(Self {
            sku,
            name: name.unwrap_or_default(),
            category,
            price,
            cost,
            unit,
            active: active.unwrap_or(true),
            stock,
        })
    }
}

impl Kind for Product {
    const NOUN: &'static str = "product";
    const PREFIX: Prefix = Prefix::Product;
    const FIELDS: Option<FieldKind> = Some(FieldKind::Product);
    type In = ProductIn;

    fn create(input: ProductIn, _: &Rules) -> Result<Self, Invalid> {
        Self::build(input)
    }

    fn editable(&self) -> ProductIn {
        let Self {
            sku,
            name,
            category,
            price,
            cost,
            unit,
            active,
            stock,
        } = self.clone();
        ProductIn {
            sku,
            name: Some(name),
            category,
            price,
            cost,
            unit,
            active: Some(active),
            stock,
        }
    }

    fn revise(&self, input: ProductIn, _: &Rules) -> Result<Self, Invalid> {
        Self::build(input)
    }

    fn unique(&self, _: &Rules) -> Vec<Unique> {
        self.sku
            .iter()
            .map(|sku| Unique {
                scope: SKU.to_owned(),
                value: sku_key(sku),
            })
            .collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn rules() -> Rules {
        Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: Arc::default(),
            fields: Arc::default(),
        }
    }

    #[test]
    fn a_product_is_normalised_and_its_faults_are_named() {
        let make = |value: serde_json::Value| Product::create(serde_json::from_value(value).unwrap(), &rules());
        let product = make(json!({"sku":" AB-1 ","name":"Tea","stock":"-2"})).unwrap();
        assert!(product.active);
        assert_eq!(product.unique(&rules())[0].value, "ab-1");
        assert_eq!(product.revise(product.editable(), &rules()).unwrap(), product);
        for (value, pointer) in [
            (json!({"sku":"a"}), "#/name"),
            (json!({"name":"  "}), "#/name"),
            (
                json!({"name":"Tea","price":{"amount":"-1","currency":"CNY"}}),
                "#/price/amount",
            ),
            (
                json!({"name":"Tea","cost":{"amount":"-0.01","currency":"CNY"}}),
                "#/cost/amount",
            ),
            (
                json!({"name":"Tea","price":{"amount":"1","currency":"CNY"},"cost":{"amount":"1","currency":"USD"}}),
                "#/cost/currency",
            ),
            (json!({"name":"Tea","sku":"x".repeat(101)}), "#/sku"),
        ] {
            assert_eq!(make(value.clone()).unwrap_err().problems[0].pointer, pointer, "{value}");
        }
    }
}
