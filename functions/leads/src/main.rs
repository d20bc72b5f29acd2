//! leads
fn main() {}
