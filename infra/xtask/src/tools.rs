//! The tools that tasks use: cargo itself, and Python packages of pinned versions in a virtual environment under `target/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the load is made with.
pub const OHA: (&str, &str) = ("oha", "1.16.0");
/// What lists how the sources may be changed.
pub const MUTANTS: (&str, &str) = ("cargo-mutants", "27.1.0");

/// The top of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .unwrap_or_default()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
    root().join(named.unwrap_or_else(|| "target".into()))
}

/// A call of cargo, in the top of the workspace.
pub fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    command.args(arguments).current_dir(root());
    command
}

/// The names of all function crates.
pub fn functions() -> Result<Vec<String>, String> {
    let folder = root().join("functions");
    let entries = std::fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// The Python of `target/venv`, with what checks the project from outside.
pub fn python() -> Result<PathBuf, String> {
    venv("venv", "tests/requirements.txt")
}

/// The Python of an environment under `target`, made and filled when it is missing or its list of packages changed.
pub fn venv(name: &str, list: &str) -> Result<PathBuf, String> {
    let folder = root().join("target").join(name);
    let wanted = std::fs::read_to_string(root().join(list)).map_err(|error| format!("{list}: {error}"))?;
    let mark = folder.join("installed.txt");
    let python = folder.join("bin/python");
    if std::fs::read_to_string(&mark).ok().as_deref() == Some(&wanted) {
        return Ok(python);
    }
    eprintln!("installing Python tools under target/{name}");
    run(
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder),
        "python3 -m venv",
    )?;
    let list = root().join(list);
    run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(list),
        "pip install",
    )?;
    std::fs::write(&mark, wanted).map_err(|error| error.to_string())?;
    Ok(python)
}

/// The CDNOW purchase log (Fader and Hardie): taken from the package `lifetimes`, whose wheel carries the sample of a tenth of
/// the customers and the whole log, `CDNOW_master.txt`. Gives the sample.
pub fn cdnow(folder: &Path) -> Result<PathBuf, String> {
    let folder = root().join(folder);
    let (sample, master) = (folder.join("CDNOW_sample.txt"), folder.join("CDNOW_master.txt"));
    if sample.is_file() && master.is_file() {
        return Ok(sample);
    }
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let script = "import glob,subprocess,sys,zipfile,tarfile\n\
        d=sys.argv[1]\n\
        subprocess.check_call([sys.executable,'-m','pip','download','--quiet','--disable-pip-version-check','--no-deps','-d',d,'lifetimes==0.11.3'])\n\
        p=glob.glob(d+'/[lL]ifetimes-0.11.3*')[0]\n\
        for n in ('CDNOW_sample.txt','CDNOW_master.txt'):\n\
        \x20   m='lifetimes/datasets/'+n\n\
        \x20   if p.endswith('.whl'):\n\
        \x20       b=zipfile.ZipFile(p).read(m)\n\
        \x20   else:\n\
        \x20       t=tarfile.open(p); b=t.extractfile([f for f in t.getnames() if f.endswith(m)][0]).read()\n\
        \x20   open(d+'/'+n,'wb').write(b)\n";
    run(
        Command::new("python3").args(["-c", script]).arg(&folder),
        "fetching the CDNOW log",
    )?;
    if sample.is_file() && master.is_file() {
        Ok(sample)
    } else {
        Err("the package lifetimes did not carry both CDNOW logs".to_owned())
    }
}

/// A program that somebody else wrote, with its version: built under `target/tools` where it is missing.
pub fn built((name, version): (&str, &str)) -> Result<PathBuf, String> {
    let folder = root().join("target/tools");
    let program = folder.join("bin").join(name);
    if !program.is_file() {
        eprintln!("building {name} under target/tools");
        let mut install = cargo(&["install", name, "--version", version, "--locked", "--quiet"]);
        // Not optimised: it is not what is measured.
        install.args(["--profile", "dev", "--root"]).arg(&folder);
        run(
            install.arg("--target-dir").arg(folder.join("build")),
            &format!("cargo install {name}"),
        )?;
        // Only the program is of use.
        let _ = std::fs::remove_dir_all(folder.join("build"));
    }
    Ok(program)
}

/// Runs a command; what it says on standard output is of no interest.
pub fn run(command: &mut Command, what: &str) -> Result<(), String> {
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("{what}: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{what} failed"))
    }
}
