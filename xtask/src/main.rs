//! What a maintainer does more than once.
fn main() {}
