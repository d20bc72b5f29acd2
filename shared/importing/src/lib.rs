//! An import as it is carried out: a file read into rows, and what becomes of each row — the same code for a preview, a
//! dry run and the run itself. What cells and columns mean is decided by `rapport_domain::import`.

pub mod apply;
pub mod customer;
pub mod decide;
pub mod file;
pub mod found;
pub mod seen;
pub mod unit;

/// Rows of a dry run that one message looks at: it writes nothing, and has to know all rows before.
pub const DRY_PAGE: usize = 500;

/// Does something for the kind of record that an import makes: `kind!(import.kind, K => work::<K>().await)`.
#[macro_export]
macro_rules! of_kind {
    ($kind:expr, $name:ident => $work:expr) => {{
        use rapport_domain::import::ImportKind;
        match $kind {
            ImportKind::Contacts => {
                type $name = rapport_domain::contact::Contact;
                $work
            }
            ImportKind::Companies => {
                type $name = rapport_domain::company::Company;
                $work
            }
            ImportKind::Leads => {
                type $name = rapport_domain::lead::Lead;
                $work
            }
            ImportKind::Products => {
                type $name = rapport_domain::product::Product;
                $work
            }
            ImportKind::Orders => {
                type $name = rapport_domain::order::Order;
                $work
            }
        }
    }};
}
