//! One receipt: from waiting to applied, put aside or failed.

use jiff::Timestamp;
use rapport_domain::intake::{self, Reading};
use rapport_domain::webhook::{Receipt, ReceiptStatus, Source};
use rapport_domain::{Actor, Record, RecordId, TenantId, Via};
use rapport_runtime::{App, BoxError};
use rapport_store::{Accept, StoreError};
use serde_json::json;

use crate::apply::apply;

pub(crate) async fn take(app: &App, tenant: TenantId, source: RecordId, id: RecordId) -> Result<(), BoxError> {
    let mut kept = match app.store.receipt(tenant, source, id).await {
        Err(StoreError::Missing) => return Ok(()),
        kept => kept?,
    };
    if kept.receipt.status != ReceiptStatus::Received {
        return Ok(());
    }
    let source = match app.store.get::<Source>(tenant, source).await {
        Err(StoreError::Missing) => None,
        source => Some(source?),
    };
    let body = app.store.receipt_body(tenant, &kept).await?;
    let outcome = match source {
        None => Outcome::Ignored("the source was deleted".to_owned()),
        Some(source) => outcome(app, tenant, &source, &kept.receipt, &body).await?,
    };
    note(&mut kept.receipt, outcome);
    match app.store.save_receipt(tenant, kept, app.clock.now()).await {
        // Somebody else handled the same message, or replayed it.
        Ok(()) | Err(StoreError::Stale(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Outcome {
    Applied(RecordId),
    Ignored(String),
    Failed(StoreError),
}

fn note(receipt: &mut Receipt, outcome: Outcome) {
    receipt.problems.clear();
    (receipt.status, receipt.reason, receipt.record_id) = match outcome {
        Outcome::Applied(id) => (ReceiptStatus::Applied, None, Some(id)),
        Outcome::Ignored(reason) => (ReceiptStatus::Ignored, Some(reason), None),
        Outcome::Failed(error) => {
            receipt.problems = match &error {
                StoreError::Invalid(invalid) => invalid.problems.iter().map(|problem| json!(problem)).collect(),
                StoreError::Taken { scope, holder } => {
                    vec![json!({"code": "conflict", "scope": scope, "holder": holder})]
                }
                StoreError::Full(reached) => vec![json!({"code": "plan_limit", "detail": reached.to_string()})],
                StoreError::Conflict { code, detail } => vec![json!({"code": code, "detail": detail})],
                _ => Vec::new(),
            };
            (ReceiptStatus::Failed, Some(reason(&error)), None)
        }
    };
}

/// Why it failed, without anything of the inside.
fn reason(error: &StoreError) -> String {
    match error {
        StoreError::Internal(_) => "something went wrong on our side".to_owned(),
        other => other.to_string(),
    }
}

async fn outcome(
    app: &App,
    tenant: TenantId,
    source: &Record<Source>,
    receipt: &Receipt,
    body: &[u8],
) -> Result<Outcome, BoxError> {
    let reading = match intake::read(&source.body, &receipt.headers, receipt.content_type.as_deref(), body) {
        Ok(reading) => reading,
        Err(invalid) => return Ok(Outcome::Failed(invalid.into())),
    };
    let (contact, mut piece, changed) = match reading {
        Reading::Ignored(reason) => return Ok(Outcome::Ignored(reason)),
        Reading::Record {
            contact,
            piece,
            changed,
        } => (contact, piece, changed),
    };
    let now = app.clock.now();
    let tenant_rules = match app.store.tenant_rules(tenant).await {
        Err(StoreError::Missing) => return Ok(Outcome::Ignored("there is no such tenant any more".to_owned())),
        rules => rules?,
    };
    let (account, rules) = (&tenant_rules.account, tenant_rules.rules(now));
    if !account.may_write() {
        let detail = "the account is not open: replay the message once it is";
        return Ok(Outcome::Failed(StoreError::conflict("account_not_open", detail)));
    }
    let known = piece.external.as_ref().map(|(source, id)| format!("{source}:{id}"));
    if let (Some(known), Some(changed)) = (&known, &changed)
        && let Some(applied) = app.store.applied(tenant, source.meta.id, known).await?
        && is_older(changed, &applied)
    {
        return Ok(Outcome::Ignored(
            "a newer state of the same record was applied before".to_owned(),
        ));
    }
    // Should this message be handled twice, its record is found again by the receipt's own id.
    piece
        .external
        .get_or_insert_with(|| (source.body.external_source.clone(), receipt.id.to_string()));
    let actor = Actor {
        id: source.meta.id.to_string(),
        via: Via::Hook,
        request: receipt.id.to_string(),
    };
    let mut cx = Accept::new(tenant, actor, rules);
    cx.room = app.meter.room(&app.store, tenant, account.plan, now).await;
    let applied = match apply(&app.store, &cx, source.body.target, contact, piece).await {
        Ok(id) => id,
        Err(error) if error.is_passing() => return Err(error.into()),
        Err(error) => {
            if let StoreError::Internal(text) = &error {
                tracing::error!(error = text, "a message could not be applied");
            }
            return Ok(Outcome::Failed(error));
        }
    };
    if let (Some(known), Some(changed)) = (known, changed) {
        app.store.note_applied(tenant, source.meta.id, &known, &changed).await?;
    }
    Ok(Outcome::Applied(applied))
}

/// Whether a time is before another: as times where both are, else as texts.
fn is_older(time: &str, than: &str) -> bool {
    match (time.parse::<Timestamp>(), than.parse::<Timestamp>()) {
        (Ok(time), Ok(than)) => time < than,
        _ => time < than,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_compare_across_offsets() {
        for (time, than, older) in [
            ("2026-01-02T00:00:00-05:00", "2026-01-02T01:00:00Z", false),
            ("2026-01-02T00:00:00+05:00", "2026-01-02T00:00:00Z", true),
            ("2026-01-02T00:00:00Z", "2026-01-02T00:00:00.000Z", false),
            ("7", "8", true),
        ] {
            assert_eq!(is_older(time, than), older, "{time} {than}");
        }
    }

    #[test]
    fn a_failure_says_what_is_wrong_and_nothing_of_the_inside() {
        for (error, reason, codes) in [
            (
                StoreError::Internal("table x".into()),
                "something went wrong on our side",
                vec![],
            ),
            (
                rapport_domain::Invalid::one("", "required", "a name").into(),
                "the input is not valid: #: a name",
                vec!["required"],
            ),
            (
                StoreError::conflict("order_closed", "it is closed"),
                "it is closed",
                vec!["order_closed"],
            ),
        ] {
            let json = json!({"id": RecordId::new(rapport_domain::Prefix::Delivery), "source_id": RecordId::new(rapport_domain::Prefix::WebhookSource),
                "received_at": "2026-11-22T00:00:00Z", "status": "received", "bytes": 0});
            let mut receipt: Receipt = serde_json::from_value(json).unwrap();
            note(&mut receipt, Outcome::Failed(error));
            assert_eq!(
                (receipt.status, receipt.reason.as_deref()),
                (ReceiptStatus::Failed, Some(reason))
            );
            let found: Vec<_> = receipt
                .problems
                .iter()
                .filter_map(|problem| problem["code"].as_str())
                .collect();
            assert_eq!(found, codes);
        }
    }
}
