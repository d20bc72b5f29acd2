//! The function `webhook-intake`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("webhook-intake", webhook_intake::function())
}
