//! `/v1/settings`.

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use rapport_domain::Invalid;
use rapport_domain::record::{merge_patch, shape};
use rapport_domain::settings::Settings;
use rapport_http::problem::Code;
use rapport_http::{Caller, IfMatch, Problem, body, respond};
use rapport_runtime::App;
use rapport_store::StoreError;
use serde_json::Value;

/// How often a lost race is run again where the caller names no version.
const ATTEMPTS: u32 = 8;

fn text(settings: &Settings) -> Result<String, Problem> {
    serde_json::to_string(settings).map_err(|error| Problem::internal(error.to_string()))
}

/// `GET /v1/settings`.
pub async fn get(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let known = app.store.fresh_rules(caller.tenant).await?;
    Ok(respond::record(
        StatusCode::OK,
        text(&known.settings)?,
        known.version,
        None,
    ))
}

/// Settings under a merge patch. What a patch clears takes its default.
fn patched(settings: &Settings, patch: &Value) -> Result<Settings, Problem> {
    if !patch.is_object() {
        return Err(Invalid::one("", "wrong_type", "a merge patch is a JSON object").into());
    }
    let broken = |error: serde_json::Error| Problem::internal(error.to_string());
    let mut value = serde_json::to_value(settings).map_err(broken)?;
    merge_patch(&mut value, patch.clone());
    let mut whole = serde_json::to_value(Settings::default()).map_err(broken)?;
    if let (Value::Object(whole), Value::Object(value)) = (&mut whole, value) {
        whole.extend(value);
    }
    let settings: Settings = shape(whole)?;
    if settings.company.trim().is_empty() {
        return Err(Invalid::one("company", "required", "a firm has a name").into());
    }
    settings.check()?;
    Ok(settings)
}

/// `PATCH /v1/settings`.
pub async fn patch(
    State(app): State<App>,
    caller: Caller,
    IfMatch(expected): IfMatch,
    request: Request,
) -> Result<Response, Problem> {
    let (patch, _) = body::value(request).await?;
    for _ in 0..ATTEMPTS {
        let known = app.store.fresh_rules(caller.tenant).await?;
        if expected.is_some_and(|version| version != known.version) {
            return Err(StoreError::Stale(Some(text(&known.settings)?)).into());
        }
        let settings = patched(&known.settings, &patch)?;
        if settings == *known.settings {
            return Ok(respond::record(StatusCode::OK, text(&settings)?, known.version, None));
        }
        match app
            .store
            .put_settings(caller.tenant, &settings, known.version, &caller.actor.request)
            .await
        {
            Ok(()) => {
                return Ok(respond::record(
                    StatusCode::OK,
                    text(&settings)?,
                    known.version + 1,
                    None,
                ));
            }
            Err(StoreError::Stale(_)) if expected.is_none() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Problem::new(Code::Contention))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patches() {
        let before = Settings {
            company: "Lantern Tea".into(),
            ..Settings::default()
        };
        let after = patched(
            &before,
            &json!({"survey":{"delay_minutes":5,"quiet_hours":null},"holidays":["2026-12-25"]}),
        )
        .unwrap();
        assert_eq!(
            (
                after.survey.delay_minutes,
                after.survey.quiet_hours,
                after.holidays.len()
            ),
            (5, None, 1)
        );
        assert_eq!(patched(&before, &json!({"country":null})).unwrap().country, "US");
        for bad in [
            json!([]),
            json!({"company":""}),
            json!({"company":null}),
            json!({"nothing":1}),
            json!({"survey":{"delay_minutes":"x"}}),
            json!({"survey":null, "locale":"xx"}),
            json!({"working_hours":{"mon":[["9","10"]]}}),
            json!({"holidays":["2026-02-30"]}),
            json!({"currency":"ZZZ"}),
        ] {
            assert!(patched(&before, &bad).is_err(), "{bad}");
        }
    }
}
