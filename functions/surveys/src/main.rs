//! The function `surveys` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("surveys", surveys::function())
}
