//! How identity is stored: tenants, logins, users, sessions, invitations, API keys, and the brakes on guessing.
//!
//! Users are records like any other. Logins, sessions, invitations and keys are plain items without `doc`: the change
//! stream makes no event of them, and no secret is in any of them, only hashes.

mod api_key;
mod brake;
mod invitation;
mod login;
mod secret;
mod session;
mod tenant;
mod user;

pub use api_key::{ApiKey, api_key_text, parse_api_key};
pub use brake::{Attempt, Gate};
pub use invitation::{Invitation, InvitationStatus, InvitationToken};
pub use login::{Login, LoginId, ResetToken};
pub use secret::{Secret, hex};
pub use session::{RefreshToken, Session, Verdict};
pub(crate) use tenant::ACCOUNT;
