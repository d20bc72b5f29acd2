//! The gaps between purchases of many customers, counted by length, so that a million customers' gaps take a few
//! kilobytes and pages of them add up exactly.

use std::collections::BTreeMap;

use rapport_analytics::churn::RHYTHM_QUANTILE;

/// Gaps longer than this many days count as this long: a bound on the size, far above any rhythm.
pub const LONGEST: i64 = 3_650;

/// How many gaps there are of each length in days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps(BTreeMap<u32, u64>);

impl Gaps {
    /// No gaps yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Counts the gaps between rising days.
    pub fn count(&mut self, days: &[i64]) {
        for pair in days.windows(2) {
            let gap = pair[1].saturating_sub(pair[0]).clamp(0, LONGEST);
            *self.0.entry(u32::try_from(gap).unwrap_or(0)).or_default() += 1;
        }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        for (gap, count) in &other.0 {
            *self.0.entry(*gap).or_default() += count;
        }
    }

    /// The 90 % quantile in days, interpolated as `rapport_analytics::churn::common_rhythm_days` does. Nothing without gaps.
    #[must_use]
    pub fn rhythm(&self) -> Option<f64> {
        let total: u64 = self.0.values().sum();
        let place = RHYTHM_QUANTILE * total.checked_sub(1)? as f64;
        let below = place.floor() as u64;
        let (low, high) = (self.at(below)?, self.at((below + 1).min(total - 1))?);
        Some(low + (place - below as f64) * (high - low))
    }

    /// The gap at a position of the rising list of all gaps.
    fn at(&self, position: u64) -> Option<f64> {
        let mut passed = 0;
        self.0.iter().find_map(|(gap, count)| {
            passed += count;
            (position < passed).then(|| f64::from(*gap))
        })
    }

    pub(crate) fn encode(&self, bytes: &mut Vec<u8>) {
        bytes.extend(u32::try_from(self.0.len()).unwrap_or(0).to_le_bytes());
        for (gap, count) in &self.0 {
            bytes.extend(gap.to_le_bytes());
            bytes.extend(u32::try_from(*count).unwrap_or(u32::MAX).to_le_bytes());
        }
    }

    pub(crate) fn decode(reader: &mut crate::customer::Reader<'_>) -> Option<Self> {
        let n = u32::from_le_bytes(reader.take()?);
        (0..n)
            .map(|_| {
                let gap = u32::from_le_bytes(reader.take()?);
                Some((gap, u64::from(u32::from_le_bytes(reader.take()?))))
            })
            .collect::<Option<_>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rapport_analytics::churn::{common_rhythm_days, interpurchase_days};

    #[test]
    fn the_quantile_is_that_of_the_gaps_one_by_one() {
        let cases: [&[i64]; 6] = [
            &[],
            &[3],
            &[0, 7],
            &[0, 30, 60, 90],
            &[0, 10, 30, 60, 100, 107, 114],
            &[1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377],
        ];
        for days in cases {
            let mut gaps = Gaps::default();
            gaps.count(days);
            assert_eq!(gaps.rhythm(), common_rhythm_days(&interpurchase_days(days)), "{days:?}");
        }
        let (mut one, mut other, mut both) = (Gaps::default(), Gaps::default(), Gaps::default());
        one.count(&[0, 5, 6]);
        other.count(&[0, 5, 500]);
        both.count(&[0, 5, 6]);
        both.count(&[0, 5, 500]);
        one.add(&other);
        assert_eq!(one, both);
    }
}
