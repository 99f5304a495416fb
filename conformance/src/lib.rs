//! Suites and the requirement catalogue.
//!
//! What it is: every claim the harness can test, with its source ([`catalogue`]), and the code that tests it
//! ([`suites`]). What it is not: it knows no implementation; a case speaks to a [`Peer`](kmspec_runner::Peer), so that
//! anything can be the target.

pub mod catalogue;
pub mod plan;
pub mod seeds;
pub mod vectors;

mod alter;
mod assoc;
mod auth;
mod bind;
mod btfn;
mod cancel;
mod client;
mod crypto;
mod deployment;
mod discovery;
mod fault;
mod fragment;
mod fragsize;
mod header;
mod kms;
mod message;
mod nak;
mod ndr;
mod ndr64;
mod offer;
mod orphaned;
mod policy;
mod replay;
mod request;
mod response;
mod robust;
mod state;
mod stream;

use kmspec_runner::Suite;

/// All suites, in reading order.
pub fn suites() -> &'static [&'static Suite] {
    SUITES
}

static SUITES: &[&Suite] = &[
    &header::HEADER,
    &bind::BIND,
    &nak::NAK,
    &btfn::BTFN,
    &fragsize::FRAGSIZE,
    &assoc::ASSOC,
    &alter::ALTER,
    &state::STATE,
    &request::REQUEST,
    &response::RESPONSE,
    &fault::FAULT,
    &fragment::FRAGMENT,
    &cancel::CANCEL,
    &orphaned::ORPHANED,
    &auth::AUTH,
    &stream::STREAM,
    &robust::ROBUST,
    &ndr::NDR,
    &ndr64::NDR64,
    &message::MESSAGE,
    &crypto::CRYPTO,
    &policy::POLICY,
    &deployment::DEPLOYMENT,
    &discovery::DISCOVERY,
    &replay::REPLAY,
    &client::CLIENT,
];
