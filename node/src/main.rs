//! One node.
fn main() {}
