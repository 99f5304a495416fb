use kmspec_slmgr::{HostName, RegisteredHost};

use super::address::HostAddress;
use crate::seed::Seed;

/// An SRV record. Source: RFC 2782.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Srv {
    /// Lower ones are tried first.
    pub priority: u16,
    /// Among equals, how likely it is the first.
    pub weight: u16,
    /// TCP port.
    pub port: u16,
    /// Name of the machine; `.` says that the service is decidedly not there.
    pub target: String,
}

/// The hosts of these records in the order to try them: by priority, weighted at random among equals. Source: RFC 2782,
/// usage rules.
///
/// Records with nothing to connect to (target `.`, port 0, or a name that is none) are left out.
pub fn in_order(records: &[Srv], seed: u64) -> Vec<HostAddress> {
    ordered(records, &mut Seed::client(seed))
}

/// The same with a generator that goes on.
pub(in crate::client) fn ordered(records: &[Srv], seed: &mut Seed) -> Vec<HostAddress> {
    let mut left: Vec<(&Srv, HostAddress)> = records.iter().filter_map(usable).collect();
    // Weight 0 stands first among equals, so that it has its small chance; what came first stays first.
    left.sort_by_key(|(record, _)| (record.priority, record.weight != 0));
    let mut hosts = Vec::with_capacity(left.len());
    while let Some((first, _)) = left.first() {
        let priority = first.priority;
        let equals = left
            .iter()
            .take_while(|(record, _)| record.priority == priority);
        let sum = equals.map(|(record, _)| u32::from(record.weight)).sum();
        let chosen = seed.up_to(sum);
        let mut running = 0u32;
        let place = left.iter().position(|(record, _)| {
            running = running.saturating_add(record.weight.into());
            running >= chosen
        });
        let (_, host) = left.remove(place.unwrap_or(0));
        hosts.push(host);
    }
    hosts
}

/// The host of a record, if there is anything to connect to.
pub(in crate::client) fn usable(record: &Srv) -> Option<(&Srv, HostAddress)> {
    let target: RegisteredHost = record.target.parse().ok()?;
    let host = match target.name {
        HostName::Name(name) if target.port.is_none() => {
            HostName::Name(name.trim_end_matches('.').to_owned())
        }
        // A record names a machine; its address stands elsewhere.
        HostName::Name(_) | HostName::Address(_) => return None,
    };
    let port = record.port;
    (port != 0).then_some((record, HostAddress { host, port }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(priority: u16, weight: u16, target: &str) -> Srv {
        let target = target.to_owned();
        Srv {
            priority,
            weight,
            port: 1688,
            target,
        }
    }

    fn names(records: &[Srv], seed: u64) -> String {
        let hosts = in_order(records, seed);
        let names: Vec<_> = hosts.iter().map(|host| host.host.to_string()).collect();
        names.join(" ")
    }

    #[test]
    fn the_lowest_priority_comes_first_whatever_the_weights() {
        let records = [
            record(20, 65_535, "c.test"),
            record(0, 0, "a.test"),
            record(10, 1, "b.test"),
        ];
        for seed in 0..50 {
            assert_eq!(names(&records, seed), "a.test b.test c.test");
        }
    }

    #[test]
    fn weights_decide_how_often_an_equal_comes_first() {
        let records = [
            record(0, 60, "a.test"),
            record(0, 30, "b.test"),
            record(0, 10, "c.test"),
            record(0, 0, "d.test"),
        ];
        let mut first = [0u32; 4];
        for seed in 0..10_000 {
            let names = names(&records, seed);
            let place = ["a", "b", "c", "d"]
                .iter()
                .position(|letter| names.starts_with(letter));
            first[place.unwrap()] += 1;
            assert_eq!(names.split(' ').count(), 4, "every host is there: {names}");
        }
        let [a, b, c, d] = first;
        assert!(
            (5_700..6_200).contains(&a) && (2_750..3_250).contains(&b),
            "{first:?}"
        );
        assert!(
            (850..1_150).contains(&c) && (20..250).contains(&d),
            "{first:?}"
        );
    }

    #[test]
    fn records_that_lead_nowhere_are_left_out() {
        let mut portless = record(0, 0, "a.test");
        portless.port = 0;
        let records = [
            portless,
            record(0, 0, "."),
            record(0, 0, "b.test."),
            record(0, 0, "c test"),
        ];
        assert_eq!(names(&records, 1), "b.test");
        assert_eq!(names(&[], 1), "");
    }

    #[test]
    fn the_same_seed_gives_the_same_order() {
        let records: Vec<_> = (0..20)
            .map(|n| record(n / 7, n, &format!("h{n}.test")))
            .collect();
        assert_eq!(names(&records, 3), names(&records, 3));
        assert_ne!(names(&records, 3), names(&records, 4));
    }
}
