//! Why a customer seems to be leaving, in words: how long the silence is, and what is usual.

use rapport_domain::score::ChurnDetail;
use rapport_domain::survey::Language;

use crate::customer::Customer;
use crate::model::round;

/// The reason for an alert at the end of a day. `common_rhythm` is the 90 % interpurchase time of all customers, in days,
/// which stands in where the customer has none.
#[must_use]
pub fn detail(customer: &Customer, day: i32, common_rhythm: Option<f64>, language: Language) -> ChurnDetail {
    let days_since_last = customer.recency(day);
    let own = customer.rhythm.map(f64::from);
    let usual = customer.usual.map(|days| round(f64::from(days), 1));
    let rhythm = own.or(common_rhythm).map(|days| round(days, 1));
    ChurnDetail {
        text: words(days_since_last, usual, rhythm, language),
        days_since_last,
        usual_days: usual,
        rhythm_days: rhythm,
        rhythm_of_all: own.is_none() && rhythm.is_some(),
    }
}

fn words(silence: i64, usual: Option<f64>, rhythm: Option<f64>, language: Language) -> String {
    match language {
        Language::En => {
            let last = format!("last order {} ago", days(silence));
            match (usual, rhythm) {
                (Some(usual), _) if usual < 1.5 => format!("{last}, usually every day"),
                (Some(usual), _) => format!("{last}, usually every {usual:.0}"),
                (None, Some(rhythm)) => format!("{last}, nine of ten customers return within {rhythm:.0}"),
                (None, None) => last,
            }
        }
        Language::ZhCn => {
            let last = format!("上次下单在 {silence} 天前");
            match (usual, rhythm) {
                (Some(usual), _) => format!("{last}，通常每 {:.0} 天一次", usual.max(1.0)),
                (None, Some(rhythm)) => format!("{last}，九成的复购在 {rhythm:.0} 天以内"),
                (None, None) => last,
            }
        }
    }
}

fn days(n: i64) -> String {
    if n == 1 {
        "1 day".to_owned()
    } else {
        format!("{n} days")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_domain::{Prefix, RecordId};

    fn customer(usual: Option<f32>, rhythm: Option<f32>) -> Customer {
        Customer {
            id: RecordId::from_u128(Prefix::Contact, 1),
            first: 0,
            last: 100,
            frequency: 5,
            monetary: 100,
            repeats: 4,
            repeated: 80,
            rhythm,
            usual,
            last_gap: Some(31),
            margin_rate: 0.3,
        }
    }

    #[test]
    fn the_reason_is_said_in_words_and_figures() {
        use Language::{En, ZhCn};
        for (day, usual, rhythm, common, language, text) in [
            (
                194,
                Some(31.0),
                Some(40.0),
                Some(90.0),
                En,
                "last order 94 days ago, usually every 31",
            ),
            (
                101,
                Some(1.0),
                Some(1.0),
                None,
                En,
                "last order 1 day ago, usually every day",
            ),
            (
                194,
                Some(30.5),
                None,
                Some(60.0),
                En,
                "last order 94 days ago, usually every 30",
            ),
            (
                194,
                None,
                None,
                Some(60.4),
                En,
                "last order 94 days ago, nine of ten customers return within 60",
            ),
            (194, None, None, None, En, "last order 94 days ago"),
            (90, None, None, None, En, "last order 0 days ago"),
            (
                194,
                Some(31.0),
                Some(40.0),
                None,
                ZhCn,
                "上次下单在 94 天前，通常每 31 天一次",
            ),
            (
                194,
                None,
                None,
                Some(60.0),
                ZhCn,
                "上次下单在 94 天前，九成的复购在 60 天以内",
            ),
            (194, None, None, None, ZhCn, "上次下单在 94 天前"),
        ] {
            let got = detail(&customer(usual, rhythm), day, common, language);
            assert_eq!(got.text, text);
            assert_eq!(got.days_since_last, i64::from((day - 100).max(0)), "{text}");
            assert_eq!(got.usual_days, usual.map(f64::from), "{text}");
            assert_eq!(got.rhythm_days, rhythm.map(f64::from).or(common), "{text}");
            assert_eq!(got.rhythm_of_all, rhythm.is_none() && common.is_some(), "{text}");
        }
    }
}
