//! The long form of fuzzing: libFuzzer, guided by which of our lines an input reaches. `cargo xtask fuzz TARGET --seconds 60`
//! builds it with the instrumentation that it needs, which stable Rust has too; the target is named by `FUZZ_TARGET`.
#![no_main]
#![allow(clippy::unwrap_used, missing_docs)]

mod targets;

use std::sync::LazyLock;

macro_rules! chosen {
    ($($name:ident),* $(,)?) => {
        static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
            spare_caught_panics();
            let wanted = std::env::vars().find(|(name, _)| name == "FUZZ_TARGET").map(|(_, value)| value);
            match wanted.as_deref() {
                $(Some(stringify!($name)) => targets::$name,)*
                _ => panic!("FUZZ_TARGET names none of: {}", [$(stringify!($name)),*].join(", ")),
            }
        });
    };
}

/// libFuzzer ends at any panic. Those of the reader of workbooks are caught where it is called, and no finding.
fn spare_caught_panics() {
    let end = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic
            .location()
            .is_some_and(|place| place.file().contains("/calamine-"))
        {
            end(panic);
        }
    }));
}

every_target!(chosen);

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| TARGET(bytes));
