//! Whole captures played against lab hosts, as people read what came of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use kmspec_conformance::catalogue::catalogue;
use kmspec_embedded::verbs;
use kmspec_lab::{LabHost, Settings};
use kmspec_model::Clock;
use kmspec_model::fault::Fault;
use kmspec_rules::Memory;
use kmspec_runner::Exit;
use kmspec_runner::Target;
use kmspec_runner::peer::{CallSpec, Endpoint, Timing};
use kmspec_runner::plan::Options;
use kmspec_runner::replay::{
    Cmid, FIELDS, Mode, Recording, Report, exit, read, replay, replay_all,
};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;

/// Whether the host's clock can be set.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Clocks {
    Set,
    Left,
}

const NOW: FileTime = FileTime::from_unix_nanos(1_800_000_000_000_000_000);

async fn played(recording: &Recording, host: &LabHost, mode: Mode, clocks: Clocks) -> Report {
    let controls = verbs(host.controls());
    let endpoint = Arc::new(Endpoint {
        address: host.address(),
        call: CallSpec::KMS,
        keys: Arc::new(KeySet::lab()),
        timing: Timing::default(),
        now: Some(NOW),
        memory: Memory::default(),
        controls: (clocks == Clocks::Set).then_some(controls),
    });
    replay(recording, &endpoint, mode, &KeySet::lab(), 1).await
}

fn recording(number: &str) -> Recording {
    let mut captures = kmspec_captures::all().iter();
    let capture = captures.find(|capture| capture.file.starts_with(number));
    let capture = capture.expect("an embedded capture");
    read(capture.file, capture.bytes)
}

fn settings(change: impl FnOnce(&mut kmspec_model::Settings)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings.host);
    settings
}

async fn text(number: &str, settings: Settings, mode: Mode, clocks: Clocks) -> String {
    let host = LabHost::start(settings).await.expect("a free port");
    let report = played(&recording(number), &host, mode, clocks).await;
    host.stop().await;
    report.to_string()
}

const REFRESH: Mode = Mode::Refresh(Cmid::Renewed);

#[tokio::test]
async fn every_capture_is_answered_as_it_was_recorded() {
    let mut lines = Vec::new();
    for mode in [Mode::Verbatim, REFRESH] {
        for capture in kmspec_captures::all() {
            let recording = read(capture.file, capture.bytes);
            let host = LabHost::start(Settings::default()).await.unwrap();
            let report = played(&recording, &host, mode, Clocks::Set).await;
            host.stop().await;
            assert!(report.is_complete() && report.wrong() == 0, "{report}");
            let text = report.to_string();
            lines.push(format!(
                "{}:{}",
                &capture.file[..2],
                text.lines().last().unwrap()
            ));
        }
    }
    insta::assert_snapshot!("summary_of_every_capture", lines.join("\n"));
}

#[tokio::test]
async fn a_target_with_a_defect_is_wrong_and_one_that_is_away_is_not_judged() {
    let faulty = settings(|host| host.faults = Fault::CmidZero.into());
    let host = LabHost::start(faulty).await.unwrap();
    let recordings = [recording("03")];
    let nobody = ([127, 0, 0, 1], 1).into();
    for (address, wrong, code) in [(host.address(), 8, 1), (nobody, 0, 2)] {
        let target = Target::at(address, Arc::new(KeySet::lab()));
        let (lab, options) = (KeySet::lab(), Options::default());
        let mut seen = 0;
        let each = |report: &Report| seen += report.wrong();
        let reports = replay_all(&recordings, &target, REFRESH, &lab, &options, each).await;
        assert_eq!(exit(&reports.unwrap()).code(), code);
        assert_eq!(seen, wrong);
    }
    host.stop().await;
}

#[tokio::test]
async fn what_differs_between_lawful_hosts_is_explained() {
    for number in ["08", "10", "17", "19", "28", "31", "34"] {
        for (name, mode) in [("verbatim", Mode::Verbatim), ("refresh", REFRESH)] {
            let report = text(number, Settings::default(), mode, Clocks::Set).await;
            insta::assert_snapshot!(format!("{number}_{name}"), report);
        }
    }
}

#[tokio::test]
async fn old_client_times_explain_that_a_host_refuses_recorded_bytes() {
    let later = settings(|host| host.clock = Clock::Fixed(NOW));
    let report = text("18", later, Mode::Verbatim, Clocks::Left).await;
    insta::assert_snapshot!("18_verbatim_later", report);
}

#[tokio::test]
async fn a_host_without_ndr64_and_features_is_lawful() {
    for (name, mode) in [("verbatim", Mode::Verbatim), ("refresh", REFRESH)] {
        let plain = settings(|host| (host.ndr64, host.features) = (false, None));
        let report = text("07", plain, mode, Clocks::Set).await;
        insta::assert_snapshot!(format!("07_{name}_without_ndr64"), report);
    }
}

#[tokio::test]
async fn what_stands_before_a_damaged_place_is_played() {
    let capture = kmspec_captures::find("01-vlmcs-vlmcsd-v4-one-connection.pcap").unwrap();
    let cut = read("cut.pcap", &capture.bytes[..capture.bytes.len() / 2]);
    let host = LabHost::start(Settings::default()).await.unwrap();
    let report = played(&cut, &host, Mode::Verbatim, Clocks::Set).await;
    host.stop().await;
    assert!(!report.is_complete());
    insta::assert_snapshot!("damaged", report.to_string());
    assert_eq!(exit(&[report]), Exit::NotJudged);
}

#[test]
fn every_requirement_that_comparing_names_is_in_the_catalogue() {
    let sources = [
        include_str!("../../harness/runner/src/replay/fields.rs"),
        include_str!("../../harness/runner/src/replay/flatten.rs"),
        include_str!("../../harness/runner/src/replay/explain.rs"),
    ];
    let is_id = |word: &&str| {
        let area = ["rpc.", "message.", "crypto.", "policy."];
        area.iter().any(|area| word.starts_with(area)) && word.contains('-')
    };
    let apart = |c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c));
    let words = sources.iter().flat_map(|source| source.split(apart));
    let ids: BTreeSet<&str> = words
        .map(|word| word.trim_end_matches('.'))
        .filter(is_id)
        .collect();
    assert!(ids.len() > 20, "{ids:?}");
    for id in ids
        .into_iter()
        .chain(FIELDS.iter().map(|rule| rule.requirement))
    {
        assert!(id.is_empty() || catalogue().get(id).is_some(), "{id}");
    }
}
