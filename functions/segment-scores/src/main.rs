//! The function `segment-scores` on Lambda.

fn main() -> std::process::ExitCode {
    rapport_runtime::run("segment-scores", segment_scores::function())
}
