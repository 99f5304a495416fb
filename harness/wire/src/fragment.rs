//! Fragments: PDUs out of a byte stream, calls out of fragments, fragments out of a stub. Source: C706 12.6.2.

mod assembler;
mod framer;
mod split;

#[cfg(test)]
mod tests;

pub use assembler::{Assembler, FragmentError, Limits, Part};
pub use framer::{Framer, FramingError};
pub use split::{Fragment, fragments};
