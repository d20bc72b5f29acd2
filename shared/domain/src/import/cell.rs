//! Cells as people and programs write them: days, amounts, yes and no, words of a choice.

use jiff::civil::Date;
use rust_decimal::Decimal;
use unicode_normalization::UnicodeNormalization as _;

use super::DayOrder;

/// The day that a cell means: `31.12.2026`, `12/31/26`, `2026-12-31 08:00`, `2026年12月31日`, `31 Dec 2026`.
#[must_use]
pub fn day(text: &str, order: DayOrder) -> Option<Date> {
    let text: String = text.trim().nfkc().collect();
    let parts = parts_of_day(&text)?;
    let [first, second, third] = parts;
    let number = |part: &Part| match part {
        Part::Number(number, _) => Some(*number),
        Part::Month(_) => None,
    };
    let (year, month, day) = match (&first, &second, &third) {
        (Part::Number(year, 4), Part::Month(month), day) => (*year, *month, number(day)?),
        (Part::Number(year, 4), month, day) => (*year, number(month)?, number(day)?),
        (Part::Number(day, _), Part::Month(month), year) => (full_year(year)?, *month, *day),
        (Part::Month(month), day, year) => (full_year(year)?, *month, number(day)?),
        (one, two, three) => match order {
            DayOrder::Ymd if matches!(three, Part::Number(_, 4)) => {
                // The year stands last after all: which of the others is the day shows only where it cannot be a month.
                let (first, second) = (number(one)?, number(two)?);
                match (first > 12, second > 12) {
                    (true, false) => (full_year(three)?, second, first),
                    (false, true) => (full_year(three)?, first, second),
                    _ => return None,
                }
            }
            DayOrder::Ymd => (full_year(one)?, number(two)?, number(three)?),
            DayOrder::Mdy => (full_year(three)?, number(one)?, number(two)?),
            DayOrder::Dmy => (full_year(three)?, number(two)?, number(one)?),
        },
    };
    let small = |number: u32| i8::try_from(number).ok();
    Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()
}

/// A part of a day: a number with its digits, or the name of a month.
enum Part {
    Number(u32, usize),
    Month(u32),
}

/// A year of two digits is of this century up to 68 and of the last from 69 on, as POSIX has it.
fn full_year(part: &Part) -> Option<u32> {
    match *part {
        Part::Number(year, 4) => Some(year),
        Part::Number(year, 2) => Some(if year < 69 { 2000 + year } else { 1900 + year }),
        _ => None,
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// The first three parts; what follows them has to look like a time of day.
fn parts_of_day(text: &str) -> Option<[Part; 3]> {
    if text.len() > 60 {
        return None;
    }
    // 20261231
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = |from: usize, to: usize| text.get(from..to)?.parse().ok();
        return Some([
            Part::Number(number(0, 4)?, 4),
            Part::Number(number(4, 6)?, 2),
            Part::Number(number(6, 8)?, 2),
        ]);
    }
    let mut parts = Vec::with_capacity(3);
    let mut rest = text;
    while parts.len() < 3 {
        rest = rest.trim_start_matches([' ', '.', '/', '-', ',', '年', '月', '日']);
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            let number = rest.get(..digits).filter(|_| digits <= 4)?.parse().ok()?;
            parts.push(Part::Number(number, digits));
            rest = rest.get(digits..)?;
            continue;
        }
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let word = rest.get(..letters.min(3))?.to_ascii_lowercase();
        let month = MONTHS.iter().position(|name| *name == word).filter(|_| letters >= 3)?;
        parts.push(Part::Month(u32::try_from(month).ok()? + 1));
        rest = rest.get(letters..)?;
    }
    let rest = rest.trim_start_matches('日');
    let time = rest.strip_prefix(['T', ' ']).unwrap_or(rest);
    let harmless = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.' | '+' | '-' | ' ' | 'Z' | 'A' | 'P' | 'M');
    let whole = rest.is_empty() || (time.len() < rest.len() && time.contains(':') && time.chars().all(harmless));
    parts.try_into().ok().filter(|_| whole)
}

/// The number that a cell means, with signs of currencies and marks between thousands left out: `¥1,250.00`, `1.250,00 €`.
#[must_use]
pub fn amount(text: &str, decimal: char) -> Option<Decimal> {
    let text: String = text.trim().nfkc().collect();
    if text.len() > 60 {
        return None;
    }
    let (text, negative) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(inner) => (inner, true),
        None => (text.as_str(), false),
    };
    let text = text.trim_matches(|c: char| {
        c.is_whitespace() || c.is_ascii_alphabetic() || matches!(c, '¥' | '$' | '€' | '£' | '元' | '円' | '₩' | '₹')
    });
    let (text, minus) = match text.strip_prefix(['-', '−']).or_else(|| text.strip_suffix('-')) {
        Some(rest) => (rest.trim_start_matches(['¥', '$', '€', '£', ' ']), true),
        None => (text.strip_prefix('+').unwrap_or(text), false),
    };
    let mark = if decimal == ',' { '.' } else { ',' };
    let (whole, fraction) = match text.split_once(decimal) {
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = thousands(whole, mark)?;
    if !digits(fraction) || (whole.is_empty() && fraction.is_empty()) || whole.len() > 18 || fraction.len() > 10 {
        return None;
    }
    let number: Decimal = format!(
        "{}.{}",
        if whole.is_empty() { "0" } else { &whole },
        if fraction.is_empty() { "0" } else { fraction }
    )
    .parse()
    .ok()?;
    Some(if negative != minus {
        -number.normalize()
    } else {
        number.normalize()
    })
}

/// The digits of a whole number whose thousands may stand apart: in threes after the first, so that a decimal mark of the
/// other kind is refused rather than lost.
fn thousands(text: &str, mark: char) -> Option<String> {
    let between = |c: char| c == mark || matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’');
    let groups: Vec<&str> = text.split(between).collect();
    let digits = |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match groups.as_slice() {
        [""] => Some(String::new()),
        [one] => Some((*one).to_owned()).filter(|_| digits(one)),
        [first, rest @ ..] => {
            let fits = digits(first) && first.len() <= 3 && rest.iter().all(|group| digits(group) && group.len() == 3);
            fits.then(|| groups.concat())
        }
        [] => None,
    }
}

/// Yes or no, in English, Chinese and signs.
#[must_use]
pub(super) fn boolean(text: &str) -> Option<bool> {
    Some(match text.trim().to_lowercase().as_str() {
        "yes" | "y" | "true" | "t" | "1" | "x" | "on" | "✓" | "√" | "是" | "有" | "对" | "真" => true,
        "no" | "n" | "false" | "f" | "0" | "off" | "-" | "×" | "否" | "无" | "没有" | "假" => false,
        _ => return None,
    })
}

/// The words that other programs have for those of a choice.
const SYNONYMS: &[(&str, &[&str])] = &[
    ("female", &["f", "w", "woman", "ms", "mrs", "女", "女性", "女士"]),
    ("male", &["m", "man", "mr", "男", "男性", "先生"]),
    ("other", &["x", "diverse", "其他"]),
    (
        "organisation",
        &["organization", "business", "firm", "company", "企业", "公司"],
    ),
    ("consumer", &["household", "private", "个人"]),
    ("intermediary", &["dealer", "reseller", "agent", "经销商", "代理商"]),
    ("new", &["open", "新", "新建", "未处理"]),
    ("working", &["contacted", "in progress", "跟进中", "处理中"]),
    ("qualified", &["合格", "已合格"]),
    ("unqualified", &["disqualified", "lost", "不合格"]),
    ("hot", &["high", "高", "热"]),
    ("warm", &["medium", "中", "温"]),
    ("cold", &["low", "低", "冷"]),
    ("draft", &["草稿"]),
    (
        "placed",
        &[
            "open",
            "new",
            "pending",
            "processing",
            "confirmed",
            "paid",
            "已下单",
            "待发货",
            "已付款",
            "处理中",
        ],
    ),
    (
        "fulfilled",
        &[
            "complete",
            "completed",
            "delivered",
            "shipped",
            "closed",
            "已完成",
            "已交付",
            "已发货",
            "已送达",
            "已签收",
        ],
    ),
    ("cancelled", &["canceled", "void", "voided", "已取消", "取消"]),
    ("returned", &["refunded", "return", "已退货", "退货", "已退款"]),
];

/// The word of a choice that a cell means: itself in any case, or what other programs say.
#[must_use]
pub(super) fn choice<'a>(text: &str, choices: &'a [String]) -> Option<&'a str> {
    let word = text.trim().to_lowercase();
    let same = choices.iter().find(|choice| choice.to_lowercase() == word);
    let other = || {
        choices.iter().find(|choice| {
            let known = SYNONYMS.iter().find(|(name, _)| name == choice);
            known.is_some_and(|(_, words)| words.contains(&word.as_str()))
        })
    };
    same.or_else(other).map(String::as_str)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        use DayOrder::{Dmy, Mdy, Ymd};
        for (text, order, expected) in [
            ("2026-12-31", Dmy, Some("2026-12-31")),
            ("2026/12/31", Mdy, Some("2026-12-31")),
            ("31.12.2026", Dmy, Some("2026-12-31")),
            ("12/31/2026", Mdy, Some("2026-12-31")),
            ("12/31/2026", Dmy, None),
            ("1/2/26", Dmy, Some("2026-02-01")),
            ("1/2/26", Mdy, Some("2026-01-02")),
            ("26-1-2", Ymd, Some("2026-01-02")),
            ("31.12.2026", Ymd, Some("2026-12-31")),
            ("12/31/2026", Ymd, Some("2026-12-31")),
            ("1/2/2026", Ymd, None),
            ("01.02.69", Dmy, Some("1969-02-01")),
            ("2026年1月2日", Ymd, Some("2026-01-02")),
            ("２０２６年１月２日", Ymd, Some("2026-01-02")),
            ("2 Jan 2026", Mdy, Some("2026-01-02")),
            ("January 2, 2026", Dmy, Some("2026-01-02")),
            ("20260102", Dmy, Some("2026-01-02")),
            ("2026-01-02T08:00:00Z", Dmy, Some("2026-01-02")),
            ("2026-01-02 08:00", Dmy, Some("2026-01-02")),
            ("2026年1月2日 08:00", Dmy, Some("2026-01-02")),
            ("1/2/2026 8:00 PM", Mdy, Some("2026-01-02")),
            ("2026-02-30", Dmy, None),
            ("2026-01", Dmy, None),
            ("2026-01-02-03", Dmy, None),
            ("2026-01-02 or so", Dmy, None),
            ("46023", Dmy, None),
            ("next week", Dmy, None),
            ("", Dmy, None),
            ("年月日", Dmy, None),
        ] {
            let found = day(text, order).map(|day| day.to_string());
            assert_eq!(found.as_deref(), expected, "{text} {order:?}");
        }
    }

    #[test]
    fn amounts() {
        for (text, decimal, expected) in [
            ("1250", '.', Some("1250")),
            ("1,250.50", '.', Some("1250.5")),
            ("1.250,50 €", ',', Some("1250.5")),
            ("¥1,250.00", '.', Some("1250")),
            ("USD 12.5", '.', Some("12.5")),
            ("-$5.25", '.', Some("-5.25")),
            ("$-5.25", '.', Some("-5.25")),
            ("(5.25)", '.', Some("-5.25")),
            ("5.25-", '.', Some("-5.25")),
            ("1 250,5", ',', Some("1250.5")),
            ("1'250.5", '.', Some("1250.5")),
            (".5", '.', Some("0.5")),
            ("１２．５", '.', Some("12.5")),
            ("12元", '.', Some("12")),
            // The other mark is no thousand's mark here: the amount would be a hundred times too large.
            ("12,50", '.', None),
            ("12.50", ',', None),
            ("1,2,3", '.', None),
            (",250", '.', None),
            ("1_000", '.', None),
            ("1.2.3", '.', None),
            ("", '.', None),
            ("-", '.', None),
            ("abc", '.', None),
            ("9999999999999999999", '.', None),
        ] {
            let found = amount(text, decimal).map(|amount| amount.to_string());
            assert_eq!(found.as_deref(), expected, "{text} {decimal}");
        }
    }

    #[test]
    fn yes_no_and_choices() {
        for (text, expected) in [
            ("Yes", Some(true)),
            ("是", Some(true)),
            ("0", Some(false)),
            ("perhaps", None),
            ("", None),
        ] {
            assert_eq!(boolean(text), expected, "{text}");
        }
        let choices = ["female".to_owned(), "male".to_owned()];
        for (text, expected) in [
            ("Female", Some("female")),
            ("男", Some("male")),
            ("M", Some("male")),
            ("cat", None),
        ] {
            assert_eq!(choice(text, &choices), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_to_be_a_day_or_an_amount_is_none() {
        for (length, read) in [(60, true), (61, false)] {
            let moment = format!("{:0<length$}", "2026-01-02 08:00:00.");
            assert_eq!(day(&moment, DayOrder::Dmy).is_some(), read, "{moment}");
            let sum = format!("USD{:>1$}", 5, length - 3);
            assert_eq!(amount(&sum, '.').is_some(), read, "{sum}");
        }
    }
}
