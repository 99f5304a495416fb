//! Checking what came: [`Seen`] PDUs, their fields, and sets of lawful [`Answer`]s.

mod answer;
mod field;
mod seen;

pub use answer::{
    Answer, Got, acks, acks_with, closed, fault, kind, nak, refusal, responds, silent,
};
pub use field::Field;
pub use seen::{
    AlterContextRespPdu, AnyPdu, BindAckPdu, BindNakPdu, BindPdu, FaultPdu, Kind, RequestPdu,
    ResponsePdu, Seen, SeenAck,
};
pub(crate) use seen::{describe_pdu, evidence, ptype_name, same_results};
