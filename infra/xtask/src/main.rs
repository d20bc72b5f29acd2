//! Every task of the project: `cargo up` runs the service, `cargo verify` runs every check, `cargo xtask` the rest.

mod console;
mod figures;
mod fuzz;
mod load;
mod operator;
mod package;
mod tools;
mod up;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of the project")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Builds what is stale and runs the whole service on this machine.
    Up(up::Up),
    /// Runs every check and test; ends with `N passed, N failed`.
    Verify(verify::Verify),
    /// Writes the OpenAPI document from the routers.
    Openapi,
    /// Builds the archives of the functions for the cloud.
    Package(package::Package),
    /// Writes the READMEs' tables of what was measured anew, from `tests/results`.
    Figures,
    /// Builds the console where its sources are newer than what was built.
    Console,
    /// Fetches the public CDNOW purchase log to a folder.
    Cdnow {
        /// Where to.
        #[arg(default_value = "target/cdnow")]
        folder: std::path::PathBuf,
    },
    /// Builds `oha`, which sends the long form of the load, under `target/tools`.
    Oha,
    /// Changes the sources in small ways and counts what no test notices: `-- --help` tells more.
    Mutants {
        /// Those of `tests/mutation/run.py`.
        #[arg(last = true)]
        options: Vec<String>,
    },
    /// Tries the parsers of outside bytes, guided by what they reach.
    Fuzz(fuzz::Fuzz),
    /// Loads a file through the public API.
    #[command(subcommand)]
    Load(load::Load),
    /// Tenants, queues, dead letters and health, as whoever runs the service sees them.
    Operator(operator::Operator),
}

fn mutants(options: &[String]) -> Result<bool, String> {
    let lists = tools::built(tools::MUTANTS)?;
    let python = tools::venv("mutation-venv", "tests/mutation/requirements.txt")?;
    let log = tools::cdnow(std::path::Path::new("target/cdnow"))?;
    let mut run = std::process::Command::new(python);
    run.arg("tests/mutation/run.py")
        .args(options)
        .current_dir(tools::root())
        .env("CDNOW_SAMPLE", log)
        .env("CARGO_MUTANTS", lists);
    let status = run.status().map_err(|error| error.to_string())?;
    Ok(status.success())
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Up(up) => up.run(),
        Task::Verify(verify) => verify.run(),
        Task::Openapi => tools::cargo(&["test", "-p", "tests", "openapi"])
            .env("UPDATE_OPENAPI", "1")
            .status()
            .map(|status| status.success())
            .map_err(|e| e.to_string()),
        Task::Package(package) => package.run(),
        Task::Figures => figures::run(),
        Task::Oha => tools::built(tools::OHA).map(|_| true),
        Task::Mutants { options } => mutants(&options),
        Task::Console => console::build().map(|()| true),
        Task::Cdnow { folder } => tools::cdnow(&folder).map(|file| {
            eprintln!("{}", file.display());
            true
        }),
        Task::Fuzz(fuzz) => fuzz.run(),
        Task::Load(load) => load.run(),
        Task::Operator(operator) => operator.run(),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
