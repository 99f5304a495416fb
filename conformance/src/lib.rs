//! Suites and the requirement catalogue.
