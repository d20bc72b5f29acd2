//! The Lambda function of search.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("search", search::function())
}
