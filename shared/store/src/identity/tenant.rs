//! The tenant itself: when it signed up, its plan, whether it is open.

use jiff::Timestamp;
use rapport_domain::settings::millis;

use crate::{Key, Store, StoreError, Table, Write, text};

impl Write {
    /// Makes the tenant that this write belongs to.
    ///
    /// # Errors
    /// When this function was not given the table.
    pub fn new_tenant(&mut self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let mut item = Key::new(self.tenant(), "tenant", "tenant").attributes();
        item.insert("created_at".to_owned(), text(millis::text(now)));
        item.insert("plan".to_owned(), text("trial"));
        item.insert("status".to_owned(), text("open"));
        self.put_new(store, Table::Identity, item, "there is such a tenant")
    }
}
