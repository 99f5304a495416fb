//! Faults of what the host decides.

use std::ops::RangeInclusive;

use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{HResult, LicenseStatus, RequestBody};

use crate::fault::{Fault, Faults};

/// The reason that is given for a refusal.
pub(crate) fn refusal(faults: Faults, refused: HResult) -> HResult {
    match refused {
        HResult::INVALID_TIMESTAMP if faults.has(Fault::SkewStatus) => HResult::INVALID_DATA,
        HResult::PRODUCT_NOT_COVERED if faults.has(Fault::ProductStatus) => HResult::INVALID_DATA,
        honest => honest,
    }
}

/// The N policies that are answered, and what others get.
pub(crate) fn n_policy(faults: Faults, largest: u32, asked: u32) -> (RangeInclusive<u32>, HResult) {
    if faults.has(Fault::NPolicySigned) && asked > u32::MAX / 2 {
        return (0..=u32::MAX, HResult::INVALID_DATA);
    }
    let least = u32::from(faults.has(Fault::NPolicyZeroRefused));
    let largest = if faults.has(Fault::NPolicy1000Refused) {
        largest.saturating_sub(1)
    } else {
        largest
    };
    let status = if faults.has(Fault::NPolicyStatus) {
        HResult::PRODUCT_NOT_COVERED
    } else {
        HResult::INVALID_DATA
    };
    (least..=largest, status)
}

/// How far this clock may be off.
pub(crate) fn skew(faults: Faults, allowed: u64, request: &RequestBody, now: FileTime) -> u64 {
    if faults.has(Fault::SkewUnchecked) {
        return u64::MAX;
    }
    if faults.has(Fault::SkewTooStrict) {
        return allowed / 2;
    }
    if faults.has(Fault::SkewTooLax) {
        return allowed.saturating_add(5 * FileTime::MINUTE);
    }
    if faults.has(Fault::SkewOneSided) && request.client_time < now {
        return u64::MAX;
    }
    allowed
}

/// Whether a request is one of those the host counts.
pub(crate) fn is_request(faults: Faults, opened: bool) -> bool {
    opened || !faults.has(Fault::TamperedNotCounted)
}

/// The list a request is counted in.
pub(crate) fn family(faults: Faults, request: &RequestBody) -> Guid {
    if faults.has(Fault::CountAcrossApplications) {
        return Guid::NIL;
    }
    if faults.has(Fault::CountPerEdition) {
        return request.activation_id;
    }
    request.application_id
}

/// The status a request is counted under.
pub(crate) fn counted_status(faults: Faults, honest: LicenseStatus) -> LicenseStatus {
    match honest {
        LicenseStatus::OOB_GRACE if faults.has(Fault::CountsWrongStatus) => {
            LicenseStatus::OOT_GRACE
        }
        honest => honest,
    }
}

/// Whether two CMIDs are those of one machine.
pub(crate) fn same_machine(faults: Faults, one: Guid, other: Guid) -> bool {
    let half = |cmid: Guid| cmid.as_u128() >> 64;
    one == other || faults.has(Fault::CmidHalfCompared) && half(one) == half(other)
}

/// Whether a machine is put on the list at all.
pub(crate) fn is_listed(faults: Faults, request: &RequestBody) -> bool {
    !(faults.has(Fault::LicensedNotCounted) && request.license_status == LicenseStatus::LICENSED)
}

/// What a client is known by.
pub(crate) fn client(faults: Faults, request: &RequestBody) -> Guid {
    if faults.has(Fault::CountsPerVersion) {
        return Guid::from_u128(request.cmid.as_u128() ^ u128::from(request.version.major));
    }
    if faults.has(Fault::CountsPerStatus) {
        return Guid::from_u128(request.cmid.as_u128() ^ u128::from(request.license_status.0));
    }
    if faults.has(Fault::PreviousCmidTaken) && request.previous_cmid != Guid::NIL {
        return request.previous_cmid;
    }
    request.cmid
}

/// How long a client is counted.
pub(crate) fn counted_for(faults: Faults, honest: u64) -> u64 {
    if faults.has(Fault::NeverExpires) {
        return u64::MAX;
    }
    if faults.has(Fault::ExpiresTooEarly) {
        return FileTime::DAY;
    }
    if faults.has(Fault::ExpiresTooLate) {
        honest.saturating_add(FileTime::DAY / 2)
    } else {
        honest
    }
}

/// The largest N policy remembered, when one more was seen.
pub(crate) fn largest_n(faults: Faults, before: u32, seen: u32) -> u32 {
    if faults.has(Fault::CapOfRequest) && before != 0 {
        return before;
    }
    before.max(seen)
}

/// Where counting stops.
pub(crate) fn cap(faults: Faults, honest: usize) -> usize {
    if faults.has(Fault::CountNotCapped) {
        return usize::MAX;
    }
    if faults.has(Fault::CapIsThreshold) {
        honest / 2
    } else {
        honest
    }
}

/// The count that is told.
pub(crate) fn count(
    faults: Faults,
    honest: usize,
    cap: usize,
    request: &RequestBody,
) -> Result<usize, HResult> {
    let told = match honest {
        honest if faults.has(Fault::CountStartsAtZero) => honest.saturating_sub(1),
        honest if faults.has(Fault::CountSkips) => honest.saturating_mul(2).min(cap),
        honest => honest,
    };
    let threshold = usize::try_from(request.n_policy).unwrap_or(usize::MAX);
    if faults.has(Fault::BelowThresholdRefused) && told < threshold {
        return Err(HResult::NOT_ENOUGH_COUNT);
    }
    Ok(told)
}
