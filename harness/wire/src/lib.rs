//! The KMS wire formats, sans-IO.
//!
//! What it is: every connection-oriented DCE/RPC PDU, fragmentation, NDR32 and NDR64 stubs, the KMS messages of
//! versions 4, 5 and 6 with their crypto, extended PIDs and key sets. What it is not: no sockets, no files, no clock
//! and no randomness of its own; whoever needs a salt passes it in.
//!
//! Decoding is total: it never panics, borrows where it can, and says at which byte and in which field it failed.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

pub mod btfn;
pub mod check;
pub mod codec;
pub mod crypto;
pub mod filetime;
pub mod fragment;
pub mod guid;
pub mod keys;
pub mod kms;
pub mod ndr;
pub mod pdu;

mod open_enum;
