//! The function `usage`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("usage", usage::function())
}
