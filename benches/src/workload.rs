//! Fixed workloads, whose instructions are counted: each is prepared once and then done so many times.

use kmspec_capture::tcp::Limits;
use kmspec_capture::view;
use kmspec_wire::codec::ByteOrder;
use kmspec_wire::fragment::{Assembler, Framer, Part};
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::{ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{Body, Pdu};

use crate::{ClientTurn, HostTurn, Operation, Sealing, big_capture, call, fragmented, pdus};

/// Something that can be done again and again. What it returns hangs on all of the work.
pub type Work = Box<dyn FnMut() -> usize>;

/// A workload's name and how it is prepared.
type Named = (&'static str, fn() -> Work);

/// All workloads, by name.
pub const WORKLOADS: &[Named] = &[
    ("host turn v4", || host_turn(Version::V4)),
    ("host turn v5", || host_turn(Version::V5)),
    ("host turn v6", || host_turn(Version::V6)),
    ("client turn v6", client_turn),
    ("open and seal v4", || {
        sealing(Version::V4, Operation::OpenAndSeal)
    }),
    ("open and seal v6", || {
        sealing(Version::V6, Operation::OpenAndSeal)
    }),
    ("open response v6", || {
        sealing(Version::V6, Operation::OpenResponse)
    }),
    ("key set", || Box::new(|| KeySet::lab().name().len())),
    ("decode a connection's pdus", decode_pdus),
    ("encode a connection's pdus", encode_pdus),
    ("reassemble fragments of 8 octets", reassemble),
    ("response stub ndr32", || stub(TransferSyntax::Ndr32)),
    ("response stub ndr64", || stub(TransferSyntax::Ndr64)),
    ("capture, structure only", || capture(None)),
    ("capture, opened and verified", || {
        capture(Some(KeySet::lab()))
    }),
];

/// Does a workload so many times; `None` if there is none of that name.
pub fn run(name: &str, times: usize) -> Option<usize> {
    let (_, prepare) = WORKLOADS.iter().find(|(known, _)| *known == name)?;
    let mut work = prepare();
    Some((0..times).fold(0, |sum: usize, _| sum.wrapping_add(work())))
}

fn host_turn(version: Version) -> Work {
    let mut turn = HostTurn::new(version, TransferSyntax::Ndr64);
    Box::new(move || turn.take().len())
}

fn client_turn() -> Work {
    let mut turn = ClientTurn::new(Version::V6);
    Box::new(move || {
        usize::from(matches!(
            turn.take(),
            kmspec_model::client::Reply::Answer(_)
        ))
    })
}

fn sealing(version: Version, operation: Operation) -> Work {
    let mut sealing = Sealing::new(version);
    Box::new(move || sealing.run(operation))
}

fn decode_pdus() -> Work {
    let recorded = pdus(Version::V6);
    Box::new(move || {
        recorded
            .iter()
            .filter(|pdu| Pdu::decode(pdu).is_ok())
            .count()
    })
}

fn encode_pdus() -> Work {
    let recorded = pdus(Version::V6);
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        for pdu in recorded.iter().filter_map(|pdu| Pdu::decode(pdu).ok()) {
            pdu.encode(&mut out);
        }
        out.len()
    })
}

fn reassemble() -> Work {
    let octets = fragmented(&call(Version::V6).request, 32);
    let (mut framer, mut assembler) = (Framer::new(), Assembler::default());
    Box::new(move || reassembled(&mut framer, &mut assembler, &octets))
}

/// Takes the fragments of one request from the stream of a connection: the size of its stub.
pub fn reassembled(framer: &mut Framer, assembler: &mut Assembler, octets: &[u8]) -> usize {
    framer.push(octets);
    let mut size = 0;
    while let Ok(Some(octets)) = framer.next_pdu() {
        let Ok(pdu) = Pdu::decode(octets) else {
            continue;
        };
        if let Body::Request(request) = &pdu.body
            && let Ok(Some(stub)) = assembler.push(Part::of_request(&pdu.header, request))
        {
            size = stub.len();
        }
    }
    size
}

fn stub(syntax: TransferSyntax) -> Work {
    let stub = ResponseStub::success(&call(Version::V6).response).to_bytes(syntax);
    Box::new(move || {
        let decoded = ResponseStub::decode(syntax, ByteOrder::Little, std::hint::black_box(&stub));
        decoded.map_or(0, |stub| stub.response().map_or(0, <[u8]>::len))
    })
}

fn capture(keys: Option<KeySet>) -> Work {
    let file = big_capture(200_000);
    Box::new(move || {
        let mut exchanges = 0;
        if let Some(keys) = &keys {
            view::decode("big.pcap", &file[..], Limits::default(), Some(keys), |_| {
                exchanges += 1;
            });
            exchanges
        } else {
            let outcome = kmspec_capture::read(&file[..], Limits::default(), &mut ());
            usize::try_from(outcome.summary.exchanges).unwrap_or(usize::MAX)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_does_something() {
        for (name, _) in WORKLOADS {
            assert!(run(name, 1) > Some(0), "{name}");
        }
        assert_eq!(run("nothing of that name", 1), None);
    }
}
