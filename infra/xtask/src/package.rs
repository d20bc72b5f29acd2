//! `cargo xtask package`: one archive for each function under `target/lambda`, as `infra/template.yaml` names them.
//!
//! cargo-lambda builds the programs for the C library of Lambda's machines, whatever this one has, by the profile `lambda`, or by the
//! one that a function's `package.metadata.rapport` names. An archive holds the program as `bootstrap`; the console's holds its built app
//! beside it. The same files give the same archive, byte for byte, so that a deployment moves only what changed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use libdeflater::{CompressionLvl, Compressor};
use object::{Object as _, ObjectSection as _};
use rawzip::{CompressionMethod, DataDescriptorOutput, ZipArchiveWriter};

use crate::console;
use crate::tools::{self, root};

/// The profile of functions that are called by HTTP: a panic ends their programs.
const ENDS: &str = "lambda-http";

/// An archive may have at most so many bytes: one that is larger has taken in something that it should not.
fn most_bytes(profile: &str) -> u64 {
    if profile == ENDS { 3_000_000 } else { 4_000_000 }
}

/// What to build.
#[derive(Args)]
pub struct Package {
    /// The machines that the functions run on, as the template's parameter `Architecture`.
    #[arg(long, value_enum, default_value = "x86_64")]
    arch: Arch,
    /// Only these functions.
    #[arg(long, num_args = 1..)]
    only: Vec<String>,
    /// Writes the sizes to `tests/results/packages.json`.
    #[arg(long, conflicts_with = "only")]
    save: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Arch {
    #[value(name = "x86_64")]
    X86,
    #[value(name = "arm64")]
    Arm,
}

impl Package {
    pub fn run(self) -> Result<bool, String> {
        let all = tools::functions()?;
        if let Some(unknown) = self.only.iter().find(|name| !all.contains(name)) {
            return Err(format!("there is no function {unknown}"));
        }
        let wanted = |name: &String| self.only.is_empty() || self.only.contains(name);
        let names: Vec<String> = all.into_iter().filter(wanted).collect();
        let by_profile = by_profile(&names)?;
        self.build(&by_profile)?;
        println_row(["function", "program", "archive"].map(str::to_owned));
        let (mut rows, mut too_large) = (Vec::new(), Vec::new());
        for name in &names {
            let of = by_profile.iter().find(|(_, names)| names.contains(name));
            let profile = of.map_or("", |(profile, _)| profile.as_str());
            let (program, archive) = pack(name, profile)?;
            println_row([name.clone(), kilobytes(program), kilobytes(archive)]);
            rows.push(
                serde_json::json!({"function": name, "program": kilobytes(program), "archive": kilobytes(archive)}),
            );
            if archive > most_bytes(profile) {
                too_large.push(name.as_str());
            }
        }
        if self.save {
            save(&rows)?;
        }
        if too_large.is_empty() {
            return Ok(true);
        }
        Err(format!("larger than they may be: {}", too_large.join(", ")))
    }

    fn build(&self, by_profile: &BTreeMap<String, Vec<String>>) -> Result<(), String> {
        let venv = tools::venv("package-venv", "infra/requirements.txt")?;
        let tools = venv.parent().map(Path::to_path_buf).unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(tools).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(paths).map_err(|error| error.to_string())?;
        for (profile, names) in by_profile {
            let mut build = tools::cargo(&["lambda", "build", "--output-format", "binary", "--profile", profile]);
            build.arg(match self.arch {
                Arch::X86 => "--x86-64",
                Arch::Arm => "--arm64",
            });
            build.arg("--lambda-dir").arg(folder());
            for name in names {
                build.args(["--package", name, "--bin", name]);
            }
            tools::run(build.env("PATH", &path), "cargo lambda build")?;
        }
        Ok(())
    }
}

/// Functions by the profile that each is built by.
fn by_profile(names: &[String]) -> Result<BTreeMap<String, Vec<String>>, String> {
    let metadata = tools::cargo(&["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&metadata.stdout).map_err(|error| format!("cargo metadata: {error}"))?;
    let packages = metadata["packages"]
        .as_array()
        .ok_or("cargo metadata names no packages")?;
    let mut grouped: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names {
        let package = packages.iter().find(|package| package["name"] == **name);
        let profile = package.and_then(|package| package["metadata"]["rapport"]["profile"].as_str());
        grouped
            .entry(profile.unwrap_or("lambda").to_owned())
            .or_default()
            .push(name.clone());
    }
    Ok(grouped)
}

fn save(rows: &[serde_json::Value]) -> Result<(), String> {
    let path = root().join("tests/results/packages.json");
    let mut text = serde_json::to_string_pretty(rows).map_err(|error| error.to_string())?;
    text.push('\n');
    let folder = path.parent().unwrap_or(&path);
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Where programs and archives are left.
fn folder() -> PathBuf {
    root().join("target/lambda")
}

/// Packs a function: the bytes of its program and of its archive.
fn pack(name: &str, profile: &str) -> Result<(u64, u64), String> {
    let program = folder().join(name).join("bootstrap");
    if profile == ENDS {
        blank_unwinding(&program).map_err(|error| format!("{}: {error}", program.display()))?;
    }
    let archive = folder().join(format!("{name}.zip"));
    let mut files = BTreeMap::from([("bootstrap".to_owned(), program.clone())]);
    if name == "console" {
        console::build()?;
        let built = console::built().ok_or("the console is not built")?;
        gather(&built, "web", &mut files).map_err(|error| format!("{}: {error}", built.display()))?;
        leave_packed(&mut files);
    }
    write(&archive, &files).map_err(|error| format!("{}: {error}", archive.display()))?;
    let size = |path: &Path| std::fs::metadata(path).map(|file| file.len());
    let sizes = size(&program).and_then(|program| Ok((program, size(&archive)?)));
    sizes.map_err(|error| format!("{}: {error}", program.display()))
}

/// Blanks what says how a program's stack is unwound, where a panic ends it and nobody asks. A compiler flag would leave out only some of
/// it: the standard library's part comes compiled, and once that is linked in, the rest is written again.
fn blank_unwinding(program: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes = std::fs::read(program)?;
    let parsed = object::File::parse(&*bytes)?;
    let tables: Vec<(u64, u64)> = [".eh_frame", ".eh_frame_hdr"]
        .iter()
        .filter_map(|name| parsed.section_by_name(name)?.file_range())
        .collect();
    for (start, length) in tables {
        let (start, length) = (usize::try_from(start)?, usize::try_from(length)?);
        bytes[start..start + length].fill(0);
    }
    std::fs::write(program, bytes)?;
    Ok(())
}

/// The files below a folder, by the names that they get.
fn gather(folder: &Path, under: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{under}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), &name, files)?;
        } else {
            files.insert(name, entry.path());
        }
    }
    Ok(())
}

/// Of a file that lies there compressed by brotli, that form alone: browsers take it, and the function unpacks it for others.
fn leave_packed(files: &mut BTreeMap<String, PathBuf>) {
    let packed: Vec<String> = files
        .keys()
        .filter_map(|name| Some(name.strip_suffix(".br")?.to_owned()))
        .collect();
    for name in packed {
        files.remove(&format!("{name}.gz"));
        files.remove(&name);
    }
}

/// Each file as small as DEFLATE makes it, without a time.
fn write(archive: &Path, files: &BTreeMap<String, PathBuf>) -> Result<(), Box<dyn std::error::Error>> {
    let mut pack = ZipArchiveWriter::new(File::create(archive)?);
    let mut compressor = Compressor::new(CompressionLvl::best());
    for (name, path) in files {
        let file = std::fs::read(path)?;
        let mut small = vec![0; compressor.deflate_compress_bound(file.len())];
        let length = compressor.deflate_compress(&file, &mut small)?;
        let (mut entry, _) = pack
            .new_file(name.as_str())
            .compression_method(CompressionMethod::DEFLATE)
            .unix_permissions(if name == "bootstrap" { 0o755 } else { 0o644 })
            .start()?;
        entry.write_all(&small[..length])?;
        entry.finish(DataDescriptorOutput::new(libdeflater::crc32(&file), file.len() as u64))?;
    }
    pack.finish()?.flush()?;
    Ok(())
}

fn kilobytes(bytes: u64) -> String {
    format!("{} kB", bytes.div_ceil(1_000))
}

#[allow(clippy::print_stdout, reason = "the table is what was asked for")]
fn println_row([name, program, archive]: [String; 3]) {
    println!("{name:<24}{program:>12}{archive:>12}");
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_program_runs_without_its_tables_for_unwinding() {
        let folder = std::env::temp_dir().join(format!("rapport-blank-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let program = folder.join("program");
        std::fs::copy("/bin/true", &program).unwrap();
        let whole = std::fs::read(&program).unwrap();
        blank_unwinding(&program).unwrap();
        let blank = std::fs::read(&program).unwrap();
        assert_eq!(whole.len(), blank.len());
        let table = |bytes: &[u8]| {
            let file = object::File::parse(bytes).unwrap();
            let section = file.section_by_name(".eh_frame").unwrap();
            section.data().unwrap().iter().any(|byte| *byte != 0)
        };
        assert!(table(&whole) && !table(&blank));
        assert!(std::process::Command::new(&program).status().unwrap().success());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_same_files_are_the_same_archive_and_the_program_may_be_run() {
        let folder = std::env::temp_dir().join(format!("rapport-package-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("dist/assets")).unwrap();
        std::fs::write(folder.join("program"), "program").unwrap();
        std::fs::write(folder.join("dist/index.html"), "page").unwrap();
        std::fs::write(folder.join("dist/assets/a.js"), "script").unwrap();
        for name in ["b.css", "b.css.br", "b.css.gz"] {
            std::fs::write(folder.join("dist/assets").join(name), "style").unwrap();
        }
        let mut archives = Vec::new();
        for (n, hours) in [(1, 1), (2, 99)] {
            let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(hours * 3_600);
            File::open(folder.join("program")).unwrap().set_modified(time).unwrap();
            let mut files = BTreeMap::from([("bootstrap".to_owned(), folder.join("program"))]);
            gather(&folder.join("dist"), "web", &mut files).unwrap();
            leave_packed(&mut files);
            let archive = folder.join(format!("{n}.zip"));
            write(&archive, &files).unwrap();
            archives.push(std::fs::read(archive).unwrap());
        }
        assert_eq!(archives[0], archives[1]);
        let mut pack = zip::ZipArchive::new(io::Cursor::new(&archives[0])).unwrap();
        let entries: Vec<(String, Option<u32>)> = (0..pack.len())
            .map(|n| {
                let file = pack.by_index(n).unwrap();
                (file.name().to_owned(), file.unix_mode().map(|mode| mode & 0o777))
            })
            .collect();
        let expected = [
            ("bootstrap", 0o755),
            ("web/assets/a.js", 0o644),
            ("web/assets/b.css.br", 0o644),
            ("web/index.html", 0o644),
        ];
        let mut program = String::new();
        io::Read::read_to_string(&mut pack.by_name("bootstrap").unwrap(), &mut program).unwrap();
        assert_eq!(program, "program");
        assert_eq!(entries, expected.map(|(name, mode)| (name.to_owned(), Some(mode))));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
