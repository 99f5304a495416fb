//! All shipped recordings.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kmspec_rules::Role;
use kmspec_runner::passive::{Report, Wanted};

use crate::{checked, of};

#[test]
fn every_recording_breaks_what_the_snapshot_says() {
    let mut text = String::new();
    for capture in kmspec_captures::all() {
        let checked = checked(capture.file, capture.bytes);
        let judged: u64 = checked.counts.iter().map(|(_, count)| count.judged).sum();
        writeln!(
            text,
            "{}: {} connections, {} not whole, {} rules judged {judged} times {:?}",
            checked.file,
            checked.connections,
            checked.partly,
            checked.counts.len(),
            checked.unable
        )
        .unwrap();
        for seen in &checked.sightings {
            writeln!(
                text,
                "    packet {}, stream {}: {:?} {}: {}: expected {}, got {}",
                seen.packet,
                seen.stream,
                seen.role,
                seen.requirement,
                seen.field,
                seen.expected,
                seen.got
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

/// The rules have such a snapshot of their own, from PDUs that somebody else fed them.
#[test]
fn the_rules_agree_with_their_own_snapshot() {
    const THEIRS: &str = include_str!(
        "../../../rules/tests/snapshots/captures__recorded_hosts_and_clients_break_what_the_snapshot_says.snap"
    );
    let mut theirs: BTreeMap<&str, Vec<(String, String, String, String)>> = BTreeMap::new();
    let mut file = "";
    for line in THEIRS.lines().skip(4) {
        let Some(broken) = line.strip_prefix("    ") else {
            file = line;
            theirs.insert(file, Vec::new());
            continue;
        };
        // `Host x6: stream 3, message.pid-stable: PDU 1 of the host, epid at byte 0x0040: expected …`
        let (head, rest) = broken.split_once(": stream ").unwrap();
        let (role, times) = head.split_once(" x").unwrap();
        let mut parts = rest.splitn(4, ": ");
        let id = parts.next().unwrap().split_once(", ").unwrap().1;
        let place = parts.next().unwrap().split_once(", ").unwrap().1;
        let field = place.split_once(" at byte").unwrap().0;
        let list = theirs.get_mut(file).unwrap();
        list.push((role.into(), id.into(), field.into(), times.into()));
    }
    for capture in kmspec_captures::all() {
        let mut times: BTreeMap<(Role, &str, &str), u64> = BTreeMap::new();
        for seen in checked(capture.file, capture.bytes).sightings {
            let key = (seen.role, seen.requirement, seen.field);
            *times.entry(key).or_default() += 1;
        }
        let ours: Vec<_> = times
            .into_iter()
            .map(|((role, id, field), times)| {
                let role = format!("{role:?}");
                (role, id.to_owned(), field.to_owned(), times.to_string())
            })
            .collect();
        assert_eq!(ours, theirs[capture.file], "{}", capture.file);
    }
}

#[test]
fn who_is_wanted_decides_what_counts() {
    let exit = |number, role| {
        let wanted = Wanted {
            role,
            ..Wanted::default()
        };
        Report::new(vec![of(number)], &[], &wanted).exit().code()
    };
    for (number, both, host, client) in [
        ("01", 0, 0, 0),
        ("19", 1, 0, 1),
        ("21", 1, 1, 0),
        ("25", 1, 1, 0),
        ("28", 2, 2, 2),
        ("31", 1, 1, 1),
        ("34", 0, 0, 0),
    ] {
        let codes = [None, Some(Role::Host), Some(Role::Client)].map(|role| exit(number, role));
        assert_eq!(codes, [both, host, client], "{number}");
    }
}
