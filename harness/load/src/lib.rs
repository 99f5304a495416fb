//! The load generator: requests at a rate, and how long each answer took.
//!
//! What it is: a [`Plan`] says what to send and when, [`run`] carries it out against an [`Endpoint`] and gives an
//! [`Outcome`], which [`report`] writes, [`gate`] judges, [`compare`] compares and [`merge`] adds up.
//! What it is not: it knows no terminal, and it starts no host.
//!
//! Latency counts from the time at which a request was *due*, which no slowness of the target changes: a host that stands
//! still for two seconds makes all the requests late that should have been sent meanwhile, and not just the one that was
//! on its way. Where that time and the time of sending differ, both latencies are reported side by side.
//!
//! ```no_run
//! use kmspec_load::plan::{Endpoint, Interrupt, Plan};
//!
//! # fn try_it(endpoint: &Endpoint) -> Result<(), Box<dyn std::error::Error>> {
//! let outcome = kmspec_load::run(&Plan::default(), endpoint, &Interrupt::new(), &())?;
//! assert!(outcome.total.corrected.percentile(99.0) < 5_000_000, "slower than 5 ms");
//! # Ok(())
//! # }
//! ```

pub mod bottleneck;
pub mod compare;
pub mod fleet;
pub mod gate;
pub mod locust;
pub mod measure;
pub mod merge;
pub mod mix;
pub mod outcome;
pub mod plan;
pub mod report;
pub mod schedule;
pub mod search;

mod client;
mod engine;
mod machine;
mod num;
mod prepare;

pub use engine::{LoadError, Watch, run};
pub use outcome::Outcome;
pub use plan::{Endpoint, Interrupt, Plan};
