//! Other implementations: one that drives the lab host, one that reads what was recorded of a run.

mod dissected;
mod locust;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use kmspec_lab::{LabHost, Settings};
use kmspec_model::Clock;
use kmspec_wire::filetime::FileTime;
use tokio::runtime::Runtime;

/// When the samples were recorded.
const RECORDED: FileTime = FileTime(134_398_416_170_000_000);

/// The repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A Python that has impacket: that of the folder which the tests of the whole repository prepare, or the system's.
fn impacket() -> Option<PathBuf> {
    let pythons = [
        root().join("target/peers-venv/bin/python"),
        "python3".into(),
    ];
    pythons.into_iter().find(|python| {
        let output = Command::new(python)
            .args(["-c", "import impacket"])
            .output();
        output.is_ok_and(|output| output.status.success())
    })
}

/// The octets of a tracked sample, in hexadecimal.
fn sample(name: &str) -> String {
    let path = root().join("harness/wire/tests/samples").join(name);
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
}

#[test]
fn impacket_binds_calls_and_is_refused_what_there_is_not() {
    let Some(python) = impacket() else {
        writeln!(io::stderr(), "skipped: needs impacket").unwrap();
        return;
    };
    let runtime = Runtime::new().unwrap();
    let lab = runtime
        .block_on(LabHost::start(Settings::default()))
        .unwrap();
    // At any other time the lab host refuses what was recorded then.
    lab.set_clock(Clock::Fixed(RECORDED));
    for version in ["4", "5", "6"] {
        let output = Command::new(&python)
            .arg(root().join("harness/cli/tests/cli/peers/impacket_client.py"))
            .arg(lab.address().ip().to_string())
            .arg(lab.address().port().to_string())
            .args([version, &sample(&format!("v{version}.request.hex"))])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "version {version}: {said}{wrong}");
        let expected = format!(
            "bind: accepted\n\
             call: version {version}.0, status 0\n\
             again: version {version}.0, status 0\n\
             opnum 5: nca_s_op_rng_error\n"
        );
        assert!(said.starts_with(&expected), "version {version}: {said}");
        assert!(said.contains("unknown interface: "), "{said}");
    }
}
