//! Targets, peers, running cases, expectations, reports and transcripts.
//!
//! What it is: everything between a conformance case and a socket. A case is given a [`Peer`]; the peer opens
//! [`Link`]s to the target, which speak in well-formed PDUs or in exactly the octets the case wants, record all that
//! went over the wire, and have every answer judged by `kmspec-rules`. What it is not: it knows no requirement text
//! (that is the catalogue's) and no lab host (that is one more target).

pub mod bundle;
pub mod case;
pub mod check;
pub mod compare;
pub mod exit;
pub mod expect;
pub mod free;
pub mod glob;
pub mod listener;
pub mod passive;
pub mod peer;
pub mod plan;
pub mod proxy;
pub mod replay;
pub mod report;
pub mod run;
pub mod selftest;
pub mod suite;
pub mod target;
pub mod transcript;
pub mod verdict;

pub use case::{Case, Needs};
pub use exit::Exit;
pub use listener::Listener;
pub use peer::{Link, Peer};
pub use plan::{Options, Planned};
pub use run::{Observer, Row, RunResult, run};
pub use suite::Suite;
pub use target::Target;
pub use verdict::{Failure, Level, Stop, Verdict};
