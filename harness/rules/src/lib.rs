//! What holds of every answer, whoever asked and why.
//!
//! What it is: a [`Judge`] for one connection. It is shown what the client sent and what the host sent, in order, as
//! octets or PDUs, and names every requirement that was broken, with the PDU, the place and the field; a [`Tally`] says
//! how often each rule was judged. What it is not: it sends nothing and has no requirement text beyond one sentence a
//! rule; levels and sources stand in the catalogue under the same ids.
//!
//! Hosts are judged against what they were really asked. A tester may send anything: unknown versions, odd data
//! representations, pieces of PDUs. Where such input leaves the lawful answer open, the judge keeps silent, and so it
//! does where a recording began late or has gaps. What a requirement tolerates is no violation.
//!
//! ```
//! use kmspec_rules::{Direction, Judge, Roles};
//! use kmspec_wire::pdu::{BindBuilder, SyntaxId};
//!
//! let mut judge = Judge::new(Roles::HOST);
//! let bind = BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR32]).encoded();
//! judge.octets(Direction::FromClient, &bind.bytes);
//! // A host that copies the major version of something else: octet 0 should be 5.
//! judge.octets(Direction::FromHost, &[4, 0, 13, 3, 0x10, 0, 0, 0, 24, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 5, 0, 0, 0, 0]);
//! let broken: Vec<&str> = judge.violations().iter().map(|v| v.requirement).collect();
//! assert_eq!(broken, ["rpc.header.version-in-replies"]);
//! ```
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

mod areas;
mod conversation;
mod cutter;
mod judge;
mod memory;
mod report;
mod table;

pub use judge::Judge;
pub use memory::Memory;
pub use report::{Count, Direction, PduRef, Roles, Tally, Violation};
pub use table::{RULES, Role, Rule};
