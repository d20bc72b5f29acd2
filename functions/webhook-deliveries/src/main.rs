//! The function `webhook-deliveries`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("webhook-deliveries", webhook_deliveries::function())
}
