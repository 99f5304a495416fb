//! Faults of what an administrator tells a host and is shown.

use kmspec_slmgr::report::{Expiry, Service};
use kmspec_slmgr::{Command, CommandError, DEFAULT_PORT, INTERVALS};
use kmspec_wire::kms::Epid;

use crate::admin::Configuration;
use crate::fault::{Fault, Faults};

/// What a restart makes effective of what was configured.
pub(crate) fn effective(
    faults: Faults,
    before: &Configuration,
    honest: Configuration,
) -> Configuration {
    let mut effective = honest;
    if faults.has(Fault::PortIgnored) {
        effective.port = before.port;
    }
    if faults.has(Fault::PublishingKept) {
        effective.publishing = true;
    }
    if faults.has(Fault::PriorityIgnored) {
        effective.normal_priority = before.normal_priority;
    }
    if faults.has(Fault::SaiIgnored) {
        effective.activation_interval = before.activation_interval;
    }
    if faults.has(Fault::SriIgnored) {
        effective.renewal_interval = before.renewal_interval;
    }
    effective
}

/// What a command line means to this host.
pub(crate) fn command(
    faults: Faults,
    honest: Result<Command, CommandError>,
    words: &[impl AsRef<str>],
) -> Result<Command, CommandError> {
    match honest {
        Err(CommandError::Interval { verb, got }) if faults.has(Fault::IntervalRangeUnchecked) => {
            let Ok(minutes) = got.parse::<u32>() else {
                return Command::parse(words);
            };
            let nearest = minutes.clamp(*INTERVALS.start(), *INTERVALS.end());
            Ok(match verb {
                "-sai" => Command::ActivationInterval(nearest),
                _ => Command::RenewalInterval(nearest),
            })
        }
        honest => honest,
    }
}

/// Time left, as it is shown.
pub(crate) fn expiry(faults: Faults, honest: Expiry) -> Expiry {
    if faults.has(Fault::DliDaysRoundedUp) {
        let days = honest.days.saturating_add(1);
        return Expiry { days, ..honest };
    }
    honest
}

/// What is shown of the service.
pub(crate) fn service(faults: Faults, honest: Service) -> Service {
    let mut shown = honest;
    if faults.has(Fault::DliCountWrong) {
        shown.count = shown.count.saturating_add(1);
    }
    if faults.has(Fault::DliPortFixed) {
        shown.port = DEFAULT_PORT;
    }
    shown
}

/// The extended PID that is shown.
pub(crate) fn shown_pid(faults: Faults, honest: Epid) -> Epid {
    if faults.has(Fault::DlvForeignPid) {
        let key_id = honest.key_id.saturating_sub(1);
        return Epid { key_id, ..honest };
    }
    honest
}

/// The text of a report.
pub(crate) fn shown(faults: Faults, honest: String) -> String {
    let mut text = honest;
    if faults.has(Fault::DlvCheckDigit) {
        text = without_check_digits(&text);
    }
    if faults.has(Fault::DliWithoutLabels) {
        text = text.replace("License Status: ", "License Status: ?");
        text = text.replace("ライセンスの状態 : ", "ライセンスの状態 : ?");
    }
    text
}

/// Installation ids whose check digits are all one too high.
fn without_check_digits(text: &str) -> String {
    let spoilt = |line: &str| {
        let (label, id) = line.rsplit_once(' ')?;
        let is_id = id.len() == 54 && id.bytes().all(|octet| octet.is_ascii_digit());
        is_id.then(|| {
            let digit = |(at, digit): (usize, char)| match (at % 6, digit) {
                (5, '9') => '0',
                (5, digit) => char::from_u32(u32::from(digit).saturating_add(1)).unwrap_or(digit),
                (_, digit) => digit,
            };
            let id: String = id.char_indices().map(digit).collect();
            format!("{label} {id}")
        })
    };
    let lines = text
        .lines()
        .map(|line| spoilt(line).unwrap_or_else(|| line.to_owned()));
    lines.map(|line| line + "\n").collect()
}
