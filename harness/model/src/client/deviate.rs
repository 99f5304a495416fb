//! What faults change, beside the honest client. Nothing here runs for a client without a fault.

mod incoming;
mod licence;
mod outgoing;
mod stub;

pub(super) use incoming::{Deed, incoming, read};
pub(super) use licence::{answer, body, concluded, made_up, needed, refused};
pub(super) use outgoing::{bind, call, message};
pub(super) use stub::{stub, violations};
