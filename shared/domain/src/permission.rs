//! Who may do what: areas of the API, read or write; roles are sets of these and so are an API key's scopes.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! areas {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal,)*) => {
        /// A part of the API that is granted or withheld as a whole.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Area { $($(#[doc = $doc])* $name,)* }

        impl Area {
            /// Every area.
            pub const ALL: &'static [Area] = &[$(Area::$name,)*];
            /// The word in a scope.
            #[must_use]
            pub const fn as_str(self) -> &'static str { match self { $(Area::$name => $text,)* } }
        }
    };
}

areas! {
    /// Leads and their conversion.
    Leads = "leads",
    /// Contacts and companies.
    Contacts = "contacts",
    /// Orders and payments.
    Orders = "orders",
    /// Products.
    Products = "products",
    /// Tickets.
    Tickets = "tickets",
    /// Segments, scores and their computation.
    Segments = "segments",
    /// Reports and their exports.
    Reports = "reports",
    /// Customers to be won back.
    WinBacks = "win_backs",
    /// Imports of files; what an import writes needs the permission to write that as well.
    Imports = "imports",
    /// Surveys, invitations and results.
    Surveys = "surveys",
    /// Webhook endpoints, deliveries and sources.
    Webhooks = "webhooks",
    /// The events feed and the audit.
    Events = "events",
    /// Settings and custom fields.
    Settings = "settings",
    /// Users and invitations.
    Users = "users",
    /// API keys.
    ApiKeys = "api_keys",
    /// The firm's account with the service: plan, usage, closing.
    Account = "account",
}

impl Area {
    /// The area that records of a noun belong to.
    #[must_use]
    pub fn of(noun: &str) -> Option<Self> {
        Some(match noun {
            "lead" => Self::Leads,
            "contact" | "company" => Self::Contacts,
            "order" => Self::Orders,
            "product" => Self::Products,
            "ticket" | "message" => Self::Tickets,
            "score" => Self::Segments,
            "win_back" => Self::WinBacks,
            "survey" | "survey_invitation" => Self::Surveys,
            "webhook_endpoint" | "webhook_source" => Self::Webhooks,
            "user" => Self::Users,
            _ => return None,
        })
    }
}

/// Reading or changing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Looking only.
    Read,
    /// Looking and changing.
    Write,
}

/// One permission: `leads:write`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope(pub Area, pub Verb);

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.1 {
            Verb::Read => "read",
            Verb::Write => "write",
        };
        write!(f, "{}:{verb}", self.0.as_str())
    }
}

/// A set of permissions, as 32 bits. Holding `write` includes `read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Scopes(u32);

impl Scopes {
    /// Nothing.
    pub const NONE: Scopes = Scopes(0);

    /// Everything.
    #[must_use]
    pub fn all() -> Self {
        Area::ALL
            .iter()
            .fold(Self::NONE, |set, &area| set.with(Scope(area, Verb::Write)))
    }

    const fn bit(scope: Scope) -> u32 {
        1 << (scope.0 as u32 * 2 + matches!(scope.1, Verb::Write) as u32)
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, scope: Scope) -> Self {
        Self(self.0 | Self::bit(scope) | Self::bit(Scope(scope.0, Verb::Read)))
    }

    /// Whether a permission is among them.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & Self::bit(scope) != 0
    }

    /// Those in both sets.
    #[must_use]
    pub const fn and(self, other: Scopes) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of these are in `other`.
    #[must_use]
    pub const fn within(self, other: Scopes) -> bool {
        self.0 & !other.0 == 0
    }

    /// Reads `leads:write`, `*:read`, `*:*` or `*`, separated by spaces. `None` when one is unknown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split_whitespace().try_fold(Self::NONE, |set, word| {
            if word == "*" {
                return Some(Self(set.0 | Self::all().0));
            }
            let (area, verb) = word.split_once(':')?;
            let verb = match verb {
                "read" => Verb::Read,
                "write" | "*" => Verb::Write,
                _ => return None,
            };
            let areas: Vec<Area> = Area::ALL
                .iter()
                .copied()
                .filter(|a| area == "*" || a.as_str() == area)
                .collect();
            if areas.is_empty() {
                return None;
            }
            Some(areas.into_iter().fold(set, |set, area| set.with(Scope(area, verb))))
        })
    }
}

impl fmt::Display for Scopes {
    /// The widest scope of each area, separated by spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for &area in Area::ALL {
            for verb in [Verb::Write, Verb::Read] {
                if self.has(Scope(area, verb)) {
                    write!(f, "{gap}{}", Scope(area, verb))?;
                    gap = " ";
                    break;
                }
            }
        }
        Ok(())
    }
}

/// What a user is in the firm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Signed the firm up; may do everything, and cannot be removed by others.
    Owner,
    /// May do everything but touch owners.
    Admin,
    /// Runs sales and service: all records, settings to read, users to read.
    Manager,
    /// Sells: leads, customers, orders.
    Representative,
    /// Serves: tickets, customers.
    Agent,
    /// Runs campaigns: leads, segments, surveys.
    Marketer,
    /// Looks only.
    ReadOnly,
}

impl Role {
    /// What the role may do.
    #[must_use]
    pub fn scopes(self) -> Scopes {
        use Area::{
            ApiKeys, Contacts, Events, Imports, Leads, Orders, Products, Reports, Segments, Settings, Surveys, Tickets,
            Users, Webhooks, WinBacks,
        };
        let set = |write: &[Area], read: &[Area]| {
            let set = read
                .iter()
                .fold(Scopes::NONE, |set, &area| set.with(Scope(area, Verb::Read)));
            write.iter().fold(set, |set, &area| set.with(Scope(area, Verb::Write)))
        };
        match self {
            Role::Owner | Role::Admin => Scopes::all(),
            Role::Manager => set(
                &[
                    Leads, Contacts, Orders, Products, Tickets, Segments, Reports, Surveys, WinBacks, Imports,
                ],
                &[Webhooks, Events, Settings, Users, ApiKeys],
            ),
            Role::Representative => set(
                &[Leads, Contacts, Orders, WinBacks, Imports],
                &[Products, Tickets, Segments, Reports, Surveys, Events, Settings, Users],
            ),
            Role::Agent => set(
                &[Contacts, Tickets, Imports],
                &[
                    Leads, Orders, Products, Segments, Reports, Surveys, WinBacks, Events, Settings, Users,
                ],
            ),
            Role::Marketer => set(
                &[Leads, Segments, Reports, Surveys, WinBacks, Imports],
                &[Contacts, Orders, Products, Tickets, Events, Settings, Users],
            ),
            Role::ReadOnly => set(
                &[],
                &[
                    Leads, Contacts, Orders, Products, Tickets, Segments, Reports, Surveys, WinBacks, Imports, Events,
                    Settings, Users,
                ],
            ),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_written_and_include_reading() {
        let set = Scopes::parse("leads:write *:read").unwrap();
        assert!(set.has(Scope(Area::Leads, Verb::Write)) && set.has(Scope(Area::Orders, Verb::Read)));
        assert!(!set.has(Scope(Area::Orders, Verb::Write)));
        assert_eq!(Scopes::parse(&set.to_string()), Some(set));
        for all in ["*", "leads:read *", "* leads:read", "*:*", "*:write"] {
            assert_eq!(Scopes::parse(all), Some(Scopes::all()), "{all}");
        }
        for bad in ["leads", "leads:", "leads:admin", "nothing:read", ":read"] {
            assert_eq!(Scopes::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_owners_and_admins_change_users_keys_webhooks_and_settings() {
        for role in [
            Role::Manager,
            Role::Representative,
            Role::Agent,
            Role::Marketer,
            Role::ReadOnly,
        ] {
            for area in [Area::Users, Area::ApiKeys, Area::Webhooks, Area::Settings] {
                assert!(!role.scopes().has(Scope(area, Verb::Write)), "{role:?} {area:?}");
            }
        }
    }

    #[test]
    fn every_noun_belongs_to_an_area() {
        for (noun, area) in [
            ("lead", Some(Area::Leads)),
            ("contact", Some(Area::Contacts)),
            ("company", Some(Area::Contacts)),
            ("order", Some(Area::Orders)),
            ("product", Some(Area::Products)),
            ("ticket", Some(Area::Tickets)),
            ("message", Some(Area::Tickets)),
            ("score", Some(Area::Segments)),
            ("win_back", Some(Area::WinBacks)),
            ("survey", Some(Area::Surveys)),
            ("survey_invitation", Some(Area::Surveys)),
            ("webhook_endpoint", Some(Area::Webhooks)),
            ("webhook_source", Some(Area::Webhooks)),
            ("user", Some(Area::Users)),
            ("spoon", None),
        ] {
            assert_eq!(Area::of(noun), area, "{noun}");
        }
    }

    #[test]
    fn what_two_sets_share_is_in_both() {
        for (one, other, both) in [
            (
                "leads:write orders:read",
                "leads:read orders:write",
                "leads:read orders:read",
            ),
            ("leads:write", "orders:write", ""),
            ("*", "tickets:write", "tickets:write"),
        ] {
            let set = |text| Scopes::parse(text).unwrap();
            assert_eq!(set(one).and(set(other)), set(both), "{one}, {other}");
        }
    }
}
