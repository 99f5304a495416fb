//! Requests made before a run, so that a run has nothing to encrypt.

use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::fragments;
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{OpenedRequest, seal_request};
use kmspec_wire::kms::{LicenseStatus, RequestBody, Version, WorkstationName, ids};
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{
    BindBuilder, Body, CallId, ContextId, Header, Pdu, PduType, Request, SyntaxId,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::mix::Mix;

/// The requests of all clients.
#[derive(Debug)]
pub(crate) struct Pool {
    /// One list for each transfer syntax: a connection can send those of its own only.
    lists: [Vec<Prepared>; 2],
    /// The bind for each transfer syntax, in the order of the lists.
    binds: [Vec<u8>; 2],
}

/// A request whose call id is still to be filled in.
#[derive(Debug)]
pub(crate) struct Prepared {
    octets: Vec<u8>,
    /// Where the PDUs begin.
    starts: Vec<usize>,
    /// What verifying the answer needs.
    pub(crate) opened: OpenedRequest,
}

/// Where the call id stands in a PDU. Source: C706 12.6.1.
const CALL_ID: usize = 12;

impl Pool {
    /// A request for each client in each transfer syntax of the mix.
    pub(crate) fn new(mix: &Mix, clients: usize, seed: u64, keys: &KeySet, now: FileTime) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed ^ SALT);
        let mut lists = [Vec::new(), Vec::new()];
        for syntax in mix.syntaxes.kinds() {
            let list = &mut lists[place(syntax)];
            list.reserve_exact(clients);
            for number in 0..clients {
                let version = mix.versions.at(random.random()).unwrap_or(Version::V6);
                let fragment = mix.fragments.at(random.random()).unwrap_or(u16::MAX);
                let body = body(version, number, random.random(), now);
                list.push(Prepared::new(
                    &body,
                    random.random(),
                    syntax,
                    fragment,
                    keys,
                ));
            }
        }
        let binds = TransferSyntax::ALL.map(|syntax| {
            let bind = BindBuilder::new().offering(0, SyntaxId::KMS, &[syntax.id()]);
            bind.encoded().bytes
        });
        Self { lists, binds }
    }

    /// The bind that offers this transfer syntax.
    pub(crate) fn bind(&self, syntax: TransferSyntax) -> &[u8] {
        &self.binds[place(syntax)]
    }

    /// The request in this place of a syntax' list, which is taken round and round.
    pub(crate) fn get(&self, syntax: TransferSyntax, place_in_list: usize) -> Option<&Prepared> {
        let list = &self.lists[place(syntax)];
        list.get(place_in_list.checked_rem(list.len())?)
    }
}

/// Keeps these random numbers apart from those of the arrivals.
const SALT: u64 = 0x6b6d_7370_6563_706c;

const fn place(syntax: TransferSyntax) -> usize {
    match syntax {
        TransferSyntax::Ndr32 => 0,
        TransferSyntax::Ndr64 => 1,
    }
}

/// What a Windows client in its grace period asks. Source: observed, captures/01-vlmcs-vlmcsd-v4-one-connection.pcap.
pub(crate) fn body(
    version: Version,
    number: usize,
    random: [u8; 16],
    now: FileTime,
) -> RequestBody {
    RequestBody {
        version: version.protocol(),
        is_client_vm: 0,
        license_status: LicenseStatus::OOB_GRACE,
        binding_expiration: 43_200,
        application_id: ids::WINDOWS,
        activation_id: Guid::from_u128(0x7311_1121_5638_40f6_bc11_f1d7_b0d6_4300),
        counted_id: Guid::from_u128(0x58e2_134f_8e11_4d17_9cb2_9106_9c15_1148),
        cmid: Guid::random(random),
        n_policy: 25,
        client_time: now,
        previous_cmid: Guid::NIL,
        workstation: WorkstationName::new(&format!("load-{number}")).unwrap_or_default(),
    }
}

impl Prepared {
    fn new(
        body: &RequestBody,
        iv: [u8; 16],
        syntax: TransferSyntax,
        fragment: u16,
        keys: &KeySet,
    ) -> Self {
        let mut message = Vec::new();
        let opened = seal_request(keys, body, iv, &mut message);
        let stub = RequestStub::new(&message).to_bytes(syntax);
        let (mut octets, mut starts) = (Vec::new(), Vec::new());
        for part in fragments(&stub, fragment.into(), Request::OVERHEAD) {
            starts.push(octets.len());
            let header = Header::new(PduType::REQUEST, CallId(0)).with_flags(part.flags);
            let request = Request {
                alloc_hint: u32::try_from(part.left).unwrap_or(u32::MAX),
                context_id: ContextId(0),
                opnum: 0,
                object: None,
                stub: part.stub,
            };
            let pdu = Pdu {
                header,
                body: Body::Request(request),
                auth: None,
            };
            pdu.encode(&mut octets);
        }
        octets.shrink_to_fit();
        Self {
            octets,
            starts,
            opened,
        }
    }

    /// Appends the request under this call id.
    pub(crate) fn write(&self, call_id: u32, out: &mut Vec<u8>) {
        let base = out.len();
        out.extend_from_slice(&self.octets);
        for start in &self.starts {
            let at = base + start + CALL_ID;
            if let Some(place) = out.get_mut(at..at + 4) {
                place.copy_from_slice(&call_id.to_le_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use kmspec_wire::codec::ByteOrder;
    use kmspec_wire::fragment::{Assembler, Framer, Part};
    use kmspec_wire::kms::envelope::open_request;

    use super::*;

    /// The KMS message of a written request, its fragments put together, and how many there were.
    fn message(octets: &[u8], syntax: TransferSyntax, call_id: u32) -> (Vec<u8>, usize) {
        let (mut framer, mut assembler, mut count) = (Framer::new(), Assembler::default(), 0);
        framer.push(octets);
        while let Some(pdu) = framer.next_pdu().unwrap() {
            let pdu = Pdu::decode(pdu).unwrap();
            count += 1;
            assert_eq!(pdu.header.call_id, CallId(call_id));
            let Body::Request(request) = pdu.body else {
                panic!("{pdu:?}");
            };
            if let Some(stub) = assembler
                .push(Part::of_request(&pdu.header, &request))
                .unwrap()
            {
                let stub = RequestStub::decode(syntax, ByteOrder::Little, stub).unwrap();
                return (stub.request.to_vec(), count);
            }
        }
        panic!("a fragment is missing");
    }

    #[test]
    fn requests_are_good_distinct_and_of_every_kind_in_the_mix() {
        let mix = Mix {
            versions: "v4,v5,v6".parse().unwrap(),
            syntaxes: "ndr32,ndr64".parse().unwrap(),
            fragments: "64,5840".parse().unwrap(),
        };
        let keys = KeySet::lab();
        let now = FileTime::UNIX_EPOCH;
        let pool = Pool::new(&mix, 300, 1, &keys, now);
        let (mut cmids, mut kinds) = (HashSet::new(), HashSet::new());
        for syntax in TransferSyntax::ALL {
            for number in 0..300 {
                let prepared = pool.get(syntax, number).unwrap();
                let mut octets = vec![0xff; 3];
                prepared.write(77, &mut octets);
                let (message, fragments) = message(&octets[3..], syntax, 77);
                let opened = open_request(&keys, &message).unwrap();
                assert!(opened.checks.all_hold());
                assert_eq!(opened, prepared.opened);
                cmids.insert(opened.body.cmid);
                kinds.insert((syntax, opened.layout, fragments > 1));
            }
        }
        assert_eq!((cmids.len(), kinds.len()), (600, 12));
        // Round and round.
        let first = pool.get(TransferSyntax::Ndr32, 0).unwrap();
        let again = pool.get(TransferSyntax::Ndr32, 300).unwrap();
        assert_eq!(first.opened, again.opened);
    }

    #[test]
    fn the_same_seed_makes_the_same_requests() {
        let (mix, keys) = (Mix::default(), KeySet::lab());
        let octets = |seed| {
            let pool = Pool::new(&mix, 3, seed, &keys, FileTime::UNIX_EPOCH);
            let mut out = Vec::new();
            pool.get(TransferSyntax::Ndr32, 2)
                .unwrap()
                .write(1, &mut out);
            out
        };
        assert_eq!(octets(1), octets(1));
        assert_ne!(octets(1), octets(2));
    }
}
