//! What the mail says, in English and 简体中文: the report, its totals, and that the whole is attached.

use std::fmt::Write as _;

use rapport_domain::export::{Format, file_name};
use rapport_domain::survey::escape;
use rapport_mail::{Attachment, Mail};
use rapport_reporting::answer::{Answer, Number};
use rapport_reporting::measure::Unit;

/// All that a mail is made of.
pub struct Letter<'a> {
    /// The id of the occasion, which is the mail's.
    pub id: String,
    /// The address.
    pub to: String,
    /// The firm.
    pub company: &'a str,
    /// The report.
    pub answer: &'a Answer,
    /// The tenant's language.
    pub locale: &'a str,
    /// The format of the attachment.
    pub format: Format,
    /// The attachment.
    pub file: Vec<u8>,
}

struct Words {
    attached: &'static str,
    nothing: &'static str,
    settling: &'static str,
    why: &'static str,
}

const ENGLISH: Words = Words {
    attached: "The whole report is attached.",
    nothing: "There is nothing to report for these days.",
    settling: "Some of these sums were being made anew when this was written.",
    why: "You receive this mail because you asked for this report. End it under /v1/report-schedules.",
};

const CHINESE: Words = Words {
    attached: "完整报表见附件。",
    nothing: "该时段没有可报告的数据。",
    settling: "生成本邮件时，部分汇总正在重新计算。",
    why: "您收到此邮件，是因为您订阅了该报表。可在 /v1/report-schedules 取消订阅。",
};

/// A number as people read it; `–` where there is none.
fn shown(number: &Number, currency: Option<&str>) -> String {
    let Some(value) = number.value else {
        return "–".to_owned();
    };
    match (number.unit, currency) {
        (Unit::Money, Some(currency)) => format!("{} {currency}", value.round_dp(2)),
        (Unit::Share, _) => format!(
            "{} %",
            (value * rust_decimal::Decimal::ONE_HUNDRED).round_dp(2).normalize()
        ),
        _ => value.round_dp(4).normalize().to_string(),
    }
}

/// The mail of an occasion.
#[must_use]
pub fn letter(letter: &Letter<'_>) -> Mail {
    let answer = letter.answer;
    let chinese = letter.locale.starts_with("zh");
    let words = if chinese { &CHINESE } else { &ENGLISH };
    let subject = if chinese {
        format!("{}：{} 至 {}", answer.title, answer.from, answer.to)
    } else {
        format!("{}: {} to {}", answer.title, answer.from, answer.to)
    };
    let mut text = format!("{subject}\n\n");
    let mut lines = String::new();
    for part in &answer.parts {
        let currency = part.currency.as_deref();
        for (name, number) in &part.totals.0 {
            let (name, value) = (name.replace('_', " "), shown(number, currency));
            let _ = writeln!(text, "{name}: {value}");
            let _ = write!(
                lines,
                "<tr><td>{}</td><td style=\"text-align:right\">{}</td></tr>",
                escape(&name),
                escape(&value)
            );
        }
        text.push('\n');
    }
    let mut closing = Vec::new();
    if answer.parts.is_empty() {
        closing.push(words.nothing);
    }
    if answer.settling {
        closing.push(words.settling);
    }
    closing.push(words.attached);
    let closing = closing.join(" ");
    let _ = write!(text, "{closing}\n\n{}\n", words.why);
    let html = format!(
        "<html lang=\"{}\"><body style=\"font-family:sans-serif;line-height:1.5\"><p><strong>{}</strong></p><table>{lines}</table>\
         <p>{}</p><p style=\"color:#525b6b;font-size:small\">{}</p></body></html>\n",
        if chinese { "zh-CN" } else { "en" },
        escape(&subject),
        escape(&closing),
        escape(words.why),
    );
    let name = file_name(&format!("{}-{}-{}", answer.name, answer.from, answer.to), letter.format);
    Mail {
        id: letter.id.clone(),
        from_name: letter.company.to_owned(),
        to: letter.to.clone(),
        subject,
        text,
        html,
        unsubscribe: None,
        attachments: vec![Attachment {
            name,
            content_type: letter.format.content_type().to_owned(),
            bytes: letter.file.clone(),
        }],
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_reporting::answer::{Explain, Numbers, Part};

    fn answer() -> Answer {
        let number = |unit: Unit, value: Option<&str>| Number {
            value: value.map(|value| value.parse().unwrap()),
            unit,
            rows: None,
            of: Numbers::default(),
            interval: None,
            explain: Explain {
                formula: String::new(),
                filter: String::new(),
                rows: 1,
                as_of: "2026-11-22T00:00:00Z".parse().unwrap(),
            },
        };
        Answer {
            name: "sales",
            title: "Sales <b>",
            from: "2026-10-01".parse().unwrap(),
            to: "2026-10-31".parse().unwrap(),
            by: "month".to_owned(),
            as_of: "2026-11-22T00:00:00Z".parse().unwrap(),
            settling: false,
            insufficient_data: None,
            notes: Vec::new(),
            parts: vec![Part {
                currency: Some("USD".to_owned()),
                converted: Vec::new(),
                totals: Numbers(vec![
                    ("sales", number(Unit::Money, Some("138"))),
                    ("margin_rate", number(Unit::Share, Some("0.5870"))),
                    ("average_order", number(Unit::Money, None)),
                ]),
                groups: Vec::new(),
                groups_left_out: 0,
            }],
        }
    }

    #[test]
    fn the_totals_are_in_the_text_and_the_whole_is_attached() {
        for (locale, subject) in [
            ("en", "Sales <b>: 2026-10-01 to 2026-10-31"),
            ("zh-CN", "Sales <b>：2026-10-01 至 2026-10-31"),
        ] {
            let mail = letter(&Letter {
                id: "sch_1-2".to_owned(),
                to: "ann@b.co".to_owned(),
                company: "Firm",
                answer: &answer(),
                locale,
                format: Format::Csv,
                file: vec![1, 2],
            });
            assert_eq!(mail.subject, subject);
            for line in ["sales: 138 USD\n", "margin rate: 58.7 %\n", "average order: –\n"] {
                assert!(mail.text.contains(line), "{}", mail.text);
            }
            assert!(!mail.html.contains("<b>"), "{}", mail.html);
            assert_eq!(mail.attachments[0].name, "sales-2026-10-01-2026-10-31.csv");
            assert_eq!(mail.attachments[0].bytes, [1, 2]);
        }
    }
}
