//! `forecast`: what the next months will bring, with the naive forecast and the error of each method beside it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::Date;
use rapport_analytics::forecast::{Forecast, Insufficient, Method, Options, Point, forecast};
use rapport_domain::Currency;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::book::{Book, Grouping, Line, Place};
use super::{Ask, Definition, Source, Text};
use crate::answer::{Answer, Group, Number, Numbers, Part};
use crate::cells::{Dimension, Family};
use crate::measure::{Measure, Sums, Unit};
use crate::period::{Days, Grain, month_of};

/// The report.
pub const DEFINITION: Definition = Definition {
    name: "forecast",
    title: Text {
        en: "Sales forecast",
        zh: "销售预测",
    },
    detail: Text {
        en: "Sales of the next six months from the months before, by the method that was off least on the last ones, with \
             its 95 % interval, and the naive forecast beside it; by owner the next month of each.",
        zh: "根据历史月份预测未来六个月销售额：采用近期误差最小的方法，附95%置信区间与朴素预测；按负责人则为下一个月。",
    },
    by: &["month", "owner"],
    is_dated: true,
    months: 36,
    needs_model: false,
    needs_stock: false,
    needs_scores: false,
    needs: super::sales::needs,
    answer,
};

/// How many months are forecast.
const HORIZON: usize = 6;

/// The months that are over: what a forecast may learn from.
fn history(ask: &Ask) -> Option<Days> {
    let over = ask.today.first_of_month().saturating_sub(1.day());
    let days = Days {
        from: ask.days.from.first_of_month(),
        to: ask.days.to.last_of_month().min(over),
    };
    (days.from <= days.to).then_some(days)
}

/// Sums by currency, then by key (empty for all), then by month.
type Series = BTreeMap<String, BTreeMap<String, BTreeMap<String, Sums>>>;

fn series(book: &Book<'_>, dimension: Dimension, days: Days) -> Series {
    let mut series = Series::new();
    for month in days.spans(Grain::Month) {
        for (cell, sums) in book.cells(Family::Sales, dimension, month).iter() {
            let key = if dimension == Dimension::Day {
                String::new()
            } else {
                cell.key.clone()
            };
            let by_key = series.entry(cell.currency.clone()).or_default();
            let months = by_key.entry(key).or_default();
            months.entry(month_of(month.from)).or_default().merge(sums);
        }
    }
    series
}

/// The amounts of all months from the first that has any.
fn values(months: &BTreeMap<String, Sums>, days: Days) -> Vec<f64> {
    let all: Vec<f64> = days
        .spans(Grain::Month)
        .iter()
        .map(|month| {
            let sums = months.get(&month_of(month.from));
            sums.map_or(0.0, |sums| sums.value(Measure::Sales).to_f64().unwrap_or_default())
        })
        .collect();
    let first = all.iter().position(|value| *value != 0.0).unwrap_or(all.len());
    all[first..].to_vec()
}

fn answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&DEFINITION, ask, source);
    let Some(days) = history(ask) else {
        let mut answer = book.answer(Vec::new());
        answer.insufficient_data = Some("no_month_is_over");
        return answer;
    };
    let dimension = Grouping::from_word(ask.by).map_or(Dimension::Day, Grouping::dimension);
    let all = series(&book, Dimension::Day, days);
    let by_key = if dimension == Dimension::Day {
        Series::new()
    } else {
        series(&book, dimension, days)
    };
    let mut currencies: Vec<&String> = all.keys().collect();
    currencies.sort_by_key(|currency| (currency.as_str() != book.home(), currency.as_str()));
    let mut short: BTreeSet<&'static str> = BTreeSet::new();
    let parts: Vec<Part> = currencies
        .into_iter()
        .filter_map(|currency| {
            let months = all.get(currency)?.get("")?;
            let teller = Teller {
                book: &book,
                currency,
                days,
            };
            let groups = match by_key.get(currency) {
                None => teller.months(months),
                Some(keys) => keys
                    .iter()
                    .take(ask.limit)
                    .map(|(key, months)| teller.key(dimension.word(), key, months))
                    .collect(),
            };
            if let Err(insufficient) = teller.forecast(months) {
                short.insert(insufficient.key());
            }
            Some(Part {
                currency: Some(currency.clone()),
                converted: book.converted(currency),
                totals: teller.totals(months),
                groups,
                groups_left_out: by_key
                    .get(currency)
                    .map_or(0, |keys| keys.len().saturating_sub(ask.limit)),
            })
        })
        .collect();
    let mut answer = book.answer(parts);
    if let Some(word) = short.into_iter().next() {
        answer.insufficient_data = Some(word);
        answer
            .notes
            .push("a forecast takes three months with sales, seasons take fourteen".to_owned());
    }
    answer
}

/// Makes the numbers of one currency.
struct Teller<'a> {
    book: &'a Book<'a>,
    currency: &'a str,
    days: Days,
}

impl Teller<'_> {
    fn forecast(&self, months: &BTreeMap<String, Sums>) -> Result<Forecast, Insufficient> {
        let options = Options {
            horizon: HORIZON,
            ..Options::default()
        };
        forecast(&values(months, self.days), &options)
    }

    fn line(&self, sums: Sums, days: Days, key: Option<(&'static str, String)>) -> Line {
        Line {
            sums,
            place: Place {
                days: Some(days),
                key,
                currency: Some(self.currency.to_owned()),
            },
        }
    }

    fn amount(&self, value: f64) -> Decimal {
        let amount = Decimal::try_from(value).unwrap_or_default();
        let places = self.currency.parse::<Currency>().map_or(2, Currency::places);
        amount.round_dp(places).normalize()
    }

    /// What was sold in all months looked at.
    fn history(&self, months: &BTreeMap<String, Sums>, key: Option<(&'static str, String)>) -> Number {
        let mut sums = Sums::default();
        months.values().for_each(|own| sums.merge(own));
        self.book.sum(Measure::Sales, &self.line(sums, self.days, key))
    }

    fn point(&self, told: &Forecast, method: Method, point: &Point, history: Number) -> Number {
        let error = |method: Method| {
            told.of(method).and_then(|candidate| candidate.accuracy).map_or_else(
                || "unknown".to_owned(),
                |accuracy| self.amount(accuracy.mae).to_string(),
            )
        };
        let model = told.of(method).and_then(|candidate| candidate.model.clone());
        let model = model.map_or(String::new(), |model| format!(" ({model})"));
        let formula = format!(
            "{}{model} over {} months; mean absolute error on the last {}: {}, of the naive forecast: {}",
            method.key(),
            told.values,
            told.last_periods,
            error(method),
            error(Method::Naive),
        );
        let place = Place {
            days: Some(self.days),
            key: None,
            currency: Some(self.currency.to_owned()),
        };
        let rows = history.explain.rows;
        let mut number = self
            .book
            .given(Unit::Money, &formula, self.amount(point.value), rows, &place);
        let (low, high) = point.interval_95;
        number.interval = Some((self.amount(low), self.amount(high)));
        number.explain.filter.clone_from(&history.explain.filter);
        number.of = Numbers(vec![("history", history)]);
        number
    }

    fn totals(&self, months: &BTreeMap<String, Sums>) -> Numbers {
        let mut totals = Numbers(vec![("history", self.history(months, None))]);
        if let Ok(told) = self.forecast(months) {
            for (name, method) in [
                ("error_naive", Method::Naive),
                ("error_seasonal_naive", Method::SeasonalNaive),
                ("error_combination", Method::Combination),
                ("error_ets", Method::Ets),
            ] {
                if let Some(accuracy) = told.of(method).and_then(|candidate| candidate.accuracy) {
                    let place = self.line(Sums::default(), self.days, None).place;
                    let chosen = if told.chosen == method {
                        "; this method was chosen"
                    } else {
                        ""
                    };
                    let formula = format!(
                        "mean absolute error of {} forecasts of the last {} months{chosen}",
                        accuracy.forecasts, told.last_periods
                    );
                    let rows = u64::try_from(told.values).unwrap_or_default();
                    totals.push(
                        name,
                        self.book
                            .given(Unit::Money, &formula, self.amount(accuracy.mae), rows, &place),
                    );
                }
            }
        }
        totals
    }

    /// The months that were, and those to come.
    fn months(&self, months: &BTreeMap<String, Sums>) -> Vec<Group> {
        let mut groups: Vec<Group> = self
            .days
            .spans(Grain::Month)
            .into_iter()
            .map(|month| {
                let key = month_of(month.from);
                let sums = months.get(&key).cloned().unwrap_or_default();
                let sold = self.book.sum(Measure::Sales, &self.line(sums, month, None));
                Group {
                    title: key.clone(),
                    key,
                    numbers: Numbers(vec![("sales", sold)]),
                }
            })
            .collect();
        let Ok(told) = self.forecast(months) else {
            return groups;
        };
        let naive = told.of(Method::Naive).and_then(|naive| naive.points.as_deref().ok());
        let mut month: Date = self.days.to.saturating_add(1.day());
        for (n, point) in told.points().iter().enumerate() {
            let key = month_of(month);
            let history = || self.history(months, None);
            let mut numbers = Numbers(vec![("forecast", self.point(&told, told.chosen, point, history()))]);
            if let Some(point) = naive.and_then(|points| points.get(n)) {
                numbers.push("naive", self.point(&told, Method::Naive, point, history()));
            }
            groups.push(Group {
                title: key.clone(),
                key,
                numbers,
            });
            month = Grain::Month.next(month);
        }
        groups
    }

    /// The next month of one key.
    fn key(&self, word: &'static str, key: &str, months: &BTreeMap<String, Sums>) -> Group {
        let history = || self.history(months, Some((word, key.to_owned())));
        let mut numbers = Numbers(vec![("history", history())]);
        if let Ok(told) = self.forecast(months) {
            if let Some(point) = told.points().first() {
                numbers.push("forecast", self.point(&told, told.chosen, point, history()));
            }
            let naive = told.of(Method::Naive).and_then(|naive| naive.points.as_deref().ok());
            if let Some(point) = naive.and_then(|points| points.first()) {
                numbers.push("naive", self.point(&told, Method::Naive, point, history()));
            }
        }
        Group {
            key: key.to_owned(),
            title: key.to_owned(),
            numbers,
        }
    }
}
