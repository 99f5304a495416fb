//! What faults change, beside the honest client. Nothing here runs for a client without a fault.

mod administration;
mod discovery;
mod incoming;
mod licence;
mod outgoing;
mod stub;

pub(super) use administration::{
    goes_on, needs_elevation, rearmed, refuses, shown, while_activating,
};
pub(super) use discovery::{known, order, plan, registered};
pub(super) use incoming::{Deed, incoming, read};
pub(super) use licence::{answer, body, concluded, long_grace, made_up, needed, refused};
pub(super) use outgoing::{bind, call, message};
pub(super) use stub::{stub, violations};
