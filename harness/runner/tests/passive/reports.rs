//! What people and programs read.

use kmspec_runner::passive::json::Document;
use kmspec_runner::passive::{Report, Wanted, junit, text};
use kmspec_runner::plan::About;
use kmspec_runner::report::text::Style;
use kmspec_runner::verdict::Level;

use crate::of;

/// Two recordings, and a catalogue that has one of their requirements as a `should`.
fn report(level: Level) -> Report {
    let about = About {
        id: "policy.n-policy-sane".to_owned(),
        level: Level::Should,
        role: "client",
        title: "N policy is sane".to_owned(),
        source: "kms-protocol: section 3".to_owned(),
    };
    let wanted = Wanted { role: None, level };
    Report::new(vec![of("19"), of("21")], &[about], &wanted)
}

#[test]
fn people_read_packet_field_and_octets() {
    insta::assert_snapshot!(text(&report(Level::Must), &Style::default()));
}

#[test]
fn the_catalogue_s_level_decides_what_counts() {
    let exit = |level| {
        let report = report(level);
        Report {
            files: report.files.into_iter().take(1).collect(),
            ..report
        }
        .exit()
        .code()
    };
    assert_eq!((exit(Level::Must), exit(Level::Should)), (0, 1));
}

#[test]
fn programs_read_the_same() {
    let mut document = Document::of(&report(Level::Must));
    let text = document.to_json();
    assert_eq!(serde_json::from_str::<Document>(&text).unwrap(), document);
    assert_eq!((document.exit, document.captures.len()), (1, 2));
    // The rest holds, and there is much of it.
    for capture in &mut document.captures {
        assert!(capture.requirements.iter().all(|one| one.judged > 0));
        capture.requirements.retain(|one| one.broken > 0);
        for one in &mut capture.requirements {
            one.violations.truncate(1);
        }
    }
    insta::assert_json_snapshot!(document, { ".kmspec" => "[version]" });
}

#[test]
fn junit_has_a_case_for_each_requirement_judged() {
    let report = report(Level::Must);
    let mut xml = Vec::new();
    junit(&report, &mut xml).unwrap();
    let xml = String::from_utf8(xml).unwrap();
    let judged: usize = report.files.iter().map(|file| file.outcomes.len()).sum();
    assert_eq!(xml.matches("<testcase ").count(), judged);
    assert_eq!(xml.matches("<failure ").count(), 1, "{xml}");
    assert_eq!(xml.matches("<system-out>").count(), 1, "{xml}");
    assert!(
        xml.contains("message=\"packet 48: epid: expected 03612-"),
        "{xml}"
    );
}
