//! `decode --check`.

use crate::kit::{OTHER_KEYS, folder, put, recording, say};

#[test]
fn what_was_recorded_is_judged_as_a_run_is() {
    let folder = folder();
    put(folder.path(), "good.pcap", recording("07"));
    put(folder.path(), "host.pcap", recording("21"));
    put(folder.path(), "client.pcap", recording("19"));
    put(folder.path(), "odd.pcap", recording("31"));
    put(folder.path(), "cut.pcap", recording("28"));
    let half = &recording("21")[..7000];
    put(folder.path(), "half.pcap", half);
    put(folder.path(), "keys.toml", OTHER_KEYS);
    for (line, code) in [
        ("good.pcap", 0),
        // What breaks there is a `should`.
        ("host.pcap", 0),
        ("host.pcap --level should", 1),
        ("host.pcap --level should --role client", 0),
        ("client.pcap --level may --role host", 0),
        ("client.pcap --level may --role client", 1),
        ("odd.pcap --role host", 1),
        ("good.pcap odd.pcap", 1),
        ("good.pcap cut.pcap", 2),
        ("half.pcap", 2),
        ("missing.pcap good.pcap", 2),
        ("good.pcap --keys keys.toml", 2),
        ("good.pcap --report html=a.html", 2),
        ("good.pcap --structure", 2),
    ] {
        let said = say(folder.path(), &format!("decode --check {line}"));
        assert_eq!(said.code, Some(code), "{line}: {said:?}");
    }
}

#[test]
fn a_violation_is_told_with_the_catalogue_s_words() {
    let folder = folder();
    put(folder.path(), "a.pcap", recording("25"));
    insta::assert_snapshot!(
        "check-table",
        say(folder.path(), "decode --check a.pcap").stdout
    );
}

#[test]
fn reports_are_left_for_programs() {
    let folder = folder();
    put(folder.path(), "a.pcap", recording("21"));
    let line = "decode --check a.pcap --format json --report json=a.json --report junit=a.xml";
    let said = say(folder.path(), line);
    let written = std::fs::read_to_string(folder.path().join("a.json")).unwrap();
    assert_eq!(said.stdout, written);
    let document: serde_json::Value = serde_json::from_str(&written).unwrap();
    assert_eq!(document["format"], "kmspec-check");
    let requirements = document["captures"][0]["requirements"].as_array().unwrap();
    let stable = requirements
        .iter()
        .find(|one| one["id"] == "message.pid-stable")
        .unwrap();
    assert_eq!(stable["broken"], 6);
    assert_ne!(stable["source"], "");
    let junit = std::fs::read_to_string(folder.path().join("a.xml")).unwrap();
    assert!(junit.contains("name=\"message.pid-stable\""));
}
