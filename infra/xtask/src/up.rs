//! `cargo up`: builds the console and the host (and, for `--processes`, every function) and becomes the host.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use clap::Args;

use crate::tools::cargo;

/// Options of the host follow; `--help` after `--` shows them.
#[derive(Args)]
pub struct Up {
    /// An optimised build.
    #[arg(long)]
    release: bool,
    /// The host's own options: --port, --data, --memory, --demo, --smtp, --allow-private-webhooks, --processes, --console.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

impl Up {
    pub fn run(mut self) -> Result<bool, String> {
        // Wherever it stands among the host's options, it is ours.
        let before = self.options.len();
        self.options.retain(|option| option != "--release");
        let release = self.release || self.options.len() < before;
        let own_console = self.options.iter().any(|option| option.starts_with("--console"));
        if !own_console && let Err(problem) = crate::console::build() {
            // The service is of use without it, or with the one built before.
            eprintln!("{problem}");
        }
        let mut build = cargo(&["build", "--quiet", "--package", "host"]);
        if release {
            build.arg("--release");
        }
        if self.options.iter().any(|option| option == "--processes") {
            for function in crate::tools::functions()? {
                build.args(["--package", &function]);
            }
        }
        // Standard output is for the line that says the service is ready.
        let built = build
            .stdout(Stdio::null())
            .status()
            .map_err(|error| format!("cargo build: {error}"))?;
        if !built.success() {
            return Ok(false);
        }
        let program: PathBuf = crate::tools::target()
            .join(if release { "release" } else { "debug" })
            .join("host");
        let mut host = Command::new(program);
        if !own_console && let Some(folder) = crate::console::built() {
            host.arg("--console").arg(folder);
        }
        // Becomes the host, so that signals reach it and its exit code is ours.
        let error = host.args(&self.options).exec();
        Err(format!("the host cannot be started: {error}"))
    }
}
