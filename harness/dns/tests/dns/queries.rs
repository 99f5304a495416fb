use std::fmt::Write as _;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{DNSClass, RecordType};
use kmspec_dns::{Authority, Fault, Transport, Zone, name};

use crate::kit::{ask, authority, corp, query, shown, taking};

#[test]
fn queries_are_answered_as_a_name_server_does() {
    let mut text = String::new();
    for (about, owner, kind) in [
        (
            "records, and the addresses of their targets",
            "_vlmcs._tcp.corp.example",
            RecordType::SRV,
        ),
        (
            "case does not matter, and is given back",
            "_VLMCS._tcp.Corp.Example",
            RecordType::SRV,
        ),
        ("no such name", "nobody.corp.example", RecordType::A),
        (
            "a name without such records",
            "kms01.corp.example",
            RecordType::TXT,
        ),
        (
            "a name that has names below it alone",
            "_tcp.corp.example",
            RecordType::SRV,
        ),
        ("an alias", "alias.corp.example", RecordType::A),
        ("an alias itself", "alias.corp.example", RecordType::CNAME),
        (
            "an alias that leads away",
            "away.corp.example",
            RecordType::A,
        ),
        ("aliases in a ring", "round.corp.example", RecordType::A),
        ("everything", "kms01.corp.example", RecordType::ANY),
        ("the zone's own", "corp.example", RecordType::SOA),
        ("its name server", "corp.example", RecordType::NS),
        ("another zone", "corp.test", RecordType::A),
        ("a transfer", "corp.example", RecordType::AXFR),
    ] {
        let answer = ask(&mut authority(), &query(owner, kind), Transport::Udp);
        assert_eq!(
            answer.queries[0].name().to_string(),
            format!("{owner}."),
            "{about}"
        );
        writeln!(text, "# {about}: {owner} {kind}\n{}\n", shown(&answer)).unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn the_zone_with_the_longest_fitting_name_answers() {
    let mut zones = [Zone::new("example").unwrap(), corp()];
    for _ in 0..2 {
        zones.reverse();
        let mut authority = Authority::new(zones.clone());
        let answer = ask(
            &mut authority,
            &query("note.corp.example", RecordType::TXT),
            Transport::Udp,
        );
        assert_eq!(answer.answers.len(), 1);
    }
}

#[test]
fn what_does_not_fit_a_datagram_is_truncated_and_fits_a_connection() {
    let mut zone = corp();
    for number in 0..40 {
        let line = format!("_vlmcs._tcp SRV 1 1 1688 machine-with-a-long-name-{number}");
        zone.add_line(&line).unwrap();
    }
    let mut authority = Authority::new([zone]);
    let question = query("_vlmcs._tcp.corp.example", RecordType::SRV);
    for (about, message, transport, records) in [
        ("512 octets", question.clone(), Transport::Udp, None),
        (
            "no more than 1232",
            taking(question.clone(), 4096),
            Transport::Udp,
            None,
        ),
        ("TCP", question, Transport::Tcp, Some(42)),
    ] {
        let reply = authority.handle(&message.to_vec().unwrap(), transport);
        let octets = reply.octets.unwrap();
        let answer = Message::from_vec(&octets).unwrap();
        assert_eq!(answer.metadata.truncation, records.is_none(), "{about}");
        assert_eq!(reply.event.unwrap().truncated, records.is_none(), "{about}");
        assert_eq!(answer.answers.len(), records.unwrap_or(0), "{about}");
        assert!(
            transport == Transport::Tcp || octets.len() <= 512,
            "{about}"
        );
    }
}

#[test]
fn addresses_of_targets_give_way_before_records_do() {
    let mut zone = corp();
    for number in 0..16 {
        zone.add_line(&format!("kms01 A 127.0.1.{number}")).unwrap();
        zone.add_line(&format!("kms01 AAAA fe80::{number}"))
            .unwrap();
    }
    let question = query("_vlmcs._tcp.corp.example", RecordType::SRV);
    let mut authority = Authority::new([zone]);
    let answer = ask(&mut authority, &question, Transport::Udp);
    assert!(!answer.metadata.truncation);
    assert_eq!((answer.answers.len(), answer.additionals.len()), (2, 0));
    let answer = ask(&mut authority, &taking(question, 1232), Transport::Udp);
    assert_eq!((answer.answers.len(), answer.additionals.len()), (2, 34));
}

#[test]
fn what_cannot_be_answered_is_refused_with_the_right_code() {
    let good = query("corp.example", RecordType::SOA);
    let changed = |change: &dyn Fn(&mut Message)| {
        let mut message = good.clone();
        change(&mut message);
        message
    };
    let version_1 = |message: &mut Message| {
        *message = taking(message.clone(), 1232);
        message.edns.as_mut().unwrap().set_version(1);
    };
    for (about, message, code) in [
        (
            "no question",
            changed(&|m| m.queries.clear()),
            ResponseCode::FormErr,
        ),
        (
            "two questions",
            changed(&|m| m.queries.push(m.queries[0].clone())),
            ResponseCode::FormErr,
        ),
        (
            "another operation",
            changed(&|m| m.metadata.op_code = OpCode::Status),
            ResponseCode::NotImp,
        ),
        (
            "another class",
            changed(&|m| {
                m.queries[0].set_query_class(DNSClass::CH);
            }),
            ResponseCode::Refused,
        ),
        ("a later EDNS", changed(&version_1), ResponseCode::BADVERS),
    ] {
        let answer = ask(&mut authority(), &message, Transport::Udp);
        // 16 has two names.
        let number = u16::from(answer.metadata.response_code);
        assert_eq!(number, u16::from(code), "{about}");
        assert_eq!(answer.metadata.id, 7, "{about}");
        assert_eq!(answer.metadata.op_code, message.metadata.op_code, "{about}");
    }
    let mut octets = good.to_vec().unwrap();
    octets.truncate(octets.len() - 1);
    let answer = authority().handle(&octets, Transport::Udp).octets.unwrap();
    assert_eq!(Message::from_vec(&octets[..11]).ok(), None);
    assert_eq!(
        (&answer[..2], answer[3] & 15),
        (&octets[..2], 1),
        "half a question"
    );
}

#[test]
fn what_is_not_a_request_gets_no_answer() {
    let mut answer = query("corp.example", RecordType::SOA);
    answer.metadata.message_type = MessageType::Response;
    for octets in [&[][..], &[0; 11], &answer.to_vec().unwrap()] {
        let reply = authority().handle(octets, Transport::Udp);
        assert_eq!((reply.octets, reply.event), (None, None), "{octets:02x?}");
    }
}

#[test]
fn a_server_misbehaves_as_it_is_told() {
    let mut text = String::new();
    let faults = "servfail refused nxdomain empty truncate truncate-always cname cname-loop wrong-id wrong-question \
                  silent no-updates slow=250ms";
    for fault in faults.split(' ') {
        let mut authority = authority();
        authority.set_faults(vec![fault.parse().unwrap()]);
        for (owner, transport) in [
            ("_vlmcs._tcp.corp.example", Transport::Udp),
            ("_vlmcs._tcp.corp.example", Transport::Tcp),
            ("alias._vlmcs._tcp.corp.example", Transport::Udp),
        ] {
            let message = query(owner, RecordType::SRV).to_vec().unwrap();
            let reply = authority.handle(&message, transport);
            writeln!(text, "# {fault}: {}", reply.event.unwrap()).unwrap();
            let Some(octets) = reply.octets else {
                writeln!(text, "nothing\n").unwrap();
                continue;
            };
            let answer = Message::from_vec(&octets).unwrap();
            if reply.after > Duration::ZERO {
                writeln!(text, "after {:?}", reply.after).unwrap();
            }
            let question = answer.queries[0].name();
            writeln!(
                text,
                "id {} of {question}\n{}\n",
                answer.metadata.id,
                shown(&answer)
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_misbehaving_server_still_has_its_zone() {
    let mut authority = authority();
    authority.set_faults(vec![Fault::NxDomain]);
    let question = query("note.corp.example", RecordType::TXT);
    let answer = ask(&mut authority, &question, Transport::Udp);
    assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
    authority.set_faults(Vec::new());
    assert_eq!(
        ask(&mut authority, &question, Transport::Udp).answers.len(),
        1
    );
    assert!(authority.zones()[0].contains(&name("note.CORP.example").unwrap()));
}
