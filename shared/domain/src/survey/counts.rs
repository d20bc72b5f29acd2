//! What the answers of a day add up to, so that results need not look at each answer again.
//!
//! An invitation adds to two days: to the day it was due by what became of it, to the day of its answer by the answer. A
//! replaced answer stays on the day of the first. Everything added is a whole number, so that days can be put together in
//! any order and give exactly what all their answers give.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use serde_json::Value;

use super::invitation::{Invitation, InvitationStatus};
use super::item::{Item, ItemKind};
use super::questionnaire::Survey;
use super::servqual::{FULL_SIZES, Ratings};

/// The group of what has no segment, agent or product.
pub const NONE: &str = "none";
/// What the sums of full dimensions, of 4 or 5 statements, are brought to before they are added.
const COMMON_SIZE: i64 = 20;

/// By what answers are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grouping {
    /// All of a day.
    All,
    /// By the respondent's RFM segment when asked.
    Segment,
    /// By who the ticket was assigned to when asked.
    Agent,
    /// By each product of the order.
    Product,
    /// By the language of the mail.
    Language,
}

impl Grouping {
    /// All of them.
    pub const EVERY: [Self; 5] = [Self::All, Self::Segment, Self::Agent, Self::Product, Self::Language];

    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Segment => "segment",
            Self::Agent => "agent",
            Self::Product => "product",
            Self::Language => "language",
        }
    }
}

/// What one invitation adds to one day.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// What became of it, on the day it was due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<InvitationStatus>,
    /// The score, on the day of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// What was said of each dimension, on the same day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ratings: Option<Ratings>,
    /// The answers to the survey's own scales and choices, by the keys of the items.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, String>,
    /// The segment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// The agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The products.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// The language.
    pub language: String,
}

impl Tally {
    /// The groups that this is counted in.
    #[must_use]
    pub fn groups(&self, grouping: Grouping) -> Vec<&str> {
        match grouping {
            Grouping::All => vec!["all"],
            Grouping::Segment => vec![self.segment.as_deref().unwrap_or(NONE)],
            Grouping::Agent => vec![self.agent.as_deref().unwrap_or(NONE)],
            Grouping::Product if self.products.is_empty() => vec![NONE],
            Grouping::Product => self.products.iter().map(String::as_str).collect(),
            Grouping::Language => vec![&self.language],
        }
    }
}

impl Invitation {
    /// What it adds to which days, where these are the survey's items.
    #[must_use]
    pub fn tallies(&self, items: &[Item]) -> BTreeMap<Date, Tally> {
        let about = Tally {
            segment: self.segment.clone(),
            agent: self.agent_id.map(|id| id.to_string()),
            products: self.product_ids.iter().map(ToString::to_string).collect(),
            language: self.language.tag().to_owned(),
            ..Tally::default()
        };
        let mut days = BTreeMap::new();
        if let Some(day) = self.due_on {
            days.entry(day).or_insert_with(|| about.clone()).status = Some(self.status);
        }
        if let (Some(day), Some(score)) = (self.answered_on, self.score) {
            let tally = days.entry(day).or_insert_with(|| about.clone());
            tally.score = Some(score);
            tally.ratings = Ratings::of(self.metric, &self.answers);
            tally.items = own_answers(items, self);
        }
        days
    }
}

/// The answers to scales and choices that are not statements of the metric: those are told by dimension.
fn own_answers(items: &[Item], invitation: &Invitation) -> BTreeMap<String, String> {
    let usual = Survey::usual_items(invitation.metric);
    let own = items.iter().filter(|item| {
        matches!(item.kind, ItemKind::Scale | ItemKind::Choice) && usual.iter().all(|usual| usual.key != item.key)
    });
    let answered = own.filter_map(|item| {
        let word = match invitation.answers.get(&item.key)? {
            Value::String(word) => word.clone(),
            number => number.as_i64()?.to_string(),
        };
        Some((item.key.clone(), word))
    });
    answered.collect()
}

/// A sum and the sum of its squares, of as many values as there are answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moments(pub i64, pub i64);

impl Moments {
    fn add(&mut self, value: i64) {
        self.0 += value;
        self.1 += value * value;
    }

    fn merge(&mut self, other: Self) {
        self.0 += other.0;
        self.1 += other.1;
    }
}

/// The sums of one dimension of SERVQUAL, over its statements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DimensionSums {
    /// As expected.
    pub expected: Moments,
    /// As perceived.
    pub perceived: Moments,
    /// Perceived less expected.
    pub gap: Moments,
    /// Points, of 100.
    pub points: Moments,
    /// The gap times the points.
    pub weighted: Moments,
}

/// The sums of SERVQUAL answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServqualSums {
    /// Answers.
    pub n: u64,
    /// By dimension.
    pub dimensions: [DimensionSums; 5],
    /// Of the short form: the sum of the five statements. Of the full form: the gaps of the dimensions, each as a mean of
    /// its statements, added, times 20.
    pub overall: Moments,
    /// The same with each gap times its points; nothing in the short form.
    pub weighted: Moments,
}

impl ServqualSums {
    fn add(&mut self, ratings: &Ratings) {
        self.n += 1;
        let (mut overall, mut weighted) = (0, 0);
        for (n, sums) in self.dimensions.iter_mut().enumerate() {
            let perceived = ratings.perceived[n];
            sums.perceived.add(perceived);
            let (Some(expected), Some(points)) = (ratings.expected, ratings.points) else {
                overall += perceived;
                continue;
            };
            let gap = perceived - expected[n];
            let scaled = gap * (COMMON_SIZE / i64::try_from(FULL_SIZES[n]).unwrap_or(COMMON_SIZE));
            sums.expected.add(expected[n]);
            sums.gap.add(gap);
            sums.points.add(points[n]);
            sums.weighted.add(gap * points[n]);
            overall += scaled;
            weighted += scaled * points[n];
        }
        self.overall.add(overall);
        self.weighted.add(weighted);
    }

    fn merge(&mut self, other: &Self) {
        self.n += other.n;
        for (mine, theirs) in self.dimensions.iter_mut().zip(&other.dimensions) {
            mine.expected.merge(theirs.expected);
            mine.perceived.merge(theirs.perceived);
            mine.gap.merge(theirs.gap);
            mine.points.merge(theirs.points);
            mine.weighted.merge(theirs.weighted);
        }
        self.overall.merge(other.overall);
        self.weighted.merge(other.weighted);
    }
}

/// The counts of one group on one day, or on several put together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Group {
    /// Invitations that were due.
    #[serde(skip_serializing_if = "is_zero")]
    pub invitations: u64,
    /// Those that wait.
    #[serde(skip_serializing_if = "is_zero")]
    pub pending: u64,
    /// Those that were not sent after all.
    #[serde(skip_serializing_if = "is_zero")]
    pub skipped: u64,
    /// Those that were mailed.
    #[serde(skip_serializing_if = "is_zero")]
    pub sent: u64,
    /// Those of the mailed that were answered, whenever that was.
    #[serde(skip_serializing_if = "is_zero")]
    pub replied: u64,
    /// How often each score was given.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scores: BTreeMap<u8, u64>,
    /// What was said of SERVQUAL's dimensions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub servqual: Option<ServqualSums>,
    /// How often each answer was given to the survey's own scales and choices.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, BTreeMap<String, u64>>,
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Group {
    /// Answers.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.scores.values().sum()
    }

    /// Adds what one invitation adds.
    pub fn add(&mut self, tally: &Tally) {
        if let Some(status) = tally.status {
            self.invitations += 1;
            match status {
                InvitationStatus::Pending => self.pending += 1,
                InvitationStatus::Skipped => self.skipped += 1,
                InvitationStatus::Sent => self.sent += 1,
                // An answer counts as mailed, also where it came before the mailing was noted.
                InvitationStatus::Answered => {
                    self.sent += 1;
                    self.replied += 1;
                }
            }
        }
        if let Some(score) = tally.score {
            *self.scores.entry(score).or_default() += 1;
        }
        if let Some(ratings) = &tally.ratings {
            self.servqual.get_or_insert_default().add(ratings);
        }
        for (item, answer) in &tally.items {
            let answers = self.items.entry(item.clone()).or_default();
            *answers.entry(answer.clone()).or_default() += 1;
        }
    }

    /// Adds the counts of another.
    pub fn merge(&mut self, other: &Self) {
        self.invitations += other.invitations;
        self.pending += other.pending;
        self.skipped += other.skipped;
        self.sent += other.sent;
        self.replied += other.replied;
        for (score, count) in &other.scores {
            *self.scores.entry(*score).or_default() += count;
        }
        if let Some(theirs) = &other.servqual {
            self.servqual.get_or_insert_default().merge(theirs);
        }
        for (item, theirs) in &other.items {
            let mine = self.items.entry(item.clone()).or_default();
            for (answer, count) in theirs {
                *mine.entry(answer.clone()).or_default() += count;
            }
        }
    }
}

/// The counts of a day by group.
pub type Counts = BTreeMap<String, Group>;

/// Counts the tallies of a day.
#[must_use]
pub fn count<'a>(tallies: impl IntoIterator<Item = &'a Tally>, grouping: Grouping) -> Counts {
    let mut counts = Counts::new();
    for tally in tallies {
        for group in tally.groups(grouping) {
            counts.entry(group.to_owned()).or_default().add(tally);
        }
    }
    counts
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::id::{Prefix, RecordId};
    use crate::survey::fixture::invitation;
    use crate::survey::{DIMENSIONS, Language, Metric};
    use serde_json::json;

    fn tally(status: InvitationStatus, score: Option<u8>, segment: Option<&str>, products: &[&str]) -> Tally {
        Tally {
            status: Some(status),
            score,
            segment: segment.map(str::to_owned),
            products: products.iter().map(|id| (*id).to_owned()).collect(),
            language: "en".to_owned(),
            ..Tally::default()
        }
    }

    #[test]
    fn a_day_counts_what_became_of_its_invitations_by_every_group() {
        use InvitationStatus::{Answered, Pending, Sent, Skipped};
        let tallies = [
            tally(Answered, Some(4), Some("champions"), &["a", "b"]),
            tally(Answered, Some(1), None, &["a"]),
            tally(Sent, None, None, &[]),
            tally(Pending, None, None, &[]),
            tally(Skipped, None, None, &[]),
        ];
        let all = &count(&tallies, Grouping::All)["all"];
        assert_eq!(
            (all.invitations, all.pending, all.skipped, all.sent, all.replied),
            (5, 1, 1, 3, 2)
        );
        assert_eq!(all.scores, BTreeMap::from([(1, 1), (4, 1)]));
        for (grouping, group, answers) in [
            (Grouping::Segment, "champions", 1),
            (Grouping::Segment, NONE, 1),
            (Grouping::Agent, NONE, 2),
            (Grouping::Product, "a", 2),
            (Grouping::Product, "b", 1),
            (Grouping::Product, NONE, 0),
            (Grouping::Language, "en", 2),
        ] {
            assert_eq!(
                count(&tallies, grouping)[group].answers(),
                answers,
                "{grouping:?} {group}"
            );
        }
    }

    #[test]
    fn parts_put_together_are_the_whole() {
        let ratings = |e: i64, p: i64| Ratings {
            expected: Some([e; 5]),
            perceived: [p; 5],
            points: Some([20, 30, 10, 25, 15]),
        };
        let tallies: Vec<Tally> = (0..7)
            .map(|n| Tally {
                score: Some(5),
                ratings: Some(ratings(20 + n % 3, 17 + n)),
                items: BTreeMap::from([("again".to_owned(), (n % 2).to_string())]),
                ..Tally::default()
            })
            .collect();
        let whole = &count(&tallies, Grouping::All)["all"];
        let mut parts = Group::default();
        for part in tallies.chunks(3).rev() {
            parts.merge(&count(part, Grouping::All)["all"]);
        }
        assert_eq!(&parts, whole);
        assert_eq!(
            whole.items["again"],
            BTreeMap::from([("0".to_owned(), 4), ("1".to_owned(), 3)])
        );
        let text = serde_json::to_string(whole).unwrap();
        assert_eq!(&serde_json::from_str::<Group>(&text).unwrap(), whole);
        // One respondent by hand: gaps of −2 over 4 and 5 statements, brought to 20.
        let mut one = ServqualSums::default();
        one.add(&ratings(22, 20));
        assert_eq!(one.overall, Moments(-2 * (5 + 4 + 5 + 5 + 4), 46 * 46));
        assert_eq!(one.weighted.0, -2 * (5 * 20 + 4 * 30 + 5 * 10 + 5 * 25 + 4 * 15));
    }

    #[test]
    fn groupings_have_words() {
        let words = Grouping::EVERY.map(Grouping::as_str);
        assert_eq!(words, ["all", "segment", "agent", "product", "language"]);
    }

    #[test]
    fn an_invitation_adds_to_the_day_it_was_due_and_to_that_of_its_answer() {
        let mut items = Survey::usual_items(Metric::ServqualShort);
        let own = json!([
            {"key": "speed", "kind": "scale", "from": 1, "to": 5, "text": {"en": "A"}},
            {"key": "again", "kind": "choice", "text": {"en": "A"}},
            {"key": "why", "kind": "text", "text": {"en": "A"}},
            {"key": "unasked", "kind": "scale", "from": 1, "to": 5, "text": {"en": "A"}},
        ]);
        items.extend(serde_json::from_value::<Vec<Item>>(own).unwrap());
        let mut answers = BTreeMap::from([
            ("speed".to_owned(), json!(3)),
            ("again".to_owned(), json!("yes")),
            ("why".to_owned(), json!("because")),
        ]);
        answers.extend((1..).zip(DIMENSIONS).map(|(n, key)| (key.to_owned(), json!(n))));
        let (agent, product) = (RecordId::new(Prefix::User), RecordId::new(Prefix::Product));
        let (due, later) = (jiff::civil::date(2026, 11, 22), jiff::civil::date(2026, 11, 24));
        let waiting = Invitation {
            segment: Some("champions".to_owned()),
            agent_id: Some(agent),
            product_ids: vec![product],
            language: Language::ZhCn,
            due_on: Some(due),
            ..invitation(Metric::ServqualShort)
        };
        let answered = |day| Invitation {
            status: InvitationStatus::Answered,
            score: Some(3),
            answers: answers.clone(),
            answered_on: Some(day),
            ..waiting.clone()
        };
        let about = Tally {
            segment: Some("champions".to_owned()),
            agent: Some(agent.to_string()),
            products: vec![product.to_string()],
            language: "zh-CN".to_owned(),
            ..Tally::default()
        };
        let became = |status| Tally {
            status: Some(status),
            ..about.clone()
        };
        let said = |tally| Tally {
            score: Some(3),
            ratings: Some(Ratings {
                expected: None,
                perceived: [1, 2, 3, 4, 5],
                points: None,
            }),
            items: [("again", "yes"), ("speed", "3")]
                .map(|(item, answer)| (item.to_owned(), answer.to_owned()))
                .into(),
            ..tally
        };
        let (pending, done) = (became(InvitationStatus::Pending), became(InvitationStatus::Answered));
        for (invitation, expected) in [
            (invitation(Metric::ServqualShort), vec![]),
            (waiting.clone(), vec![(due, pending)]),
            (answered(due), vec![(due, said(done.clone()))]),
            (answered(later), vec![(due, done), (later, said(about.clone()))]),
        ] {
            assert_eq!(Vec::from_iter(invitation.tallies(&items)), expected);
        }
    }

    #[test]
    fn answers_in_the_short_and_in_the_full_form_are_summed_up() {
        let short = |perceived| Ratings {
            expected: None,
            perceived,
            points: None,
        };
        let mut sums = ServqualSums::default();
        sums.add(&short([1, 2, 3, 4, 5]));
        sums.add(&short([7, 1, 1, 1, 1]));
        assert_eq!(
            (sums.n, sums.overall, sums.weighted),
            (2, Moments(26, 346), Moments(0, 0))
        );
        let first = DimensionSums {
            perceived: Moments(8, 50),
            ..DimensionSums::default()
        };
        assert_eq!(sums.dimensions[0], first);
        let mut sums = ServqualSums::default();
        sums.add(&Ratings {
            expected: Some([22; 5]),
            perceived: [20; 5],
            points: Some([20, 30, 10, 25, 15]),
        });
        let second = DimensionSums {
            expected: Moments(22, 484),
            perceived: Moments(20, 400),
            gap: Moments(-2, 4),
            points: Moments(30, 900),
            weighted: Moments(-60, 3_600),
        };
        assert_eq!((sums.n, sums.dimensions[1]), (1, second));
    }

    #[test]
    fn groups_are_added_and_kept_without_zeros() {
        let group = |[invitations, pending, skipped, sent, replied]: [u64; 5]| Group {
            invitations,
            pending,
            skipped,
            sent,
            replied,
            ..Group::default()
        };
        let mut sum = group([2, 3, 5, 7, 11]);
        sum.merge(&group([13, 17, 19, 23, 29]));
        assert_eq!(sum, group([15, 20, 24, 30, 40]));
        for (counts, expected) in [
            ([0; 5], json!({})),
            ([2, 0, 0, 1, 0], json!({"invitations": 2, "sent": 1})),
            ([0, 1, 2, 0, 3], json!({"pending": 1, "skipped": 2, "replied": 3})),
        ] {
            assert_eq!(json!(group(counts)), expected);
        }
    }
}
