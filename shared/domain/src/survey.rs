//! Surveys of satisfaction: what is asked, whom and when, the link in the mail, the answer and what it leads to.
//!
//! A survey asks for one figure: satisfaction (CSAT, 1–5), recommendation (NPS, 0–10), effort (CES, 1–7), tolerance of
//! faults (1–7), or the quality of service by SERVQUAL's statements; and for whatever its own items add. Every tenant has
//! one of each built in and may add its own. An invitation is one occasion to ask one contact; the answer is part of it.
//! What answers amount to is computed in `rapport_analytics`; nothing here sends or shows anything.

mod answer;
mod complaint;
mod counts;
#[cfg(test)]
mod fixture;
mod invitation;
mod item;
mod language;
mod link;
mod metric;
mod occasion;
mod questionnaire;
mod schedule;
mod servqual;

pub use answer::{ALREADY_ANSWERED, AnswerIn, MOST_COMMENT, MOST_TEXT};
pub use counts::{Counts, DimensionSums, Group, Grouping, Moments, NONE, ServqualSums, Tally, count};
pub use invitation::{ANSWERABLE, Invitation, InvitationIn, InvitationStatus, REPLACEABLE, Skip};
pub use item::{Choice, Comparison, Condition, Item, ItemKind, POINTS, SCORE};
pub use language::{Language, Localised};
pub use link::{SurveyToken, TokenError};
pub use metric::Metric;
pub use occasion::Occasion;
pub use questionnaire::{Survey, SurveyIn, Trigger};
pub use schedule::{after_quiet_hours, due, sampled};
pub use servqual::{DIMENSIONS, FULL_SIZES, Ratings};

/// A text as HTML shows it, also within quotation marks.
#[must_use]
pub fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, c| {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn a_text_cannot_leave_its_place_in_html() {
        for (text, expected) in [
            ("", ""),
            ("Ann 李", "Ann 李"),
            ("<b>A & B</b>", "&lt;b&gt;A &amp; B&lt;/b&gt;"),
            ("\"it's\"", "&quot;it&#39;s&quot;"),
            ("&lt;", "&amp;lt;"),
        ] {
            assert_eq!(escape(text), expected, "{text}");
        }
    }
}
