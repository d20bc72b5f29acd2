//! The console's app: built by Vite under `functions/console/web` where its sources are newer than what was built.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use crate::tools::root;

/// The oldest Node that the app's tools run on.
const NODE: (u32, u32) = (20, 19);
/// What lies beside the sources and is none: packages, and what was built or measured.
const MADE: [&str; 4] = ["node_modules", "dist", "coverage", ".vite"];

/// The app's sources.
pub fn sources() -> PathBuf {
    root().join("functions/console/web")
}

/// The folder that the host serves, where there is a built app in it.
pub fn built() -> Option<PathBuf> {
    let folder = sources().join("dist");
    folder.join("index.html").is_file().then_some(folder)
}

/// Builds the app if anything in it is newer than what was built. One line says so; what the tools say is shown when they fail.
pub fn build() -> Result<(), String> {
    let sources = sources();
    if !is_stale(&sources) {
        return Ok(());
    }
    has_node()?;
    eprintln!("building the console");
    install(&sources)?;
    quietly(npm(&sources, &["run", "build"]))?;
    built()
        .map(drop)
        .ok_or_else(|| format!("{} has no index.html after its build", sources.join("dist").display()))
}

/// Installs the packages that the lock of a folder names, unless these are there.
pub fn install(folder: &Path) -> Result<(), String> {
    let lock = folder.join("package-lock.json");
    let wanted = std::fs::read(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    // Within the packages, so that it goes with them.
    let mark = folder.join("node_modules/.installed-lock.json");
    if std::fs::read(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    quietly(npm(folder, &["ci", "--no-audit", "--no-fund", "--loglevel", "error"]))?;
    // A lock without packages leaves no folder.
    let packages = std::fs::create_dir_all(folder.join("node_modules"));
    packages
        .and_then(|()| std::fs::write(&mark, wanted))
        .map_err(|error| format!("{}: {error}", mark.display()))
}

/// Whether Node is there and new enough.
pub fn has_node() -> Result<(), String> {
    let (major, minor) = NODE;
    let found = Command::new("node").arg("--version").stdin(Stdio::null()).output().ok();
    let version = found.map(|found| String::from_utf8_lossy(&found.stdout).trim().to_owned());
    let here = match &version {
        Some(version) if read(version).is_some_and(|version| version >= NODE) => return Ok(()),
        Some(version) => format!("this is {version}"),
        None => "there is none here".to_owned(),
    };
    Err(format!(
        "the console needs Node {major}.{minor} or newer to be built, and {here}"
    ))
}

fn read(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// A call of npm in a folder; what it prints has no colours, so that it can be read by programs.
pub fn npm(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env_remove("FORCE_COLOR")
        .env("CI", "1")
        .stdin(Stdio::null());
    command
}

/// Runs a command and shows what it printed only when it fails.
fn quietly(mut command: Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let mut shown = std::io::stderr();
    let _ = shown.write_all(&output.stdout);
    let _ = shown.write_all(&output.stderr);
    let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
    Err(format!("npm {} failed", words.join(" ")))
}

fn is_stale(sources: &Path) -> bool {
    let built = modified(&sources.join("dist/index.html"));
    built.is_none() || newest(sources) > built
}

/// The latest change of a file below a folder. A folder's own time tells of files that went.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?;
    let times = entries.flatten().filter_map(|entry| {
        let name = entry.file_name();
        if MADE.iter().any(|made| name == *made) {
            return None;
        }
        match entry.file_type().ok()?.is_dir() {
            true => newest(&entry.path()).max(modified(&entry.path())),
            false => modified(&entry.path()),
        }
    });
    times.max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|file| file.modified()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs::{self, File};
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_app_is_stale_when_a_source_is_newer_or_gone_and_not_for_packages() {
        let folder = std::env::temp_dir().join(format!("rapport-console-{}", std::process::id()));
        let hour = |hours: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(hours * 3_600);
        let touch = |name: &str, hours: u64| {
            let path = folder.join(name);
            if !path.is_dir() {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, name).unwrap();
            }
            File::open(&path).unwrap().set_modified(hour(hours)).unwrap();
        };
        touch("package-lock.json", 1);
        touch("src/leads/List.tsx", 1);
        touch("src/leads/Form.tsx", 1);
        for made in ["node_modules/a/index.js", "coverage/index.html"] {
            touch(made, 9);
        }
        for inner in ["src/leads", "src"] {
            touch(inner, 1);
        }
        assert!(is_stale(&folder), "nothing is built");
        touch("dist/index.html", 2);
        assert!(!is_stale(&folder));
        touch("src/leads/List.tsx", 3);
        assert!(is_stale(&folder), "a source changed");
        touch("dist/index.html", 4);
        assert!(!is_stale(&folder));
        touch("package-lock.json", 5);
        assert!(is_stale(&folder), "the lock changed");
        touch("dist/index.html", 6);
        fs::remove_file(folder.join("src/leads/Form.tsx")).unwrap();
        assert!(is_stale(&folder), "a source went");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn versions_of_node_are_read() {
        for (version, expected) in [
            ("v20.20.2", Some((20, 20))),
            ("v18.0.0", Some((18, 0))),
            ("", None),
            ("20.1", None),
            ("vtwenty", None),
        ] {
            assert_eq!(read(version), expected, "{version}");
        }
    }
}
