//! Serves the queues alone on loopback, for the conformance table and for trying things out:
//! `cargo run -p rapport-sqs --example serve -- --port 0 --memory`. Prints its URL on one line.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::Parser;

/// Serve an SQS endpoint on loopback.
#[derive(Parser)]
struct Arguments {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Keep everything in memory.
    #[arg(long, conflicts_with = "file")]
    memory: bool,
    /// The SQLite file.
    #[arg(long, required_unless_present = "memory")]
    file: Option<PathBuf>,
}

#[tokio::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let queues = rapport_sqs::Queues::open(arguments.file.as_deref())?;
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.port)).await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, rapport_sqs::router(queues)).await?;
    Ok(())
}
