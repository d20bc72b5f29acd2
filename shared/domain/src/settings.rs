//! What a tenant sets for itself: where it is, when it works, how it serves, surveys and scores.

use std::collections::BTreeMap;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::invalid::Invalid;
use crate::money::{Amount, Currency};
use crate::survey::{Language, Metric};

/// Times as RFC 3339 in UTC with milliseconds.
pub mod millis {
    use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Three decimals, always.
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

    /// The text of a time.
    #[must_use]
    pub fn text(at: Timestamp) -> String {
        PRINTER.timestamp_to_string(&at)
    }

    /// Writes a time.
    ///
    /// # Errors
    /// What the serializer reports.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(*at))
    }

    /// Reads a time.
    ///
    /// # Errors
    /// When the text is not an RFC 3339 time.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::deserialize(deserializer)
    }

    /// The same for a time that may be absent.
    pub mod option {
        use super::{Deserializer, Serializer, Timestamp};
        use serde::Deserialize as _;

        /// Writes a time or null.
        ///
        /// # Errors
        /// What the serializer reports.
        pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads a time or null.
        ///
        /// # Errors
        /// When the text is not an RFC 3339 time.
        pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
            Option::<Timestamp>::deserialize(deserializer)
        }
    }
}

/// A day's working intervals: `[["09:00","12:00"],["13:00","18:00"]]`.
pub type Intervals = Vec<(String, String)>;

/// The targets of service for tickets of one priority, in minutes of working time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlaPolicy {
    /// `low`, `normal`, `high` or `urgent`; absent for all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Until the first answer.
    pub first_response_minutes: u32,
    /// Until it is resolved.
    pub resolution_minutes: u32,
}

/// Service levels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sla {
    /// The first that names the ticket's priority, or names none, applies.
    pub policies: Vec<SlaPolicy>,
}

/// A span of the day in which nobody is to be disturbed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// From, `20:00`; may lie after `to`, across midnight.
    pub from: String,
    /// Until, `09:00`.
    pub to: String,
}

/// When and how satisfaction is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SurveySettings {
    /// Whether anything is sent.
    pub enabled: bool,
    /// Which built-in template is sent when no survey of the tenant's own is named: `csat`, `nps`, `ces`, `servqual`,
    /// `servqual_short` or `fault_tolerance`.
    pub template: String,
    /// How long after the ticket is resolved or the order fulfilled, in minutes.
    pub delay_minutes: u32,
    /// No mail in these hours of the tenant's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// A contact is asked at most once in so many days.
    pub min_days_between: u32,
    /// The share of occasions that are asked about, 0 to 1.
    pub sample_rate: f64,
}

/// How customers are scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScoringSettings {
    /// Cumulative shares of revenue at which grade A ends and grade B ends, 0 to 1.
    pub pareto_cuts: (f64, f64),
    /// A customer is at risk under this probability of being alive.
    pub at_risk_p_alive: f64,
    /// A customer is lost after so many days without a purchase.
    pub lost_after_days: u32,
    /// The gross margin taken where an order has no costs, 0 to 1.
    pub margin_rate: f64,
    /// The yearly discount rate of future purchases, 0 to 1.
    pub discount_rate: f64,
}

/// How customers are won back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WinBackSettings {
    /// The share of cases chosen by lot to be left alone, 0 to 1, so that the effect of actions can be told from chance.
    #[serde(default)]
    pub hold_out: f64,
}

/// What work for customers costs, in the tenant's currency: taken off their margin to see what they leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ActivityCosts {
    /// Of a ticket.
    pub ticket: Amount,
    /// Of a complaint, beyond a ticket.
    pub complaint: Amount,
    /// Of delivering an order.
    pub delivery: Amount,
}

/// How much each of the five bases of screening weighs; in any unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScreeningWeights {
    /// How much is bought.
    pub purchases: f64,
    /// What is earned with it.
    pub profitability: f64,
    /// Whether it is paid, and in time.
    pub safety: f64,
    /// What is still to come.
    pub future: f64,
    /// How well it goes together.
    pub cooperation: f64,
}

impl Default for ScreeningWeights {
    /// All alike.
    fn default() -> Self {
        Self {
            purchases: 1.0,
            profitability: 1.0,
            safety: 1.0,
            future: 1.0,
            cooperation: 1.0,
        }
    }
}

impl ScreeningWeights {
    /// In the order above.
    #[must_use]
    pub const fn all(&self) -> [f64; 5] {
        [
            self.purchases,
            self.profitability,
            self.safety,
            self.future,
            self.cooperation,
        ]
    }
}

/// A tenant's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The firm's name, as its customers see it.
    pub company: String,
    /// ISO 3166 country, two letters: the default of telephone numbers.
    pub country: String,
    /// The default currency, and the one of scores.
    pub currency: Currency,
    /// IANA time zone: what a day is.
    pub time_zone: String,
    /// The language of mails and pages: `en` or `zh-CN`.
    pub locale: String,
    /// Working intervals by day, `mon` to `sun`; a missing day is free.
    #[schema(value_type = Object)]
    pub working_hours: BTreeMap<String, Intervals>,
    /// Free days.
    #[schema(value_type = Vec<String>)]
    pub holidays: Vec<Date>,
    /// Service levels.
    pub sla: Sla,
    /// Surveys.
    pub survey: SurveySettings,
    /// Scores.
    pub scoring: ScoringSettings,
    /// What work for customers costs.
    #[serde(default)]
    pub activity_costs: ActivityCosts,
    /// The weights of screening.
    #[serde(default)]
    pub screening: ScreeningWeights,
    /// What one unit of another currency is worth in the tenant's own: `{"USD": "7.12"}`. Reports convert by these when asked
    /// to; without a rate a currency stands apart.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub rates: BTreeMap<String, Amount>,
    /// Winning customers back.
    #[serde(default)]
    pub win_back: WinBackSettings,
    /// Origins of web pages that may call the API: `https://shop.example`.
    pub allowed_origins: Vec<String>,
    /// Whether two contacts may not share a primary e-mail address.
    pub unique_email: bool,
}

/// The days of the week as settings name them.
pub const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Default for Settings {
    fn default() -> Self {
        let day = || {
            vec![
                ("09:00".to_owned(), "12:00".to_owned()),
                ("13:00".to_owned(), "18:00".to_owned()),
            ]
        };
        let policy = |priority: Option<&str>, first_response_minutes, resolution_minutes| SlaPolicy {
            priority: priority.map(str::to_owned),
            first_response_minutes,
            resolution_minutes,
        };
        Self {
            company: String::new(),
            country: "US".to_owned(),
            currency: "USD".parse().unwrap_or_else(|()| unreachable!("USD is a currency")),
            time_zone: "UTC".to_owned(),
            locale: "en".to_owned(),
            working_hours: DAYS[..5].iter().map(|name| ((*name).to_owned(), day())).collect(),
            holidays: Vec::new(),
            sla: Sla {
                policies: vec![
                    policy(Some("urgent"), 60, 240),
                    policy(Some("high"), 120, 480),
                    policy(None, 240, 1_440),
                ],
            },
            survey: SurveySettings {
                enabled: true,
                template: "csat".to_owned(),
                delay_minutes: 60,
                quiet_hours: Some(QuietHours {
                    from: "20:00".to_owned(),
                    to: "09:00".to_owned(),
                }),
                min_days_between: 30,
                sample_rate: 1.0,
            },
            scoring: ScoringSettings {
                pareto_cuts: (0.8, 0.95),
                at_risk_p_alive: 0.5,
                lost_after_days: 365,
                margin_rate: 0.3,
                discount_rate: 0.1,
            },
            activity_costs: ActivityCosts::default(),
            screening: ScreeningWeights::default(),
            rates: BTreeMap::new(),
            win_back: WinBackSettings::default(),
            allowed_origins: Vec::new(),
            unique_email: true,
        }
    }
}

impl Settings {
    /// The tenant's time zone; UTC should the name be unknown to this build.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// The language of what the service says in words; English should the locale be unknown to this build.
    #[must_use]
    pub fn language(&self) -> Language {
        Language::of(&self.locale).unwrap_or_default()
    }

    /// The share of a sale that is margin where nothing better is known, as a decimal.
    #[must_use]
    pub fn margin_rate(&self) -> Decimal {
        Decimal::try_from(self.scoring.margin_rate).unwrap_or_default()
    }

    /// Checks everything.
    ///
    /// # Errors
    /// [`Invalid`] with every fault.
    pub fn check(&self) -> Result<(), Invalid> {
        let mut invalid = Invalid::default();
        let share = |value: f64| (0.0..=1.0).contains(&value);
        if self.company.chars().count() > 200 {
            invalid.add("company", "too_long", "at most 200 characters");
        }
        if self.country.len() != 2 || !self.country.chars().all(|c| c.is_ascii_uppercase()) {
            invalid.add(
                "country",
                "country_unknown",
                "a country is two capital letters of ISO 3166, such as CN",
            );
        }
        if TimeZone::get(&self.time_zone).is_err() {
            invalid.add(
                "time_zone",
                "time_zone_unknown",
                "this is not an IANA time zone such as Asia/Shanghai",
            );
        }
        if !["en", "zh-CN"].contains(&self.locale.as_str()) {
            invalid.add("locale", "locale_unknown", "a locale is en or zh-CN");
        }
        for (day, intervals) in &self.working_hours {
            let place = format!("working_hours/{day}");
            if !DAYS.contains(&day.as_str()) {
                invalid.add(&place, "field_unknown", "days are mon, tue, wed, thu, fri, sat, sun");
            }
            let mut last: Option<Time> = None;
            for (from, to) in intervals {
                match (time(from), time_end(to)) {
                    (Some(from), Some(to)) if from < to && last.is_none_or(|last| last <= from) => last = Some(to),
                    _ => {
                        invalid.add(
                            &place,
                            "interval_malformed",
                            "intervals are [\"09:00\",\"12:00\"], in order, without overlap",
                        );
                        break;
                    }
                }
            }
        }
        if self.holidays.len() > 500 {
            invalid.add("holidays", "too_many", "at most 500 holidays");
        }
        if self.sla.policies.is_empty() || self.sla.policies.len() > 20 {
            invalid.add("sla/policies", "required", "1 to 20 policies");
        }
        for (n, policy) in self.sla.policies.iter().enumerate() {
            let known = policy
                .priority
                .as_deref()
                .is_none_or(|p| ["low", "normal", "high", "urgent"].contains(&p));
            if !known
                || policy.first_response_minutes == 0
                || policy.resolution_minutes < policy.first_response_minutes
                || policy.resolution_minutes > 100_000
            {
                invalid.add(
                    &format!("sla/policies/{n}"),
                    "policy_malformed",
                    "a policy has a known priority, minutes above 0 and a resolution not before the first response",
                );
            }
        }
        let survey = &self.survey;
        if !Metric::WORDS.contains(&survey.template.as_str()) {
            let detail = format!("a template is one of {}", Metric::WORDS.join(", "));
            invalid.add("survey/template", "not_a_choice", detail);
        }
        if survey.delay_minutes > 60 * 24 * 90 || survey.min_days_between > 3_650 {
            invalid.add(
                "survey",
                "out_of_range",
                "a delay is at most 90 days, a pause at most ten years",
            );
        }
        if let Some(quiet) = &survey.quiet_hours
            && (time(&quiet.from).is_none() || time(&quiet.to).is_none() || quiet.from == quiet.to)
        {
            invalid.add(
                "survey/quiet_hours",
                "interval_malformed",
                "hours are such as 20:00 and differ",
            );
        }
        if !share(survey.sample_rate) {
            invalid.add("survey/sample_rate", "out_of_range", "a rate lies between 0 and 1");
        }
        let scoring = &self.scoring;
        let (a, b) = scoring.pareto_cuts;
        if !(share(a) && share(b) && a < b) {
            invalid.add(
                "scoring/pareto_cuts",
                "out_of_range",
                "two rising shares between 0 and 1",
            );
        }
        for (name, value) in [
            ("at_risk_p_alive", scoring.at_risk_p_alive),
            ("margin_rate", scoring.margin_rate),
            ("discount_rate", scoring.discount_rate),
        ] {
            if !share(value) {
                invalid.add(
                    &format!("scoring/{name}"),
                    "out_of_range",
                    "a share lies between 0 and 1",
                );
            }
        }
        if !share(self.win_back.hold_out) {
            invalid.add("win_back/hold_out", "out_of_range", "a share lies between 0 and 1");
        }
        if scoring.lost_after_days == 0 || scoring.lost_after_days > 36_500 {
            invalid.add("scoring/lost_after_days", "out_of_range", "1 to 36,500 days");
        }
        let weights = self.screening.all();
        if weights.iter().any(|weight| !(0.0..=1_000.0).contains(weight)) || weights.iter().sum::<f64>() <= 0.0 {
            invalid.add(
                "screening",
                "out_of_range",
                "weights lie between 0 and 1,000, and one of them is above 0",
            );
        }
        let costs = &self.activity_costs;
        if [costs.ticket, costs.complaint, costs.delivery]
            .iter()
            .any(|cost| cost.0 < Decimal::ZERO || cost.0 > Decimal::from(1_000_000_000))
        {
            invalid.add(
                "activity_costs",
                "out_of_range",
                "a cost lies between 0 and 1,000,000,000",
            );
        }
        let sane = |rate: &Amount| rate.0 > Decimal::ZERO && rate.0 <= Decimal::from(1_000_000_000);
        let known = |currency: &String| currency.parse::<Currency>().is_ok();
        if self.rates.len() > 200 || !self.rates.iter().all(|(currency, rate)| known(currency) && sane(rate)) {
            invalid.add(
                "rates",
                "rate_malformed",
                "a rate is above zero, by the code of its currency: {\"USD\": \"7.12\"}",
            );
        }
        if self.allowed_origins.len() > 50 || self.allowed_origins.iter().any(|origin| !is_origin(origin)) {
            invalid.add(
                "allowed_origins",
                "origin_malformed",
                "at most 50 origins such as https://shop.example, without a path",
            );
        }
        invalid.check()
    }
}

/// Reads `09:30`.
#[must_use]
pub fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    // A number may have a sign, an hour has none.
    let digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(hour) || !digits(minute) {
        return None;
    }
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// Reads the end of an interval; `24:00` is the last moment of the day.
#[must_use]
pub fn time_end(text: &str) -> Option<Time> {
    if text == "24:00" { Some(Time::MAX) } else { time(text) }
}

/// Whether a text is all that a browser says of where a page is from: a scheme, a host, and a port that is not the usual one.
fn is_origin(text: &str) -> bool {
    let short = text.len() < "https://".len() + 254;
    short
        && Url::parse(text).is_ok_and(|url| {
            let said = url.origin().ascii_serialization();
            matches!(url.scheme(), "http" | "https") && said.eq_ignore_ascii_case(text)
        })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_faults_are_named() {
        assert_eq!(Settings::default().check(), Ok(()));
        type Change = fn(&mut Settings);
        let cases: [(&str, Change); 10] = [
            ("#/country", |s| s.country = "usa".into()),
            ("#/time_zone", |s| s.time_zone = "Mars/Base".into()),
            ("#/locale", |s| s.locale = "xx".into()),
            ("#/working_hours/mon", |s| {
                s.working_hours.get_mut("mon").unwrap()[0].1 = "14:00".into();
            }),
            ("#/working_hours/noday", |s| {
                drop(s.working_hours.insert("noday".into(), vec![]));
            }),
            ("#/sla/policies/0", |s| s.sla.policies[0].first_response_minutes = 0),
            ("#/survey/sample_rate", |s| s.survey.sample_rate = 1.5),
            ("#/scoring/pareto_cuts", |s| s.scoring.pareto_cuts = (0.9, 0.8)),
            ("#/win_back/hold_out", |s| s.win_back.hold_out = -0.1),
            ("#/allowed_origins", |s| {
                s.allowed_origins = vec!["https://a.b/c".into()];
            }),
        ];
        for (pointer, change) in cases {
            let mut settings = Settings::default();
            change(&mut settings);
            let invalid = settings.check().unwrap_err();
            assert_eq!(invalid.problems[0].pointer, pointer);
        }
    }

    #[test]
    fn settings_have_limits() {
        fn rates(s: &mut Settings, rates: &[(&str, &str)]) {
            let rates = rates.iter();
            s.rates = rates
                .map(|(currency, rate)| ((*currency).to_owned(), Amount(rate.parse().unwrap())))
                .collect();
        }
        fn quiet(s: &mut Settings, from: &str, to: &str) {
            let (from, to) = (from.to_owned(), to.to_owned());
            s.survey.quiet_hours = Some(QuietHours { from, to });
        }
        fn origins(s: &mut Settings, origins: &[&str]) {
            s.allowed_origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
        }
        type Change = fn(&mut Settings);
        let cases: [(Option<&str>, Change); 45] = [
            (None, |s| s.company = "李".repeat(200)),
            (Some("#/company"), |s| s.company = "李".repeat(201)),
            (Some("#/country"), |s| s.country = "us".into()),
            (None, |s| s.holidays = vec![Date::ZERO; 500]),
            (Some("#/holidays"), |s| s.holidays = vec![Date::ZERO; 501]),
            (Some("#/sla/policies"), |s| s.sla.policies.clear()),
            (None, |s| s.sla.policies = vec![s.sla.policies[0].clone(); 20]),
            (Some("#/sla/policies"), |s| {
                s.sla.policies = vec![s.sla.policies[0].clone(); 21];
            }),
            (Some("#/sla/policies/0"), |s| {
                s.sla.policies[0].priority = Some("huge".into());
            }),
            (Some("#/sla/policies/2"), |s| {
                s.sla.policies[2].resolution_minutes = 239;
            }),
            (None, |s| s.sla.policies[0].resolution_minutes = 100_000),
            (Some("#/sla/policies/0"), |s| {
                s.sla.policies[0].resolution_minutes = 100_001;
            }),
            (None, |s| s.survey.delay_minutes = 129_600),
            (Some("#/survey"), |s| s.survey.delay_minutes = 129_601),
            (None, |s| s.survey.min_days_between = 3_650),
            (Some("#/survey"), |s| s.survey.min_days_between = 3_651),
            (None, |s| s.survey.quiet_hours = None),
            (Some("#/survey/quiet_hours"), |s| quiet(s, "8pm", "09:00")),
            (Some("#/survey/quiet_hours"), |s| quiet(s, "20:00", "9am")),
            (Some("#/survey/quiet_hours"), |s| quiet(s, "20:00", "20:00")),
            (None, |s| s.scoring.lost_after_days = 36_500),
            (Some("#/scoring/lost_after_days"), |s| s.scoring.lost_after_days = 0),
            (Some("#/scoring/lost_after_days"), |s| {
                s.scoring.lost_after_days = 36_501;
            }),
            (None, |s| s.screening.safety = 1_000.0),
            (Some("#/screening"), |s| s.screening.safety = 1_000.5),
            (Some("#/screening"), |s| s.screening.safety = -0.5),
            (Some("#/screening"), |s| {
                s.screening =
                    serde_json::from_str(r#"{"purchases":0,"profitability":0,"safety":0,"future":0,"cooperation":0}"#)
                        .unwrap();
            }),
            (None, |s| s.activity_costs.ticket = Amount(1_000_000_000.into())),
            (Some("#/activity_costs"), |s| {
                s.activity_costs.complaint = Amount(1_000_000_001.into());
            }),
            (Some("#/activity_costs"), |s| {
                s.activity_costs.delivery = Amount((-1).into());
            }),
            (None, |s| rates(s, &[("EUR", "1.08"), ("CNY", "1000000000")])),
            (Some("#/rates"), |s| rates(s, &[("EUR", "1.08"), ("EURO", "1.08")])),
            (Some("#/rates"), |s| rates(s, &[("EUR", "0")])),
            (Some("#/rates"), |s| rates(s, &[("EUR", "-1")])),
            (Some("#/rates"), |s| rates(s, &[("EUR", "1000000001")])),
            (None, |s| origins(s, &["https://shop.example", "http://localhost:3000"])),
            (None, |s| origins(s, &["https://shop.example"; 50])),
            (Some("#/allowed_origins"), |s| origins(s, &["https://shop.example"; 51])),
            (Some("#/allowed_origins"), |s| origins(s, &["https://"])),
            (Some("#/allowed_origins"), |s| origins(s, &["shop.example"])),
            (Some("#/allowed_origins"), |s| origins(s, &["https://:"])),
            (Some("#/allowed_origins"), |s| origins(s, &["https://shop.example:443"])),
            (Some("#/allowed_origins"), |s| origins(s, &["ftp://shop.example"])),
            (Some("#/allowed_origins"), |s| {
                s.allowed_origins = vec![format!("https://{}", "a".repeat(254))];
            }),
            (None, |s| s.unique_email = false),
        ];
        for (n, (pointer, change)) in cases.into_iter().enumerate() {
            let mut settings = Settings::default();
            change(&mut settings);
            let invalid = settings.check().err().unwrap_or_default();
            let found = invalid.problems.iter().map(|problem| problem.pointer.as_str());
            assert_eq!(Vec::from_iter(found), Vec::from_iter(pointer), "case {n}");
        }
    }

    #[test]
    fn hours_are_two_digits_and_two() {
        for (text, good) in [
            ("00:00", true),
            ("09:30", true),
            ("23:59", true),
            ("24:00", false),
            ("12:60", false),
            ("9:30", false),
            ("009:30", false),
            ("09:3", false),
            ("09:030", false),
            ("0930", false),
            ("ab:cd", false),
            ("+9:30", false),
            ("-0:00", false),
            ("", false),
        ] {
            assert_eq!(time(text).is_some(), good, "{text}");
        }
    }

    #[test]
    fn what_follows_from_settings_is_read_off_them() {
        let mut settings = Settings::default();
        settings.scoring.margin_rate = 0.25;
        assert_eq!(settings.margin_rate(), "0.25".parse().unwrap());
        for (locale, language) in [("en", Language::En), ("zh-CN", Language::ZhCn), ("xx", Language::En)] {
            settings.locale = locale.to_owned();
            assert_eq!(settings.language(), language, "{locale}");
        }
        let weights = ScreeningWeights {
            purchases: 1.0,
            profitability: 2.0,
            safety: 3.0,
            future: 4.0,
            cooperation: 5.0,
        };
        assert_eq!(weights.all(), [1.0, 2.0, 3.0, 4.0, 5.0]);
    }
}
