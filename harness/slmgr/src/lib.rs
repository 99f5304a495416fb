//! The licence manager script as data: what it is told, what it shows, what it says.
//!
//! What it is: [`Command`] reads and writes its command lines, [`Report`] what `-dli` and `-dlv` print, in English and in
//! Japanese, [`Notice`] and [`result_line`] the rest of its output. What it is not: it does nothing; whoever has a host
//! or a client to change brings it along.
//!
//! ```
//! use kmspec_slmgr::{Command, Report};
//!
//! assert_eq!(Command::parse(&["/SAI", "60"]), Ok(Command::ActivationInterval(60)));
//! let text = "名前 : Windows(TM) Vista\r\nライセンスの状態 : ライセンス済み\r\n部分プロダクト キー : RHXCM\r\n";
//! let read = Report::read(text).unwrap();
//! assert_eq!(read.report.usable().next().unwrap().name, "Windows(TM) Vista");
//! ```
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::panic
)]

pub mod check;
pub mod report;

mod command;
mod ids;
mod key;
mod language;
mod message;
mod name;
mod service;
mod text;

pub use command::{Command, CommandError, INTERVALS, Role, usage};
pub use ids::{ConfirmationId, IdError, InstallationId};
pub use key::{KeyError, PartialKey, ProductKey};
pub use language::Language;
pub use message::{Notice, result_line};
pub use name::{DEFAULT_PORT, HostName, NameError, RegisteredHost};
pub use report::Report;
pub use service::Service;
pub use text::{TextError, decode};
