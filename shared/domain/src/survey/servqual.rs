//! SERVQUAL's dimensions and statements, in our own words, and what an answer says of each dimension.
//!
//! Parasuraman, Zeithaml and Berry (1988, revised 1991): 22 statements, tangibles 1–4, reliability 5–9, responsiveness
//! 10–13, assurance 14–17, empathy 18–22; each as expected of a good firm and as perceived, 1 to 7. The respondent splits
//! 100 points over the dimensions. The short form has one statement for each dimension, as perceived.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::item::{Choice, Item, ItemKind};
use super::language::Localised;
use super::metric::Metric;

/// The keys of the dimensions, in the order of the statements.
pub const DIMENSIONS: [&str; 5] = ["tangibles", "reliability", "responsiveness", "assurance", "empathy"];
/// How many statements of the full form each dimension has.
pub const FULL_SIZES: [usize; 5] = [4, 5, 4, 4, 5];
/// The key of the split.
const SPLIT: &str = "points";

/// A statement as expected and as perceived, in English and in Chinese.
type Statement = [&'static str; 4];

const STATEMENTS: [Statement; 22] = [
    [
        "A good firm has up-to-date equipment.",
        "They have up-to-date equipment.",
        "优秀的企业应有现代化的设备。",
        "这家企业有现代化的设备。",
    ],
    [
        "Its premises are pleasant to look at.",
        "Their premises are pleasant to look at.",
        "其场所应美观舒适。",
        "其场所美观舒适。",
    ],
    [
        "Its people are neatly dressed.",
        "Their people are neatly dressed.",
        "其员工应着装整洁。",
        "其员工着装整洁。",
    ],
    [
        "What it hands out, on paper or on screen, is well made.",
        "What they hand out, on paper or on screen, is well made.",
        "其提供的资料和页面应制作精良。",
        "其提供的资料和页面制作精良。",
    ],
    [
        "What it promises for a date is done by that date.",
        "What they promise for a date is done by that date.",
        "答应客户的事应按期完成。",
        "答应我的事都按期完成。",
    ],
    [
        "When a customer has a problem, it earnestly tries to solve it.",
        "When I have a problem, they earnestly try to solve it.",
        "客户遇到问题时，应真心帮助解决。",
        "我遇到问题时，他们真心帮助解决。",
    ],
    [
        "It does its work right the first time.",
        "They do their work right the first time.",
        "应一次就把事情做对。",
        "他们一次就把事情做对。",
    ],
    [
        "It keeps the times it gives for its services.",
        "They keep the times they give for their services.",
        "应在约定的时间提供服务。",
        "他们在约定的时间提供服务。",
    ],
    [
        "Its records and invoices have no mistakes.",
        "Their records and invoices have no mistakes.",
        "其记录和账单应没有差错。",
        "其记录和账单没有差错。",
    ],
    [
        "It says exactly when a service will be done.",
        "They say exactly when a service will be done.",
        "应明确告知服务完成的时间。",
        "他们明确告知服务完成的时间。",
    ],
    [
        "Its people serve without delay.",
        "Their people serve me without delay.",
        "员工应及时提供服务。",
        "员工及时为我服务。",
    ],
    [
        "Its people are always ready to help.",
        "Their people are always ready to help me.",
        "员工应始终乐于助人。",
        "员工始终乐于帮助我。",
    ],
    [
        "Its people find time for a question, however busy they are.",
        "Their people find time for my questions, however busy they are.",
        "员工再忙也应回应客户的询问。",
        "员工再忙也会回应我的询问。",
    ],
    [
        "The way its people act makes customers trust them.",
        "The way their people act makes me trust them.",
        "员工的举止应让客户信任。",
        "员工的举止让我信任。",
    ],
    [
        "Customers feel safe in doing business with it.",
        "I feel safe in doing business with them.",
        "客户与其交易时应感到放心。",
        "与他们交易我感到放心。",
    ],
    [
        "Its people are always polite.",
        "Their people are always polite to me.",
        "员工应始终礼貌待人。",
        "员工对我始终有礼貌。",
    ],
    [
        "Its people know enough to answer what customers ask.",
        "Their people know enough to answer what I ask.",
        "员工应有足够的知识解答客户的问题。",
        "员工有足够的知识解答我的问题。",
    ],
    [
        "It pays attention to each customer as a person.",
        "They pay attention to me as a person.",
        "应给予每位客户个别的关注。",
        "他们给予我个别的关注。",
    ],
    [
        "Its hours suit all of its customers.",
        "Their hours suit me.",
        "营业时间应方便所有客户。",
        "营业时间对我很方便。",
    ],
    [
        "Some of its people look after the customer personally.",
        "Some of their people look after me personally.",
        "应有员工专门照顾客户。",
        "有员工专门照顾我。",
    ],
    [
        "It means well with its customers.",
        "They mean well with me.",
        "应把客户的利益放在心上。",
        "他们把我的利益放在心上。",
    ],
    [
        "Its people understand what each customer needs.",
        "Their people understand what I need.",
        "员工应了解每位客户的需要。",
        "员工了解我的需要。",
    ],
];

/// One statement for each dimension, as perceived.
const SHORT: [[&str; 2]; 5] = [
    [
        "Their equipment, people and papers made a good impression.",
        "他们的设备、人员和资料给人良好的印象。",
    ],
    [
        "They did what they had promised, and did it right.",
        "他们按承诺做到了，而且做得对。",
    ],
    [
        "They helped me willingly and without delay.",
        "他们乐意并及时地帮助了我。",
    ],
    [
        "They were polite and knew their business; I could trust them.",
        "他们有礼貌、懂业务，让我信任。",
    ],
    [
        "They cared about what I in particular needed.",
        "他们关心我的具体需要。",
    ],
];

/// What each dimension is, for whoever splits points.
const MEANINGS: [[&str; 2]; 5] = [
    [
        "How premises, equipment, people and papers look",
        "场所、设备、人员和资料的外观",
    ],
    [
        "Doing what was promised, reliably and without mistakes",
        "可靠、准确地履行承诺",
    ],
    ["Helping willingly and without delay", "乐意并及时地提供帮助"],
    ["Knowledge, politeness, trust", "专业、礼貌、值得信任"],
    ["Care for each customer in particular", "对每位客户的关心和体贴"],
];

fn localised(en: &str, zh_cn: &str) -> Localised {
    Localised {
        en: Some(en.to_owned()),
        zh_cn: Some(zh_cn.to_owned()),
    }
}

fn statement(key: String, text: Localised) -> Item {
    Item {
        key,
        kind: ItemKind::Scale,
        text,
        heading: Localised::default(),
        from: Some(1),
        to: Some(7),
        choices: Vec::new(),
        required: true,
        show_if: None,
    }
}

/// The items that a metric is made of: none for those that are one question.
pub(super) fn items(metric: Metric) -> Vec<Item> {
    match metric {
        Metric::Servqual => full(),
        Metric::ServqualShort => DIMENSIONS
            .iter()
            .zip(SHORT)
            .map(|(key, [en, zh_cn])| statement((*key).to_owned(), localised(en, zh_cn)))
            .collect(),
        Metric::Csat | Metric::Nps | Metric::Ces | Metric::FaultTolerance => Vec::new(),
    }
}

fn full() -> Vec<Item> {
    let expected = (1..).zip(STATEMENTS);
    let mut items: Vec<Item> = expected
        .map(|(n, [en, _, zh_cn, _])| statement(format!("e{n}"), localised(en, zh_cn)))
        .collect();
    let perceived = (1..).zip(STATEMENTS);
    items.extend(perceived.map(|(n, [_, en, _, zh_cn])| statement(format!("p{n}"), localised(en, zh_cn))));
    let parts = DIMENSIONS.iter().zip(MEANINGS);
    items.push(Item {
        kind: ItemKind::Split,
        heading: localised("What matters to you", "您看重什么"),
        from: None,
        to: None,
        choices: parts
            .map(|(key, [en, zh_cn])| Choice {
                key: (*key).to_owned(),
                text: localised(en, zh_cn),
            })
            .collect(),
        ..statement(
            SPLIT.to_owned(),
            localised(
                "Please split 100 points by how much each of these matters to you.",
                "请按重要程度把 100 分分配给下列各项。",
            ),
        )
    });
    for (n, heading) in [
        (0, localised("What you expect of a good firm", "您对优秀企业的期望")),
        (STATEMENTS.len(), localised("How you find us", "您对我们的感受")),
    ] {
        if let Some(item) = items.get_mut(n) {
            item.heading = heading;
        }
    }
    items
}

/// What one respondent says of each dimension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ratings {
    /// The sum of the statements as expected, in the full form.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<[i64; 5]>,
    /// The sum of the statements as perceived.
    #[serde(rename = "p")]
    pub perceived: [i64; 5],
    /// The points given to each dimension, 100 together, in the full form.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub points: Option<[i64; 5]>,
}

impl Ratings {
    /// Reads an answer; nothing where the metric has no dimensions or statements are missing.
    #[must_use]
    pub fn of(metric: Metric, answers: &BTreeMap<String, Value>) -> Option<Self> {
        let number = |key: &str| answers.get(key).and_then(Value::as_i64);
        match metric {
            Metric::ServqualShort => Some(Self {
                expected: None,
                perceived: five(|n| number(DIMENSIONS[n]))?,
                points: None,
            }),
            Metric::Servqual => {
                let sums = |part: &str| {
                    five(|n| {
                        let first: usize = FULL_SIZES[..n].iter().sum();
                        (first..first + FULL_SIZES[n])
                            .map(|item| number(&format!("{part}{}", item + 1)))
                            .sum()
                    })
                };
                let split = answers.get(SPLIT)?;
                Some(Self {
                    expected: Some(sums("e")?),
                    perceived: sums("p")?,
                    points: Some(five(|n| split.get(DIMENSIONS[n])?.as_i64())?),
                })
            }
            Metric::Csat | Metric::Nps | Metric::Ces | Metric::FaultTolerance => None,
        }
    }

    /// The mean of all statements as perceived, to the nearest whole number, 1 to 7.
    #[must_use]
    pub fn score(&self) -> Option<u8> {
        let statements: usize = if self.expected.is_some() {
            FULL_SIZES.iter().sum()
        } else {
            DIMENSIONS.len()
        };
        let (sum, n) = (self.perceived.iter().sum::<i64>(), i64::try_from(statements).ok()?);
        u8::try_from((2 * sum + n) / (2 * n)).ok()
    }
}

fn five(value: impl Fn(usize) -> Option<i64>) -> Option<[i64; 5]> {
    let values: Option<Vec<i64>> = (0..5).map(value).collect();
    values?.try_into().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::invalid::Invalid;
    use serde_json::json;

    #[test]
    fn the_forms_have_their_statements_in_both_languages() {
        for (metric, count) in [
            (Metric::Servqual, 45),
            (Metric::ServqualShort, 5),
            (Metric::Csat, 0),
            (Metric::FaultTolerance, 0),
        ] {
            let items = items(metric);
            assert_eq!(items.len(), count, "{metric:?}");
            assert!(
                items
                    .iter()
                    .all(|item| { item.required && item.text.en.is_some() && item.text.zh_cn.is_some() })
            );
            let mut invalid = Invalid::default();
            assert_eq!(Item::check(items.clone(), metric, &mut invalid), items);
            assert_eq!(invalid.check(), Ok(()));
        }
        assert_eq!(FULL_SIZES.iter().sum::<usize>(), STATEMENTS.len());
    }

    #[test]
    fn ratings_are_summed_by_dimension() {
        let mut answers: BTreeMap<String, Value> = (1..=22)
            .flat_map(|n| [(format!("e{n}"), json!(7)), (format!("p{n}"), json!(5))])
            .collect();
        answers.insert("p4".into(), json!(1));
        answers.insert("p5".into(), json!(2));
        answers.insert("p22".into(), json!(7));
        answers.insert(
            "points".into(),
            json!({"tangibles": 10, "reliability": 40, "responsiveness": 20, "assurance": 20, "empathy": 10}),
        );
        let ratings = Ratings::of(Metric::Servqual, &answers).unwrap();
        assert_eq!(ratings.expected, Some([28, 35, 28, 28, 35]));
        assert_eq!(ratings.perceived, [16, 22, 20, 20, 27]);
        assert_eq!(ratings.points, Some([10, 40, 20, 20, 10]));
        // 105 of 22 statements: 4.77.
        assert_eq!(ratings.score(), Some(5));
        answers.remove("e9");
        assert_eq!(Ratings::of(Metric::Servqual, &answers), None);
        let short: BTreeMap<String, Value> = DIMENSIONS.iter().map(|key| ((*key).to_owned(), json!(2))).collect();
        assert_eq!(Ratings::of(Metric::ServqualShort, &short).unwrap().score(), Some(2));
        assert_eq!(Ratings::of(Metric::Csat, &short), None);
    }
}
