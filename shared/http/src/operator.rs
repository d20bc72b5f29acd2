//! Who runs the service: a key `ro_…` of which the configuration knows the digest, and a name that its actions go by. A
//! tenant's token or key is not accepted where the operator's is needed, nor the other way round.

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, header};
use rapport_domain::TenantId;
use rapport_domain::login::Quota;
use rapport_runtime::{App, OperatorKey};
use rapport_store::operator::Action;
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use crate::address::Address;
use crate::envelope::RequestId;
use crate::problem::{Code, Problem};

/// What a key of the operator begins with.
pub const PREFIX: &str = "ro_";

/// Wrong keys from one address before it has to wait.
const GUESSES: Quota = Quota { most: 20, seconds: 60 };

/// An operator whose key was verified.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The name of the key.
    pub name: String,
    /// The request.
    pub request: String,
}

impl Operator {
    /// Notes what the operator is about to do: in the log, and in the list of actions. What cannot be noted is not done.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn note(
        &self,
        app: &App,
        action: &str,
        tenant: Option<TenantId>,
        detail: impl Into<Option<String>>,
    ) -> Result<(), Problem> {
        let detail = detail.into();
        let whose = tenant.map(tracing::field::display);
        tracing::info!(
            operator = self.name,
            action,
            tenant = whose,
            detail,
            "the operator acts"
        );
        let action = Action {
            at: app.clock.now(),
            operator: self.name.clone(),
            action: action.to_owned(),
            tenant,
            detail,
            request: self.request.clone(),
        };
        Ok(app.store.note_action(&action).await?)
    }
}

/// Lets the operator through, and logs the call.
pub(crate) async fn authorise(app: &App, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let operator = match authenticate(app, &mut parts).await {
        Ok(operator) => operator,
        Err(problem) => return problem.into_response(),
    };
    let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
    parts.extensions.insert(operator.clone());
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status().as_u16();
    tracing::info!(operator = operator.name, %method, path, status, "the operator called");
    response
}

async fn authenticate(app: &App, parts: &mut Parts) -> Result<Operator, Problem> {
    let refused = |detail: &str| Problem::new(Code::Unauthenticated).detail(detail);
    let Ok(address) = Address::from_request_parts(parts, &()).await;
    let key =
        presented(&parts.headers).ok_or_else(|| refused("send Authorization: Bearer and a key of the operator"))?;
    let (whose, now) = (address.as_deref().unwrap_or("-"), app.clock.now());
    let wait = |seconds: u32| {
        Problem::new(Code::TooMany)
            .detail(format!("too many wrong keys: try again in {seconds} seconds"))
            .header(header::RETRY_AFTER, seconds.to_string())
    };
    // Looked at before the key is: who has to wait does not learn whether the key is right.
    if let Some(seconds) = app.store.quota_spent("operator", whose, GUESSES, now).await? {
        return Err(wait(seconds));
    }
    let Some(name) = holder(&app.config.operator_keys, key) else {
        tracing::warn!(path = parts.uri.path(), "a wrong key of the operator");
        let spent = app.store.take_quota("operator", whose, GUESSES, now).await?;
        return Err(spent.map_or_else(|| refused("the key is not valid"), wait));
    };
    let request = parts.extensions.get::<RequestId>();
    Ok(Operator {
        name: name.to_owned(),
        request: request.map_or_else(String::new, |id| id.0.to_string()),
    })
}

/// The key in the header, if it looks like one of the operator's.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let (scheme, key) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let key = key.trim();
    (scheme.eq_ignore_ascii_case("bearer") && key.starts_with(PREFIX)).then_some(key)
}

/// The name of a key. Digests are compared in constant time, and with all of them however soon one fits.
fn holder<'a>(known: &'a [OperatorKey], key: &str) -> Option<&'a str> {
    let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
    let mut place = 0u64;
    for (n, known) in (1..).zip(known) {
        let same: Choice = known.digest.ct_eq(&digest);
        place.conditional_assign(&n, same);
    }
    let place = usize::try_from(place).ok()?.checked_sub(1)?;
    known.get(place).map(|key| key.name.as_str())
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.extensions.get::<Operator>().cloned();
        known.ok_or_else(|| Problem::internal("a route that is not the operator's asks for the operator"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_key_is_known_by_its_digest_alone() {
        let key = |name: &str, key: &str| OperatorKey {
            name: name.to_owned(),
            digest: Sha256::digest(key.as_bytes()).into(),
        };
        let known = [key("ann", "ro_1"), key("bob", "ro_2")];
        for (presented, name) in [
            ("ro_1", Some("ann")),
            ("ro_2", Some("bob")),
            ("ro_3", None),
            ("ro_", None),
            ("", None),
        ] {
            assert_eq!(holder(&known, presented), name, "{presented}");
        }
        assert_eq!(holder(&[], "ro_1"), None);
    }

    #[test]
    fn only_what_looks_like_a_key_of_the_operator_is_one() {
        for (text, key) in [
            ("Bearer ro_1", Some("ro_1")),
            ("bearer  ro_1 ", Some("ro_1")),
            ("Bearer rk_live_1", None),
            ("Bearer eyJ.a.b", None),
            ("Basic ro_1", None),
            ("ro_1", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static(text))]);
            assert_eq!(presented(&headers), key, "{text}");
        }
        assert_eq!(presented(&HeaderMap::new()), None);
    }
}
