//! How win-back cases are stored: beside the scores that they follow from, found by status, owner and customer.

use futures::future::try_join_all;
use jiff::civil::Date;
use rapport_domain::win_back::{Finding, Silence, Treatment, WinBack, WinBackStatus};
use rapport_domain::{Actor, Common, Kind, Record, RecordId, Rules, TenantId};

use crate::page::{Items, Position, Query, Row};
use crate::records::{Filter, Sort, Stored, Test, index_partition, parse};
use crate::{Accept, Store, StoreError, Table, Write, text_of};

/// At most so many cases of one customer are looked at: a customer can be lost only so often.
const MOST_OF_ONE: usize = 100;
/// Cases written side by side where they cannot be written together.
const SIDE_BY_SIDE: usize = 16;
/// How many cases are read at a time to count them.
const PAGE: usize = 1_000;

impl Stored for WinBack {
    const TABLE: Table = Table::Scores;
    const PLURAL: &'static str = "win-backs";
    const FILTERS: &'static [Filter] = &[
        Filter::indexed("status", "by_status").of(WinBackStatus::WORDS),
        Filter::indexed("owner_id", "by_owner_id"),
        Filter::indexed("contact_id", "by_contact_id"),
        Filter::equal("stage").of(Silence::WORDS),
        Filter::equal("treatment").of(Treatment::WORDS),
        Filter::equal("left_alone_on_purpose").of(&["true", "false"]),
        Filter::equal("measured").of(&["true", "false"]),
        Filter::equal("returned_in_time").of(&["true", "false"]),
        Filter::time("found_since", "found_on", Test::Since),
        Filter::time("found_before", "found_on", Test::Before),
    ];
    const IDS_TELL_CREATION: bool = false;
    const SORTS: &'static [Sort] = &[
        Sort::latest("by_status", "found_on"),
        Sort::latest("by_owner_id", "found_on"),
        Sort::latest("by_contact_id", "found_on"),
    ];

    fn indexes(record: &Record<Self>) -> Vec<(&'static str, String, String)> {
        let case = &record.body;
        let found = format!("{}#{}", case.found_on, record.meta.id);
        let mut indexes = vec![
            ("by_status", case.status.as_str().to_owned(), found.clone()),
            ("by_contact_id", case.contact_id.to_string(), found.clone()),
        ];
        if let Some(owner) = &record.meta.common.owner_id {
            indexes.push(("by_owner_id", owner.clone(), found));
        }
        indexes
    }
}

/// The cases found in a span of days, by what became of them.
fn found_between(status: WinBackStatus, from: Date, to: Date) -> Query {
    Query {
        from: Some(from.to_string()),
        // Above every sort key of the last day.
        to: Some(format!("{to}#\u{10ffff}")),
        ..Query::index(
            "by_status",
            index_partition(WinBack::NOUN, "by_status", status.as_str()),
        )
    }
}

fn read(page: &Items) -> Result<Vec<Record<WinBack>>, StoreError> {
    page.items
        .iter()
        .filter_map(|item| text_of(item, "doc"))
        .map(parse::<WinBack>)
        .collect()
}

impl Store {
    /// Opens cases for what was found, each once. A case that is open when its customer is lost goes on as one of a loss; one
    /// that ended without a return is followed by a second.
    /// The second part is the user who looks after the customer. How many cases are new.
    ///
    /// # Errors
    /// When the store does not answer; some may have been opened then, and are not opened twice.
    pub async fn open_win_backs(
        &self,
        tenant: TenantId,
        rules: &Rules,
        findings: Vec<(Finding, Option<String>)>,
        request: &str,
    ) -> Result<usize, StoreError> {
        let ids: Vec<String> = findings
            .iter()
            .flat_map(|(finding, _)| [finding.id_at(Silence::AtRisk), finding.id_at(Silence::Lost)])
            .map(|id| id.to_string())
            .collect();
        let mut known = std::collections::HashMap::new();
        for chunk in ids.chunks(100) {
            for row in self.rows::<WinBack>(tenant, chunk, true).await? {
                known.insert(row.id.clone(), row);
            }
        }
        let context = |id: RecordId| {
            let actor = Actor::worker("segment-scores", &format!("{request}#{id}"));
            Accept::new(tenant, actor, rules.clone())
        };
        let mut new = Vec::new();
        for (finding, owner) in findings {
            let id = finding.id();
            if known.contains_key(&id.to_string()) {
                continue;
            }
            let earlier = known.get(&finding.id_at(Silence::AtRisk).to_string());
            if let Some(row) = earlier {
                let case = parse::<WinBack>(&row.doc)?;
                let is_open = case.body.is_open();
                // One whose window is over only waits to be closed.
                if is_open && case.body.window_ends_on >= finding.found_on {
                    self.raise_to_loss(&context(case.meta.id), case.meta.id).await?;
                    continue;
                }
                // Whom somebody dismissed stays dismissed for as long as the silence lasts.
                if !is_open && !case.body.measured {
                    continue;
                }
            }
            let cx = context(id);
            let common = Common {
                owner_id: owner,
                ..Common::default()
            };
            let body = finding.open(rules.settings.win_back.hold_out);
            let record = Record::new(id, body, common, &cx.actor, rules.now);
            new.push(self.plan_new(&cx, record).await?.write);
        }
        for group in new.chunks(crate::write::MOST_ITEMS) {
            let mut all = Write::new(tenant);
            group.iter().for_each(|write| all.append(write.clone()));
            if all.commit(self).await.is_ok() {
                continue;
            }
            for few in group.chunks(SIDE_BY_SIDE) {
                try_join_all(few.iter().map(|write| async move {
                    match write.clone().commit(self).await {
                        // Somebody else opened it.
                        Ok(()) | Err(StoreError::Stale(_)) => Ok(()),
                        Err(error) => Err(error),
                    }
                }))
                .await?;
            }
        }
        Ok(new.len())
    }

    async fn raise_to_loss(&self, cx: &Accept, id: RecordId) -> Result<(), StoreError> {
        let changed = self
            .change::<WinBack>(cx, id, None, None, |old| {
                let mut body = old.body.clone();
                body.stage = Silence::Lost;
                Ok(next(cx, old, body))
            })
            .await;
        match changed {
            Ok(_) | Err(StoreError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The cases of a customer, newest first. Half a read unit per 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn win_backs_of(&self, tenant: TenantId, contact: RecordId) -> Result<Vec<Record<WinBack>>, StoreError> {
        let partition = index_partition(WinBack::NOUN, "by_contact_id", &contact.to_string());
        let query = Query::index("by_contact_id", partition);
        read(&self.query(tenant, Table::Scores, &query, MOST_OF_ONE, None).await?)
    }

    /// A page of the cases with a status that were found up to a day, latest first, and where it ended.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn win_backs_until(
        &self,
        tenant: TenantId,
        status: WinBackStatus,
        to: Date,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<(Vec<Record<WinBack>>, Option<Position>), StoreError> {
        let query = found_between(status, Date::MIN, to);
        let page = self.query(tenant, Table::Scores, &query, limit, after).await?;
        Ok((read(&page)?, page.next))
    }

    /// The cases with some status that were found in a span of days, at most `most`; whether these are all. Half a read unit
    /// per 4 KB.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn win_backs_found(
        &self,
        tenant: TenantId,
        status: WinBackStatus,
        (from, to): (Date, Date),
        most: usize,
    ) -> Result<(Vec<WinBack>, bool), StoreError> {
        let query = found_between(status, from, to);
        let (mut cases, mut after) = (Vec::new(), None);
        loop {
            let wanted = PAGE.min(most - cases.len());
            let page = self
                .query(tenant, Table::Scores, &query, wanted, after.as_ref())
                .await?;
            cases.extend(read(&page)?.into_iter().map(|record| record.body));
            after = page.next;
            if after.is_none() || cases.len() >= most {
                return Ok((cases, after.is_none()));
            }
        }
    }

    /// Brings a case to what its facts and the customer's days of purchase make it on a day; whether that changed it.
    ///
    /// # Errors
    /// When the store does not answer, or others keep changing the case.
    pub async fn settle_win_back(
        &self,
        cx: &Accept,
        id: RecordId,
        days: &[rapport_domain::score::Day],
        today: Date,
    ) -> Result<(), StoreError> {
        let settled = self
            .change::<WinBack>(cx, id, None, None, |old| {
                Ok(next(cx, old, old.body.settle(days, today)))
            })
            .await;
        match settled {
            Ok(_) | Err(StoreError::Missing) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The row of a case that is there.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn win_back(&self, tenant: TenantId, id: RecordId) -> Result<Row, StoreError> {
        let row = self.row::<WinBack>(tenant, id).await?;
        if row.gone { Err(StoreError::Missing) } else { Ok(row) }
    }
}

/// The next version of a case; the same where nothing is new.
fn next(cx: &Accept, old: &Record<WinBack>, body: WinBack) -> Record<WinBack> {
    if body == old.body {
        old.clone()
    } else {
        old.with_body(body, &cx.actor, cx.rules.now)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::{Money, Prefix};

    #[test]
    fn a_case_lies_under_status_customer_and_owner_by_the_day_it_was_found() {
        let finding = Finding {
            contact: RecordId::from_u128(Prefix::Contact, 7),
            stage: Silence::Lost,
            reason: None,
            detail: None,
            value: (Money::new("1".parse().unwrap(), "USD".parse().unwrap()), "monetary"),
            found_on: "2026-03-01".parse().unwrap(),
            last_purchase_on: "2025-01-01".parse().unwrap(),
        };
        let id = finding.id();
        let owner = RecordId::from_u128(Prefix::User, 3).to_string();
        for (owner, expected) in [(None, 2), (Some(owner), 3)] {
            let common = Common {
                owner_id: owner,
                ..Common::default()
            };
            let actor = Actor::worker("segment-scores", "job");
            let now = "2026-03-01T02:00:00Z".parse().unwrap();
            let record = Record::new(id, finding.clone().open(0.0), common, &actor, now);
            let indexes = WinBack::indexes(&record);
            assert_eq!(indexes.len(), expected);
            assert!(indexes.iter().all(|(_, _, sort)| *sort == format!("2026-03-01#{id}")));
            let day: Date = "2026-03-01".parse().unwrap();
            let query = found_between(WinBackStatus::Found, day, day);
            let (_, _, sort) = &indexes[0];
            assert!(query.from.unwrap() <= *sort && *sort <= query.to.unwrap());
        }
    }
}
