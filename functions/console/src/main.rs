//! The Lambda function of the start page, the documentation and health.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("console", console::function())
}
