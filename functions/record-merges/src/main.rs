//! The Lambda function that moves what pointed at merged records.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("record-merges", record_merges::function())
}
