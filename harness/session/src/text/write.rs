use std::fmt;

use kmspec_wire::kms::ProtocolVersion;
use kmspec_wire::pdu::PfcFlags;

use super::{HEAD, ptype_name, syntax_name};
use crate::edit::{Edit, Op, Place};
use crate::session::{
    Action, Call, Content, Group, Message, Offer, Order, Plain, Sending, Session, Step, Stub,
};

impl fmt::Display for Session {
    /// The text form, which [`Session::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        self.steps.iter().try_for_each(|step| step.fmt(f))
    }
}

impl fmt::Display for Step {
    /// A line, and those indented below it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.connection > 0 {
            write!(f, "@{} ", self.connection)?;
        }
        match &self.action {
            Action::Connect => writeln!(f, "connect"),
            Action::Wait(millis) => writeln!(f, "wait {millis}"),
            Action::HalfClose => writeln!(f, "half-close"),
            Action::Close => writeln!(f, "close"),
            Action::Send(sending) => sending.fmt(f),
        }
    }
}

impl fmt::Display for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.content {
            Content::Bind(offer) => write_offer(f, "bind", offer)?,
            Content::Alter(offer) => write_offer(f, "alter", offer)?,
            Content::Request(call) => write_call(f, call)?,
            Content::Pdu(plain) => write_plain(f, plain)?,
            Content::Raw(octets) => write!(f, "raw {}", Hex(octets))?,
        }
        if self.segment > 0 {
            write!(f, " segment={}", self.segment)?;
        }
        if self.times != 1 {
            write!(f, " times={}", self.times)?;
        }
        if self.hurry {
            write!(f, " hurry")?;
        }
        writeln!(f)?;
        if let Content::Bind(offer) | Content::Alter(offer) = &self.content {
            for context in &offer.contexts {
                let interface = syntax_name(context.abstract_syntax);
                write!(f, "  offer {} {interface}", context.id.0)?;
                for syntax in &context.transfer_syntaxes {
                    write!(f, " {}", syntax_name(*syntax))?;
                }
                writeln!(f)?;
            }
        }
        self.edits
            .iter()
            .try_for_each(|edit| writeln!(f, "  {edit}"))
    }
}

fn write_offer(f: &mut fmt::Formatter<'_>, name: &str, offer: &Offer) -> fmt::Result {
    let Offer {
        call_id,
        flags,
        order,
        max_xmit_frag,
        max_recv_frag,
        group,
        contexts: _,
    } = offer;
    let plain = Offer::kms();
    write!(f, "{name}")?;
    if *call_id != plain.call_id {
        write!(f, " call={call_id}")?;
    }
    write_common(f, *flags, *order)?;
    if *max_xmit_frag != plain.max_xmit_frag {
        write!(f, " xmit={max_xmit_frag}")?;
    }
    if *max_recv_frag != plain.max_recv_frag {
        write!(f, " recv={max_recv_frag}")?;
    }
    match group {
        Group::Given(0) => Ok(()),
        Group::Given(group) => write!(f, " group={group}"),
        Group::Of(connection) => write!(f, " group=@{connection}"),
    }
}

fn write_call(f: &mut fmt::Formatter<'_>, call: &Call) -> fmt::Result {
    let Call {
        call_id,
        context_id,
        opnum,
        order,
        fragment,
        amid,
        stub,
    } = call;
    write!(f, "request")?;
    match stub {
        Stub::Octets(octets) => write!(f, " stub={}", Hex(octets))?,
        Stub::Marshalled(syntax, message) => {
            match message {
                Message::Kms(ProtocolVersion { major, minor: 0 }) => write!(f, " v{major}")?,
                Message::Kms(ProtocolVersion { major, minor }) => write!(f, " v{major}.{minor}")?,
                Message::Octets(octets) => write!(f, " message={}", Hex(octets))?,
            }
            write!(f, " {}", syntax.name())?;
        }
    }
    if *context_id != 0 {
        write!(f, " context={context_id}")?;
    }
    if *call_id != 2 {
        write!(f, " call={call_id}")?;
    }
    if *opnum != 0 {
        write!(f, " opnum={opnum}")?;
    }
    write_common(f, PfcFlags::WHOLE, *order)?;
    if *fragment != 0 {
        write!(f, " fragment={fragment}")?;
    }
    if let Some(ptype) = amid {
        write!(f, " amid={}", ptype_name(*ptype))?;
    }
    Ok(())
}

fn write_plain(f: &mut fmt::Formatter<'_>, plain: &Plain) -> fmt::Result {
    let Plain {
        ptype,
        flags,
        call_id,
        body,
    } = plain;
    write!(f, "pdu {} call={call_id}", ptype_name(*ptype))?;
    write_common(f, *flags, Order::Little)?;
    if !body.is_empty() {
        write!(f, " body={}", Hex(body))?;
    }
    Ok(())
}

fn write_common(f: &mut fmt::Formatter<'_>, flags: PfcFlags, order: Order) -> fmt::Result {
    if flags != PfcFlags::WHOLE {
        write!(f, " flags={:02x}", flags.0)?;
    }
    match order {
        Order::Little => Ok(()),
        Order::Big => write!(f, " order=big"),
    }
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { layer, place, op } = self;
        let layer = layer.name();
        match op {
            Op::Set(octets) => write!(f, "set {layer} {place} {}", Hex(octets)),
            Op::Xor(octets) => write!(f, "xor {layer} {place} {}", Hex(octets)),
            Op::Insert(octets) => write!(f, "insert {layer} {place} {}", Hex(octets)),
            Op::Grow(len) => write!(f, "grow {layer} {place} {len}"),
            Op::Remove(len) => write!(f, "remove {layer} {place} {len}"),
            Op::Cut => write!(f, "cut {layer} {place}"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, nth, at } = self;
        write!(f, "{field}")?;
        if *nth > 0 {
            write!(f, "#{nth}")?;
        }
        if *at > 0 {
            write!(f, "+{at}")?;
        }
        Ok(())
    }
}

/// Octets as digits; a dash for none, which would otherwise be no word at all.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("-");
        }
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}
