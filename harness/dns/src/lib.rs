//! DNS as far as discovery needs it: a server of a few small zones, lookups of SRV records, dynamic updates.
//!
//! What it is: an [`Authority`] takes one message and gives one ([`Authority::handle`]), keeps [`Zone`]s that can be changed
//! by dynamic updates (RFC 2136), and can be told to misbehave ([`Fault`]). [`DnsServer`] puts it on sockets; [`Resolver`]
//! asks any server; [`Update`] changes its zones. What it is not: no recursion, no delegations, no
//! wildcards, no transfers, no DNSSEC and no signed updates.
//!
//! ```
//! use kmspec_dns::{Authority, DnsServer, Resolver, Zone};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let mut zone = Zone::new("corp.example").unwrap();
//! zone.add_line("_vlmcs._tcp SRV 0 100 1688 kms01").unwrap();
//! let server = DnsServer::start("127.0.0.1:0".parse().unwrap(), Authority::new([zone])).await.unwrap();
//!
//! let found = Resolver::new(server.address()).srv("_vlmcs._tcp.CORP.example").await.unwrap();
//! assert_eq!(found[0].to_string(), "0 100 1688 kms01.corp.example.");
//! # });
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

mod authority;
mod fault;
mod lookup;
mod publish;
mod query;
mod record;
mod server;
mod srv;
mod update;
mod zone;

pub use authority::{Asked, Authority, Event, MOST_OVER_UDP, Reply, Transport};
pub use fault::{Fault, FaultError};
pub use hickory_proto::op::ResponseCode;
pub use hickory_proto::rr::{Name, Record, RecordType};
pub use lookup::{LookupError, Patience, Question, Resolver, Taken};
pub use publish::{Update, UpdateError};
pub use record::{RecordError, name};
pub use server::{DnsServer, StartError};
pub use srv::{SERVICE, Srv, service_of};
pub use zone::{MOST_RECORDS, Zone};
