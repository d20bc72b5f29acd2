//! A user: somebody who signs in to a tenant. What each role may do to another, and what may never happen to the last owner.
//!
//! The password is not here: it belongs to the login, which may lead to users of several tenants (see `login`).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::email::Email;
use crate::id::Prefix;
use crate::invalid::Invalid;
use crate::permission::{Role, Scopes};
use crate::record::{Kind, Rules, Unique};
use crate::text;

/// The languages that mails and pages are written in.
pub const LOCALES: [&str; 2] = ["en", "zh-CN"];

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// May sign in.
    #[default]
    Active,
    /// May not; records that name the user keep doing so.
    Deactivated,
}

/// What may be set of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UserIn {
    /// What people call the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address the user signs in with; never changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// What the user is in the firm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The language of the user's mails: `en` or `zh-CN`; the tenant's when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

/// A user as kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct User {
    /// What people call the user.
    pub name: String,
    /// The address the user signs in with.
    pub email: Email,
    /// What the user is in the firm.
    pub role: Role,
    /// Whether the user may sign in.
    pub status: UserStatus,
    /// The language of the user's mails; the tenant's when absent.
    pub locale: Option<String>,
    /// When the user was deactivated.
    #[serde(default, with = "crate::settings::millis::option")]
    pub deactivated_at: Option<Timestamp>,
}

/// Who wants to do something to a user: a role (none for an API key) and what it is permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The role of a signed-in user.
    pub role: Option<Role>,
    /// What the token or key permits.
    pub scopes: Scopes,
}

impl Authority {
    /// Whether somebody of this authority may make somebody a `role`: owners are made by owners, and nobody gives away
    /// permissions that he lacks himself.
    #[must_use]
    pub fn may_grant(self, role: Role) -> bool {
        (role != Role::Owner || self.role == Some(Role::Owner)) && role.scopes().within(self.scopes)
    }

    /// Whether somebody of this authority may change or deactivate a user of a role. Owners are left to owners.
    #[must_use]
    pub fn may_change(self, role: Role) -> bool {
        self.may_grant(role)
    }
}

impl User {
    /// Whether the user counts among the owners of which a tenant needs one.
    #[must_use]
    pub fn is_active_owner(&self) -> bool {
        self.role == Role::Owner && self.status == UserStatus::Active
    }

    /// The user, no longer let in.
    #[must_use]
    pub fn deactivate(&self, now: Timestamp) -> Self {
        if self.status == UserStatus::Deactivated {
            return self.clone();
        }
        Self {
            status: UserStatus::Deactivated,
            deactivated_at: Some(now),
            ..self.clone()
        }
    }

    /// The user, let in again.
    #[must_use]
    pub fn reactivate(&self) -> Self {
        Self {
            status: UserStatus::Active,
            deactivated_at: None,
            ..self.clone()
        }
    }
}

impl Kind for User {
    const NOUN: &'static str = "user";
    const PREFIX: Prefix = Prefix::User;
    type In = UserIn;

    fn create(input: UserIn, _: &Rules) -> Result<Self, Invalid> {
        let UserIn {
            name,
            email,
            role,
            locale,
        } = input;
        let mut invalid = Invalid::default();
        let email = invalid.take(match email {
            Some(email) => Email::parse("email", &email),
            None => Err(Invalid::one("email", "required", "this field is required")),
        });
        let name = invalid.take(text::optional("name", name, 200)).flatten();
        if role.is_none() {
            invalid.add("role", "required", "this field is required");
        }
        if locale.as_deref().is_some_and(|locale| !LOCALES.contains(&locale)) {
            invalid.add("locale", "locale_unknown", "a locale is en or zh-CN");
        }
        invalid.check()?;
        let (Some(email), Some(role)) = (email, role) else {
            return Err(Invalid::one("", "required", "a user has an email and a role"));
        };
        Ok(Self {
            // Somebody invited without a name goes by the part of the address that is his.
            name: name.unwrap_or_else(|| email.as_str().split('@').next().unwrap_or_default().to_owned()),
            email,
            role,
            status: UserStatus::Active,
            locale,
            deactivated_at: None,
        })
    }

    fn editable(&self) -> UserIn {
        UserIn {
            name: Some(self.name.clone()),
            email: Some(self.email.to_string()),
            role: Some(self.role),
            locale: self.locale.clone(),
        }
    }

    fn revise(&self, input: UserIn, rules: &Rules) -> Result<Self, Invalid> {
        let next = Self::create(input, rules)?;
        if next.email.key() != self.email.key() {
            return Err(Invalid::one(
                "email",
                "not_allowed",
                "the address a user signs in with does not change: invite the new one",
            ));
        }
        Ok(Self {
            email: self.email.clone(),
            status: self.status,
            deactivated_at: self.deactivated_at,
            ..next
        })
    }

    fn unique(&self, _: &Rules) -> Vec<Unique> {
        vec![Unique {
            scope: "email".to_owned(),
            value: self.email.key(),
        }]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn rules() -> Rules {
        Rules {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            settings: Arc::default(),
            fields: Arc::default(),
        }
    }

    fn user(json: serde_json::Value) -> Result<User, Invalid> {
        User::create(serde_json::from_value(json).unwrap(), &rules())
    }

    #[test]
    fn what_is_wrong_with_a_user_is_said() {
        for (json, pointers) in [
            (json!({"email":"a@b.co","role":"agent"}), &[][..]),
            (json!({}), &["#/email", "#/role"]),
            (
                json!({"email":"a@","role":"owner","locale":"xx"}),
                &["#/email", "#/locale"],
            ),
            (
                json!({"email":"a@b.co","role":"owner","name":"x".repeat(201)}),
                &["#/name"],
            ),
        ] {
            let found = user(json.clone()).err().unwrap_or_default();
            let found: Vec<_> = found.problems.iter().map(|problem| problem.pointer.as_str()).collect();
            assert_eq!(found, pointers, "{json}");
        }
        assert_eq!(user(json!({"email":"ann@b.co","role":"agent"})).unwrap().name, "ann");
    }

    #[test]
    fn an_address_never_changes_and_a_status_only_by_its_own_verb() {
        let ann = user(json!({"email":"ann@b.co","role":"agent","name":"Ann"})).unwrap();
        assert_eq!(ann.revise(ann.editable(), &rules()).unwrap(), ann);
        let moved = UserIn {
            email: Some("bob@b.co".into()),
            ..ann.editable()
        };
        assert!(ann.revise(moved, &rules()).is_err());
        let gone = ann.deactivate(rules().now);
        assert_eq!(gone.deactivate("2027-01-01T00:00:00Z".parse().unwrap()), gone);
        assert_eq!(
            gone.revise(gone.editable(), &rules()).unwrap().status,
            UserStatus::Deactivated
        );
        assert_eq!(gone.reactivate(), ann);
    }

    #[test]
    fn nobody_grants_more_than_he_has() {
        let by = |role: Role| Authority {
            role: Some(role),
            scopes: role.scopes(),
        };
        let key = |scopes: &str| Authority {
            role: None,
            scopes: Scopes::parse(scopes).unwrap(),
        };
        for (authority, role, may) in [
            (by(Role::Owner), Role::Owner, true),
            (by(Role::Owner), Role::ReadOnly, true),
            (by(Role::Admin), Role::Owner, false),
            (by(Role::Admin), Role::Admin, true),
            (by(Role::Manager), Role::Admin, false),
            (key("*"), Role::Owner, false),
            (key("*"), Role::Admin, true),
            (key("users:write"), Role::Admin, false),
            (key("users:write"), Role::ReadOnly, false),
            (key("users:write *:read"), Role::ReadOnly, true),
        ] {
            assert_eq!(authority.may_grant(role), may, "{authority:?} {role:?}");
            assert_eq!(authority.may_change(role), may, "{authority:?} {role:?}");
        }
    }

    #[test]
    fn a_change_keeps_how_the_address_was_written_and_when_the_user_left() {
        let ann = user(json!({"email":"Ann@b.co","role":"agent"})).unwrap();
        let gone = ann.deactivate(rules().now);
        assert_eq!(gone.deactivated_at, Some(rules().now));
        let shouted = UserIn {
            email: Some("ANN@b.co".into()),
            ..gone.editable()
        };
        assert_eq!(gone.revise(shouted, &rules()).unwrap(), gone);
    }

    #[test]
    fn no_two_users_share_an_address() {
        let ann = user(json!({"email":"Ann@b.co","role":"agent"})).unwrap();
        let email = Unique {
            scope: "email".into(),
            value: "ann@b.co".into(),
        };
        assert_eq!(ann.unique(&rules()), [email]);
    }

    #[test]
    fn only_an_active_owner_counts_as_one() {
        for (role, active, counts) in [
            ("owner", true, true),
            ("owner", false, false),
            ("admin", true, false),
            ("admin", false, false),
        ] {
            let mut ann = user(json!({"email":"ann@b.co","role":role})).unwrap();
            if !active {
                ann = ann.deactivate(rules().now);
            }
            assert_eq!(ann.is_active_owner(), counts, "{role} {active}");
        }
    }
}
