use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{Mac, Padding, RequestParts};
use kmspec_wire::kms::{ProtocolVersion, RequestBody, Version, ids};
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::RequestBuilder;

use crate::kit::{NOW, bind, request};
use crate::script::{ACK, Script};

const OK: &str = "resp 03 ctx 0 = 1; open";
const BAD: &str = "resp 03 ctx 0 = 8007000d of 0; open";
const SKEW: &str = "resp 03 ctx 0 = c004f06c of 0; open";
const UNKNOWN: &str = "resp 03 ctx 0 = c004f042 of 0; open";
const NDR32: TransferSyntax = TransferSyntax::Ndr32;

fn counted(count: u32) -> String {
    format!("resp 03 ctx 0 = {count}; open")
}

/// A call that carries this message.
fn message(octets: &[u8]) -> Vec<u8> {
    RequestBuilder::new(RequestStub::new(octets).to_bytes(NDR32))
        .encoded()
        .bytes
}

/// An honest request with one thing changed before it is sealed.
fn sealed(version: Version, change: impl Fn(&mut RequestParts<'static>)) -> Vec<u8> {
    let mut parts = RequestParts::honest(request(version, 1), [0x5a; 16]);
    change(&mut parts);
    let mut octets = Vec::new();
    parts.seal(&KeySet::lab(), &mut octets);
    octets
}

fn asking(script: Script, body: &RequestBody, expected: &str) -> Script {
    script.ask(NDR32, body, |call| call, expected)
}

fn client(number: u64, change: impl Fn(&mut RequestBody)) -> RequestBody {
    let mut body = request(Version::V6, number);
    change(&mut body);
    body
}

pub(super) fn scripts() -> Vec<Script> {
    [answers(), tampered(), counts(), refusals()]
        .into_iter()
        .flatten()
        .collect()
}

fn answers() -> Vec<Script> {
    let mut scripts = Vec::new();
    for version in Version::ALL {
        let body = request(version, 1);
        let mut script = Script::bound("message.echo-cmid");
        for _ in 0..3 {
            script = asking(script, &body, OK);
        }
        script = script.connect().send(bind().encoded(), ACK);
        scripts.push(asking(script, &body, OK));
    }
    let virtual_machine = client(1, |body| body.is_client_vm = 1);
    scripts.push(asking(
        Script::bound("message.free-fields"),
        &virtual_machine,
        OK,
    ));
    let mut stable = Script::bound("message.pid-stable");
    for version in [
        Version::V4,
        Version::V5,
        Version::V6,
        Version::V6,
        Version::V4,
    ] {
        stable = asking(stable, &request(version, 1), OK);
    }
    for version in [Version::V6, Version::V5] {
        stable = asking(
            stable.connect().send(bind().encoded(), ACK),
            &request(version, 1),
            OK,
        );
    }
    scripts.push(stable);
    // Two clients at once, so that what belongs to one could show up at the other.
    let mut two = Script::bound("message.echo-time")
        .connect()
        .send(bind().encoded(), ACK);
    for round in 0..3u64 {
        for (link, version) in [(0, Version::V4), (1, Version::V6)] {
            let number = u64::try_from(link).unwrap() + 1;
            let mut body = request(version, number);
            body.client_time = NOW.plus(round * FileTime::MINUTE + number);
            let count = if round == 0 && link == 0 { 1 } else { 2 };
            two = asking(two.uses(link), &body, &counted(count));
        }
    }
    scripts.push(two);
    scripts
}

fn tampered() -> Vec<Script> {
    let mut one = [0; 16];
    one[7] = 1;
    let mut messages: Vec<(&'static str, Vec<u8>)> = vec![
        (
            "crypto.reject-tampered",
            sealed(Version::V4, |parts| parts.mac = Mac::Xored(one)),
        ),
        (
            "crypto.reject-tampered",
            sealed(Version::V5, |parts| parts.padding = Padding::Given(&[5; 4])),
        ),
        (
            "crypto.reject-tampered",
            sealed(Version::V6, |parts| {
                parts.padding = Padding::Given(&[4, 4, 4, 5]);
            }),
        ),
        (
            "crypto.reject-tampered",
            sealed(Version::V6, |parts| {
                parts.padding = Padding::Given(&[4; 20]);
            }),
        ),
    ];
    for version in [Version::V5, Version::V6] {
        for at in [4, 250] {
            let mut octets = sealed(version, |_| {});
            octets[at] ^= 1;
            messages.push(("crypto.reject-tampered", octets));
        }
        messages.push((
            "message.version-agrees",
            sealed(version, |parts| {
                let mut body = request(version, 1);
                body.version = ProtocolVersion { major: 4, minor: 0 };
                parts.body = kmspec_wire::kms::envelope::Content::Fields(body);
            }),
        ));
    }
    for (major, minor) in [
        (0, 0),
        (3, 0),
        (7, 0),
        (u16::MAX, u16::MAX),
        (4, 1),
        (5, 1),
        (6, 1),
    ] {
        let mut octets = sealed(Version::V6, |_| {});
        let version = ProtocolVersion { major, minor };
        if major <= 4 {
            let mut body = request(Version::V4, 1);
            body.version = version;
            octets.clear();
            RequestParts::honest(body, [0; 16]).seal(&KeySet::lab(), &mut octets);
        } else {
            octets[..4].copy_from_slice(&version.to_le_bytes());
        }
        messages.push(("message.unknown-version", octets));
    }
    for version in Version::ALL {
        let octets = sealed(version, |_| {});
        for len in [0, 4, 16, 251, octets.len() - 1] {
            messages.push(("message.too-short", octets[..len].to_vec()));
        }
        messages.push(("crypto.reject-tampered", [octets, vec![0; 16]].concat()));
    }
    let good = request(Version::V6, 1);
    messages
        .into_iter()
        .map(|(id, octets)| asking(Script::bound(id).send(message(&octets), BAD), &good, OK))
        .collect()
}

#[expect(clippy::too_many_lines, reason = "a table, a few lines a row")]
fn counts() -> Vec<Script> {
    let small = |number| client(number, |body| body.n_policy = 5);
    let office = |number| {
        client(number, |body| {
            body.application_id = ids::OFFICE_2013;
            body.counted_id = Guid::from_u128(0x85b5_f61b_320b_4be3_814a_b76b_2bfa_fc82);
            body.n_policy = 5;
        })
    };
    let mut scripts = Vec::new();
    let mut distinct = Script::bound("policy.count-distinct");
    for (number, count) in [(1, 1), (2, 2), (3, 3)] {
        distinct = asking(distinct, &client(number, |_| {}), &counted(count));
    }
    distinct = asking(distinct, &office(4), &counted(1));
    distinct = distinct.connect().leave().uses(0);
    distinct = asking(distinct, &client(5, |_| {}), &counted(4));
    scripts.push(distinct);
    let mut twice = Script::bound("policy.duplicate-not-counted");
    for count in [1, 1, 1] {
        twice = asking(twice, &client(1, |_| {}), &counted(count));
    }
    twice = asking(
        twice.connect().send(bind().encoded(), ACK),
        &request(Version::V4, 1),
        OK,
    );
    scripts.push(twice);
    scripts.push(asking(
        Script::bound("policy.count-starts-at-one"),
        &client(1, |_| {}),
        OK,
    ));
    scripts.push(asking(
        Script::bound("policy.below-threshold-is-answered"),
        &client(1, |_| {}),
        OK,
    ));
    let mut cap = Script::bound("policy.cap-twice-threshold");
    for number in 1..=12 {
        cap = asking(
            cap,
            &small(number),
            &counted(u32::try_from(number).unwrap().min(10)),
        );
    }
    for number in 13..=70 {
        cap = asking(
            cap,
            &client(number, |_| {}),
            &counted(u32::try_from(number - 2).unwrap().min(50)),
        );
    }
    scripts.push(cap);
    let at = |number, days: u64| {
        client(number, |body| {
            body.client_time = NOW.plus(days * FileTime::DAY);
        })
    };
    let mut expire =
        Script::bound("policy.expire-30-days").with(|settings| settings.limits.idle = u64::MAX);
    expire = asking(
        asking(expire, &at(1, 0), &counted(1)),
        &at(2, 0),
        &counted(2),
    );
    expire = asking(
        expire.wait(29 * FileTime::DAY, "open"),
        &at(1, 29),
        &counted(2),
    );
    scripts.push(asking(
        expire.wait(2 * FileTime::DAY, "open"),
        &at(3, 31),
        &counted(2),
    ));
    let mut full = Script::bound("policy.table-full").with(|settings| settings.limits.clients = 3);
    for number in 1..=3 {
        full = asking(
            full,
            &client(number, |_| {}),
            &counted(u32::try_from(number).unwrap()),
        );
    }
    scripts.push(asking(
        full,
        &client(4, |_| {}),
        "resp 03 ctx 0 = c004d104 of 0; open",
    ));
    scripts
}

fn refusals() -> Vec<Script> {
    type Change = fn(&mut RequestBody);
    let rows: [(&'static str, Change, &str); 9] = [
        ("policy.n-policy-sane", |body| body.n_policy = 1000, OK),
        ("policy.n-policy-sane", |body| body.n_policy = 1001, BAD),
        ("policy.n-policy-sane", |body| body.n_policy = u32::MAX, BAD),
        (
            "policy.unknown-product",
            |body| body.counted_id = Guid::random([1; 16]),
            UNKNOWN,
        ),
        (
            "policy.unknown-product",
            |body| body.application_id = ids::OFFICE_2013,
            UNKNOWN,
        ),
        (
            "policy.clock-skew",
            |body| body.client_time = NOW.minus(5 * FileTime::HOUR),
            SKEW,
        ),
        (
            "policy.clock-skew",
            |body| body.client_time = NOW.minus(3 * FileTime::HOUR),
            OK,
        ),
        (
            "policy.clock-skew",
            |body| body.client_time = NOW.plus(3 * FileTime::HOUR),
            OK,
        ),
        (
            "policy.clock-skew",
            |body| body.client_time = NOW.plus(5 * FileTime::HOUR),
            SKEW,
        ),
    ];
    let mut scripts: Vec<Script> = rows
        .into_iter()
        .map(|(id, change, expected)| asking(Script::bound(id), &client(1, change), expected))
        .collect();
    scripts.push(asking(
        Script::bound("policy.host-not-activated").with(|settings| settings.activated = false),
        &client(1, |_| {}),
        "resp 03 ctx 0 = c004f035 of 0; open",
    ));
    scripts
}
