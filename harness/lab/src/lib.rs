//! The model at work: the reference host of [`kmspec_model`] on real sockets.
//!
//! [`LabHost::start`] listens and answers until it is stopped or dropped; [`Settings`] says where and how. It listens on
//! loopback unless another address is asked for by name, and answers with the lab key set only.
//!
//! ```
//! use kmspec_lab::{LabHost, Settings};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let host = LabHost::start(Settings::default()).await.unwrap();
//! assert!(host.address().ip().is_loopback());
//! host.stop().await;
//! # });
//! ```

pub mod check;
pub mod client;
pub mod control;
pub mod state;

mod accept;
mod connection;
mod controls;
mod host;
mod publish;
mod registry;
mod settings;
mod shared;

pub use controls::{Controls, SlmgrError, VerbError};
pub use host::{Ended, LabHost, StartError};
pub use publish::{InDns, Publish, PublishError};
pub use settings::{Listen, Settings};
