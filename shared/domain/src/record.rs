//! What every record has in common, and what a kind of record must say of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::actor::{Actor, Via};
use crate::custom;
use crate::id::{Prefix, RecordId};
use crate::invalid::Invalid;
use crate::settings::Settings;
use crate::text;

/// A record may be this long as JSON, in bytes.
pub const MOST_BYTES: usize = 128 * 1024;

/// What a caller may set on a record of any kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// The user who looks after the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub owner_id: Option<String>,
    /// Free labels, at most 50 of 50 characters.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The values of the tenant's own fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub custom: BTreeMap<String, Value>,
    /// What other systems call the record: source → id. Unique per source.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub external_ids: BTreeMap<String, String>,
}

impl Common {
    /// The names of its fields, so that an input can be split.
    pub const FIELDS: [&'static str; 4] = ["owner_id", "tags", "custom", "external_ids"];

    /// Checks and normalises, as part of a record of a kind.
    ///
    /// # Errors
    /// [`Invalid`] with every fault.
    pub fn check<K: Kind>(self, rules: &Rules) -> Result<Self, Invalid> {
        // Whether a kind has own fields is known when a program is made: one of kinds without them has no rules of theirs in it.
        let custom = match K::FIELDS {
            Some(kind) => custom::check(&rules.fields, kind, &self.custom, &rules.settings.country),
            None => custom::refuse(&self.custom),
        };
        self.checked(custom)
    }

    fn checked(self, custom: Result<BTreeMap<String, Value>, Invalid>) -> Result<Self, Invalid> {
        let mut invalid = Invalid::default();
        if let Some(owner) = &self.owner_id
            && RecordId::parse(Prefix::User, owner).is_err()
        {
            invalid.add("owner_id", "id_malformed", "an owner is a user's id, usr_…");
        }
        if self.tags.len() > 50 {
            invalid.add("tags", "too_many", "at most 50 tags");
        }
        let tags = self
            .tags
            .into_iter()
            .filter_map(|tag| invalid.take(text::required("tags", Some(tag), 50)))
            .collect();
        let custom = invalid.take(custom).unwrap_or_default();
        if self.external_ids.len() > 20 {
            invalid.add("external_ids", "too_many", "at most 20 external ids");
        }
        for (source, id) in &self.external_ids {
            let place = format!("external_ids/{source}");
            if !is_source(source) {
                invalid.add(
                    &place,
                    "key_malformed",
                    "a source is a-z, 0-9, _ and -, at most 40 characters, and not 'email'",
                );
            }
            if id.is_empty() || id.chars().count() > 200 || id.chars().any(char::is_control) {
                invalid.add(&place, "too_long", "an external id has 1 to 200 characters");
            }
        }
        invalid.check()?;
        Ok(Self {
            owner_id: self.owner_id,
            tags,
            custom,
            external_ids: self.external_ids,
        })
    }
}

/// Whether a text may name a source of external ids.
#[must_use]
pub fn is_source(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 40
        && text != "email"
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

/// What every record carries beside its own fields.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Meta {
    /// The record's id.
    pub id: RecordId,
    /// Counts the record's changes, from 1.
    pub version: u64,
    /// When it was made.
    #[serde(with = "crate::settings::millis")]
    pub created_at: Timestamp,
    /// When it was last changed.
    #[serde(with = "crate::settings::millis")]
    pub updated_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// Who last changed it.
    pub updated_by: String,
    /// Through what it was last changed.
    pub updated_via: Via,
    /// When it was deleted; gone for good 30 days later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// The record this one was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RecordId>,
    /// Whether this is what is left of an erased person. It is not restored.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
    /// What a caller may set on a record of any kind.
    #[serde(flatten)]
    pub common: CommonStored,
}

/// [`Common`] as stored: present also when empty, so that every record has the same shape.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CommonStored {
    /// The user who looks after the record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_id: Option<String>,
    /// Free labels.
    #[serde(default)]
    pub tags: BTreeSet<String>,
    /// The values of the tenant's own fields.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub custom: BTreeMap<String, Value>,
    /// What other systems call the record.
    #[serde(default)]
    pub external_ids: BTreeMap<String, String>,
}

impl From<Common> for CommonStored {
    fn from(
        Common {
            owner_id,
            tags,
            custom,
            external_ids,
        }: Common,
    ) -> Self {
        Self {
            owner_id,
            tags,
            custom,
            external_ids,
        }
    }
}

impl From<CommonStored> for Common {
    fn from(
        CommonStored {
            owner_id,
            tags,
            custom,
            external_ids,
        }: CommonStored,
    ) -> Self {
        Self {
            owner_id,
            tags,
            custom,
            external_ids,
        }
    }
}

/// A record of some kind: the common part and its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record<K> {
    /// The common part.
    #[serde(flatten)]
    pub meta: Meta,
    /// Its own part.
    #[serde(flatten)]
    pub body: K,
}

/// What a rule may know beside its input: the time and the tenant's settings and fields.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The time.
    pub now: Timestamp,
    /// The tenant's settings.
    pub settings: Arc<Settings>,
    /// The tenant's custom fields.
    pub fields: Arc<Vec<custom::Field>>,
}

/// A value that only one record of its kind may hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Unique {
    /// Of what: `email`, `external.shopify`, `custom.tax_number`, `sku`.
    pub scope: String,
    /// The value, normalised.
    pub value: String,
}

/// A kind of record: its name, its input and its rules.
pub trait Kind: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The noun in the singular: `lead`.
    const NOUN: &'static str;
    /// The prefix of its ids.
    const PREFIX: Prefix;
    /// Whose fields it has of those that tenants declare, if any.
    const FIELDS: Option<custom::FieldKind> = None;
    /// What a caller sends: all fields that may be set. Must deny unknown fields.
    type In: Clone + Debug + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Makes a new one from an input, or says all that is wrong with it.
    ///
    /// # Errors
    /// [`Invalid`] with every fault.
    fn create(input: Self::In, rules: &Rules) -> Result<Self, Invalid>;

    /// The input that would give this record: what a merge patch is applied to.
    fn editable(&self) -> Self::In;

    /// Changes one by a whole new input, keeping what is computed.
    ///
    /// # Errors
    /// [`Invalid`] with every fault, one of which may be that the record is past changing.
    fn revise(&self, input: Self::In, rules: &Rules) -> Result<Self, Invalid>;

    /// The values of this kind's own fields that no two records may share.
    fn unique(&self, rules: &Rules) -> Vec<Unique> {
        let _ = rules;
        Vec::new()
    }

    /// Those of [`Kind::unique`] that settings may allow to be shared: what was taken before they did is still held.
    fn unique_at_times(&self) -> Vec<Unique> {
        Vec::new()
    }

    /// By what this record may look like another: `email#…`, `phone#…`, `name#…`, each with how sure that makes one, 0 to 1.
    fn likeness(&self) -> Vec<(String, f32)> {
        Vec::new()
    }
}

impl<K: Kind> Record<K> {
    /// A new record.
    #[must_use]
    pub fn new(id: RecordId, body: K, common: Common, actor: &Actor, now: Timestamp) -> Self {
        Self {
            meta: Meta {
                id,
                version: 1,
                created_at: now,
                updated_at: now,
                created_by: actor.id.clone(),
                updated_by: actor.id.clone(),
                updated_via: actor.via,
                deleted_at: None,
                merged_into: None,
                erased: false,
                common: common.into(),
            },
            body,
        }
    }

    /// The next version with another body and common part.
    #[must_use]
    pub fn next(&self, body: K, common: Common, actor: &Actor, now: Timestamp) -> Self {
        let mut next = Self {
            meta: self.meta.clone(),
            body,
        };
        next.meta.common = common.into();
        next.touch(actor, now);
        next
    }

    /// The next version with another body.
    #[must_use]
    pub fn with_body(&self, body: K, actor: &Actor, now: Timestamp) -> Self {
        let mut next = Self {
            meta: self.meta.clone(),
            body,
        };
        next.touch(actor, now);
        next
    }

    /// Counts one version on and notes who and when.
    pub fn touch(&mut self, actor: &Actor, now: Timestamp) {
        self.meta.version += 1;
        // Time never runs backwards along versions, whatever the clocks of two machines say.
        self.meta.updated_at = now.max(self.meta.updated_at);
        self.meta.updated_by.clone_from(&actor.id);
        self.meta.updated_via = actor.via;
    }

    /// All values of the record that no other may hold: its kind's own, external ids, unique custom fields.
    #[must_use]
    pub fn unique(&self, rules: &Rules) -> Vec<Unique> {
        let common = &self.meta.common;
        let external = common.external_ids.iter().map(|(source, id)| Unique {
            scope: format!("external.{source}"),
            value: id.clone(),
        });
        let mut unique = self.body.unique(rules);
        unique.extend(external);
        unique.extend(custom::unique(&rules.fields, K::FIELDS, &common.custom));
        unique.sort_unstable();
        unique.dedup();
        unique
    }

    /// The values that the record may hold since some day: besides [`Record::unique`] what settings allow to be shared by now, and
    /// values of custom fields that are no longer declared.
    #[must_use]
    pub fn held(&self, rules: &Rules) -> Vec<Unique> {
        let declared = |key: &str| {
            rules
                .fields
                .iter()
                .any(|field| Some(field.kind) == K::FIELDS && field.key == key)
        };
        self.held_with(rules, |key| !declared(key))
    }

    /// The values that the record may hold by the settings of any day: those of custom fields that were unique once, too.
    #[must_use]
    pub fn ever_held(&self, rules: &Rules) -> Vec<Unique> {
        self.held_with(rules, |_| true)
    }

    fn held_with(&self, rules: &Rules, custom: impl Fn(&str) -> bool) -> Vec<Unique> {
        let mut held = self.unique(rules);
        held.extend(self.body.unique_at_times());
        held.extend(custom::taken(&self.meta.common.custom, custom));
        held.sort_unstable();
        held.dedup();
        held
    }

    /// The record as JSON, absent values left out.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        strip_nulls(&mut value);
        value
    }
}

/// Removes nulls from objects, at every depth: absent and null are the same.
pub fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(strip_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_nulls),
        _ => {}
    }
}

/// Splits what a caller sent into the common part and the rest, checks the shape of both.
///
/// # Errors
/// [`Invalid`] naming the place of the first field that has the wrong shape or is unknown.
pub fn split<I: DeserializeOwned>(value: Value) -> Result<(Common, I), Invalid> {
    let Value::Object(mut map) = value else {
        return Err(Invalid::one("", "wrong_type", "the body must be a JSON object"));
    };
    let mut common = serde_json::Map::new();
    for name in Common::FIELDS {
        if let Some(value) = map.remove(name)
            && !value.is_null()
        {
            common.insert(name.to_owned(), value);
        }
    }
    Ok((shape(Value::Object(common))?, shape(Value::Object(map))?))
}

/// Reads a JSON object as a type, saying where it does not fit.
///
/// # Errors
/// [`Invalid`] with code `wrong_type` or `field_unknown`.
pub fn shape<T: DeserializeOwned>(value: Value) -> Result<T, Invalid> {
    // A list of values would pass for an object of the same fields in their order.
    if !value.is_object() {
        return Err(Invalid::one("", "wrong_type", "this must be a JSON object"));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = pointer(error.path());
        let text = error.inner().to_string();
        if text.starts_with("unknown field") {
            Invalid::one(&path, "field_unknown", text)
        } else if text.starts_with("missing field") {
            Invalid::one(&path, "required", text)
        } else {
            Invalid::one(&path, "wrong_type", text)
        }
    })
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let parts: Vec<String> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => Some(variant.clone()),
            Segment::Unknown => None,
        })
        .collect();
    parts.join("/")
}

/// Applies an RFC 7396 merge patch.
pub fn merge_patch(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(map) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            map.remove(&key);
        } else {
            merge_patch(map.entry(key).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::contact::Contact;
    use serde_json::json;

    #[test]
    fn merge_patch_follows_the_table_of_rfc_7396() {
        for (target, patch, expected) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"a":"foo"}), json!(null), json!(null)),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ] {
            let mut value = target.clone();
            merge_patch(&mut value, patch.clone());
            assert_eq!(value, expected, "{target} {patch}");
        }
    }

    fn rules(settings: Settings, fields: Vec<custom::Field>) -> Rules {
        Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: Arc::new(settings),
            fields: Arc::new(fields),
        }
    }

    fn contact(body: Value, common: Value) -> Record<Contact> {
        let rules = rules(Settings::default(), vec![]);
        let body = Contact::create(serde_json::from_value(body).unwrap(), &rules).unwrap();
        let common = serde_json::from_value(common).unwrap();
        let actor = Actor::worker("test", "req");
        Record::new(RecordId::new(Prefix::Contact), body, common, &actor, rules.now)
    }

    #[test]
    fn what_is_wrong_with_the_common_part_is_said() {
        let tags = |most: usize| json!({"tags": (0..most).map(|n| format!("t{n}")).collect::<Vec<_>>()});
        let ids = |most: usize| {
            let ids: BTreeMap<String, String> = (0..most).map(|n| (format!("s{n}"), "1".to_owned())).collect();
            json!({"external_ids": ids})
        };
        let id = |id: &str| json!({"external_ids": {"erp": id}});
        for (value, expected) in [
            (json!({}), None),
            (json!({"owner_id": "lead_1"}), Some(("#/owner_id", "id_malformed"))),
            (tags(50), None),
            (tags(51), Some(("#/tags", "too_many"))),
            (ids(20), None),
            (ids(21), Some(("#/external_ids", "too_many"))),
            (
                json!({"external_ids": {"email": "1"}}),
                Some(("#/external_ids/email", "key_malformed")),
            ),
            (id(""), Some(("#/external_ids/erp", "too_long"))),
            (id("a\nb"), Some(("#/external_ids/erp", "too_long"))),
            (id(&"x".repeat(200)), None),
            (id(&"号".repeat(200)), None),
            (id(&"x".repeat(201)), Some(("#/external_ids/erp", "too_long"))),
        ] {
            let common: Common = serde_json::from_value(value.clone()).unwrap();
            let invalid = common
                .check::<crate::lead::Lead>(&rules(Settings::default(), vec![]))
                .err()
                .unwrap_or_default();
            let found: Vec<_> = invalid
                .problems
                .iter()
                .map(|problem| (problem.pointer.as_str(), problem.code))
                .collect();
            assert_eq!(found, Vec::from_iter(expected), "{value}");
        }
    }

    #[test]
    fn a_record_holds_what_is_unique_now_or_may_have_been() {
        let field = |kind, key: &str, unique| custom::Field {
            kind,
            key: key.to_owned(),
            label: key.to_owned(),
            r#type: custom::FieldType::Text,
            required: false,
            unique,
            choices: vec![],
        };
        let fields = vec![
            field(custom::FieldKind::Contact, "tax", true),
            field(custom::FieldKind::Contact, "shade", false),
            field(custom::FieldKind::Lead, "gone", true),
        ];
        let ann = contact(
            json!({"name":"Ann","email":"Ann@B.co"}),
            json!({"custom":{"tax":"T1","shade":"Red","gone":"G"},"external_ids":{"erp":"K-7"}}),
        );
        for (unique_email, unique, held, ever) in [
            (
                true,
                &["custom.tax=t1", "email=ann@b.co", "external.erp=K-7"][..],
                &["custom.gone=g", "custom.tax=t1", "email=ann@b.co", "external.erp=K-7"][..],
                &[
                    "custom.gone=g",
                    "custom.shade=red",
                    "custom.tax=t1",
                    "email=ann@b.co",
                    "external.erp=K-7",
                ][..],
            ),
            (
                false,
                &["custom.tax=t1", "external.erp=K-7"],
                &["custom.gone=g", "custom.tax=t1", "email=ann@b.co", "external.erp=K-7"],
                &[
                    "custom.gone=g",
                    "custom.shade=red",
                    "custom.tax=t1",
                    "email=ann@b.co",
                    "external.erp=K-7",
                ],
            ),
        ] {
            let settings = Settings {
                unique_email,
                ..Settings::default()
            };
            let rules = rules(settings, fields.clone());
            let texts = |values: Vec<Unique>| -> Vec<String> {
                let texts = values.iter().map(|one| format!("{}={}", one.scope, one.value));
                texts.collect()
            };
            assert_eq!(texts(ann.unique(&rules)), unique, "{unique_email}");
            assert_eq!(texts(ann.held(&rules)), held, "{unique_email}");
            assert_eq!(texts(ann.ever_held(&rules)), ever, "{unique_email}");
        }
    }

    #[test]
    fn a_kind_that_says_nothing_of_it_has_no_likeness_and_nothing_unique() {
        let rules = rules(Settings::default(), vec![]);
        let input = serde_json::from_value(json!({"url":"https://example.com"})).unwrap();
        let endpoint = crate::webhook::Endpoint::create(input, &rules).unwrap();
        assert_eq!(endpoint.likeness(), []);
        assert_eq!((endpoint.unique(&rules), endpoint.unique_at_times()), (vec![], vec![]));
    }

    #[test]
    fn absent_values_are_left_out_of_json() {
        for (value, expected) in [
            (json!({"a":null,"b":0}), json!({"b":0})),
            (json!({"a":{"b":null,"c":""}}), json!({"a":{"c":""}})),
            (json!([{"a":null},[{"b":null,"c":1}]]), json!([{},[{"c":1}]])),
            (json!({"a":[null,1]}), json!({"a":[null,1]})),
        ] {
            let mut stripped = value.clone();
            strip_nulls(&mut stripped);
            assert_eq!(stripped, expected, "{value}");
        }
        let value = contact(json!({"name":"Ann"}), json!({})).to_value();
        assert_eq!((&value["name"], &value["version"]), (&json!("Ann"), &json!(1)));
        assert!(
            value.get("title").is_none() && value.get("deleted_at").is_none(),
            "{value}"
        );
    }

    #[test]
    fn a_field_of_the_wrong_shape_is_named_by_its_place() {
        for (value, expected) in [
            (json!([]), ("#", "wrong_type")),
            (json!({"name":1}), ("#/name", "wrong_type")),
            (
                json!({"emails":[{"address":"a@b.co"},{"address":1}]}),
                ("#/emails/1/address", "wrong_type"),
            ),
            (
                json!({"external_ids":{"a/b~c":1}}),
                ("#/external_ids/a~1b~0c", "wrong_type"),
            ),
            (json!({"emails":[{}]}), ("#/emails/0", "required")),
            (json!({"colour":"red"}), ("#/colour", "field_unknown")),
        ] {
            let invalid = split::<<Contact as Kind>::In>(value.clone()).unwrap_err();
            let problem = &invalid.problems[0];
            assert_eq!((problem.pointer.as_str(), problem.code), expected, "{value}");
        }
    }
}
