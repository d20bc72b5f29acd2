//! Others' servers that are slow, refuse or answer garbage: what is for them waits in bounded time and is tried again, and
//! what is for others does not wait with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use jiff::SignedDuration;
use parking_lot::Mutex;
use rapport_host::Host;
use rapport_runtime::Clock;
use serde_json::{Value, json};
use tests::{Caller, Tenant, eventually, unique};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How an endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Takes the request and never answers.
    Silent,
    /// Answers bytes that are no HTTP.
    Garbage,
    /// Begins an answer and never ends it.
    Endless,
    /// Says a body is longer than it is, and goes away.
    Short,
    /// Goes away at once.
    Gone,
    /// Answers as it should.
    Good,
}

async fn serve(mut stream: TcpStream, manner: Manner, told: Arc<Mutex<Vec<String>>>) -> std::io::Result<()> {
    if manner == Manner::Gone {
        return Ok(());
    }
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4_096];
        let read = stream.read(&mut chunk).await?;
        bytes.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&bytes);
        let ended = text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.ends_with('}'));
        if read == 0 || ended {
            break;
        }
    }
    told.lock().push(String::from_utf8_lossy(&bytes).into_owned());
    match manner {
        Manner::Silent => std::future::pending().await,
        Manner::Garbage => stream.write_all(&[0xfe; 3_000]).await,
        Manner::Endless => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .await?;
            loop {
                stream.write_all(b"1\r\nx\r\n").await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Manner::Short => {
            stream
                .write_all(b"HTTP/1.1 500 No\r\ncontent-length: 50\r\n\r\nno")
                .await
        }
        Manner::Good => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await
        }
        Manner::Gone => Ok(()),
    }
}

/// An endpoint's address and what it was told.
async fn endpoint(manner: Manner) -> (String, Arc<Mutex<Vec<String>>>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let kept = Arc::clone(&told);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, manner, Arc::clone(&kept)));
        }
    });
    (url, told)
}

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

async fn subscribe(tenant: &Tenant, url: &str) -> String {
    let body = json!({"url": url, "event_types": ["lead.created"]});
    let made = tenant.post("/v1/webhook-endpoints", body).await.expect(201);
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_endpoints_are_tried_again_later_and_hold_up_nobody_elses() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::start(tests::options(folder.path(), Clock::default()))
        .await
        .unwrap();
    let anybody = Caller::at(&host.url());
    let (bad, good) = (
        Tenant::of(&anybody, json!({})).await,
        Tenant::of(&anybody, json!({})).await,
    );
    let mut endpoints = vec![("refused", subscribe(&bad, &nobody().await).await)];
    for (name, manner) in [
        ("silent", Manner::Silent),
        ("garbage", Manner::Garbage),
        ("endless", Manner::Endless),
        ("short", Manner::Short),
        ("gone", Manner::Gone),
    ] {
        let (url, _) = endpoint(manner).await;
        endpoints.push((name, subscribe(&bad, &url).await));
    }
    let (url, told) = endpoint(Manner::Good).await;
    subscribe(&good, &url).await;
    // More slow deliveries than there are places for at a time.
    let inputs: Vec<Value> = (0..60).map(|n| json!({"name": format!("Ann {n}")})).collect();
    bad.post("/v1/leads/batch", json!({"operation": "create", "inputs": inputs}))
        .await
        .expect(200);
    for (name, endpoint) in &endpoints {
        let attempt = attempted(&bad, endpoint).await;
        let (status, error) = (&attempt["status"], attempt["error"].as_str().unwrap_or_default());
        let millis = attempt["millis"].as_u64().unwrap();
        match *name {
            "endless" => assert_eq!(*status, 200, "{attempt}"),
            "short" => assert_eq!(*status, 500, "{attempt}"),
            _ => assert!(status.is_null() && !error.is_empty(), "{name}: {attempt}"),
        }
        assert!(millis <= 16_000, "{name}: {attempt}");
        assert!(!error.contains("127.0.0.1"), "{name}: {attempt}");
    }
    let started = Instant::now();
    let names = join_all((0..5).map(|n| good.post("/v1/leads", json!({"name": format!("Bob {n}")})))).await;
    for answer in names {
        answer.expect(201);
    }
    eventually("the good endpoint's events", || async {
        (told.lock().len() >= 5).then_some(())
    })
    .await;
    // At the worst one place has to become free: an attempt may take fifteen seconds.
    let took = started.elapsed();
    assert!(took < Duration::from_secs(18), "{took:?}");
    host.stop().await;
}

/// The first attempt that was made at an endpoint; it is to be tried again unless it was taken.
async fn attempted(tenant: &Tenant, endpoint: &str) -> Value {
    let delivery = eventually("an attempt", || async {
        let path = format!("/v1/webhook-deliveries?endpoint_id={endpoint}&limit=100");
        let log = tenant.get(&path).await.expect(200);
        let tried = log["data"]
            .as_array()?
            .iter()
            .find(|delivery| delivery["attempts"][0].is_object());
        tried.cloned()
    })
    .await;
    let attempt = delivery["attempts"][0].clone();
    if attempt["status"] == 200 {
        assert_eq!(delivery["status"], "succeeded", "{delivery}");
    } else {
        assert_eq!(delivery["status"], "pending", "{delivery}");
        assert!(delivery["next_attempt_at"].is_string(), "{delivery}");
    }
    attempt
}

/// How a mail server behaves, and the mails it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Post {
    /// Takes the connection and never says a word.
    Silent,
    /// Says what is no SMTP.
    Garbage,
    /// Goes away at once.
    Gone,
    /// Takes no mail for now.
    Busy,
    /// Takes mails.
    Open,
}

#[derive(Clone)]
struct MailServer {
    manner: Arc<Mutex<Post>>,
    mails: Arc<Mutex<Vec<String>>>,
    address: String,
}

impl MailServer {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            manner: Arc::new(Mutex::new(Post::Open)),
            mails: Arc::default(),
            address: listener.local_addr().unwrap().to_string(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = serving.clone();
                tokio::spawn(async move { server.talk(stream).await });
            }
        });
        server
    }

    async fn talk(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let manner = *self.manner.lock();
        match manner {
            Post::Silent => return std::future::pending().await,
            Post::Garbage => return stream.write_all(&[0xfe, b'\r', b'\n'].repeat(500)).await,
            Post::Gone => return Ok(()),
            Post::Busy | Post::Open => stream.write_all(b"220 mail.example\r\n").await?,
        }
        let mut lines = BufReader::new(stream);
        let (mut mail, mut in_mail) = (String::new(), false);
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let answer = match line.trim_end() {
                "." if in_mail => {
                    in_mail = false;
                    self.mails.lock().push(std::mem::take(&mut mail));
                    "250 taken\r\n"
                }
                _ if in_mail => {
                    mail.push_str(&line);
                    continue;
                }
                "DATA" => {
                    in_mail = true;
                    "354 go on\r\n"
                }
                word if word.starts_with("RCPT") && manner == Post::Busy => "451 later\r\n",
                "QUIT" => "221 bye\r\n",
                _ => "250 well\r\n",
            };
            lines.get_mut().write_all(answer.as_bytes()).await?;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_mail_server_delays_mails_alone_and_each_goes_out_once_it_is_well() {
    let (folder, clock, server) = (tempfile::tempdir().unwrap(), Clock::default(), MailServer::new().await);
    let mut options = tests::options(folder.path(), clock.clone());
    options
        .environment
        .insert("MAIL".to_owned(), format!("smtp://{}", server.address));
    let host = Host::start(options).await.unwrap();
    let anybody = Caller::at(&host.url());
    let tenant = Tenant::of(&anybody, json!({})).await;
    let ask = json!({"survey": {"delay_minutes": 0, "quiet_hours": null}});
    tenant.patch("/v1/settings", ask).await.expect(200);
    let key = json!({"name": "tests", "scopes": ["*:read", "*:write"]});
    let key = tenant.post("/v1/api-keys", key).await.expect(201)["secret"].clone();
    let owner = anybody.with_token(key.as_str().unwrap());
    let mut asked = Vec::new();
    for manner in [Post::Silent, Post::Garbage, Post::Gone, Post::Busy] {
        *server.manner.lock() = manner;
        let email = format!("{}@mail.example", unique("ann"));
        let contact = json!({"name": format!("Ann {manner:?}"), "email": email});
        let contact = owner.post("/v1/contacts", contact).await.expect(201)["id"].clone();
        let ticket = json!({"subject": "Help", "contact_id": contact, "channel": "api"});
        let ticket = owner.post("/v1/tickets", ticket).await.expect(201)["id"].clone();
        let resolve = format!("/v1/tickets/{}/resolve", ticket.as_str().unwrap());
        owner.post(&resolve, json!({})).await.expect(200);
        asked.push(email);
        // Who waits for a mail to go out hears soon that it cannot.
        let started = Instant::now();
        let colleague = json!({"email": format!("{}@firm.example", unique("bob")), "role": "agent"});
        let answer = owner.post("/v1/invitations", colleague).await;
        answer.problem(503, "unavailable");
        assert!(
            started.elapsed() < Duration::from_secs(15),
            "{manner:?}: {:?}",
            started.elapsed()
        );
        // All else goes on.
        eventually("the search", || async {
            let found = owner.get(&format!("/v1/search?q={manner:?}")).await.expect(200);
            (!found["data"].as_array()?.is_empty()).then_some(())
        })
        .await;
        assert_eq!(server.mails.lock().len(), 0, "{manner:?}");
        eventually("an invitation", || async {
            let path = format!("/v1/survey-invitations?contact_id={}", contact.as_str().unwrap());
            let list = owner.get(&path).await.expect(200);
            (list["data"][0]["status"] == "pending").then_some(())
        })
        .await;
    }
    *server.manner.lock() = Post::Open;
    // Mails that came, and looks since the last.
    let quiet = Mutex::new((0, 0_u32));
    eventually("every mail", || async {
        // What failed comes again after its visibility timeout. The clock goes on only when no try has been under way for some seconds:
        // what takes longer than that timeout comes again too, and goes out twice.
        let came = server.mails.lock().len();
        let looks = {
            let mut quiet = quiet.lock();
            *quiet = if quiet.0 == came {
                (came, quiet.1 + 1)
            } else {
                (came, 0)
            };
            quiet.1
        };
        if looks % 120 == 119 {
            clock.advance(SignedDuration::from_secs(200));
        }
        (came >= asked.len()).then_some(())
    })
    .await;
    let mails = server.mails.lock().clone();
    for email in &asked {
        let to = mails
            .iter()
            .filter(|mail| mail.contains(&format!("To: {email}")))
            .count();
        assert_eq!(to, 1, "{email}");
    }
    let sent = eventually("the notes that they were sent", || async {
        let list = owner.get("/v1/survey-invitations?limit=50").await.expect(200);
        let sent = list["data"]
            .as_array()?
            .iter()
            .filter(|invitation| invitation["status"] == "sent");
        Some(sent.count()).filter(|sent| *sent == asked.len())
    })
    .await;
    assert_eq!(sent, asked.len());
    assert!(host.stop().await);
}
