//! Who does something, and through what.

use serde::{Deserialize, Serialize};

/// Through what a record was last changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// The REST API with an API key.
    Api,
    /// A signed-in person.
    Console,
    /// An inbound webhook.
    Hook,
    /// A background worker.
    Worker,
    /// An import.
    Import,
}

/// Who does something: a user, an API key, a webhook source or a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `usr_…`, `key_…`, `src_…`, or a worker's name.
    pub id: String,
    /// Through what.
    pub via: Via,
    /// The request or message that caused it: `req_…`. Kept with the row so that a repeated write is recognised.
    pub request: String,
}

impl Actor {
    /// A worker acting by itself.
    #[must_use]
    pub fn worker(name: &str, request: &str) -> Self {
        Self {
            id: name.to_owned(),
            via: Via::Worker,
            request: request.to_owned(),
        }
    }
}
