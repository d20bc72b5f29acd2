//! The tools that tasks use: cargo itself, and Python packages of pinned versions in a virtual environment under `target/`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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

/// The Python of `target/venv`, made and filled when it is missing or its list of packages changed.
pub fn python() -> Result<PathBuf, String> {
    let folder = root().join("target/venv");
    let wanted = std::fs::read_to_string(root().join("tests/requirements.txt"))
        .map_err(|error| format!("tests/requirements.txt: {error}"))?;
    let mark = folder.join("installed.txt");
    let python = folder.join("bin/python");
    if std::fs::read_to_string(&mark).ok().as_deref() == Some(&wanted) {
        return Ok(python);
    }
    eprintln!("installing Python tools under target/venv");
    run(
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder),
        "python3 -m venv",
    )?;
    let list = root().join("tests/requirements.txt");
    run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(list),
        "pip install",
    )?;
    std::fs::write(&mark, wanted).map_err(|error| error.to_string())?;
    Ok(python)
}

/// The CDNOW purchase log (Fader and Hardie): taken from the package `lifetimes`, whose wheel carries it.
pub fn cdnow(folder: &Path) -> Result<PathBuf, String> {
    let file = root().join(folder).join("CDNOW_sample.txt");
    if file.is_file() {
        return Ok(file);
    }
    let folder = root().join(folder);
    std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let script = "import glob,subprocess,sys,zipfile,tarfile\n\
        d=sys.argv[1]\n\
        subprocess.check_call([sys.executable,'-m','pip','download','--quiet','--disable-pip-version-check','--no-deps','-d',d,'lifetimes==0.11.3'])\n\
        p=glob.glob(d+'/[lL]ifetimes-0.11.3*')[0]\n\
        n='lifetimes/datasets/CDNOW_sample.txt'\n\
        if p.endswith('.whl'):\n\
        \x20   b=zipfile.ZipFile(p).read(n)\n\
        else:\n\
        \x20   t=tarfile.open(p); b=t.extractfile([m for m in t.getnames() if m.endswith(n)][0]).read()\n\
        open(d+'/CDNOW_sample.txt','wb').write(b)\n";
    run(
        Command::new("python3").args(["-c", script]).arg(&folder),
        "fetching the CDNOW sample",
    )?;
    if file.is_file() {
        Ok(file)
    } else {
        Err("the package lifetimes carried no CDNOW_sample.txt".to_owned())
    }
}

fn run(command: &mut Command, what: &str) -> Result<(), String> {
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
