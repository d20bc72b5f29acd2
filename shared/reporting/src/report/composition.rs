//! `composition`: who the customers are (the first of the six customer analyses).

use std::collections::BTreeMap;

use jiff::civil::Date;
use rapport_domain::score::Score;
use rust_decimal::Decimal;

use super::book::{Book, Line, Place};
use super::{Ask, Definition, Need, Source, Text};
use crate::answer::{Answer, Group, Number, Numbers, Part};
use crate::cells::{Dimension, Family, NONE};
use crate::measure::{Measure, Sum, Sums, Unit};
use crate::period::Days;

/// The report.
pub const DEFINITION: Definition = Definition {
    name: "composition",
    title: Text {
        en: "Who the customers are",
        zh: "客户构成",
    },
    detail: Text {
        en: "Contacts by occupation, age, sex, region or country; companies by kind, industry, size, region or country; \
             buyers by grade, stage of life or segment of the last recompute.",
        zh: "联系人按职业、年龄、性别、地区或国家；公司按类型、行业、规模、地区或国家；买家按等级、生命周期或细分。",
    },
    by: &[
        "kind",
        "industry",
        "size",
        "company_region",
        "company_country",
        "occupation",
        "age_band",
        "gender",
        "region",
        "country",
        "grade",
        "lifecycle",
        "segment",
    ],
    is_dated: false,
    months: 12,
    needs_model: true,
    needs_stock: false,
    needs_scores: true,
    needs,
    answer,
};

/// The sums behind a grouping; `None` for groupings of the last recompute.
#[must_use]
pub fn sums_of(by: &str) -> Option<(Family, Dimension)> {
    use Dimension as D;
    Some(match by {
        "kind" => (Family::Companies, D::Kind),
        "industry" => (Family::Companies, D::Industry),
        "size" => (Family::Companies, D::Size),
        "company_region" => (Family::Companies, D::Region),
        "company_country" => (Family::Companies, D::Country),
        "occupation" => (Family::Contacts, D::Occupation),
        "age_band" => (Family::Contacts, D::BirthYear),
        "gender" => (Family::Contacts, D::Gender),
        "region" => (Family::Contacts, D::Region),
        "country" => (Family::Contacts, D::Country),
        _ => return None,
    })
}

/// The band of ages of a year of birth in a year: `30-39`. The age is the difference of the years, so that it does not
/// depend on the day.
#[must_use]
pub fn age_band(birth_year: &str, today: Date) -> String {
    let Ok(born) = birth_year.parse::<i16>() else {
        return NONE.to_owned();
    };
    match today.year() - born {
        ..=-1 => NONE.to_owned(),
        0..=17 => "0-17".to_owned(),
        18..=29 => "18-29".to_owned(),
        age @ 30..=79 => format!("{}-{}", age / 10 * 10, age / 10 * 10 + 9),
        _ => "80+".to_owned(),
    }
}

fn needs(ask: &Ask) -> Vec<Need> {
    sums_of(ask.by)
        .map(|(family, dimension)| Need {
            family,
            dimension,
            days: ask.days,
        })
        .into_iter()
        .collect()
}

fn answer(ask: &Ask, source: &Source<'_>) -> Answer {
    let book = Book::new(&DEFINITION, ask, source);
    let mut counts: BTreeMap<String, Sums> = BTreeMap::new();
    match sums_of(ask.by) {
        Some((family, dimension)) => {
            for (cell, sums) in source.cells(family, dimension, ask.days).iter() {
                let key = if ask.by == "age_band" {
                    age_band(&cell.key, ask.today)
                } else {
                    cell.key.clone()
                };
                counts.entry(key).or_default().merge(sums);
            }
        }
        None => {
            for (key, count) in counted(source, ask.by) {
                let mut sums = Sums::default();
                sums.merge_one(Measure::Count, Sum(Decimal::from(count), count));
                counts.insert(key, sums);
            }
        }
    }
    let Sum(all, _) = counts
        .values()
        .map(|sums| sums.get(Measure::Count))
        .fold(Sum::default(), |Sum(value, rows), Sum(more, more_rows)| {
            Sum(value + more, rows + more_rows)
        });
    let place = |key: Option<&str>| Place {
        days: None::<Days>,
        key: key.map(|key| (ask.by, key.to_owned())),
        currency: None,
    };
    let line = |sums: Sums, key| Line {
        sums,
        place: place(key),
    };
    let mut groups: Vec<Group> = counts
        .iter()
        .map(|(key, sums)| {
            let own = book.sum(Measure::Count, &line(sums.clone(), Some(key)));
            let total = total(&book, all, ask.by);
            let share = Number::ratio(
                Unit::Share,
                "count ÷ count of all",
                ("count", own.clone()),
                ("count_of_all", total),
            );
            Group {
                key: key.clone(),
                title: key.clone(),
                numbers: Numbers(vec![("count", own), ("share", share)]),
            }
        })
        .collect();
    if ask.by != "age_band" {
        groups.sort_by(|l, r| {
            let (left, right) = (l.numbers.value("count"), r.numbers.value("count"));
            right.cmp(&left).then_with(|| l.key.cmp(&r.key))
        });
    }
    let left_out = groups.len().saturating_sub(ask.limit);
    groups.truncate(ask.limit);
    let parts = if all.is_zero() {
        Vec::new()
    } else {
        vec![Part {
            currency: None,
            converted: Vec::new(),
            totals: Numbers(vec![("count", total(&book, all, ask.by))]),
            groups,
            groups_left_out: left_out,
        }]
    };
    let mut answer = book.answer(parts);
    if answer.parts.is_empty() {
        answer.insufficient_data = Some(if sums_of(ask.by).is_none() && source.model.is_none() {
            "not_scored"
        } else {
            "no_customers"
        });
    }
    answer
}

/// Whether a score is in a class: what it has of a grouping.
#[must_use]
pub fn class_of(score: &Score, by: &str) -> Option<String> {
    match by {
        "grade" => score.pareto.as_ref().map(|pareto| pareto.grade.clone()),
        "lifecycle" => score.lifecycle.clone(),
        "segment" => score.rfm.as_ref().and_then(|rfm| rfm.segment.clone()),
        _ => None,
    }
}

/// How many customers are what: by the scores themselves, or where they are too many by what the last recompute counted.
fn counted(source: &Source<'_>, by: &str) -> Vec<(String, u64)> {
    if let Some(scores) = source.scores {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for class in scores.iter().filter_map(|score| class_of(score, by)) {
            *counts.entry(class).or_default() += 1;
        }
        return counts.into_iter().collect();
    }
    let Some(model) = source.model else {
        return Vec::new();
    };
    let groups = match by {
        "grade" => &model.population.grades,
        "lifecycle" => &model.population.lifecycle,
        _ => {
            let segments = model.segments.iter();
            return segments.map(|segment| (segment.key.clone(), segment.members)).collect();
        }
    };
    groups
        .iter()
        .map(|group| (group.key.clone(), group.customers))
        .collect()
}

/// All of them: every record of the grouping, whatever its key.
fn total(book: &Book<'_>, all: Decimal, by: &'static str) -> Number {
    let place = Place {
        days: None,
        key: None,
        currency: None,
    };
    let rows = u64::try_from(all).unwrap_or_default();
    let mut number = book.given(Unit::Count, Measure::Count.formula(), all, rows, &place);
    number.rows = Some(book.address(Measure::Count.word(), &place, &[("by", by)]));
    number
}
