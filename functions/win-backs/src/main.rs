//! The function `win-backs` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("win-backs", win_backs::function())
}
