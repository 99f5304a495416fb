//! The reference KMS host and client as state machines, sans-IO.
//!
//! What it is: octets and a time go in, octets and what to do with the connection come out. A [`Host`] is what all
//! connections share (settings, client lists, association groups, counters); a [`Connection`] is one client's side of
//! it. What it is not: no sockets, no clock, no threads and no randomness of its own; salts follow from a seed.
//!
//! The behaviour is that of Windows where it is known, and Samba's elsewhere. The host answers with the lab key set and
//! has no way to be given another. [`fault`] lists the deliberate defects it can be told to have. [`client`] is the other
//! side: licence states, discovery, and one attempt at a host.
//!
//! ```
//! use kmspec_model::{Connection, Host, Settings};
//! use kmspec_wire::filetime::FileTime;
//! use kmspec_wire::pdu::{BindBuilder, Body, Pdu, SyntaxId};
//!
//! let now = FileTime(134_398_416_170_000_000);
//! let mut host = Host::new(Settings::default());
//! let mut connection = Connection::open(&mut host, now, 1688);
//! let bind = BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR32]).encoded();
//! let mut out = Vec::new();
//! connection.receive(&mut host, now, bind.as_ref(), &mut out);
//! assert!(matches!(Pdu::decode(&out).unwrap().body, Body::BindAck(_)));
//! ```
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

pub mod admin;
pub mod client;
pub mod fault;
pub mod fleet;
pub mod publish;

mod clock;
mod connection;
mod deviate;
mod groups;
mod host;
mod message;
mod next;
mod policy;
mod products;
mod reply;
mod seed;
mod session;
mod settings;

pub use clock::Clock;
pub use connection::Connection;
pub use host::Host;
pub use next::{After, Delivery, Next};
pub use policy::{CountedFamily, Counters};
pub use products::{PRODUCTS, Product};
pub use settings::{Interval, LabEpid, Limits, SettingError, Settings};
