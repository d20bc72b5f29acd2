//! The function `segments` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("segments", segments::function())
}
