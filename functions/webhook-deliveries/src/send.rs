//! The one place that calls addresses given by others. Names are resolved here and only public addresses are called; no
//! redirect is followed, no proxy asked, no connection kept, and little of the answer read.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use rapport_domain::signature::{sign_v1, sign_v1a};
use rapport_domain::webhook::{Attempt, MOST_RESPONSE, is_public, retry_after, target};
use rapport_queue::batch::chain;
use rapport_runtime::{App, BoxError};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, ClientBuilder, Url};

/// How long an endpoint may take from the first packet to the last.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long it may take to be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A message ready to be signed and posted.
pub(crate) struct Outgoing {
    /// Where to.
    pub(crate) url: Url,
    /// What the receiver knows a repeat by.
    pub(crate) id: String,
    /// What signs it: shared secret and Ed25519 seed, one pair for each secret in force.
    pub(crate) keys: Vec<([u8; 32], [u8; 32])>,
    /// The body.
    pub(crate) body: String,
}

/// A name leads to an address that must not be called.
#[derive(Debug)]
struct Private;

impl std::fmt::Display for Private {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name leads to an address that is not on the public internet")
    }
}

impl std::error::Error for Private {}

type Found = std::io::Result<Vec<SocketAddr>>;

/// Resolves names and keeps only addresses that may be called: those that are checked are those that are called, since nobody asks again.
struct Checked<L> {
    lookup: L,
    may_be_called: fn(IpAddr) -> bool,
}

impl<L, F> Resolve for Checked<L>
where
    L: Fn(String) -> F + Send + Sync,
    F: Future<Output = Found> + Send + 'static,
{
    fn resolve(&self, name: Name) -> Resolving {
        let (found, may_be_called) = ((self.lookup)(name.as_str().to_owned()), self.may_be_called);
        Box::pin(async move {
            let found = found.await?;
            // All, or none where one of them may not be: such a name is up to no good.
            if !found.iter().all(|address| may_be_called(address.ip())) {
                return Err(Private.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

async fn lookup(name: String) -> Found {
    // The port is set by the caller.
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

fn builder() -> ClientBuilder {
    // The cryptography that reqwest's connections use. Where there is one already, it is this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .user_agent("Rapport-Webhooks/1")
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(TIMEOUT)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(0)
}

fn client(allow_private: bool) -> Result<Client, reqwest::Error> {
    if allow_private {
        return builder().build();
    }
    let checked = Checked {
        lookup,
        may_be_called: is_public,
    };
    builder().https_only(true).dns_resolver(Arc::new(checked)).build()
}

static CLIENTS: LazyLock<[Result<Client, reqwest::Error>; 2]> = LazyLock::new(|| [client(false), client(true)]);

/// Makes an attempt. What goes wrong on the way is part of the attempt; only our own faults are errors.
pub(crate) async fn send(
    app: &App,
    outgoing: &Outgoing,
    number: u32,
) -> Result<(Attempt, Option<SignedDuration>), BoxError> {
    let allow_private = app.config.allow_private_webhooks;
    let client = CLIENTS[usize::from(allow_private)].as_ref()?;
    let at = app.clock.now();
    let started = Instant::now();
    let mut attempt = Attempt {
        number,
        at,
        millis: 0,
        status: None,
        error: None,
        response: None,
    };
    // Checked again: the rules may have become stricter since the endpoint was made, and literal addresses are never resolved.
    if let Err(invalid) = target(outgoing.url.as_str(), allow_private) {
        attempt.error = Some(invalid.to_string());
        return Ok((attempt, None));
    }
    let result = post(client, outgoing, at.as_second()).await;
    attempt.millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let mut patience = None;
    match result {
        Ok(answer) => {
            attempt.status = Some(answer.status);
            attempt.response = Some(answer.beginning).filter(|text| !text.is_empty());
            patience = answer.retry_after.and_then(|text| retry_after(&text, at));
        }
        Err(error) => attempt.error = Some(why(&error.without_url())),
    }
    Ok((attempt, patience))
}

struct Answer {
    status: u16,
    retry_after: Option<String>,
    beginning: String,
}

fn signatures(outgoing: &Outgoing, seconds: i64) -> String {
    let (id, body) = (&outgoing.id, outgoing.body.as_bytes());
    let shared = outgoing
        .keys
        .iter()
        .map(|(secret, _)| sign_v1(secret, id, seconds, body));
    let public = outgoing.keys.iter().map(|(_, seed)| sign_v1a(seed, id, seconds, body));
    shared.chain(public).collect::<Vec<_>>().join(" ")
}

async fn post(client: &Client, outgoing: &Outgoing, seconds: i64) -> Result<Answer, reqwest::Error> {
    let request = client
        .post(outgoing.url.clone())
        .header("content-type", "application/json")
        .header("webhook-id", &outgoing.id)
        .header("webhook-timestamp", seconds.to_string())
        .header("webhook-signature", signatures(outgoing, seconds))
        .body(outgoing.body.clone());
    let mut response = request.send().await?;
    let retry_after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok());
    let mut answer = Answer {
        status: response.status().as_u16(),
        retry_after: retry_after.map(str::to_owned),
        beginning: String::new(),
    };
    let mut bytes = Vec::new();
    // A status is an answer, however the body ends.
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= MOST_RESPONSE {
            bytes.truncate(MOST_RESPONSE);
            break;
        }
    }
    answer.beginning = String::from_utf8_lossy(&bytes).into_owned();
    Ok(answer)
}

/// Why there was no answer, in a sentence for the endpoint's owner.
fn why(error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if inner.is::<Private>() {
            return Private.to_string();
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        return "there was no answer within 15 seconds".to_owned();
    }
    chain(error).chars().take(300).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rapport_domain::signature::{Secret, public_key_text, secret_text, verify_standard};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn outgoing(url: &str) -> Outgoing {
        Outgoing {
            url: url.parse().unwrap(),
            id: "evt_1".into(),
            keys: vec![([1; 32], [2; 32]), ([3; 32], [4; 32])],
            body: "{}".into(),
        }
    }

    /// Answers one request with these bytes and gives back what was asked.
    async fn endpoint(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n{}") {
                let mut chunk = [0; 1_024];
                let read = stream.read(&mut chunk).await.unwrap();
                assert!(read > 0, "the request broke off");
                asked.extend_from_slice(&chunk[..read]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8(asked).unwrap()
        });
        (url, task)
    }

    #[tokio::test]
    async fn redirects_are_not_followed_and_answers_are_cut() {
        let long: &'static str =
            Box::leak(format!("HTTP/1.1 500 No\r\ncontent-length: 5000\r\n\r\n{}", "x".repeat(5_000)).into_boxed_str());
        for (answer, status, bytes, patience) in [
            ("HTTP/1.1 204 No Content\r\n\r\n", 204, 0, None),
            (
                "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
                302,
                0,
                None,
            ),
            (
                "HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nno",
                429,
                2,
                Some("7"),
            ),
            (long, 500, MOST_RESPONSE, None),
        ] {
            let (url, task) = endpoint(answer).await;
            let found = post(&client(true).unwrap(), &outgoing(&url), 1).await.unwrap();
            assert_eq!(
                (found.status, found.beginning.len(), found.retry_after.as_deref()),
                (status, bytes, patience)
            );
            task.await.unwrap();
        }
    }

    #[tokio::test]
    async fn every_secret_in_force_verifies_what_is_posted() {
        let (url, task) = endpoint("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        post(&client(true).unwrap(), &outgoing(&url), 1_000).await.unwrap();
        let asked = task.await.unwrap();
        let header = |name: &str| {
            let line = asked
                .lines()
                .find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))
                .unwrap();
            line.split_once(':').unwrap().1.trim().to_owned()
        };
        let now = jiff::Timestamp::from_second(1_000).unwrap();
        for (key, good) in [
            (secret_text(&[1; 32]), true),
            (secret_text(&[3; 32]), true),
            (public_key_text(&[2; 32]), true),
            (public_key_text(&[4; 32]), true),
            (secret_text(&[5; 32]), false),
        ] {
            let secret = Secret::parse(&key).unwrap();
            let (id, at, signed) = (
                header("webhook-id"),
                header("webhook-timestamp"),
                header("webhook-signature"),
            );
            assert_eq!(
                verify_standard(&secret, &id, &at, &signed, b"{}", now).is_ok(),
                good,
                "{key}"
            );
        }
    }

    #[tokio::test]
    async fn private_names_are_not_called() {
        let error = post(&client(false).unwrap(), &outgoing("https://localhost:9/"), 1)
            .await
            .err()
            .unwrap();
        assert_eq!(why(&error), Private.to_string());
        let insecure = post(&client(false).unwrap(), &outgoing("http://localhost:9/"), 1)
            .await
            .err()
            .unwrap();
        assert!(insecure.is_builder(), "{insecure:?}");
    }

    /// What a name leads to changes from one look to the next. On loopback, 127.0.0.1 stands for the internet and the rest of it for
    /// what is private.
    #[tokio::test]
    async fn a_name_that_leads_elsewhere_by_and_by_is_not_followed() {
        let (url, asked) = endpoint("HTTP/1.1 204 No Content\r\n\r\n").await;
        let url: Url = url.parse().unwrap();
        // Where the name leads later somebody listens too, on the same port.
        let port = url.port().unwrap();
        let inside = tokio::net::TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        let looks = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = Arc::clone(&looks);
        let lookup = move |name: String| {
            assert_eq!(name, "turns.example");
            let look = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let addresses = [
                vec!["127.0.0.1:0"],
                vec!["127.0.0.2:0"],
                vec!["127.0.0.1:0", "127.0.0.2:0"],
            ];
            let found: Vec<SocketAddr> = addresses[look].iter().map(|text| text.parse().unwrap()).collect();
            std::future::ready(Ok(found))
        };
        let may_be_called = |address: IpAddr| address == IpAddr::from([127, 0, 0, 1]);
        let checked = Checked { lookup, may_be_called };
        let client = builder().dns_resolver(Arc::new(checked)).build().unwrap();
        let named = outgoing(&format!("http://turns.example:{port}/hook"));
        assert_eq!(post(&client, &named, 1).await.unwrap().status, 204);
        asked.await.unwrap();
        for _ in 0..2 {
            let error = post(&client, &named, 1).await.err().unwrap();
            assert_eq!(why(&error), Private.to_string());
        }
        // One look an attempt: what was checked is what is called.
        assert_eq!(looks.load(std::sync::atomic::Ordering::SeqCst), 3);
        let nobody = tokio::time::timeout(Duration::from_millis(50), inside.accept()).await;
        assert!(nobody.is_err(), "what is private was called");
    }
}
