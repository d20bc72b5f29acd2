//! The customer of an order: found by what the row says of him, or made with the order.

use rapport_domain::contact::Contact;
use rapport_domain::import::ImportKind;
use rapport_domain::{Invalid, Record, RecordId, text};
use rapport_store::StoreError;
use serde_json::{Map, Value, json};

use crate::decide::Decider;
use crate::found::newest;
use crate::unit::{Reading, Unit};

/// The customer that an order names.
#[derive(Clone, Debug, PartialEq)]
pub enum Customer {
    /// Nobody is named.
    Nobody,
    /// Somebody known.
    Known(RecordId),
    /// Somebody who is to be created, from this.
    New(Map<String, Value>),
}

impl Decider<'_> {
    /// Who an order is for.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] where several have the name, or that the store does not answer.
    pub async fn customer(&self, unit: &Unit<'_>) -> Result<Customer, StoreError> {
        let Reading { import, mapping, .. } = self.reading;
        if import.kind != ImportKind::Orders {
            return Ok(Customer::Nobody);
        }
        let said = |key: &str| unit.rows.iter().find_map(|row| mapping.cell(key, &row.1));
        let (email, id, name) = (
            said("customer_email"),
            said("customer_external_id"),
            said("customer_name"),
        );
        let source = &import.options.source;
        let mut found = None;
        if let Some(id) = id {
            found = self.store.contact_of(self.cx.tenant, source, id).await?;
        }
        if let (None, Some(email)) = (found, email) {
            found = self.store.contact_of(self.cx.tenant, "email", email).await?;
        }
        if let (None, None, None, Some(name)) = (found, email, id, name) {
            let same = newest::<Contact>(self.store, self.cx, &format!("name#{}", text::key(name)), 2).await?;
            if same.len() > 1 {
                let detail = "several contacts have this name: say the e-mail address or the id";
                return Err(Invalid::one("customer_name", "customer_ambiguous", detail).into());
            }
            found = same.first().copied();
        }
        if let Some(found) = found {
            return Ok(Customer::Known(found));
        }
        let mut contact = Map::new();
        for (key, value) in [("name", name.or(id.filter(|_| email.is_none()))), ("email", email)] {
            if let Some(value) = value {
                contact.insert(key.to_owned(), value.into());
            }
        }
        if let Some(id) = id {
            contact.insert("external_ids".to_owned(), json!({ source.clone(): id }));
        }
        Ok(if contact.is_empty() {
            Customer::Nobody
        } else {
            Customer::New(contact)
        })
    }

    /// A new customer of an order, checked.
    ///
    /// # Errors
    /// [`Invalid`] at the fields of the order that name him.
    pub fn new_customer(&self, contact: Map<String, Value>) -> Result<Record<Contact>, Invalid> {
        self.build::<Contact>(contact).map_err(|mut invalid| {
            for problem in &mut invalid.problems {
                let field = match problem.pointer.as_str() {
                    "#/name" => "customer_name",
                    pointer if pointer.starts_with("#/external_ids") => "customer_external_id",
                    _ => "customer_email",
                };
                problem.pointer = format!("#/{field}");
            }
            invalid
        })
    }
}
