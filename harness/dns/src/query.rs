//! What a zone answers to a query.

use hickory_proto::op::{Query, ResponseCode};
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use crate::fault::Fault;
use crate::record::TTL;
use crate::srv::Srv;
use crate::zone::Zone;

/// Aliases that are followed within a zone. A longer chain is left to whoever asks.
const MOST_ALIASES: usize = 8;

/// The label below which [`Fault::Cname`] puts what was asked for.
const ALIAS: &str = "alias";

/// An answer's sections.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: ResponseCode,
    pub(crate) authoritative: bool,
    pub(crate) answers: Vec<Record>,
    pub(crate) authorities: Vec<Record>,
    pub(crate) additionals: Vec<Record>,
}

impl Answer {
    pub(crate) const fn only(code: ResponseCode) -> Self {
        Self {
            code,
            authoritative: false,
            answers: Vec::new(),
            authorities: Vec::new(),
            additionals: Vec::new(),
        }
    }
}

/// The answer to a query. Source: RFC 1034 4.3.2.
pub(crate) fn answer(zones: &[Zone], query: &Query, faults: &[Fault]) -> Answer {
    let class = query.query_class();
    let zone =
        zone_of(zones, query.name()).filter(|_| matches!(class, DNSClass::IN | DNSClass::ANY));
    let Some(zone) = zone else {
        return Answer::only(ResponseCode::Refused);
    };
    let kind = query.query_type();
    if matches!(kind, RecordType::AXFR | RecordType::IXFR) {
        return Answer::only(ResponseCode::Refused);
    }
    let forced = faults.iter().find_map(|fault| match fault {
        Fault::NxDomain => Some(nothing(zone, ResponseCode::NXDomain)),
        Fault::Empty => Some(nothing(zone, ResponseCode::NoError)),
        Fault::Cname | Fault::CnameLoop => aliased(zone, query.name(), kind, *fault),
        _ => None,
    });
    forced.unwrap_or_else(|| honest(zone, query.name(), kind))
}

/// The zone that a name is in: the longest origin that fits.
pub(crate) fn zone_of<'a>(zones: &'a [Zone], name: &Name) -> Option<&'a Zone> {
    let fitting = zones.iter().filter(|zone| zone.contains(name));
    fitting.max_by_key(|zone| zone.origin().iter().len())
}

fn honest(zone: &Zone, name: &Name, kind: RecordType) -> Answer {
    let mut answers: Vec<Record> = Vec::new();
    let mut name = name.clone();
    let mut code = ResponseCode::NoError;
    for _ in 0..MOST_ALIASES {
        let here = zone.at(&name);
        if here.is_empty() && !zone.has_below(&name) {
            code = ResponseCode::NXDomain;
            break;
        }
        let wanted = |record: &&Record| kind == RecordType::ANY || record.record_type() == kind;
        let found: Vec<Record> = here.iter().filter(wanted).cloned().collect();
        let alias = here.iter().find_map(|record| match &record.data {
            RData::CNAME(CNAME(target)) => Some((record.clone(), target.clone())),
            _ => None,
        });
        match alias {
            Some((record, _)) if found.is_empty() && answers.contains(&record) => break,
            Some((record, target)) if found.is_empty() => {
                answers.push(record);
                if !zone.contains(&target) {
                    return with(zone, answers);
                }
                name = target;
            }
            _ if found.is_empty() => break,
            _ => {
                answers.extend(found);
                return with(zone, answers);
            }
        }
    }
    Answer {
        answers,
        ..nothing(zone, code)
    }
}

/// Answers, and the addresses of the machines that they name.
fn with(zone: &Zone, answers: Vec<Record>) -> Answer {
    let mut additionals: Vec<Record> = Vec::new();
    for srv in answers.iter().filter_map(Srv::of) {
        for kind in [RecordType::A, RecordType::AAAA] {
            let missing = zone
                .set(&srv.target, kind)
                .filter(|record| !additionals.contains(record));
            let missing: Vec<Record> = missing.cloned().collect();
            additionals.extend(missing);
        }
    }
    Answer {
        code: ResponseCode::NoError,
        authoritative: true,
        answers,
        authorities: Vec::new(),
        additionals,
    }
}

/// That there is nothing, and for how long that may be believed. Source: RFC 2308 3.
fn nothing(zone: &Zone, code: ResponseCode) -> Answer {
    let soa = zone.soa().map(|(record, soa)| {
        let mut record = record.clone();
        record.ttl = record.ttl.min(soa.minimum);
        record
    });
    Answer {
        code,
        authoritative: true,
        answers: Vec::new(),
        authorities: soa.into_iter().collect(),
        additionals: Vec::new(),
    }
}

/// What was asked for moved behind an alias; `None` where there is nothing to move.
fn aliased(zone: &Zone, asked: &Name, kind: RecordType, fault: Fault) -> Option<Answer> {
    let alias_to = |target: Name| {
        let record = Record::from_rdata(asked.clone(), TTL, RData::CNAME(CNAME(target)));
        // Without an SOA: that would say that there is nothing at the alias. Source: RFC 2308 2.2.
        with(zone, vec![record])
    };
    let behind = asked.iter().next() == Some(ALIAS.as_bytes());
    if !behind {
        zone.set(asked, kind).next()?;
        return asked.prepend_label(ALIAS).ok().map(alias_to);
    }
    let real = asked.base_name();
    if fault == Fault::CnameLoop {
        return Some(alias_to(real));
    }
    let renamed = |record: &Record| {
        let mut record = record.clone();
        record.name = asked.clone();
        record
    };
    let moved: Vec<Record> = zone.set(&real, kind).map(renamed).collect();
    (!moved.is_empty()).then(|| with(zone, moved))
}
