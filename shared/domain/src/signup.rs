//! What a firm says when it signs up, and what is taken for granted of its country.

use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::invalid::Invalid;
use crate::money::Currency;
use crate::settings::Settings;
use crate::{login, text};

/// Country, currency, time zone and language that go together; the time zone of the largest city.
const COUNTRIES: &[(&str, &str, &str, &str)] = &[
    ("US", "USD", "America/New_York", "en"),
    ("CN", "CNY", "Asia/Shanghai", "zh-CN"),
    ("HK", "HKD", "Asia/Hong_Kong", "en"),
    ("TW", "TWD", "Asia/Taipei", "en"),
    ("SG", "SGD", "Asia/Singapore", "en"),
    ("MY", "MYR", "Asia/Kuala_Lumpur", "en"),
    ("JP", "JPY", "Asia/Tokyo", "en"),
    ("KR", "KRW", "Asia/Seoul", "en"),
    ("IN", "INR", "Asia/Kolkata", "en"),
    ("AU", "AUD", "Australia/Sydney", "en"),
    ("NZ", "NZD", "Pacific/Auckland", "en"),
    ("CA", "CAD", "America/Toronto", "en"),
    ("MX", "MXN", "America/Mexico_City", "en"),
    ("BR", "BRL", "America/Sao_Paulo", "en"),
    ("GB", "GBP", "Europe/London", "en"),
    ("CH", "CHF", "Europe/Zurich", "en"),
    ("SE", "SEK", "Europe/Stockholm", "en"),
    ("NO", "NOK", "Europe/Oslo", "en"),
    ("DK", "DKK", "Europe/Copenhagen", "en"),
    ("PL", "PLN", "Europe/Warsaw", "en"),
    ("IE", "EUR", "Europe/Dublin", "en"),
    ("DE", "EUR", "Europe/Berlin", "en"),
    ("AT", "EUR", "Europe/Vienna", "en"),
    ("FR", "EUR", "Europe/Paris", "en"),
    ("ES", "EUR", "Europe/Madrid", "en"),
    ("PT", "EUR", "Europe/Lisbon", "en"),
    ("IT", "EUR", "Europe/Rome", "en"),
    ("NL", "EUR", "Europe/Amsterdam", "en"),
    ("BE", "EUR", "Europe/Brussels", "en"),
    ("FI", "EUR", "Europe/Helsinki", "en"),
    ("ZA", "ZAR", "Africa/Johannesburg", "en"),
    ("AE", "AED", "Asia/Dubai", "en"),
];

/// A sign-up.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignupIn {
    /// The firm's name.
    pub company: String,
    /// The first user's name.
    pub name: String,
    /// The first user's address.
    pub email: String,
    /// The first user's password.
    pub password: String,
    /// ISO 3166, two letters; `US` when absent, or `CN` for the locale `zh-CN`.
    #[serde(default)]
    pub country: Option<String>,
    /// ISO 4217; the country's when absent.
    #[serde(default)]
    pub currency: Option<String>,
    /// IANA; the country's when absent.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// `en` or `zh-CN`; the country's when absent.
    #[serde(default)]
    pub locale: Option<String>,
}

/// A sign-up that is in order.
#[derive(Clone, Debug)]
pub struct Signup {
    /// The settings that the tenant begins with.
    pub settings: Settings,
    /// The first user's name.
    pub name: String,
    /// The first user's address.
    pub email: Email,
}

impl SignupIn {
    /// Checks everything.
    ///
    /// # Errors
    /// [`Invalid`] with every fault.
    pub fn check(&self) -> Result<Signup, Invalid> {
        let mut invalid = Invalid::default();
        let company = invalid.take(text::required("company", Some(self.company.clone()), 200));
        let name = invalid.take(text::required("name", Some(self.name.clone()), 200));
        let email = invalid.take(Email::parse("email", &self.email));
        if let Some(email) = &email {
            invalid.take(login::check_password(
                "password",
                &self.password,
                email,
                &[&self.company, &self.name],
            ));
        }
        let country = match (&self.country, self.locale.as_deref()) {
            (Some(country), _) => country.clone(),
            (None, Some("zh-CN")) => "CN".to_owned(),
            (None, _) => "US".to_owned(),
        };
        let mut settings = Settings {
            company: company.unwrap_or_default(),
            ..Settings::default()
        };
        let known = COUNTRIES.iter().find(|(code, ..)| *code == country);
        if let Some((_, currency, time_zone, locale)) = known {
            settings.currency = currency.parse().unwrap_or(settings.currency);
            (*time_zone).clone_into(&mut settings.time_zone);
            (*locale).clone_into(&mut settings.locale);
        }
        settings.country = country;
        if let Some(text) = &self.currency
            && let Some(currency) = invalid.take(Currency::parse("currency", text))
        {
            settings.currency = currency;
        }
        if let Some(time_zone) = &self.time_zone {
            settings.time_zone.clone_from(time_zone);
        }
        if let Some(locale) = &self.locale {
            settings.locale.clone_from(locale);
        }
        invalid.take(settings.check());
        invalid.check()?;
        match (name, email) {
            (Some(name), Some(email)) => Ok(Signup { settings, name, email }),
            _ => Err(Invalid::one("", "required", "a name and an email are required")),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(over: serde_json::Value) -> Result<Signup, Invalid> {
        let mut value =
            json!({"company":"Lantern Tea","name":"Ann","email":"ann@example.com","password":"correct horse battery"});
        crate::record::merge_patch(&mut value, over);
        serde_json::from_value::<SignupIn>(value).unwrap().check()
    }

    #[test]
    fn a_country_brings_its_defaults_and_each_can_be_said() {
        for (over, expected) in [
            (json!({}), ("US", "USD", "America/New_York", "en")),
            (json!({"locale":"zh-CN"}), ("CN", "CNY", "Asia/Shanghai", "zh-CN")),
            (json!({"country":"DE"}), ("DE", "EUR", "Europe/Berlin", "en")),
            (json!({"country":"IS"}), ("IS", "USD", "UTC", "en")),
            (
                json!({"country":"CN","currency":"USD","time_zone":"Asia/Urumqi","locale":"en"}),
                ("CN", "USD", "Asia/Urumqi", "en"),
            ),
        ] {
            let settings = check(over).unwrap().settings;
            let found = (
                settings.country.as_str(),
                settings.currency.code(),
                settings.time_zone.as_str(),
                settings.locale.as_str(),
            );
            assert_eq!(found, expected);
            assert_eq!(settings.company, "Lantern Tea");
        }
        for (country, currency, zone, locale) in COUNTRIES {
            let settings = check(json!({"country": country})).unwrap().settings;
            assert_eq!(
                (settings.currency.code(), settings.time_zone.as_str()),
                (*currency, *zone)
            );
            assert_eq!(settings.locale, *locale);
        }
    }

    #[test]
    fn all_faults_are_said_at_once() {
        let invalid =
            check(json!({"company":" ","email":"a@","country":"xx","currency":"ZZZ","time_zone":"Mars"})).unwrap_err();
        let found: Vec<_> = invalid
            .problems
            .iter()
            .map(|problem| problem.pointer.as_str())
            .collect();
        assert_eq!(
            found,
            ["#/company", "#/email", "#/currency", "#/country", "#/time_zone"]
        );
        assert!(check(json!({"password":"lantern tea 1"})).is_err());
    }
}
