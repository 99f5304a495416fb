//! What the envelopes are made of: octets that look random and are the same every time, a request, an ePID.

use kmspec_wire::crypto::{Block, sha256};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{LicenseStatus, RequestBody, Version, WorkstationName, ids};

/// Octets that follow from a label alone.
pub(super) fn octets(label: &str, len: usize) -> Vec<u8> {
    let blocks = (0_u64..).flat_map(|nth| {
        let mut seed = label.as_bytes().to_vec();
        seed.extend_from_slice(&nth.to_le_bytes());
        sha256(&seed)
    });
    blocks.take(len).collect()
}

/// One block that follows from a label.
pub(super) fn block(label: &str) -> Block {
    let mut block = Block::default();
    block.copy_from_slice(&octets(label, 16));
    block
}

/// A plain request of a Windows client.
pub(super) fn request(version: Version) -> RequestBody {
    RequestBody {
        version: version.protocol(),
        is_client_vm: 0,
        license_status: LicenseStatus::OOB_GRACE,
        binding_expiration: 43_200,
        application_id: ids::WINDOWS,
        activation_id: Guid::random(block("activation id")),
        counted_id: Guid::random(block("counted id")),
        cmid: Guid::random(block("client machine id")),
        n_policy: 25,
        client_time: FileTime(134_398_416_170_000_000),
        previous_cmid: Guid::NIL,
        workstation: name("client.lab.test"),
    }
}

/// A name as it travels, zero-filled.
pub(super) fn name(name: &str) -> WorkstationName {
    let mut units = [0; WorkstationName::UNITS];
    for (unit, value) in units.iter_mut().zip(name.encode_utf16()) {
        *unit = value;
    }
    WorkstationName::from_units(units)
}

/// UTF-16LE with a terminating zero.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().chain([0]);
    units.flat_map(u16::to_le_bytes).collect()
}

/// The ePID of a host of the lab.
pub(super) const EPID: &str = "99999-00206-000-000000-03-1033-17763.0000-0012026";
