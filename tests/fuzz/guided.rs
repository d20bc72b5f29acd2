//! The long form of fuzzing: libFuzzer, guided by which of our lines an input reaches. `cargo xtask fuzz TARGET --seconds 60`
//! builds it with the instrumentation that it needs, which stable Rust has too; the target is named by `FUZZ_TARGET`.
#![no_main]
#![allow(clippy::unwrap_used, missing_docs)]

mod targets;

use std::sync::LazyLock;

macro_rules! chosen {
    ($($name:ident),* $(,)?) => {
        static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
            let wanted = std::env::vars().find(|(name, _)| name == "FUZZ_TARGET").map(|(_, value)| value);
            match wanted.as_deref() {
                $(Some(stringify!($name)) => targets::$name,)*
                _ => panic!("FUZZ_TARGET names none of: {}", [$(stringify!($name)),*].join(", ")),
            }
        });
    };
}

every_target!(chosen);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));
