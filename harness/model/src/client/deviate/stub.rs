//! Faults in how a client reads stubs and messages.

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::keys::Slot;
use kmspec_wire::kms::envelope::{OpenedResponse, Proof};
use kmspec_wire::kms::verify::{self, Violation};
use kmspec_wire::ndr::{ResponseStub, TransferSyntax};

use super::Deed;
use crate::client::fault::{Fault, Faults};

/// The stub of a response as it is read.
pub(in crate::client) fn stub(faults: Faults, syntax: TransferSyntax, stub: &mut Vec<u8>) -> Deed {
    let decodes = |stub: &[u8]| ResponseStub::decode(syntax, ByteOrder::Little, stub).is_ok();
    if faults.has(Fault::CountsUnchecked) {
        let at = match syntax {
            TransferSyntax::Ndr32 => 8,
            TransferSyntax::Ndr64 => 16,
        };
        let size = stub.first_chunk::<4>().copied();
        let place = stub.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<4>);
        if let Some((place, size)) = place.zip(size) {
            *place = size;
        }
    }
    if faults.has(Fault::ReturnValueAssumed) && !decodes(stub) {
        stub.extend([0; 4]);
        if !decodes(stub) {
            let len = stub.len().saturating_sub(4);
            stub.truncate(len);
        }
    }
    let Ok(read) = ResponseStub::decode(syntax, ByteOrder::Little, stub) else {
        return Deed::Read;
    };
    if faults.has(Fault::CrashOnSurplus) && !read.trailing.is_empty() {
        return Deed::Crash;
    }
    let odd = read.returned.is_some_and(|returned| {
        faults.has(Fault::ReferentOfWindowsAlone) && returned.referent != ResponseStub::REFERENT
            || faults.has(Fault::PaddingReadAsValue) && returned.padding.iter().any(|it| *it != 0)
    });
    if odd {
        return Deed::Refuse;
    }
    let data = read.returned.is_some() && read.trailing.is_empty();
    if faults.has(Fault::ReturnValueIgnored)
        && data
        && let Some(value) = stub.last_chunk_mut::<4>()
    {
        *value = [0; 4];
    }
    Deed::Read
}

/// Which broken rules of a response the client minds.
pub(in crate::client) fn violations(
    faults: Faults,
    opened: &OpenedResponse<'_>,
    mut found: Vec<Violation>,
) -> Vec<Violation> {
    let unchecked: &[(Fault, &[&str])] = &[
        (Fault::V4MacUnchecked, &[verify::V4_MAC]),
        (Fault::V5IvUnchecked, &[verify::V5_IV_ECHO]),
        (Fault::V5HashUnchecked, &[verify::V5_HASH]),
        (Fault::V6HashUnchecked, &[verify::V6_HASH]),
        (Fault::V6ProofUnchecked, &[verify::V6_IV_PROOF]),
        (Fault::HmacUnchecked, &[verify::V6_HMAC]),
        (Fault::CmidUnchecked, &[verify::ECHO_CMID]),
        (Fault::TimeUnchecked, &[verify::ECHO_TIME]),
        (
            Fault::VersionUnchecked,
            &[verify::ECHO_VERSION, verify::VERSION_AGREES],
        ),
    ];
    for (fault, rules) in unchecked {
        if faults.has(*fault) {
            found.retain(|violation| !rules.contains(&violation.rule));
        }
    }
    let neighbour = matches!(
        opened.proof,
        Proof::V6 {
            slot: Some(Slot::Before | Slot::After),
            ..
        }
    );
    if faults.has(Fault::OwnSlotAlone) && neighbour {
        found.push(Violation {
            rule: verify::V6_HMAC,
            field: "mac",
            at: 0,
            expected: "the slot of the client time".to_owned(),
            got: "a neighbouring one".to_owned(),
        });
    }
    found
}
