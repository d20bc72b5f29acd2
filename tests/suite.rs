//! All end-to-end tests, against the public surface of one running host.
#![allow(clippy::unwrap_used, missing_docs)]

mod api {
    mod contract;
    mod events;
    mod identity;
    mod leads;
    mod segments;
    mod webhooks;
}
mod agreement;
