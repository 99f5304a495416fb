//! Properties of what the lab reads from outside, as plain functions over octets: the replay of seeds and the fuzz targets
//! call them.

pub use crate::control::check::line as control;
pub use crate::state::check::file as state;
