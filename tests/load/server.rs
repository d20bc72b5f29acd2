//! The programs under measurement: told to stop by the end of standard input, asked for rest by a line on it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rapport_host::schedule::Time;
use rapport_host::template::Template;
use rapport_host::{Host, Options, TEMPLATE, engine, functions};
use rapport_runtime::Clock;
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// How long nothing may be written for everything to count as done.
const REST: Duration = Duration::from_secs(1);

/// Serves on a free port until standard input ends: the `product`, its HTTP half alone (`answering`), or a `bare` handler.
pub async fn serve(what: &str, folder: &Path) {
    if what == "bare" {
        return bare(folder).await;
    }
    let mut options = Options::of_test(&folder.join("outbox"), Clock::default());
    options.data = Some(folder.to_path_buf());
    options.time = Time::system();
    if what == "answering" {
        // Functions that are not there are bound to nothing: no reader of streams, no worker.
        options.functions = functions::Functions::default()
            .product("identity", identity::function())
            .product("contacts", contacts::function());
    }
    let host = Host::start(options)
        .await
        .unwrap_or_else(|error| panic!("the host does not start: {error}"));
    println!("ready {}", host.url());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(_)) = lines.next_line().await {
        rest(&host).await;
        println!("settled");
    }
    host.stop().await;
}

/// Returns when no message waits and nothing has been written for a while.
async fn rest(host: &Host) {
    let template = template();
    let written: Vec<_> = template
        .tables
        .values()
        .filter_map(|table| host.engine().written(&table.name))
        .collect();
    let mut seen = 0;
    let mut since = Instant::now();
    while since.elapsed() < REST {
        let mut busy = false;
        for name in host.queues().list("").await.unwrap_or_default() {
            let info = host.queues().attributes(&name).await;
            busy |= info.is_ok_and(|info| info.visible + info.in_flight > 0) && !name.contains("dead");
        }
        let writes: u64 = written.iter().map(|table| *table.borrow()).sum();
        if busy || writes != seen {
            seen = writes;
            since = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn template() -> Template {
    Template::read(TEMPLATE, &std::collections::BTreeMap::new(), "http://sqs.local")
        .unwrap_or_else(|error| panic!("the template: {error}"))
}

async fn bare(folder: &Path) {
    let tables: Vec<_> = template().tables.into_values().collect();
    let name = tables
        .iter()
        .map(|table| table.name.clone())
        .find(|name| name.to_lowercase().contains("contacts"));
    let engine = engine::Engine::open(&engine::Place::File(folder.join("tables.sqlite")), &tables)
        .unwrap_or_else(|error| panic!("the tables: {error}"));
    let client = engine::dynamodb(engine::InProcess::tables(Arc::new(engine)));
    let router = crate::bare::router(client, name.unwrap_or_default());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap_or_else(|error| panic!("no port: {error}"));
    let address = listener.local_addr().unwrap_or_else(|error| panic!("no port: {error}"));
    println!("ready http://{address}");
    tokio::spawn(async { axum::serve(listener, router).await });
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(_)) = lines.next_line().await {
        println!("settled");
    }
}
