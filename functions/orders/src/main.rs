//! The Lambda function of orders and products.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("orders", orders::function())
}
