//! What the writer writes, the reader and other tools read.

use std::process::Command;

use kmspec_capture::file::PacketReader;
use kmspec_capture::rpc::Direction;
use kmspec_capture::tcp::{CloseReason, Endpoint};
use kmspec_capture::write::{Flow, PcapNgWriter};

use crate::packets::{Piece, read};

fn end(address: &str, port: u16) -> Endpoint {
    Endpoint {
        address: address.parse().unwrap(),
        port,
    }
}

/// Two connections side by side in two sections, one over IPv6, one reset.
fn written(up: &[u8], down: &[u8]) -> Vec<u8> {
    let (client, host) = (end("127.0.0.1", 50_000), end("127.0.0.1", 1688));
    let (client6, host6) = (end("::1", 50_001), end("::1", 1688));
    let w = &mut PcapNgWriter::new(Vec::new(), Some("a transcript: größer")).unwrap();
    let mut four = Flow::open(w, client, host, 1_700_000_000_000_000_001).unwrap();
    let mut six = Flow::open(w, client6, host6, 1_700_000_000_000_000_002).unwrap();
    four.send(
        w,
        Direction::ToHost,
        1_700_000_000_000_000_003,
        up,
        Some("step 1"),
    )
    .unwrap();
    six.send(w, Direction::ToHost, 1_700_000_000_000_000_004, up, None)
        .unwrap();
    w.section(Some("second section")).unwrap();
    four.send(
        w,
        Direction::ToClient,
        1_700_000_000_000_000_005,
        down,
        None,
    )
    .unwrap();
    six.send(
        w,
        Direction::ToClient,
        1_700_000_000_000_000_006,
        down,
        Some("step 2"),
    )
    .unwrap();
    four.fin(w, Direction::ToClient, 1_700_000_000_000_000_007)
        .unwrap();
    four.fin(w, Direction::ToHost, 1_700_000_000_000_000_008)
        .unwrap();
    six.rst(w, Direction::ToHost, 1_700_000_000_000_000_009)
        .unwrap();
    std::mem::replace(w, PcapNgWriter::new(Vec::new(), None).unwrap()).into_inner()
}

#[test]
fn what_is_written_is_read_back() {
    arbtest::arbtest(|u| {
        let up = vec![u.arbitrary::<u8>()?; u.int_in_range(0..=4000)?];
        let down = vec![u.arbitrary::<u8>()?; u.int_in_range(0..=4000)?];
        let file = written(&up, &down);
        assert_eq!(
            file,
            written(&up, &down),
            "the same calls give the same bytes"
        );
        let (seen, summary) = read(&file);
        assert_eq!((summary.tcp_connections, summary.malformed_packets), (2, 0));
        for (stream, reason) in [(0, CloseReason::Finished), (1, CloseReason::Reset)] {
            let mut wanted = vec![Piece::Up(up.clone()), Piece::Down(down.clone())];
            wanted.retain(|piece| !matches!(piece, Piece::Up(b) | Piece::Down(b) if b.is_empty()));
            wanted.push(Piece::Closed(reason));
            assert_eq!(seen.stream(stream), wanted);
        }
        Ok(())
    });
}

#[test]
fn time_stamps_keep_their_nanoseconds() {
    let file = written(b"a", b"b");
    let mut reader = PacketReader::new(&file[..]).unwrap();
    let first = reader.next_packet().unwrap().unwrap().time_ns;
    assert_eq!(first, 1_700_000_000_000_000_001);
}

#[test]
fn tshark_opens_it_without_a_warning() {
    let Ok(version) = Command::new("tshark").arg("--version").output() else {
        use std::io::Write;
        writeln!(std::io::stderr(), "skipped: needs tshark").unwrap();
        return;
    };
    assert!(version.status.success());
    let path = std::env::temp_dir().join(format!("kmspec-capture-{}.pcapng", std::process::id()));
    std::fs::write(&path, written(&[7; 3000], b"an answer")).unwrap();
    let tshark = |arguments: &[&str]| {
        let output = Command::new("tshark")
            .arg("-r")
            .arg(&path)
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let checked = [
        "-o",
        "ip.check_checksum:TRUE",
        "-o",
        "tcp.check_checksum:TRUE",
    ];
    let fields = [
        "-T",
        "fields",
        "-e",
        "tcp.stream",
        "-e",
        "tcp.len",
        "-e",
        "frame.comment",
        "-e",
        "frame.time_epoch",
    ];
    let bad = "_ws.malformed || _ws.expert.severity >= 0x600000 || ip.checksum.status == 0 || tcp.checksum.status == 0";
    // A reset is worth a warning of its own, and the only one.
    let warned = tshark(
        &[
            &checked[..],
            &["-Y", &format!("({bad}) && tcp.flags.reset == 0")],
        ]
        .concat(),
    );
    assert_eq!(warned, "");
    let listed = tshark(&[&checked[..], &fields].concat());
    std::fs::remove_file(&path).unwrap();
    let lines: Vec<Vec<&str>> = listed
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    assert_eq!(lines.len(), 18, "{listed}");
    assert!(
        lines
            .iter()
            .any(|line| line[2] == "step 1" && line[1] == "1440"),
        "{listed}"
    );
    assert_eq!(lines[0][3], "1700000000.000000001");
}
