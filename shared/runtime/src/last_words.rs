//! The answer to a request whose handler panics, in a program that ends by it.
//!
//! Functions that are called by HTTP are built to abort on a panic: what unwinding needs would be a fifth of their archives. Lambda starts
//! another process for the next request, and nothing goes on in one whose state nobody knows. The caller has his answer all the same: the
//! panic's hook sends it. A process works on one request at a time, and what is to be said of it is prepared when it begins.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use axum::response::Response;
use futures::FutureExt as _;
use lambda_http::{Body, IntoResponse as _};
use parking_lot::Mutex;

use crate::BoxError;
use crate::answer::Answer;

/// How long Lambda's runtime interface, on the same machine, may take for the answer.
const SLOWEST: Duration = Duration::from_secs(1);

/// Makes an answer of the panic's message, and of what stands for it where somebody foresaw it.
type Say = Box<dyn FnOnce(&str, Option<Response>) -> Response + Send>;
type Foreseen = Box<dyn FnOnce() -> Response + Send>;

/// The invocation under way, and what is to be said should it break off.
static PREPARED: Mutex<Option<(String, Say)>> = Mutex::new(None);
/// What is to be said of work that may be expected to panic, while it goes on.
static FORESEEN: Mutex<Option<Foreseen>> = Mutex::new(None);

/// Ends when the request is answered: then there is nothing to be said any more.
#[derive(Debug)]
#[must_use]
pub struct Prepared(());

impl Drop for Prepared {
    fn drop(&mut self) {
        *PREPARED.lock() = None;
    }
}

/// Whether a panic ends this program.
#[must_use]
pub const fn needed() -> bool {
    cfg!(panic = "abort")
}

/// Prepares what is said of an invocation should it break off with a message.
pub fn prepare(invocation: &str, say: impl FnOnce(&str, Option<Response>) -> Response + Send + 'static) -> Prepared {
    *PREPARED.lock() = Some((invocation.to_owned(), Box::new(say)));
    Prepared(())
}

/// Ends with the work that it was made for.
#[derive(Debug)]
#[must_use]
pub struct Instead(());

impl Drop for Instead {
    fn drop(&mut self) {
        *FORESEEN.lock() = None;
    }
}

/// Has a panic answered by `answer` instead of as a fault of ours, as long as the value lives: for a reader of another's that may stumble
/// over what somebody forged. Where panics are caught, whoever catches one answers, and nobody asks for this.
pub fn instead(answer: impl FnOnce() -> Response + Send + 'static) -> Instead {
    *FORESEEN.lock() = Some(Box::new(answer));
    Instead(())
}

/// Has every panic from now on end the process, after what was prepared was sent to the runtime interface at `api` (host and port).
pub fn spoken_to(api: String) {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        print(panic);
        if let Err(error) = speak(&api, panic.payload_as_str().unwrap_or_default()) {
            tracing::error!(%error, "the request that broke off could not be answered");
        }
        std::process::abort();
    }));
}

fn speak(api: &str, message: &str) -> Result<(), BoxError> {
    // Taken, and not waited for: whoever panics may hold it, and may panic again in here.
    let Some((invocation, say)) = PREPARED.try_lock().and_then(|mut prepared| prepared.take()) else {
        return Ok(());
    };
    let foreseen = FORESEEN.try_lock().and_then(|mut foreseen| foreseen.take());
    let answer = Answer(say(message, foreseen.map(|answer| answer()))).into_response();
    let answer = answer.now_or_never();
    let (parts, body) = answer.ok_or("the answer is not in memory")?.into_parts();
    let mut whole = ApiGatewayV2httpResponse::default();
    whole.status_code = parts.status.as_u16().into();
    whole.headers = parts.headers;
    whole.is_base64_encoded = matches!(body, Body::Binary(_));
    whole.body = Some(body);
    let whole = serde_json::to_vec(&whole)?;
    let mut stream = TcpStream::connect(api)?;
    stream.set_write_timeout(Some(SLOWEST))?;
    stream.set_read_timeout(Some(SLOWEST))?;
    write!(
        stream,
        "POST /2018-06-01/runtime/invocation/{invocation}/response HTTP/1.1\r\nhost: {api}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        whole.len()
    )?;
    stream.write_all(&whole)?;
    // Lambda has taken it when it says so; a process that ends before that may take the answer with it.
    let mut first = [0; 12];
    stream.read_exact(&mut first)?;
    match first.get(9..) {
        Some(b"202") => Ok(()),
        _ => Err("Lambda did not take the answer".into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::disallowed_methods)]
mod tests {
    use std::net::TcpListener;
    use std::process::Command;

    use axum::response::IntoResponse as _;

    use super::*;

    /// What a process of its own sends that panics while it answers an invocation: its head and its body. It is this test binary, which
    /// runs one test once more.
    fn last_words_of(test: &str) -> (String, serde_json::Value) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let api = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"}") {
                let mut part = [0; 4_096];
                let read = stream.read(&mut part).unwrap();
                assert!(read > 0, "it broke off: {}", String::from_utf8_lossy(&asked));
                asked.extend_from_slice(&part[..read]);
            }
            stream
                .write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
                .unwrap();
            String::from_utf8(asked).unwrap()
        });
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("last_words::tests::{test}"), "--nocapture"])
            .env("AWS_LAMBDA_RUNTIME_API", &api)
            .output()
            .unwrap();
        let asked = server.join().unwrap();
        let ended = !child.status.success() && child.status.code().is_none();
        assert!(ended, "{:?}", child.status);
        assert!(String::from_utf8_lossy(&child.stderr).contains("a fault of ours"));
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), serde_json::from_str(body).unwrap())
    }

    /// Prepares an answer where this is the process that is to end.
    fn prepared() -> Option<Prepared> {
        spoken_to(std::env::var("AWS_LAMBDA_RUNTIME_API").ok()?);
        drop(prepare("earlier", |_, _| unreachable!("it was answered")));
        Some(prepare("inv-7", |message, instead| {
            let status = http::StatusCode::INTERNAL_SERVER_ERROR;
            instead.unwrap_or_else(|| (status, [("request-id", "req_7")], format!("broken: {message}")).into_response())
        }))
    }

    #[test]
    fn whoever_asked_is_answered_and_the_process_ends() {
        if let Some(_prepared) = prepared() {
            drop(instead(|| unreachable!("that work was done")));
            panic!("a fault of ours");
        }
        let (head, body) = last_words_of("whoever_asked_is_answered_and_the_process_ends");
        assert!(
            head.starts_with("POST /2018-06-01/runtime/invocation/inv-7/response HTTP/1.1\r\n"),
            "{head}"
        );
        assert_eq!(body["statusCode"], 500);
        assert_eq!(body["body"], "broken: a fault of ours");
        assert_eq!(body["isBase64Encoded"], false);
        assert_eq!(body["headers"]["request-id"], "req_7");
    }

    #[test]
    fn work_that_may_panic_is_answered_by_what_was_foreseen() {
        if let Some(_prepared) = prepared() {
            let _instead = instead(|| http::StatusCode::UNPROCESSABLE_ENTITY.into_response());
            panic!("a fault of ours");
        }
        let (_, body) = last_words_of("work_that_may_panic_is_answered_by_what_was_foreseen");
        assert_eq!(body["statusCode"], 422);
    }
}
