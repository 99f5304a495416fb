use std::fmt::Write as _;

use kmspec_dns::{Fault, Srv, Zone};

#[test]
fn records_are_read_as_people_write_them() {
    for (line, expected) in [
        ("kms A 127.0.0.1", "kms.corp.example. 3600 IN A 127.0.0.1"),
        ("kms 60 in aaaa ::1", "kms.corp.example. 60 IN AAAA ::1"),
        ("@ TXT \"a\" b", "corp.example. 3600 IN TXT ab"),
        (
            "_vlmcs._tcp\tSRV 0 100  1688 kms",
            "_vlmcs._tcp.corp.example. 3600 IN SRV 0 100 1688 kms.corp.example.",
        ),
        (
            "kms.corp.example. CNAME a.b.",
            "kms.corp.example. 3600 IN CNAME a.b.",
        ),
        ("none SRV 0 0 0 .", "none.corp.example. 3600 IN SRV 0 0 0 ."),
        ("4 PTR kms", "4.corp.example. 3600 IN PTR kms.corp.example."),
        (
            "sub NS ns.sub",
            "sub.corp.example. 3600 IN NS ns.sub.corp.example.",
        ),
    ] {
        let mut zone = Zone::new("corp.example").unwrap();
        let old: Vec<_> = zone.records().cloned().collect();
        zone.add_line(line).unwrap();
        let new = zone.records().find(|record| !old.contains(record)).unwrap();
        assert_eq!(new.to_string(), expected, "{line}");
    }
}

#[test]
fn what_is_not_a_record_says_why() {
    let mut text = String::new();
    for line in [
        "",
        "kms",
        "kms 60",
        "kms MX 10 mail",
        "kms A 127.0.0.256",
        "kms A",
        "kms AAAA 127.0.0.1",
        "_vlmcs._tcp SRV 0 100 1688",
        "_vlmcs._tcp SRV 0 100 65536 kms",
        "kms..a A 127.0.0.1",
        "kms.corp.test. A 127.0.0.1",
        "ns CNAME kms",
        "a-label-of-more-than-sixty-three-characters-is-not-one-of-the-dns-s A 127.0.0.1",
    ] {
        let mut zone = Zone::new("corp.example").unwrap();
        let problem = zone.add_line(line).unwrap_err();
        writeln!(text, "{line}\n    {problem}").unwrap();
    }
    for origin in ["", "a b", "a..b", &"a.".repeat(128)] {
        let problem = Zone::new(origin).unwrap_err();
        writeln!(text, "zone {origin}\n    {problem}").unwrap();
    }
    for fault in ["slow", "slow=1h", "slow=601s", "SERVFAIL", ""] {
        let problem = fault.parse::<Fault>().unwrap_err();
        writeln!(text, "fault {fault}\n    {problem}").unwrap();
    }
    for target in ["", "a b", "ä"] {
        let problem = Srv::new(0, 0, 1688, target).unwrap_err();
        writeln!(text, "target {target}\n    {problem}").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn faults_are_written_as_they_are_read() {
    for text in ["servfail", "truncate-always", "slow=1500ms", "no-updates"] {
        assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
    }
    assert_eq!(
        "slow=2s".parse::<Fault>().unwrap().to_string(),
        "slow=2000ms"
    );
}
