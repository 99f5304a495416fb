//! Figures as the master wants them: what came since the last time, by name.

use std::collections::BTreeMap;

use rmpv::Value;

use super::message::map;
use crate::measure::{ErrorClass, Latencies};
use crate::num::float;

/// What all requests are, in the master's column of types.
pub(crate) const METHOD: &str = "KMS";

/// Figures of one name since the last report.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    requests: u64,
    failures: u64,
    /// Requests that were answered, in nanoseconds.
    latencies: Latencies,
    octets: u64,
    /// When the figures begin, in seconds since 1970-01-01 UTC.
    began: f64,
    last: Option<f64>,
    requests_by_second: BTreeMap<u64, u64>,
    failures_by_second: BTreeMap<u64, u64>,
    errors: BTreeMap<ErrorClass, u64>,
}

impl Entry {
    pub(crate) fn new(now: f64) -> Self {
        Self {
            requests: 0,
            failures: 0,
            latencies: Latencies::new(),
            octets: 0,
            began: now,
            last: None,
            requests_by_second: BTreeMap::new(),
            failures_by_second: BTreeMap::new(),
            errors: BTreeMap::new(),
        }
    }

    /// A request ended: after so many nanoseconds, or in an error.
    pub(crate) fn ended(&mut self, now: f64, outcome: Result<u64, ErrorClass>) {
        let second = crate::num::count(now);
        self.requests += 1;
        self.last = Some(now);
        *self.requests_by_second.entry(second).or_default() += 1;
        match outcome {
            Ok(nanos) => self.latencies.record(nanos),
            Err(class) => {
                self.failures += 1;
                *self.failures_by_second.entry(second).or_default() += 1;
                *self.errors.entry(class).or_default() += 1;
            }
        }
    }

    /// Octets came.
    pub(crate) fn received(&mut self, octets: usize) {
        self.octets += crate::num::wide(octets);
    }

    fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.failures += other.failures;
        self.latencies.add(&other.latencies);
        self.octets += other.octets;
        self.began = self.began.min(other.began);
        self.last = self.last.into_iter().chain(other.last).reduce(f64::max);
        for (own, others) in [
            (&mut self.requests_by_second, &other.requests_by_second),
            (&mut self.failures_by_second, &other.failures_by_second),
        ] {
            for (second, count) in others {
                *own.entry(*second).or_default() += count;
            }
        }
    }

    fn value(&self, name: &str, method: &str) -> Value {
        let ms = |nanos: f64| Value::from(nanos / 1e6);
        let some = self.latencies.count() > 0;
        let seconds = |counts: &BTreeMap<u64, u64>| {
            Value::Map(
                counts
                    .iter()
                    .map(|(second, count)| ((*second).into(), (*count).into()))
                    .collect(),
            )
        };
        // Several values of ours may round to one.
        let mut times: BTreeMap<u64, u64> = BTreeMap::new();
        for (nanos, count) in self.latencies.recorded() {
            *times.entry(rounded(nanos)).or_default() += count;
        }
        let times = times
            .iter()
            .map(|(nanos, count)| (ms(float(*nanos)), (*count).into()));
        map([
            ("name", name.into()),
            ("method", method.into()),
            ("num_requests", self.requests.into()),
            ("num_failures", self.failures.into()),
            // An error has no time; it must not count as one of 0 ms.
            ("num_none_requests", self.failures.into()),
            ("start_time", self.began.into()),
            (
                "last_request_timestamp",
                self.last.map_or(Value::Nil, Value::from),
            ),
            (
                "total_response_time",
                ms(self.latencies.mean() * float(self.latencies.count())),
            ),
            (
                "min_response_time",
                if some {
                    ms(float(self.latencies.min()))
                } else {
                    Value::Nil
                },
            ),
            ("max_response_time", ms(float(self.latencies.max()))),
            ("total_content_length", self.octets.into()),
            ("response_times", Value::Map(times.collect())),
            ("num_reqs_per_sec", seconds(&self.requests_by_second)),
            ("num_fail_per_sec", seconds(&self.failures_by_second)),
        ])
    }
}

/// Nanoseconds to two digits and never under a microsecond, as a bucket of the master's: half of what it rounds to itself.
fn rounded(nanos: u64) -> u64 {
    let mut step = 1000;
    while nanos / step >= 100 {
        step *= 10;
    }
    (nanos + step / 2) / step * step
}

/// The data of a `stats` message.
pub(crate) fn report(
    entries: &BTreeMap<String, Entry>,
    users: &BTreeMap<String, usize>,
    now: f64,
) -> Value {
    let some = || entries.iter().filter(|(_, entry)| entry.requests > 0);
    let mut total = Entry::new(now);
    some().for_each(|(_, entry)| total.add(entry));
    let stats = some()
        .map(|(name, entry)| entry.value(name, METHOD))
        .collect();
    let errors = some().flat_map(|(name, entry)| {
        entry.errors.iter().map(move |(class, count)| {
            let error = map([
                ("name", name.as_str().into()),
                ("method", METHOD.into()),
                ("error", class.meaning().into()),
                ("occurrences", (*count).into()),
            ]);
            (format!("{METHOD}.{name}.{}", class.name()).into(), error)
        })
    });
    let counts = users
        .iter()
        .map(|(class, count)| (class.as_str().into(), crate::num::wide(*count).into()));
    map([
        ("stats", Value::Array(stats)),
        ("stats_total", total.value("Aggregated", "")),
        ("errors", Value::Map(errors.collect())),
        ("user_classes_count", Value::Map(counts.collect())),
        ("user_count", crate::num::wide(users.values().sum()).into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get<'v>(value: &'v Value, key: &str) -> &'v Value {
        let map = value.as_map().unwrap();
        &map.iter()
            .find(|(name, _)| name.as_str() == Some(key))
            .unwrap()
            .1
    }

    #[test]
    fn a_report_is_what_came_since_the_last() {
        let mut entry = Entry::new(100.0);
        for (at, outcome) in [
            (100.2, Ok(250_000)),
            (101.1, Ok(12_345_678)),
            (101.9, Err(ErrorClass::Timeout)),
        ] {
            entry.ended(at, outcome);
        }
        entry.received(600);
        let entries = [
            ("v6".to_owned(), entry),
            ("v4".to_owned(), Entry::new(100.0)),
        ]
        .into();
        let users = [("Kms".to_owned(), 3)].into();
        let value = report(&entries, &users, 103.0);
        let stats = get(&value, "stats").as_array().unwrap();
        assert_eq!(stats.len(), 1, "a name without requests is none");
        assert_eq!(get(&stats[0], "name").as_str(), Some("v6"));
        for (key, expected) in [
            ("num_requests", 3),
            ("num_failures", 1),
            ("num_none_requests", 1),
            ("total_content_length", 600),
        ] {
            assert_eq!(get(&stats[0], key).as_u64(), Some(expected), "{key}");
        }
        let times = get(&stats[0], "response_times").as_map().unwrap();
        assert_eq!(times[0], (0.25.into(), 1.into()));
        assert_eq!(times[1], (12.0.into(), 1.into()));
        let seconds = get(&stats[0], "num_reqs_per_sec").as_map().unwrap();
        assert_eq!(
            seconds[..],
            [(100.into(), 1.into()), (101.into(), 2.into())]
        );
        assert_eq!(
            get(get(&value, "stats_total"), "name").as_str(),
            Some("Aggregated")
        );
        let errors = get(&value, "errors").as_map().unwrap();
        assert_eq!(get(&errors[0].1, "occurrences").as_u64(), Some(1));
        assert_eq!(get(&value, "user_count").as_u64(), Some(3));
    }

    #[test]
    fn without_requests_nothing_poisons_the_masters_minimum() {
        let value = report(&BTreeMap::new(), &BTreeMap::new(), 5.0);
        let total = get(&value, "stats_total");
        assert_eq!(get(total, "min_response_time"), &Value::Nil);
        assert_eq!(get(total, "last_request_timestamp"), &Value::Nil);
        for key in ["stats", "errors", "user_classes_count"] {
            assert!(
                get(&value, key).is_array() || get(&value, key).is_map(),
                "{key}"
            );
        }
    }

    #[test]
    fn buckets_have_two_digits() {
        for (nanos, expected) in [
            (0, 0),
            (499, 0),
            (501, 1000),
            (99_400, 99_000),
            (123_456, 120_000),
            (1_260_000_000, 1_300_000_000),
        ] {
            assert_eq!(rounded(nanos), expected, "{nanos}");
        }
    }
}
