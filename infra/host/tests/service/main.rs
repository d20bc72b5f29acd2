//! The product's own programs, over HTTP alone: the service with each function as a program of its own, killed again and
//! again under load, and on a full disk.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod disk;
mod kills;
mod world;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use crate::world::{Service, eventually, programs_are_there, signed_up, text};

#[tokio::test]
async fn the_service_runs_with_each_function_as_a_program_of_its_own() {
    programs_are_there("");
    let started = Instant::now();
    let service = Service::start(&["--memory", "--processes", "--instances", "2"]);
    let owner = signed_up(&service).await;
    let contact = owner
        .post(
            "/v1/contacts",
            json!({"name": "Ann Example", "email": "ann@shop.example"}),
        )
        .await;
    let id = text(&contact["id"]);
    let order = json!({"contact_id": id, "placed_on": "2026-01-05", "historic": true, "lines": [{"name": "Tea", "quantity": "2", "unit_price": "5.00"}], "payments": [{"amount": "10.00"}]});
    let order = owner.post("/v1/orders", order).await;
    assert_eq!(order["payment_status"], "paid");
    let ticket = owner
        .post(
            "/v1/tickets",
            json!({"subject": "Help", "contact_id": id, "channel": "api"}),
        )
        .await;
    let ticket = format!("/v1/tickets/{}", text(&ticket["id"]));
    assert_eq!(
        owner.post(&format!("{ticket}/resolve"), json!({})).await["status"],
        "resolved"
    );
    let found = eventually("the search", async || {
        let page = owner.get("/v1/search?q=ann").await;
        page["data"].as_array()?.first().cloned()
    });
    assert_eq!(found.await["id"], contact["id"]);
    eventually("the purchase", async || {
        let score = owner.get(&format!("/v1/contacts/{id}/score")).await;
        (score["rfm"]["monetary"]["amount"] == "10.00").then_some(())
    })
    .await;
    let job = owner.post("/v1/segments/recompute", json!({})).await;
    let path = format!("/v1/segments/jobs/{}", text(&job["id"]));
    let job = eventually("the recompute", async || {
        let job = owner.get(&path).await;
        (job["status"] == "done").then_some(job)
    });
    assert_eq!(job.await["customers"], 1);
    eventually("the events", async || {
        let page = owner.get("/v1/events?limit=200").await;
        let told: BTreeSet<String> = page["data"]
            .as_array()?
            .iter()
            .map(|event| text(&event["type"]))
            .collect();
        let expected = ["contact.created", "order.paid", "ticket.opened", "ticket.resolved"];
        expected.iter().all(|kind| told.contains(*kind)).then_some(())
    })
    .await;
    let missing = owner
        .try_call(Method::GET, "/v1/contacts/nobody", &[], None)
        .await
        .unwrap();
    assert_eq!((missing.0, &missing.1["code"]), (404, &json!("not_found")));
    let page = reqwest::get(format!("{}/docs", service.url)).await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(service.end());
    let took = started.elapsed();
    println!(
        "a firm's first day by programs of their own: {:.1} s",
        took.as_secs_f64()
    );
    assert!(took < Duration::from_secs(60), "{took:?}");
}

/// A build of the console, small and as it would lie on the disk.
fn console() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("assets")).unwrap();
    for (name, bytes) in [
        ("index.html", &b"<meta name=\"csp-nonce\" content=\"__NONCE__\">"[..]),
        ("assets/app-BmN3xK_2.js", b"export {}"),
        ("assets/app-BmN3xK_2.js.br", &COMPRESSED),
        ("assets/app-BmN3xK_2.woff2", &COMPRESSED),
    ] {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// Bytes that are no text, as those of compressed files.
const COMPRESSED: [u8; 6] = [0x8b, 0xff, 0x00, 0x80, 0xfe, 0x03];

#[tokio::test]
async fn the_console_is_served_alike_by_one_process_and_by_many() {
    programs_are_there("console");
    let folder = console();
    let folder = folder.path().to_str().unwrap();
    for form in [&["--memory"][..], &["--memory", "--processes"]] {
        let service = Service::start(&[form, &["--console", folder]].concat());
        let http = reqwest::Client::new();
        let ask = async |path: &str, name: &str, value: &str| {
            let answer = http.get(format!("{}{path}", service.url)).header(name, value);
            let answer = answer.send().await.unwrap();
            let headers = answer.headers().clone();
            let header = move |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
            (answer.status().as_u16(), header, answer.bytes().await.unwrap())
        };
        let (status, header, script) = ask("/assets/app-BmN3xK_2.js", "accept-encoding", "gzip, br").await;
        assert_eq!((status, header("content-encoding").as_str()), (200, "br"), "{form:?}");
        assert_eq!(
            header("cache-control"),
            "public, max-age=31536000, immutable",
            "{form:?}"
        );
        assert_eq!(script[..], COMPRESSED, "{form:?}");
        let (_, header, font) = ask("/assets/app-BmN3xK_2.woff2", "accept", "*/*").await;
        assert_eq!(
            (header("content-type").as_str(), &font[..]),
            ("font/woff2", &COMPRESSED[..])
        );
        let (_, _, script) = ask("/assets/app-BmN3xK_2.js", "accept", "*/*").await;
        assert_eq!(script, "export {}", "{form:?}");
        let (status, header, page) = ask("/customers/con_1", "accept", "text/html").await;
        let policy = header("content-security-policy");
        let page = String::from_utf8(page.to_vec()).unwrap();
        let nonce = page.split('"').nth(3).unwrap();
        assert_eq!(status, 200, "{form:?}");
        assert!(
            policy.contains(&format!("'nonce-{nonce}'")),
            "{form:?}: {policy} {page}"
        );
        let (_, header, page) = ask("/", "accept-encoding", "br").await;
        assert_eq!(header("content-encoding"), "br", "{form:?}");
        assert!(!page.starts_with(b"<meta"), "{form:?}");
        for path in ["/assets/b.js", "/assets/%2e%2e%2findex.html", "/v1/b"] {
            assert_eq!(ask(path, "accept", "text/html").await.0, 404, "{form:?} {path}");
        }
        assert!(service.end());
    }
}
