//! The function `archives`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("archives", archives::function())
}
