//! Webhooks in the store: endpoints and deliveries, sources and what they posted. Partitions, all of [`Table::Webhooks`]:
//!
//! - `webhook_endpoint`, `webhook_source`: the records.
//! - `webhook_endpoint_health`: when an endpoint last took something.
//! - `webhook_delivery`: deliveries, for 30 days; index `by_endpoint_id`.
//! - `webhook_source_key`: the digest of a source's token and its sealed secret.
//! - `webhook_receipt#<source>`: what was posted; index `by_source_id` holds what waits and what failed.
//! - `webhook_body#<receipt>`: what of a body does not fit into the receipt's own item.
//! - `unique#webhook_seen#<source>#<key>`: messages that came already; `unique#webhook_applied#<source>#<id>`: how new
//!   the state of a record is that was applied.
//!
//! The secrets of endpoints are nowhere: they are derived from the service's key.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use rapport_domain::signature::{hmac_sha256, public_key_text};
use rapport_domain::webhook::{Delivery, DeliveryStatus, Endpoint, Receipt, ReceiptStatus, Source};
use rapport_domain::{Common, Invalid, Kind, Prefix, Record, RecordId, TenantId};
use sha2::{Digest as _, Sha256};

use crate::idempotency::{Answer, Idempotency};
use crate::page::{Position, Query, Row};
use crate::records::{Accept, Filter, Planned, Stored, index_partition, parse};
use crate::timer::Timer;
use crate::{Item, Key, Store, StoreError, Table, Write, number, number_of, text, text_of};

/// How long deliveries, and receipts that were applied or put aside, are kept.
pub const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How long what was received or failed waits for somebody to look at it, from its coming on: as long as its body.
pub const LOOKED_AFTER: SignedDuration = SignedDuration::from_hours(24 * 180);
/// A tenant has at most so many endpoints that are not deleted.
pub const MOST_ENDPOINTS: usize = 50;
/// How much of a body one item takes, in bytes: an item has at most 400 KB in all.
const PART_BYTES: usize = 300 * 1024;
/// How many rows of a small partition are read at most.
const MOST_ROWS: usize = 2_000;

const DELIVERY: &str = "webhook_delivery";
const RECEIPT: &str = "webhook_receipt";

impl Stored for Endpoint {
    const TABLE: Table = Table::Webhooks;
    const PLURAL: &'static str = "webhook-endpoints";
    const FILTERS: &'static [Filter] = &[Filter::equal("enabled").of(&["true", "false"])];

    fn indexes(_: &Record<Self>) -> Vec<(&'static str, String, String)> {
        Vec::new()
    }

    async fn complete(store: &Store, cx: &Accept, record: &mut Record<Self>, _: &mut Write) -> Result<(), StoreError> {
        record.body.public_key =
            public_key_text(&store.endpoint_seed(cx.tenant, record.meta.id, record.body.generation));
        Ok(())
    }

    async fn complete_change(
        store: &Store,
        cx: &Accept,
        _: &Record<Self>,
        record: &mut Record<Self>,
        write: &mut Write,
    ) -> Result<(), StoreError> {
        Self::complete(store, cx, record, write).await
    }
}

impl Stored for Source {
    const TABLE: Table = Table::Webhooks;
    const PLURAL: &'static str = "webhook-sources";
    const FILTERS: &'static [Filter] = &[
        Filter::equal("enabled").of(&["true", "false"]),
        Filter::equal("kind").of(&["generic", "standard_webhooks", "shopify_orders", "typeform"]),
    ];

    fn indexes(_: &Record<Self>) -> Vec<(&'static str, String, String)> {
        Vec::new()
    }
}

/// A token in a source's address: whose it is and a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookToken {
    /// The tenant.
    pub tenant: TenantId,
    /// The source.
    pub source: RecordId,
    /// The text in the address.
    pub text: String,
}

impl HookToken {
    /// A new token of a source. `secret` is random.
    #[must_use]
    pub fn new(tenant: TenantId, source: RecordId, secret: [u8; 24]) -> Self {
        let mut bytes = Vec::with_capacity(56);
        bytes.extend_from_slice(&tenant.record().as_u128().to_be_bytes());
        bytes.extend_from_slice(&source.as_u128().to_be_bytes());
        bytes.extend_from_slice(&secret);
        Self {
            tenant,
            source,
            text: URL_SAFE_NO_PAD.encode(bytes),
        }
    }

    /// Reads a token; that it is the right one is shown by [`HookToken::digest`] only.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|bytes| bytes.len() == 56)?;
        let part = |from: usize| bytes.get(from..from + 16)?.try_into().ok().map(u128::from_be_bytes);
        Some(Self {
            tenant: TenantId::from_u128(part(0)?),
            source: RecordId::from_u128(Prefix::WebhookSource, part(16)?),
            text: text.to_owned(),
        })
    }

    /// What is stored of it.
    #[must_use]
    pub fn digest(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.text.as_bytes()))
    }
}

/// How a source's messages are known to be its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceKey {
    /// The digest of its token.
    pub digest: String,
    /// Its secret, sealed.
    pub secret: Option<Vec<u8>>,
}

impl SourceKey {
    fn item(&self, tenant: TenantId, source: RecordId) -> Item {
        let mut item = source_key(tenant, source).attributes();
        item.insert("digest".to_owned(), text(&self.digest));
        if let Some(secret) = &self.secret {
            item.insert("secret".to_owned(), AttributeValue::B(Blob::new(secret.clone())));
        }
        item
    }
}

fn source_key(tenant: TenantId, source: RecordId) -> Key {
    Key::new(tenant, "webhook_source_key", source.to_string())
}

/// A delivery as stored: its version, and its body where the log holds no event for it.
#[derive(Clone, Debug)]
pub struct KeptDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// Counts its changes.
    pub version: u64,
    /// The body of a test.
    pub payload: Option<String>,
}

/// A receipt as stored.
#[derive(Clone, Debug)]
pub struct KeptReceipt {
    /// The receipt.
    pub receipt: Receipt,
    item: Item,
}

/// Whether a message is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It was kept.
    New,
    /// It came before, under this id.
    Repeat(RecordId),
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Internal(error.to_string()))
}

fn read<T: serde::de::DeserializeOwned>(item: &Item, what: &str) -> Result<T, StoreError> {
    text_of(item, "doc")
        .and_then(|doc| serde_json::from_str(doc).ok())
        .ok_or_else(|| StoreError::Internal(format!("a stored {what} is unreadable")))
}

fn index(item: &mut Item, tenant: TenantId, noun: &str, index: &str, value: &str, sort: &str) {
    let partition = index_partition(noun, index, value);
    item.insert(index.to_owned(), text(crate::key::partition_of(tenant, &partition)));
    item.insert(format!("{index}_at"), text(sort));
}

/// Endpoints and deliveries.
impl Store {
    /// A key derived from the service's own for one purpose.
    fn derived(&self, purpose: &str) -> [u8; 32] {
        hmac_sha256(&self.cursor_key, format!("derived\n{purpose}").as_bytes())
    }

    /// The shared secret of an endpoint.
    #[must_use]
    pub fn endpoint_secret(&self, tenant: TenantId, endpoint: RecordId, generation: u32) -> [u8; 32] {
        self.derived(&format!("webhook v1\n{tenant}\n{endpoint}\n{generation}"))
    }

    /// The Ed25519 seed of an endpoint.
    #[must_use]
    pub fn endpoint_seed(&self, tenant: TenantId, endpoint: RecordId, generation: u32) -> [u8; 32] {
        self.derived(&format!("webhook v1a\n{tenant}\n{endpoint}\n{generation}"))
    }

    /// The endpoints of a tenant that are not deleted. 1 read unit per 4 KB, strongly consistent: whoever has just made an
    /// endpoint is told of what follows.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn endpoints(&self, tenant: TenantId) -> Result<Vec<Record<Endpoint>>, StoreError> {
        let query = Query {
            consistent: true,
            ..Query::newest(Endpoint::NOUN)
        };
        let items = self.query_all(tenant, Table::Webhooks, &query, MOST_ROWS).await?;
        let rows = items.iter().filter_map(Row::read).filter(|row| !row.gone);
        rows.map(|row| parse(&row.doc)).collect()
    }

    /// Notes that an endpoint took something.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_endpoint_success(
        &self,
        tenant: TenantId,
        endpoint: RecordId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut item = health_key(tenant, endpoint).attributes();
        item.insert("success".to_owned(), number(at.as_millisecond()));
        self.put_items(Table::Webhooks, vec![item]).await
    }

    /// When an endpoint last took something, to the minute or so.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn last_endpoint_success(
        &self,
        tenant: TenantId,
        endpoint: RecordId,
    ) -> Result<Option<Timestamp>, StoreError> {
        let item = self.get_item(Table::Webhooks, &health_key(tenant, endpoint)).await?;
        let millis = item.as_ref().and_then(|item| number_of::<i64>(item, "success"));
        Ok(millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
    }

    fn delivery_item(tenant: TenantId, kept: &KeptDelivery, request: &str) -> Result<Item, StoreError> {
        let KeptDelivery {
            delivery,
            version,
            payload,
        } = kept;
        let id = delivery.id.to_string();
        let mut item = Key::new(tenant, DELIVERY, &id).attributes();
        item.insert("doc".to_owned(), text(json(delivery)?));
        item.insert("v".to_owned(), number(version));
        item.insert("rid".to_owned(), text(request));
        item.insert("expires".to_owned(), number((delivery.created_at + KEPT).as_second()));
        if let Some(payload) = payload {
            item.insert("payload".to_owned(), text(payload));
        }
        let endpoint = delivery.endpoint_id.to_string();
        index(&mut item, tenant, DELIVERY, "by_endpoint_id", &endpoint, &id);
        Ok(item)
    }

    /// Keeps a new delivery. `false` when there is one with its id.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn new_delivery(
        &self,
        tenant: TenantId,
        delivery: &Delivery,
        payload: Option<String>,
    ) -> Result<bool, StoreError> {
        let kept = KeptDelivery {
            delivery: delivery.clone(),
            version: 1,
            payload,
        };
        let mut write = Write::new(tenant);
        write.record(self, Table::Webhooks, Self::delivery_item(tenant, &kept, "")?, 0)?;
        match write.commit(self).await {
            Ok(()) => Ok(true),
            Err(StoreError::Stale(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads a delivery. 1 read unit per 4 KB.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn delivery(&self, tenant: TenantId, id: RecordId) -> Result<KeptDelivery, StoreError> {
        let key = Key::new(tenant, DELIVERY, id.to_string());
        let item = self.get_item(Table::Webhooks, &key).await?.ok_or(StoreError::Missing)?;
        Ok(KeptDelivery {
            delivery: read(&item, "delivery")?,
            version: number_of(&item, "v").unwrap_or(1),
            payload: text_of(&item, "payload").map(str::to_owned),
        })
    }

    /// Replaces a delivery as it was read, with a timer for what follows where it is far off.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody else changed it meanwhile.
    pub async fn save_delivery(
        &self,
        tenant: TenantId,
        mut kept: KeptDelivery,
        timer: Option<&Timer>,
    ) -> Result<(), StoreError> {
        let before = kept.version;
        kept.version += 1;
        let request = RecordId::new(Prefix::Request).to_string();
        let mut write = Write::new(tenant);
        write.record(
            self,
            Table::Webhooks,
            Self::delivery_item(tenant, &kept, &request)?,
            before,
        )?;
        if let Some(timer) = timer {
            write.timer(self, timer)?;
        }
        write.commit(self).await
    }

    /// Deliveries newest first, of one endpoint or all, of one status or any; as JSON. An index serves the endpoint; the
    /// status is tested on what is read, so a page may be short.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn deliveries(
        &self,
        tenant: TenantId,
        endpoint: Option<RecordId>,
        status: Option<DeliveryStatus>,
        limit: usize,
        mut after: Option<Position>,
    ) -> Result<(Vec<String>, Option<Position>), StoreError> {
        let query = match endpoint {
            Some(endpoint) => Query::index(
                "by_endpoint_id",
                index_partition(DELIVERY, "by_endpoint_id", &endpoint.to_string()),
            ),
            None => Query::newest(DELIVERY),
        };
        let (mut docs, mut seen) = (Vec::new(), 0);
        loop {
            // Never more than fit, so that a page always ends where a read ended.
            let page = self
                .query(tenant, Table::Webhooks, &query, limit - docs.len(), after.as_ref())
                .await?;
            seen += page.items.len();
            for doc in page.items.iter().filter_map(|item| text_of(item, "doc")) {
                let fits = match status {
                    None => true,
                    Some(status) => {
                        serde_json::from_str::<Delivery>(doc).is_ok_and(|delivery| delivery.status == status)
                    }
                };
                if fits {
                    docs.push(doc.to_owned());
                }
            }
            after = page.next;
            if docs.len() >= limit || after.is_none() || seen >= MOST_ROWS {
                return Ok((docs, after));
            }
        }
    }
}

fn health_key(tenant: TenantId, endpoint: RecordId) -> Key {
    Key::new(tenant, "webhook_endpoint_health", endpoint.to_string())
}

/// Sources and receipts.
impl Store {
    /// Checks a new source and prepares what writes it with its key.
    ///
    /// # Errors
    /// [`StoreError::Invalid`], or that the store does not answer.
    pub async fn plan_source(
        &self,
        cx: &Accept,
        common: Common,
        input: <Source as Kind>::In,
        id: RecordId,
        key: &SourceKey,
    ) -> Result<Planned<Source>, StoreError> {
        let mut invalid = Invalid::default();
        let common = invalid.take(common.check::<Source>(&cx.rules));
        let body = invalid.take(Source::create(input, &cx.rules));
        invalid.check()?;
        let (Some(common), Some(mut body)) = (common, body) else {
            return Err(StoreError::Internal("no fault and no source".to_owned()));
        };
        body.signed = key.secret.is_some();
        let record = Record::new(id, body, common, &cx.actor, cx.rules.now);
        let mut planned = self.plan_new(cx, record).await?;
        planned.write.put(self, Table::Webhooks, key.item(cx.tenant, id))?;
        Ok(planned)
    }

    /// Writes what was planned, with the answer to its request.
    ///
    /// # Errors
    /// As [`Write::commit`].
    pub async fn commit_planned<K: Stored>(
        &self,
        cx: &Accept,
        mut planned: Planned<K>,
        idempotency: Option<&Idempotency>,
    ) -> Result<Planned<K>, StoreError> {
        if let Some(idempotency) = idempotency {
            let answer = Answer {
                status: 201,
                location: Some(format!("/v1/{}/{}", K::PLURAL, planned.record.meta.id)),
                etag: Some("\"1\"".to_owned()),
                body: planned.doc.clone(),
            };
            planned.write.answer(self, idempotency, &answer, cx.rules.now)?;
        }
        planned.write.clone().commit(self).await?;
        Ok(planned)
    }

    /// A source and its key, in one call. `None` when either is missing or the source is deleted.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn source_and_key(
        &self,
        tenant: TenantId,
        source: RecordId,
    ) -> Result<Option<(Record<Source>, SourceKey)>, StoreError> {
        let keys = [Key::record(tenant, Source::NOUN, source), source_key(tenant, source)];
        let items = self.get_items(Table::Webhooks, &keys, true).await?;
        let row = items.iter().find_map(Row::read).filter(|row| !row.gone);
        let key = items.iter().find_map(|item| {
            Some(SourceKey {
                digest: text_of(item, "digest")?.to_owned(),
                secret: item
                    .get("secret")
                    .and_then(|value| value.as_b().ok())
                    .map(|blob| blob.as_ref().to_vec()),
            })
        });
        match (row, key) {
            (Some(row), Some(key)) => Ok(Some((parse(&row.doc)?, key))),
            _ => Ok(None),
        }
    }

    /// Replaces a source's key together with a new version of the source.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the source was changed meanwhile.
    pub async fn change_source_key(
        &self,
        cx: &Accept,
        old: &Record<Source>,
        key: &SourceKey,
    ) -> Result<Planned<Source>, StoreError> {
        let body = Source {
            signed: key.secret.is_some(),
            ..old.body.clone()
        };
        let new = old.with_body(body, &cx.actor, cx.rules.now);
        let mut planned = self.plan_change(cx, old, new).await?;
        planned
            .write
            .put(self, Table::Webhooks, key.item(cx.tenant, old.meta.id))?;
        planned.write.clone().commit(self).await?;
        Ok(planned)
    }

    /// Keeps what a source posted, unless a message with the same key came within `window`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn receive(
        &self,
        tenant: TenantId,
        receipt: &Receipt,
        body: &[u8],
        key: &str,
        window: SignedDuration,
    ) -> Result<Arrival, StoreError> {
        let source = receipt.source_id;
        let now = receipt.received_at;
        let seen = Key::unique(tenant, "webhook_seen", &source.to_string(), key);
        let mut parts = body.chunks(PART_BYTES);
        let mut item = receipt_key(tenant, source, receipt.id).attributes();
        let first = parts.next().unwrap_or_default().to_vec();
        item.insert("body".to_owned(), AttributeValue::B(Blob::new(first)));
        item.insert("v".to_owned(), number(1));
        set_receipt(&mut item, tenant, receipt, now)?;
        let rest: Vec<Item> = parts
            .enumerate()
            .map(|(n, part)| {
                let mut item = body_key(tenant, receipt.id, n).attributes();
                item.insert("body".to_owned(), AttributeValue::B(Blob::new(part.to_vec())));
                item.insert("expires".to_owned(), number((now + LOOKED_AFTER).as_second()));
                item
            })
            .collect();
        if !rest.is_empty() {
            item.insert("parts".to_owned(), number(rest.len()));
            self.put_items(Table::Webhooks, rest).await?;
        }
        let mut guard = seen.attributes();
        guard.insert("receipt".to_owned(), text(receipt.id.to_string()));
        guard.insert("expires".to_owned(), number((now + window).as_second()));
        let guard = Put::builder()
            .table_name(self.table(Table::Webhooks)?)
            .set_item(Some(guard))
            // Expired items may linger for days before they are swept.
            .condition_expression("attribute_not_exists(pk) OR expires <= :now")
            .expression_attribute_values(":now", number(now.as_second()))
            .build()
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        let mut write = Write::new(tenant);
        write.other(
            TransactWriteItem::builder().put(guard).build(),
            "this message came before",
        );
        write.put(self, Table::Webhooks, item)?;
        match write.commit(self).await {
            Ok(()) => Ok(Arrival::New),
            Err(StoreError::Conflict { .. }) => {
                let item = self.get_item(Table::Webhooks, &seen).await?;
                let id = item.as_ref().and_then(|item| text_of(item, "receipt"));
                let id = id.and_then(|id| RecordId::parse(Prefix::Delivery, id).ok());
                id.map(Arrival::Repeat)
                    .ok_or_else(|| StoreError::Unavailable("a message's guard moved".to_owned()))
            }
            Err(error) => Err(error),
        }
    }

    /// Reads a receipt. 1 read unit per 4 KB.
    ///
    /// # Errors
    /// [`StoreError::Missing`], or that the store does not answer.
    pub async fn receipt(&self, tenant: TenantId, source: RecordId, id: RecordId) -> Result<KeptReceipt, StoreError> {
        let key = receipt_key(tenant, source, id);
        let item = self.get_item(Table::Webhooks, &key).await?.ok_or(StoreError::Missing)?;
        Ok(KeptReceipt {
            receipt: read(&item, "receipt")?,
            item,
        })
    }

    /// The bytes that were posted.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn receipt_body(&self, tenant: TenantId, kept: &KeptReceipt) -> Result<Vec<u8>, StoreError> {
        let bytes = |item: &Item| {
            let body = item.get("body").and_then(|value| value.as_b().ok());
            body.map(|blob| blob.as_ref().to_vec()).unwrap_or_default()
        };
        let mut body = bytes(&kept.item);
        for n in 0..number_of::<usize>(&kept.item, "parts").unwrap_or(0) {
            let key = body_key(tenant, kept.receipt.id, n);
            let item = self.get_item(Table::Webhooks, &key).await?;
            body.extend(bytes(&item.ok_or_else(|| {
                StoreError::Internal("a part of a body is missing".to_owned())
            })?));
        }
        Ok(body)
    }

    /// Replaces a receipt as it was read.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody else changed it meanwhile.
    pub async fn save_receipt(&self, tenant: TenantId, kept: KeptReceipt, now: Timestamp) -> Result<(), StoreError> {
        let KeptReceipt { receipt, mut item } = kept;
        let version: u64 = number_of(&item, "v").unwrap_or(1);
        item.insert("v".to_owned(), number(version + 1));
        item.insert("rid".to_owned(), text(RecordId::new(Prefix::Request).to_string()));
        set_receipt(&mut item, tenant, &receipt, now)?;
        let mut write = Write::new(tenant);
        write.record(self, Table::Webhooks, item, version)?;
        write.commit(self).await
    }

    /// What a source posted, newest first: all of it, or what is `failed` or `received`.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn receipts(
        &self,
        tenant: TenantId,
        source: RecordId,
        status: Option<ReceiptStatus>,
        limit: usize,
        after: Option<&Position>,
    ) -> Result<(Vec<Receipt>, Option<Position>), StoreError> {
        let query = match status {
            Some(status) => {
                let partition = index_partition(RECEIPT, "by_source_id", &of_status(source, status));
                Query::index("by_source_id", partition)
            }
            None => Query::newest(receipts_of(source)),
        };
        let page = self.query(tenant, Table::Webhooks, &query, limit, after).await?;
        let receipts = page
            .items
            .iter()
            .map(|item| read(item, "receipt"))
            .collect::<Result<_, _>>()?;
        Ok((receipts, page.next))
    }

    /// How new the state of a source's record is that was applied last.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn applied(
        &self,
        tenant: TenantId,
        source: RecordId,
        external: &str,
    ) -> Result<Option<String>, StoreError> {
        let item = self
            .get_item(Table::Webhooks, &applied_key(tenant, source, external))
            .await?;
        Ok(item.as_ref().and_then(|item| text_of(item, "at")).map(str::to_owned))
    }

    /// Notes how new the state of a source's record is that was applied.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note_applied(
        &self,
        tenant: TenantId,
        source: RecordId,
        external: &str,
        at: &str,
    ) -> Result<(), StoreError> {
        let mut item = applied_key(tenant, source, external).attributes();
        item.insert("at".to_owned(), text(at));
        // By which it is found when all that came from the source is erased.
        index(
            &mut item,
            tenant,
            "webhook_applied",
            "by_source_id",
            &source.to_string(),
            at,
        );
        self.put_items(Table::Webhooks, vec![item]).await
    }
}

fn receipts_of(source: RecordId) -> String {
    format!("{RECEIPT}#{source}")
}

/// What a source posted and has a status, in the index.
fn of_status(source: RecordId, status: ReceiptStatus) -> String {
    format!("{source}#{}", status.as_str())
}

fn receipt_key(tenant: TenantId, source: RecordId, id: RecordId) -> Key {
    Key::new(tenant, &receipts_of(source), id.to_string())
}

fn body_key(tenant: TenantId, id: RecordId, part: usize) -> Key {
    Key::new(tenant, &format!("webhook_body#{id}"), format!("{part:03}"))
}

fn applied_key(tenant: TenantId, source: RecordId, external: &str) -> Key {
    Key::unique(tenant, "webhook_applied", &source.to_string(), external)
}

/// Puts a receipt's present state into its item: what waits or failed is in the index and stays; the rest goes after a time.
fn set_receipt(item: &mut Item, tenant: TenantId, receipt: &Receipt, now: Timestamp) -> Result<(), StoreError> {
    item.insert("doc".to_owned(), text(json(receipt)?));
    for name in ["by_source_id", "by_source_id_at"] {
        item.remove(name);
    }
    let waits = matches!(receipt.status, ReceiptStatus::Received | ReceiptStatus::Failed);
    if waits {
        let id = receipt.id.to_string();
        let value = of_status(receipt.source_id, receipt.status);
        index(item, tenant, RECEIPT, "by_source_id", &value, &id);
    }
    let end = receipt.received_at + LOOKED_AFTER;
    let end = if waits { end } else { end.min(now + KEPT) };
    item.insert("expires".to_owned(), number(end.as_second()));
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_token_carries_whose_it_is() {
        let (tenant, source) = (TenantId::new(), RecordId::new(Prefix::WebhookSource));
        let token = HookToken::new(tenant, source, [7; 24]);
        let parsed = HookToken::parse(&token.text).unwrap();
        assert_eq!((&parsed, parsed.digest()), (&token, token.digest()));
        assert_ne!(token.digest(), HookToken::new(tenant, source, [8; 24]).digest());
        let cut = &token.text[..token.text.len() - 1];
        for bad in [
            "",
            "x",
            cut,
            &format!("{}A", token.text),
            &token.text.replace(&token.text[..1], "*"),
        ] {
            assert_eq!(HookToken::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_what_needs_looking_at_is_in_the_index_and_it_lasts_as_long_as_its_body() {
        let (tenant, source) = (TenantId::new(), RecordId::new(Prefix::WebhookSource));
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        for (status, indexed) in [
            (ReceiptStatus::Received, true),
            (ReceiptStatus::Failed, true),
            (ReceiptStatus::Applied, false),
            (ReceiptStatus::Ignored, false),
        ] {
            let receipt = Receipt {
                id: RecordId::new(Prefix::Delivery),
                source_id: source,
                received_at: now,
                status,
                content_type: None,
                headers: std::collections::BTreeMap::new(),
                bytes: 0,
                reason: None,
                problems: Vec::new(),
                record_id: None,
                replays: 0,
            };
            let mut item = Item::from([
                ("expires".to_owned(), number(1)),
                ("by_source_id".to_owned(), text("x")),
            ]);
            set_receipt(&mut item, tenant, &receipt, now).unwrap();
            let expected = format!("{tenant}#webhook_receipt#source_id#{source}#{}", status.as_str());
            assert_eq!(
                text_of(&item, "by_source_id"),
                indexed.then_some(expected.as_str()),
                "{status:?}"
            );
            let days = if indexed { 180 } else { 30 };
            let end = now + SignedDuration::from_hours(24 * days);
            assert_eq!(number_of(&item, "expires"), Some(end.as_second()), "{status:?}");
        }
    }
}
