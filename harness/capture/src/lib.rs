//! Capture files to TCP streams, PDUs and exchanges, and back.
//!
//! What it is: readers of pcap and pcapng, the layers from Ethernet to TCP, DCE/RPC framing, KMS calls paired with
//! their replies, the same opened with a key set, and a pcapng writer. What it is not: it opens no file (it takes
//! `impl Read`), prints nothing, and keeps no packet: memory is bounded by open connections, not by the file.
//!
//! The types to know: [`Observer`](rpc::Observer) takes what a capture holds, [`read`] feeds it, and
//! [`Summary`](summary::Summary) counts.
//!
//! ```
//! use kmspec_capture::rpc::{Exchange, Observer};
//! use kmspec_capture::tcp::Limits;
//!
//! #[derive(Default)]
//! struct Calls(Vec<u32>);
//!
//! impl Observer for Calls {
//!     fn exchange(&mut self, exchange: &Exchange<'_>) {
//!         self.0.push(exchange.rpc.call_id);
//!     }
//! }
//!
//! let file = include_bytes!("../../../captures/01-vlmcs-vlmcsd-v4-one-connection.pcap");
//! let mut calls = Calls::default();
//! let outcome = kmspec_capture::read(&file[..], Limits::default(), &mut calls);
//! assert_eq!(calls.0, [2, 3, 4, 5, 6, 7, 8, 9]);
//! assert_eq!(outcome.summary.exchanges, 8);
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
pub mod error;
pub mod file;
pub mod link;
pub mod open;
pub mod rpc;
pub mod summary;
pub mod tcp;
pub mod view;
pub mod write;

mod dissect;
mod ip;
mod num;

pub use dissect::{Dissector, Outcome, read};
