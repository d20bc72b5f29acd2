//! The demo firm: a wholesaler of tea and coffee with two years of orders, leads and tickets, put in through the public
//! API as any client would. What is told of it lies in the JSON files beside this one's modules.
//!
//! Every record has an external id of the source `demo`, so that a fill that was cut short is completed by the next one
//! and nothing is made twice. Days count back from the one on which the firm signed up, so they stay as they are.

mod client;
mod data;
mod purchases;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use client::{Client, refused, text};
use data::{CURRENCY, Customer, Data, Ticket};
use purchases::Draft;

/// The demo owner's e-mail address.
pub const EMAIL: &str = "mara@fennimore-quay.example";
/// The demo owner's password.
pub const PASSWORD: &str = "the kettle is always on";

const TIME_ZONE: &str = "Europe/London";
/// The field that is declared last: where it is, the firm is complete.
const LAST_FIELD: (&str, &str) = ("ticket", "cause");
/// How long scores are waited for before each is as it is; the nightly recompute mends the rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// What [`fill`] found or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The firm is complete now.
    Filled,
    /// The firm was complete before.
    Known,
}

/// Why the demo firm could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The service gave no answer.
    #[error("the service does not answer")]
    NoAnswer(#[source] reqwest::Error),
    /// The service refused something.
    #[error("{path} answers {status}: {detail}")]
    Refused {
        /// What was asked.
        path: String,
        /// The status of the answer.
        status: u16,
        /// The first fault.
        detail: String,
    },
    /// Somebody changed the password.
    #[error("the demo firm is there, but its password is not the one it was made with")]
    PasswordChanged,
    /// The files are not what they should be.
    #[error("the demo's data cannot be read")]
    Data(#[from] serde_json::Error),
}

/// Fills the demo firm of the service at `url`, or completes it.
///
/// # Errors
/// [`DemoError`]; the next call goes on where this one ended.
pub async fn fill(url: &str) -> Result<Outcome, DemoError> {
    let data = Data::read()?;
    let mut client = Client::new(url)?;
    sign_in(&mut client).await?;
    let (noun, key) = LAST_FIELD;
    let path = format!("/v1/fields/{noun}/{key}");
    let last = client.ask(Method::GET, &path, None).await?;
    match last.status {
        200 => return Ok(Outcome::Known),
        404 => {}
        status => return Err(refused(&path, status, &last.body)),
    }
    let me = client.get("/v1/me").await?;
    let firm = Firm {
        client: &client,
        data: &data,
        owner: text(&me["user"]["id"]),
        today: signed_up(&me["user"]["created_at"]),
    };
    firm.fill().await?;
    Ok(Outcome::Filled)
}

/// The day on which the firm signed up.
fn signed_up(created: &Value) -> Date {
    let at: Timestamp = text(created).parse().unwrap_or(Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::get(TIME_ZONE).unwrap_or(TimeZone::UTC)).date()
}

/// Signs in; where there is no such firm yet, signs it up.
async fn sign_in(client: &mut Client) -> Result<(), DemoError> {
    let mut path = "/v1/auth/token";
    let password = json!({"grant_type": "password", "username": EMAIL, "password": PASSWORD});
    let mut answer = client.ask(Method::POST, path, Some(&password)).await?;
    if matches!(answer.status, 400 | 401) {
        let firm = json!({
            "company": "Fennimore Quay Tea & Coffee", "name": "Mara Fennimore", "email": EMAIL, "password": PASSWORD,
            "country": "GB", "currency": CURRENCY, "time_zone": TIME_ZONE, "locale": "en",
        });
        path = "/v1/signup";
        answer = client.ask(Method::POST, path, Some(&firm)).await?;
    }
    if answer.code() == "login_exists" {
        return Err(DemoError::PasswordChanged);
    }
    text(&answer.body["access_token"]).clone_into(&mut client.token);
    if client.token.is_empty() {
        Err(refused(path, answer.status, &answer.body))
    } else {
        Ok(())
    }
}

/// The firm that is being filled.
struct Firm<'a> {
    client: &'a Client,
    data: &'a Data,
    owner: &'a str,
    today: Date,
}

impl Firm<'_> {
    async fn fill(&self) -> Result<(), DemoError> {
        self.fields(&fields()).await?;
        let products: Vec<Value> = self.data.products.iter().map(data::Product::input).collect();
        self.client.create("products", &products).await?;
        let companies = self.companies().await?;
        let contacts = self.contacts(&companies).await?;
        self.late(&contacts).await?;
        let drafts = purchases::orders(self.data, self.today);
        let orders = self.orders(&drafts, &companies, &contacts).await?;
        self.leads().await?;
        let tickets: Vec<&Ticket> = self.data.tickets.iter().filter(|ticket| !ticket.overdue).collect();
        self.tickets(&tickets, &contacts, &orders).await?;
        self.scores(&drafts, &contacts).await?;
        let (kind, key) = LAST_FIELD;
        let causes = ["roasting", "packing", "carrier", "invoice", "machine", "other"];
        self.fields(&[json!({"kind": kind, "key": key, "label": "Cause", "type": "choice", "choices": causes})])
            .await
    }

    /// Declares custom fields.
    async fn fields(&self, fields: &[Value]) -> Result<(), DemoError> {
        for field in fields {
            let path = "/v1/fields";
            let answer = self.client.ask(Method::POST, path, Some(field)).await?;
            // 409: an earlier start declared it.
            if !matches!(answer.status, 201 | 409) {
                return Err(refused(path, answer.status, &answer.body));
            }
        }
        Ok(())
    }

    /// The ids of the companies by customer.
    async fn companies(&self) -> Result<Vec<Option<String>>, DemoError> {
        let inputs: Vec<Option<Value>> = self
            .data
            .customers
            .iter()
            .map(|customer| customer.company_input(self.owner))
            .collect();
        let given: Vec<Value> = inputs.iter().flatten().cloned().collect();
        let mut ids = self.client.create("companies", &given).await?.into_iter();
        Ok(inputs
            .iter()
            .map(|input| input.as_ref().and_then(|_| ids.next()))
            .collect())
    }

    /// The ids of the contacts by customer.
    async fn contacts(&self, companies: &[Option<String>]) -> Result<Vec<String>, DemoError> {
        let input = |(customer, company): (&Customer, &Option<String>)| {
            customer.contact_input(company.as_deref(), self.owner, self.today)
        };
        let inputs: Vec<Value> = self.data.customers.iter().zip(companies).map(input).collect();
        self.client.create("contacts", &inputs).await
    }

    /// Creates the orders; the id of each customer's latest.
    async fn orders(
        &self,
        drafts: &[Draft],
        companies: &[Option<String>],
        contacts: &[String],
    ) -> Result<BTreeMap<usize, String>, DemoError> {
        let input = |draft: &Draft| {
            let mut input = draft.input.clone();
            input["contact_id"] = contacts.get(draft.customer).map(String::as_str).into();
            if let Some(Some(company)) = companies.get(draft.customer) {
                input["company_id"] = company.as_str().into();
            }
            input
        };
        let inputs: Vec<Value> = drafts.iter().map(input).collect();
        let ids = self.client.create("orders", &inputs).await?;
        Ok(drafts
            .iter()
            .zip(ids)
            .filter(|(draft, _)| draft.counts)
            .map(|(draft, id)| (draft.customer, id))
            .collect())
    }

    async fn leads(&self) -> Result<(), DemoError> {
        let inputs: Vec<Value> = self.data.leads.iter().map(|lead| lead.input(self.owner)).collect();
        let ids = self.client.create("leads", &inputs).await?;
        for (_, id) in self
            .data
            .leads
            .iter()
            .zip(ids)
            .filter(|(lead, _)| lead.status == "converted")
        {
            let path = format!("/v1/leads/{id}/convert");
            let answer = self.client.ask(Method::POST, &path, None).await?;
            if answer.status != 200 && answer.code() != "already_converted" {
                return Err(refused(&path, answer.status, &answer.body));
            }
        }
        Ok(())
    }

    /// Opens the tickets that are late at once: nothing can be told of the past, so they are opened under promises of a
    /// minute around the clock, and then the promises become what they are to be.
    async fn late(&self, contacts: &[String]) -> Result<(), DemoError> {
        let always: BTreeMap<&str, Value> = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
            .map(|day| (day, json!([["00:00", "24:00"]])))
            .into();
        let strict = json!({"working_hours": always, "sla": {"policies": [{"first_response_minutes": 1, "resolution_minutes": 2}]}});
        self.client.call(Method::PATCH, "/v1/settings", Some(&strict)).await?;
        let late: Vec<&Ticket> = self.data.tickets.iter().filter(|ticket| ticket.overdue).collect();
        self.tickets(&late, contacts, &BTreeMap::new()).await?;
        self.client
            .call(Method::PATCH, "/v1/settings", Some(&settings(self.today)))
            .await?;
        Ok(())
    }

    /// Opens tickets and brings each to its end. One that was begun before goes on where its counters say it stands.
    async fn tickets(
        &self,
        tickets: &[&Ticket],
        contacts: &[String],
        orders: &BTreeMap<usize, String>,
    ) -> Result<(), DemoError> {
        let input = |ticket: &&Ticket| {
            let customer = self
                .data
                .customers
                .iter()
                .position(|customer| customer.key == ticket.customer)?;
            Some(ticket.input(contacts.get(customer)?, orders.get(&customer), self.owner))
        };
        let inputs: Vec<Value> = tickets.iter().filter_map(input).collect();
        let ids = self.client.create("tickets", &inputs).await?;
        for (ticket, id) in tickets.iter().zip(ids) {
            self.converse(ticket, &format!("/v1/tickets/{id}")).await?;
        }
        Ok(())
    }

    async fn converse(&self, ticket: &Ticket, path: &str) -> Result<(), DemoError> {
        let count = |record: &Value, field: &str| {
            record[field]
                .as_u64()
                .and_then(|count| usize::try_from(count).ok())
                .unwrap_or_default()
        };
        let now = self.client.get(path).await?;
        let said = count(&now, "message_count") + count(&now, "note_count");
        for (who, words) in ticket.talk.iter().flatten().skip(said) {
            let body = match who.as_str() {
                "note" => json!({"body": words, "internal": true}),
                who => json!({"body": words, "from": who}),
            };
            self.client.post(&format!("{path}/messages"), &body).await?;
        }
        if ticket.escalate && count(&now, "escalation_level") == 0 {
            self.client.post(&format!("{path}/escalate"), &json!({})).await?;
        }
        let now = self.client.get(path).await?;
        let status = text(&now["status"]);
        if matches!(ticket.end.as_str(), "resolved" | "closed") && !matches!(status, "resolved" | "closed") {
            self.client
                .post(&format!("{path}/resolve"), &json!({"note": ticket.resolution}))
                .await?;
        }
        if ticket.end == "closed" && status != "closed" {
            self.client.post(&format!("{path}/close"), &json!({})).await?;
        }
        if ticket.end == "waiting" && status != "waiting" {
            self.client
                .call(Method::PATCH, path, Some(&json!({"status": "waiting"})))
                .await?;
        }
        Ok(())
    }

    /// Waits until every purchase is in its customer's figures, then has the scores computed.
    async fn scores(&self, drafts: &[Draft], contacts: &[String]) -> Result<(), DemoError> {
        let patience = Instant::now() + PATIENCE;
        for (n, contact) in contacts.iter().enumerate() {
            let expected = purchases::days_of_purchase(drafts, n);
            let path = format!("/v1/contacts/{contact}/score");
            while self.client.get(&path).await?["rfm"]["frequency"]
                .as_u64()
                .unwrap_or_default()
                < expected
                && Instant::now() < patience
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        let job = self
            .client
            .post("/v1/segments/recompute", &json!({}))
            .await?
            .location
            .unwrap_or_default();
        while !matches!(
            text(&self.client.get(&job).await?["status"]),
            "done" | "failed" | "cancelled"
        ) && Instant::now() < patience
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

/// The custom fields, but for the last.
fn fields() -> [Value; 4] {
    let favourites = ["espresso", "filter", "black tea", "green tea", "oolong", "herbal"];
    [
        json!({"kind": "contact", "key": "customer_since", "label": "Customer since", "type": "date"}),
        json!({"kind": "contact", "key": "favourites", "label": "Favourites", "type": "multi_choice", "choices": favourites}),
        json!({"kind": "company", "key": "price_list", "label": "Price list", "type": "choice", "choices": ["trade", "key account"]}),
        json!({"kind": "lead", "key": "sample_sent", "label": "Sample sent", "type": "boolean"}),
    ]
}

/// When the firm works and what it promises.
fn settings(today: Date) -> Value {
    let weekday = json!([["08:30", "12:30"], ["13:00", "17:30"]]);
    let mut hours: BTreeMap<&str, Value> = ["mon", "tue", "wed", "thu", "fri"]
        .map(|day| (day, weekday.clone()))
        .into();
    hours.insert("sat", json!([["09:00", "13:00"]]));
    // A patch keeps what it does not name.
    hours.insert("sun", Value::Null);
    let holidays: Vec<String> = [0, 1]
        .iter()
        .flat_map(|years| {
            let year = today.year() + years;
            [
                format!("{year}-01-01"),
                format!("{year}-12-25"),
                format!("{year}-12-26"),
            ]
        })
        .collect();
    let policy = |priority: Option<&str>, first: u32, resolution: u32| json!({"priority": priority, "first_response_minutes": first, "resolution_minutes": resolution});
    json!({
        "working_hours": hours, "holidays": holidays,
        "sla": {"policies": [policy(Some("urgent"), 60, 240), policy(Some("high"), 120, 480), policy(None, 240, 1_440)]},
    })
}
