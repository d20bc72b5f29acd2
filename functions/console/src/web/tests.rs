use std::collections::BTreeSet;

use axum::body::Body;
use rapport_runtime::Config;
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;

const SCRIPT: &str = "export const answer = 42";
const STYLE: &str = "b{color:teal}";
const PAGE: &str = "<!doctype html><meta name=\"csp-nonce\" content=\"__NONCE__\"><script type=\"module\" src=\"/assets/index-D1x_9q-B.js\"></script>";

/// A build of the app, with a file beside it that nobody may have.
fn built() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    std::fs::create_dir_all(folder.path().join("web/assets")).unwrap();
    put("secret.txt", b"secret");
    put("web/index.html", PAGE.as_bytes());
    put("web/favicon.svg", b"<svg/>");
    put("web/assets/index-D1x_9q-B.js", SCRIPT.as_bytes());
    put(
        "web/assets/index-D1x_9q-B.js.br",
        &compression::brotli(SCRIPT.as_bytes()),
    );
    put("web/assets/index-D1x_9q-B.js.gz", b"\x1f\x8bgzip");
    put(
        "web/assets/packed-Ez2qRt5u.css.br",
        &compression::brotli(STYLE.as_bytes()),
    );
    put("web/assets/broken-Ez2qRt5u.css.br", b"\xff\xff no brotli");
    put("web/assets/plain-DqR7sT2u.css", b"a{}");
    put("web/assets/icon.svg", b"<svg/>");
    folder
}

fn router(folder: Option<&Path>) -> axum::Router {
    let folder = folder.map(|folder| folder.join("web").display().to_string());
    let config = Config::read(|name| match name {
        "PUBLIC_URL" => Some("http://127.0.0.1:1".to_owned()),
        "SECRET_KEY" => Some("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        "CONSOLE_FOLDER" => folder.clone(),
        _ => None,
    });
    crate::router(&config.unwrap())
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn ask(router: &axum::Router, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: axum::body::to_bytes(body, 1 << 20).await.unwrap().to_vec(),
    }
}

fn plain(compressed: &[u8]) -> String {
    let mut text = String::new();
    std::io::Read::read_to_string(&mut brotli::Decompressor::new(compressed, 4096), &mut text).unwrap();
    text
}

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[tokio::test]
async fn the_page_has_a_nonce_of_its_own_each_time_and_a_policy_that_names_it() {
    let folder = built();
    let router = router(Some(folder.path()));
    let mut nonces = BTreeSet::new();
    for path in [
        "/",
        "/customers",
        "/customers/con_1?tab=orders",
        "/settings/a.b",
        "/index.html",
    ] {
        let answer = ask(&router, "GET", path, &[BROWSER]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, crate::HTML),
            "{path}"
        );
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        let policy = answer.header("content-security-policy");
        let nonce = policy
            .split("'nonce-")
            .nth(1)
            .and_then(|rest| rest.split('\'').next())
            .unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(nonce).unwrap().len(), 16);
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            )
        );
        assert_eq!(answer.text(), PAGE.replace(PLACEHOLDER, nonce), "{path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert!(answer.header("permissions-policy").contains("camera=()"), "{path}");
        nonces.insert(nonce.to_owned());
    }
    assert_eq!(nonces.len(), 5);
    let compressed = ask(&router, "GET", "/", &[("accept-encoding", "gzip, br")]).await;
    assert_eq!(compressed.header("content-encoding"), "br");
    let text = plain(&compressed.body);
    assert!(
        text.starts_with("<!doctype html>") && !text.contains(PLACEHOLDER),
        "{text}"
    );
}

#[tokio::test]
async fn files_are_kept_for_a_year_and_come_as_they_are_compressed() {
    let folder = built();
    let router = router(Some(folder.path()));
    let path = "/assets/index-D1x_9q-B.js";
    for (accepted, encoding) in [("", ""), ("gzip", "gzip"), ("gzip, deflate, br", "br"), ("br;q=0", "")] {
        let answer = ask(&router, "GET", path, &[("accept-encoding", accepted)]).await;
        assert_eq!(
            (answer.status, answer.header("content-encoding")),
            (200, encoding),
            "{accepted}"
        );
        assert_eq!(answer.header("content-type"), "text/javascript", "{accepted}");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("vary"), "accept-encoding");
        match encoding {
            "br" => assert_eq!(plain(&answer.body), SCRIPT),
            "gzip" => assert_eq!(answer.body, b"\x1f\x8bgzip"),
            _ => assert_eq!(answer.text(), SCRIPT),
        }
    }
    let unpacked = ask(
        &router,
        "GET",
        "/assets/plain-DqR7sT2u.css",
        &[("accept-encoding", "br, gzip")],
    )
    .await;
    assert_eq!((unpacked.text(), unpacked.header("content-encoding")), ("a{}", ""));
    for path in ["/favicon.svg", "/assets/icon.svg"] {
        let icon = ask(&router, "GET", path, &[]).await;
        assert_eq!(
            (icon.status, icon.header("content-type"), icon.header("cache-control")),
            (200, "image/svg+xml", "public, max-age=3600"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_lies_there_compressed_alone_is_unpacked_for_those_who_take_no_brotli() {
    let folder = built();
    let router = router(Some(folder.path()));
    let path = "/assets/packed-Ez2qRt5u.css";
    for (accepted, encoding) in [
        ("", ""),
        ("gzip", ""),
        ("gzip, br", "br"),
        ("br;q=0", ""),
        ("identity", ""),
    ] {
        for method in ["GET", "HEAD"] {
            let headers = [("accept-encoding", accepted), ("range", "bytes=5-")];
            let headers = if encoding == "br" { &headers[..1] } else { &headers };
            let answer = ask(&router, method, path, headers).await;
            let told = ["content-type", "content-encoding", "cache-control", "vary"].map(|name| answer.header(name));
            let expected = [
                "text/css",
                encoding,
                "public, max-age=31536000, immutable",
                "accept-encoding",
            ];
            assert_eq!((answer.status, told), (200, expected), "{method} {accepted}");
            match (method, encoding) {
                ("HEAD", _) => assert!(answer.body.is_empty(), "{accepted}"),
                (_, "br") => assert_eq!(plain(&answer.body), STYLE),
                _ => assert_eq!(answer.text(), STYLE),
            }
        }
    }
    let broken = ask(&router, "GET", "/assets/broken-Ez2qRt5u.css", &[]).await;
    assert_eq!(
        (
            broken.status,
            broken.header("content-type"),
            broken.header("cache-control")
        ),
        (500, "application/problem+json", "no-store")
    );
}

#[tokio::test]
async fn a_head_has_the_answers_headers_and_no_body() {
    let folder = built();
    let router = router(Some(folder.path()));
    for path in ["/", "/customers", "/assets/index-D1x_9q-B.js"] {
        let whole = ask(&router, "GET", path, &[BROWSER]).await;
        let head = ask(&router, "HEAD", path, &[BROWSER]).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["content-type", "cache-control", "vary"] {
            assert_eq!(head.header(name), whole.header(name), "{path} {name}");
        }
    }
}

#[tokio::test]
async fn nothing_else_is_found_whatever_the_path() {
    let folder = built();
    let router = router(Some(folder.path()));
    let long = format!("/assets/{}.js", "a".repeat(5_000));
    let unknown = [
        "/assets",
        "/assets/",
        "/assets/missing.js",
        "/assets/../index.html",
        "/assets/../../secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets/..%5c..%5csecret.txt",
        "/assets//index-D1x_9q-B.js",
        "/assets/%00",
        "/assets/%ff",
        "/assets/.hidden",
        "/missing.svg",
        "/..%2fsecret.txt",
        long.as_str(),
    ];
    for path in unknown {
        for method in ["GET", "HEAD", "POST"] {
            let answer = ask(&router, method, path, &[]).await;
            assert_eq!(
                (
                    answer.status,
                    answer.header("content-type"),
                    answer.header("cache-control")
                ),
                (404, "application/problem+json", "no-store"),
                "{method} {path}"
            );
        }
    }
    for path in [
        "/v1",
        "/v1/nothing",
        "/s/a/b",
        "/hooks/a/b",
        "/docs/a",
        "/openapi.json/a",
        "/health/a",
        "/.well-known/a",
        "/assets/a",
    ] {
        let answer = ask(&router, "GET", path, &[BROWSER]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (404, "application/problem+json"),
            "{path}"
        );
    }
    for (method, accept, status) in [
        ("GET", "application/json", 404),
        ("GET", "*/*", 404),
        ("POST", "text/html", 404),
        ("DELETE", "text/html", 404),
    ] {
        let answer = ask(&router, method, "/customers", &[("accept", accept)]).await;
        assert_eq!(answer.status, status, "{method} {accept}");
    }
}

#[tokio::test]
async fn without_a_build_there_is_a_start_page() {
    let empty = tempfile::tempdir().unwrap();
    for folder in [None, Some(empty.path())] {
        let router = router(folder);
        let start = ask(&router, "GET", "/", &[BROWSER]).await;
        assert_eq!((start.status, start.header("cache-control")), (200, "no-store"));
        assert!(start.text().contains("/docs"));
        assert_eq!(ask(&router, "GET", "/customers", &[BROWSER]).await.status, 404);
        assert_eq!(ask(&router, "GET", "/assets/index.js", &[]).await.status, 404);
    }
}

#[tokio::test]
async fn the_documents_come_compressed_to_those_who_take_it() {
    let router = router(None);
    for path in ["/openapi.json", "/docs"] {
        let whole = ask(&router, "GET", path, &[]).await;
        let small = ask(&router, "GET", path, &[("accept-encoding", "br")]).await;
        assert_eq!(
            (whole.header("content-encoding"), small.header("content-encoding")),
            ("", "br")
        );
        assert_eq!(small.header("content-type"), whole.header("content-type"), "{path}");
        assert_eq!(plain(&small.body), whole.text(), "{path}");
        assert!(small.body.len() * 5 < whole.body.len(), "{path}: {}", small.body.len());
    }
}
