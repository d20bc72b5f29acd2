//! The payments of an order.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use jiff::civil::Date;
use rapport_domain::Kind;
use rapport_domain::money::Amount;
use rapport_domain::order::{Order, Payment, PaymentIn};
use rapport_http::{Caller, Problem, resource, respond};
use rapport_runtime::App;
use rapport_store::records::parse;
use serde::{Deserialize, Serialize};

use crate::steps::Ask;

/// A payment to record.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayIn {
    /// How much, in the order's currency; below zero for a refund.
    amount: Amount,
    /// By what means: `cash`, `card`, `transfer`, …
    #[serde(default)]
    method: Option<String>,
    /// The day; today unless said otherwise.
    #[serde(default)]
    received_on: Option<Date>,
    /// What the bank or payment service calls it: the same one again changes nothing.
    #[serde(default)]
    external_id: Option<String>,
    /// Whether it may exceed what is owed.
    #[serde(default)]
    allow_credit: bool,
}

/// All payments of an order.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Payments {
    /// The payments.
    data: Vec<Payment>,
    /// Always false: an order's payments come at once.
    has_more: bool,
}

pub(crate) async fn record(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (input, ask): (PayIn, _) = Ask::read(request).await?;
    let PayIn {
        amount,
        method,
        received_on,
        external_id,
        allow_credit,
    } = input;
    let payment = PaymentIn {
        amount,
        method,
        received_on,
        external_id,
    };
    ask.change(&app, &caller, &id, |order, rules| {
        order.pay(payment.clone(), allow_credit, rules)
    })
    .await
}

pub(crate) async fn list(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let row = resource::current::<Order>(&app, &caller, resource::id(Order::PREFIX, &id)?).await?;
    let order = parse::<Order>(&row.doc)?;
    let mut value = serde_json::to_value(Payments {
        data: order.body.payments,
        has_more: false,
    })
    .unwrap_or_default();
    rapport_domain::record::strip_nulls(&mut value);
    Ok(respond::json(StatusCode::OK, &value))
}
