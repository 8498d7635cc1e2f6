//! The command `cgrant`.
fn main() {}
