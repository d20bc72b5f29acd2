//! What earlier rows of the same file would have made, for whoever only looks: the run itself finds their records.

use std::collections::{BTreeMap, BTreeSet};

use rapport_domain::{Record, Rules, Unique};
use rapport_store::records::SUSPECT;

use crate::found::{Imported, Known};

/// Records that earlier rows would create.
#[derive(Debug, Default)]
pub struct Seen {
    known: BTreeSet<Known>,
    unique: BTreeSet<Unique>,
    likes: BTreeMap<String, Vec<u32>>,
}

impl Seen {
    /// Adds what a row would create.
    pub fn add<K: Imported>(&mut self, row: u32, known: Option<Known>, record: &Record<K>, rules: &Rules) {
        self.known.extend(known);
        self.unique.extend(record.unique(rules));
        for (key, _) in record.body.likeness() {
            self.likes.entry(key).or_default().push(row);
        }
    }

    /// Whether an earlier row creates a record that is known so.
    #[must_use]
    pub fn has(&self, known: &Known) -> bool {
        self.known.contains(known)
    }

    /// The first unique value of a record that an earlier row takes.
    #[must_use]
    pub fn taken<K: Imported>(&self, record: &Record<K>, rules: &Rules) -> Option<Unique> {
        record
            .unique(rules)
            .into_iter()
            .find(|unique| self.unique.contains(unique))
    }

    /// The earlier row whose record a record looks like so much that it is refused.
    #[must_use]
    pub fn like<K: Imported>(&self, record: &K) -> Option<u32> {
        let mut doubts: BTreeMap<u32, f32> = BTreeMap::new();
        for (key, certainty) in record.likeness() {
            for row in self.likes.get(&key).into_iter().flatten().take(20) {
                *doubts.entry(*row).or_insert(1.0) *= 1.0 - certainty;
            }
        }
        doubts
            .into_iter()
            .find(|(_, doubt)| 1.0 - doubt >= SUSPECT)
            .map(|(row, _)| row)
    }
}
