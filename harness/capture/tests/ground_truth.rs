//! Every capture decodes to what an independent decoder read out of it.

use std::collections::{BTreeMap, BTreeSet};

use kmspec_capture::summary::Summary;
use kmspec_capture::tcp::Limits;
use kmspec_capture::view::{ExchangeView, Item, decode};
use kmspec_captures::{Capture, Expected};
use kmspec_wire::keys::KeySet;
use kmspec_wire::pdu::PduType;
use serde_json::Value;

const TRUTH: &str = include_str!("../../../captures/decoded.jsonl");

/// Which exchange of a capture: stream and call.
type Place = (u64, u64);

fn decoded(capture: &Capture) -> (Vec<ExchangeView>, Summary) {
    let mut exchanges = Vec::new();
    let keys = KeySet::lab();
    let each = |item| {
        if let Item::Exchange(exchange) = item {
            exchanges.push(*exchange);
        }
    };
    let limits = Limits::default();
    let outcome = decode(capture.file, capture.bytes, limits, Some(&keys), each);
    assert!(
        outcome.damage.is_none(),
        "{}: {:?}",
        capture.file,
        outcome.damage
    );
    (exchanges, outcome.summary)
}

fn place(exchange: &Value) -> Place {
    let number = |key: &str| exchange[key].as_u64().unwrap();
    (number("stream"), number("call"))
}

fn truth() -> BTreeMap<String, BTreeMap<Place, Value>> {
    let mut files = BTreeMap::<_, BTreeMap<_, _>>::new();
    for line in TRUTH.lines() {
        let exchange: Value = serde_json::from_str(line).unwrap();
        let file = exchange["file"].as_str().unwrap().to_owned();
        let calls = files.entry(file).or_default();
        assert!(calls.insert(place(&exchange), exchange).is_none());
    }
    files
}

/// Every key of `wanted` is in `got` with the same value; maps of facts have no further keys.
fn same(got: &Value, wanted: &Value, path: &str) {
    let (Value::Object(got), Value::Object(wanted)) = (got, wanted) else {
        assert_eq!(got, wanted, "{path}");
        return;
    };
    for (key, value) in wanted {
        // What the independent decoder's language says of a stub too short to read; ours says it in its own words.
        if path.matches('/').count() == 1 && key == "error" {
            assert!(got[key].is_string(), "{path}");
            continue;
        }
        let path = format!("{path}/{key}");
        same(
            got.get(key).unwrap_or_else(|| panic!("no {path}")),
            value,
            &path,
        );
    }
    if path.matches('/').count() > 1 {
        let keys = |map: &serde_json::Map<_, _>| map.keys().cloned().collect::<BTreeSet<String>>();
        assert_eq!(keys(got), keys(wanted), "{path}");
    }
}

#[test]
fn every_exchange_equals_that_of_the_independent_decoder_field_by_field() {
    let truth = truth();
    let mut compared = 0;
    for capture in kmspec_captures::all() {
        let (exchanges, _) = decoded(capture);
        let Some(wanted) = truth.get(capture.file) else {
            assert!(capture.facts.truncated, "{}", capture.file);
            continue;
        };
        let mut found = BTreeSet::new();
        for exchange in &exchanges {
            let got = serde_json::to_value(exchange).unwrap();
            let place = place(&got);
            let path = format!("{}/{}.{}", capture.file, place.0, place.1);
            let wanted = wanted
                .get(&place)
                .unwrap_or_else(|| panic!("{path} is too much"));
            same(&got, wanted, &path);
            assert!(found.insert(place), "{path} came twice");
            compared += 1;
        }
        assert_eq!(found.len(), wanted.len(), "{}", capture.file);
    }
    assert_eq!(compared, TRUTH.lines().count());
}

#[test]
fn every_count_equals_the_manifest() {
    for capture in kmspec_captures::all() {
        let (_, summary) = decoded(capture);
        let facts = capture.facts;
        let file = capture.file;
        assert_eq!(summary.packets, facts.packets, "{file}");
        assert_eq!(summary.tcp_connections, facts.tcp_connections, "{file}");
        // Of a truncated capture the manifest counts the headers of the responses: their bodies are not in it.
        let exchanges = if facts.truncated {
            summary.responses
        } else {
            summary.exchanges
        };
        assert_eq!(exchanges, facts.exchanges, "{file}");
        let named = |(&ptype, &count): (&u8, &u64)| {
            let name = PduType(ptype).name().unwrap().to_lowercase();
            (name, count)
        };
        let pdus: BTreeMap<_, _> = summary.pdus.iter().map(named).collect();
        assert_eq!(pdus, facts.pdus, "{file}");
        assert_eq!(summary.cut_packets > 0, facts.truncated, "{file}");
    }
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.collect::<BTreeSet<_>>().into_iter().collect()
}

fn tally<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u64> {
    let mut counts = BTreeMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

#[test]
fn every_expected_fact_of_the_manifest_is_found() {
    for capture in kmspec_captures::all().iter().filter(|c| !c.facts.truncated) {
        let (exchanges, _) = decoded(capture);
        let file = capture.file;
        let wanted: &Expected = &capture.facts.expected;
        let responses = || exchanges.iter().filter_map(|e| e.response.as_ref());
        let epids = distinct(responses().map(|r| r.epid.clone()));
        match wanted.distinct_epids {
            Some(number) => assert_eq!(epids.len() as u64, number, "{file}"),
            None => assert_eq!(epids, wanted.epids, "{file}"),
        }
        assert_eq!(
            distinct(responses().filter_map(|r| r.hwid.clone())),
            wanted.hwids,
            "{file}"
        );
        let activation = distinct(responses().map(|r| r.activation_interval));
        assert_eq!(activation, wanted.activation_intervals, "{file}");
        let renewal = distinct(responses().map(|r| r.renewal_interval));
        assert_eq!(renewal, wanted.renewal_intervals, "{file}");
        if !wanted.counts.is_empty() {
            assert_eq!(
                distinct(responses().map(|r| r.count)),
                wanted.counts,
                "{file}"
            );
        }
        if !wanted.counts_in_order.is_empty() {
            let counts: Vec<_> = responses().map(|r| r.count).collect();
            assert_eq!(counts, wanted.counts_in_order, "{file}");
        }
        let first = responses().next().map(|r| r.count);
        assert_eq!(wanted.count_first.or(first), first, "{file}");
        let last = responses().next_back().map(|r| r.count);
        assert_eq!(wanted.count_last.or(last), last, "{file}");
        let hresults = tally(
            exchanges
                .iter()
                .filter_map(|e| e.hresult)
                .filter(|&code| code != 0),
        );
        let codes = wanted.hresults.iter().map(|(code, &count)| (code.0, count));
        assert_eq!(hresults, codes.collect(), "{file}");
        let faults = tally(exchanges.iter().filter_map(|e| e.fault));
        let codes = wanted.faults.iter().map(|(code, &count)| (code.0, count));
        assert_eq!(faults, codes.collect(), "{file}");
        let verified = exchanges
            .iter()
            .filter(|e| e.verified == Some(true))
            .count() as u64;
        assert_eq!(
            wanted.verified_calls.unwrap_or(verified),
            verified,
            "{file}"
        );
        let syntaxes = tally(exchanges.iter().map(|e| e.rpc.syntax.to_owned()));
        assert_eq!(syntaxes, wanted.transfer_syntaxes, "{file}");
    }
}
