//! Faults in what a client says of itself, and makes of an answer.

use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{Epid, HResult, LicenseStatus, RequestBody, ResponseBody, WorkstationName};

use crate::client::attempt::Answer;
use crate::client::fault::{Fault, Faults};
use crate::client::licence::{Basis, Licence};

/// What is asked, as it is asked.
pub(in crate::client) fn body(
    faults: Faults,
    licence: &Licence,
    now: FileTime,
    mut body: RequestBody,
) -> RequestBody {
    if faults.has(Fault::GraceAlwaysThirty) {
        let standing = long_grace(licence).standing(now);
        body.license_status = standing.status;
        body.binding_expiration = standing.minutes_left(now);
    }
    if faults.has(Fault::WorkstationUnterminated) {
        body.workstation = WorkstationName::from_units([0x4b; WorkstationName::UNITS]);
    }
    if faults.has(Fault::LicenseStatusUnknown) {
        body.license_status = LicenseStatus(7);
    }
    if faults.has(Fault::VmFlagTwo) {
        body.is_client_vm = 2;
    }
    if faults.has(Fault::CmidZero) {
        body.cmid = Guid::NIL;
    }
    if faults.has(Fault::NPolicyHuge) {
        body.n_policy = 1001;
    }
    match licence.basis {
        Basis::Grace { .. } if faults.has(Fault::GraceForEver) => {
            body.license_status = LicenseStatus::OOB_GRACE;
        }
        Basis::Activated { .. } if faults.has(Fault::LicensedForEver) => {
            body.license_status = LicenseStatus::LICENSED;
        }
        _ => {}
    }
    body
}

/// The licence with the grace of most editions.
pub(in crate::client) const fn long_grace(licence: &Licence) -> Licence {
    Licence {
        grace_days: 30,
        ..*licence
    }
}

/// The machines that are wanted, by those that the product needs.
pub(in crate::client) fn needed(faults: Faults, needed: u32) -> u32 {
    if faults.has(Fault::ThresholdIgnored) {
        0
    } else if faults.has(Fault::ThresholdExceeded) {
        needed.saturating_add(1)
    } else {
        needed
    }
}

/// What is read out of a good answer.
pub(in crate::client) fn answer(
    faults: Faults,
    needed: u32,
    known: &Licence,
    mut answer: Answer,
) -> Answer {
    if faults.has(Fault::ActivationIntervalIgnored) {
        answer.activation_interval = ResponseBody::ACTIVATION_INTERVAL;
    }
    if faults.has(Fault::RetriesTooFast) {
        answer.activation_interval /= 4;
    }
    if faults.has(Fault::RenewalIntervalIgnored) {
        answer.renewal_interval = ResponseBody::RENEWAL_INTERVAL;
    }
    if faults.has(Fault::IntervalsOfSuccessAlone) && answer.count < needed {
        answer.activation_interval = known.activation_interval;
        answer.renewal_interval = known.renewal_interval;
    }
    answer
}

/// The licence after an activation, by what it was before.
pub(in crate::client) fn concluded(
    faults: Faults,
    unverified: bool,
    before: &Licence,
    now: &mut Licence,
) {
    if let (true, Basis::Activated { .. }, Basis::Activated { .. }) = (
        faults.has(Fault::ActivationNotRenewed),
        before.basis,
        now.basis,
    ) {
        now.basis = before.basis;
    }
    if faults.has(Fault::UnverifiedChangesState) && unverified {
        now.basis = Basis::Unlicensed;
    }
}

/// The code of a refusal as it is reported.
pub(in crate::client) fn refused(faults: Faults, code: HResult) -> HResult {
    if faults.has(Fault::RefusalCodeLost) {
        HResult(0x8000_4005)
    } else {
        code
    }
}

/// The answer that a client makes up where it has none.
pub(in crate::client) fn made_up() -> Option<Answer> {
    let epid = "99999-00206-000-000000-03-1033-17763.0000-0012026";
    Some(Answer {
        count: u32::MAX,
        activation_interval: ResponseBody::ACTIVATION_INTERVAL,
        renewal_interval: ResponseBody::RENEWAL_INTERVAL,
        epid: epid.parse::<Epid>().ok()?,
        hardware_id: None,
    })
}
