//! The network fuzzer: sessions against a live host, and what they find.

pub mod check;
