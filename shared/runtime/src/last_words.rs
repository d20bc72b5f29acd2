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

type Say = Box<dyn FnOnce(&str) -> Response + Send>;

/// The invocation under way, and what is to be said should it break off.
static PREPARED: Mutex<Option<(String, Say)>> = Mutex::new(None);

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
pub fn prepare(invocation: &str, say: impl FnOnce(&str) -> Response + Send + 'static) -> Prepared {
    *PREPARED.lock() = Some((invocation.to_owned(), Box::new(say)));
    Prepared(())
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
    let answer = Answer(say(message)).into_response().now_or_never();
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

    #[test]
    fn whoever_asked_is_answered_and_the_process_ends() {
        // It runs itself once more, as the process that ends.
        if let Ok(api) = std::env::var("AWS_LAMBDA_RUNTIME_API") {
            spoken_to(api);
            drop(prepare("earlier", |_| unreachable!("it was answered")));
            let _prepared = prepare("inv-7", |message| {
                let status = http::StatusCode::INTERNAL_SERVER_ERROR;
                (status, [("request-id", "req_7")], format!("broken: {message}")).into_response()
            });
            panic!("a fault of ours");
        }
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
            .args([
                "--exact",
                "last_words::tests::whoever_asked_is_answered_and_the_process_ends",
                "--nocapture",
            ])
            .env("AWS_LAMBDA_RUNTIME_API", &api)
            .output()
            .unwrap();
        let asked = server.join().unwrap();
        assert!(
            !child.status.success() && child.status.code().is_none(),
            "{:?}",
            child.status
        );
        let (head, body) = asked.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("POST /2018-06-01/runtime/invocation/inv-7/response HTTP/1.1\r\n"),
            "{head}"
        );
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(body["statusCode"], 500);
        assert_eq!(body["body"], "broken: a fault of ours");
        assert_eq!(body["isBase64Encoded"], false);
        assert_eq!(body["headers"]["request-id"], "req_7");
        assert!(String::from_utf8_lossy(&child.stderr).contains("a fault of ours"));
    }
}
