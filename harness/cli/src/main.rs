//! The binary `kmspec`.

fn main() {}
