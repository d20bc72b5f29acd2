//! The program behind `cargo up`: reads its options, starts the host, says so, and waits for the end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rapport_host::schedule::Time;
use rapport_host::{Host, Options, Processes, demo, functions};
use tokio::signal::unix::{SignalKind, signal};

/// Runs the whole service on this machine.
#[derive(Parser)]
#[command(name = "host", version)]
struct Arguments {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The folder that keeps everything.
    #[arg(long, default_value = ".rapport", conflicts_with = "memory")]
    data: PathBuf,
    /// Keeps everything in memory, and forgets it at the end.
    #[arg(long)]
    memory: bool,
    /// Fills a demo firm with believable data and prints its sign-in on standard error. Its mails stay in the outbox.
    #[arg(long, conflicts_with = "smtp")]
    demo: bool,
    /// Sends mail to this SMTP server, as HOST:PORT; otherwise mail is written as files to the outbox.
    #[arg(long)]
    smtp: Option<String>,
    /// The plan that firms begin with: trial, starter, team or business.
    #[arg(long, default_value = "business")]
    plan: String,
    /// Lets webhooks go to loopback and private networks.
    #[arg(long)]
    allow_private_webhooks: bool,
    /// Runs each function as a program of its own, as in the cloud.
    #[arg(long)]
    processes: bool,
    /// With --processes: programs of one function at most.
    #[arg(long, default_value_t = 4)]
    instances: usize,
    /// The folder of the built console; without it `/` shows a start page.
    #[arg(long)]
    console: Option<PathBuf>,
    /// Another template than the one built in.
    #[arg(long)]
    template: Option<PathBuf>,
    /// Keys of the operator instead of the one in the data folder, as name=SHA-256, separated by commas.
    #[arg(long)]
    operator_keys: Option<String>,
    /// Serves the protocols of the tables and queues on this port too, for tests.
    #[arg(long, hide = true)]
    engines: Option<u16>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn")),
        )
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(run(arguments));
            runtime.shutdown_timeout(std::time::Duration::from_secs(1));
            outcome
        }
        Err(error) => Err(error.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), String> {
    // Listened to before anything is started, so that an early Ctrl-C is an orderly end too.
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| error.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| error.to_string())?;
    let demo = arguments.demo;
    let host = Host::start(options(arguments)?)
        .await
        .map_err(|error| error.to_string())?;
    announce(&host);
    let url = host.url();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        // Serves on after it; a signal in the midst of it ends it, and the next start completes it.
        () = async { if demo { fill_demo(&url).await; } std::future::pending().await } => {}
    }
    if !host.stop().await {
        return Err("some work in flight did not finish in time".to_owned());
    }
    Ok(())
}

fn options(arguments: Arguments) -> Result<Options, String> {
    let template = match &arguments.template {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|error| format!("the template {}: {error}", path.display()))?
        }
        None => rapport_host::TEMPLATE.to_owned(),
    };
    let data = (!arguments.memory).then_some(arguments.data);
    let outbox = data
        .clone()
        .unwrap_or_else(|| std::env::temp_dir().join(format!("rapport-{}", std::process::id())))
        .join("outbox");
    let outbox = std::path::absolute(&outbox).unwrap_or(outbox);
    let mut environment = BTreeMap::from([(
        "MAIL".to_owned(),
        match arguments.smtp {
            Some(server) => format!("smtp://{server}"),
            None => format!("folder:{}", outbox.display()),
        },
    )]);
    environment.insert("SIGNUP_PLAN".to_owned(), arguments.plan);
    if let Some(keys) = arguments.operator_keys {
        environment.insert("OPERATOR_KEYS".to_owned(), keys);
    }
    if arguments.allow_private_webhooks {
        environment.insert("ALLOW_PRIVATE_WEBHOOKS".to_owned(), "1".to_owned());
    }
    if let Some(folder) = arguments.console {
        let named = folder.display().to_string();
        let folder = folder
            .canonicalize()
            .map_err(|error| format!("the console {named}: {error}"))?;
        environment.insert("CONSOLE_FOLDER".to_owned(), folder.display().to_string());
    }
    let processes = arguments
        .processes
        .then(|| {
            let own =
                std::env::current_exe().map_err(|error| format!("where this program is cannot be told: {error}"))?;
            Ok::<_, String>(Processes {
                programs: own.parent().map(PathBuf::from).unwrap_or_default(),
                instances: arguments.instances,
            })
        })
        .transpose()?;
    Ok(Options {
        port: arguments.port,
        data,
        template,
        functions: functions::all(),
        environment,
        time: Time::system(),
        processes,
        engines: arguments.engines,
    })
}

#[allow(clippy::print_stdout)] // The one line that scripts wait for.
fn announce(host: &Host) {
    if let Some(engines) = host.engines_url() {
        eprintln!("Tables and queues answer at {engines}");
    }
    println!("Rapport is ready at {}", host.url());
}

/// Fills the demo firm through the public address, and says how it went.
async fn fill_demo(url: &str) {
    match demo::fill(url).await {
        Ok(outcome) => {
            if outcome == demo::Outcome::Filled {
                eprintln!("The demo firm is filled.");
            }
            eprintln!(
                "Sign in at {url} as {} with the password: {}",
                demo::EMAIL,
                demo::PASSWORD
            );
        }
        Err(error) => {
            let error: &dyn std::error::Error = &error;
            let causes = std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string);
            let why = causes.collect::<Vec<_>>().join(": ");
            eprintln!(
                "The demo was not filled: {why}. The service runs on, and another start with --demo tries again."
            );
        }
    }
}
