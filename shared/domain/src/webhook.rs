//! Webhooks: the endpoints of subscribers that we tell of events, how often a delivery is tried, where it may go; and
//! the sources that tell us things. What a source's messages mean is in [`crate::intake`], signatures in
//! [`crate::signature`].

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::event;
use crate::id::{Prefix, RecordId};
use crate::intake;
use crate::invalid::Invalid;
use crate::record::{Kind, Rules, is_source};
use crate::text;

/// How long the secret before a rotation goes on signing.
pub const ROTATION: SignedDuration = SignedDuration::from_hours(24);

/// How long after each attempt the next one follows, from Standard Webhooks: about three days in all.
pub const SCHEDULE: [SignedDuration; 10] = [
    SignedDuration::ZERO,
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
    SignedDuration::from_hours(20),
    SignedDuration::from_hours(24),
];

/// How much of an endpoint's answer is kept, in bytes.
pub const MOST_RESPONSE: usize = 1_024;

/// How many attempts a delivery remembers.
pub const MOST_ATTEMPTS: usize = 20;

/// Above this many bytes an event's record is left out of what is told: the receiver reads it by its id.
pub const MOST_PAYLOAD: usize = 20 * 1_024;

const fn yes() -> bool {
    true
}

/// What a caller may say of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointIn {
    /// Where events are posted: an https address.
    pub url: String,
    /// Which events: types, `<noun>.*` or `*`. None means all.
    #[serde(default)]
    pub event_types: Vec<String>,
    /// Whether anything is sent.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Why an endpoint is not sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisabledReason {
    /// Somebody switched it off.
    ByUser,
    /// It answered 410.
    Gone,
    /// Nothing reached it for days.
    Failing,
}

/// An endpoint as kept. Its secrets are derived from the service's own key and `generation`; none is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct Endpoint {
    pub url: String,
    pub event_types: Vec<String>,
    pub enabled: bool,
    pub description: Option<String>,
    /// Why it is not enabled.
    pub disabled_reason: Option<DisabledReason>,
    /// The Ed25519 key that verifies `v1a` signatures, `whpk_…`.
    pub public_key: String,
    /// Counts the rotations of its secret, from 1.
    pub generation: u32,
    /// When the secret was last rotated; the one before signs for 24 hours more.
    #[serde(default, with = "crate::settings::millis::option")]
    #[schema(value_type = Option<String>)]
    pub rotated_at: Option<Timestamp>,
}

impl Endpoint {
    fn build(input: EndpointIn) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let EndpointIn {
            url,
            mut event_types,
            enabled,
            description,
        } = input;
        let url = invalid.take(target(&url, true)).map(String::from);
        if event_types.len() > 100 {
            invalid.add("event_types", "too_many", "at most 100 types");
        }
        for (n, kind) in event_types.iter().enumerate() {
            if !event::is_pattern(kind) {
                let detail = format!("'{kind}' is not a type of event, <noun>.* or *");
                invalid.add(&format!("event_types/{n}"), "event_type_unknown", detail);
            }
        }
        let mut said = BTreeSet::new();
        event_types.retain(|kind| said.insert(kind.clone()));
        let description = invalid.take(text::optional("description", description, 500)).flatten();
        invalid.check()?;
        Ok(Self {
            url: url.unwrap_or_default(),
            event_types,
            enabled,
            description,
            disabled_reason: (!enabled).then_some(DisabledReason::ByUser),
            public_key: String::new(),
            generation: 1,
            rotated_at: None,
        })
    }

    /// Whether it wants to be told of events of a type.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        self.enabled && event::matches(&self.event_types, kind)
    }

    /// With a new secret; its public key is set by whoever holds the service's key.
    #[must_use]
    pub fn rotated(&self, now: Timestamp) -> Self {
        Self {
            generation: self.generation + 1,
            rotated_at: Some(now),
            ..self.clone()
        }
    }

    /// Switched off.
    #[must_use]
    pub fn disabled(&self, reason: DisabledReason) -> Self {
        Self {
            enabled: false,
            disabled_reason: Some(reason),
            ..self.clone()
        }
    }

    /// The generations of the secret that sign at a moment, newest first.
    #[must_use]
    pub fn signing(&self, now: Timestamp) -> Vec<u32> {
        let before = self.rotated_at.filter(|at| now.duration_since(*at) < ROTATION);
        let before = before
            .and(self.generation.checked_sub(1))
            .filter(|generation| *generation > 0);
        std::iter::once(self.generation).chain(before).collect()
    }
}

impl Kind for Endpoint {
    const NOUN: &'static str = "webhook_endpoint";
    const PREFIX: Prefix = Prefix::WebhookEndpoint;
    type In = EndpointIn;

    fn create(input: EndpointIn, _: &Rules) -> Result<Self, Invalid> {
        Self::build(input)
    }

    fn editable(&self) -> EndpointIn {
        let Self {
            url,
            event_types,
            enabled,
            description,
            ..
        } = self.clone();
        EndpointIn {
            url,
            event_types,
            enabled,
            description,
        }
    }

    fn revise(&self, input: EndpointIn, _: &Rules) -> Result<Self, Invalid> {
        let next = Self::build(input)?;
        Ok(Self {
            disabled_reason: next.disabled_reason.map(|new| self.disabled_reason.unwrap_or(new)),
            public_key: self.public_key.clone(),
            generation: self.generation,
            rotated_at: self.rotated_at,
            ..next
        })
    }
}

/// Checks where a webhook is to go. Names that resolve to private addresses are found only when connecting.
///
/// # Errors
/// [`Invalid`] at `url`.
pub fn target(text: &str, allow_private: bool) -> Result<Url, Invalid> {
    let refuse = |code, detail: &str| Err(Invalid::one("url", code, detail));
    if text.len() > 2_000 {
        return refuse("too_long", "an address has at most 2,000 characters");
    }
    let Ok(url) = Url::parse(text.trim()) else {
        return refuse(
            "url_malformed",
            "this is not an address such as https://example.com/hook",
        );
    };
    let (Some(host), true) = (url.host(), matches!(url.scheme(), "https" | "http")) else {
        return refuse("url_malformed", "this is not an https address");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("url_credentials", "an address must not carry a name or password");
    }
    if url.fragment().is_some() {
        return refuse("url_malformed", "an address must not carry a fragment");
    }
    if allow_private {
        return Ok(url);
    }
    if url.scheme() != "https" {
        return refuse("url_insecure", "only https addresses are told of events");
    }
    if url.port().is_some_and(|port| port < 1_024) {
        return refuse("url_port", "the port must be 443 or at least 1024");
    }
    let private = match host {
        Host::Ipv4(address) => !is_public(address.into()),
        Host::Ipv6(address) => !is_public(address.into()),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            !name.contains('.')
                || [".localhost", ".localdomain", ".local", ".internal", ".home.arpa"]
                    .iter()
                    .any(|end| name.ends_with(end))
        }
    };
    if private {
        return refuse("url_private", "the address is not on the public internet");
    }
    Ok(url)
}

/// Whether an address is on the public internet: none of the special-purpose ranges of the IANA registries, nor an IPv6
/// form that leads to one of IPv4's.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(a, 0 | 10 | 127 | 224..)
        || (a == 100 && b & 0xc0 == 64)
        || (a == 169 && b == 254)
        || (a == 172 && b & 0xf0 == 16)
        || (a == 192 && b == 168)
        || (a == 192 && b == 0 && matches!(c, 0 | 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && matches!(b, 18 | 19))
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113);
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, ..] = address.segments();
    // Only 2000::/3 is handed out as global unicast; all embedded and translated forms but 6to4 lie outside.
    let global = a & 0xe000 == 0x2000;
    let special = (a == 0x2001 && (b < 0x0200 || b == 0x0db8)) || (a == 0x3fff && b < 0x1000);
    let inner = (a == 0x2002).then(|| {
        let ([b, c], [d, e]) = (b.to_be_bytes(), c.to_be_bytes());
        Ipv4Addr::new(b, c, d, e)
    });
    global && !special && inner.is_none_or(is_public_v4)
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It will be tried, or tried again.
    Pending,
    /// The endpoint took it.
    Succeeded,
    /// The endpoint never took it.
    Failed,
    /// The endpoint was disabled or deleted meanwhile.
    Cancelled,
}

impl DeliveryStatus {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One attempt of a delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attempt {
    /// Which it was, from 0.
    pub number: u32,
    /// When.
    #[serde(with = "crate::settings::millis")]
    #[schema(value_type = String)]
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// The HTTP status, when there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Why there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The beginning of the answer, at most 1 KB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<String>,
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    /// Its id, derived from endpoint and event: a repeat makes no second one.
    pub id: RecordId,
    /// The endpoint.
    pub endpoint_id: RecordId,
    /// The event.
    pub event_id: RecordId,
    /// The type of event.
    pub event_type: String,
    /// The record the event is about.
    pub subject: String,
    /// The noun under which the log holds the event.
    pub noun: String,
    /// The version of the record in the event.
    pub subject_version: u64,
    /// What became of it.
    pub status: DeliveryStatus,
    /// How many attempts there were.
    pub attempt_count: u32,
    /// The number of the first attempt since it was made or last replayed.
    pub series_start: u32,
    /// The latest attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// When it was made.
    #[serde(with = "crate::settings::millis")]
    #[schema(value_type = String)]
    pub created_at: Timestamp,
    /// When it is tried next.
    #[serde(
        default,
        with = "crate::settings::millis::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub next_attempt_at: Option<Timestamp>,
}

/// What the log calls an event that is in no log: a test.
pub const TEST_NOUN: &str = "test";

impl Delivery {
    /// A delivery of an event to an endpoint.
    #[must_use]
    pub fn new(endpoint: RecordId, noun: &str, event: &event::Event, now: Timestamp) -> Self {
        Self {
            id: RecordId::derived(Prefix::Delivery, event.time, &format!("{endpoint}\n{}", event.id)),
            endpoint_id: endpoint,
            event_id: event.id,
            event_type: event.kind.clone(),
            subject: event.subject.clone(),
            noun: noun.to_owned(),
            subject_version: event.version,
            status: DeliveryStatus::Pending,
            attempt_count: 0,
            series_start: 0,
            attempts: Vec::new(),
            created_at: now,
            next_attempt_at: Some(now),
        }
    }

    /// Notes an attempt and decides what follows. `chance` (0 to 1) spreads the next attempt by up to a tenth;
    /// `retry_after` is what the endpoint asked for. Says whether the endpoint is gone.
    pub fn note(&mut self, attempt: Attempt, retry_after: Option<SignedDuration>, chance: f64) -> bool {
        let (at, status) = (attempt.at, attempt.status);
        self.attempt_count = attempt.number + 1;
        self.attempts.push(attempt);
        let surplus = self.attempts.len().saturating_sub(MOST_ATTEMPTS);
        self.attempts.drain(..surplus);
        let gone = status == Some(410);
        let taken = status.is_some_and(|status| (200..300).contains(&status));
        let wait = SCHEDULE.get((self.attempt_count - self.series_start) as usize);
        (self.status, self.next_attempt_at) = match wait {
            _ if taken => (DeliveryStatus::Succeeded, None),
            Some(wait) if !gone => {
                let spread =
                    SignedDuration::try_from_secs_f64(wait.as_secs_f64() * (1.0 + 0.1 * chance.clamp(0.0, 1.0)));
                let asked = retry_after.unwrap_or_default().min(SignedDuration::from_hours(24));
                (DeliveryStatus::Pending, Some(at + spread.unwrap_or(*wait).max(asked)))
            }
            _ => (DeliveryStatus::Failed, None),
        };
        gone
    }

    /// Begins a new series of attempts.
    pub fn replay(&mut self, now: Timestamp) {
        self.series_start = self.attempt_count;
        self.status = DeliveryStatus::Pending;
        self.next_attempt_at = Some(now);
    }

    /// Ends it without success because nobody is there to take it.
    pub fn cancel(&mut self) {
        self.status = DeliveryStatus::Cancelled;
        self.next_attempt_at = None;
    }
}

/// How long `Retry-After` asks to wait: seconds or an HTTP date.
#[must_use]
pub fn retry_after(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(SignedDuration::from_secs(i64::from(seconds)));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(at.duration_since(now).max(SignedDuration::ZERO))
}

/// What is posted to an endpoint: the event in the form of Standard Webhooks.
#[must_use]
pub fn payload(event: &event::Event) -> String {
    let body = |data: &serde_json::Value, previous: &serde_json::Value, cut: bool| {
        let mut body = serde_json::json!({
            "type": event.kind,
            "timestamp": crate::settings::millis::text(event.time),
            "id": event.id,
            "subject": event.subject,
            "version": event.version,
            "data": data,
            "previous": previous,
        });
        if cut {
            body["truncated"] = true.into();
        }
        body.to_string()
    };
    let whole = body(&event.data, &serde_json::Value::Object(event.previous.clone()), false);
    if whole.len() <= MOST_PAYLOAD {
        return whole;
    }
    let fields = event
        .previous
        .keys()
        .map(|name| (name.clone(), serde_json::Value::Null))
        .collect();
    let data = serde_json::json!({ "id": event.subject, "version": event.version });
    body(&data, &serde_json::Value::Object(fields), true)
}

/// Who posts to us, which says how a message is verified and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Anybody who can post JSON or a form; signed with HMAC where a secret is set.
    Generic,
    /// A sender that follows Standard Webhooks.
    StandardWebhooks,
    /// Orders of a Shopify shop.
    ShopifyOrders,
    /// Answers to a Typeform form.
    Typeform,
}

impl SourceKind {
    /// How long a repeat of a message is recognised: longer than the sender tries.
    #[must_use]
    pub const fn repeats_within(self) -> SignedDuration {
        match self {
            Self::Generic => SignedDuration::from_hours(24),
            Self::StandardWebhooks | Self::ShopifyOrders | Self::Typeform => SignedDuration::from_hours(7 * 24),
        }
    }

    /// Whether messages are refused unless signed.
    #[must_use]
    pub const fn must_sign(self) -> bool {
        !matches!(self, Self::Generic)
    }

    /// Under which source the ids of its records are kept unless said otherwise.
    #[must_use]
    pub const fn external_source(self) -> &'static str {
        match self {
            Self::Generic | Self::StandardWebhooks => "webhook",
            Self::ShopifyOrders => "shopify",
            Self::Typeform => "typeform",
        }
    }
}

/// What a source's messages become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Target {
    Lead,
    Contact,
    Order,
}

/// What a caller may say of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceIn {
    /// Who posts. Cannot be changed later.
    pub kind: SourceKind,
    /// A name for people.
    pub name: String,
    /// What its messages become: `order` for a shop, `lead` unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Which part of a message gives which field: `{"email": "$.contact.email", "source": "=fair"}`. Without, fields are
    /// taken by their own names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mapping: BTreeMap<String, String>,
    /// Under which source external ids are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_source: Option<String>,
    /// Whether messages are taken.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// A source as kept. Its token and secret lie apart from it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[allow(missing_docs)]
pub struct Source {
    pub kind: SourceKind,
    pub name: String,
    pub target: Target,
    #[serde(default)]
    pub mapping: BTreeMap<String, String>,
    pub external_source: String,
    pub enabled: bool,
    /// Whether a secret is set.
    pub signed: bool,
}

impl Source {
    fn build(input: SourceIn) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        let SourceIn {
            kind,
            name,
            target,
            mapping,
            external_source,
            enabled,
        } = input;
        let name = invalid
            .take(text::required("name", Some(name), 100))
            .unwrap_or_default();
        let usual = match kind {
            SourceKind::ShopifyOrders => Target::Order,
            _ => Target::Lead,
        };
        let target = target.unwrap_or(usual);
        if kind == SourceKind::ShopifyOrders && target != Target::Order {
            invalid.add("target", "not_allowed", "a shop's messages become orders");
        }
        if mapping.len() > 100 {
            invalid.add("mapping", "too_many", "at most 100 fields");
        }
        for (field, path) in &mapping {
            invalid.take(intake::check_mapping(target, field, path));
        }
        let external_source = external_source.unwrap_or_else(|| kind.external_source().to_owned());
        if !is_source(&external_source) {
            let detail = "a source is a-z, 0-9, _ and -, at most 40 characters, and not 'email'";
            invalid.add("external_source", "key_malformed", detail);
        }
        invalid.check()?;
        Ok(Self {
            kind,
            name,
            target,
            mapping,
            external_source,
            enabled,
            signed: false,
        })
    }
}

impl Kind for Source {
    const NOUN: &'static str = "webhook_source";
    const PREFIX: Prefix = Prefix::WebhookSource;
    type In = SourceIn;

    fn create(input: SourceIn, _: &Rules) -> Result<Self, Invalid> {
        Self::build(input)
    }

    fn editable(&self) -> SourceIn {
        let Self {
            kind,
            name,
            target,
            mapping,
            external_source,
            enabled,
            signed: _,
        } = self.clone();
        SourceIn {
            kind,
            name,
            target: Some(target),
            mapping,
            external_source: Some(external_source),
            enabled,
        }
    }

    fn revise(&self, input: SourceIn, _: &Rules) -> Result<Self, Invalid> {
        if input.kind != self.kind {
            return Err(Invalid::one("kind", "not_allowed", "a source's kind cannot be changed"));
        }
        Ok(Self {
            signed: self.signed,
            ..Self::build(input)?
        })
    }
}

/// What became of a message that a source posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// It waits to be applied.
    Received,
    /// It was applied.
    Applied,
    /// It was put aside with a reason: a test, a message of no interest, one that came too late.
    Ignored,
    /// It could not be applied.
    Failed,
}

impl ReceiptStatus {
    /// The word in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Applied => "applied",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
        }
    }
}

/// A message that a source posted; its bytes lie beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Receipt {
    /// Its id.
    pub id: RecordId,
    /// The source.
    pub source_id: RecordId,
    /// When it came.
    #[serde(with = "crate::settings::millis")]
    #[schema(value_type = String)]
    pub received_at: Timestamp,
    /// What became of it.
    pub status: ReceiptStatus,
    /// Its media type as given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Headers that say what it is.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How many bytes it has.
    pub bytes: usize,
    /// Why it failed or was put aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What is wrong with it, field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub problems: Vec<serde_json::Value>,
    /// The record it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record_id: Option<RecordId>,
    /// How often it was replayed.
    #[serde(default)]
    pub replays: u32,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn nasty_hosts_are_refused() {
        for (url, expected) in [
            ("https://example.com/hook", None),
            ("https://example.com:8443/hook?x=1", None),
            ("https://93.184.215.14/", None),
            ("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/", None),
            // Beside what is special.
            ("https://100.1.1.1/", None),
            ("https://169.1.1.1/", None),
            ("https://172.1.1.1/", None),
            ("https://192.1.1.1/", None),
            ("https://8.168.1.1/", None),
            ("https://192.0.1.1/", None),
            ("https://192.88.1.1/", None),
            ("https://8.88.99.1/", None),
            ("https://8.18.1.1/", None),
            ("https://198.51.1.1/", None),
            ("https://8.51.100.1/", None),
            ("https://203.0.1.1/", None),
            ("https://8.0.113.1/", None),
            ("https://[2001:200::1]/", None),
            ("https://[3fff:1000::1]/", None),
            ("https://[3fff:fff::1]/", Some("url_private")),
            ("https://[2600:100::1]/", None),
            ("https://[2600:db8::1]/", None),
            ("http://example.com/", Some("url_insecure")),
            ("ftp://example.com/", Some("url_malformed")),
            ("file:///etc/passwd", Some("url_malformed")),
            ("javascript:alert(1)", Some("url_malformed")),
            ("//example.com", Some("url_malformed")),
            ("", Some("url_malformed")),
            ("https://user:pass@example.com/", Some("url_credentials")),
            ("https://user@example.com/", Some("url_credentials")),
            ("https://example.com/#x", Some("url_malformed")),
            ("https://example.com:22/", Some("url_port")),
            ("https://localhost/", Some("url_private")),
            ("https://LOCALHOST./", Some("url_private")),
            ("https://a.localhost/", Some("url_private")),
            ("https://localhost.localdomain/", Some("url_private")),
            ("https://printer.local/", Some("url_private")),
            ("https://metadata.google.internal/", Some("url_private")),
            ("https://intranet/", Some("url_private")),
            ("https://127.0.0.1/", Some("url_private")),
            ("https://127.1/", Some("url_private")),
            ("https://2130706433/", Some("url_private")),
            ("https://017700000001/", Some("url_private")),
            ("https://0x7f000001/", Some("url_private")),
            ("https://0x7f.0.0x0.1/", Some("url_private")),
            ("https://0/", Some("url_private")),
            ("https://①②⑦.⓪.⓪.①/", Some("url_private")),
            ("https://169.254.169.254/latest/meta-data/", Some("url_private")),
            ("https://100.100.100.200/", Some("url_private")),
            ("https://10.0.0.1/", Some("url_private")),
            ("https://172.31.255.255/", Some("url_private")),
            ("https://192.168.1.1/", Some("url_private")),
            ("https://198.18.0.1/", Some("url_private")),
            ("https://224.0.0.1/", Some("url_private")),
            ("https://255.255.255.255/", Some("url_private")),
            ("https://[::1]/", Some("url_private")),
            ("https://[::]/", Some("url_private")),
            ("https://[::ffff:127.0.0.1]/", Some("url_private")),
            ("https://[::ffff:7f00:1]/", Some("url_private")),
            ("https://[::127.0.0.1]/", Some("url_private")),
            ("https://[64:ff9b::a00:1]/", Some("url_private")),
            ("https://[2002:7f00:1::]/", Some("url_private")),
            ("https://[2001::1]/", Some("url_private")),
            ("https://[2001:db8::1]/", Some("url_private")),
            ("https://[fc00::1]/", Some("url_private")),
            ("https://[fd00:ec2::254]/", Some("url_private")),
            ("https://[fe80::1]/", Some("url_private")),
            ("https://[ff02::1]/", Some("url_private")),
        ] {
            let code = target(url, false).err().map(|invalid| invalid.problems[0].code);
            assert_eq!(code, expected, "{url}");
        }
        assert!(target("http://127.0.0.1:9000/hook", true).is_ok());
        assert!(target("http://a:b@127.0.0.1:9000/hook", true).is_err());
    }

    fn event(data: serde_json::Value) -> event::Event {
        let time = "2026-11-22T00:00:00Z".parse().unwrap();
        event::Event {
            id: event::id("lead_1", 3, "lead.updated", time),
            kind: "lead.updated".into(),
            time,
            subject: "lead_1".into(),
            version: 3,
            data,
            previous: serde_json::Map::from_iter([("name".to_owned(), "A".into())]),
        }
    }

    #[test]
    fn what_is_posted_is_short() {
        let short = payload(&event(serde_json::json!({"id":"lead_1"})));
        assert!(
            short.starts_with(r#"{"type":"lead.updated","timestamp":"2026-11-22T00:00:00.000Z","id":"evt_"#),
            "{short}"
        );
        let noted = |length| payload(&event(serde_json::json!({"note": "x".repeat(length)})));
        let left = 20 * 1_024 - noted(0).len();
        let longest = noted(left);
        assert_eq!((longest.len(), longest.contains("truncated")), (20_480, false));
        let long: serde_json::Value = serde_json::from_str(&noted(left + 1)).unwrap();
        assert_eq!(long["data"], serde_json::json!({"id":"lead_1","version":3}));
        assert_eq!(
            (&long["truncated"], &long["previous"]),
            (&true.into(), &serde_json::json!({"name":null}))
        );
    }

    #[test]
    fn attempts_follow_the_schedule_until_they_end() {
        use DeliveryStatus::{Failed, Pending, Succeeded};
        let start: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        for (statuses, expected, gone, hours) in [
            (vec![Some(200)], Succeeded, false, 0),
            (vec![Some(204)], Succeeded, false, 0),
            (vec![Some(500), None, Some(200)], Succeeded, false, 0),
            (vec![Some(302)], Pending, false, 0),
            (vec![Some(410)], Failed, true, 0),
            (vec![Some(404); 9], Pending, false, 75),
            (vec![None; 10], Failed, false, 75),
        ] {
            let mut delivery = Delivery::new(
                RecordId::new(Prefix::WebhookEndpoint),
                "lead",
                &event(serde_json::json!({})),
                start,
            );
            let mut ended = false;
            for (n, status) in statuses.iter().enumerate() {
                let at = delivery.next_attempt_at.unwrap();
                let attempt = Attempt {
                    number: n as u32,
                    at,
                    millis: 1,
                    status: *status,
                    error: None,
                    response: None,
                };
                ended = delivery.note(attempt, None, 0.0);
            }
            assert_eq!((delivery.status, ended), (expected, gone), "{statuses:?}");
            let last = delivery.next_attempt_at.unwrap_or(delivery.attempts.last().unwrap().at);
            assert_eq!(last.duration_since(start).as_hours(), hours, "{statuses:?}");
        }
    }

    #[test]
    fn an_endpoint_may_ask_for_patience() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 22 Nov 2026 00:01:00 GMT", Some(60)),
            ("Sat, 21 Nov 2026 00:01:00 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
        ] {
            assert_eq!(retry_after(text, now).map(|wait| wait.as_secs()), expected, "{text}");
        }
        let mut delivery = Delivery::new(
            RecordId::new(Prefix::WebhookEndpoint),
            "lead",
            &event(serde_json::json!({})),
            now,
        );
        let attempt = Attempt {
            number: 0,
            at: now,
            millis: 1,
            status: Some(429),
            error: None,
            response: None,
        };
        delivery.note(attempt, Some(SignedDuration::from_secs(120)), 0.5);
        assert_eq!(delivery.next_attempt_at.unwrap().duration_since(now).as_secs(), 120);
    }

    #[test]
    fn two_secrets_sign_for_a_day_after_a_rotation() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let input = EndpointIn {
            url: "https://example.com".into(),
            event_types: vec![],
            enabled: true,
            description: None,
        };
        let endpoint = Endpoint::build(input).unwrap();
        assert_eq!(endpoint.signing(now), [1]);
        let rotated = endpoint.rotated(now);
        assert_eq!(rotated.signing(now + SignedDuration::from_hours(23)), [2, 1]);
        assert_eq!(rotated.signing(now + SignedDuration::from_hours(24)), [2]);
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for (address, public) in [
            ("0.1.2.3", false),
            ("1.1.1.1", true),
            ("10.1.2.3", false),
            ("100.63.255.255", true),
            ("100.64.0.0", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("127.1.2.3", false),
            ("169.253.1.1", true),
            ("169.254.1.1", false),
            ("172.15.255.255", true),
            ("172.16.0.0", false),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("192.0.0.1", false),
            ("192.0.1.1", true),
            ("192.0.2.1", false),
            ("192.88.98.1", true),
            ("192.88.99.1", false),
            ("192.168.1.1", false),
            ("192.169.1.1", true),
            ("198.17.1.1", true),
            ("198.18.1.1", false),
            ("198.19.1.1", false),
            ("198.51.99.1", true),
            ("198.51.100.1", false),
            ("203.0.112.1", true),
            ("203.0.113.1", false),
            ("223.255.255.255", true),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn an_address_has_a_usual_length_and_port() {
        let long = |length: usize| format!("{:x<length$}", "https://example.com/");
        for (url, expected) in [
            (long(2_000), None),
            (long(2_001), Some("too_long")),
            ("https://example.com:1023/".to_owned(), Some("url_port")),
            ("https://example.com:1024/".to_owned(), None),
        ] {
            let code = target(&url, false).err().map(|invalid| invalid.problems[0].code);
            assert_eq!(code, expected, "{url}");
        }
    }

    fn endpoint(json: serde_json::Value) -> Result<Endpoint, Invalid> {
        Endpoint::build(serde_json::from_value(json).unwrap())
    }

    fn source(json: serde_json::Value) -> Result<Source, Invalid> {
        Source::build(serde_json::from_value(json).unwrap())
    }

    /// What is wrong, each as its place and code.
    fn faults<T>(result: Result<T, Invalid>) -> Vec<String> {
        let invalid = result.err().unwrap_or_default();
        let faults = invalid.problems.iter();
        faults
            .map(|problem| format!("{} {}", problem.pointer, problem.code))
            .collect()
    }

    #[test]
    fn what_is_wrong_with_an_endpoint_is_said() {
        for (types, expected) in [
            (vec!["*", "order.*", "order.paid"], &[][..]),
            (vec!["*"; 100], &[]),
            (vec!["*"; 101], &["#/event_types too_many"]),
            (
                vec!["order.*", "nothing.*", "order.eaten"],
                &[
                    "#/event_types/1 event_type_unknown",
                    "#/event_types/2 event_type_unknown",
                ],
            ),
        ] {
            let made = endpoint(serde_json::json!({"url":"https://example.com","event_types":types}));
            assert_eq!(faults(made), expected, "{types:?}");
        }
    }

    #[test]
    fn an_endpoint_is_told_of_what_it_wants_while_it_is_enabled() {
        for (json, kind, wanted) in [
            (serde_json::json!({}), "order.paid", true),
            (serde_json::json!({"event_types":["order.*"]}), "order.paid", true),
            (serde_json::json!({"event_types":["order.*"]}), "lead.created", false),
            (serde_json::json!({"enabled":false}), "order.paid", false),
        ] {
            let mut whole = json.clone();
            whole["url"] = "https://example.com".into();
            let endpoint = endpoint(whole).unwrap();
            assert_eq!(endpoint.wants(kind), wanted, "{json} {kind}");
            let reason = (!endpoint.enabled).then_some(DisabledReason::ByUser);
            assert_eq!(endpoint.disabled_reason, reason, "{json}");
        }
    }

    #[test]
    fn a_change_of_an_endpoint_keeps_its_secret_and_why_it_is_disabled() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let rules = Rules {
            now,
            settings: std::sync::Arc::default(),
            fields: std::sync::Arc::default(),
        };
        let made = Endpoint {
            public_key: "whpk_1".to_owned(),
            ..endpoint(serde_json::json!({"url":"https://example.com"})).unwrap()
        };
        let rotated = made.rotated(now);
        let gone = rotated.disabled(DisabledReason::Gone);
        assert_eq!(
            (gone.enabled, gone.disabled_reason),
            (false, Some(DisabledReason::Gone))
        );
        for (endpoint, enabled, reason) in [
            (&rotated, true, None),
            (&rotated, false, Some(DisabledReason::ByUser)),
            (&gone, true, None),
            (&gone, false, Some(DisabledReason::Gone)),
        ] {
            let input = EndpointIn {
                enabled,
                description: Some("new".to_owned()),
                ..endpoint.editable()
            };
            let expected = Endpoint {
                enabled,
                disabled_reason: reason,
                description: Some("new".to_owned()),
                ..endpoint.clone()
            };
            assert_eq!(endpoint.revise(input, &rules).unwrap(), expected);
        }
        // Before the first secret there was none.
        let first = Endpoint {
            rotated_at: Some(now),
            ..made
        };
        assert_eq!(first.signing(now), [1]);
    }

    #[test]
    fn a_replayed_delivery_follows_the_schedule_from_its_beginning() {
        let start: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let mut delivery = Delivery::new(
            RecordId::new(Prefix::WebhookEndpoint),
            "lead",
            &event(serde_json::json!({})),
            start,
        );
        let failed = |number| Attempt {
            number,
            at: start,
            millis: 1,
            status: Some(500),
            error: None,
            response: None,
        };
        for number in 0..10 {
            delivery.note(failed(number), None, 0.0);
        }
        let state = |delivery: &Delivery| (delivery.status, delivery.next_attempt_at);
        assert_eq!(state(&delivery), (DeliveryStatus::Failed, None));
        delivery.replay(start);
        assert_eq!(state(&delivery), (DeliveryStatus::Pending, Some(start)));
        // Chance spreads the waits of 5 seconds, 5 minutes, half an hour and two hours by up to a tenth.
        for (number, chance, seconds) in [(10, 0.0, 5), (11, 0.5, 315), (12, 1.0, 1_980), (13, 9.0, 7_920)] {
            delivery.note(failed(number), None, chance);
            let next = delivery.next_attempt_at.unwrap();
            assert_eq!(next.duration_since(start).as_secs(), seconds, "{number}");
        }
        delivery.cancel();
        assert_eq!(state(&delivery), (DeliveryStatus::Cancelled, None));
    }

    #[test]
    fn what_a_source_is_follows_from_its_kind() {
        use SourceKind::{Generic, ShopifyOrders, StandardWebhooks, Typeform};
        for (kind, hours, signs, target, external) in [
            (Generic, 24, false, Target::Lead, "webhook"),
            (StandardWebhooks, 168, true, Target::Lead, "webhook"),
            (ShopifyOrders, 168, true, Target::Order, "shopify"),
            (Typeform, 168, true, Target::Lead, "typeform"),
        ] {
            assert_eq!(
                (kind.repeats_within().as_hours(), kind.must_sign()),
                (hours, signs),
                "{kind:?}"
            );
            let made = source(serde_json::json!({"kind":kind,"name":"Shop"})).unwrap();
            assert_eq!(
                (made.target, made.external_source.as_str()),
                (target, external),
                "{kind:?}"
            );
            assert!(made.enabled && !made.signed, "{kind:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_source_is_said() {
        let fields =
            |most: usize| -> BTreeMap<String, &str> { (0..most).map(|n| (format!("custom.f{n}"), "$.a")).collect() };
        for (mut json, expected) in [
            (serde_json::json!({"kind":"generic","target":"contact"}), &[][..]),
            (serde_json::json!({"kind":"shopify_orders","target":"order"}), &[]),
            (
                serde_json::json!({"kind":"shopify_orders","target":"lead"}),
                &["#/target not_allowed"],
            ),
            (serde_json::json!({"kind":"generic","mapping":fields(100)}), &[]),
            (
                serde_json::json!({"kind":"generic","mapping":fields(101)}),
                &["#/mapping too_many"],
            ),
            (
                serde_json::json!({"kind":"generic","external_source":"email"}),
                &["#/external_source key_malformed"],
            ),
        ] {
            json["name"] = "Shop".into();
            assert_eq!(faults(source(json.clone())), expected, "{json}");
        }
    }

    #[test]
    fn a_source_keeps_its_kind_and_secret() {
        let rules = Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: std::sync::Arc::default(),
            fields: std::sync::Arc::default(),
        };
        let signed = Source {
            signed: true,
            ..source(serde_json::json!({"kind":"generic","name":"Shop"})).unwrap()
        };
        assert_eq!(signed.revise(signed.editable(), &rules).unwrap(), signed);
        let other = SourceIn {
            kind: SourceKind::Typeform,
            ..signed.editable()
        };
        assert_eq!(faults(signed.revise(other, &rules)), ["#/kind not_allowed"]);
    }

    #[test]
    fn a_status_is_called_as_in_json() {
        for status in [
            DeliveryStatus::Pending,
            DeliveryStatus::Succeeded,
            DeliveryStatus::Failed,
            DeliveryStatus::Cancelled,
        ] {
            assert_eq!(serde_json::json!(status), status.as_str());
        }
        for status in [
            ReceiptStatus::Received,
            ReceiptStatus::Applied,
            ReceiptStatus::Ignored,
            ReceiptStatus::Failed,
        ] {
            assert_eq!(serde_json::json!(status), status.as_str());
        }
    }
}
