//! Dynamic updates. Source: RFC 2136.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordData, RecordType};

use crate::zone::{MOST_RECORDS, Zone};

/// What became of an update, and what it changed, a line each.
pub(crate) type Outcome = Result<Vec<String>, ResponseCode>;

/// Does what an update says, whole or not at all.
pub(crate) fn update(zones: &mut [Zone], message: &Message) -> Outcome {
    let zone = match message.queries.as_slice() {
        [zone] if zone.query_type() == RecordType::SOA => zone,
        _ => return Err(ResponseCode::FormErr),
    };
    let origin = zone.name();
    let known = zones
        .iter_mut()
        .find(|known| known.origin().eq_ignore_root(origin));
    let zone = known
        .filter(|_| zone.query_class() == DNSClass::IN)
        .ok_or(ResponseCode::NotAuth)?;
    prerequisites(zone, &message.answers)?;
    for record in &message.authorities {
        scan(zone, record)?;
    }
    let mut changed = zone.clone();
    let mut changes = Vec::new();
    for record in &message.authorities {
        changes.extend(apply(&mut changed, record));
        if changed.len() > MOST_RECORDS {
            return Err(ResponseCode::ServFail);
        }
    }
    if changes.is_empty() {
        return Ok(changes);
    }
    if changed.serial() == zone.serial() {
        changed.raise_serial();
    }
    *zone = changed;
    Ok(changes)
}

/// Whether all that must be so is so. Source: RFC 2136 3.2.
fn prerequisites(zone: &Zone, records: &[Record]) -> Result<(), ResponseCode> {
    let mut exact: Vec<&Record> = Vec::new();
    for record in records {
        let name = &record.name;
        if record.ttl != 0 {
            return Err(ResponseCode::FormErr);
        }
        if !zone.contains(name) {
            return Err(ResponseCode::NotZone);
        }
        let any = record.record_type() == RecordType::ANY;
        let in_use = !zone.at(name).is_empty();
        let there = zone.set(name, record.record_type()).next().is_some();
        match (record.dns_class, record.data.is_update(), any) {
            (DNSClass::ANY, true, true) if !in_use => return Err(ResponseCode::NXDomain),
            (DNSClass::ANY, true, false) if !there => return Err(ResponseCode::NXRRSet),
            (DNSClass::NONE, true, true) if in_use => return Err(ResponseCode::YXDomain),
            (DNSClass::NONE, true, false) if there => return Err(ResponseCode::YXRRSet),
            (DNSClass::ANY | DNSClass::NONE, true, _) => {}
            (DNSClass::IN, false, false) => exact.push(record),
            _ => return Err(ResponseCode::FormErr),
        }
    }
    let same_set = |a: &Record, b: &Record| a.name == b.name && a.record_type() == b.record_type();
    let listed = |record: &Record| exact.iter().any(|other| same(record, other));
    for record in &exact {
        let there = || zone.set(&record.name, record.record_type());
        let wanted = exact.iter().filter(|other| same_set(record, other));
        let all_there = wanted
            .clone()
            .all(|other| there().any(|have| same(have, other)));
        if !all_there || !there().all(listed) {
            return Err(ResponseCode::NXRRSet);
        }
    }
    Ok(())
}

/// The same record, its time to live aside. Source: RFC 2136 1.1.1.
fn same(one: &Record, other: &Record) -> bool {
    one.name == other.name && one.data == other.data
}

/// Whether a change can be made at all. Source: RFC 2136 3.4.1.
fn scan(zone: &Zone, record: &Record) -> Result<(), ResponseCode> {
    if !zone.contains(&record.name) {
        return Err(ResponseCode::NotZone);
    }
    let kind = record.record_type();
    let any = kind == RecordType::ANY;
    let fits = match record.dns_class {
        DNSClass::IN => !record.data.is_update() && !is_meta(kind),
        DNSClass::ANY => record.ttl == 0 && record.data.is_update() && (any || !is_meta(kind)),
        DNSClass::NONE => record.ttl == 0 && !record.data.is_update() && !is_meta(kind),
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(ResponseCode::FormErr)
    }
}

/// Types that ask or transfer and are never held. Source: RFC 6895 3.1.
fn is_meta(kind: RecordType) -> bool {
    let number = u16::from(kind);
    kind == RecordType::OPT || number == 0 || (128..=255).contains(&number)
}

/// Makes a change; a line about it if it made a difference. Source: RFC 2136 3.4.2.
fn apply(zone: &mut Zone, record: &Record) -> Option<String> {
    let apex = record.name.eq_ignore_root(zone.origin());
    let kind = record.record_type();
    // What a zone cannot be without.
    let kept = |old: &Record| apex && matches!(old.record_type(), RecordType::SOA | RecordType::NS);
    match record.dns_class {
        DNSClass::IN => add(zone, record, apex),
        DNSClass::ANY => {
            let goes =
                |old: &Record| (kind == RecordType::ANY || old.record_type() == kind) && !kept(old);
            let gone = zone.remove(&record.name, goes);
            (gone > 0).then(|| format!("delete {} {kind}", record.name))
        }
        _ => {
            let name: &Name = &record.name;
            let last = kind == RecordType::NS && apex && zone.set(name, kind).count() == 1;
            let goes = |old: &Record| old.data == record.data && kind != RecordType::SOA && !last;
            let gone = zone.remove(name, goes);
            (gone > 0).then(|| format!("delete {name} {kind} {}", record.data))
        }
    }
}

fn add(zone: &mut Zone, record: &Record, apex: bool) -> Option<String> {
    let kind = record.record_type();
    let alias = |old: &Record| old.record_type() == RecordType::CNAME;
    let clash = |old: &Record| alias(old) != (kind == RecordType::CNAME);
    if zone.at(&record.name).iter().any(clash) {
        return None;
    }
    if let RData::SOA(soa) = &record.data
        && !(apex && newer(soa.serial, zone.serial()))
    {
        return None;
    }
    let there = |old: &Record| old.data == record.data && old.ttl == record.ttl;
    if zone.at(&record.name).iter().any(there) {
        return None;
    }
    zone.put(record.clone());
    Some(format!(
        "add {} {} {kind} {}",
        record.name, record.ttl, record.data
    ))
}

/// Whether a serial number is later than another. Source: RFC 1982 3.2.
const fn newer(serial: u32, than: u32) -> bool {
    let ahead = serial.wrapping_sub(than);
    ahead != 0 && ahead < 1 << 31
}
