//! Sessions as data: what a client does to a host, step by step, and how to vary it.
//!
//! A [`Session`] is a list of steps on one or several connections: connect, bind, alter, request, any other PDU, raw
//! octets, wait, half-close. A step says what is honest by default and [`Edit`]s say where it lies: in a field of the
//! plaintext before it is sealed (MACs and padding stay right), of the sealed message, of the stub or of the PDU. It has
//! a text form that people edit ([`Session::parse`], `Display`), and [`Sending::render`] makes it octets.
//!
//! [`Mutator`] varies sessions, [`shrunk`] makes them smaller, [`recorded`] reads them off what a client really sent.
//! What it is not: it opens no socket and knows no clock and no randomness; time is an argument and chance is
//! [`Choices`], which may come from a number ([`Dice`]) or from a fuzzer's octets (feature `arbitrary`).
//!
//! ```
//! use kmspec_session::{Session, Surroundings};
//! use kmspec_wire::filetime::FileTime;
//! use kmspec_wire::keys::KeySet;
//!
//! let session = Session::parse(
//!     "kmspec session 1\n\
//!      connect\n\
//!      bind\n\
//!      \x20 offer 0 kms ndr32\n\
//!      request v6\n\
//!      \x20 set body n_policy ffffffff\n",
//! )?;
//! let keys = KeySet::lab();
//! let around = Surroundings { keys: &keys, now: FileTime(134_398_416_170_000_000), mark: 7, groups: &[] };
//! let octets: usize = session.sendings().map(|sending| sending.render(&around).len()).sum();
//! assert_eq!(octets, 72 + 24 + 8 + 260);
//! assert_eq!(Session::parse(&session.to_string())?, session);
//! # Ok::<(), kmspec_session::ParseError>(())
//! ```
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

pub mod check;

mod choices;
mod edit;
mod mutate;
mod recorded;
mod render;
mod session;
mod shrink;
mod templates;
mod text;

pub use choices::{Choices, Dice};
pub use edit::{Edit, Layer, Op, Place};
pub use mutate::Mutator;
pub use recorded::recorded;
pub use render::{Rendered, Surroundings};
pub use session::{
    Action, Call, Content, Group, Message, Offer, Order, Plain, Sending, Session, Step, Stub,
};
pub use shrink::{FEW_STEPS, shrunk};
pub use templates::templates;
pub use text::ParseError;
