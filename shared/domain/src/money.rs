//! Money: a decimal amount and its currency. Never a float; two currencies never meet silently.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::invalid::Invalid;

/// A currency of ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The three-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many decimal places the currency has: 2 for CNY, 0 for JPY, 3 for KWD.
    #[must_use]
    pub fn places(self) -> u32 {
        self.0.exponent().map_or(2, u32::from)
    }

    /// Rounds half away from zero to the currency's places, as invoices do.
    #[must_use]
    pub fn round(self, amount: Decimal) -> Decimal {
        let mut rounded = amount.round_dp_with_strategy(self.places(), RoundingStrategy::MidpointAwayFromZero);
        rounded.rescale(self.places());
        rounded
    }

    /// Reads a code.
    ///
    /// # Errors
    /// [`Invalid`] with code `currency_unknown` at `field`.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        text.parse().map_err(|()| {
            Invalid::one(
                field,
                "currency_unknown",
                "this is not an ISO 4217 currency code such as CNY",
            )
        })
    }
}

impl FromStr for Currency {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        // Codes of that list for no currency and for tests.
        iso_currency::Currency::from_code(text)
            .filter(|_| !matches!(text, "XXX" | "XTS"))
            .map(Self)
            .ok_or(())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse()
            .map_err(|()| serde::de::Error::custom(format!("'{text}' is not an ISO 4217 currency code")))
    }
}

impl utoipa::PartialSchema for Currency {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[A-Z]{3}$"))
            .description(Some("ISO 4217 currency code"))
            .examples(["CNY"])
            .into()
    }
}

impl utoipa::ToSchema for Currency {
    fn name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }
}

/// A decimal number as a string: `"1250.00"`, `"0.5"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Amount(pub Decimal);

impl Amount {
    /// The largest absolute value taken: 10¹⁵, far above any order and far below where 28 digits would round.
    pub const MOST: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);

    /// Whether the value is within ±10¹⁵ and has at most 6 decimal places.
    #[must_use]
    pub fn is_sane(self) -> bool {
        self.0.abs() <= Self::MOST && self.0.normalize().scale() <= 6
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let amount = Decimal::from_str(&text).map(Self).map_err(|_| {
            serde::de::Error::custom(format!(
                "'{text}' is not a decimal number in a string, such as \"12.50\""
            ))
        })?;
        if amount.is_sane() {
            Ok(amount)
        } else {
            Err(serde::de::Error::custom(
                "amounts lie within ±10^15 and have at most 6 decimal places",
            ))
        }
    }
}

impl utoipa::PartialSchema for Amount {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some(r"^-?[0-9]{1,16}(\.[0-9]{1,6})?$"))
            .description(Some("A decimal number as a string"))
            .examples(["1250.00"])
            .into()
    }
}

impl utoipa::ToSchema for Amount {
    fn name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }
}

/// An amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// How much, as a decimal string.
    pub amount: Amount,
    /// Of what.
    pub currency: Currency,
}

impl Money {
    /// So much of a currency, rounded to its places.
    #[must_use]
    pub fn new(amount: Decimal, currency: Currency) -> Self {
        Self {
            amount: Amount(currency.round(amount)),
            currency,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn amounts_round_half_away_from_zero_to_the_currencys_places() {
        for (amount, currency, expected) in [
            ("1.005", "CNY", "1.01"),
            ("-1.005", "CNY", "-1.01"),
            ("1.5", "JPY", "2"),
            ("1.2345", "KWD", "1.235"),
            ("1", "USD", "1.00"),
        ] {
            let money = Money::new(amount.parse().unwrap(), currency.parse().unwrap());
            assert_eq!(money.amount.0.to_string(), expected, "{amount} {currency}");
        }
    }

    #[test]
    fn json_keeps_decimals_as_strings_and_refuses_the_rest() {
        let money: Money = serde_json::from_str(r#"{"amount":"1250.00","currency":"CNY"}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&money).unwrap(),
            r#"{"amount":"1250.00","currency":"CNY"}"#
        );
        for bad in [
            r#"{"amount":1250.0,"currency":"CNY"}"#,
            r#"{"amount":"1e3000","currency":"CNY"}"#,
            r#"{"amount":"NaN","currency":"CNY"}"#,
            r#"{"amount":"","currency":"CNY"}"#,
            r#"{"amount":"1","currency":"XXZ"}"#,
            r#"{"amount":"1","currency":"cny"}"#,
            r#"{"amount":"1","currency":"XXX"}"#,
            r#"{"amount":"10000000000000000","currency":"CNY"}"#,
            r#"{"amount":"0.0000001","currency":"CNY"}"#,
        ] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
        assert_eq!(Amount::MOST.to_string(), "1000000000000000");
    }
}
