//! The index of words: one item a word and record, beside a list of each record's words.
//!
//! Words lie in `words#<noun>` under `<word>#<id>`, so that all that begins so is one range, and carry what a result
//! shows. The list, in `wordlist#<id>`, says which words a record has: what to take away when it changes, and whether a
//! record has a word that is too common to be read to its end. It also carries the version indexed, which orders writers.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use futures::future::{join_all, try_join_all};
use jiff::{SignedDuration, Timestamp};
use rapport_domain::TenantId;
use rapport_domain::search::{Entry, NOUNS};

use crate::page::Query;
use crate::write::MOST_ITEMS;
use crate::{Item, Key, Store, StoreError, Table, Write, number, number_of, text, text_of};

/// So many words are read for each word of a question and each kind of record.
const PAGE: usize = 200;
/// How often a lost race is run again.
const ATTEMPTS: u32 = 4;
/// How long the list of a record that is gone stands against a late message about it.
const LINGER: SignedDuration = SignedDuration::from_hours(24 * 7);

/// A record to be indexed.
#[derive(Clone, Debug)]
pub struct ToIndex {
    /// Its kind.
    pub noun: String,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: u64,
    /// By what it is found; `None` when it is not to be found.
    pub entry: Option<Entry>,
    /// Whether it is likely not to have been indexed before.
    pub fresh: bool,
    /// Whether all its words are to be written, those too that are thought to be there.
    pub again: bool,
}

/// A record found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Its kind.
    pub noun: &'static str,
    /// Its id.
    pub id: String,
    /// What names it.
    pub title: String,
    /// What tells it from others of that name.
    pub subtitle: String,
    /// How well it fits; more is better.
    pub score: u32,
}

/// The list of a record's words as stored.
#[derive(Clone, Debug, Default)]
struct List {
    version: u64,
    entry: Entry,
}

fn list_key(tenant: TenantId, id: &str) -> Key {
    Key::new(tenant, &format!("wordlist#{id}"), "-")
}

fn word_key(tenant: TenantId, noun: &str, word: &str, id: &str) -> Key {
    Key::new(tenant, &format!("words#{noun}"), format!("{word}#{id}"))
}

fn read_list(item: &Item) -> Option<List> {
    Some(List {
        version: number_of(item, "v")?,
        entry: serde_json::from_str(text_of(item, "entry")?).ok()?,
    })
}

/// What changes between two lists: words to put, words to take away.
fn difference<'a>(old: &'a Entry, new: &'a Entry) -> (Vec<(&'a String, u8)>, Vec<&'a String>) {
    let shown = old.title == new.title && old.subtitle == new.subtitle;
    let put = new
        .words
        .iter()
        .filter(|(word, weight)| !shown || old.words.get(*word) != Some(weight))
        .map(|(word, weight)| (word, *weight))
        .collect();
    let gone = old.words.keys().filter(|word| !new.words.contains_key(*word)).collect();
    (put, gone)
}

impl Store {
    /// Indexes records of one tenant, each for itself; as many as fit share a transaction. An older version never
    /// replaces a newer one; a record whose words and titles are as before costs no write where its last version was indexed, else one.
    pub async fn index_records(
        &self,
        tenant: TenantId,
        records: &[ToIndex],
        now: Timestamp,
    ) -> Vec<Result<(), StoreError>> {
        let known = match self.lists(tenant, records.iter().filter(|record| !record.fresh)).await {
            Ok(known) => known,
            Err(error) => {
                let text = error.to_string();
                return records
                    .iter()
                    .map(|_| Err(StoreError::Unavailable(text.clone())))
                    .collect();
            }
        };
        let mut results = Vec::with_capacity(records.len());
        let mut group: Vec<(usize, Write)> = Vec::new();
        for (n, record) in records.iter().enumerate() {
            match self.plan_index(tenant, record, known.get(&record.id), now) {
                Ok(Some(write)) => {
                    let items: usize = group.iter().map(|(_, write)| write.len()).sum();
                    if items + write.len() > MOST_ITEMS {
                        self.commit_index(tenant, records, std::mem::take(&mut group), &mut results, now)
                            .await;
                    }
                    group.push((n, write));
                }
                Ok(None) => results.push((n, Ok(()))),
                Err(error) => results.push((n, Err(error))),
            }
        }
        self.commit_index(tenant, records, group, &mut results, now).await;
        results.sort_by_key(|(n, _)| *n);
        results.into_iter().map(|(_, result)| result).collect()
    }

    async fn lists(
        &self,
        tenant: TenantId,
        records: impl Iterator<Item = &ToIndex>,
    ) -> Result<BTreeMap<String, List>, StoreError> {
        let keys: Vec<Key> = records.map(|record| list_key(tenant, &record.id)).collect();
        if keys.is_empty() {
            return Ok(BTreeMap::new());
        }
        let items = self.get_items(Table::Search, &keys, true).await?;
        Ok(items
            .iter()
            .filter_map(|item| Some((listed(item)?.to_owned(), read_list(item)?)))
            .collect())
    }

    /// What indexes one record, given what is known of it. `None` when there is nothing to do.
    fn plan_index(
        &self,
        tenant: TenantId,
        record: &ToIndex,
        known: Option<&List>,
        now: Timestamp,
    ) -> Result<Option<Write>, StoreError> {
        let none = List::default();
        let old = known.unwrap_or(&none);
        let gone = Entry::default();
        let new = record.entry.as_ref().unwrap_or(&gone);
        let newer = known.is_some() && old.version >= record.version + u64::from(record.again);
        let same = old.entry == *new && !(record.again && record.entry.is_some());
        // A version between the two may be in the hands of another, who would put its words in place of these: it has to learn that
        // it is late.
        let next = record.version <= old.version + 1;
        if newer || same && next {
            return Ok(None);
        }
        let mut write = Write::new(tenant);
        let (mut put, away) = difference(&old.entry, new);
        if record.again {
            put = new.words.iter().map(|(word, weight)| (word, *weight)).collect();
        }
        for (word, weight) in put {
            let mut item = word_key(tenant, &record.noun, word, &record.id).attributes();
            item.insert("title".to_owned(), text(&new.title));
            item.insert("subtitle".to_owned(), text(&new.subtitle));
            item.insert("weight".to_owned(), number(weight));
            write.put(self, Table::Search, item)?;
        }
        for word in away {
            write.delete(self, Table::Search, &word_key(tenant, &record.noun, word, &record.id))?;
        }
        let mut item = list_key(tenant, &record.id).attributes();
        let entry = serde_json::to_string(new).map_err(|error| StoreError::Internal(error.to_string()))?;
        item.insert("v".to_owned(), number(record.version));
        item.insert("entry".to_owned(), text(entry));
        if record.entry.is_none() {
            item.insert("expires".to_owned(), number((now + LINGER).as_second()));
        }
        let list = Put::builder()
            .table_name(self.table(Table::Search)?)
            .set_item(Some(item));
        let list = if known.is_some() {
            list.condition_expression("v = :known")
                .expression_attribute_values(":known", number(old.version))
        } else {
            list.condition_expression("attribute_not_exists(pk)")
        };
        let list = list.build().map_err(|error| StoreError::Internal(error.to_string()))?;
        write.other(
            TransactWriteItem::builder().put(list).build(),
            "the words were changed meanwhile",
        );
        Ok(Some(write))
    }

    /// Writes a group together; should that fail, each by itself on what is known afresh.
    async fn commit_index(
        &self,
        tenant: TenantId,
        records: &[ToIndex],
        group: Vec<(usize, Write)>,
        results: &mut Vec<(usize, Result<(), StoreError>)>,
        now: Timestamp,
    ) {
        let mut all = Write::new(tenant);
        group.iter().for_each(|(_, write)| all.append(write.clone()));
        match all.commit(self).await {
            Ok(()) => results.extend(group.into_iter().map(|(n, _)| (n, Ok(())))),
            Err(StoreError::Unavailable(text)) => results.extend(
                group
                    .into_iter()
                    .map(|(n, _)| (n, Err(StoreError::Unavailable(text.clone())))),
            ),
            Err(_) => {
                for (n, _) in group {
                    results.push((n, self.index_alone(tenant, &records[n], now).await));
                }
            }
        }
    }

    async fn index_alone(&self, tenant: TenantId, record: &ToIndex, now: Timestamp) -> Result<(), StoreError> {
        let mut attempt = 0;
        loop {
            let item = self.get_item(Table::Search, &list_key(tenant, &record.id)).await?;
            let known = item.as_ref().and_then(read_list);
            let Some(write) = self.plan_index(tenant, record, known.as_ref(), now)? else {
                return Ok(());
            };
            match write.commit(self).await {
                Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    /// The records that have, for each term, a word that begins so; best first, at most `limit`. Reads at most 200 words
    /// for each term and kind, and then the lists of at most 200 records a kind: with very common words alone, not all.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn search(
        &self,
        tenant: TenantId,
        nouns: &[&'static str],
        terms: &[String],
        limit: usize,
    ) -> Result<Vec<Hit>, StoreError> {
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let mut hits = Vec::new();
        for result in join_all(nouns.iter().map(|noun| self.search_noun(tenant, noun, terms))).await {
            hits.extend(result?);
        }
        let place = |hit: &Hit| NOUNS.iter().position(|noun| *noun == hit.noun);
        hits.sort_by(|a, b| {
            b.score
                .cmp(&a.score)
                .then_with(|| place(a).cmp(&place(b)))
                .then_with(|| b.id.cmp(&a.id))
        });
        hits.truncate(limit);
        Ok(hits)
    }

    async fn search_noun(
        &self,
        tenant: TenantId,
        noun: &'static str,
        terms: &[String],
    ) -> Result<Vec<Hit>, StoreError> {
        let partition = format!("words#{noun}");
        let queries: Vec<Query> = terms
            .iter()
            .map(|term| Query::prefix(partition.clone(), term))
            .collect();
        let pages = try_join_all(
            queries
                .iter()
                .map(|query| self.query(tenant, Table::Search, query, PAGE, None)),
        )
        .await?;
        let found: Vec<Found> = pages
            .iter()
            .zip(terms)
            .map(|(page, term)| Found::read(&page.items, term, page.next.is_none()))
            .collect();
        // The rarest word leads: those that have it are all there can be, when it was read to its end.
        let lead = (0..found.len()).min_by_key(|&n| (!found[n].whole, found[n].hits.len()));
        let Some(lead) = lead else { return Ok(Vec::new()) };
        let mut doubtful = BTreeSet::new();
        let mut candidates: BTreeMap<&String, u32> = BTreeMap::new();
        'candidates: for (id, hit) in &found[lead].hits {
            let mut score = hit.score;
            for (n, other) in found.iter().enumerate().filter(|(n, _)| *n != lead) {
                match other.hits.get(id) {
                    Some(hit) => score += hit.score,
                    None if other.whole => continue 'candidates,
                    None => drop(doubtful.insert((id, n))),
                }
            }
            candidates.insert(id, score);
        }
        self.settle(tenant, terms, &doubtful, &mut candidates).await?;
        Ok(candidates
            .into_iter()
            .filter_map(|(id, score)| {
                let hit = found[lead].hits.get(id)?;
                Some(Hit {
                    noun,
                    id: id.clone(),
                    title: hit.title.clone(),
                    subtitle: hit.subtitle.clone(),
                    score,
                })
            })
            .collect())
    }

    /// Looks up in their own lists whether records have words that were not read to their end.
    async fn settle<'a>(
        &self,
        tenant: TenantId,
        terms: &[String],
        doubtful: &BTreeSet<(&'a String, usize)>,
        candidates: &mut BTreeMap<&'a String, u32>,
    ) -> Result<(), StoreError> {
        let ids: BTreeSet<&String> = doubtful
            .iter()
            .map(|(id, _)| *id)
            .filter(|id| candidates.contains_key(id))
            .collect();
        if ids.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = ids.iter().map(|id| list_key(tenant, id)).collect();
        let items = self.get_items(Table::Search, &keys, false).await?;
        let lists: BTreeMap<&str, List> = items
            .iter()
            .filter_map(|item| Some((listed(item)?, read_list(item)?)))
            .collect();
        for (id, n) in doubtful {
            let best = lists.get(id.as_str()).and_then(|list| {
                let words = list.entry.words.range(terms[*n].clone()..);
                words
                    .take_while(|(word, _)| word.starts_with(&terms[*n]))
                    .map(|(word, weight)| score(word, &terms[*n], *weight))
                    .max()
            });
            match (best, candidates.get_mut(id)) {
                (Some(best), Some(total)) => *total += best,
                (None, Some(_)) => drop(candidates.remove(id)),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The record that a list is of.
fn listed(item: &Item) -> Option<&str> {
    Some(text_of(item, "pk")?.rsplit_once('#')?.1)
}

/// How much a word says: twice its weight, and one more when it is the whole word.
fn score(word: &str, term: &str, weight: u8) -> u32 {
    u32::from(weight) * 2 + u32::from(word == term)
}

/// What was read for one term.
struct Found {
    hits: BTreeMap<String, Shown>,
    whole: bool,
}

struct Shown {
    title: String,
    subtitle: String,
    score: u32,
}

impl Found {
    fn read(items: &[Item], term: &str, whole: bool) -> Self {
        let mut hits: BTreeMap<String, Shown> = BTreeMap::new();
        for item in items {
            let Some((word, id)) = text_of(item, "sk").and_then(|sk| sk.rsplit_once('#')) else {
                continue;
            };
            let score = score(word, term, number_of(item, "weight").unwrap_or(1));
            let shown = Shown {
                title: text_of(item, "title").unwrap_or_default().to_owned(),
                subtitle: text_of(item, "subtitle").unwrap_or_default().to_owned(),
                score,
            };
            match hits.get_mut(id) {
                Some(known) if known.score >= score => {}
                Some(known) => *known = shown,
                None => drop(hits.insert(id.to_owned(), shown)),
            }
        }
        Self { hits, whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(title: &str, words: &[(&str, u8)]) -> Entry {
        Entry {
            title: title.to_owned(),
            subtitle: String::new(),
            words: words
                .iter()
                .map(|(word, weight)| ((*word).to_owned(), *weight))
                .collect(),
        }
    }

    #[test]
    fn only_what_changed_is_written() {
        let old = entry("Ann", &[("ann", 3), ("li", 3)]);
        for (new, put, gone) in [
            (entry("Ann", &[("ann", 3), ("li", 3)]), 0, 0),
            (entry("Ann", &[("ann", 3), ("lee", 3)]), 1, 1),
            (entry("Ann", &[("ann", 1), ("li", 3)]), 1, 0),
            (entry("Anna", &[("ann", 3), ("li", 3)]), 2, 0),
            (Entry::default(), 0, 2),
        ] {
            let (puts, away) = difference(&old, &new);
            assert_eq!((puts.len(), away.len()), (put, gone), "{new:?}");
        }
    }

    #[test]
    fn whole_words_and_names_count_more() {
        assert!(score("ann", "ann", 3) > score("anna", "ann", 3));
        assert!(score("anna", "ann", 3) > score("ann", "ann", 1));
    }
}
