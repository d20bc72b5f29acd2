//! The function `import-rows`.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("import-rows", import_rows::function())
}
