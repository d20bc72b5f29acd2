//! The functions this host can run in its own process: the one place besides the end-to-end tests that names them all.
//! To add one, add its crate to `Cargo.toml` and a line to [`all`].

use std::collections::BTreeMap;
use std::sync::Arc;

use rapport_mail::Way;
use rapport_runtime::{App, Clock, Config, Function, Meter, metered};
use rapport_store::Clients;

use crate::invoke::{BoxError, Handler};

/// What a function is made from: its environment and clients of the embedded engines.
pub struct Ingredients {
    /// Its environment.
    pub environment: BTreeMap<String, String>,
    /// The tables.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// How a tenant's client is made of that, where each is to have its own; else that one serves all.
    pub of_tenant: Option<fn(&aws_sdk_dynamodb::Client, &str) -> aws_sdk_dynamodb::Client>,
    /// The queues.
    pub sqs: aws_sdk_sqs::Client,
    /// The clock.
    pub clock: Clock,
    /// Where it counts what tenants use: together with all other functions of this process.
    pub meter: Meter,
}

impl Ingredients {
    /// The clients of the tables.
    #[must_use]
    pub fn clients(&self) -> Clients {
        let own = self.dynamodb.clone();
        match self.of_tenant {
            None => own.into(),
            Some(make) => {
                let base = own.clone();
                Clients::for_each_tenant(&own, move |tenant| make(&base, &tenant.to_string()))
            }
        }
    }
}

type Make = Arc<dyn Fn(Ingredients) -> Result<Handler, BoxError> + Send + Sync>;

/// Functions by name.
#[derive(Clone, Default)]
pub struct Functions {
    by_name: BTreeMap<String, Make>,
}

impl Functions {
    /// Adds a function.
    #[must_use]
    pub fn with(
        mut self,
        name: &str,
        make: impl Fn(Ingredients) -> Result<Handler, BoxError> + Send + Sync + 'static,
    ) -> Self {
        self.by_name.insert(name.to_owned(), Arc::new(make));
        self
    }

    /// Adds a function of the product, as its crate exports it.
    #[must_use]
    pub fn product(self, name: &str, function: Function) -> Self {
        self.with(name, move |given| {
            let config = Config::read(|name| given.environment.get(name).cloned())?;
            let clients = given.clients();
            if config.mail == Some(Way::Ses) {
                return Err("MAIL: ses is there in the cloud alone; smtp://HOST:PORT or folder:PATH is needed".into());
            }
            let app = App::new(config, given.clock, clients, given.sqs, None, given.meter);
            Ok(handler(function, app))
        })
    }

    /// Has every function made from other ingredients than the host gives: a test may stand between it and the engines.
    #[must_use]
    pub fn given(self, change: impl Fn(&str, Ingredients) -> Ingredients + Send + Sync + 'static) -> Self {
        let change = Arc::new(change);
        let by_name = self.by_name.into_iter().map(|(name, make)| {
            let (own, change) = (name.clone(), Arc::clone(&change));
            let make: Make = Arc::new(move |ingredients| make(change(&own, ingredients)));
            (name, make)
        });
        Self {
            by_name: by_name.collect(),
        }
    }

    /// The names there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(crate) fn make(&self, name: &str, ingredients: Ingredients) -> Option<Result<Handler, BoxError>> {
        self.by_name.get(name).map(|make| make(ingredients))
    }
}

/// Every function of the product: one line each, `.product("leads", leads::function())`.
#[must_use]
pub fn all() -> Functions {
    Functions::default()
        .product("archives", archives::function())
        .product("change-events", change_events::function())
        .product("console", console::function())
        .product("contacts", contacts::function())
        .product("events", events::function())
        .product("identity", identity::function())
        .product("import-rows", import_rows::function())
        .product("imports", imports::function())
        .product("leads", leads::function())
        .product("operator", operator::function())
        .product("orders", orders::function())
        .product("record-merges", record_merges::function())
        .product("report-exports", report_exports::function())
        .product("report-sheets", report_sheets::function())
        .product("reports", reports::function())
        .product("satisfaction-surveys", satisfaction_surveys::function())
        .product("search", search::function())
        .product("search-index", search_index::function())
        .product("segment-scores", segment_scores::function())
        .product("segments", segments::function())
        .product("surveys", surveys::function())
        .product("tenant-upkeep", tenant_upkeep::function())
        .product("ticket-deadlines", ticket_deadlines::function())
        .product("tickets", tickets::function())
        .product("timers", timers::function())
        .product("usage", usage::function())
        .product("usage-counts", usage_counts::function())
        .product("webhook-deliveries", webhook_deliveries::function())
        .product("webhook-intake", webhook_intake::function())
        .product("webhooks", webhooks::function())
        .product("win-backs", win_backs::function())
}

fn handler(function: Function, app: App) -> Handler {
    match function {
        Function::Http { router, .. } => Handler::Http(router(app)),
        Function::Pages(router) => Handler::Http(router(&app.config)),
        Function::Queue(handle) => Handler::Queue(Arc::new(move |event| {
            Box::pin(metered::queue(app.clone(), event, handle))
        })),
        Function::Stream(handle) => Handler::Stream(Arc::new(move |event| {
            Box::pin(metered::stream(app.clone(), event, handle))
        })),
        Function::Schedule(run) => Handler::Schedule(Arc::new(move |()| run(app.clone()))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::template::Template;

    /// Declared, and not yet here. Only ever shorter.
    const TO_COME: [&str; 0] = [];

    #[test]
    fn the_registry_and_the_template_agree() {
        let template = Template::read(crate::TEMPLATE, &BTreeMap::new(), "http://sqs.local").unwrap();
        let declared: BTreeSet<&str> = template
            .functions
            .values()
            .map(|function| function.name.as_str())
            .collect();
        let functions = all();
        let mut here: BTreeSet<&str> = functions.names().collect();
        assert!(here.is_subset(&declared), "{here:?}");
        here.extend(TO_COME);
        assert_eq!(here, declared);
    }

    #[test]
    fn nobody_has_a_role_here() {
        let template = Template::read(crate::TEMPLATE, &BTreeMap::new(), "http://sqs.local").unwrap();
        for function in template.functions.values() {
            assert_eq!(function.environment.get("TENANT_ROLE"), None, "{}", function.name);
        }
    }
}
