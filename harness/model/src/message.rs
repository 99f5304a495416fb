use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::envelope::{OpenedRequest, ResponseParts, Salts, open_request};
use kmspec_wire::kms::{HResult, ResponseBody};

use crate::deviate;
use crate::fault::Fault;
use crate::host::Host;

/// Answers a KMS request: the sealed response behind what `out` holds, or why there is none.
pub(crate) fn answer(
    host: &mut Host,
    now: FileTime,
    request: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), HResult> {
    let time = host.clock.at(now);
    let opened = read(host, request);
    let counted = deviate::policy::is_request(host.settings.faults, opened.is_ok());
    if counted {
        host.counters.requested();
    }
    let mut result = opened.and_then(|request| {
        let status =
            deviate::policy::counted_status(host.settings.faults, request.body.license_status);
        host.counters.status(status);
        let count = host.policy.decide(&host.settings, time, &request.body)?;
        seal(host, time, &request, count, out);
        Ok(())
    });
    if !host.settings.faults.is_empty() {
        result = result.map_err(|refused| deviate::message_refusal(host, request, refused));
        deviate::remember(host, request, opened.ok().as_ref(), out);
    }
    if result.is_err() && counted {
        host.counters.refused();
    }
    result
}

/// Opens a request as a strict host does: version, size, MAC, padding and inner version must all be right.
fn read(host: &Host, message: &[u8]) -> Result<OpenedRequest, HResult> {
    match open_request(&host.keys, message) {
        Ok(request) if request.version.is_exact() && request.checks.all_hold() => {
            if host.settings.faults.has(Fault::VirtualMachineRefused)
                && request.body.is_client_vm != 0
            {
                return Err(HResult::INVALID_DATA);
            }
            Ok(request)
        }
        _ => deviate::repair_message(host, message).ok_or(HResult::INVALID_DATA),
    }
}

fn seal(host: &mut Host, time: FileTime, request: &OpenedRequest, count: u32, out: &mut Vec<u8>) {
    let [random, iv] = host.seed.blocks();
    let salts = Salts { random, iv };
    let settings = &host.settings;
    let epid = deviate::epid(
        settings.faults,
        request.layout,
        host.memory.counter,
        settings.epid.wire(),
    );
    let mut body = ResponseBody {
        activation_interval: settings.activation_interval.minutes(),
        renewal_interval: settings.renewal_interval.minutes(),
        ..ResponseBody::to_request(&request.body, &epid, count)
    };
    let mut padding = Vec::new();
    let honest = |body, random, iv| {
        ResponseParts::honest(request, body, settings.hardware_id, &Salts { random, iv })
    };
    deviate::response_parts(host, time, request, &salts, &mut body, &mut padding, honest)
        .seal(&host.keys, out);
}
