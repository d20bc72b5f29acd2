//! The Lambda function of the console, the documentation and health.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("console", console::function())
}
