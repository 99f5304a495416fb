//! Suites and the requirement catalogue.
//!
//! What it is: every claim the harness can test, with its source ([`catalogue`]), and the code that tests it
//! ([`suites`]). What it is not: it knows no implementation; a case speaks to a [`Peer`](kmspec_runner::Peer), so that
//! anything can be the target.

pub mod catalogue;
pub mod plan;

mod crypto;
mod kms;
mod message;
mod policy;

use kmspec_runner::Suite;

/// All suites, in reading order.
pub fn suites() -> &'static [&'static Suite] {
    SUITES
}

static SUITES: &[&Suite] = &[&message::MESSAGE, &crypto::CRYPTO, &policy::POLICY];
