//! `cargo xtask fuzz`: libFuzzer on the parsers of bytes from outside, for as long as one likes.

use clap::Args;

use crate::tools::{cargo, root, target};

/// Which parsers, and for how long.
#[derive(Args)]
pub struct Fuzz {
    /// A target of tests/fuzz/targets.rs; all, one after the other, when none is named.
    target: Option<String>,
    /// For how many seconds each.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

impl Fuzz {
    /// Whether nothing was found. What is found lies in `target/fuzz` and, put into the corpus, is a test.
    pub fn run(self) -> Result<bool, String> {
        let corpus = root().join("tests/fuzz/corpus");
        let targets = match self.target {
            Some(target) => vec![target],
            None => names(&corpus)?,
        };
        let mut clean = true;
        for name in targets {
            let found = target().join("fuzz").join(&name);
            std::fs::create_dir_all(&found).map_err(|error| format!("{}: {error}", found.display()))?;
            // Inputs that reach more are added to the first folder.
            let mut run = cargo(&[
                "test",
                "--quiet",
                "--workspace",
                "--features",
                "tests/guided",
                "--bench",
                "guided",
                "--",
            ]);
            run.args([&found, &corpus.join(&name)])
                .arg(format!("-max_total_time={}", self.seconds))
                .arg(format!(
                    "-artifact_prefix={}-",
                    target().join("fuzz").join(&name).display()
                ))
                .args(["-max_len=16384", "-timeout=20", "-print_final_stats=1"])
                .env("FUZZ_TARGET", &name)
                .env("RUSTC_WORKSPACE_WRAPPER", root().join("tests/fuzz/instrumented.sh"));
            clean &= run.status().map_err(|error| error.to_string())?.success();
        }
        Ok(clean)
    }
}

fn names(corpus: &std::path::Path) -> Result<Vec<String>, String> {
    let folders = std::fs::read_dir(corpus).map_err(|error| format!("{}: {error}", corpus.display()))?;
    let mut names: Vec<String> = folders
        .filter_map(|folder| folder.ok()?.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}
