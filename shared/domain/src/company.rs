//! A company: a firm, a household or an intermediary that contacts belong to and orders are placed for.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::contact::{Address, aliases, build_addresses, is_country};
use crate::custom::FieldKind;
use crate::email::Email;
use crate::id::{Prefix, RecordId};
use crate::invalid::Invalid;
use crate::money::Money;
use crate::record::{Kind, Rules, Unique};
use crate::{phone, text};

/// What kind of customer a company is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CompanyKind {
    /// A household that buys for itself.
    Consumer,
    /// A firm or a public body.
    #[default]
    Organisation,
    /// A dealer or an agent who sells on.
    Intermediary,
}

/// What a caller may say of a company.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CompanyIn {
    /// The name. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required)]
    pub name: Option<String>,
    /// `organisation` unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<CompanyKind>,
    /// The industry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
    /// How big it is, in words or numbers of employees: `11-50`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// The address of its web site; `https://` is put before a bare host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// An e-mail address of the firm as such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A telephone number of the firm as such.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Postal addresses, at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// The number that the tax office knows it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_id: Option<String>,
    /// The company it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// Province or state, or the firm's own sales region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// ISO 3166, two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// How much it may owe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_limit: Option<Money>,
    /// In how many days it pays, 0 to 730.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms_days: Option<u32>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A company as kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct Company {
    pub name: String,
    pub kind: CompanyKind,
    pub industry: Option<String>,
    pub size: Option<String>,
    pub website: Option<String>,
    pub email: Option<Email>,
    /// E.164.
    pub phone: Option<String>,
    /// The number as it was given, where that differs.
    pub phone_given: Option<String>,
    #[serde(default)]
    pub addresses: Vec<Address>,
    pub tax_id: Option<String>,
    pub parent_id: Option<RecordId>,
    pub region: Option<String>,
    pub country: Option<String>,
    pub credit_limit: Option<Money>,
    pub terms_days: Option<u32>,
    pub note: Option<String>,
    /// What other systems call the records that were merged into this one, where `external_ids` has another already.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub merged_external_ids: BTreeMap<String, BTreeSet<String>>,
}

impl Company {
    fn build(input: CompanyIn, rules: &Rules) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let CompanyIn {
            name,
            kind,
            industry,
            size,
            website,
            email,
            phone: number,
            addresses,
            tax_id,
            parent_id,
            region,
            country,
            credit_limit,
            terms_days,
            note,
        } = input;
        let name = invalid.take(text::required("name", name, 200)).unwrap_or_default();
        let mut part = |field: &str, value, most| invalid.take(text::optional(field, value, most)).flatten();
        let industry = part("industry", industry, 100);
        let size = part("size", size, 40);
        let tax_id = part("tax_id", tax_id, 60);
        let region = part("region", region, 100);
        let country = part("country", country, 2);
        let note = part("note", note, 10_000);
        let website = part("website", website, 500).and_then(|text| invalid.take(website_of(&text)));
        let email = invalid.take(Email::optional("email", email.as_deref())).flatten();
        let phone = invalid
            .take(phone::optional("phone", number.as_deref(), &rules.settings.country))
            .flatten();
        let phone_given = number
            .map(|given| given.trim().to_owned())
            .filter(|given| phone.as_deref().is_some_and(|phone| phone != given));
        let addresses = build_addresses(&mut invalid, "addresses", addresses);
        if country.as_deref().is_some_and(|country| !is_country(country)) {
            invalid.add(
                "country",
                "country_unknown",
                "a country is two capital letters of ISO 3166, such as CN",
            );
        }
        let parent_id = parent_id.filter(|id| !id.is_empty()).and_then(|id| {
            let parsed = RecordId::parse(Prefix::Company, &id).ok();
            if parsed.is_none() {
                invalid.add("parent_id", "id_malformed", "a company's id is com_…");
            }
            parsed
        });
        if credit_limit.is_some_and(|limit| limit.amount.0.is_sign_negative()) {
            invalid.add("credit_limit/amount", "negative", "a credit limit is not negative");
        }
        if terms_days.is_some_and(|days| days > 730) {
            invalid.add("terms_days", "out_of_range", "0 to 730 days");
        }
        invalid.check()?;
        Ok(Self {
            name,
            kind: kind.unwrap_or_default(),
            industry,
            size,
            website,
            email,
            phone,
            phone_given,
            addresses,
            tax_id,
            parent_id,
            region,
            country,
            credit_limit,
            terms_days,
            note,
            merged_external_ids: BTreeMap::new(),
        })
    }

    /// The host of its web site without `www.`, by which two entries of one firm are known.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let rest = self.website.as_deref()?.split_once("://")?.1;
        let host = rest.split(['/', '?', '#', ':']).next()?;
        Some(host.strip_prefix("www.").unwrap_or(host)).filter(|host| !host.is_empty())
    }
}

/// A web address as kept: http or https, host in lower case.
fn website_of(text: &str) -> Result<String, Invalid> {
    let malformed = || {
        Invalid::one(
            "website",
            "url_malformed",
            "a web site is an address such as https://shop.example",
        )
    };
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    let (scheme, rest) = full.split_once("://").ok_or_else(malformed)?;
    let scheme = scheme.to_lowercase();
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let plain = host
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':'));
    if !matches!(scheme.as_str(), "http" | "https")
        || !plain
        || !host.contains('.')
        || full.chars().any(|c| c.is_whitespace() || matches!(c, '<' | '>' | '"'))
    {
        return Err(malformed());
    }
    Ok(format!("{scheme}://{}{path}", host.to_lowercase()))
}

impl Kind for Company {
    const NOUN: &'static str = "company";
    const PREFIX: Prefix = Prefix::Company;
    const FIELDS: Option<FieldKind> = Some(FieldKind::Company);
    type In = CompanyIn;

    fn create(input: CompanyIn, rules: &Rules) -> Result<Self, Invalid> {
        Self::build(input, rules)
    }

    fn editable(&self) -> CompanyIn {
        let company = self.clone();
        CompanyIn {
            name: Some(company.name),
            kind: Some(company.kind),
            industry: company.industry,
            size: company.size,
            website: company.website,
            email: company.email.map(|email| email.to_string()),
            phone: company.phone_given.or(company.phone),
            addresses: company.addresses,
            tax_id: company.tax_id,
            parent_id: company.parent_id.map(|id| id.to_string()),
            region: company.region,
            country: company.country,
            credit_limit: company.credit_limit,
            terms_days: company.terms_days,
            note: company.note,
        }
    }

    fn revise(&self, input: CompanyIn, rules: &Rules) -> Result<Self, Invalid> {
        Ok(Self {
            merged_external_ids: self.merged_external_ids.clone(),
            ..Self::build(input, rules)?
        })
    }

    fn unique(&self, _: &Rules) -> Vec<Unique> {
        aliases(&self.merged_external_ids).collect()
    }

    /// The same tax number is all but certain, the same name or web site suspicious, the same telephone a hint.
    fn likeness(&self) -> Vec<(String, f32)> {
        let name = Some(text::key(&self.name)).filter(|key| !key.is_empty());
        let tax = self.tax_id.as_deref().map(text::key).filter(|key| !key.is_empty());
        [
            name.map(|key| (format!("name#{key}"), 0.85)),
            tax.map(|key| (format!("tax#{key}"), 0.95)),
            self.host().map(|host| (format!("site#{host}"), 0.8)),
            self.phone.as_ref().map(|phone| (format!("phone#{phone}"), 0.5)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl crate::merge::Mergeable for Company {
    const LISTS: &'static [&'static str] = &["addresses"];

    fn merged_external_ids(&mut self) -> &mut BTreeMap<String, BTreeSet<String>> {
        &mut self.merged_external_ids
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rules() -> Rules {
        Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: std::sync::Arc::default(),
            fields: std::sync::Arc::default(),
        }
    }

    fn make(input: Value) -> Result<Company, Invalid> {
        Company::create(serde_json::from_value(input).unwrap(), &rules())
    }

    #[test]
    fn a_company_is_normalised_and_survives_its_own_input() {
        let company = make(
            json!({"name":" Acme ","website":"WWW.Acme.Example/About","phone":"(415) 555-2671",
            "credit_limit":{"amount":"1000.00","currency":"USD"},"terms_days":30,"country":"US"}),
        )
        .unwrap();
        assert_eq!(company.name, "Acme");
        assert_eq!(company.website.as_deref(), Some("https://www.acme.example/About"));
        assert_eq!(company.host(), Some("acme.example"));
        assert_eq!(company.kind, CompanyKind::Organisation);
        assert_eq!(company.revise(company.editable(), &rules()).unwrap(), company);
        let text = serde_json::to_string(&company).unwrap();
        assert_eq!(serde_json::from_str::<Company>(&text).unwrap(), company);
    }

    #[test]
    fn what_is_wrong_is_said_all_at_once() {
        for (input, pointers) in [
            (json!({}), &["#/name"][..]),
            (json!({"name":"A","website":"javascript://x"}), &["#/website"]),
            (
                json!({"name":"A","website":"https://user@host.example"}),
                &["#/website"],
            ),
            (json!({"name":"A","website":"intranet"}), &["#/website"]),
            (
                json!({"name":"A","country":"usa","terms_days":731}),
                &["#/country", "#/terms_days"],
            ),
            (
                json!({"name":"A","parent_id":"con_01h455vb4pex5vsknk084sn02q"}),
                &["#/parent_id"],
            ),
            (
                json!({"name":"A","credit_limit":{"amount":"-1","currency":"USD"}}),
                &["#/credit_limit/amount"],
            ),
        ] {
            let invalid = make(input.clone()).unwrap_err();
            let found: Vec<_> = invalid
                .problems
                .iter()
                .map(|problem| problem.pointer.as_str())
                .collect();
            assert_eq!(found, pointers, "{input}");
        }
    }

    #[test]
    fn a_firm_pays_in_two_years_at_most() {
        for (days, good) in [(0, true), (730, true), (731, false)] {
            assert_eq!(make(json!({"name":"A","terms_days":days})).is_ok(), good, "{days}");
        }
    }

    #[test]
    fn likeness_is_by_tax_number_name_web_site_and_telephone() {
        for (field, one, other, sure) in [
            ("name", "Acme Tea", "TEA, acme", Some(0.85)),
            ("tax_id", "DE 123", "de-123", Some(0.95)),
            ("website", "https://www.acme.example/a", "acme.example", Some(0.8)),
            ("phone", "(415) 555-2671", "+14155552671", Some(0.5)),
            ("name", "Acme", "Acme Tea", None),
            ("tax_id", "DE 123", "DE 124", None),
            ("industry", "tea", "tea", None),
            // Nothing is left of these to compare.
            ("name", "***", "***", None),
            ("tax_id", "-", "-", None),
        ] {
            let of = |name: &str, value: &str| {
                let mut input = json!({ "name": name });
                input[field] = value.into();
                make(input).unwrap().likeness()
            };
            let (one, other) = (of("One", one), of("Two", other));
            let shared: Vec<f32> = one
                .iter()
                .filter(|(key, _)| other.iter().any(|(known, _)| known == key))
                .map(|(_, sure)| *sure)
                .collect();
            assert_eq!(shared, sure.as_slice(), "{field}");
        }
    }

    #[test]
    fn what_a_merged_company_was_called_elsewhere_still_leads_to_it() {
        let of = |id: &str| {
            let common = crate::record::Common {
                external_ids: BTreeMap::from([("shop".to_owned(), id.to_owned())]),
                ..Default::default()
            };
            let actor = crate::Actor::worker("test", "req");
            let company = make(json!({"name":"Acme"})).unwrap();
            crate::Record::new(RecordId::new(Prefix::Company), company, common, &actor, rules().now)
        };
        let merged = crate::merge::merged(&of("1"), &[of("2"), of("3")], &BTreeMap::new(), &rules()).unwrap();
        let alias = |id: &str| Unique {
            scope: "external.shop".to_owned(),
            value: id.to_owned(),
        };
        assert_eq!(merged.body.unique(&rules()), [alias("2"), alias("3")]);
        let revised = merged.body.revise(merged.body.editable(), &rules()).unwrap();
        assert_eq!(revised.unique(&rules()), merged.body.unique(&rules()));
        assert_eq!(make(json!({"name":"Acme"})).unwrap().unique(&rules()), []);
    }
}
