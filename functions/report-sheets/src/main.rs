//! The function `report-sheets` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("report-sheets", report_sheets::function())
}
