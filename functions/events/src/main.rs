//! The function `events`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("events", events::function())
}
