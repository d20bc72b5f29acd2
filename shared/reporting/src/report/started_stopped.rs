//! `started-stopped`: with whom trading began and ended (the sixth of the six customer analyses).

use std::collections::BTreeMap;

use jiff::civil::Date;
use rapport_domain::score::Score;
use rapport_domain::settings::Settings;
use rust_decimal::Decimal;

use super::book::{Book, Line, Place};
use super::{Ask, Definition, Source, Text};
use crate::answer::{Answer, Group, Number, Numbers, Part};
use crate::measure::{Measure, Sum, Sums, Unit};
use crate::period::{Days, Grain, month_of};

/// The report.
pub const DEFINITION: Definition = Definition {
    name: "started-stopped",
    title: Text {
        en: "Trading started and stopped",
        zh: "交易开始与中止",
    },
    detail: Text {
        en: "Customers by the month of their first purchase, and those lost by the month in which their silence became a \
             loss; the rows say why.",
        zh: "按首次购买月份统计新客户，按沉默期满月份统计流失客户，并在明细中说明原因。",
    },
    by: &["month"],
    is_dated: true,
    months: 12,
    needs_model: true,
    needs_stock: false,
    needs_scores: true,
    needs: |_| Vec::new(),
    answer,
};

/// The day a customer began to buy.
#[must_use]
pub fn started_on(score: &Score) -> Option<Date> {
    score.rfm.as_ref().map(|rfm| rfm.first_purchase_on)
}

/// The day a customer's silence became a loss, of those who are lost.
#[must_use]
pub fn stopped_on(score: &Score, settings: &Settings) -> Option<Date> {
    let rfm = score.rfm.as_ref()?;
    let silence = i64::from(settings.scoring.lost_after_days) + 1;
    (score.lifecycle.as_deref() == Some("lost"))
        .then(|| rfm.last_purchase_on.saturating_add(jiff::Span::new().days(silence)))
}

/// Customers by month: those who started and those who stopped.
fn months(source: &Source<'_>) -> BTreeMap<String, (u64, u64)> {
    let mut months: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    if let Some(scores) = source.scores {
        for score in scores {
            if let Some(day) = started_on(score) {
                months.entry(month_of(day)).or_default().0 += 1;
            }
            if let Some(day) = stopped_on(score, source.settings) {
                months.entry(month_of(day)).or_default().1 += 1;
            }
        }
    } else if let Some(model) = source.model {
        for month in &model.population.started {
            if let Some(day) = month.first_day() {
                months.entry(month_of(day)).or_default().0 += month.customers;
            }
        }
        for month in &model.population.stopped {
            if let Some(day) = month.first_day() {
                months.entry(month_of(day)).or_default().1 += month.customers;
            }
        }
    }
    months
}

fn answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&DEFINITION, ask, source);
    if source.model.is_none() {
        let mut answer = book.answer(Vec::new());
        answer.insufficient_data = Some("not_scored");
        return answer;
    }
    let months = months(source);
    let within = Days {
        from: ask.days.from.first_of_month(),
        to: ask.days.to.last_of_month(),
    };
    let spans = within.spans(Grain::Month);
    let of = |span: &Days| months.get(&month_of(span.from)).copied().unwrap_or_default();
    let (started, stopped) = spans.iter().map(of).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
    let groups: Vec<Group> = spans
        .iter()
        .map(|span| {
            let (started, stopped) = of(span);
            Group {
                key: month_of(span.from),
                title: month_of(span.from),
                numbers: numbers(&book, *span, started, stopped),
            }
        })
        .collect();
    let left_out = groups.len().saturating_sub(ask.limit);
    let part = Part {
        currency: None,
        converted: Vec::new(),
        totals: numbers(&book, within, started, stopped),
        groups: groups.into_iter().take(ask.limit).collect(),
        groups_left_out: left_out,
    };
    book.answer(vec![part])
}

fn numbers(book: &Book<'_>, days: Days, started: u64, stopped: u64) -> Numbers {
    let number = |word: &'static str, formula: &str, count: u64| {
        let mut sums = Sums::default();
        sums.merge_one(Measure::Count, Sum(Decimal::from(count), count));
        let line = Line {
            sums,
            place: Place {
                days: Some(days),
                key: None,
                currency: None,
            },
        };
        let mut number = book.sum(Measure::Count, &line);
        formula.clone_into(&mut number.explain.formula);
        number.rows = Some(book.address(Measure::Count.word(), &line.place, &[("by", word)]));
        number
    };
    let started = || number("started", "customers whose first purchase lies in the month", started);
    let stopped = || {
        number(
            "stopped",
            "customers lost: their silence became a loss in the month",
            stopped,
        )
    };
    Numbers(vec![
        ("started", started()),
        ("stopped", stopped()),
        (
            "net",
            Number::difference(
                Unit::Count,
                "started − stopped",
                ("started", started()),
                ("stopped", stopped()),
            ),
        ),
    ])
}
