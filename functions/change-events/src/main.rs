//! The function `change-events`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("change-events", change_events::function())
}
