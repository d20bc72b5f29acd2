//! A contact: a person whom the firm knows, with the ways to reach him and what he agreed to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::custom::FieldKind;
use crate::email::Email;
use crate::id::{Prefix, RecordId};
use crate::invalid::Invalid;
use crate::record::{Common, Kind, Record, Rules, Unique, is_source};
use crate::{phone, text};

/// So many e-mail addresses, telephone numbers or postal addresses a contact may have.
pub const MOST_WAYS: usize = 10;

/// A person's sex, as far as the firm needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Gender {
    Female,
    Male,
    Other,
}

/// Whether somebody agreed to be written to or called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConsentStatus {
    /// Never asked.
    #[default]
    Unknown,
    /// Agreed.
    Granted,
    /// Refused, or took the agreement back.
    Denied,
}

/// An agreement: what, since when, by what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Consent {
    /// Whether it was given.
    pub status: ConsentStatus,
    /// When; the time of the change unless said otherwise.
    #[serde(with = "crate::settings::millis::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub at: Option<Timestamp>,
    /// By what: a form, a call, an import. At most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// What somebody agreed to, by channel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Consents {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Consent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sms: Option<Consent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<Consent>,
}

/// An e-mail address of a contact, as a caller gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailIn {
    /// The address.
    pub address: String,
    /// `work`, `home`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it is the one to write to. The first is, when none says so.
    #[serde(default)]
    pub primary: bool,
}

/// A telephone number of a contact, as a caller gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneIn {
    /// The number in any usual form; one without a country code is of the firm's country.
    pub number: String,
    /// `mobile`, `work`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it is the one to call. The first is, when none says so.
    #[serde(default)]
    pub primary: bool,
    /// The number as it was given first: answered, and taken back so that an answer may be sent as an input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
}

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Address {
    /// `billing`, `delivery`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Street and house number; may have several lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Province or state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// ISO 3166, two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Whether it is the one to use.
    pub primary: bool,
}

/// What a caller may say of a contact. One of a name, an e-mail address and a telephone number is needed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ContactIn {
    /// The full name; made of the other names, the e-mail address or the telephone number when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// The family name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Short for the primary entry of `emails`: sets its address, or adds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Short for the primary entry of `phones`: sets its number, or adds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail addresses, at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<EmailIn>,
    /// Telephone numbers, at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<PhoneIn>,
    /// Postal addresses, at most 10.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<Address>,
    /// The position in the firm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What the person does for a living.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupation: Option<String>,
    /// The day of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub birthday: Option<Date>,
    /// The sex.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// The company the person belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company_id: Option<String>,
    /// The language to write in: `en`, `zh-CN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// What the person agreed to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consents>,
    /// Whether nobody may write or call at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub do_not_contact: Option<bool>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An e-mail address as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct ContactEmail {
    pub address: Email,
    pub label: Option<String>,
    pub primary: bool,
}

/// A telephone number as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct ContactPhone {
    /// E.164.
    pub number: String,
    pub label: Option<String>,
    pub primary: bool,
    /// The number as it was given, where that differs.
    pub given: Option<String>,
}

/// A contact as kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct Contact {
    pub name: String,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
    /// The primary e-mail address.
    pub email: Option<Email>,
    /// The primary telephone number, E.164.
    pub phone: Option<String>,
    #[serde(default)]
    pub emails: Vec<ContactEmail>,
    #[serde(default)]
    pub phones: Vec<ContactPhone>,
    #[serde(default)]
    pub addresses: Vec<Address>,
    pub title: Option<String>,
    pub occupation: Option<String>,
    #[schema(value_type = Option<String>, format = Date)]
    pub birthday: Option<Date>,
    pub gender: Option<Gender>,
    pub company_id: Option<RecordId>,
    pub locale: Option<String>,
    #[serde(default)]
    pub consent: Consents,
    #[serde(default)]
    pub do_not_contact: bool,
    pub note: Option<String>,
    /// What other systems call the records that were merged into this one, where `external_ids` has another already:
    /// such an id goes on leading here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub merged_external_ids: BTreeMap<String, BTreeSet<String>>,
}

impl Contact {
    /// The contact that a reference from elsewhere stands for, when there is none yet: an e-mail address, or the id that
    /// another system has for it, which then is its name as well until somebody gives a better one.
    ///
    /// # Errors
    /// [`Invalid`] when `key` is neither `email` nor a source, or the value is no good.
    pub fn of_reference(key: &str, value: &str, rules: &Rules) -> Result<(Self, Common), Invalid> {
        if key == "email" {
            let input = ContactIn {
                email: Some(value.to_owned()),
                ..ContactIn::default()
            };
            return Ok((Self::create(input, rules)?, Common::default()));
        }
        if !is_source(key) {
            return Err(Invalid::one(
                "key",
                "key_malformed",
                "a key is 'email' or the name of a source of external ids",
            ));
        }
        let common = Common {
            external_ids: BTreeMap::from([(key.to_owned(), value.to_owned())]),
            ..Common::default()
        };
        let common = common.check::<Self>(&Rules {
            fields: std::sync::Arc::default(),
            ..rules.clone()
        })?;
        let input = ContactIn {
            name: Some(value.chars().take(200).collect()),
            ..ContactIn::default()
        };
        Ok((Self::create(input, rules)?, common))
    }

    /// Whether the firm may send e-mail that the person did not ask for.
    #[must_use]
    pub fn may_be_mailed(&self) -> bool {
        !self.do_not_contact
            && self.email.is_some()
            && self
                .consent
                .email
                .as_ref()
                .is_none_or(|consent| consent.status != ConsentStatus::Denied)
    }

    fn build(input: ContactIn, rules: &Rules, old: Option<&Self>) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let ContactIn {
            name,
            given_name,
            family_name,
            email,
            phone: number,
            emails,
            phones,
            addresses,
            title,
            occupation,
            birthday,
            gender,
            company_id,
            locale,
            consent,
            do_not_contact,
            note,
        } = input;
        let name = invalid.take(text::optional("name", name, 200)).flatten();
        let given_name = invalid.take(text::optional("given_name", given_name, 100)).flatten();
        let family_name = invalid.take(text::optional("family_name", family_name, 100)).flatten();
        let emails = build_emails(&mut invalid, emails, email.as_deref());
        let phones = build_phones(&mut invalid, phones, number.as_deref(), &rules.settings.country);
        let addresses = build_addresses(&mut invalid, "addresses", addresses);
        let title = invalid.take(text::optional("title", title, 200)).flatten();
        let occupation = invalid.take(text::optional("occupation", occupation, 100)).flatten();
        let note = invalid.take(text::optional("note", note, 10_000)).flatten();
        let today = rules.now.to_zoned(rules.settings.zone()).date();
        if birthday.is_some_and(|day| day > today || day.year() < 1) {
            invalid.add("birthday", "out_of_range", "a day of birth lies in the past");
        }
        let company_id = company_id.filter(|id| !id.is_empty()).and_then(|id| {
            let parsed = RecordId::parse(Prefix::Company, &id).ok();
            if parsed.is_none() {
                invalid.add("company_id", "id_malformed", "a company's id is com_…");
            }
            parsed
        });
        let locale = invalid.take(text::optional("locale", locale, 35)).flatten();
        if locale.as_deref().is_some_and(|locale| !is_locale(locale)) {
            invalid.add(
                "locale",
                "locale_unknown",
                "a locale is a BCP 47 tag such as en or zh-CN",
            );
        }
        let consent = build_consents(&mut invalid, consent.unwrap_or_default(), old, rules.now);
        let primary_email = emails
            .iter()
            .find(|email| email.primary)
            .map(|email| email.address.clone());
        let primary_phone = phones
            .iter()
            .find(|phone| phone.primary)
            .map(|phone| phone.number.clone());
        let name = name.or_else(|| {
            derived_name(
                given_name.as_deref(),
                family_name.as_deref(),
                primary_email.as_ref(),
                primary_phone.as_deref(),
            )
        });
        if invalid.problems.is_empty() && name.is_none() {
            invalid.add("", "required", "a contact needs a name, an email or a phone");
        }
        invalid.check()?;
        Ok(Self {
            name: name.unwrap_or_default(),
            given_name,
            family_name,
            email: primary_email,
            phone: primary_phone,
            emails,
            phones,
            addresses,
            title,
            occupation,
            birthday,
            gender,
            company_id,
            locale,
            consent,
            do_not_contact: do_not_contact.unwrap_or(false),
            note,
            merged_external_ids: old.map(|old| old.merged_external_ids.clone()).unwrap_or_default(),
        })
    }

    /// The name that would stand there if none were given.
    fn derived_name(&self) -> Option<String> {
        derived_name(
            self.given_name.as_deref(),
            self.family_name.as_deref(),
            self.email.as_ref(),
            self.phone.as_deref(),
        )
    }
}

/// A name out of its parts, family name first in Chinese, Japanese and Korean; else what the person is reached by.
fn derived_name(
    given: Option<&str>,
    family: Option<&str>,
    email: Option<&Email>,
    phone: Option<&str>,
) -> Option<String> {
    let eastern = |text: &str| text.chars().next().is_some_and(text::is_ideograph);
    match (given, family) {
        (Some(given), Some(family)) if eastern(given) && eastern(family) => Some(format!("{family}{given}")),
        (Some(given), Some(family)) => Some(format!("{given} {family}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => email.map(ToString::to_string).or_else(|| phone.map(str::to_owned)),
    }
}

fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.chars().all(|c| c.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// Makes exactly one of several primary: the first that says so, else the first.
fn settle_primary<T>(items: &mut [T], flag: impl Fn(&mut T) -> &mut bool) {
    let chosen = items.iter_mut().position(|item| *flag(item)).unwrap_or(0);
    for (n, item) in items.iter_mut().enumerate() {
        *flag(item) = n == chosen;
    }
}

fn too_many(invalid: &mut Invalid, field: &str, count: usize) {
    if count > MOST_WAYS {
        invalid.add(field, "too_many", format!("at most {MOST_WAYS}"));
    }
}

fn build_emails(invalid: &mut Invalid, inputs: Vec<EmailIn>, single: Option<&str>) -> Vec<ContactEmail> {
    too_many(invalid, "emails", inputs.len());
    let mut emails: Vec<ContactEmail> = Vec::new();
    for (n, input) in inputs.into_iter().take(MOST_WAYS).enumerate() {
        let address = invalid.take(Email::parse(&format!("emails/{n}/address"), &input.address));
        let label = invalid
            .take(text::optional(&format!("emails/{n}/label"), input.label, 40))
            .flatten();
        let Some(address) = address else { continue };
        match emails.iter_mut().find(|email| email.address.key() == address.key()) {
            Some(known) => known.primary |= input.primary,
            None => emails.push(ContactEmail {
                address,
                label,
                primary: input.primary,
            }),
        }
    }
    settle_primary(&mut emails, |email| &mut email.primary);
    if let Some(address) = invalid.take(Email::optional("email", single)).flatten() {
        let known = emails.iter().position(|email| email.address.key() == address.key());
        if let Some(known) = known {
            for (n, email) in emails.iter_mut().enumerate() {
                email.primary = n == known;
            }
        } else if let Some(primary) = emails.iter_mut().find(|email| email.primary) {
            primary.address = address;
        } else {
            emails.push(ContactEmail {
                address,
                label: None,
                primary: true,
            });
        }
    }
    emails
}

fn build_phones(invalid: &mut Invalid, inputs: Vec<PhoneIn>, single: Option<&str>, country: &str) -> Vec<ContactPhone> {
    too_many(invalid, "phones", inputs.len());
    let given = |text: &str, number: &str| Some(text.trim().to_owned()).filter(|text| text != number);
    let mut phones: Vec<ContactPhone> = Vec::new();
    for (n, input) in inputs.into_iter().take(MOST_WAYS).enumerate() {
        let number = invalid.take(phone::parse(&format!("phones/{n}/number"), &input.number, country));
        let label = invalid
            .take(text::optional(&format!("phones/{n}/label"), input.label, 40))
            .flatten();
        let Some(number) = number else { continue };
        // The form first given is kept only as long as it stands for the same number.
        let first = input
            .given
            .filter(|text| phone::parse("", text, country).ok().as_ref() == Some(&number));
        match phones.iter_mut().find(|phone| phone.number == number) {
            Some(known) => known.primary |= input.primary,
            None => phones.push(ContactPhone {
                given: given(first.as_deref().unwrap_or(&input.number), &number),
                number,
                label,
                primary: input.primary,
            }),
        }
    }
    settle_primary(&mut phones, |phone| &mut phone.primary);
    if let (Some(text), Some(number)) = (
        single,
        invalid.take(phone::optional("phone", single, country)).flatten(),
    ) {
        let known = phones.iter().position(|phone| phone.number == number);
        if let Some(known) = known {
            for (n, phone) in phones.iter_mut().enumerate() {
                phone.primary = n == known;
            }
        } else if let Some(primary) = phones.iter_mut().find(|phone| phone.primary) {
            primary.given = given(text, &number);
            primary.number = number;
        } else {
            phones.push(ContactPhone {
                given: given(text, &number),
                number,
                label: None,
                primary: true,
            });
        }
    }
    phones
}

/// Checks postal addresses. Those with nothing in them are dropped.
pub(crate) fn build_addresses(invalid: &mut Invalid, field: &str, inputs: Vec<Address>) -> Vec<Address> {
    too_many(invalid, field, inputs.len());
    let mut addresses = Vec::new();
    for (n, input) in inputs.into_iter().take(MOST_WAYS).enumerate() {
        let mut part = |name: &str, value, most| {
            invalid
                .take(text::optional(&format!("{field}/{n}/{name}"), value, most))
                .flatten()
        };
        let address = Address {
            label: part("label", input.label, 40),
            street: part("street", input.street, 300),
            city: part("city", input.city, 100),
            region: part("region", input.region, 100),
            postal_code: part("postal_code", input.postal_code, 20),
            country: part("country", input.country, 2),
            primary: input.primary,
        };
        if let Some(country) = &address.country
            && !is_country(country)
        {
            invalid.add(
                &format!("{field}/{n}/country"),
                "country_unknown",
                "a country is two capital letters of ISO 3166, such as CN",
            );
        }
        let nothing = Address {
            label: address.label.clone(),
            primary: address.primary,
            ..Address::default()
        };
        if address != nothing {
            addresses.push(address);
        }
    }
    settle_primary(&mut addresses, |address| &mut address.primary);
    addresses
}

/// Whether a text has the form of an ISO 3166 country.
pub(crate) fn is_country(text: &str) -> bool {
    text.len() == 2 && text.chars().all(|c| c.is_ascii_uppercase())
}

fn build_consents(invalid: &mut Invalid, input: Consents, old: Option<&Contact>, now: Timestamp) -> Consents {
    let mut channel = |name: &str, input: Option<Consent>, old: Option<&Consent>| {
        let mut consent = input?;
        let place = format!("consent/{name}");
        consent.source = invalid
            .take(text::optional(&format!("{place}/source"), consent.source, 200))
            .flatten();
        // A change of mind happens now, unless the change says when it did.
        let turned = old.is_none_or(|old| old.status != consent.status && old.at == consent.at);
        if consent.at.is_none() || (turned && old.is_some()) {
            consent.at = Some(now);
        }
        // Kept as answered, in milliseconds, so that the next change compares equal.
        consent.at = consent
            .at
            .and_then(|at| Timestamp::from_millisecond(at.as_millisecond()).ok());
        if consent
            .at
            .is_some_and(|at| at > now + jiff::SignedDuration::from_mins(5))
        {
            invalid.add(&format!("{place}/at"), "out_of_range", "an agreement lies in the past");
        }
        Some(consent)
    };
    let old = old.map(|old| &old.consent);
    Consents {
        email: channel("email", input.email, old.and_then(|old| old.email.as_ref())),
        sms: channel("sms", input.sms, old.and_then(|old| old.sms.as_ref())),
        phone: channel("phone", input.phone, old.and_then(|old| old.phone.as_ref())),
    }
}

impl Kind for Contact {
    const NOUN: &'static str = "contact";
    const PREFIX: Prefix = Prefix::Contact;
    const FIELDS: Option<FieldKind> = Some(FieldKind::Contact);
    type In = ContactIn;

    fn create(input: ContactIn, rules: &Rules) -> Result<Self, Invalid> {
        Self::build(input, rules, None)
    }

    fn editable(&self) -> ContactIn {
        // A derived name follows what it was derived from.
        let name = Some(self.name.clone()).filter(|name| self.derived_name().as_ref() != Some(name));
        let contact = self.clone();
        ContactIn {
            name,
            given_name: contact.given_name,
            family_name: contact.family_name,
            email: None,
            phone: None,
            emails: contact
                .emails
                .into_iter()
                .map(|email| EmailIn {
                    address: email.address.to_string(),
                    label: email.label,
                    primary: email.primary,
                })
                .collect(),
            phones: contact
                .phones
                .into_iter()
                .map(|phone| PhoneIn {
                    number: phone.number,
                    label: phone.label,
                    primary: phone.primary,
                    given: phone.given,
                })
                .collect(),
            addresses: contact.addresses,
            title: contact.title,
            occupation: contact.occupation,
            birthday: contact.birthday,
            gender: contact.gender,
            company_id: contact.company_id.map(|id| id.to_string()),
            locale: contact.locale,
            consent: Some(contact.consent),
            do_not_contact: Some(contact.do_not_contact),
            note: contact.note,
        }
    }

    fn revise(&self, input: ContactIn, rules: &Rules) -> Result<Self, Invalid> {
        Self::build(input, rules, Some(self))
    }

    fn unique(&self, rules: &Rules) -> Vec<Unique> {
        let email = self
            .unique_at_times()
            .into_iter()
            .filter(|_| rules.settings.unique_email);
        email.chain(aliases(&self.merged_external_ids)).collect()
    }

    fn unique_at_times(&self) -> Vec<Unique> {
        let email = self.email.as_ref().map(|email| Unique {
            scope: "email".to_owned(),
            value: email.key(),
        });
        email.into_iter().collect()
    }

    /// The same e-mail address is all but certain; the same name with the same number, or in the same company, is
    /// suspicious; a number alone is not, since offices share one, nor is a name.
    fn likeness(&self) -> Vec<(String, f32)> {
        let emails = self
            .emails
            .iter()
            .map(|email| (format!("email#{}", email.address.key()), 0.95));
        let phones = self.phones.iter().map(|phone| (format!("phone#{}", phone.number), 0.6));
        let key = Some(text::key(&self.name)).filter(|key| !key.is_empty() && !self.name.contains('@'));
        let name = key.clone().map(|key| (format!("name#{key}"), 0.6));
        let colleague = key
            .zip(self.company_id)
            .map(|(key, company)| (format!("name#{key}#{company}"), 0.65));
        emails.chain(phones).chain(name).chain(colleague).collect()
    }
}

/// The unique values of ids that came by merging.
pub(crate) fn aliases(merged: &BTreeMap<String, BTreeSet<String>>) -> impl Iterator<Item = Unique> + '_ {
    merged.iter().flat_map(|(source, ids)| {
        ids.iter().map(move |id| Unique {
            scope: format!("external.{source}"),
            value: id.clone(),
        })
    })
}

impl crate::merge::Mergeable for Contact {
    const LISTS: &'static [&'static str] = &["emails", "phones", "addresses"];

    fn merged_external_ids(&mut self) -> &mut BTreeMap<String, BTreeSet<String>> {
        &mut self.merged_external_ids
    }

    const SINGLES: &'static [&'static str] = &["email", "phone"];

    fn spell_out(&self, value: &mut Map<String, Value>) {
        if self.given_name.is_some() || self.family_name.is_some() {
            value.insert("name".to_owned(), self.name.clone().into());
        }
    }

    fn keep_together(ours: &Map<String, Value>, theirs: &mut Map<String, Value>) {
        if ours.contains_key("name") && ours.get("name") != theirs.get("name") {
            theirs.remove("given_name");
            theirs.remove("family_name");
        }
    }

    fn single(record: &Record<Self>, field: &str) -> Option<String> {
        match field {
            "email" => record.body.email.as_ref().map(ToString::to_string),
            "phone" => record.body.phone.clone(),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules() -> Rules {
        Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: std::sync::Arc::default(),
            fields: std::sync::Arc::default(),
        }
    }

    fn make(input: Value) -> Result<Contact, Invalid> {
        Contact::create(serde_json::from_value(input).unwrap(), &rules())
    }

    fn patch(contact: &Contact, patch: Value) -> Result<Contact, Invalid> {
        let mut value = serde_json::to_value(contact.editable()).unwrap();
        crate::record::merge_patch(&mut value, patch);
        contact.revise(serde_json::from_value(value).unwrap(), &rules())
    }

    #[test]
    fn a_name_is_made_of_what_is_known() {
        for (input, name) in [
            (json!({"name":" Ann  Li "}), "Ann  Li"),
            (json!({"given_name":"Ann","family_name":"Li"}), "Ann Li"),
            (json!({"given_name":"小明","family_name":"李"}), "李小明"),
            (json!({"family_name":"Li"}), "Li"),
            (json!({"email":"a@b.co"}), "a@b.co"),
            (json!({"phone":"(415) 555-2671"}), "+14155552671"),
        ] {
            assert_eq!(make(input.clone()).unwrap().name, name, "{input}");
        }
    }

    #[test]
    fn an_unchanged_input_changes_nothing() {
        for input in [
            json!({"email":"a@b.co"}),
            json!({"given_name":"Ann","family_name":"Li","phones":[{"number":"(415) 555-2671","label":"work"}]}),
            json!({"name":"Ann","emails":[{"address":"a@b.co"},{"address":"c@d.ef","primary":true}],
                "consent":{"email":{"status":"granted","source":"form"}},"birthday":"1990-02-28",
                "addresses":[{"city":"Bonn","country":"DE"},{"label":"empty"}],"company_id":"com_01h455vb4pex5vsknk084sn02q"}),
        ] {
            let contact = make(input.clone()).unwrap();
            assert_eq!(
                contact.revise(contact.editable(), &rules()).unwrap(),
                contact,
                "{input}"
            );
            let text = serde_json::to_string(&contact).unwrap();
            assert_eq!(serde_json::from_str::<Contact>(&text).unwrap(), contact, "{input}");
        }
    }

    #[test]
    fn exactly_one_way_is_primary_and_the_short_form_sets_it() {
        let contact = make(json!({"emails":[{"address":"a@b.co"},{"address":"c@d.ef"},{"address":"A@b.co"}]})).unwrap();
        let addresses = |contact: &Contact| -> Vec<(String, bool)> {
            contact
                .emails
                .iter()
                .map(|email| (email.address.to_string(), email.primary))
                .collect()
        };
        assert_eq!(addresses(&contact), [("a@b.co".into(), true), ("c@d.ef".into(), false)]);
        for (change, expected) in [
            (json!({"email":"c@d.ef"}), vec![("a@b.co", false), ("c@d.ef", true)]),
            (json!({"email":"x@y.zz"}), vec![("x@y.zz", true), ("c@d.ef", false)]),
            (json!({"emails":[{"address":"n@o.pq"}]}), vec![("n@o.pq", true)]),
        ] {
            let changed = patch(&contact, change.clone()).unwrap();
            let expected: Vec<_> = expected.into_iter().map(|(a, p)| (a.to_owned(), p)).collect();
            assert_eq!(addresses(&changed), expected, "{change}");
            assert_eq!(
                changed.name,
                changed.email.unwrap().to_string(),
                "a derived name follows"
            );
        }
        assert_eq!(
            patch(&contact, json!({"name":"Ann","emails":null})).unwrap().email,
            None
        );
    }

    #[test]
    fn what_is_wrong_is_said_all_at_once() {
        for (input, pointers) in [
            (json!({}), &["#"][..]),
            (json!({"name":"A","email":"a@"}), &["#/email"]),
            (
                json!({"emails":[{"address":"a@b.co"},{"address":"x"}],"phones":[{"number":"1"}],"locale":"e"}),
                &["#/emails/1/address", "#/phones/0/number", "#/locale"],
            ),
            (json!({"name":"A","birthday":"2026-11-23"}), &["#/birthday"]),
            (json!({"name":"A","birthday":"0000-01-01"}), &["#/birthday"]),
            (json!({"name":"A","locale":"zh-CN-"}), &["#/locale"]),
            (
                json!({"name":"A","company_id":"con_01h455vb4pex5vsknk084sn02q"}),
                &["#/company_id"],
            ),
            (
                json!({"name":"A","addresses":[{"country":"xx"}]}),
                &["#/addresses/0/country"],
            ),
            (
                json!({"name":"A","consent":{"sms":{"status":"granted","at":"2027-01-01T00:00:00Z"}}}),
                &["#/consent/sms/at"],
            ),
            (
                json!({"name":"A","emails":vec![json!({"address":"a@b.co"}); 11]}),
                &["#/emails"],
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
    fn consent_is_dated_when_it_turns() {
        let contact = make(
            json!({"name":"A","email":"a@b.co","consent":{"email":{"status":"granted","at":"2026-01-01T00:00:00Z"}}}),
        )
        .unwrap();
        assert!(contact.may_be_mailed());
        let turned = patch(&contact, json!({"consent":{"email":{"status":"denied"}}})).unwrap();
        assert_eq!(turned.consent.email.as_ref().unwrap().at, Some(rules().now));
        assert!(!turned.may_be_mailed());
        let dated = patch(
            &contact,
            json!({"consent":{"email":{"status":"denied","at":"2026-02-01T00:00:00Z"}}}),
        )
        .unwrap();
        assert_eq!(dated.consent.email.unwrap().at, "2026-02-01T00:00:00Z".parse().ok());
    }

    #[test]
    fn a_reference_becomes_a_contact() {
        let (contact, common) = Contact::of_reference("shop", "c-17", &rules()).unwrap();
        assert_eq!(
            (contact.name.as_str(), common.external_ids["shop"].as_str()),
            ("c-17", "c-17")
        );
        let (contact, common) = Contact::of_reference("email", "A@B.co", &rules()).unwrap();
        assert_eq!(
            (contact.email.unwrap().as_str(), common.external_ids.len()),
            ("A@b.co", 0)
        );
        assert!(Contact::of_reference("Shop!", "1", &rules()).is_err());
        assert!(Contact::of_reference("email", "nobody", &rules()).is_err());
    }

    #[test]
    fn likeness_suspects_the_same_person_and_not_the_same_office() {
        let certainty = |a: Value, b: Value| {
            let (a, b) = (make(a).unwrap().likeness(), make(b).unwrap().likeness());
            let doubt: f32 = a
                .iter()
                .filter(|(key, _)| b.iter().any(|(other, _)| key == other))
                .map(|(_, score)| 1.0 - score)
                .product();
            1.0 - doubt
        };
        let company = "com_01h455vb4pex5vsknk084sn02q";
        for (a, b, suspected) in [
            (
                json!({"name":"A","email":"a@b.co"}),
                json!({"name":"B","email":"A@B.co"}),
                true,
            ),
            (json!({"name":"Ann Li"}), json!({"name":"Li, Ann"}), false),
            (
                json!({"name":"A","phone":"+14155552671"}),
                json!({"name":"B","phone":"+14155552671"}),
                false,
            ),
            (
                json!({"name":"A","phone":"+14155552671"}),
                json!({"name":"a","phone":"+14155552671"}),
                true,
            ),
            (
                json!({"name":"A","company_id":company}),
                json!({"name":"a","company_id":company}),
                true,
            ),
            // An address in place of a name is none.
            (
                json!({"name":"a@b.co","company_id":company}),
                json!({"name":"a@b.co","company_id":company}),
                false,
            ),
        ] {
            assert_eq!(certainty(a.clone(), b.clone()) >= 0.8, suspected, "{a} {b}");
        }
    }

    #[test]
    fn the_primary_address_is_unique_unless_the_tenant_says_otherwise() {
        let contact = make(json!({"emails":[{"address":"A@b.co"},{"address":"c@d.ef"}]})).unwrap();
        assert_eq!(
            contact.unique(&rules()),
            [Unique {
                scope: "email".into(),
                value: "a@b.co".into()
            }]
        );
        let shared = crate::settings::Settings {
            unique_email: false,
            ..Default::default()
        };
        let rules = Rules {
            settings: shared.into(),
            ..rules()
        };
        assert_eq!(contact.unique(&rules), []);
    }

    #[test]
    fn what_is_just_within_bounds_is_taken() {
        let many = |way: fn(usize) -> Value| (0..MOST_WAYS).map(way).collect::<Vec<_>>();
        for input in [
            json!({"emails": many(|n| json!({"address": format!("a{n}@b.co")}))}),
            json!({"phones": many(|n| json!({"number": format!("+1415555267{n}")}))}),
            json!({"name": "A", "addresses": many(|n| json!({"city": format!("Town {n}")}))}),
            json!({"name": "A", "locale": "en"}),
            json!({"name": "A", "locale": "zh-Hans-CN"}),
            json!({"name": "A", "birthday": "2026-11-22"}),
            json!({"name": "A", "consent": {"sms": {"status": "granted", "at": "2026-11-22T00:05:00Z"}}}),
        ] {
            let made = make(input.clone());
            assert!(made.is_ok(), "{input}: {made:?}");
        }
    }

    #[test]
    fn a_way_given_twice_is_one_and_primary_where_either_says_so() {
        let contact = make(json!({
            "emails": [{"address": "a@b.co"}, {"address": "c@d.ef"}, {"address": "C@d.ef", "primary": true}],
            "phones": [{"number": "+14155552671"}, {"number": "(415) 555-2672", "label": "work"},
                {"number": "+14155552672", "primary": true}],
        }))
        .unwrap();
        let emails: Vec<_> = contact
            .emails
            .iter()
            .map(|email| (email.address.as_str(), email.primary))
            .collect();
        assert_eq!(emails, [("a@b.co", false), ("c@d.ef", true)]);
        let phones: Vec<_> = contact
            .phones
            .iter()
            .map(|phone| (&*phone.number, phone.given.as_deref(), phone.primary))
            .collect();
        assert_eq!(
            phones,
            [
                ("+14155552671", None, false),
                ("+14155552672", Some("(415) 555-2672"), true)
            ]
        );
        assert_eq!(contact.phone.as_deref(), Some("+14155552672"));
    }

    #[test]
    fn the_short_form_of_a_number_sets_the_primary_one() {
        let contact = make(json!({"name": "A", "phones": [{"number": "+14155552671"}, {"number": "+14155552672"}]}));
        let contact = contact.unwrap();
        for (number, expected) in [
            ("+14155552671", [("+14155552671", true), ("+14155552672", false)]),
            ("(415) 555-2672", [("+14155552671", false), ("+14155552672", true)]),
            ("+14155552673", [("+14155552673", true), ("+14155552672", false)]),
        ] {
            let changed = patch(&contact, json!({ "phone": number })).unwrap();
            let phones: Vec<_> = changed
                .phones
                .iter()
                .map(|phone| (&*phone.number, phone.primary))
                .collect();
            assert_eq!(phones, expected, "{number}");
        }
    }

    #[test]
    fn an_address_with_nothing_in_it_is_dropped() {
        for (given, left) in [
            (json!({}), false),
            (json!({"label": "billing"}), false),
            (json!({"primary": true}), false),
            (json!({"street": " "}), false),
            (json!({"label": "billing", "city": "Bonn"}), true),
            (json!({"country": "DE"}), true),
        ] {
            let contact = make(json!({"name": "A", "addresses": [given.clone()]})).unwrap();
            assert_eq!(contact.addresses.len(), usize::from(left), "{given}");
            assert!(contact.addresses.iter().all(|address| address.primary), "{given}");
        }
    }

    #[test]
    fn a_reference_needs_none_of_the_tenants_own_fields() {
        let own = json!([{"kind": "contact", "key": "size", "label": "Size", "type": "text", "required": true}]);
        let rules = Rules {
            fields: std::sync::Arc::new(serde_json::from_value(own).unwrap()),
            ..rules()
        };
        for (key, value) in [("shop", "c-17"), ("email", "a@b.co")] {
            assert!(Contact::of_reference(key, value, &rules).is_ok(), "{key}");
        }
    }

    #[test]
    fn a_merge_sees_the_name_made_of_others_and_the_primary_ways() {
        use crate::merge::Mergeable as _;
        for (input, name) in [
            (json!({"given_name": "Ann", "family_name": "Li"}), Some("Ann Li")),
            (json!({"given_name": "Ann"}), Some("Ann")),
            (json!({"family_name": "Li"}), Some("Li")),
            // A name that is but an address gives way to a better one.
            (json!({"email": "a@b.co"}), None),
        ] {
            let mut value = Map::new();
            make(input.clone()).unwrap().spell_out(&mut value);
            assert_eq!(value.get("name").and_then(Value::as_str), name, "{input}");
        }
        let contact = make(json!({"name": "Ann", "email": "a@b.co", "phone": "+14155552671"})).unwrap();
        let actor = crate::Actor::worker("test", "req");
        let record = Record::new(
            RecordId::new(Prefix::Contact),
            contact,
            Common::default(),
            &actor,
            rules().now,
        );
        for (field, value) in [
            ("email", Some("a@b.co")),
            ("phone", Some("+14155552671")),
            ("name", None),
        ] {
            assert_eq!(Contact::single(&record, field).as_deref(), value, "{field}");
        }
    }
}
