//! A turn allocates nothing once the host has seen its client, or the client has asked before: what is allocated per
//! request is what limits both under load, and what leaks. And reading a capture takes as much memory as its connections.

use allocation_counter::{AllocationInfo, measure};
use kmspec_benches::{ClientTurn, HostTurn, big_capture};
use kmspec_capture::tcp::Limits;
use kmspec_capture::view;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;

fn turns(version: Version, syntax: TransferSyntax) -> AllocationInfo {
    let mut turn = HostTurn::new(version, syntax);
    for _ in 0..8 {
        turn.take();
    }
    measure(|| {
        for _ in 0..64 {
            turn.take();
        }
    })
}

#[test]
fn a_host_in_steady_state_allocates_nothing() {
    for version in Version::ALL {
        for syntax in [TransferSyntax::Ndr32, TransferSyntax::Ndr64] {
            let info = turns(version, syntax);
            assert_eq!(info.count_total, 0, "{version} {syntax:?}: {info:?}");
        }
    }
}

#[test]
fn a_client_that_asks_again_allocates_nothing() {
    for version in Version::ALL {
        let mut turn = ClientTurn::new(version);
        turn.take();
        let info = measure(|| {
            for _ in 0..64 {
                turn.take();
            }
        });
        assert_eq!(info.count_total, 0, "{version}: {info:?}");
    }
}

/// Memory at its most, while a capture of so many octets is read. Its connections are soon more than are kept.
fn memory(octets: usize, keys: Option<&KeySet>) -> u64 {
    let file = big_capture(octets);
    let limits = Limits {
        connections: 64,
        ..Limits::default()
    };
    let info = measure(|| {
        view::decode("big.pcap", &file[..], limits, keys, |_| ());
    });
    info.bytes_max
}

#[test]
fn eight_times_the_capture_takes_no_more_memory() {
    let keys = KeySet::lab();
    for keys in [None, Some(&keys)] {
        let (short, long) = (memory(250_000, keys), memory(2_000_000, keys));
        assert!(long <= short + short / 50, "{short} and {long} octets");
    }
}
