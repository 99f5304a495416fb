//! Every rule by one honest conversation and one that breaks it alone.

mod spoilt;
mod talk;

use std::collections::BTreeSet;
use std::sync::Arc;

use kmspec_rules::{Direction, Judge, Memory, RULES, Role, Roles};
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;
use talk::Talk;

/// What hosts and clients broke.
fn broken(talk: &Talk, memory: &Memory) -> BTreeSet<(Role, &'static str)> {
    let judge = talk.judged(memory);
    let violations = judge.violations().iter();
    violations.map(|v| (v.role, v.requirement)).collect()
}

#[test]
fn honest_conversations_break_nothing() {
    for version in Version::ALL {
        for syntax in TransferSyntax::ALL {
            let talk = Talk::with(version, syntax, |_| {}, |_| {});
            let judge = talk.judged(&Memory::new());
            assert_eq!(judge.violations(), [], "{version:?} {syntax:?}");
        }
    }
    for (name, talk) in spoilt::honest() {
        assert_eq!(talk.judged(&Memory::new()).violations(), [], "{name}");
    }
}

#[test]
fn each_spoilt_conversation_breaks_its_own_rule_alone() {
    for (role, requirement, talk) in spoilt::table() {
        let judge = talk.judged(&Memory::new());
        // A host that serves what it should refuse needs a client that asks for it.
        let mut of_role = broken(&talk, &Memory::new());
        of_role.retain(|(broken_by, _)| *broken_by == role);
        let expected = BTreeSet::from([(role, requirement)]);
        assert_eq!(of_role, expected, "{:#?}", judge.violations());
        if role == Role::Client {
            assert_eq!(broken(&talk, &Memory::new()), expected);
        }
    }
}

#[test]
fn every_rule_is_broken_by_some_spoilt_conversation() {
    let table: BTreeSet<_> = spoilt::table()
        .into_iter()
        .map(|(r, id, _)| (r, id))
        .collect();
    // These need two answers.
    let elsewhere = [
        "message.pid-stable",
        "message.v6-hwid-stable",
        "crypto.random-fresh",
    ];
    for rule in RULES.iter().filter(|r| !elsewhere.contains(&r.requirement)) {
        let key = (rule.role, rule.requirement);
        assert!(table.contains(&key), "{key:?} is never broken");
    }
}

#[test]
fn what_must_be_fresh_or_stable_is_compared_over_connections() {
    let first = Talk::of(Version::V6);
    let other = |edit: fn(&mut kmspec_wire::kms::envelope::ResponseParts<'_>)| {
        let memory = Memory::new();
        assert!(broken(&first, &memory).is_empty());
        let second = Talk::with(Version::V6, TransferSyntax::Ndr32, |_| {}, edit);
        broken(&second, &memory)
    };
    let host = |ids: &[&'static str]| ids.iter().map(|id| (Role::Host, *id)).collect();
    let same: BTreeSet<_> = host(&["crypto.random-fresh", "crypto.v6-iv-fresh"]);
    assert_eq!(other(|_| {}), same);
    let moved: BTreeSet<_> = host(&[
        "crypto.random-fresh",
        "crypto.v6-iv-fresh",
        "message.v6-hwid-stable",
    ]);
    assert_eq!(other(|parts| parts.hardware_id = [9; 8]), moved);
}

#[test]
fn a_random_block_is_not_half_of_one_octet() {
    let with_zeros = |zeros: usize| {
        let x = |parts: &mut kmspec_wire::kms::envelope::ResponseParts<'_>| {
            for (x, random) in parts.x.iter_mut().zip(talk::RANDOM).skip(3).take(zeros) {
                *x ^= random;
            }
        };
        let talk = Talk::with(Version::V5, TransferSyntax::Ndr32, |_| {}, x);
        broken(&talk, &Memory::new()).contains(&(Role::Host, "crypto.random-fresh"))
    };
    assert!(!with_zeros(7));
    assert!(with_zeros(8));
}

#[test]
fn sizes_of_fragments_may_differ_by_direction() {
    let four_kib = &[0, 0x10];
    for field in ["max_xmit_frag", "max_recv_frag"] {
        let talk = Talk::of(Version::V6)
            .but(0, "max_recv_frag", four_kib)
            .but(1, field, four_kib);
        assert_eq!(broken(&talk, &Memory::new()), BTreeSet::new(), "{field}");
    }
}

#[test]
fn what_a_tester_provokes_is_no_violation_of_the_host() {
    for (name, talk) in spoilt::provoked() {
        let mut judge = Judge::new(Roles::HOST).with_keys(Arc::new(KeySet::lab()));
        for (direction, pdu) in &talk.0 {
            judge.octets(*direction, &pdu.bytes);
        }
        assert_eq!(judge.violations(), [], "{name}");
    }
}

#[test]
fn a_connection_seen_from_its_middle_breaks_nothing_by_that() {
    for version in Version::ALL {
        let talk = Talk::of(version);
        for skipped in 0..talk.0.len() {
            let mut judge = Judge::new(Roles::BOTH)
                .with_keys(Arc::new(KeySet::lab()))
                .mid_stream();
            for (direction, pdu) in &talk.0[skipped..] {
                judge.octets(*direction, &pdu.bytes);
            }
            assert_eq!(judge.violations(), [], "{version:?} without {skipped}");
        }
        for gap in 0..talk.0.len() {
            let mut judge = Judge::new(Roles::BOTH);
            for (n, (direction, pdu)) in talk.0.iter().enumerate() {
                if n == gap {
                    judge.octets(*direction, &pdu.bytes[..17]);
                    judge.gap();
                } else {
                    judge.octets(*direction, &pdu.bytes);
                }
            }
            assert_eq!(judge.violations(), [], "{version:?} with {gap} cut");
        }
    }
}

#[test]
fn segments_make_no_difference() {
    for (_, _, talk) in spoilt::table() {
        let mut judge = Judge::new(Roles::BOTH).with_keys(Arc::new(KeySet::lab()));
        for (direction, pdu) in &talk.0 {
            for octet in &pdu.bytes {
                judge.octets(*direction, &[*octet]);
            }
        }
        assert_eq!(judge.violations(), talk.judged(&Memory::new()).violations());
    }
}

#[test]
fn a_judge_of_hosts_says_nothing_of_clients() {
    for (role, requirement, talk) in spoilt::table() {
        let mut judge = Judge::new(Roles::HOST).with_keys(Arc::new(KeySet::lab()));
        for (direction, pdu) in &talk.0 {
            judge.octets(*direction, &pdu.bytes);
        }
        assert_eq!(
            judge.violations().is_empty(),
            role == Role::Client,
            "{requirement}"
        );
    }
}

#[test]
fn any_octets_are_judged_without_panic() {
    arbtest::arbtest(|u| {
        let (_, _, talk) = u.choose(&spoilt::table())?.clone();
        let mut judge = Judge::new(Roles::BOTH).with_keys(Arc::new(KeySet::lab()));
        for (direction, pdu) in &talk.0 {
            let mut octets = pdu.bytes.clone();
            for _ in 0..u.int_in_range(0..=3)? {
                let at = u.choose_index(octets.len())?;
                octets[at] = u.arbitrary()?;
            }
            judge.octets(*direction, &octets);
        }
        judge.octets(Direction::FromHost, u.arbitrary()?);
        judge.octets(Direction::FromClient, u.arbitrary()?);
        judge.end(Direction::FromHost);
        Ok(())
    })
    .budget_ms(2_000);
}

#[test]
fn what_was_judged_is_counted() {
    let judge = Talk::of(Version::V6).judged(&Memory::new());
    let count = judge.tally().of("rpc.header.version-in-replies");
    assert_eq!((count.judged, count.broken), (2, 0));
    assert_eq!(judge.tally().of("crypto.v6-hmac").judged, 1);
    assert_eq!(judge.tally().of("rpc.nak.format").judged, 0);
}
