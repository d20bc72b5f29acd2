//! How reports are stored: what each record adds (a fact), and sums of facts by bucket and by sheet. All in Reports.
//!
//! | partition | sort key | what |
//! |---|---|---|
//! | `filed#<noun>` | record | where the record's fact lies, and the record's version: an older one never overwrites |
//! | `fact#<family>#<sheet>` | bucket `#` record | what the record adds |
//! | `dirty#<family>` | sheet `#` bucket | that facts of the bucket changed and its sums did not yet |
//! | `part#<family>#<sheet>` | bucket `#` n | the sums of a bucket, in chunks |
//! | `sheet#<family>#<dimension>` | sheet `#` n | the sums of a sheet, in chunks |
//! | `sheet_lock#<family>` | sheet | who makes sums anew |
//! | `screening#<contact>` | decision | what was decided of a customer after screening |
//!
//! A fact and the mark that its bucket is dirty are written in one transaction, and the mark goes only when sums that were
//! made after it are stored: a crash leaves a mark, never wrong sums without one.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use jiff::{SignedDuration, Timestamp};
use rapport_domain::screening::Screening;
use rapport_domain::{RecordId, TenantId};

use crate::idempotency::{Answer, Idempotency};
use crate::page::{Position, Query};
use crate::{Item, Key, Store, StoreError, Table, Write, number, number_of, text, text_of};

/// How long the making of a sheet's sums is taken for; whoever takes longer keeps it meanwhile.
pub const LOCKED: SignedDuration = SignedDuration::from_secs(20);
/// The most dirty buckets looked at in one go.
const MOST_DIRTY: usize = 100;
/// Facts noted in one transaction: each is four items at most.
const AT_ONCE: usize = 24;

/// Where a fact lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The family.
    pub family: String,
    /// The sheet.
    pub sheet: String,
    /// The bucket in it.
    pub bucket: String,
}

/// What is to be noted of a record: what it adds as it is in some version, or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filing {
    /// The noun.
    pub noun: &'static str,
    /// The record.
    pub id: RecordId,
    /// Its version.
    pub version: u64,
    /// Where its fact lies and the fact, as JSON.
    pub fact: Option<(Place, String)>,
    /// Whether sums are kept of such facts.
    pub summed: bool,
}

/// What was noted of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Filed {
    version: u64,
    place: Option<Place>,
}

/// A bucket whose sums are to be made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dirty {
    /// The bucket.
    pub bucket: String,
    /// What tells this mark from a later one.
    mark: String,
}

fn filed_key(tenant: TenantId, noun: &str, id: &str) -> Key {
    Key::new(tenant, &format!("filed#{noun}"), id)
}

fn fact_key(tenant: TenantId, place: &Place, id: RecordId) -> Key {
    let Place { family, sheet, bucket } = place;
    Key::new(tenant, &format!("fact#{family}#{sheet}"), format!("{bucket}#{id}"))
}

fn dirty_key(tenant: TenantId, family: &str, sheet: &str, bucket: &str) -> Key {
    Key::new(tenant, &format!("dirty#{family}"), format!("{sheet}#{bucket}"))
}

fn lock_key(tenant: TenantId, family: &str, sheet: &str) -> Key {
    Key::new(tenant, &format!("sheet_lock#{family}"), sheet)
}

fn built<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, StoreError> {
    result.map_err(|error| StoreError::Internal(error.to_string()))
}

impl Filed {
    fn read(item: &Item) -> Option<Self> {
        let part = |name: &str| text_of(item, name).map(str::to_owned);
        let place = part("family")
            .zip(part("sheet"))
            .zip(part("bucket"))
            .map(|((family, sheet), bucket)| Place { family, sheet, bucket });
        Some(Self {
            version: number_of(item, "v")?,
            place,
        })
    }
}

// Facts.
impl Store {
    async fn filed(&self, tenant: TenantId, filings: &[Filing]) -> Result<HashMap<String, Filed>, StoreError> {
        let keys: Vec<Key> = filings
            .iter()
            .map(|filing| filed_key(tenant, filing.noun, &filing.id.to_string()))
            .collect();
        let items = self.get_items(Table::Reports, &keys, true).await?;
        Ok(items
            .iter()
            .filter_map(|item| Some((text_of(item, "sk")?.to_owned(), Filed::read(item)?)))
            .collect())
    }

    fn plan_filing(&self, tenant: TenantId, filing: &Filing, before: Option<&Filed>) -> Result<Write, StoreError> {
        let mut write = Write::new(tenant);
        let place = filing.fact.as_ref().map(|(place, _)| place);
        let mut pointer = filed_key(tenant, filing.noun, &filing.id.to_string()).attributes();
        pointer.insert("v".to_owned(), number(filing.version));
        if let Some(Place { family, sheet, bucket }) = place {
            for (name, value) in [("family", family), ("sheet", sheet), ("bucket", bucket)] {
                pointer.insert(name.to_owned(), text(value));
            }
        }
        let put = Put::builder()
            .table_name(self.table(Table::Reports)?)
            .set_item(Some(pointer));
        let put = match before {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(before) => put
                .condition_expression("v = :before")
                .expression_attribute_values(":before", number(before.version)),
        };
        write.other(
            TransactWriteItem::builder().put(built(put.build())?).build(),
            "another version of the record was noted meanwhile",
        );
        let old = before.and_then(|before| before.place.as_ref());
        if let Some(old) = old.filter(|old| Some(*old) != place) {
            write.delete(self, Table::Reports, &fact_key(tenant, old, filing.id))?;
        }
        if let Some((place, doc)) = &filing.fact {
            let mut item = fact_key(tenant, place, filing.id).attributes();
            item.insert("doc".to_owned(), text(doc));
            write.put(self, Table::Reports, item)?;
        }
        for Place { family, sheet, bucket } in place.into_iter().chain(old).filter(|_| filing.summed) {
            let mut item = dirty_key(tenant, family, sheet, bucket).attributes();
            item.insert("mark".to_owned(), text(format!("{:016x}", rand::random::<u64>())));
            let mut mark = Write::new(tenant);
            mark.put(self, Table::Reports, item)?;
            write.share(format!("dirty#{family}#{sheet}#{bucket}"), mark);
        }
        Ok(write)
    }

    /// Notes what records add, unless a later version was noted before; with `again` also what was noted of the same version.
    /// The sheets (family, sheet) whose sums are to be made anew, or why a record could not be noted. 1 read unit and 3 to 5
    /// items in a transaction each.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn file_facts(
        &self,
        tenant: TenantId,
        filings: &[Filing],
        again: bool,
    ) -> Result<Vec<Result<Vec<(String, String)>, StoreError>>, StoreError> {
        let before = self.filed(tenant, filings).await?;
        let is_late = |filing: &Filing, known: Option<&Filed>| {
            known.is_some_and(|known| known.version > filing.version || (!again && known.version == filing.version))
        };
        let mut results = Vec::with_capacity(filings.len());
        for group in filings.chunks(AT_ONCE) {
            let mut all = Write::new(tenant);
            for filing in group {
                let known = before.get(&filing.id.to_string());
                if !is_late(filing, known) {
                    all.append(self.plan_filing(tenant, filing, known)?);
                }
            }
            let together = all.commit(self).await.is_ok();
            for filing in group {
                let known = before.get(&filing.id.to_string());
                results.push(if together {
                    Ok(touched(filing, known))
                } else {
                    self.file_fact(tenant, filing, is_late).await
                });
            }
        }
        Ok(results)
    }

    /// Notes what one record adds, looking again when somebody else was at work on it.
    async fn file_fact(
        &self,
        tenant: TenantId,
        filing: &Filing,
        is_late: impl Fn(&Filing, Option<&Filed>) -> bool,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let mut attempt = 0;
        loop {
            let before = self.filed(tenant, std::slice::from_ref(filing)).await?;
            let before = before.into_values().next();
            if is_late(filing, before.as_ref()) {
                return Ok(touched(filing, before.as_ref()));
            }
            let write = self.plan_filing(tenant, filing, before.as_ref())?;
            match write.commit(self).await {
                Ok(()) => return Ok(touched(filing, before.as_ref())),
                Err(StoreError::Conflict { .. } | StoreError::Raced) if attempt < 5 => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// One page of what was noted of a noun's records: their ids and versions. Half a read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn filed_page(
        &self,
        tenant: TenantId,
        noun: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<(String, u64)>, Option<String>), StoreError> {
        let query = Query {
            partition: format!("filed#{noun}"),
            ..Query::default()
        };
        let position = after.map(Position::after);
        let page = self
            .query(tenant, Table::Reports, &query, limit, position.as_ref())
            .await?;
        let found = page
            .items
            .iter()
            .filter_map(|item| Some((text_of(item, "sk")?.to_owned(), number_of(item, "v")?)))
            .collect();
        Ok((found, page.next.map(|next| next.sk)))
    }

    /// The fact of one record. 1 read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn fact(
        &self,
        tenant: TenantId,
        (family, sheet): (&str, &str),
        bucket: &str,
        id: RecordId,
    ) -> Result<Option<String>, StoreError> {
        let place = Place {
            family: family.to_owned(),
            sheet: sheet.to_owned(),
            bucket: bucket.to_owned(),
        };
        let item = self.get_item(Table::Reports, &fact_key(tenant, &place, id)).await?;
        Ok(item.and_then(|item| text_of(&item, "doc").map(str::to_owned)))
    }

    /// One page of the facts of a sheet from one bucket to another, both included, in order; where it ended. Half a read unit
    /// for each 4 KB, one when consistent.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn facts(
        &self,
        tenant: TenantId,
        (family, sheet): (&str, &str),
        (from, to): (&str, &str),
        limit: usize,
        after: Option<&str>,
        consistent: bool,
    ) -> Result<(Vec<(String, String)>, Option<String>), StoreError> {
        let query = Query {
            partition: format!("fact#{family}#{sheet}"),
            from: Some(format!("{from}#")),
            // Above every record of the bucket: `$` follows `#`.
            to: Some(format!("{to}$")),
            consistent,
            ..Query::default()
        };
        let position = after.map(Position::after);
        let page = self
            .query(tenant, Table::Reports, &query, limit, position.as_ref())
            .await?;
        let facts = page
            .items
            .iter()
            .filter_map(|item| Some((text_of(item, "sk")?.to_owned(), text_of(item, "doc")?.to_owned())))
            .collect();
        Ok((facts, page.next.map(|next| next.sk)))
    }
}

/// The sheets that a record's fact lies in and lay in.
fn touched(filing: &Filing, before: Option<&Filed>) -> Vec<(String, String)> {
    if !filing.summed {
        return Vec::new();
    }
    let now = filing.fact.as_ref().map(|(place, _)| place);
    let then = before.and_then(|before| before.place.as_ref());
    let mut sheets: Vec<(String, String)> = now
        .into_iter()
        .chain(then)
        .map(|place| (place.family.clone(), place.sheet.clone()))
        .collect();
    sheets.sort_unstable();
    sheets.dedup();
    sheets
}

/// The partition of a customer's decisions after screening.
pub(crate) fn screenings_of(contact: RecordId) -> String {
    format!("screening#{contact}")
}

fn screening_doc(screening: &Screening) -> Result<String, StoreError> {
    serde_json::to_string(screening).map_err(|error| StoreError::Internal(error.to_string()))
}

/// A decision after screening as it is stored.
pub(crate) fn screening_item(tenant: TenantId, screening: &Screening) -> Result<Item, StoreError> {
    let partition = screenings_of(screening.contact_id);
    let mut item = Key::new(tenant, &partition, screening.id.to_string()).attributes();
    item.insert("doc".to_owned(), text(screening_doc(screening)?));
    Ok(item)
}

// Decisions.
impl Store {
    /// Keeps a decision after screening, with the answer to the request. 1 write unit, more with an idempotency key.
    ///
    /// # Errors
    /// [`StoreError::Answered`], [`StoreError::KeyReused`], or that the store does not answer.
    pub async fn put_screening(
        &self,
        tenant: TenantId,
        screening: &Screening,
        idempotency: Option<&Idempotency>,
    ) -> Result<(), StoreError> {
        let mut write = Write::new(tenant);
        write.put(self, Table::Reports, screening_item(tenant, screening)?)?;
        if let Some(idempotency) = idempotency {
            let answer = Answer {
                status: 201,
                location: None,
                etag: None,
                body: screening_doc(screening)?,
            };
            write.answer(self, idempotency, &answer, screening.decided_at)?;
        }
        let work = Box::pin(write.commit(self));
        self.once(tenant, idempotency, screening.decided_at, work).await
    }

    /// The decisions of a customer, newest first, as JSON; where they ended. Half a read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn screenings(
        &self,
        tenant: TenantId,
        contact: RecordId,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<(Vec<String>, Option<Position>), StoreError> {
        let query = Query::newest(screenings_of(contact));
        let page = self.query(tenant, Table::Reports, &query, limit, after).await?;
        let docs = page
            .items
            .iter()
            .filter_map(|item| text_of(item, "doc").map(str::to_owned));
        Ok((docs.collect(), page.next))
    }
}

// Sums.
impl Store {
    /// Takes the making of a sheet's sums for [`LOCKED`], or keeps it; `false` while another has it. 1 write unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn lock_sheet(
        &self,
        tenant: TenantId,
        (family, sheet): (&str, &str),
        holder: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut item = lock_key(tenant, family, sheet).attributes();
        item.insert("holder".to_owned(), text(holder));
        item.insert("stale_at".to_owned(), number((now + LOCKED).as_millisecond()));
        item.insert("expires".to_owned(), number((now + LOCKED).as_second()));
        let put = Put::builder()
            .table_name(self.table(Table::Reports)?)
            .set_item(Some(item))
            // One that ends later than any can was taken by a clock that was ahead.
            .condition_expression(
                "attribute_not_exists(pk) OR holder = :holder OR stale_at < :now OR stale_at > :latest",
            )
            .expression_attribute_values(":holder", text(holder))
            .expression_attribute_values(":now", number(now.as_millisecond()))
            .expression_attribute_values(":latest", number((now + LOCKED + LOCKED).as_millisecond()));
        let mut write = Write::new(tenant);
        write.other(
            TransactWriteItem::builder().put(built(put.build())?).build(),
            "another makes these sums",
        );
        match write.commit(self).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Gives the making of a sheet's sums back.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn unlock_sheet(
        &self,
        tenant: TenantId,
        (family, sheet): (&str, &str),
        holder: &str,
    ) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(self.table(Table::Reports)?)
            .set_key(Some(lock_key(tenant, family, sheet).attributes()))
            .condition_expression("holder = :holder")
            .expression_attribute_values(":holder", text(holder));
        self.delete_if(tenant, delete).await
    }

    /// Deletes an item under a condition; that it does not hold is no failure.
    async fn delete_if(
        &self,
        tenant: TenantId,
        delete: aws_sdk_dynamodb::types::builders::DeleteBuilder,
    ) -> Result<(), StoreError> {
        let mut write = Write::new(tenant);
        write.other(
            TransactWriteItem::builder().delete(built(delete.build())?).build(),
            "somebody else was there",
        );
        match write.commit(self).await {
            Ok(()) | Err(StoreError::Conflict { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The buckets of a sheet whose sums are to be made anew, at most 100, strongly consistent.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn dirty(&self, tenant: TenantId, (family, sheet): (&str, &str)) -> Result<Vec<Dirty>, StoreError> {
        let query = Query {
            consistent: true,
            ..Query::prefix(format!("dirty#{family}"), &format!("{sheet}#"))
        };
        let page = self.query(tenant, Table::Reports, &query, MOST_DIRTY, None).await?;
        Ok(page
            .items
            .iter()
            .filter_map(|item| {
                Some(Dirty {
                    bucket: text_of(item, "sk")?.split_once('#')?.1.to_owned(),
                    mark: text_of(item, "mark")?.to_owned(),
                })
            })
            .collect())
    }

    /// Whether any sums of a family in some sheets are still to be made anew. Half a read unit.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn is_dirty(&self, tenant: TenantId, family: &str, (from, to): (&str, &str)) -> Result<bool, StoreError> {
        let query = Query {
            partition: format!("dirty#{family}"),
            from: Some(format!("{from}#")),
            to: Some(format!("{to}$")),
            consistent: true,
            ..Query::default()
        };
        Ok(!self
            .query(tenant, Table::Reports, &query, 1, None)
            .await?
            .items
            .is_empty())
    }

    /// Takes a mark away, unless facts of the bucket changed since.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn clean(
        &self,
        tenant: TenantId,
        (family, sheet): (&str, &str),
        dirty: &Dirty,
    ) -> Result<(), StoreError> {
        let delete = Delete::builder()
            .table_name(self.table(Table::Reports)?)
            .set_key(Some(dirty_key(tenant, family, sheet, &dirty.bucket).attributes()))
            .condition_expression("mark = :mark")
            .expression_attribute_values(":mark", text(&dirty.mark));
        self.delete_if(tenant, delete).await
    }

    /// Keeps the sums of a bucket, in place of those before.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_part(&self, tenant: TenantId, place: &Place, chunks: Vec<String>) -> Result<(), StoreError> {
        let Place { family, sheet, bucket } = place;
        self.put_chunks(tenant, &format!("part#{family}#{sheet}"), bucket, chunks)
            .await
    }

    /// The sums of all buckets of a sheet, strongly consistent. 1 read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn parts(&self, tenant: TenantId, (family, sheet): (&str, &str)) -> Result<Vec<String>, StoreError> {
        let query = Query {
            partition: format!("part#{family}#{sheet}"),
            consistent: true,
            ..Query::default()
        };
        let items = self.query_all(tenant, Table::Reports, &query, 10_000).await?;
        Ok(items
            .iter()
            .filter_map(|item| text_of(item, "doc").map(str::to_owned))
            .collect())
    }

    /// Keeps the sums of a sheet in a dimension, in place of those before.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn put_sheet(
        &self,
        tenant: TenantId,
        (family, sheet): (&str, &str),
        dimension: &str,
        chunks: Vec<String>,
    ) -> Result<(), StoreError> {
        self.put_chunks(tenant, &format!("sheet#{family}#{dimension}"), sheet, chunks)
            .await
    }

    /// The sums of a family in a dimension, from one sheet to another: pairs of sheet and chunk, of at most `most` bytes.
    /// Half a read unit for each 4 KB.
    ///
    /// # Errors
    /// When the store does not answer. `Ok(None)` when there are more.
    pub async fn sheets(
        &self,
        tenant: TenantId,
        (family, dimension): (&str, &str),
        (from, to): (&str, &str),
        most: usize,
    ) -> Result<Option<Vec<(String, String)>>, StoreError> {
        let query = Query {
            partition: format!("sheet#{family}#{dimension}"),
            from: Some(format!("{from}#")),
            to: Some(format!("{to}$")),
            ..Query::default()
        };
        let mut found = Vec::new();
        let mut bytes = 0;
        let mut after = None;
        loop {
            let page = self
                .query(tenant, Table::Reports, &query, 10_000, after.as_ref())
                .await?;
            for item in &page.items {
                if let Some((sheet, _)) = text_of(item, "sk").and_then(|sk| sk.rsplit_once('#'))
                    && let Some(doc) = text_of(item, "doc")
                {
                    bytes += doc.len();
                    found.push((sheet.to_owned(), doc.to_owned()));
                }
            }
            if bytes > most {
                return Ok(None);
            }
            after = page.next;
            if after.is_none() {
                return Ok(Some(found));
            }
        }
    }

    /// Puts chunks in place of those before. The first says how many there are and is written last, so that a crash leaves
    /// what the next attempt takes away.
    async fn put_chunks(
        &self,
        tenant: TenantId,
        partition: &str,
        name: &str,
        chunks: Vec<String>,
    ) -> Result<(), StoreError> {
        let key = |n: usize| Key::new(tenant, partition, format!("{name}#{n:04}"));
        let first = self.get_item(Table::Reports, &key(0)).await?;
        let before: usize = first.as_ref().and_then(|item| number_of(item, "of")).unwrap_or(0);
        let known = first.as_ref().and_then(|item| text_of(item, "doc"));
        if let ([only], 1) = (chunks.as_slice(), before)
            && known == Some(only)
        {
            return Ok(());
        }
        let count = chunks.len();
        let mut surplus: Vec<Key> = (count..before).map(key).collect();
        let mut items: Vec<Item> = chunks
            .into_iter()
            .enumerate()
            .map(|(n, chunk)| {
                let mut item = key(n).attributes();
                item.insert("doc".to_owned(), text(chunk));
                if n == 0 {
                    item.insert("of".to_owned(), number(count));
                }
                item
            })
            .collect();
        if count == 0 && before > 0 {
            // The first goes last, by itself.
            surplus.remove(0);
            self.delete_items(Table::Reports, &surplus).await?;
            return self.delete_item(Table::Reports, &key(0)).await;
        }
        self.delete_items(Table::Reports, &surplus).await?;
        if count == 0 {
            return Ok(());
        }
        let first = items.remove(0);
        self.put_items(Table::Reports, items).await?;
        self.put_items(Table::Reports, vec![first]).await
    }
}
