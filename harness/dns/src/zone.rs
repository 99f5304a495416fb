//! What a zone holds.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use hickory_proto::rr::rdata::{A, NS, SOA};
use hickory_proto::rr::{LowerName, Name, RData, Record, RecordType};

use crate::record::{self, RecordError, TTL};
use crate::srv::Srv;

/// Most records of a zone: what updates can make of it stays small.
pub const MOST_RECORDS: usize = 4096;

/// One zone: an origin, and records at names below it. Names are compared without regard to case.
#[derive(Clone, Debug)]
pub struct Zone {
    origin: Name,
    nodes: BTreeMap<LowerName, Vec<Record>>,
    len: usize,
}

impl Zone {
    /// A zone with its SOA, a name server `ns` on 127.0.0.1, and nothing else.
    ///
    /// # Errors
    /// The origin is not a domain name, or too long to have names below it.
    pub fn new(origin: &str) -> Result<Self, RecordError> {
        let origin = record::name(origin)?;
        let server = record::name_in("ns", &origin)?;
        let person = record::name_in("hostmaster", &origin)?;
        let soa = SOA::new(server.clone(), person, 1, 3600, 600, 86_400, 60);
        let mut zone = Self {
            origin: origin.clone(),
            nodes: BTreeMap::new(),
            len: 0,
        };
        zone.put(Record::from_rdata(origin.clone(), TTL, RData::SOA(soa)));
        zone.put(Record::from_rdata(
            origin,
            TTL,
            RData::NS(NS(server.clone())),
        ));
        zone.put(Record::from_rdata(
            server,
            TTL,
            RData::A(A(Ipv4Addr::LOCALHOST)),
        ));
        Ok(zone)
    }

    /// The name of its apex.
    pub const fn origin(&self) -> &Name {
        &self.origin
    }

    /// Whether a name is in it.
    pub fn contains(&self, name: &Name) -> bool {
        self.origin.zone_of(name)
    }

    /// Its serial number, which each update raises.
    pub fn serial(&self) -> u32 {
        self.soa().map_or(0, |(_, soa)| soa.serial)
    }

    /// Adds the record that a line means: `NAME [TTL] [IN] TYPE DATA`; names that do not end in a dot are below the origin.
    ///
    /// # Errors
    /// It is not a record, or cannot be added.
    pub fn add_line(&mut self, line: &str) -> Result<(), RecordError> {
        let record = record::record(line, &self.origin)?;
        self.add(record)
    }

    /// Adds a record; one that is there already gets the new time to live.
    ///
    /// # Errors
    /// It is outside the zone, would stand beside a CNAME, or the zone is full.
    pub fn add(&mut self, record: Record) -> Result<(), RecordError> {
        let name = &record.name;
        if !self.contains(name) {
            return Err(RecordError::OutsideZone(name.to_string()));
        }
        let alias = record.record_type() == RecordType::CNAME;
        let clash = |other: &Record| (other.record_type() == RecordType::CNAME) != alias;
        if self.at(name).iter().any(clash) {
            return Err(RecordError::Alias(name.to_string()));
        }
        if self.len >= MOST_RECORDS {
            return Err(RecordError::Full(MOST_RECORDS));
        }
        self.put(record);
        Ok(())
    }

    /// All records, in the order of their names.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.nodes.values().flatten()
    }

    /// What the SRV records at a name say, `name` being below the origin unless it ends in a dot.
    pub fn srv(&self, name: &str) -> Vec<Srv> {
        let name = record::name_in(name, &self.origin);
        let records = name.map(|name| self.at(&name).iter().filter_map(Srv::of).collect());
        records.unwrap_or_default()
    }

    /// The records at a name.
    pub(crate) fn at(&self, name: &Name) -> &[Record] {
        self.nodes
            .get(&LowerName::new(name))
            .map_or(&[], Vec::as_slice)
    }

    /// The records of a type at a name.
    pub(crate) fn set(&self, name: &Name, kind: RecordType) -> impl Iterator<Item = &Record> {
        self.at(name)
            .iter()
            .filter(move |record| record.record_type() == kind)
    }

    /// Whether names are there below this one, so that it exists although it has no records.
    pub(crate) fn has_below(&self, name: &Name) -> bool {
        self.nodes.keys().any(|key| name.zone_of(key))
    }

    /// Its SOA record and what that says.
    pub(crate) fn soa(&self) -> Option<(&Record, &SOA)> {
        self.at(&self.origin)
            .iter()
            .find_map(|record| match &record.data {
                RData::SOA(soa) => Some((record, soa)),
                _ => None,
            })
    }

    /// Puts a record where it belongs, in the place of an equal one. CNAME and SOA are alone of their kind.
    pub(crate) fn put(&mut self, record: Record) {
        let node = self.nodes.entry(LowerName::new(&record.name)).or_default();
        let kind = record.record_type();
        let single = matches!(kind, RecordType::CNAME | RecordType::SOA);
        let same =
            |old: &&mut Record| old.data == record.data || (single && old.record_type() == kind);
        if let Some(old) = node.iter_mut().find(same) {
            *old = record;
        } else {
            node.push(record);
            self.len = self.len.saturating_add(1);
        }
    }

    /// Removes what is to go of a name; how many records that were.
    pub(crate) fn remove(&mut self, name: &Name, goes: impl Fn(&Record) -> bool) -> usize {
        let key = LowerName::new(name);
        let Some(node) = self.nodes.get_mut(&key) else {
            return 0;
        };
        let before = node.len();
        node.retain(|record| !goes(record));
        let gone = before.saturating_sub(node.len());
        if node.is_empty() {
            self.nodes.remove(&key);
        }
        self.len = self.len.saturating_sub(gone);
        gone
    }

    /// How many records there are.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Raises the serial number. Source: RFC 1982, RFC 2136 3.7.
    pub(crate) fn raise_serial(&mut self) {
        let Some((record, soa)) = self.soa() else {
            return;
        };
        let mut soa = soa.clone();
        // Zero is left out: some take it for "no serial".
        soa.serial = soa.serial.wrapping_add(1).max(1);
        let raised = Record::from_rdata(record.name.clone(), record.ttl, RData::SOA(soa));
        self.put(raised);
    }
}
