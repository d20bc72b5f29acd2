//! The function `operator`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("operator", operator::function())
}
