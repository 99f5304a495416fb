use kmspec_wire::codec::ByteOrder;
use kmspec_wire::fragment::Framer;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{OpenedRequest, open_request};
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{Bind, Body, ContextElement, Pdu, PfcFlags, Request};

use crate::edit::{Edit, Layer};
use crate::render::Surroundings;
use crate::session::{
    Action, Call, Content, Group, Message, Offer, Order, Plain, Sending, Session, Step, Stub,
};

/// The session of a client that sent these octets on one connection, as readable as they allow: what cannot be said in
/// steps of the grammar octet by octet is kept as octets. Salts, client times, client machine ids and workstation names
/// are those of whoever plays the session; everything else is as it was.
pub fn recorded(octets: &[u8], keys: &KeySet) -> Session {
    let mut steps = vec![Step::new(Action::Connect)];
    let mut framer = Framer::new();
    framer.push(octets);
    while let Ok(Some(pdu)) = framer.next_pdu() {
        steps.push(Step::new(Action::Send(Box::new(sending(pdu, keys)))));
    }
    let rest = framer.pending();
    if !rest.is_empty() {
        steps.push(Step::send(Content::Raw(rest.to_vec())));
    }
    let mut session = Session { steps };
    session.bound();
    session
}

fn sending(octets: &[u8], keys: &KeySet) -> Sending {
    let decoded = Pdu::decode(octets).ok().filter(|pdu| pdu.auth.is_none());
    let typed = decoded.as_ref().and_then(|pdu| match &pdu.body {
        Body::Bind(bind) => Some(Sending::new(Content::Bind(offer(pdu, bind)))),
        Body::AlterContext(bind) => Some(Sending::new(Content::Alter(offer(pdu, bind)))),
        Body::Request(request) => call(pdu, request, keys),
        _ => None,
    });
    let (_, body) = octets.split_at_checked(16).unwrap_or((&[], octets));
    let plain = decoded.as_ref().map(|pdu| {
        Sending::new(Content::Pdu(Plain {
            ptype: pdu.header.ptype,
            flags: pdu.header.pfc_flags,
            call_id: pdu.header.call_id.0,
            body: body.to_vec(),
        }))
    });
    let around = Surroundings {
        keys,
        now: kmspec_wire::filetime::FileTime(0),
        mark: 0,
        groups: &[],
    };
    let sealed = |sending: &Sending| {
        let Content::Request(call) = &sending.content else {
            return false;
        };
        matches!(call.stub, Stub::Marshalled(_, Message::Kms(_)))
    };
    let candidates = typed.into_iter().chain(plain);
    // A sealed request is made anew: its octets are to differ, but not their number.
    let mut exact = candidates.filter(|sending| {
        let rendered = sending.render(&around);
        rendered == octets || sealed(sending) && rendered.len() == octets.len()
    });
    exact
        .next()
        .unwrap_or_else(|| Sending::new(Content::Raw(octets.to_vec())))
}

fn order(pdu: &Pdu<'_>) -> Order {
    match pdu.header.drep.order() {
        ByteOrder::Little => Order::Little,
        ByteOrder::Big => Order::Big,
    }
}

fn offer(pdu: &Pdu<'_>, bind: &Bind<'_>) -> Offer {
    let contexts = bind.contexts.iter().map(|context| ContextElement {
        id: context.id,
        abstract_syntax: context.abstract_syntax,
        transfer_syntaxes: context.transfer_syntaxes.iter().collect(),
    });
    Offer {
        call_id: pdu.header.call_id.0,
        flags: pdu.header.pfc_flags,
        order: order(pdu),
        max_xmit_frag: bind.max_xmit_frag,
        max_recv_frag: bind.max_recv_frag,
        group: Group::Given(bind.assoc_group_id),
        contexts: contexts.collect(),
    }
}

/// A call in one fragment; those of larger ones are PDUs of their own.
fn call(pdu: &Pdu<'_>, request: &Request<'_>, keys: &KeySet) -> Option<Sending> {
    let flags = pdu.header.pfc_flags;
    if request.object.is_some() || !flags.has(PfcFlags::WHOLE) {
        return None;
    }
    let order = order(pdu);
    let (stub, mut edits) = stub(request.stub, pdu.header.drep.order(), keys);
    if flags != PfcFlags::WHOLE {
        edits.push(Edit::set(Layer::Pdu, "pfc_flags", &[flags.0]));
    }
    if usize::try_from(request.alloc_hint) != Ok(request.stub.len()) {
        let hint = pdu.header.drep.order().u32(request.alloc_hint);
        edits.push(Edit::set(Layer::Pdu, "alloc_hint", &hint));
    }
    let call = Call {
        call_id: pdu.header.call_id.0,
        context_id: request.context_id.0,
        opnum: request.opnum,
        order,
        fragment: 0,
        amid: None,
        stub,
    };
    Some(Sending {
        edits,
        ..Sending::new(Content::Request(call))
    })
}

fn stub(octets: &[u8], order: ByteOrder, keys: &KeySet) -> (Stub, Vec<Edit>) {
    let syntaxes = TransferSyntax::ALL.into_iter();
    let mut read = syntaxes.filter_map(|syntax| {
        let stub = RequestStub::decode(syntax, order, octets).ok()?;
        let honest = stub.trailing.is_empty() && stub.gap.iter().all(|octet| *octet == 0);
        honest.then_some((syntax, stub.request))
    });
    let Some((syntax, message)) = read.next() else {
        return (Stub::Octets(octets.to_vec()), Vec::new());
    };
    let opened = open_request(keys, message).ok();
    if let Some(opened) = opened.filter(|opened| opened.checks.all_hold()) {
        let stub = Stub::Marshalled(syntax, Message::Kms(opened.version));
        (stub, differences(&opened, keys))
    } else {
        let message = Message::Octets(message.to_vec());
        (Stub::Marshalled(syntax, message), Vec::new())
    }
}

/// What the request asks otherwise than one made anew.
fn differences(opened: &OpenedRequest, keys: &KeySet) -> Vec<Edit> {
    let around = Surroundings {
        keys,
        now: opened.body.client_time,
        mark: 0,
        groups: &[],
    };
    let mut usual = kmspec_wire::pdu::Encoded::default();
    let mut w = kmspec_wire::codec::Writer::new(&mut usual.bytes).with_spans(&mut usual.spans);
    around.body(opened.version).encode(&mut w);
    let asked = opened.body.to_bytes();
    let fields = usual.spans.iter();
    let fields =
        fields.filter(|span| !matches!(span.field, "cmid" | "client_time" | "workstation_name"));
    fields
        .filter_map(|span| {
            let (asked, usual) = (
                asked.get(span.range.clone())?,
                usual.bytes.get(span.range.clone())?,
            );
            (asked != usual).then(|| Edit::set(Layer::Body, span.field, asked))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates;

    /// What a session of one connection sends, end to end.
    fn octets(session: &Session, keys: &KeySet) -> Vec<u8> {
        let around = Surroundings::nowhere(keys);
        let sendings = session.sendings();
        sendings
            .flat_map(|s| (0..s.times.max(1)).map(|n| s.render_nth(&around, n)))
            .flatten()
            .collect()
    }

    #[test]
    fn what_a_session_sends_reads_as_a_session_that_sends_the_same() {
        let keys = KeySet::lab();
        for session in templates() {
            if session.steps.iter().any(|step| step.connection > 0) {
                continue;
            }
            let sent = octets(&session, &keys);
            let read = recorded(&sent, &keys);
            assert_eq!(octets(&read, &keys).len(), sent.len(), "{session}{read}");
        }
    }

    #[test]
    fn an_edited_request_reads_as_that_edit() {
        let keys = KeySet::lab();
        let text = "kmspec session 1\nconnect\nbind\n  offer 0 kms ndr32\nrequest v6 ndr32\n\
                    \x20 set body n_policy 05000000\n";
        let session = Session::parse(text).unwrap();
        assert_eq!(recorded(&octets(&session, &keys), &keys).to_string(), text);
    }
}
