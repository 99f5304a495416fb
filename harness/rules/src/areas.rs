//! The rules, one module an area.

pub(crate) mod acks;
pub(crate) mod binds;
pub(crate) mod calls;
pub(crate) mod header;
pub(crate) mod message;
pub(crate) mod refusals;
pub(crate) mod responses;
pub(crate) mod stubs;
