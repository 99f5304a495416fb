//! A turn allocates nothing once the host has seen its client: what is allocated per request is what limits a host under
//! load, and what leaks.

use allocation_counter::{AllocationInfo, measure};
use kmspec_benches::{ClientTurn, HostTurn};
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

/// A client asks once a connection, and what it keeps of an attempt is gone with it. It is not at zero, but must not
/// creep up.
#[test]
fn a_turn_of_a_client_allocates_a_known_number_of_times() {
    let mut turn = ClientTurn::new(Version::V6);
    turn.take();
    let info = measure(|| {
        turn.take();
    });
    assert!(info.count_total <= 40, "{info:?}");
}
