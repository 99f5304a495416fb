//! Which rules a message breaks: all of them, each by its name in kms-protocol. Nothing is allocated for a good message.

mod checks;
mod rules;

pub use checks::ResponseChecks;
pub use rules::*;

use std::fmt;

use super::envelope::{OpenedRequest, OpenedResponse, PLAINTEXT_OFFSET, Proof};
use super::{Epid, LicenseStatus, ResponseBody, Version};
use crate::crypto::{sha256, xor};

/// Lawful intervals in minutes. Source: kms-protocol 3, `message.intervals-range`.
pub const INTERVALS: std::ops::RangeInclusive<u32> = 15..=43_200;

/// A rule that a message breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule's name, one of [`RULES`].
    pub rule: &'static str,
    /// The field at fault.
    pub field: &'static str,
    /// Where it stands in the message, in bytes; inside the encrypted part, where its plaintext stands.
    pub at: usize,
    /// What the rule asks.
    pub expected: String,
    /// What was found.
    pub got: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            field,
            at,
            expected,
            got,
        } = self;
        write!(
            f,
            "{rule}: {field} at byte 0x{at:04x}: expected {expected}, got {got}"
        )
    }
}

/// Collects violations, with offsets from the start of a body.
struct Report {
    base: usize,
    found: Vec<Violation>,
}

impl Report {
    const fn from(base: usize) -> Self {
        Self {
            base,
            found: Vec::new(),
        }
    }

    fn rule(
        &mut self,
        holds: bool,
        rule: &'static str,
        (field, at): (&'static str, usize),
        texts: impl FnOnce() -> (String, String),
    ) {
        if !holds {
            let (expected, got) = texts();
            self.found.push(Violation {
                rule,
                field,
                at: self.base.saturating_add(at),
                expected,
                got,
            });
        }
    }

    fn outer(
        &mut self,
        holds: bool,
        rule: &'static str,
        place: (&'static str, usize),
        texts: impl FnOnce() -> (String, String),
    ) {
        let base = std::mem::take(&mut self.base);
        self.rule(holds, rule, place, texts);
        self.base = base;
    }
}

/// Every rule the request breaks.
pub fn request(request: &OpenedRequest) -> Vec<Violation> {
    let OpenedRequest { body, version, .. } = request;
    let mut report = Report::from(match request.layout {
        Version::V4 => 0,
        Version::V5 | Version::V6 => PLAINTEXT_OFFSET,
    });
    report.rule(
        body.version == *version,
        VERSION_AGREES,
        ("version", 0),
        || (version.to_string(), body.version.to_string()),
    );
    report.rule(
        body.is_client_vm <= 1,
        VM_FLAG_RANGE,
        ("is_client_vm", 4),
        || ("0 or 1".to_owned(), body.is_client_vm.to_string()),
    );
    report.rule(
        body.license_status <= LicenseStatus::EXTENDED_GRACE,
        LICENSE_STATUS_RANGE,
        ("license_status", 8),
        || ("0 to 6".to_owned(), body.license_status.0.to_string()),
    );
    report.rule(body.cmid.is_random(), CMID_V4, ("cmid", 64), || {
        ("a random GUID".to_owned(), body.cmid.to_string())
    });
    let name = &body.workstation;
    report.rule(
        name.is_zero_filled(),
        WORKSTATION_TERMINATED,
        ("workstation_name", 108),
        || {
            let got = if name.is_terminated() {
                "bytes behind the terminator"
            } else {
                "no terminator"
            };
            ("a terminator, then zeros".to_owned(), got.to_owned())
        },
    );
    if let Some(mac) = request.mac {
        report.rule(mac.holds(), V4_MAC, ("mac", 236), || {
            (hex(&mac.expected), hex(&mac.got))
        });
    }
    if let Some(padding) = request.padding {
        report.rule(padding == [4; 4], PADDING, ("padding", 236), || {
            (hex(&[4; 4]), hex(&padding))
        });
    }
    report.found
}

/// Every rule the response to this request breaks.
pub fn response(request: &OpenedRequest, response: &OpenedResponse<'_>) -> Vec<Violation> {
    let mut report = Report::from(response.body_offset());
    message(&mut report, request, response);
    proof(&mut report, request, response);
    let end = response
        .body
        .size()
        .saturating_add(proof_size(&response.proof));
    report.rule(response.size_holds, SIZE, ("message", end), || {
        let got = format!("{} bytes behind the last field", response.rest.len());
        ("nothing but padding".to_owned(), got)
    });
    report.rule(
        response.padding_holds != Some(false),
        PADDING,
        ("padding", end),
        || ("PKCS#7".to_owned(), hex(response.rest)),
    );
    report.found
}

fn message(report: &mut Report, request: &OpenedRequest, response: &OpenedResponse<'_>) {
    let (asked, body) = (&request.body, &response.body);
    let behind_pid = |offset: usize| offset.saturating_add(body.epid.len());
    report.rule(
        body.version == response.version,
        VERSION_AGREES,
        ("version", 0),
        || (response.version.to_string(), body.version.to_string()),
    );
    report.outer(
        response.version == request.version,
        ECHO_VERSION,
        ("version", 0),
        || (request.version.to_string(), response.version.to_string()),
    );
    if response.layout != Version::V4 {
        report.rule(
            body.version == asked.version,
            ECHO_VERSION,
            ("version", 0),
            || (asked.version.to_string(), body.version.to_string()),
        );
    }
    pid(report, body);
    report.rule(
        body.cmid == asked.cmid,
        ECHO_CMID,
        ("cmid", behind_pid(8)),
        || (asked.cmid.to_string(), body.cmid.to_string()),
    );
    report.rule(
        body.client_time == asked.client_time,
        ECHO_TIME,
        ("client_time", behind_pid(24)),
        || (asked.client_time.to_string(), body.client_time.to_string()),
    );
    for (minutes, field, at) in [
        (body.activation_interval, "activation_interval", 36),
        (body.renewal_interval, "renewal_interval", 40),
    ] {
        report.rule(
            INTERVALS.contains(&minutes),
            INTERVALS_RANGE,
            (field, behind_pid(at)),
            || {
                let range = format!("{} to {} minutes", INTERVALS.start(), INTERVALS.end());
                (range, minutes.to_string())
            },
        );
    }
}

/// The extended PID; its grammar is judged only where there is a text.
fn pid(report: &mut Report, body: &ResponseBody<'_>) {
    let size_holds = pid_size_holds(body);
    report.rule(size_holds, PID_SIZE, ("pid_size", 4), || {
        ("even, 4 to 128".to_owned(), body.pid_size.to_string())
    });
    let terminated = pid_terminated(body);
    report.rule(terminated, PID_TERMINATED, ("epid", 8), || {
        let expected = "one zero unit, the last";
        (expected.to_owned(), hex(body.epid))
    });
    if size_holds && terminated {
        let parsed = Epid::from_wire(body.epid);
        report.rule(parsed.is_ok(), PID_GRAMMAR, ("epid", 8), || {
            let got = parsed.err().map(|error| error.to_string());
            ("an extended PID".to_owned(), got.unwrap_or_default())
        });
    }
}

fn pid_size_holds(body: &ResponseBody<'_>) -> bool {
    let range = ResponseBody::MIN_PID_SIZE..=ResponseBody::MAX_PID_SIZE;
    body.pid_size.is_multiple_of(2) && range.contains(&body.pid_size)
}

fn pid_terminated(body: &ResponseBody<'_>) -> bool {
    let (units, odd) = body.epid.as_chunks::<2>();
    let first_zero = units.iter().position(|unit| *unit == [0, 0]);
    odd.is_empty() && first_zero.and_then(|at| at.checked_add(1)) == Some(units.len())
}

const fn proof_size(proof: &Proof) -> usize {
    match proof {
        Proof::V4 { .. } => 16,
        Proof::V5 { .. } => 48,
        Proof::V6 { .. } => 88,
    }
}

fn proof(report: &mut Report, request: &OpenedRequest, response: &OpenedResponse<'_>) {
    let at = |offset: usize| response.body.size().saturating_add(offset);
    let d = request.decrypted_iv;
    match response.proof {
        Proof::V4 { mac } => report.rule(mac.holds(), V4_MAC, ("mac", at(0)), || {
            (hex(&mac.expected), hex(&mac.got))
        }),
        Proof::V5 { x, hash } => {
            report.outer(response.iv == request.iv, V5_IV_ECHO, ("iv", 4), || {
                (hex(&request.iv), hex(&response.iv))
            });
            let expected = sha256(&xor(x, d));
            report.rule(expected == hash, V5_HASH, ("hash", at(16)), || {
                (hex(&expected), hex(&hash))
            });
        }
        Proof::V6 {
            x,
            hash,
            iv_proof,
            mac,
            slot,
            hardware_id: _,
        } => {
            report.outer(response.iv != request.iv, V6_IV_FRESH, ("iv", 4), || {
                let got = "the IV of the request";
                ("a fresh IV".to_owned(), got.to_owned())
            });
            let expected = sha256(&xor(x, d));
            report.rule(expected == hash, V6_HASH, ("hash", at(16)), || {
                (hex(&expected), hex(&hash))
            });
            report.rule(iv_proof == d, V6_IV_PROOF, ("iv_proof", at(56)), || {
                (hex(&d), hex(&iv_proof))
            });
            report.rule(slot.is_some(), V6_HMAC, ("mac", at(72)), || {
                (hex(&mac.expected), hex(&mac.got))
            });
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
