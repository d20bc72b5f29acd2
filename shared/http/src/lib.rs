//! What every HTTP function does alike: who calls and may they, reading bodies and parameters, the standard operations of
//! a record, answers and problems, and the OpenAPI document that is made of the same list of routes.

pub mod address;
pub mod api;
pub mod body;
pub mod caller;
pub mod list;
pub mod metering;
pub mod nouns;
pub mod operator;
pub mod problem;
pub mod resource;
pub mod respond;

mod envelope;
mod query;

pub use address::Address;
pub use api::{Access, Api, Catalogue, Doc};
pub use body::{IdempotencyKey, IfMatch, IfNoneMatch, Json, RawBody, RawQuery};
pub use caller::Caller;
pub use envelope::RequestId;
pub use operator::Operator;
pub use problem::Problem;
pub use query::Params;
pub use rapport_domain::permission::{Area, Scope, Verb};
pub use resource::Resource;
