//! The fuzz seeds of every target, on stable: what a campaign once found stays found.

use std::panic::catch_unwind;
use std::path::Path;

use arbitrary::Unstructured;
use kmspec_session::check as sessions;

/// Runs a property over every seed of a target; there is at least one.
#[track_caller]
fn replay(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let seed = std::fs::read(&path).unwrap();
        let holds = catch_unwind(|| property(&seed)).is_ok();
        assert!(holds, "{}", path.display());
        seeds += 1;
    }
    assert!(seeds > 0, "no seeds in {}", folder.display());
}

/// A test for each target, and the list of them.
macro_rules! replays {
    ($($target:ident: $property:expr;)*) => {
        $(#[test] fn $target() { replay(stringify!($target), $property); })*

        const TARGETS: &[&str] = &[$(stringify!($target)),*];
    };
}

replays! {
    capture_file: kmspec_capture::check::file;
    capture_packets: kmspec_capture::check::packets;
    client_session: |seed| sessions::client_session(&mut Unstructured::new(seed));
    control_line: kmspec_lab::check::control;
    dns_message: kmspec_dns::check::message;
    epid: kmspec_wire::check::epid;
    expectations: kmspec_runner::expect::check::file;
    fragmented: kmspec_wire::check::fragmented;
    host_session: |seed| sessions::host_session(&mut Unstructured::new(seed));
    host_stream: sessions::host_stream;
    key_file: kmspec_wire::check::key_file;
    lab_state: kmspec_lab::check::state;
    licence_command: kmspec_slmgr::check::command;
    licence_report: kmspec_slmgr::check::report;
    locust_master: kmspec_load::locust::check::master;
    opened_request: kmspec_wire::check::opened_request;
    opened_response: kmspec_wire::check::opened_response;
    pdu: kmspec_wire::check::pdu;
    reassembly: kmspec_wire::check::reassembly;
    saved_report: kmspec_runner::compare::check::saved;
    sealed: kmspec_wire::check::sealed;
    session_text: sessions::text;
    stream: kmspec_wire::check::stream;
    stubs: kmspec_wire::check::stubs;
    target_file: kmspec_runner::target::file::check::file;
    verified: kmspec_wire::check::verified;
}

#[test]
fn every_target_is_replayed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let target = name.trim_end_matches(".rs");
        assert!(TARGETS.contains(&target), "{target} has no replay");
    }
}
