//! Invariants of the repository, as tests.
