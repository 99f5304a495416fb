use kmspec_wire::filetime::FileTime;

use crate::kit::{bind, call};
use crate::script::{ACK, Script};

const OK: &str = "resp 03 ctx 0 = 1; open";

pub(super) fn scripts() -> Vec<Script> {
    [streams(), robust()].into_iter().flatten().collect()
}

/// A new connection that binds and calls.
fn fresh(script: Script) -> Script {
    script
        .connect()
        .send(bind().encoded(), ACK)
        .send(call().encoded(), OK)
}

fn streams() -> Vec<Script> {
    let mut octets = Script::new("rpc.stream.octet-by-octet");
    for (pdu, expected) in [(bind().call_id(2).encoded(), ACK), (call().encoded(), OK)] {
        for octet in &pdu.bytes[..pdu.bytes.len() - 1] {
            octets = octets.send([*octet], "open");
        }
        let expected = expected.replacen("; ", " call 2; ", 1);
        octets = octets.send(&pdu.bytes[pdu.bytes.len() - 1..], &expected);
    }
    let eight = &bind().encoded().bytes[..8];
    let mut leavers = Script::new("rpc.stream.close-inside-pdu");
    let mut resets = Script::new("rpc.stream.close-inside-pdu");
    for _ in 0..20 {
        leavers = leavers.connect().send(eight, "open").leave();
        resets = resets
            .connect()
            .send(bind().encoded(), ACK)
            .send(&call().encoded().bytes[..100], "open")
            .leave();
    }
    let mut slow = Script::new("rpc.stream.slow-sender-does-not-block");
    for _ in 0..10 {
        slow = slow.connect().send(eight, "open");
    }
    vec![
        octets,
        fresh(leavers),
        fresh(resets),
        fresh(slow),
        Script::bound("rpc.stream.half-close")
            .send(call().encoded(), OK)
            .half_close("closed"),
        Script::new("rpc.stream.half-close")
            .send(bind().encoded(), ACK)
            .half_close("closed"),
        Script::new("rpc.stream.idle").wait(60 * FileTime::SECOND, "open"),
        Script::bound("rpc.stream.idle")
            .wait(25 * FileTime::SECOND, "open")
            .send(call().encoded(), OK),
        Script::bound("rpc.stream.idle").wait(3 * FileTime::MINUTE, "closed"),
    ]
}

fn robust() -> Vec<Script> {
    let mut foreign = Vec::new();
    for (octets, expected) in [
        (b"GET / HTTP/1.1\r\nHost: lab\r\n\r\n".to_vec(), "open"),
        (vec![0; 64], "closed"),
        (vec![0xff; 64], "open"),
    ] {
        foreign.push(fresh(
            Script::new("rpc.robust.foreign-protocol").send(octets, expected),
        ));
    }
    let mut leavers = Script::new("rpc.robust.connect-and-leave");
    for _ in 0..500 {
        leavers = leavers.connect().leave();
    }
    foreign.push(fresh(leavers));
    // 64 octets of every value behind a header that is in order, so that bodies are looked at.
    let mut random = Script::new("rpc.robust.random-octets");
    for (ptype, value) in [(0, 0x5a), (11, 0x5a), (11, 0xff), (14, 0xa5)] {
        let mut octets = vec![5, 0, ptype, 3, 0x10, 0, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0];
        octets.extend([value; 64]);
        let expected = if ptype == 11 {
            "closed"
        } else {
            "nak 4; closed"
        };
        random = random.connect().send(octets, expected);
    }
    foreign.push(fresh(random));
    foreign
}
