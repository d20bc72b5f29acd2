//! The function `usage-counts`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("usage-counts", usage_counts::function())
}
