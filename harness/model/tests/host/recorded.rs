//! The recorded requests, asked again: the host decides as the recorded one did.

use std::collections::BTreeMap;

use kmspec_model::{After, Clock, Settings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{HResult, LicenseStatus, ProtocolVersion, RequestBody, WorkstationName};
use kmspec_wire::ndr::TransferSyntax;
use serde_json::Value;

use crate::kit::{Pair, bind};

/// The calls of each recording, in order.
fn recordings() -> BTreeMap<String, Vec<Value>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../captures/decoded.jsonl");
    let mut calls: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let call: Value = serde_json::from_str(line).unwrap();
        calls
            .entry(call["file"].as_str().unwrap().to_owned())
            .or_default()
            .push(call);
    }
    calls
}

fn guid(request: &Value, key: &str) -> Guid {
    request[key].as_str().unwrap().parse().unwrap()
}

fn number(request: &Value, key: &str) -> u32 {
    u32::try_from(request[key].as_u64().unwrap()).unwrap()
}

fn body(request: &Value) -> RequestBody {
    let (major, minor) = request["version"]
        .as_str()
        .unwrap()
        .split_once('.')
        .unwrap();
    RequestBody {
        version: ProtocolVersion {
            major: major.parse().unwrap(),
            minor: minor.parse().unwrap(),
        },
        is_client_vm: number(request, "is_client_vm"),
        license_status: LicenseStatus(number(request, "license_status")),
        binding_expiration: number(request, "grace_minutes"),
        application_id: guid(request, "app_id"),
        activation_id: guid(request, "sku_id"),
        counted_id: guid(request, "kms_id"),
        cmid: guid(request, "cmid"),
        n_policy: number(request, "n_policy"),
        client_time: FileTime(request["client_time"].as_u64().unwrap()),
        previous_cmid: guid(request, "previous_cmid"),
        workstation: WorkstationName::new(request["workstation"].as_str().unwrap()).unwrap(),
    }
}

#[test]
fn recorded_requests_are_decided_as_they_were() {
    let mut decided = 0;
    for (file, calls) in recordings() {
        // Recording 31 shows a host that takes odd calls; others whose clocks are not looked at keep to the time of day.
        if file.starts_with("31") {
            continue;
        }
        let settings = Settings {
            start_count: if file.starts_with("15") { 24 } else { 0 },
            ..Settings::default()
        };
        let mut pair = Pair::with(settings);
        assert_eq!(pair.send(bind().encoded()).after, After::Open);
        for call in calls.iter().filter(|call| call["request"].is_object()) {
            let nanos = call["rpc"]["request_time_ns"].as_u64().unwrap();
            pair.host
                .set_clock(Clock::Fixed(FileTime::from_unix_nanos(nanos)));
            let answer = pair.activate(TransferSyntax::Ndr32, 0, &body(&call["request"]));
            let recorded = HResult(number(call, "hresult"));
            let told = answer.err().unwrap_or(HResult::OK);
            assert_eq!(
                told, recorded,
                "{file} stream {} call {}",
                call["stream"], call["call"]
            );
            let counts = ["14", "15", "16"]
                .iter()
                .any(|number| file.starts_with(number));
            if let (true, Ok(count)) = (counts, answer) {
                assert_eq!(
                    count,
                    number(&call["response"], "count"),
                    "{file} stream {}",
                    call["stream"]
                );
            }
            decided += 1;
        }
    }
    assert!(decided > 1000, "{decided}");
}
