//! The Lambda function of leads.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("leads", leads::function())
}
