//! Faults of what a client sends.

use kmspec_wire::btfn::Features;
use kmspec_wire::crypto::Block;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::RequestBody;
use kmspec_wire::kms::envelope::{Mac, Padding, RequestParts};
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{BindBuilder, Body, ContextId, Drep, PfcFlags};

use crate::client::attempt::calls;
use crate::client::fault::{Fault, Faults};

/// The bind as it is sent.
pub(in crate::client) fn bind(faults: Faults, mut bind: BindBuilder) -> BindBuilder {
    if faults.has(Fault::BindFlags) {
        bind.header.pfc_flags = PfcFlags::WHOLE | PfcFlags::MAYBE;
    }
    if faults.has(Fault::BindMinorVersion) {
        bind.header.rpc_vers_minor = 2;
    }
    if faults.has(Fault::BindBigEndian) {
        bind.header.drep = Drep([0x11, 0, 0, 0]);
    }
    if faults.has(Fault::BindSizesSmall) {
        bind = bind.fragments(1024, 1024);
    }
    if faults.has(Fault::GroupMadeUp) {
        bind = bind.group(0x4242);
    }
    for context in &mut bind.contexts {
        if faults.has(Fault::ContextIdsRepeated) {
            context.id = ContextId(0);
        }
        if faults.has(Fault::InterfaceVersion) {
            context.abstract_syntax.major = 2;
        }
        for syntax in &mut context.transfer_syntaxes {
            if faults.has(Fault::FeatureBitsUnknown) && Features::asked_by(*syntax).is_some() {
                *syntax = Features(0x07).syntax();
            }
        }
    }
    bind
}

/// The message as it is sent, if it is another than the honest one.
pub(in crate::client) fn message(
    faults: Faults,
    keys: &KeySet,
    body: &RequestBody,
    iv: Block,
    message: &mut Vec<u8>,
) {
    let mut parts = RequestParts::honest(*body, iv);
    if faults.has(Fault::V4MacWrong) {
        parts.mac = Mac::Xored([0x55; 16]);
    }
    if faults.has(Fault::PaddingZeros) {
        parts.padding = Padding::Given(&[0; 4]);
    }
    if faults.has(Fault::InnerVersionWrong) {
        let mut inner = *body;
        inner.version.minor = 1;
        parts.body = kmspec_wire::kms::envelope::Content::Fields(inner);
    }
    message.clear();
    parts.seal(keys, message);
    if faults.has(Fault::MessageTooLong) {
        message.extend([0; 4]);
    }
}

/// The stub of the call as it is sent.
fn stub(faults: Faults, syntax: TransferSyntax, message: &[u8]) -> Vec<u8> {
    let mut stub = RequestStub::new(message);
    if faults.has(Fault::Ndr32CountWrong) && syntax == TransferSyntax::Ndr32 {
        stub.max_count = stub.max_count.saturating_add(1);
    }
    if faults.has(Fault::Ndr64PaddingLeftOver) {
        stub.gap = &[0xcc; 4];
    }
    let encoding = if faults.has(Fault::Ndr64CountShort) {
        TransferSyntax::Ndr32
    } else {
        syntax
    };
    let mut octets = stub.to_bytes(encoding);
    if faults.has(Fault::RequestTooLong) {
        octets.extend([0; 2500]);
    }
    octets
}

/// The call as it is sent, on that context and in fragments of that size.
pub(in crate::client) fn call(
    faults: Faults,
    syntax: TransferSyntax,
    message: &[u8],
    (context, most): (u16, u16),
    out: &mut Vec<u8>,
) {
    let most = if faults.has(Fault::RequestTooLong) {
        u16::MAX
    } else {
        most
    };
    let stub = stub(faults, syntax, message);
    for mut call in calls(&stub, most, context) {
        let flags = &mut call.header.pfc_flags;
        let whole = flags.has(PfcFlags::WHOLE);
        if faults.has(Fault::RequestFlags) {
            *flags = *flags | PfcFlags::PENDING_CANCEL;
        }
        if faults.has(Fault::FragmentsAllLast) {
            *flags = *flags | PfcFlags::WHOLE;
        }
        if let Body::Request(request) = &mut call.body {
            if faults.has(Fault::OpnumOne) {
                request.opnum = 1;
            }
            if faults.has(Fault::RequestHintWrong) && whole {
                request.alloc_hint = request.alloc_hint.saturating_add(8);
            }
        }
        let mut encoded = call.encoded();
        if faults.has(Fault::AuthLengthInRequest) {
            encoded.overwrite("auth_length", &[0xff, 0xff]);
        }
        out.extend_from_slice(encoded.as_ref());
        if faults.has(Fault::RequestTwice) {
            out.extend_from_slice(encoded.as_ref());
        }
    }
    if faults.has(Fault::OctetBehindRequest) {
        out.push(0);
    }
}
