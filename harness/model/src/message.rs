use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::envelope::{OpenedRequest, ResponseParts, Salts, open_request};
use kmspec_wire::kms::{HResult, ResponseBody};

use crate::host::Host;

/// Answers a KMS request: the sealed response behind what `out` holds, or why there is none.
pub(crate) fn answer(
    host: &mut Host,
    now: FileTime,
    request: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), HResult> {
    host.counters.requested();
    let result = read(host, request).and_then(|request| {
        host.counters.status(request.body.license_status);
        let time = host.clock.at(now);
        let count = host.policy.decide(&host.settings, time, &request.body)?;
        seal(host, &request, count, out);
        Ok(())
    });
    if result.is_err() {
        host.counters.refused();
    }
    result
}

/// Opens a request as a strict host does: version, size, MAC, padding and inner version must all be right.
fn read(host: &Host, message: &[u8]) -> Result<OpenedRequest, HResult> {
    let request = open_request(&host.keys, message).map_err(|_| HResult::INVALID_DATA)?;
    if !request.version.is_exact() || !request.checks.all_hold() {
        return Err(HResult::INVALID_DATA);
    }
    Ok(request)
}

fn seal(host: &mut Host, request: &OpenedRequest, count: u32, out: &mut Vec<u8>) {
    let [random, iv] = host.seed.blocks();
    let settings = &host.settings;
    let body = ResponseBody {
        activation_interval: settings.activation_interval.minutes(),
        renewal_interval: settings.renewal_interval.minutes(),
        ..ResponseBody::to_request(&request.body, settings.epid.wire(), count)
    };
    let salts = Salts { random, iv };
    ResponseParts::honest(request, body, settings.hardware_id, &salts).seal(&host.keys, out);
}
