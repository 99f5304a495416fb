//! An organisation over months, as a discrete-event simulation under a virtual clock.
//!
//! What it is: many machines, each with the [`Licence`](crate::client::Licence) of the reference client, and a few hosts,
//! each with the counting of the reference host, and what happens to them: machines join, leave, are cloned, are switched
//! off at night or taken away, hosts fail and come back, DNS changes. What it is not: messages are not sealed, unless
//! [`Scenario::wire`] asks for it; then each question goes through bind, request and verification, and the figures are the
//! same.
//!
//! ```
//! use kmspec_model::fleet::{Scenario, simulate};
//!
//! let report = simulate(&Scenario { clients: 60, days: 30, ..Scenario::default() });
//! assert_eq!(report.samples.last().unwrap().licensed, 60);
//! assert_eq!(report.lapsed.total(), 0);
//! ```

mod host;
mod machine;
mod queue;
mod random;
mod report;
mod scenario;
mod simulation;

pub use report::{Causes, HostReport, Load, Report, Sample};
pub use scenario::{Away, HostPlan, Outage, Scenario, Span};
pub use simulation::simulate;
