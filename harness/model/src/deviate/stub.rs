//! Faults of stubs.

use kmspec_wire::codec::{ByteOrder, Writer};
use kmspec_wire::ndr::{RequestStub, ResponseStub, Returned, TransferSyntax};

use super::lost;
use crate::fault::{Fault, Faults};
use crate::host::Host;

/// Changes the stub before the honest host unmarshals it. `None` leaves it as it is.
pub(crate) fn unmarshal(
    host: &Host,
    syntax: TransferSyntax,
    order: ByteOrder,
    stub: &[u8],
) -> Option<(TransferSyntax, Vec<u8>)> {
    let faults = host.settings.faults;
    let wide = syntax == TransferSyntax::Ndr64;
    let honest = RequestStub::decode(syntax, order, stub);
    let without = |from: usize, to: usize| {
        let (head, tail) = (stub.get(..from)?, stub.get(to..)?);
        Some((syntax, [head, tail].concat()))
    };
    if faults.has(Fault::RequestReferentExpected) {
        return without(4, 8);
    }
    if faults.has(Fault::Ndr64RequestPacked) && wide {
        let (head, tail) = stub.split_at_checked(4)?;
        return Some((syntax, [head, &[0; 4], tail].concat()));
    }
    if faults.has(Fault::Ndr64PaddingRead)
        && honest.is_ok_and(|stub| stub.gap.iter().any(|octet| *octet != 0))
    {
        return Some((syntax, Vec::new()));
    }
    if honest.is_ok() {
        return None;
    }
    if faults.has(Fault::SizeSignIgnored) {
        let mut stub = stub.to_vec();
        *stub.get_mut(3)? &= 0x7f;
        return Some((syntax, stub));
    }
    if faults.has(Fault::Ndr64HighHalfIgnored) && wide {
        let (head, tail) = (stub.get(..12)?, stub.get(16..)?);
        return Some((syntax, [head, &[0; 4], tail].concat()));
    }
    if faults.has(Fault::SyntaxGuessed) {
        let other = if wide {
            TransferSyntax::Ndr32
        } else {
            TransferSyntax::Ndr64
        };
        return Some((other, stub.to_vec()));
    }
    let header = if wide { 16 } else { 8 };
    let body = stub.get(header..)?;
    if faults.has(Fault::ShortStubServed) {
        return Some((
            syntax,
            RequestStub::new(&lost::last_octet(&host.keys, body)?).to_bytes(syntax),
        ));
    }
    if faults.has(Fault::CountsNotCompared) {
        let len = if stub.get(header.checked_add(2)?) == Some(&4) {
            252
        } else {
            260
        };
        return Some((syntax, RequestStub::new(body.get(..len)?).to_bytes(syntax)));
    }
    None
}

/// Marshals the answer; `left_over` is what a careless host has in memory.
pub(crate) fn marshal<'a>(
    faults: Faults,
    syntax: TransferSyntax,
    left_over: &'a [u8],
    mut stub: ResponseStub<'a>,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let leaks = faults.has(Fault::PaddingLeaks);
    let gap = left_over
        .get(20..24)
        .filter(|_| leaks && syntax == TransferSyntax::Ndr64);
    stub.gap = gap.unwrap_or_default();
    let len = stub.response().map_or(0, <[u8]>::len);
    let padding = len.wrapping_neg() & 3;
    let leak = left_over
        .get(30..)
        .and_then(|octets| octets.get(..padding))
        .unwrap_or_default();
    stub.returned = stub.returned.map(|returned| Returned {
        referent: if faults.has(Fault::ReferentNull) {
            0
        } else {
            returned.referent
        },
        max_count: if faults.has(Fault::MaxCountWrong) {
            returned.max_count.saturating_sub(1)
        } else {
            returned.max_count
        },
        padding: if leaks { leak } else { returned.padding },
        ..returned
    });
    let failed = stub.returned.is_none();
    if faults.has(Fault::ResponseSizeWrong) && !failed {
        stub.response_size = stub.response_size.saturating_add(4);
    }
    if faults.has(Fault::ErrorWithSize) && failed {
        stub.response_size = 16;
    }
    if faults.has(Fault::ErrorReturnsZero) && failed {
        stub.return_value = 0;
    }
    if faults.has(Fault::OctetsBehindReturn) {
        stub.trailing = &[0; 8];
    }
    stub.encode(syntax, &mut Writer::new(out));
    cut(faults, syntax, failed, padding, out, start);
}

/// Takes octets out that an honest stub has.
fn cut(
    faults: Faults,
    syntax: TransferSyntax,
    failed: bool,
    padding: usize,
    out: &mut Vec<u8>,
    start: usize,
) {
    let end = out.len();
    let mut remove = |from: usize, len: usize| {
        let to = from.saturating_add(len);
        if to <= out.len() {
            drop(out.drain(from..to));
        }
    };
    if faults.has(Fault::ReturnValueMissing) {
        remove(end.saturating_sub(4), 4);
    }
    if faults.has(Fault::ReturnValueUnaligned) && !failed {
        remove(end.saturating_sub(4).saturating_sub(padding), padding);
    }
    if faults.has(Fault::ErrorCutShort) && failed {
        remove(end.saturating_sub(4), 4);
    }
    if syntax == TransferSyntax::Ndr64 {
        if faults.has(Fault::Ndr64ResponsePacked) {
            remove(start.saturating_add(4), 4);
        }
        if faults.has(Fault::Ndr64NarrowReferent) {
            remove(start.saturating_add(12), 4);
        }
    }
}
