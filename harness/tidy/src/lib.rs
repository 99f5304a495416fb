//! Invariants of the repository, as functions from a tree of files to what is wrong with it.
//!
//! `tests/repository.rs` asks each of them about this repository; the unit tests beside them show that each can fail.
//! What the compiler, clippy or cargo-deny already hold is not repeated here.

pub mod documents;
pub mod fuzzing;
pub mod layering;
pub mod manifests;
pub mod sizes;
pub mod sources;
pub mod text;
pub mod tree;

pub use tree::{File, Tree};

/// What is wrong, a line each, beginning with the file or crate it is about. Empty if nothing is.
pub type Problems = Vec<String>;
