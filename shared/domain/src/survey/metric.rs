//! The figures that surveys ask for, their scales and their usual questions.

use serde::{Deserialize, Serialize};

use super::language::Language;

/// The figure that a survey asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SurveyMetric)]
pub enum Metric {
    /// Customer satisfaction, 1 to 5.
    Csat,
    /// Net promoter score, 0 to 10.
    Nps,
    /// Customer effort score: agreement that it was easy, 1 to 7.
    Ces,
    /// Quality of service by the 22 statements of SERVQUAL (Parasuraman, Zeithaml and Berry 1988), each as expected and as
    /// perceived, 1 to 7, and 100 points split over its five dimensions.
    Servqual,
    /// One statement for each dimension of SERVQUAL, as perceived, 1 to 7: short enough after a service.
    ServqualShort,
    /// How much fault in a product a customer puts up with before buying elsewhere, 1 to 7.
    FaultTolerance,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Csat,
        Self::Nps,
        Self::Ces,
        Self::Servqual,
        Self::ServqualShort,
        Self::FaultTolerance,
    ];
    /// Their words.
    pub const WORDS: &'static [&'static str] = &["csat", "nps", "ces", "servqual", "servqual_short", "fault_tolerance"];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csat => "csat",
            Self::Nps => "nps",
            Self::Ces => "ces",
            Self::Servqual => "servqual",
            Self::ServqualShort => "servqual_short",
            Self::FaultTolerance => "fault_tolerance",
        }
    }

    /// The metric of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.as_str() == word)
    }

    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Csat => "Customer satisfaction (CSAT)",
            Self::Nps => "Net promoter score (NPS)",
            Self::Ces => "Customer effort (CES)",
            Self::Servqual => "Service quality (SERVQUAL)",
            Self::ServqualShort => "Service quality, short (SERVQUAL)",
            Self::FaultTolerance => "Tolerance of product faults",
        }
    }

    /// Whether the score is asked for by one question; otherwise it is made of statements.
    #[must_use]
    pub const fn is_one_question(self) -> bool {
        !matches!(self, Self::Servqual | Self::ServqualShort)
    }

    /// The lowest and the highest score.
    #[must_use]
    pub const fn scale(self) -> (u8, u8) {
        match self {
            Self::Csat => (1, 5),
            Self::Nps => (0, 10),
            Self::Ces | Self::Servqual | Self::ServqualShort | Self::FaultTolerance => (1, 7),
        }
    }

    /// Whether an answer is so bad that somebody should look after the customer: NPS up to 6, the others up to 2. Little
    /// tolerance of faults is no complaint.
    #[must_use]
    pub const fn is_bad(self, score: u8) -> bool {
        match self {
            Self::Csat | Self::Ces | Self::Servqual | Self::ServqualShort => score <= 2,
            Self::Nps => score <= 6,
            Self::FaultTolerance => false,
        }
    }

    /// The question that is asked when a survey has none of its own; where statements are asked, what stands above them.
    ///
    /// That of fault tolerance turns around the item "switch to a competitor if you experience a problem" of the
    /// behavioural intentions of Zeithaml, Berry and Parasuraman (1996), as a grade of how much it takes.
    #[must_use]
    pub const fn question(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Csat, Language::En) => "How satisfied are you with our service?",
            (Self::Csat, Language::ZhCn) => "您对我们的服务满意吗？",
            (Self::Nps, Language::En) => "How likely are you to recommend us to a friend or colleague?",
            (Self::Nps, Language::ZhCn) => "您有多大可能把我们推荐给朋友或同事？",
            (Self::Ces, Language::En) => "How far do you agree: it was easy to get my matter settled?",
            (Self::Ces, Language::ZhCn) => "您是否同意：我的事情很容易就办妥了？",
            (Self::Servqual, Language::En) => "What do you expect of a good firm of our kind, and how do you find us?",
            (Self::Servqual, Language::ZhCn) => "您对我们这类企业有什么期望？您觉得我们做得怎么样？",
            (Self::ServqualShort, Language::En) => "How did you find our service?",
            (Self::ServqualShort, Language::ZhCn) => "您觉得我们的服务怎么样？",
            (Self::FaultTolerance, Language::En) => {
                "If a product of ours turned out faulty, how much would it take before you bought elsewhere?"
            }
            (Self::FaultTolerance, Language::ZhCn) => "如果我们的产品出现质量问题，到什么程度您才会改买别家的产品？",
        }
    }

    /// What the two ends of the scale mean.
    #[must_use]
    pub const fn ends(self, language: Language) -> (&'static str, &'static str) {
        match (self, language) {
            (Self::Csat, Language::En) => ("very dissatisfied", "very satisfied"),
            (Self::Csat, Language::ZhCn) => ("非常不满意", "非常满意"),
            (Self::Nps, Language::En) => ("not at all likely", "extremely likely"),
            (Self::Nps, Language::ZhCn) => ("完全不可能", "非常可能"),
            (Self::Ces | Self::Servqual | Self::ServqualShort, Language::En) => ("strongly disagree", "strongly agree"),
            (Self::Ces | Self::Servqual | Self::ServqualShort, Language::ZhCn) => ("非常不同意", "非常同意"),
            (Self::FaultTolerance, Language::En) => ("one fault is enough", "I would stay all the same"),
            (Self::FaultTolerance, Language::ZhCn) => ("一次问题就会换", "仍会继续购买"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_words_and_names() {
        for (metric, word, name) in [
            (Metric::Csat, "csat", "Customer satisfaction (CSAT)"),
            (Metric::Nps, "nps", "Net promoter score (NPS)"),
            (Metric::Ces, "ces", "Customer effort (CES)"),
            (Metric::Servqual, "servqual", "Service quality (SERVQUAL)"),
            (
                Metric::ServqualShort,
                "servqual_short",
                "Service quality, short (SERVQUAL)",
            ),
            (Metric::FaultTolerance, "fault_tolerance", "Tolerance of product faults"),
        ] {
            assert_eq!((metric.as_str(), metric.name()), (word, name));
            assert_eq!(Metric::from_word(word), Some(metric), "{word}");
            for language in [Language::En, Language::ZhCn] {
                let (low, high) = metric.ends(language);
                assert!(
                    low.chars().count() > 2 && high.chars().count() > 2 && low != high,
                    "{word}"
                );
            }
        }
        assert_eq!(Metric::from_word("CSAT"), None);
        assert_eq!(Metric::ALL.map(Metric::as_str), Metric::WORDS);
    }
}
