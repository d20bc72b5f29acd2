//! What use costs at list prices: for comparing tenants, not for the books. No free tier, no reserved capacity, no taxes.

use rapport_domain::usage::Counts;
use rust_decimal::Decimal;
use serde::Serialize;

/// Where the prices are from.
pub const SOURCE: &str = "Public list prices of AWS in us-east-1, on demand, 2026-11: DynamoDB, SQS, Lambda (arm64), API Gateway (HTTP), SES";

// In millionths of a millionth of a dollar.
const READ_UNIT: u64 = 125_000;
const WRITE_UNIT: u64 = 625_000;
const QUEUE_REQUEST: u64 = 400_000;
/// A request of the gateway, and one of a function.
const CALL: u64 = 1_000_000 + 200_000;
/// A microsecond of a function with half a gigabyte, as the template has it, in thousandths.
const MICROSECOND_THOUSANDTHS: u64 = 6_667;
const MAIL: u64 = 100_000_000;
/// A byte that is kept for a month.
const BYTE: u64 = 250;
/// A message is sent, received and deleted.
const REQUESTS_A_MESSAGE: u64 = 3;

/// An amount at list prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = ListPriceCost)]
pub struct Cost {
    /// The amount.
    #[schema(value_type = String)]
    pub amount: Decimal,
    /// Always `USD`.
    pub currency: &'static str,
}

/// A number that was counted in thousandths.
#[must_use]
pub fn thousandths(number: u64) -> Decimal {
    Decimal::from_i128_with_scale(i128::from(number), 3).normalize()
}

/// What was counted, and what is stored for a month, at list prices: to the millionth of a dollar.
#[must_use]
pub fn of(counts: &Counts, bytes: u64) -> Cost {
    let parts = [
        (counts.read, READ_UNIT / 1_000),
        (counts.write, WRITE_UNIT / 1_000),
        (counts.messages, QUEUE_REQUEST * REQUESTS_A_MESSAGE),
        (counts.calls, CALL),
        (counts.mails, MAIL),
        (bytes, BYTE),
    ];
    let whole: i128 = parts
        .iter()
        .map(|(number, price)| i128::from(*number) * i128::from(*price))
        .sum();
    let time = i128::from(counts.micros) * i128::from(MICROSECOND_THOUSANDTHS) / 1_000;
    Cost {
        amount: Decimal::from_i128_with_scale(whole + time, 12).round_dp(6),
        currency: "USD",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_of_each_costs_its_list_price() {
        let million = 1_000_000;
        let counts = Counts::default();
        for (counts, bytes, amount) in [
            (
                Counts {
                    read: 1_000 * million,
                    ..counts
                },
                0,
                "0.125000",
            ),
            (
                Counts {
                    write: 1_000 * million,
                    ..counts
                },
                0,
                "0.625000",
            ),
            (
                Counts {
                    messages: million,
                    ..counts
                },
                0,
                "1.200000",
            ),
            (
                Counts {
                    calls: million,
                    ..counts
                },
                0,
                "1.200000",
            ),
            (Counts { mails: 1_000, ..counts }, 0, "0.100000"),
            // A thousand seconds of half a gigabyte.
            (
                Counts {
                    micros: 1_000 * million,
                    ..counts
                },
                0,
                "0.006667",
            ),
            (counts, 1_000 * million, "0.250000"),
            (counts, 0, "0.000000"),
        ] {
            assert_eq!(of(&counts, bytes).amount.to_string(), amount, "{counts:?} {bytes}");
        }
        assert_eq!(thousandths(2_500).to_string(), "2.5");
    }
}
