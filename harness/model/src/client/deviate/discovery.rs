//! Faults of the search for a host.

use std::cmp::Reverse;
use std::collections::VecDeque;

use crate::client::discovery::{Discovery, HostAddress, SERVICE, Srv, Suffixes, ordered, usable};
use crate::client::fault::{Fault, Faults};
use crate::client::licence::Licence;
use crate::seed::Seed;

/// The service that nobody publishes.
const OTHER_SERVICE: &str = "_kms._tcp";
/// The port that is taken whatever is said.
const USUAL_PORT: u16 = 1688;

/// What a machine believes to know of hosts.
pub(in crate::client) fn known(
    faults: Faults,
    licence: &Licence,
    discovery: &Discovery,
) -> Discovery {
    let mut known = discovery.clone();
    let failed_before = licence.last.is_some_and(|last| !last.activated);
    let never_again = (faults.has(Fault::LooksOnce) && known.cached.is_some())
        || (faults.has(Fault::DnsFailureRemembered) && failed_before);
    if never_again {
        known.suffixes = Suffixes::default();
    }
    if faults.has(Fault::LastHostForgotten) {
        known.cached = None;
    }
    if faults.has(Fault::PrimarySuffixAlone) {
        known.suffixes.domain = None;
        known.suffixes.dhcp = None;
    }
    known
}

/// Whom to ask at once, and what to look up, by what is known.
pub(in crate::client) fn plan(
    faults: Faults,
    known: &Discovery,
    hosts: &mut VecDeque<HostAddress>,
    queries: &mut VecDeque<String>,
) {
    let others = known.suffixes.queries();
    if known.registered.is_some() && !others.is_empty() {
        if faults.has(Fault::DnsBeatsRegistered) {
            hosts.clear();
        }
        if faults.has(Fault::DnsBeatsRegistered) || faults.has(Fault::RegisteredThenDns) {
            *queries = others.into();
        }
    }
    if faults.has(Fault::DomainFirst) {
        *queries = queries.drain(..).rev().collect();
    }
    if faults.has(Fault::OtherService) {
        for query in queries {
            *query = query.replace(SERVICE, OTHER_SERVICE);
        }
    }
}

/// The hosts of these records in the order to ask them.
pub(in crate::client) fn order(
    faults: Faults,
    records: &[Srv],
    seed: &mut Seed,
) -> Vec<HostAddress> {
    let mut listed: Vec<(&Srv, HostAddress)> = records.iter().filter_map(usable).collect();
    let mut hosts: Vec<HostAddress> = if faults.has(Fault::SrvByList) {
        listed.into_iter().map(|(_, host)| host).collect()
    } else if faults.has(Fault::WeightsIgnored) {
        listed.sort_by_key(|(record, _)| record.priority);
        listed.into_iter().map(|(_, host)| host).collect()
    } else if faults.has(Fault::HeaviestFirst) {
        listed.sort_by_key(|(record, _)| (record.priority, Reverse(record.weight)));
        listed.into_iter().map(|(_, host)| host).collect()
    } else {
        ordered(records, seed)
    };
    if faults.has(Fault::FirstHostAlone) {
        hosts.truncate(1);
    }
    if faults.has(Fault::RecordPortIgnored) {
        for host in &mut hosts {
            host.port = USUAL_PORT;
        }
    }
    hosts
}

/// The host that is registered, by the one that was to be.
pub(in crate::client) fn registered(faults: Faults, host: HostAddress) -> HostAddress {
    let port = if faults.has(Fault::RegisteredPortIgnored) {
        USUAL_PORT
    } else {
        host.port
    };
    HostAddress { port, ..host }
}
