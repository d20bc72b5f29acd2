//! Erasing all that a tenant has.
//!
//! No table is scanned: partitions whose names are known ([`KNOWN`]) are emptied, and each item says which others it leads to
//! ([`Erasure::led`]). What an item leads to goes before the item itself, so that an erasure that broke off finds its way again, and one
//! that is told twice has nothing left to do. Events come after all records: whatever was recorded at any time has
//! one, so that also what deleted records left behind is found.
//!
//! What has an end of its own (`expires`) and no record any more that names it goes at that end: idempotent answers (a day),
//! rules of what is bought together and runs up to a day (90 days), parts of files whose import has expired (90 days). Timers, which
//! hold ids alone, go when they are due. What was used of the service is kept, since bills are made of it.

mod person;

use std::collections::{BTreeSet, HashMap, HashSet};

use aws_sdk_dynamodb::types::{Delete, TransactWriteItem, Update};
use rapport_domain::company::Company;
use rapport_domain::contact::Contact;
use rapport_domain::event::REPORTED;
use rapport_domain::lead::Lead;
use rapport_domain::order::Order;
use rapport_domain::product::Product;
use rapport_domain::schedule::Schedule;
use rapport_domain::search::NOUNS;
use rapport_domain::survey::{Invitation, Survey};
use rapport_domain::ticket::Ticket;
use rapport_domain::user::User;
use rapport_domain::webhook::{Endpoint, Source};
use rapport_domain::win_back::WinBack;
use rapport_domain::{Record, Rules, TenantId};

use crate::identity::LoginId;
use crate::page::{Query, Row};
use crate::records::{Stored, parse, pointers};
use crate::settings::PARTITION;
use crate::{Item, Key, Store, StoreError, Table, Write, number, text, text_of};

/// Items taken at a time.
const PAGE: usize = 200;

/// The partitions that every tenant may have, beside those of sums of reports; what they lead to is in [`Erasure::led`].
const KNOWN: [(Table, &str); 33] = [
    (Table::Leads, "lead"),
    (Table::Contacts, "contact"),
    (Table::Contacts, "company"),
    (Table::Contacts, "job"),
    (Table::Contacts, "erasure"),
    (Table::Orders, "order"),
    (Table::Orders, "product"),
    (Table::Orders, "counter"),
    (Table::Tickets, "ticket"),
    (Table::Tickets, "counter"),
    (Table::Surveys, "survey"),
    (Table::Surveys, "survey_invitation"),
    (Table::Scores, "score"),
    (Table::Scores, "win_back"),
    (Table::Insights, "figures"),
    (Table::Insights, "model"),
    (Table::Insights, "recompute"),
    (Table::Insights, "recompute_latest"),
    (Table::Insights, "recompute_lock"),
    (Table::Insights, "rules"),
    (Table::Reports, "report_schedule"),
    (Table::Reports, "report_export"),
    (Table::Imports, "archive"),
    (Table::Imports, "import"),
    (Table::Webhooks, "webhook_endpoint"),
    (Table::Webhooks, "webhook_endpoint_health"),
    (Table::Webhooks, "webhook_delivery"),
    (Table::Webhooks, "webhook_source"),
    (Table::Webhooks, "webhook_source_key"),
    (Table::Identity, "invitation"),
    (Table::Identity, "api_key"),
    (Table::Identity, "user"),
    (Table::Identity, "counter"),
];

/// How much of a tenant is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything.
    All,
    /// All but users, invitations, keys and archives: who may come in, and what is about to be moved in.
    Recorded,
}

/// What an item leads to.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Led {
    /// All items of a partition.
    Partition(Table, String),
    /// All items of a partition of an index, with the table's own.
    Index(Table, &'static str, String),
    /// One item.
    Item(Table, Key),
    /// A user's login, which may lead to other tenants too.
    Login(LoginId, String),
}

/// An erasure at work.
struct Erasure<'a> {
    store: &'a Store,
    tenant: TenantId,
    rules: &'a Rules,
    /// Items that may still be deleted before somebody else goes on.
    left: usize,
    /// Items deleted.
    done: usize,
}

impl Store {
    /// Erases some of what a tenant has, `most` items or a page more; how many those were. Its settings and its line in the
    /// directory stay, and what [`Extent::Recorded`] leaves. `sums` are the families and dimensions of reports.
    ///
    /// # Errors
    /// When the store does not answer, or holds what cannot be read.
    pub async fn erase_tenant(
        &self,
        tenant: TenantId,
        rules: &Rules,
        sums: &[(&str, &str)],
        extent: Extent,
        most: usize,
    ) -> Result<usize, StoreError> {
        let mut erasure = Erasure {
            store: self,
            tenant,
            rules,
            left: most,
            done: 0,
        };
        let families: BTreeSet<&str> = sums.iter().map(|(family, _)| *family).collect();
        let reports = REPORTED.iter().map(|noun| format!("filed#{noun}"));
        let reports = reports
            .chain(
                sums.iter()
                    .map(|(family, dimension)| format!("sheet#{family}#{dimension}")),
            )
            .chain(
                families
                    .iter()
                    .flat_map(|family| [format!("dirty#{family}"), format!("sheet_lock#{family}")]),
            )
            .map(|partition| Led::Partition(Table::Reports, partition));
        let words = NOUNS
            .iter()
            .map(|noun| Led::Partition(Table::Search, format!("words#{noun}")));
        let wanted = KNOWN
            .iter()
            .filter(|(table, name)| extent == Extent::All || (*table != Table::Identity && *name != "archive"));
        let (last, first): (Vec<_>, Vec<_>) = wanted.partition(|(table, _)| *table == Table::Identity);
        let partitions = |known: Vec<&(Table, &str)>| {
            let led = known
                .into_iter()
                .map(|(table, name)| Led::Partition(*table, (*name).to_owned()));
            led.collect::<Vec<_>>()
        };
        let all = partitions(first)
            .into_iter()
            .chain(reports)
            .chain(words)
            .chain([Led::Index(Table::Events, "by_feed", "feed".to_owned())])
            .chain(partitions(last));
        for led in all {
            erasure.erase(led).await?;
            if erasure.left == 0 {
                break;
            }
        }
        Ok(erasure.done)
    }

    /// Erases a tenant's settings: without them there is no such tenant.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn erase_settings(&self, tenant: TenantId) -> Result<(), StoreError> {
        let query = Query {
            consistent: true,
            ..Query::prefix(PARTITION, "")
        };
        let items = self.query_all(tenant, Table::Identity, &query, 1_000).await?;
        let keys = items.iter().filter_map(|item| text_of(item, "sk"));
        let keys: Vec<Key> = keys.map(|sk| Key::new(tenant, PARTITION, sk)).collect();
        self.delete_items(Table::Identity, &keys).await?;
        self.forget_rules(tenant);
        Ok(())
    }

    /// Takes a tenant out of the directory: the last trace of it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn strike_out(&self, tenant: TenantId) -> Result<(), StoreError> {
        self.delete_item(Table::Identity, &Key::directory(tenant)).await
    }

    /// Ends a login's way to a tenant, and the login with it where it leads nowhere else.
    async fn leave_login(&self, tenant: TenantId, login: LoginId, user: &str) -> Result<(), StoreError> {
        let table = self.table(Table::Identity)?;
        let built = |error: aws_sdk_dynamodb::error::BuildError| StoreError::Internal(error.to_string());
        let update = Update::builder()
            .table_name(table)
            .set_key(Some(login.key("-").attributes()))
            .update_expression("REMOVE members.#tenant")
            .condition_expression("members.#tenant = :user")
            .expression_attribute_names("#tenant", tenant.to_string())
            .expression_attribute_values(":user", text(user));
        let delete = Delete::builder()
            .table_name(table)
            .set_key(Some(login.key("-").attributes()))
            .condition_expression("size(members) = :none")
            .expression_attribute_values(":none", number(0));
        let update = TransactWriteItem::builder().update(update.build().map_err(built)?);
        let delete = TransactWriteItem::builder().delete(delete.build().map_err(built)?);
        for item in [update.build(), delete.build()] {
            let mut write = Write::new(tenant);
            write.other(item, "the login leads elsewhere");
            match write.commit(self).await {
                Ok(()) | Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Erasure<'_> {
    /// Erases what something leads to, as far as may be.
    async fn erase(&mut self, led: Led) -> Result<(), StoreError> {
        let (table, query) = match led {
            Led::Item(table, key) => return self.store.delete_items(table, &[key]).await,
            Led::Login(login, user) => return self.store.leave_login(self.tenant, login, &user).await,
            Led::Index(table, index, partition) => (table, Query::index(index, partition)),
            Led::Partition(table, partition) => (
                table,
                Query {
                    partition,
                    consistent: true,
                    ..Query::default()
                },
            ),
        };
        while self.left > 0 {
            // What was deleted does not come again, so the first page is always the next.
            let page = self.store.query(self.tenant, table, &query, PAGE, None).await?;
            if page.items.is_empty() {
                break;
            }
            self.erase_items(table, &page.items).await?;
        }
        Ok(())
    }

    async fn erase_items(&mut self, table: Table, items: &[Item]) -> Result<(), StoreError> {
        let mut keys = Vec::with_capacity(items.len());
        let mut leads = HashSet::new();
        for item in items {
            let (partition, sk) = self.place(item)?;
            leads.extend(self.led(table, partition, sk, item)?);
            keys.push(Key::new(self.tenant, partition, sk));
        }
        let mut others: HashMap<Table, Vec<Key>> = HashMap::new();
        for led in leads {
            if let Led::Item(table, key) = led {
                others.entry(table).or_default().push(key);
                continue;
            }
            Box::pin(self.erase(led)).await?;
            // The way to what is left must stay.
            if self.left == 0 {
                return Ok(());
            }
        }
        for (table, keys) in others {
            self.store.delete_items(table, &keys).await?;
        }
        self.store.delete_items(table, &keys).await?;
        self.left = self.left.saturating_sub(keys.len());
        self.done += keys.len();
        Ok(())
    }

    /// The partition of an item, without the tenant, and its sort key.
    fn place<'a>(&self, item: &'a Item) -> Result<(&'a str, &'a str), StoreError> {
        let partition = text_of(item, "pk").and_then(|pk| pk.split_once('#'));
        let place = partition.filter(|(owner, _)| *owner == self.tenant.to_string());
        let place = place.map(|(_, partition)| partition).zip(text_of(item, "sk"));
        place.ok_or_else(|| StoreError::Internal("an item without a place".to_owned()))
    }

    /// What an item leads to: what is found by its id or by what it says, and by nothing else.
    fn led(&self, table: Table, partition: &str, sk: &str, item: &Item) -> Result<Vec<Led>, StoreError> {
        let (kind, rest) = partition.split_once('#').unwrap_or((partition, ""));
        let beside = |table, name: &str| Led::Partition(table, format!("{name}#{sk}"));
        Ok(match (table, kind) {
            (Table::Leads, "lead") => self.traces::<Lead>(item)?,
            (Table::Contacts, "contact") => self.traces::<Contact>(item)?,
            (Table::Contacts, "company") => self.traces::<Company>(item)?,
            (Table::Contacts, "job") => vec![beside(table, "manifest")],
            (Table::Orders, "order") => self.traces::<Order>(item)?,
            (Table::Orders, "product") => self.traces::<Product>(item)?,
            (Table::Tickets, "ticket") => self.traces::<Ticket>(item)?,
            (Table::Surveys, "survey") => self.traces::<Survey>(item)?,
            (Table::Surveys, "survey_invitation") => self.traces::<Invitation>(item)?,
            // `<grouping>#<day>#<part>`
            (Table::Surveys, "survey_counts") => {
                let day = sk.split('#').nth(1).unwrap_or_default();
                vec![Led::Partition(table, format!("survey_tally#{rest}#{day}"))]
            }
            (Table::Scores, "win_back") => self.traces::<WinBack>(item)?,
            // `live`, `until#<day>`
            (Table::Insights, "model") => vec![Led::Partition(table, sk.to_owned())],
            (Table::Insights, "recompute") => vec![beside(table, "run"), beside(table, "rules")],
            (Table::Reports, "report_schedule") => self.traces::<Schedule>(item)?,
            (Table::Reports, "report_export") => vec![beside(table, "report_file")],
            (Table::Reports, "filed") => {
                let sheet = text_of(item, "family").zip(text_of(item, "sheet"));
                let facts = sheet.map(|(family, sheet)| Led::Partition(table, format!("fact#{family}#{sheet}")));
                facts.into_iter().collect()
            }
            // `sheet#<family>#<dimension>`, `<sheet>#<n>`
            (Table::Reports, "sheet") => {
                let family = rest.split('#').next().unwrap_or_default();
                let sheet = sk.rsplit_once('#').map_or(sk, |(sheet, _)| sheet);
                vec![Led::Partition(table, format!("part#{family}#{sheet}"))]
            }
            (Table::Imports, "archive") => vec![beside(table, "archive_file"), beside(table, "archive_piece")],
            (Table::Imports, "import") => [
                "import_file",
                "import_wrote",
                "import_phase",
                "import_page",
                "import_outcome",
            ]
            .map(|name| beside(table, name))
            .into(),
            (Table::Webhooks, "webhook_endpoint") => self.traces::<Endpoint>(item)?,
            (Table::Webhooks, "webhook_source") => {
                let mut led = self.traces::<Source>(item)?;
                led.push(beside(table, "webhook_receipt"));
                led.push(Led::Index(
                    table,
                    "by_source_id",
                    format!("webhook_applied#source_id#{sk}"),
                ));
                led
            }
            (Table::Webhooks, "webhook_receipt") => vec![beside(table, "webhook_body")],
            // `<word>#<id>`
            (Table::Search, "words") => {
                let id = sk.rsplit_once('#').map_or(sk, |(_, id)| id);
                vec![Led::Partition(table, format!("wordlist#{id}"))]
            }
            (Table::Events, _) => of_any(partition),
            (Table::Identity, "user") => {
                let mut led = self.traces::<User>(item)?;
                led.push(beside(table, "session"));
                if let Some(row) = Row::read(item) {
                    let user = parse::<User>(&row.doc)?;
                    led.push(Led::Login(LoginId::of(&user.body.email), row.id));
                }
                led
            }
            _ => Vec::new(),
        })
    }

    /// The guards and pointers of a record, and what is found by its id.
    fn traces<K: Stored>(&self, item: &Item) -> Result<Vec<Led>, StoreError> {
        let Some(row) = Row::read(item) else {
            return Ok(Vec::new());
        };
        let record: Record<K> = parse(&row.doc)?;
        let guards = record.ever_held(self.rules).into_iter();
        let guards = guards.map(|unique| Key::unique(self.tenant, K::NOUN, &unique.scope, &unique.value));
        let ways = pointers(&record).into_iter();
        let ways = ways.map(|value| Key::pointer(self.tenant, K::NOUN, &value, record.meta.id));
        let keys = guards.chain(ways).map(|key| Led::Item(K::TABLE, key));
        Ok(keys.chain(of_any(&row.id)).collect())
    }
}

/// What may be found by the id of a record, whether it is still there or not.
fn of_any(id: &str) -> Vec<Led> {
    let beside = |table, name: &str| Led::Partition(table, format!("{name}#{id}"));
    let word = beside(Table::Search, "wordlist");
    match id.split('_').next().unwrap_or_default() {
        "con" => vec![
            word,
            beside(Table::Contacts, "merge"),
            beside(Table::Insights, "contribution"),
            beside(Table::Reports, "screening"),
            beside(Table::Surveys, "survey_pause"),
        ],
        "com" => vec![word, beside(Table::Contacts, "merge")],
        "ord" => vec![word, beside(Table::Insights, "contributed")],
        "tkt" => vec![word, beside(Table::Tickets, "message")],
        "sur" => vec![beside(Table::Surveys, "survey_counts")],
        "lead" | "prd" => vec![word],
        _ => Vec::new(),
    }
}
