//! KMS messages: the base messages, their envelopes, and what is true of every one of them.
//!
//! [`RequestBody`] and [`ResponseBody`] are what a client asks and a host answers; [`envelope`] seals and opens them;
//! [`verify`] names every rule that a message breaks.

pub mod envelope;
pub mod epid;
pub mod ids;
pub mod verify;

mod hresult;
mod request;
mod response;
mod version;
mod workstation;

pub use epid::{Epid, EpidError};
pub use hresult::HResult;
pub use request::{LicenseStatus, RequestBody};
pub use response::ResponseBody;
pub use version::{ProtocolVersion, Version};
pub use workstation::{NameTooLong, WorkstationName};
