//! Reports: for people, for programs, for other tools.

pub mod hlog;
pub mod html;
pub mod json;
pub mod text;

mod units;

#[cfg(test)]
pub(crate) mod sample;

pub use units::{Nanos, Number};
