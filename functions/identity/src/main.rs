//! The identity function under the Lambda runtime.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("identity", identity::function())
}
