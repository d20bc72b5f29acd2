//! The function `reports` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("reports", reports::function())
}
