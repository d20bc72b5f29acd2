//! The function `ticket-deadlines` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("ticket-deadlines", ticket_deadlines::function())
}
