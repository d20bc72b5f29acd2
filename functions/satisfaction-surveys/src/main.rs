//! The function `satisfaction-surveys` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("satisfaction-surveys", satisfaction_surveys::function())
}
