//! The function `webhooks`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("webhooks", webhooks::function())
}
