//! The function `tenant-upkeep` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("tenant-upkeep", tenant_upkeep::function())
}
