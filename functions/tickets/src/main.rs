//! The function `tickets` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("tickets", tickets::function())
}
