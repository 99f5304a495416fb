use std::fmt::Write as _;

use kmspec_wire::filetime::FileTime;

use super::report::role_name;
use super::{FileReport, Outcome, Report, Sighting};
use crate::report::hex;
use crate::report::text::{BOLD, GREEN, RED, Style, painted, word};
use crate::verdict::Verdict;

/// What people read: of each capture what was broken, with the first places, then the counts.
pub fn text(report: &Report, style: &Style) -> String {
    let mut text = String::new();
    for file in &report.files {
        for outcome in &file.outcomes {
            if outcome.verdict != Verdict::Pass {
                text.push_str(&detail(outcome, style));
                text.push('\n');
            }
        }
        for problem in &file.unable {
            let word = painted("not judged", RED, style);
            let _ = writeln!(text, "{word}: {}: {problem}", file.file);
        }
        text.push_str(&summary(file, style));
    }
    text
}

/// All there is to say of a requirement that was broken.
pub(super) fn detail(outcome: &Outcome, style: &Style) -> String {
    let Outcome { about, count, .. } = outcome;
    let mut text = format!(
        "{}  {}   {}, {}   {}\n",
        word(outcome.verdict, style),
        painted(&about.id, BOLD, style),
        about.level,
        role_name(outcome.role),
        about.source
    );
    let _ = writeln!(text, "  {}", outcome.sentence);
    for seen in outcome.sightings.iter().take(SHOWN) {
        sighting(&mut text, seen, style);
    }
    let rest = outcome.sightings.get(SHOWN..).unwrap_or_default();
    let mut packets: Vec<String> = rest.iter().map(|seen| seen.packet.to_string()).collect();
    packets.dedup();
    if !packets.is_empty() {
        let more = if packets.len() > NUMBERED {
            ", …"
        } else {
            ""
        };
        packets.truncate(NUMBERED);
        let _ = writeln!(text, "  and in packets {}{more}", packets.join(", "));
    }
    let _ = writeln!(
        text,
        "  broken {} of {}",
        count.broken,
        times(count.judged, "time")
    );
    text
}

fn sighting(text: &mut String, seen: &Sighting, style: &Style) {
    let _ = writeln!(
        text,
        "  packet {}, stream {}, {}, {} to {}: {}",
        seen.packet,
        seen.stream,
        FileTime::from_unix_nanos(seen.time_ns),
        seen.client,
        seen.host,
        painted(seen.field, BOLD, style)
    );
    let (expected, got) = (
        painted(&seen.expected, GREEN, style),
        painted(&seen.got, RED, style),
    );
    let _ = writeln!(text, "      expected  {expected}\n           got  {got}");
    if let Some(evidence) = &seen.evidence {
        let _ = writeln!(text, "  {}", evidence.what);
        for line in hex::lines(evidence) {
            let _ = writeln!(text, "      {line}");
        }
    }
}

fn summary(file: &FileReport, style: &Style) -> String {
    let count = file.count();
    let mut counts: Vec<String> = Vec::new();
    for verdict in Verdict::ALL {
        let number = file
            .outcomes
            .iter()
            .filter(|outcome| outcome.verdict == *verdict)
            .count();
        if number > 0 {
            counts.push(format!("{number} {verdict}"));
        }
    }
    let counts = match counts.len() {
        0 => "nothing judged".to_owned(),
        _ => counts.join(", "),
    };
    let mut text = format!(
        "{}: {}, {}, {}: {counts}; judged {}, broken {}\n",
        painted(&file.file, BOLD, style),
        times(file.packets, "packet"),
        times(file.connections, "connection"),
        times(file.outcomes.len() as u64, "requirement"),
        times(count.judged, "time"),
        times(count.broken, "time"),
    );
    if file.partly > 0 {
        let _ = writeln!(
            text,
            "{}: {} not wholly in the capture: judged as far as it goes",
            file.file,
            match file.partly {
                1 => "1 connection is".to_owned(),
                many => format!("{many} connections are"),
            }
        );
    }
    text
}

fn times(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// Places of one requirement that are shown with their octets.
const SHOWN: usize = 3;
/// Packets of the other places that are named.
const NUMBERED: usize = 10;
