//! The function `report-exports` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("report-exports", report_exports::function())
}
