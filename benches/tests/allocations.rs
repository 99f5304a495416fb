//! A turn allocates nothing once the host has seen its client, or the client has asked before: what is allocated per
//! request is what limits both under load, and what leaks.

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
