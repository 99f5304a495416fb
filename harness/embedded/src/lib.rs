//! The lab as a target: its host and its client, in this process, in the form in which the runner judges anything.
//!
//! The runner does not know the lab, nor the lab the runner; who wants to judge the one with the other starts here. It is
//! what commands without a TARGET do, and what the tests of suites and campaigns do.

mod client;
mod host;

pub use client::LabMachines;
pub use host::{Embedded, verbs};
