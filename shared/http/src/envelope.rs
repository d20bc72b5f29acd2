//! Around every request: an id, a span, what it cost, the headers that every answer carries, and the one place where a
//! problem is logged and written.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use lambda_http::RequestExt as _;
use rapport_domain::permission::Scope;
use rapport_domain::{Prefix, RecordId};
use rapport_runtime::{App, last_words};
use rapport_store::Cost;
use tracing::Instrument as _;

use crate::api::Access;
use crate::caller::Caller;
use crate::metering;
use crate::problem::{Code, Problem};

/// The dated contract.
pub const VERSION: &str = "2026-11-22";

/// The id of a request, `req_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestId(pub RecordId);

/// Authenticates as the route demands, then goes on.
pub(crate) async fn authorise(State((app, access)): State<(App, Access)>, request: Request, next: Next) -> Response {
    let needed = match access {
        Access::Public => return next.run(request).await,
        Access::SignedIn => None,
        Access::Needs(scope) => Some(scope),
        Access::Operator => return crate::operator::authorise(&app, request, next).await,
    };
    let id = request
        .extensions()
        .get::<RequestId>()
        .map_or_else(String::new, |id| id.0.to_string());
    let caller = match Caller::authenticate(&app, request.headers(), &id).await {
        Ok(caller) => caller,
        Err(problem) => return problem.into_response(),
    };
    tracing::Span::current().record("tenant", tracing::field::display(caller.tenant));
    let admitted = match metering::admit(&app, &caller, access, request.method()).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused,
    };
    let mut response = permit(&app, &caller, needed, request, next).await;
    admitted.leave(&app, &caller, &mut response).await;
    response
}

/// Goes on if the caller has the permission that is needed and calls from where he may.
async fn permit(app: &App, caller: &Caller, needed: Option<Scope>, mut request: Request, next: Next) -> Response {
    if let Some(scope) = needed
        && !caller.scopes.has(scope)
    {
        return Problem::new(Code::Forbidden)
            .detail(format!("this needs the permission {scope}"))
            .into_response();
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    if let Some(origin) = &origin {
        // The preflight cannot know the tenant; here it is known, and so are its origins.
        match allowed(app, caller, origin, request.headers().get(header::HOST)).await {
            Ok(true) => {}
            Ok(false) => {
                return Problem::new(Code::Forbidden)
                    .detail("this origin is not among the tenant's allowed_origins")
                    .into_response();
            }
            Err(problem) => return problem.into_response(),
        }
    }
    request.extensions_mut().insert(caller.clone());
    let mut response = next.run(request).await;
    if let Some(origin) = origin {
        response
            .headers_mut()
            .insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response
            .headers_mut()
            .insert(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

async fn allowed(
    app: &App,
    caller: &Caller,
    origin: &HeaderValue,
    host: Option<&HeaderValue>,
) -> Result<bool, Problem> {
    let Ok(origin) = origin.to_str() else { return Ok(false) };
    if origin == app.config.public_url || is_own(origin, host) {
        return Ok(true);
    }
    let rules = app.store.tenant_rules(caller.tenant).await?;
    Ok(rules.settings.allowed_origins.iter().any(|known| known == origin))
}

/// Whether a page calls the address that it came from itself: the console, under whatever name the service is reached.
///
/// A browser writes both headers, and no script can. Nobody gains by a name of his own that leads here, since a browser adds
/// no credentials by itself: there are no cookies, and the token that a call must carry lies with the origin it was given to.
fn is_own(origin: &str, host: Option<&HeaderValue>) -> bool {
    let authority = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    let host = host.and_then(|host| host.to_str().ok());
    authority
        .is_some_and(|authority| !authority.is_empty() && host.is_some_and(|host| host.eq_ignore_ascii_case(authority)))
}

/// What is known of a request before it is answered.
#[derive(Clone)]
struct Told {
    started: Instant,
    id: RecordId,
    method: Method,
    path: String,
    cost: Arc<Cost>,
    span: tracing::Span,
}

/// Wraps every request of a function.
pub(crate) async fn wrap(mut request: Request, next: Next) -> Response {
    let id = RecordId::new(Prefix::Request);
    let method = request.method().clone();
    let told = Told {
        started: Instant::now(),
        id,
        path: request.uri().path().to_owned(),
        // Together with what was done for the request before it came here.
        cost: Cost::current().unwrap_or_default(),
        span: tracing::info_span!("request", %id, %method, tenant = tracing::field::Empty),
        method,
    };
    let preflight =
        told.method == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    request.extensions_mut().insert(RequestId(id));
    if preflight {
        return told.finished(allow_preflight());
    }
    let context = request.lambda_context_ref().filter(|_| last_words::needed());
    let _prepared = context.map(|context| {
        let told = told.clone();
        last_words::prepare(&context.request_id, move |text, instead| {
            told.finished(instead.unwrap_or_else(|| panicked(text)))
        })
    });
    let work = next.run(request).instrument(told.span.clone());
    let answer = AssertUnwindSafe(Arc::clone(&told.cost).counting(work))
        .catch_unwind()
        .await;
    let answer = answer.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        panicked(
            text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
                .unwrap_or_default(),
        )
    });
    told.finished(answer)
}

fn panicked(text: &str) -> Response {
    Problem::internal(format!("a handler panicked: {text}")).into_response()
}

impl Told {
    /// An answer as it leaves: with its problem written out, and what every answer says.
    fn finished(&self, mut response: Response) -> Response {
        // Axum's own refusals (a path that is no UTF-8, a method that is not there) become problems like all others.
        if response.status().is_client_error()
            && response.extensions().get::<Arc<Problem>>().is_none()
            && response
                .headers()
                .get(header::CONTENT_TYPE)
                .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
        {
            let code = match response.status() {
                StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
                StatusCode::NOT_FOUND => Code::NotFound,
                StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
                _ => Code::Malformed,
            };
            response.extensions_mut().insert(Arc::new(Problem::new(code)));
        }
        let problem = response.extensions_mut().remove::<Arc<Problem>>();
        if let Some(problem) = problem {
            write_problem(&mut response, &problem, self.id, &self.path, &self.span);
        }
        stamp(response.headers_mut(), self.id, &self.cost, self.started.elapsed());
        if self.method == Method::HEAD {
            *response.body_mut() = axum::body::Body::empty();
        }
        response
    }
}

fn write_problem(response: &mut Response, problem: &Problem, id: RecordId, path: &str, span: &tracing::Span) {
    if let Some(text) = problem.log() {
        span.in_scope(|| {
            if problem.code() == Code::Internal {
                tracing::error!(error = text, "a request failed");
            } else {
                tracing::warn!(error = text, "a request could not be served");
            }
        });
    }
    let mut value = problem.to_value();
    value["instance"] = path.into();
    value["request_id"] = id.to_string().into();
    *response.body_mut() = value.to_string().into();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response.headers_mut().remove(header::CONTENT_LENGTH);
}

fn stamp(headers: &mut HeaderMap, id: RecordId, cost: &Cost, elapsed: std::time::Duration) {
    let millis = elapsed.as_secs_f64() * 1_000.0;
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    set("request-id", id.to_string());
    set(
        "rapport-cost",
        format!("rru={}, wru={}, ms={millis:.1}", cost.read_units(), cost.write_units()),
    );
    set(
        "server-timing",
        format!(
            "store;dur={:.1}, total;dur={millis:.1}",
            cost.waited().as_secs_f64() * 1_000.0
        ),
    );
    for (name, value) in [
        ("rapport-version", VERSION),
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// Any origin may ask: no cookies are used, and whether it may call is decided once the tenant is known.
fn allow_preflight() -> Response {
    let mut response = Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, POST, PUT, PATCH, DELETE"),
        (
            "access-control-allow-headers",
            "authorization, content-type, idempotency-key, if-match, if-none-match, rapport-allow-duplicate",
        ),
        ("access-control-max-age", "7200"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_call_the_address_it_came_from() {
        for (origin, host, expected) in [
            ("http://localhost:8080", "localhost:8080", true),
            ("http://127.0.0.1:8080", "127.0.0.1:8080", true),
            ("http://[::1]:8080", "[::1]:8080", true),
            ("https://crm.firm.example", "CRM.firm.example", true),
            ("http://localhost:3000", "localhost:8080", false),
            ("http://localhost", "localhost:8080", false),
            ("https://firm.example", "crm.firm.example", false),
            ("https://crm.firm.example.evil.example", "crm.firm.example", false),
            ("https://crm.firm.example@evil.example", "crm.firm.example", false),
            ("ftp://localhost:8080", "localhost:8080", false),
            ("localhost:8080", "localhost:8080", false),
            ("null", "null", false),
            ("https://", "", false),
        ] {
            let host = HeaderValue::from_static(host);
            assert_eq!(is_own(origin, Some(&host)), expected, "{origin} {host:?}");
        }
        assert!(!is_own("http://localhost:8080", None));
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_answered_with_a_problem() {
        async fn broken() -> Response {
            panic!("of {} parts", 2)
        }
        let router = axum::Router::new()
            .route("/v1/broken", axum::routing::get(broken))
            .layer(axum::middleware::from_fn(wrap));
        for method in [Method::GET, Method::HEAD] {
            let request = http::Request::builder().method(&method).uri("/v1/broken");
            let request = request.body(axum::body::Body::empty()).unwrap();
            let answer = tower::ServiceExt::oneshot(router.clone(), request).await.unwrap();
            assert_eq!(answer.status(), 500);
            let id = answer.headers()["request-id"].to_str().unwrap().to_owned();
            assert!(answer.headers().contains_key("rapport-cost"));
            let body = http_body_util::BodyExt::collect(answer.into_body())
                .await
                .unwrap()
                .to_bytes();
            if method == Method::HEAD {
                assert!(body.is_empty());
                continue;
            }
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(
                (&problem["code"], &problem["instance"]),
                (&"internal".into(), &"/v1/broken".into())
            );
            assert_eq!(problem["request_id"], id);
            assert!(
                !problem.to_string().contains("parts"),
                "what broke is for the log alone: {problem}"
            );
        }
    }
}
