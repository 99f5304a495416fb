use std::sync::Arc;

use arbtest::arbtest;
use kmspec_model::{Connection, Host, Settings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use kmspec_wire::ndr::TransferSyntax;

use super::{Client, Job};
use crate::measure::ErrorClass;
use crate::mix::Mix;
use crate::prepare::Pool;

const NOW: FileTime = FileTime(FileTime::UNIX_EPOCH.0 + 1_800_000_000 * FileTime::SECOND);

/// A client and the reference host, with nothing between them.
struct Pair {
    client: Client,
    host: Host,
    connection: Connection,
}

impl Pair {
    fn new(keys: KeySet, syntax: TransferSyntax) -> Self {
        let mix = Mix {
            versions: "v4,v5,v6".parse().unwrap(),
            syntaxes: "ndr32,ndr64".parse().unwrap(),
            fragments: "64,5840".parse().unwrap(),
        };
        let keys = Arc::new(keys);
        let pool = Arc::new(Pool::new(&mix, 50, 1, &keys, NOW));
        let mut host = Host::new(Settings::default());
        host.set_clock(kmspec_model::Clock::Fixed(NOW));
        let connection = Connection::open(&mut host, NOW, 1688);
        Self {
            client: Client::new(pool, keys, syntax),
            host,
            connection,
        }
    }

    fn host(&mut self, octets: &[u8]) -> Vec<u8> {
        let mut answer = Vec::new();
        let next = self
            .connection
            .receive(&mut self.host, NOW, octets, &mut answer);
        assert_eq!(next.after, kmspec_model::After::Open);
        answer
    }

    fn bind(&mut self) -> Vec<u8> {
        let bind = self.client.bind().to_vec();
        self.host(&bind)
    }

    fn ask(&mut self, places: std::ops::Range<usize>) -> Vec<u8> {
        let mut out = Vec::new();
        for place in places {
            let job = Job {
                place,
                verify: true,
                due: 5,
            };
            self.client.ask(job, 7, &mut out);
        }
        self.host(&out)
    }

    /// What `octets` come to: how each request ended, and the connection.
    fn client(&mut self, octets: &[u8]) -> (Vec<Result<(), ErrorClass>>, Result<(), ErrorClass>) {
        let mut outcomes = Vec::new();
        let end = self.client.receive(octets, |sent, outcome| {
            assert_eq!((sent.due, sent.at), (5, 7));
            outcomes.push(outcome);
        });
        (outcomes, end)
    }
}

#[test]
fn the_reference_host_answers_every_kind_of_request() {
    for syntax in TransferSyntax::ALL {
        let mut pair = Pair::new(KeySet::lab(), syntax);
        let ack = pair.bind();
        assert_eq!(pair.client(&ack), (vec![], Ok(())));
        assert!(pair.client.is_bound());
        let answers = pair.ask(0..50);
        assert_eq!((pair.client.waiting(), pair.client.oldest()), (50, Some(7)));
        assert_eq!(pair.client(&answers), (vec![Ok(()); 50], Ok(())));
        assert_eq!(pair.client.waiting(), 0);
    }
}

#[test]
fn answers_may_come_in_any_pieces() {
    let mut pair = Pair::new(KeySet::lab(), TransferSyntax::Ndr64);
    let mut octets = pair.bind();
    octets.extend(pair.ask(0..5));
    let mut outcomes = Vec::new();
    for octet in octets.chunks(7) {
        let (some, end) = pair.client(octet);
        assert_eq!(end, Ok(()));
        outcomes.extend(some);
    }
    assert_eq!(outcomes, vec![Ok(()); 5]);
}

#[test]
fn errors_have_their_classes() {
    let bound = || {
        let mut pair = Pair::new(KeySet::lab(), TransferSyntax::Ndr32);
        let ack = pair.bind();
        pair.client(&ack).1.unwrap();
        pair
    };
    // A bit of the sealed answer.
    let mut pair = bound();
    let mut answer = pair.ask(0..1);
    answer[80] ^= 1;
    assert_eq!(pair.client(&answer).0, [Err(ErrorClass::Unverified)]);
    // The size in the stub.
    let mut pair = bound();
    let mut answer = pair.ask(0..1);
    answer[24] ^= 1;
    assert_eq!(pair.client(&answer).0, [Err(ErrorClass::Malformed)]);
    // A host that is not activated.
    let mut pair = bound();
    pair.host.set_activated(false);
    let answer = pair.ask(0..1);
    assert_eq!(pair.client(&answer).0, [Err(ErrorClass::Refused)]);
    // An answer to nothing.
    let mut pair = bound();
    let mut answer = pair.ask(0..1);
    answer[12] ^= 0x40;
    assert_eq!(pair.client(&answer), (vec![], Err(ErrorClass::Malformed)));
    // No PDU at all.
    let mut pair = bound();
    pair.ask(0..1);
    assert_eq!(pair.client(&[0; 16]).1, Err(ErrorClass::Malformed));
    // An answer before the bind was answered.
    let mut pair = Pair::new(KeySet::lab(), TransferSyntax::Ndr32);
    pair.bind();
    let answer = pair.ask(0..1);
    assert_eq!(pair.client(&answer).1, Err(ErrorClass::Bind));
}

#[test]
fn any_octets_are_survived() {
    arbtest(|u| {
        let mut pair = Pair::new(KeySet::lab(), TransferSyntax::Ndr32);
        let ack = pair.bind();
        pair.client(&ack).1.unwrap();
        let mut answer = pair.ask(0..2);
        let at = u.choose_index(answer.len())?;
        answer[at] = u.arbitrary()?;
        drop(pair.client(&answer));
        Ok(())
    });
}
