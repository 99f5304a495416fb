//! What the tests of the client share: an organisation in memory, whose hosts are reached by name.

use std::collections::BTreeMap;

use kmspec_model::client::{Client, Edition, Machine, Outcome, Srv, Step, Suffixes};
use kmspec_model::{Connection, Host, Settings};
use kmspec_wire::filetime::FileTime;

/// The time of the tests: 2026-11-22.
pub(crate) const NOW: FileTime = FileTime(134_398_416_170_000_000);

/// Hosts by address, and a zone.
#[derive(Default)]
pub(crate) struct Organisation {
    pub(crate) hosts: BTreeMap<String, Host>,
    pub(crate) zone: BTreeMap<String, Vec<Srv>>,
}

impl Organisation {
    /// One host, published under `corp.test`.
    pub(crate) fn with_host(settings: Settings) -> Self {
        let mut organisation = Self::default();
        let hosts = &mut organisation.hosts;
        hosts.insert("kms.corp.test:1688".to_owned(), Host::new(settings));
        organisation.publish("corp.test", &[("kms.corp.test", 0, 0)]);
        organisation
    }

    /// Puts records (target, priority, weight) into a zone.
    pub(crate) fn publish(&mut self, suffix: &str, records: &[(&str, u16, u16)]) {
        let records = records.iter().map(|&(target, priority, weight)| Srv {
            priority,
            weight,
            port: 1688,
            target: target.to_owned(),
        });
        let name = format!("_vlmcs._tcp.{suffix}");
        self.zone.insert(name, records.collect());
    }

    /// Has a client activate, and writes down what it looked up and whom it asked.
    pub(crate) fn activate(
        &mut self,
        client: &mut Client,
        now: FileTime,
    ) -> (Outcome, Vec<String>) {
        let mut activation = client.activate(now).unwrap();
        let mut steps = Vec::new();
        loop {
            match activation.step() {
                Step::Lookup(name) => {
                    match self.zone.get(&name) {
                        Some(records) => activation.found(records),
                        None => activation.failed("no such name"),
                    }
                    steps.push(name);
                }
                Step::Connect(host) => {
                    let host = host.to_string();
                    match self.hosts.get_mut(&host) {
                        None => activation.failed("connection refused"),
                        Some(host) => {
                            let mut connection = Connection::open(host, now, 1688);
                            let (mut asked, mut answered) = (Vec::new(), Vec::new());
                            activation.connected(&mut asked);
                            loop {
                                let next = connection.receive(host, now, &asked, &mut answered);
                                asked.clear();
                                if !activation.receive(&std::mem::take(&mut answered), &mut asked) {
                                    break;
                                }
                                if !next.is_open() || asked.is_empty() {
                                    let why = format!("silent before {}", activation.waits_for());
                                    activation.failed(why);
                                    break;
                                }
                            }
                            connection.end(host);
                        }
                    }
                    steps.push(host);
                }
                Step::GiveUp => return (client.conclude(now, activation), steps),
            }
        }
    }
}

/// A client of this edition in `corp.test`, whose identity follows from the number.
pub(crate) fn client(edition: &str, number: u64) -> Client {
    let edition = Edition::named(edition).unwrap();
    let mut client = Client::new(Machine::of(edition), NOW, number);
    client.set_suffixes(Suffixes {
        primary: Some("corp.test".to_owned()),
        ..Suffixes::default()
    });
    client
}

/// Later by so many days.
pub(crate) fn days(count: u64) -> FileTime {
    NOW.plus(count * FileTime::DAY)
}

/// Later by so many minutes.
pub(crate) fn minutes(count: u64) -> FileTime {
    NOW.plus(count * FileTime::MINUTE)
}
