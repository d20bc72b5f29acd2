//! The function `imports`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("imports", imports::function())
}
