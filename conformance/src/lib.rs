//! Suites and the requirement catalogue.

pub mod catalogue;
