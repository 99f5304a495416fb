//! Messages, and how tests read them.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{DNSClass, Record, RecordType};
use kmspec_dns::{Authority, Reply, SERVICE, Srv, Transport, Update, Zone, name};

/// A zone with two hosts, an alias, and a name below a name without records.
pub(crate) fn corp() -> Zone {
    let mut zone = Zone::new("corp.example").unwrap();
    for line in [
        "_vlmcs._tcp SRV 0 100 1688 kms01",
        "_vlmcs._tcp 600 IN SRV 10 0 1689 kms02.corp.example.",
        "kms01 A 127.0.0.1",
        "kms01 AAAA ::1",
        "alias CNAME kms01",
        "away CNAME kms.other.example.",
        "round CNAME robin",
        "robin CNAME round",
        "note TXT one two",
    ] {
        zone.add_line(line).unwrap();
    }
    zone
}

/// A well-behaved server of it.
pub(crate) fn authority() -> Authority {
    Authority::new([corp()])
}

/// A query with id 7.
pub(crate) fn query(owner: &str, kind: RecordType) -> Message {
    let mut message = Message::new(7, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(name(owner).unwrap(), kind));
    message
}

/// The same for somebody who takes so many octets.
pub(crate) fn taking(mut message: Message, octets: u16) -> Message {
    let mut edns = Edns::new();
    edns.set_max_payload(octets);
    message.set_edns(edns);
    message
}

/// An update of a zone, with these prerequisites and changes.
pub(crate) fn update(zone: &str, prerequisites: &[Record], changes: &[Record]) -> Message {
    let mut message = Message::new(9, MessageType::Query, OpCode::Update);
    message.add_query(Query::query(name(zone).unwrap(), RecordType::SOA));
    message.add_answers(prerequisites.iter().cloned());
    message.add_authorities(changes.iter().cloned());
    message
}

/// A record as in a zone file.
pub(crate) fn record(line: &str) -> Record {
    let mut zone = Zone::new(".").unwrap();
    zone.add_line(line).unwrap();
    let wanted = line.split(' ').next().unwrap();
    zone.records()
        .find(|record| record.name == name(wanted).unwrap())
        .cloned()
        .unwrap()
}

/// The same with another class and no time to live, as updates and prerequisites have it.
pub(crate) fn of_class(class: DNSClass, line: &str) -> Record {
    let mut record = record(line);
    record.dns_class = class;
    record.ttl = 0;
    record
}

/// A record without data.
pub(crate) fn empty(class: DNSClass, owner: &str, kind: RecordType) -> Record {
    let mut record = Record::update0(name(owner).unwrap(), 0, kind);
    record.dns_class = class;
    record
}

/// What is answered.
pub(crate) fn ask(authority: &mut Authority, message: &Message, transport: Transport) -> Message {
    let Reply { octets, .. } = authority.handle(&message.to_vec().unwrap(), transport);
    Message::from_vec(&octets.unwrap()).unwrap()
}

/// An answer as a person reads it.
pub(crate) fn shown(message: &Message) -> String {
    let flag = |set: bool, name: &'static str| set.then_some(name);
    let flags = [
        flag(message.metadata.authoritative, "aa"),
        flag(message.metadata.truncation, "tc"),
        flag(message.metadata.recursion_desired, "rd"),
        flag(message.edns.is_some(), "edns"),
    ];
    let flags: Vec<&str> = flags.into_iter().flatten().collect();
    let mut lines = vec![format!(
        "{} [{}]",
        message.metadata.response_code,
        flags.join(" ")
    )];
    let sections = [
        ("answer", &message.answers),
        ("authority", &message.authorities),
        ("additional", &message.additionals),
    ];
    for (section, records) in sections {
        lines.extend(records.iter().map(|record| format!("{section}: {record}")));
    }
    lines.join("\n")
}

/// A host below a suffix.
pub(crate) fn host(suffix: &str, label: &str, port: u16) -> Srv {
    Srv::new(5, 7, port, &format!("{label}.{suffix}")).unwrap()
}

/// The update that publishes a host, in the place of what it published before.
pub(crate) fn publishing(suffix: &str, host: &Srv, before: Option<&Srv>) -> Update {
    let mut update = Update::of(suffix).unwrap();
    if let Some(before) = before {
        update = update.remove(SERVICE, before).unwrap();
    }
    let update = update.add(SERVICE, host).unwrap();
    update.address(&host.target, "127.0.0.3".parse().unwrap())
}

/// The update that withdraws it.
pub(crate) fn withdrawing(suffix: &str, host: &Srv) -> Update {
    Update::of(suffix).unwrap().remove(SERVICE, host).unwrap()
}
