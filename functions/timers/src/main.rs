//! The function `timers` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("timers", timers::function())
}
