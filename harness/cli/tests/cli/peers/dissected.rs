//! Transcripts of a run, as tshark reads them and as we do.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use kmspec_capture::rpc::{Observer, Pdu};
use kmspec_capture::tcp::Limits;
use kmspec_wire::pdu::{self, Body};

use crate::kit::{Lab, folder, say, spoiling};

/// What both say of a PDU: type, flags, call id, fragment length, context ids.
type Row = (u8, u8, u32, u16, Vec<u16>);

/// Cases with every type of PDU, each of which fails where an unused flag is set.
const CASES: &str = "--only rpc.bind.ack-basic --only rpc.bind.result-count-and-order --only rpc.alter.flags/* \
                     --only rpc.response.* --only rpc.nak.* --only rpc.fault.* --only rpc.bind.flags-*";

#[test]
fn tshark_reads_transcripts_as_we_do() {
    if Command::new("tshark").arg("--version").output().is_err() {
        writeln!(io::stderr(), "skipped: needs tshark").unwrap();
        return;
    }
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = spoiling(lab.address, |octets| octets[3] |= 0x08);
    let line = format!("run {host} {CASES} --transcripts transcripts");
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(1), "{said:?}");
    let (mut types, mut rows) = (BTreeSet::new(), 0);
    for transcript in transcripts(&folder.path().join("transcripts")) {
        let ours = ours(&transcript);
        assert_eq!(
            theirs(&transcript, host.port()),
            ours,
            "{}",
            transcript.display()
        );
        types.extend(ours.iter().map(|row| row.0));
        rows += ours.len();
    }
    assert!(rows > 50, "{rows} PDUs");
    let expected = [0, 2, 3, 11, 12, 13, 14, 15];
    assert!(
        expected.iter().all(|ptype| types.contains(ptype)),
        "{types:?}"
    );
}

#[test]
fn tshark_opens_transcripts_without_a_warning() {
    if Command::new("tshark").arg("--version").output().is_err() {
        writeln!(io::stderr(), "skipped: needs tshark").unwrap();
        return;
    }
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = spoiling(lab.address, |octets| octets[3] |= 0x08);
    let line = format!("run {host} --suite bind --suite response --transcripts first");
    assert_eq!(say(folder.path(), &line).code, Some(1));
    let bundle = folder.path().join("first/rpc.bind.ack-basic.bundle.json");
    let line = format!("replay {} {host} --transcripts again", bundle.display());
    assert_eq!(say(folder.path(), &line).code, Some(1));
    let (first, again) = (folder.path().join("first"), folder.path().join("again"));
    let [first, again] = [first, again].map(|folder| transcripts(&folder));
    assert!(first.len() > 10 && again.len() == 1, "{first:?} {again:?}");
    for file in first.iter().chain(&again) {
        let output = Command::new("tshark")
            .arg("-r")
            .arg(file)
            .args(["-Y", "tcp.analysis.flags"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let warnings: Vec<&str> = said
            .lines()
            .filter(|line| !line.starts_with("Running as user"))
            .collect();
        assert!(
            output.status.success() && warnings.is_empty(),
            "{}: {said}",
            file.display()
        );
        let shown = String::from_utf8_lossy(&output.stdout);
        assert_eq!(shown, "", "{}", file.display());
    }
}

fn transcripts(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "pcapng")
    });
    files.sort();
    files
}

/// Collects what tshark is asked for, too.
#[derive(Default)]
struct Rows(Vec<Row>);

impl Observer for Rows {
    fn pdu(&mut self, pdu: &Pdu<'_>) {
        let header = &pdu.header;
        let contexts =
            pdu::Pdu::decode(pdu.bytes).map_or_else(|_| Vec::new(), |pdu| contexts(&pdu.body));
        let row = (
            header.ptype.0,
            header.pfc_flags.0,
            header.call_id.0,
            pdu.frag_length,
            contexts,
        );
        self.0.push(row);
    }
}

fn contexts(body: &Body<'_>) -> Vec<u16> {
    match body {
        Body::Request(request) => vec![request.context_id.0],
        Body::Response(response) => vec![response.context_id.0],
        Body::Fault(fault) => vec![fault.context_id.0],
        Body::Bind(bind) | Body::AlterContext(bind) => {
            bind.contexts.iter().map(|context| context.id.0).collect()
        }
        _ => Vec::new(),
    }
}

fn ours(file: &Path) -> Vec<Row> {
    let mut rows = Rows::default();
    let outcome = kmspec_capture::read(fs::File::open(file).unwrap(), Limits::default(), &mut rows);
    assert!(outcome.damage.is_none(), "{outcome:?}");
    rows.0
}

/// One line for each packet; in a field, a value for each PDU in the packet.
fn theirs(file: &Path, port: u16) -> Vec<Row> {
    let mut tshark = Command::new("tshark");
    tshark
        .arg("-r")
        .arg(file)
        .args(["-d", &format!("tcp.port=={port},dcerpc"), "-Y", "dcerpc"]);
    tshark.args([
        "-o",
        "dcerpc.desegment_dcerpc:TRUE",
        "-T",
        "json",
        "--no-duplicate-keys",
    ]);
    let output = tshark.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let packets: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let layers = packets
        .as_array()
        .unwrap()
        .iter()
        .map(|packet| &packet["_source"]["layers"]["dcerpc"]);
    layers
        .flat_map(|layer| {
            layer
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![layer.clone()])
        })
        .map(|layer| row(&layer))
        .collect()
}

fn row(layer: &serde_json::Value) -> Row {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).unwrap(),
        None => text.parse().unwrap(),
    };
    let field = |name: &str| {
        number(
            layer[name]
                .as_str()
                .unwrap_or_else(|| panic!("{name}: {layer}")),
        )
    };
    let mut contexts = Vec::new();
    collect(layer, "dcerpc.cn_ctx_id", &mut |text| {
        contexts.push(u16::try_from(number(text)).unwrap());
    });
    let octet = |name| u8::try_from(field(name)).unwrap();
    let length = u16::try_from(field("dcerpc.cn_frag_len")).unwrap();
    (
        octet("dcerpc.pkt_type"),
        octet("dcerpc.cn_flags"),
        field("dcerpc.cn_call_id"),
        length,
        contexts,
    )
}

/// Every value of a field, however deep.
fn collect(tree: &serde_json::Value, name: &str, found: &mut impl FnMut(&str)) {
    if let Some(fields) = tree.as_object() {
        for (field, value) in fields {
            match value {
                serde_json::Value::String(text) if field == name => found(text),
                serde_json::Value::Array(values) if field == name => {
                    values
                        .iter()
                        .filter_map(|value| value.as_str())
                        .for_each(&mut *found);
                }
                _ => collect(value, name, found),
            }
        }
    }
    if let Some(values) = tree.as_array() {
        for value in values {
            collect(value, name, found);
        }
    }
}
