//! Erasing a person: what is left of each record that is about one. What the law keeps (orders, for the books) is left without the
//! person; all else is emptied and deleted.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::contact::{Consents, Contact};
use crate::id::RecordId;
use crate::lead::Lead;
use crate::order::Order;
use crate::record::{Common, Kind, Record};
use crate::settings::millis;
use crate::survey::Invitation;
use crate::ticket::Ticket;
use crate::win_back::WinBack;

/// What stands where a person was told of.
pub const ERASED: &str = "Erased";

/// That a person is to be erased, and since when he is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Erasure {
    /// The contact.
    pub contact_id: RecordId,
    /// When it was asked for.
    #[serde(with = "millis")]
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// Who asked.
    pub asked_by: String,
    /// When something of him was last found; he is looked for once more two minutes later.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub found_at: Option<Timestamp>,
    /// Since when nothing is left that leads to the person; absent until then.
    #[serde(default, with = "millis::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub done_at: Option<Timestamp>,
}

/// A kind of record that is about a person.
pub trait Personal: Kind {
    /// Whether the record itself stays.
    const STAYS: bool = false;

    /// What is left of it.
    #[must_use]
    fn erased(&self) -> Self;
}

/// The next version of a record, without the person.
#[must_use]
pub fn without_person<K: Personal>(record: &Record<K>, actor: &Actor, now: Timestamp) -> Record<K> {
    let common = Common {
        // What an order is called in the shop and the books is needed to find it there.
        external_ids: if K::STAYS {
            record.meta.common.external_ids.clone()
        } else {
            Default::default()
        },
        owner_id: record.meta.common.owner_id.clone().filter(|_| K::STAYS),
        ..Common::default()
    };
    let mut next = record.next(record.body.erased(), common, actor, now);
    if !K::STAYS {
        next.meta.deleted_at = Some(now);
        next.meta.erased = true;
    }
    next
}

impl Personal for Contact {
    fn erased(&self) -> Self {
        Self {
            name: ERASED.to_owned(),
            given_name: None,
            family_name: None,
            email: None,
            phone: None,
            emails: Vec::new(),
            phones: Vec::new(),
            addresses: Vec::new(),
            title: None,
            occupation: None,
            birthday: None,
            gender: None,
            company_id: None,
            locale: None,
            consent: Consents::default(),
            do_not_contact: true,
            note: None,
            merged_external_ids: Default::default(),
        }
    }
}

impl Personal for Lead {
    fn erased(&self) -> Self {
        Self {
            name: Some(ERASED.to_owned()),
            company_name: None,
            email: None,
            phone: None,
            phone_given: None,
            title: None,
            industry: None,
            source: None,
            campaign_id: None,
            utm: None,
            status: self.status,
            rating: self.rating,
            score: self.score,
            score_reasons: Vec::new(),
            note: None,
            value: None,
            contact_id: None,
            company_id: None,
            converted_at: self.converted_at,
        }
    }
}

impl Personal for Ticket {
    fn erased(&self) -> Self {
        Self {
            subject: ERASED.to_owned(),
            body: None,
            contact_id: None,
            company_id: None,
            order_id: None,
            resolution_note: None,
            ..self.clone()
        }
    }
}

impl Personal for Invitation {
    fn erased(&self) -> Self {
        Self {
            company_id: None,
            ticket_id: None,
            order_id: None,
            reference: None,
            comment: None,
            answers: Default::default(),
            complaint_id: None,
            ..self.clone()
        }
    }
}

impl Personal for WinBack {
    fn erased(&self) -> Self {
        let mut left = self.clone();
        left.detail = None;
        left.reason = None;
        left.note = None;
        left.dismiss_reason = None;
        for action in &mut left.actions {
            action.note = None;
        }
        left
    }
}

impl Personal for Order {
    const STAYS: bool = true;

    fn erased(&self) -> Self {
        Self {
            contact_id: None,
            contact_ref: None,
            reason: None,
            ..self.clone()
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::id::Prefix;
    use crate::record::Rules;
    use serde_json::json;
    use std::sync::Arc;

    #[test]
    fn nothing_that_was_said_of_a_person_is_left() {
        let rules = rules();
        let actor = Actor::worker("test", "");
        let said = json!({"name": "Ann Lee", "given_name": "Ann", "family_name": "Lee", "email": "ann@mail.example",
            "phone": "+14155550100", "title": "Dr", "occupation": "Baker", "birthday": "1980-01-02", "note": "likes tea",
            "addresses": [{"street": "1 Mill Lane", "city": "York", "country": "GB"}]});
        let contact = Contact::create(serde_json::from_value(said).unwrap(), &rules).unwrap();
        let common = Common {
            tags: ["vip".to_owned()].into(),
            external_ids: [("shop".to_owned(), "17".to_owned())].into(),
            ..Common::default()
        };
        let record = Record::new(RecordId::new(Prefix::Contact), contact, common, &actor, rules.now);
        let left = without_person(&record, &actor, rules.now);
        assert_eq!((left.meta.version, left.meta.deleted_at), (2, Some(rules.now)));
        let text = left.to_value().to_string();
        for word in [
            "Ann",
            "Lee",
            "mail.example",
            "4155550100",
            "Dr",
            "Baker",
            "1980",
            "tea",
            "Mill",
            "York",
            "vip",
            "17\"",
        ] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        assert!(left.unique(&rules).is_empty());
    }

    fn rules() -> Rules {
        Rules {
            now: "2026-11-28T10:00:00Z".parse().unwrap(),
            settings: Arc::default(),
            fields: Arc::default(),
        }
    }

    #[test]
    fn tickets_answers_and_orders_lead_to_nobody() {
        fn left<K: Personal>(body: &K) -> String {
            serde_json::to_string(&body.erased()).unwrap()
        }
        let of = RecordId::new;
        let (contact, company) = (of(Prefix::Contact), of(Prefix::Company));
        let (ticket_id, order_id) = (of(Prefix::Ticket), of(Prefix::Order));
        let said = json!({"subject": "Ann's pot", "body": "Ann: it broke", "contact_id": contact, "company_id": company,
            "order_id": order_id, "channel": "phone"});
        let ticket = Ticket {
            resolution_note: Some("Ann got another".to_owned()),
            ..Ticket::create(serde_json::from_value(said).unwrap(), &rules()).unwrap()
        };
        let occasion = crate::survey::Occasion {
            trigger: crate::survey::Trigger::TicketResolved,
            subject: ticket_id,
            reference: Some("Ann's 12".to_owned()),
            at: rules().now,
            resolved_at: None,
            company_id: Some(company),
            agent_id: None,
            product_ids: Vec::new(),
        };
        let (survey, metric) = (of(Prefix::Survey), crate::survey::Metric::Csat);
        let language = crate::survey::Language::En;
        let invitation = Invitation {
            order_id: Some(order_id),
            score: Some(2),
            comment: Some("Ann is cross".to_owned()),
            answers: [("why".to_owned(), json!("Ann says so"))].into(),
            complaint_id: Some(ticket_id),
            ..Invitation::new(&occasion, survey, metric, of(Prefix::Contact), language, rules().now)
        };
        let said = json!({"contact_id": contact, "channel": "shop", "lines": [{"name": "Tea", "unit_price": "5"}]});
        let order = Order {
            contact_ref: Some(crate::order::ContactRef {
                key: "email".to_owned(),
                value: "ann@mail.example".to_owned(),
            }),
            reason: Some("Ann moved".to_owned()),
            ..Order::create(serde_json::from_value(said).unwrap(), &rules()).unwrap()
        };
        let ids = [contact, company, ticket_id, order_id].map(|id| id.to_string());
        for (text, stays) in [
            (left(&ticket), r#""channel":"phone""#),
            (left(&invitation), r#""score":2"#),
            (left(&order), r#""channel":"shop""#),
        ] {
            assert!(text.contains(stays), "{text}");
            for word in ids.iter().map(String::as_str).chain(["Ann", "ann@"]) {
                assert!(!text.contains(word), "{word}: {text}");
            }
        }
        assert_eq!(ticket.erased().subject, ERASED);
    }

    #[test]
    fn an_order_stays_as_the_books_know_it_and_all_else_is_deleted() {
        fn left<K: Personal>(input: serde_json::Value) -> serde_json::Value {
            let body = K::create(serde_json::from_value(input).unwrap(), &rules()).unwrap();
            let common = Common {
                owner_id: Some("usr_1".to_owned()),
                tags: ["vip".to_owned()].into(),
                external_ids: [("shop".to_owned(), "17".to_owned())].into(),
                ..Common::default()
            };
            let actor = Actor::worker("test", "");
            let record = Record::new(RecordId::new(K::PREFIX), body, common, &actor, rules().now);
            let left = without_person(&record, &actor, rules().now).to_value();
            json!([
                left["owner_id"],
                left["external_ids"],
                left["tags"],
                left["deleted_at"].is_string(),
                left["erased"]
            ])
        }
        let order = json!({"lines": [{"name": "Tea", "unit_price": "5"}]});
        assert_eq!(left::<Order>(order), json!(["usr_1", {"shop": "17"}, [], false, null]));
        let gone = json!([null, {}, [], true, true]);
        assert_eq!(left::<Contact>(json!({"name": "Ann"})), gone);
        assert_eq!(left::<Lead>(json!({"name": "Ann"})), gone);
        assert_eq!(left::<Ticket>(json!({"subject": "Ann's pot"})), gone);
    }
}
