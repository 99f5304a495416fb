//! DCE/RPC on both directions of a connection: PDUs, calls, and the KMS among them.

mod calls;
mod contexts;
mod framer;
mod observer;
mod sniff;

pub(crate) use self::calls::{Calls, Scratch, Sink};
pub(crate) use self::framer::{Framer, Lost};
pub use self::observer::{Direction, Exchange, Interface, Notice, Observer, Pdu, Reply, Rpc};
