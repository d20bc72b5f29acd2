//! Identifiers: a prefix that says what a thing is, and a UUIDv7 that says when it was made (`lead_01jxyz…`, a TypeID).
//!
//! The prefixes live in one registry, [`Prefix`]; an id of one kind does not parse as another.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// The alphabet of the TypeID text form: Crockford's base 32 in lower case.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// How many characters 128 bits take in it.
const ENCODED: usize = 26;

macro_rules! prefixes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// What an id names. The text before the underscore.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Prefix { $($(#[doc = $doc])* $name,)* }

        impl Prefix {
            /// Every prefix there is.
            pub const ALL: &'static [Prefix] = &[$(Prefix::$name,)*];

            /// The text of the prefix, without the underscore.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Prefix::$name => $text,)* }
            }

            /// The prefix with this text.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Prefix> {
                match text { $($text => Some(Prefix::$name),)* _ => None }
            }
        }
    };
}

prefixes! {
    /// A tenant: a firm that subscribes.
    Tenant = "tnt",
    /// A user of a tenant.
    User = "usr",
    /// An invitation to become a user.
    Invitation = "ivt",
    /// An API key.
    Key = "key",
    /// A lead.
    Lead = "lead",
    /// A contact: a person.
    Contact = "con",
    /// A company.
    Company = "com",
    /// A deal.
    Deal = "deal",
    /// A quote.
    Quote = "quo",
    /// A product.
    Product = "prd",
    /// An order.
    Order = "ord",
    /// A payment of an order.
    Payment = "pay",
    /// A ticket.
    Ticket = "tkt",
    /// A message in a ticket.
    Message = "msg",
    /// An activity.
    Activity = "act",
    /// An article of the knowledge base.
    Article = "art",
    /// A campaign.
    Campaign = "cmp",
    /// An expense.
    Expense = "exp",
    /// A segment.
    Segment = "seg",
    /// A survey template.
    Survey = "sur",
    /// An invitation to answer a survey.
    SurveyInvitation = "svi",
    /// An answer to a survey.
    SurveyResponse = "rsp",
    /// A webhook endpoint of a subscriber's.
    WebhookEndpoint = "hep",
    /// A source that posts webhooks to us.
    WebhookSource = "src",
    /// A delivery of a webhook, out or in.
    Delivery = "dlv",
    /// A customer to be won back.
    WinBack = "wbk",
    /// A decision after screening a customer.
    Screening = "scn",
    /// An event.
    Event = "evt",
    /// Long work.
    Job = "job",
    /// A report made into a file.
    Export = "rex",
    /// A report that is mailed time and again.
    Schedule = "sch",
    /// A file of rows that become records.
    Import = "imp",
    /// A firm's whole record as one file.
    Archive = "arc",
    /// A session: one chain of refresh tokens.
    Session = "ses",
    /// One request.
    Request = "req",
}

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text has no known prefix, or another than was expected.
    #[error("the id must begin with '{0}_'")]
    Prefix(&'static str),
    /// What follows the prefix is not 26 characters of the alphabet.
    #[error("what follows '{0}_' must be 26 characters of 0-9 and a-z without i, l, o, u")]
    Suffix(&'static str),
}

/// An id of any kind of record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId {
    prefix: Prefix,
    uuid: Uuid,
}

impl RecordId {
    /// An id made at `now`; `random` supplies the 74 bits that UUIDv7 leaves to chance.
    #[must_use]
    pub fn at(prefix: Prefix, now: Timestamp, random: u128) -> Self {
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        let bytes = random.to_be_bytes();
        let mut tail = [0u8; 10];
        tail.copy_from_slice(&bytes[..10]);
        let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid();
        Self { prefix, uuid }
    }

    /// A new id with the process's own clock and randomness. For the edge of the program: rules take ids as arguments.
    #[must_use]
    pub fn new(prefix: Prefix) -> Self {
        Self {
            prefix,
            uuid: Uuid::now_v7(),
        }
    }

    /// An id derived from a text: the same text gives the same id. For things that must come out the same when made twice.
    /// `now` sets the time part.
    #[must_use]
    pub fn derived(prefix: Prefix, now: Timestamp, text: &str) -> Self {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(text.as_bytes());
        let mut bytes = [0u8; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self::at(prefix, now, u128::from_be_bytes(bytes))
    }

    /// Reads an id and insists on its prefix.
    ///
    /// # Errors
    /// [`IdError`] when the prefix is another or the rest is malformed.
    pub fn parse(prefix: Prefix, text: &str) -> Result<Self, IdError> {
        let name = prefix.as_str();
        let rest = text
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('_'))
            .ok_or(IdError::Prefix(name))?;
        let uuid = decode(rest).ok_or(IdError::Suffix(name))?;
        Ok(Self { prefix, uuid })
    }

    /// The id of these 128 bits: what [`RecordId::as_u128`] gave.
    #[must_use]
    pub const fn from_u128(prefix: Prefix, bits: u128) -> Self {
        Self {
            prefix,
            uuid: Uuid::from_u128(bits),
        }
    }

    /// What the id names.
    #[must_use]
    pub const fn prefix(self) -> Prefix {
        self.prefix
    }

    /// The 128 bits behind the text.
    #[must_use]
    pub const fn as_u128(self) -> u128 {
        self.uuid.as_u128()
    }

    /// When the id was made, in milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> u64 {
        (self.uuid.as_u128() >> 80) as u64
    }

    /// The smallest id of this prefix made at or after `at`: the lower bound of a range over ids.
    #[must_use]
    pub fn floor(prefix: Prefix, at: Timestamp) -> Self {
        let millis = u128::try_from(at.as_millisecond()).unwrap_or(0);
        Self {
            prefix,
            uuid: Uuid::from_u128((millis & 0xffff_ffff_ffff) << 80),
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut value = self.uuid.as_u128();
        let mut text = [0u8; ENCODED];
        for slot in text.iter_mut().rev() {
            *slot = ALPHABET[(value & 31) as usize];
            value >>= 5;
        }
        f.write_str(self.prefix.as_str())?;
        f.write_str("_")?;
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RecordId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let (prefix, _) = text.rsplit_once('_').ok_or(IdError::Prefix("…"))?;
        let prefix = Prefix::from_text(prefix).ok_or(IdError::Prefix("…"))?;
        Self::parse(prefix, text)
    }
}

impl Serialize for RecordId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl utoipa::PartialSchema for RecordId {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .pattern(Some("^[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}$"))
            .description(Some("A typed id: what it names, an underscore, a UUIDv7 in base 32"))
            .into()
    }
}

impl utoipa::ToSchema for RecordId {
    fn name() -> std::borrow::Cow<'static, str> {
        "Id".into()
    }
}

fn decode(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    // 26 characters hold 130 bits: the first may carry only three.
    if bytes.len() != ENCODED || bytes[0] > b'7' {
        return None;
    }
    bytes
        .iter()
        .try_fold(0u128, |value, byte| {
            let digit = ALPHABET.iter().position(|letter| letter == byte)?;
            Some((value << 5) | digit as u128)
        })
        .map(Uuid::from_u128)
}

/// A tenant's id. Every key of the store begins with one, so it is a type of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct TenantId(RecordId);

impl TenantId {
    /// A new tenant's id, by the process's own clock and randomness.
    #[must_use]
    pub fn new() -> Self {
        Self(RecordId::new(Prefix::Tenant))
    }

    /// Reads `tnt_…`.
    ///
    /// # Errors
    /// [`IdError`] when it is not a tenant's id.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        RecordId::parse(Prefix::Tenant, text).map(Self)
    }

    /// The tenant of these 128 bits.
    #[must_use]
    pub const fn from_u128(bits: u128) -> Self {
        Self(RecordId::from_u128(Prefix::Tenant, bits))
    }

    /// The id as any record's id.
    #[must_use]
    pub const fn record(self) -> RecordId {
        self.0
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_sorts_by_time() {
        let early = RecordId::at(Prefix::Lead, "2026-01-01T00:00:00Z".parse().unwrap(), u128::MAX);
        let late = RecordId::at(Prefix::Lead, "2026-01-01T00:00:00.001Z".parse().unwrap(), 0);
        for id in [early, late] {
            assert_eq!(id.to_string().parse::<RecordId>().unwrap(), id);
        }
        assert!(early.to_string() < late.to_string());
        let floor = RecordId::floor(Prefix::Lead, "2026-01-01T00:00:00.001Z".parse().unwrap());
        assert!(early < floor && floor <= late);
    }

    #[test]
    fn the_reference_vector_of_the_typeid_specification_holds() {
        let id: RecordId = "usr_01h455vb4pex5vsknk084sn02q".parse().unwrap();
        assert_eq!(id.as_u128(), 0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);
        assert_eq!(id.to_string(), "usr_01h455vb4pex5vsknk084sn02q");
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in [
            "",
            "_",
            "lead",
            "lead_",
            "lead_0",
            "con_01h455vb4pex5vsknk084sn02q",
            "lead_81h455vb4pex5vsknk084sn02q",
            "lead_01H455VB4PEX5VSKNK084SN02Q",
            "lead_01h455vb4pex5vsknk084sn0iq",
            "LEAD_01h455vb4pex5vsknk084sn02q",
            "lead_01h455vb4pex5vsknk084sn02q ",
            "lead__01h455vb4pex5vsknk084sn02",
        ] {
            assert!(RecordId::parse(Prefix::Lead, text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_id_knows_when_it_was_made() {
        for text in ["1970-01-01T00:00:00.001Z", "2026-11-22T10:00:00.123Z"] {
            let now: Timestamp = text.parse().unwrap();
            for random in [0, u128::MAX] {
                let id = RecordId::at(Prefix::Lead, now, random);
                assert_eq!(i64::try_from(id.millis()).unwrap(), now.as_millisecond(), "{text}");
            }
        }
    }

    #[test]
    fn a_tenants_id_survives_its_text_and_is_no_other_id() {
        for (text, good) in [
            ("tnt_01h455vb4pex5vsknk084sn02q", true),
            ("lead_01h455vb4pex5vsknk084sn02q", false),
            ("tnt_01h455vb4pex5vsknk084sn0iq", false),
            ("tnt_", false),
        ] {
            let told = Some(text.to_owned()).filter(|_| good);
            assert_eq!(TenantId::parse(text).ok().map(|id| id.to_string()), told, "{text}");
            let json = format!("\"{text}\"");
            let read: Option<TenantId> = serde_json::from_str(&json).ok();
            assert_eq!(read, TenantId::parse(text).ok(), "{text}");
            assert_eq!(read.map(|id| serde_json::to_string(&id).unwrap()), good.then_some(json));
        }
    }
}
