//! The Lambda function that keeps the words of search.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("search-index", search_index::function())
}
