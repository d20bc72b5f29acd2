//! The short form of fuzzing: every input of the corpus, and mutations of them from a fixed seed. What it finds is written to
//! `target/fuzz`; put into `corpus/<target>` it is a test for ever. The long form is `guided.rs`.
#![allow(clippy::unwrap_used, missing_docs)]

mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

/// Mutations of each target.
const ROUNDS: usize = 1_000;
/// An input has at most so many bytes.
const MOST: usize = 16 * 1024;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = root().join(name);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// A seed with a few changes: bits, bytes, pieces left out, said twice or taken from another seed.
fn mutated(random: &mut StdRng, seeds: &[Vec<u8>]) -> Vec<u8> {
    const ODD: &[&[u8]] = &[
        b"\0",
        b"\x1f",
        b"\"",
        b"\\",
        b"{",
        b"[",
        b"<",
        b"=",
        b"%",
        b"\r\n",
        b"-1",
        b"9223372036854775808",
        b"1e309",
        b"null",
        b"\xff",
        b"\xed\xa0\x80",
        "\u{202e}".as_bytes(),
        "\u{fffd}".as_bytes(),
        b"..",
        b"A1048577",
    ];
    let mut bytes = seeds.choose(random).unwrap().clone();
    for _ in 0..random.random_range(1..=4) {
        let place = random.random_range(0..=bytes.len());
        let end = random.random_range(place..=bytes.len().min(place + 32));
        match random.random_range(0..7) {
            0 if place < bytes.len() => bytes[place] ^= 1 << random.random_range(0..8),
            1 if place < bytes.len() => bytes[place] = random.random(),
            2 => drop(bytes.splice(place..place, ODD.choose(random).unwrap().iter().copied())),
            3 => drop(bytes.drain(place..end)),
            4 => {
                let piece = bytes[place..end].repeat(*[1, 2, 100].choose(random).unwrap());
                drop(bytes.splice(place..place, piece));
            }
            5 => {
                let other = seeds.choose(random).unwrap();
                let from = random.random_range(0..=other.len());
                drop(bytes.splice(place..end, other[from..].iter().copied().take(64)));
            }
            _ => drop(bytes.splice(place..end, ODD.choose(random).unwrap().iter().copied())),
        }
        bytes.truncate(MOST);
    }
    bytes
}

fn attack(name: &str, run: fn(&[u8])) {
    let seeds = corpus(name);
    let tried = |bytes: &[u8]| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(bytes))) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
            std::fs::create_dir_all(&folder).unwrap();
            let file = folder.join(format!("{name}-found"));
            std::fs::write(&file, bytes).unwrap();
            eprintln!("{name} fails with what is in {}", file.display());
            resume_unwind(panic);
        }
    };
    for seed in &seeds {
        tried(seed);
    }
    let mut random = StdRng::seed_from_u64(5);
    for _ in 0..ROUNDS {
        tried(&mutated(&mut random, &seeds));
    }
}

macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            attack(stringify!($name), targets::$name);
        })*

        #[test]
        fn every_corpus_has_its_target() {
            let mut folders: Vec<String> = std::fs::read_dir(root())
                .unwrap()
                .map(|folder| folder.unwrap().file_name().into_string().unwrap())
                .collect();
            folders.sort();
            assert_eq!(folders, [$(stringify!($name)),*]);
        }
    };
}

every_target!(tests);
