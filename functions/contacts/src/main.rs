//! The Lambda function of contacts and companies.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("contacts", contacts::function())
}
