//! What a run came to, for people and for programs. Every report is made from the same [`RunResult`](crate::RunResult).

mod hex;
pub mod json;
pub mod junit;
pub mod text;
