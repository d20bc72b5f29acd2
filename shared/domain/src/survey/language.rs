//! The languages that customers are written to in, and texts in each of them.

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;
use crate::text;

/// A language that customers are written to in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SurveyLanguage)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    En,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN")]
    ZhCn,
}

impl Language {
    /// Their tags.
    pub const TAGS: &'static [&'static str] = &["en", "zh-CN"];

    /// The tag: `en`, `zh-CN`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
        }
    }

    /// The language of a locale such as `zh_Hans_CN` or `en-GB`, when it is one of these.
    #[must_use]
    pub fn of(locale: &str) -> Option<Self> {
        let first = locale.trim().split(['-', '_', ',', ';']).next().unwrap_or_default();
        match first.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::ZhCn),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// A contact's language: his own where it is one of these, else the tenant's.
    #[must_use]
    pub fn of_contact(contact: Option<&str>, tenant: &str) -> Self {
        contact
            .and_then(Self::of)
            .or_else(|| Self::of(tenant))
            .unwrap_or_default()
    }
}

/// A text in each language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Localised {
    /// English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
    /// Simplified Chinese.
    #[serde(rename = "zh-CN", skip_serializing_if = "Option::is_none")]
    pub zh_cn: Option<String>,
}

impl Localised {
    /// The text in a language, or in the other where that is the only one.
    #[must_use]
    pub fn text(&self, language: Language) -> Option<&str> {
        let (first, second) = match language {
            Language::En => (&self.en, &self.zh_cn),
            Language::ZhCn => (&self.zh_cn, &self.en),
        };
        first.as_deref().or(second.as_deref())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.en.is_none() && self.zh_cn.is_none()
    }

    pub(super) fn check(field: &str, given: Option<Self>, invalid: &mut Invalid) -> Self {
        let given = given.unwrap_or_default();
        let mut part = |tag: &str, value| {
            invalid
                .take(text::optional(&format!("{field}/{tag}"), value, 500))
                .flatten()
        };
        Self {
            en: part("en", given.en),
            zh_cn: part("zh-CN", given.zh_cn),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_recognised() {
        for (contact, tenant, expected) in [
            (Some("zh-CN"), "en", Language::ZhCn),
            (Some("zh_Hans"), "en", Language::ZhCn),
            (Some("en-GB"), "zh-CN", Language::En),
            (Some("fr"), "zh-CN", Language::ZhCn),
            (None, "zh-CN", Language::ZhCn),
            (None, "", Language::En),
        ] {
            assert_eq!(Language::of_contact(contact, tenant), expected, "{contact:?} {tenant}");
        }
        let one = Localised {
            en: Some("Hi".into()),
            zh_cn: None,
        };
        assert_eq!(one.text(Language::ZhCn), Some("Hi"));
    }

    #[test]
    fn languages_have_tags() {
        assert_eq!([Language::En, Language::ZhCn].map(Language::tag), Language::TAGS);
        assert_eq!(Language::TAGS, ["en", "zh-CN"]);
    }
}
