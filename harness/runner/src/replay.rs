//! Replaying recorded exchanges against a target.
//!
//! What it is: captures as lists of exchanges ([`recording`]), the one table of what every field of an answer is worth
//! ([`fields`]), the comparison of a recorded answer with one that came ([`compare`]), what may lawfully differ
//! ([`explain`]), and playing an exchange or whole files ([`play`](mod@play), [`report`]). What it is not: it knows no
//! requirement's text and no case; the suite `replay` and the command of that name call it.

mod answer;
pub mod compare;
pub mod explain;
pub mod fields;
mod flatten;
pub mod play;
pub mod recording;
pub mod report;

#[cfg(test)]
mod tests;

pub use answer::{Answer, Outcome};
pub use compare::{Difference, Status};
pub use fields::{FIELDS, FieldRule, Kind};
pub use flatten::{Asked, Value, flatten};
pub use play::{Cmid, Mode, Played, play};
pub use recording::{Recorded, Recording, read};
pub use report::{Report, exit, replay, replay_all};
