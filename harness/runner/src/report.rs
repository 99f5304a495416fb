//! What a run came to, for people and for programs. Every report is made from the same [`RunResult`](crate::RunResult).

pub mod github;
pub(crate) mod hex;
pub mod html;
pub mod json;
pub mod junit;
pub mod sarif;
pub mod text;
