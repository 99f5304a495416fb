//! A worker of a Locust master: many machines by an engine that exists. The master spreads users over its workers, ramps
//! them, adds up their figures and shows them; each user here is a client that asks again as soon as it is answered.
//!
//! The master's class names choose what a user asks: one whose name has v4, v5 or v6 in it asks in that version, any other
//! what the plan's mix says. Checked against Locust 2.47; its protocol is the one since 2.0.
//!
//! `ZMTP` is written here, in `zmtp`: what is needed is one connection, one frame a message. The crate that has all of
//! `ZeroMQ` brings some twenty others, and hands messages to a queue that it drops on closing without saying whether they
//! left; the last figures of a run are sent half a second before the master stops listening.

pub mod check;

mod life;
mod message;
mod stats;
mod users;
mod zmtp;

pub use life::{Locust, LocustError, Worked};
