use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};
use kmspec_dns::{Asked, Authority, Fault, MOST_RECORDS, Srv, Transport, Update, Zone, name};

use crate::kit::{
    ask, authority, corp, empty, host, of_class, publishing, record, update, withdrawing,
};

const OWNER: &str = "_vlmcs._tcp.corp.example.";

/// What a server says to an update, and the records it has then.
fn outcome(message: &Message) -> (ResponseCode, Vec<String>, bool) {
    let mut authority = authority();
    let before = authority.zones()[0].serial();
    let code = ask(&mut authority, message, Transport::Udp)
        .metadata
        .response_code;
    let zone = &authority.zones()[0];
    let records = |zone: &Zone| {
        let kept = zone
            .records()
            .filter(|record| record.record_type() != RecordType::SOA);
        kept.map(ToString::to_string).collect::<Vec<_>>()
    };
    let (old, new) = (records(&corp()), records(zone));
    let gone = old
        .iter()
        .filter(|record| !new.contains(record))
        .map(|record| format!("- {record}"));
    let come = new
        .iter()
        .filter(|record| !old.contains(record))
        .map(|record| format!("+ {record}"));
    (code, gone.chain(come).collect(), zone.serial() != before)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn changes_are_made_and_raise_the_serial() {
    let first = format!("{OWNER} SRV 0 100 1688 kms01.corp.example.");
    let table: &[(&str, Vec<Record>, &[&str])] = &[
        (
            "a record more",
            vec![record(&format!("{OWNER} 60 SRV 1 2 3 new.corp.example."))],
            &["+ _vlmcs._tcp.corp.example. 60 IN SRV 1 2 3 new.corp.example."],
        ),
        ("a record that is there", vec![record(&first)], &[]),
        (
            "another time to live",
            vec![record(&format!(
                "{OWNER} 60 SRV 0 100 1688 KMS01.corp.example."
            ))],
            &[
                "- _vlmcs._tcp.corp.example. 3600 IN SRV 0 100 1688 kms01.corp.example.",
                "+ _vlmcs._tcp.corp.example. 60 IN SRV 0 100 1688 KMS01.corp.example.",
            ],
        ),
        (
            "one record less",
            vec![of_class(DNSClass::NONE, &first)],
            &["- _vlmcs._tcp.corp.example. 3600 IN SRV 0 100 1688 kms01.corp.example."],
        ),
        (
            "one that is not there less",
            vec![of_class(
                DNSClass::NONE,
                &format!("{OWNER} SRV 0 100 1 kms01.corp.example."),
            )],
            &[],
        ),
        (
            "all of a type",
            vec![empty(DNSClass::ANY, "KMS01.corp.example.", RecordType::A)],
            &["- kms01.corp.example. 3600 IN A 127.0.0.1"],
        ),
        (
            "all of a name",
            vec![empty(DNSClass::ANY, "kms01.corp.example.", RecordType::ANY)],
            &[
                "- kms01.corp.example. 3600 IN A 127.0.0.1",
                "- kms01.corp.example. 3600 IN AAAA ::1",
            ],
        ),
        (
            "the apex keeps SOA and NS",
            vec![empty(DNSClass::ANY, "corp.example.", RecordType::ANY)],
            &[],
        ),
        (
            "the last NS stays",
            vec![of_class(
                DNSClass::NONE,
                "corp.example. NS ns.corp.example.",
            )],
            &[],
        ),
        (
            "nothing beside an alias",
            vec![record("alias.corp.example. A 127.0.0.9")],
            &[],
        ),
        (
            "no alias beside others",
            vec![record("kms01.corp.example. CNAME note.corp.example.")],
            &[],
        ),
        (
            "an alias for another",
            vec![record("alias.corp.example. CNAME note.corp.example.")],
            &[
                "- alias.corp.example. 3600 IN CNAME kms01.corp.example.",
                "+ alias.corp.example. 3600 IN CNAME note.corp.example.",
            ],
        ),
        (
            "in their order",
            vec![
                empty(DNSClass::ANY, "note.corp.example.", RecordType::TXT),
                record("note.corp.example. TXT new"),
            ],
            &[
                "- note.corp.example. 3600 IN TXT onetwo",
                "+ note.corp.example. 3600 IN TXT new",
            ],
        ),
    ];
    for (about, changes, expected) in table {
        let (code, difference, raised) = outcome(&update("corp.example", &[], changes));
        assert_eq!(code, ResponseCode::NoError, "{about}");
        assert_eq!(difference, *expected, "{about}");
        assert_eq!(raised, !expected.is_empty(), "{about}");
    }
}

#[test]
fn a_serial_of_the_updater_is_taken_if_it_is_later() {
    for (serial, expected) in [(0, 1), (1, 1), (7, 7), (0x8000_0002, 1)] {
        let mut authority = authority();
        let (soa, _) = authority.zones()[0].records().find_map(soa).unwrap();
        let mut soa = soa.clone();
        let RData::SOA(data) = &mut soa.data else {
            unreachable!()
        };
        data.serial = serial;
        ask(
            &mut authority,
            &update("corp.example", &[], &[soa]),
            Transport::Tcp,
        );
        assert_eq!(authority.zones()[0].serial(), expected, "{serial:#x}");
    }
}

fn soa(record: &Record) -> Option<(&Record, u32)> {
    match &record.data {
        RData::SOA(soa) => Some((record, soa.serial)),
        _ => None,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn prerequisites_hold_or_nothing_changes() {
    let there = |line: &str| of_class(DNSClass::IN, line);
    let srv = |port: u16, target: &str| format!("{OWNER} SRV 0 100 {port} {target}.corp.example.");
    let first = srv(1688, "kms01");
    let second = format!("{OWNER} SRV 10 0 1689 kms02.corp.example.");
    let (any, none) = (DNSClass::ANY, DNSClass::NONE);
    for (about, conditions, code) in [
        (
            "a name that is",
            vec![empty(any, OWNER, RecordType::ANY)],
            ResponseCode::NoError,
        ),
        (
            "a name that is not",
            vec![empty(any, "x.corp.example.", RecordType::ANY)],
            ResponseCode::NXDomain,
        ),
        (
            "a set that is",
            vec![empty(any, OWNER, RecordType::SRV)],
            ResponseCode::NoError,
        ),
        (
            "a set that is not",
            vec![empty(any, OWNER, RecordType::A)],
            ResponseCode::NXRRSet,
        ),
        (
            "no name",
            vec![empty(none, "x.corp.example.", RecordType::ANY)],
            ResponseCode::NoError,
        ),
        (
            "no name that is",
            vec![empty(none, OWNER, RecordType::ANY)],
            ResponseCode::YXDomain,
        ),
        (
            "no set",
            vec![empty(none, OWNER, RecordType::A)],
            ResponseCode::NoError,
        ),
        (
            "no set that is",
            vec![empty(none, OWNER, RecordType::SRV)],
            ResponseCode::YXRRSet,
        ),
        (
            "this set, in any order",
            vec![there(&second), there(&first)],
            ResponseCode::NoError,
        ),
        ("half the set", vec![there(&first)], ResponseCode::NXRRSet),
        (
            "more than the set",
            vec![there(&first), there(&second), there(&srv(1, "x"))],
            ResponseCode::NXRRSet,
        ),
        (
            "another zone",
            vec![empty(any, "corp.test.", RecordType::ANY)],
            ResponseCode::NotZone,
        ),
        (
            "a time to live",
            vec![record(&first)],
            ResponseCode::FormErr,
        ),
        (
            "data where there are none",
            vec![of_class(any, &first)],
            ResponseCode::FormErr,
        ),
        (
            "no data where there are some",
            vec![empty(DNSClass::IN, OWNER, RecordType::SRV)],
            ResponseCode::FormErr,
        ),
        (
            "another class",
            vec![of_class(DNSClass::CH, &first)],
            ResponseCode::FormErr,
        ),
    ] {
        let change = record("new.corp.example. A 127.0.0.2");
        let (got, difference, raised) = outcome(&update("corp.example", &conditions, &[change]));
        assert_eq!(got, code, "{about}");
        let done = code == ResponseCode::NoError;
        assert_eq!(
            (difference.len(), raised),
            (usize::from(done), done),
            "{about}"
        );
    }
}

#[test]
fn a_bad_change_spoils_the_good_ones_beside_it() {
    let good = record("new.corp.example. A 127.0.0.2");
    let srv = format!("{OWNER} SRV 0 100 1688 kms01.corp.example.");
    let mut late = of_class(DNSClass::NONE, &srv);
    late.ttl = 1;
    for (about, bad, code) in [
        (
            "outside the zone",
            record("new.corp.test. A 127.0.0.2"),
            ResponseCode::NotZone,
        ),
        (
            "above the zone",
            record("example. A 127.0.0.2"),
            ResponseCode::NotZone,
        ),
        (
            "without data",
            empty(DNSClass::IN, OWNER, RecordType::SRV),
            ResponseCode::FormErr,
        ),
        (
            "a type that asks",
            empty(DNSClass::ANY, OWNER, RecordType::AXFR),
            ResponseCode::FormErr,
        ),
        (
            "a set with data",
            of_class(DNSClass::ANY, &srv),
            ResponseCode::FormErr,
        ),
        (
            "a record without data",
            empty(DNSClass::NONE, OWNER, RecordType::SRV),
            ResponseCode::FormErr,
        ),
        ("a removal with a time to live", late, ResponseCode::FormErr),
        (
            "another class",
            of_class(DNSClass::CH, &srv),
            ResponseCode::FormErr,
        ),
    ] {
        for changes in [[good.clone(), bad.clone()], [bad.clone(), good.clone()]] {
            let got = outcome(&update("corp.example", &[], &changes));
            assert_eq!(got, (code, Vec::new(), false), "{about}");
        }
    }
}

#[test]
fn an_update_names_one_zone_that_is_served() {
    let good = update(
        "CORP.example",
        &[],
        &[record("new.corp.example. A 127.0.0.2")],
    );
    let changed = |change: &dyn Fn(&mut Message)| {
        let mut message = good.clone();
        change(&mut message);
        message
    };
    for (about, message, code) in [
        ("in any case", good.clone(), ResponseCode::NoError),
        (
            "another",
            changed(&|m| m.queries[0] = update("test", &[], &[]).queries[0].clone()),
            ResponseCode::NotAuth,
        ),
        (
            "below",
            changed(&|m| m.queries[0] = update("new.corp.example", &[], &[]).queries[0].clone()),
            ResponseCode::NotAuth,
        ),
        (
            "none",
            changed(&|m| m.queries.clear()),
            ResponseCode::FormErr,
        ),
        (
            "not by its SOA",
            changed(&|m| {
                m.queries[0].set_query_type(RecordType::A);
            }),
            ResponseCode::FormErr,
        ),
        (
            "of another class",
            changed(&|m| {
                m.queries[0].set_query_class(DNSClass::CH);
            }),
            ResponseCode::NotAuth,
        ),
    ] {
        assert_eq!(outcome(&message).0, code, "{about}");
    }
}

#[test]
fn a_zone_does_not_grow_without_end() {
    let mut authority = authority();
    let mut code = ResponseCode::NoError;
    for hundred in 0..100 {
        let records =
            (0..100).map(|one| record(&format!("m{hundred}-{one}.corp.example. A 127.0.0.1")));
        let message = update("corp.example", &[], &records.collect::<Vec<_>>());
        code = ask(&mut authority, &message, Transport::Tcp)
            .metadata
            .response_code;
    }
    assert_eq!(code, ResponseCode::ServFail);
    let there = authority.zones()[0].records().count();
    assert!(
        (MOST_RECORDS - 100..=MOST_RECORDS).contains(&there),
        "{there}"
    );
}

#[test]
fn an_update_that_is_refused_changes_nothing() {
    let message = update(
        "corp.example",
        &[],
        &[record("new.corp.example. A 127.0.0.2")],
    );
    for fault in [Fault::ServFail, Fault::Refused, Fault::NoUpdates] {
        let mut authority = authority();
        authority.set_faults(vec![fault]);
        let answer = ask(&mut authority, &message, Transport::Udp);
        assert_ne!(
            answer.metadata.response_code,
            ResponseCode::NoError,
            "{fault}"
        );
        assert_eq!(authority.zones()[0].serial(), 1, "{fault}");
    }
}

#[test]
fn a_host_publishes_itself_beside_others_and_withdraws_itself_alone() {
    let suffix = "corp.example";
    let mut authority = Authority::new([corp()]);
    let others = authority.zones()[0].srv("_vlmcs._tcp");
    let mut does = |update: Update| {
        let answer = ask(&mut authority, &update.message(1), Transport::Udp);
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        let (old, new): (Vec<Srv>, Vec<Srv>) = authority.zones()[0]
            .srv("_vlmcs._tcp")
            .into_iter()
            .partition(|srv| others.contains(srv));
        assert_eq!(old, others);
        new.iter().map(Srv::to_string).collect::<Vec<_>>()
    };
    let (first, moved) = (host(suffix, "lab", 1688), host(suffix, "lab", 1700));
    let shown = |port: u16| vec![format!("5 7 {port} lab.corp.example.")];
    assert_eq!(does(publishing(suffix, &first, None)), shown(1688));
    assert_eq!(does(publishing(suffix, &first, None)), shown(1688), "again");
    let moving = publishing(suffix, &moved, Some(&first));
    assert_eq!(does(moving), shown(1700), "on another port");
    assert_eq!(
        does(withdrawing(suffix, &first)),
        shown(1700),
        "what is not there any more"
    );
    assert_eq!(does(withdrawing(suffix, &moved)), [""; 0]);
    let machine = name("lab.corp.example").unwrap();
    let zone = &authority.zones()[0];
    let addresses = zone.records().filter(|record| record.name == machine);
    let addresses: Vec<_> = addresses.map(|record| record.data.to_string()).collect();
    assert_eq!(addresses, ["127.0.0.3"]);
}

#[test]
fn all_records_of_a_service_go_at_once() {
    let mut authority = authority();
    let update = Update::of("corp.example")
        .unwrap()
        .remove_all("_vlmcs._tcp")
        .unwrap();
    ask(&mut authority, &update.message(1), Transport::Udp);
    assert_eq!(authority.zones()[0].srv("_vlmcs._tcp"), []);
}

#[test]
fn what_was_changed_is_told_in_the_event() {
    let kms = Srv::new(0, 0, 1688, "kms.other.example").unwrap();
    let message = publishing("corp.example", &kms, None).message(1);
    let reply = authority().handle(&message.to_vec().unwrap(), Transport::Udp);
    let event = reply.event.unwrap();
    let Asked::Update { changes, .. } = &event.asked else {
        panic!("{event:?}")
    };
    // The machine is outside the zone: its address is not this zone's business.
    assert_eq!(
        changes,
        &["add _vlmcs._tcp.corp.example. 3600 SRV 0 0 1688 kms.other.example."]
    );
    assert_eq!(
        event.to_string(),
        format!("udp update corp.example.: NOERROR; {}", changes[0])
    );
}
