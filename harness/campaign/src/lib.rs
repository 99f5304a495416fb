//! The network fuzzer: sessions against a live host, and what they find.
//!
//! What it is: [`run`] plays sessions of `kmspec-session`, many at a time, against any target the runner knows; keeps
//! those that show something new; learns the target's state machine; and looks for crashes, hangs, late answers, growth,
//! broken rules, octets of others and, if asked, answers of another class than the lab host's. What it finds is tried
//! again alone, made as small as may be and written to a folder as soon as it is seen ([`Findings`]). What it is not: it
//! needs no instrumentation of the target, prints nothing, and knows no rule of its own.
//!
//! Execution N follows from the seed, N and the corpus of earlier epochs; see `corpus.rs`.

mod answers;
mod campaign;
mod corpus;
mod examine;
mod finding;
mod ground;
mod machine;
mod novelty;
mod play;
mod reference;
mod report;
mod seeds;
mod store;
mod trial;
mod watch;

pub use campaign::{CampaignError, Outcome, Plan, repeat, run};
pub use finding::{Facts, Finding, Kind, Standing};
pub use machine::{Difference, Edge, Machine};
pub use report::{junit, sarif};
pub use seeds::{Gathered, gather, merge};
pub use store::{Evidence, Findings, StoreError, read};
pub use watch::{Progress, Watch};
