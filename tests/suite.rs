//! All end-to-end tests, against the public surface of one running host.
#![allow(clippy::unwrap_used, missing_docs)]

mod agreement;
mod api {
    mod account;
    mod archives;
    mod broken_erasures;
    mod capacity;
    mod contacts;
    mod contract;
    mod erasure;
    mod events;
    mod exports;
    pub mod identity;
    mod imports;
    mod leads;
    mod merge;
    mod moves;
    mod operator;
    mod orders;
    mod questionnaires;
    pub mod reports;
    mod search;
    mod segments;
    mod suggestions;
    mod survey_results;
    mod surveys;
    pub mod tickets;
    mod usage;
    mod webhooks;
    mod win_backs;
}
mod faults {
    mod clocks;
    pub mod input;
    mod poison;
    mod refused;
    mod shuffled;
    mod store;
    mod targets;
    mod together;
    mod tokens;
}
mod flows {
    mod cdnow;
    mod demo;
    mod small_firm;
}
mod tenancy {
    mod callers;
    mod credentials;
    pub mod routes;
    mod victim;
}
