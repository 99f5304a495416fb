use kmspec_wire::guid::Guid;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{BindBuilder, Encoded, PfcFlags, RequestBuilder, SyntaxId};

use super::header::other;
use crate::kit::{bind, call, request, stub, stub_of, together};
use crate::script::Script;

const OK: &str = "resp 03 ctx 0 = 1; open";
const PROTO_03: &str = "fault 1c01000b 03 ctx 0; closed";
const BAD_STUB: &str = "fault 000006f7 03 ctx 0; open";

/// The valid stub cut at these places, one fragment each; flags FIRST and LAST as they should be.
fn cut(places: &[usize]) -> Vec<RequestBuilder> {
    let whole = stub(Version::V6);
    let mut from = 0;
    let mut fragments = Vec::new();
    for (number, to) in places.iter().copied().chain([whole.len()]).enumerate() {
        let first = if number == 0 {
            PfcFlags::FIRST_FRAG
        } else {
            PfcFlags(0)
        };
        let last = if number == places.len() {
            PfcFlags::LAST_FRAG
        } else {
            PfcFlags(0)
        };
        fragments.push(RequestBuilder::new(&whole[from..to]).flags(first | last));
        from = to;
    }
    fragments
}

fn multiplexed(id: &'static str) -> Script {
    Script::new(id).send(
        bind().flags(PfcFlags(0x13)).encoded(),
        "ack 13 (0,0 NDR32); open",
    )
}

fn ndr64(id: &'static str) -> Script {
    let bind = BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR64]);
    Script::new(id).send(bind.encoded(), "ack 03 (0,0 NDR64); open")
}

pub(super) fn scripts() -> Vec<Script> {
    [
        requests(),
        pipelines(),
        fragments(),
        interleaved(),
        stubs(),
        wide_stubs(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn requests() -> Vec<Script> {
    let mut scripts = vec![
        Script::bound("rpc.request.response-basic").send(call().encoded(), OK),
        Script::bound("rpc.request.unknown-context")
            .send(
                call().context(12_345).encoded(),
                "fault 1c010003 23 ctx 0; open",
            )
            .send(call().encoded(), OK),
        Script::bound("rpc.fault.no-uninitialised-octets")
            .send(call().opnum(1).encoded(), "fault 1c010002 23 ctx 0; open")
            .send(call().encoded(), OK)
            .send(call().opnum(1).encoded(), "fault 1c010002 23 ctx 0; open"),
        Script::bound("rpc.request.object-uuid").send(call().object(Guid::NIL).encoded(), OK),
        Script::bound("rpc.request.object-uuid")
            .send(call().object(Guid::random([3; 16])).encoded(), OK),
        Script::bound("rpc.request.maybe-flag")
            .send(call().flags(PfcFlags(0x43)).encoded(), OK)
            .send(call().encoded(), OK),
    ];
    for id in [2, 3, 0x9988_7766] {
        scripts.push(
            Script::bound("rpc.request.response-echoes-call-id")
                .send(call().call_id(id).encoded(), OK),
        );
    }
    for opnum in [1, 2, 0xff, 0x100, 0xffff] {
        scripts.push(
            Script::bound("rpc.request.opnum-out-of-range")
                .send(
                    call().opnum(opnum).encoded(),
                    "fault 1c010002 23 ctx 0; open",
                )
                .send(call().opnum(0).encoded(), OK),
        );
    }
    for (id, hint) in [
        ("rpc.request.alloc-hint-zero", 0),
        ("rpc.request.alloc-hint-zero", 1),
        ("rpc.request.alloc-hint-zero", 267),
        ("rpc.request.alloc-hint-too-large", 0xffff),
        ("rpc.request.alloc-hint-too-large", u32::MAX),
    ] {
        scripts.push(Script::bound(id).send(call().alloc_hint(hint).encoded(), OK));
    }
    for len in [24, 32] {
        let mut short = call().flags(PfcFlags(0x83)).encoded();
        short.cut(len);
        scripts.push(Script::bound("rpc.request.object-flag-without-uuid").send(short, "closed"));
    }
    for flags in [7, 5] {
        scripts.push(Script::bound("rpc.request.pending-cancel-on-first").send(
            call().flags(PfcFlags(flags)).encoded(),
            "fault 000006bd 23 ctx 0; closed",
        ));
    }
    for flags in [0x0b, 0x13, 0x23, 0x43] {
        scripts.push(
            Script::bound("rpc.response.flags-clean")
                .send(call().flags(PfcFlags(flags)).encoded(), OK),
        );
    }
    scripts.push(
        Script::bound("rpc.response.several-calls")
            .times(10, |script| script.send(call().encoded(), OK)),
    );
    scripts
}

fn pipelines() -> Vec<Script> {
    const TWO: &str = "resp 03 ctx 0 = 1 call 3; resp 03 ctx 0 = 1; open";
    // The script takes the first PDU's call id for the one asked about.
    let two = || together(&[call().call_id(2).encoded(), call().call_id(3).encoded()]);
    let expected = "resp 03 ctx 0 = 1; resp 03 ctx 0 = 1 call 3; open";
    assert_ne!(TWO, expected);
    let mut split = call().encoded().bytes;
    split.extend(&call().call_id(3).encoded().bytes[..20]);
    vec![
        Script::bound("rpc.request.pipelined-without-mpx").send(two(), expected),
        multiplexed("rpc.request.pipelined-with-mpx").send(two(), expected),
        Script::bound("rpc.stream.split-across-pdus")
            .send(split, OK)
            .send(
                &call().call_id(3).encoded().bytes[20..],
                "resp 03 ctx 0 = 1 call 3; open",
            ),
        Script::bound("rpc.stream.header-then-body")
            .send(&call().encoded().bytes[..16], "open")
            .send(
                &call().encoded().bytes[16..],
                "resp 03 ctx 0 = 1 call 2; open",
            ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table, a few lines a row")]
fn fragments() -> Vec<Script> {
    let mut scripts = Vec::new();
    for place in [1, 3, 4, 5, 8, 9, 134] {
        let [first, last] = &cut(&[place])[..] else {
            unreachable!()
        };
        scripts.push(
            Script::bound("rpc.fragment.two")
                .send(first.encoded(), "open")
                .send(last.encoded(), OK),
        );
        scripts.push(
            Script::bound("rpc.fragment.two")
                .send(together(&[first.encoded(), last.encoded()]), OK),
        );
    }
    let three = cut(&[100, 200]);
    let [first, middle, last] = &three[..] else {
        unreachable!()
    };
    scripts.push(
        Script::bound("rpc.fragment.many-small")
            .send(first.encoded(), "open")
            .send(middle.encoded(), "open")
            .send(last.encoded(), OK),
    );
    let every: Vec<usize> = (1..stub(Version::V6).len()).collect();
    let small: Vec<Encoded> = cut(&every).iter().map(RequestBuilder::encoded).collect();
    scripts.push(Script::bound("rpc.fragment.many-small").send(together(&small), OK));
    for places in [&[0][..], &[134, 134], &[268]] {
        let parts: Vec<Encoded> = cut(places).iter().map(RequestBuilder::encoded).collect();
        scripts.push(Script::bound("rpc.fragment.empty").send(together(&parts), OK));
    }
    for flags in [0, 2] {
        scripts.push(
            Script::bound("rpc.fragment.without-first")
                .send(call().flags(PfcFlags(flags)).encoded(), PROTO_03),
        );
    }
    let first = || call().flags(PfcFlags(1));
    scripts.push(
        Script::bound("rpc.fragment.first-twice")
            .send(first().encoded(), "open")
            .send(first().encoded(), PROTO_03),
    );
    for flags in [0x09, 0x11, 0x21, 0x41] {
        let [first, last] = &cut(&[100])[..] else {
            unreachable!()
        };
        scripts.push(
            Script::bound("rpc.fragment.first-extra-flags")
                .send(first.clone().flags(PfcFlags(flags)).encoded(), "open")
                .send(last.encoded(), OK),
        );
    }
    for flags in [[1, 4, 2], [1, 0, 6]] {
        let mut script = Script::bound("rpc.cancel.flag-on-later-fragment");
        for (part, flags) in three.iter().zip(flags) {
            let expected = if flags & 2 == 0 { "open" } else { OK };
            script = script.send(part.clone().flags(PfcFlags(flags)).encoded(), expected);
        }
        scripts.push(script);
    }
    scripts.push(Script::bound("rpc.fragment.alloc-hint-over-limit").send(
        first().alloc_hint(0x0040_0001).encoded(),
        "fault 00000005 03 ctx 0; closed",
    ));
    let mut total = Script::bound("rpc.fragment.total-over-limit")
        .with(|settings| settings.limits.call = 10_000)
        .send(first().encoded(), "open");
    let middle = || RequestBuilder::new(vec![0; 4866]).flags(PfcFlags(0));
    total = total
        .send(middle().encoded(), "open")
        .send(middle().encoded(), "open");
    scripts.push(total.send(
        RequestBuilder::new(vec![0]).flags(PfcFlags(0)).encoded(),
        "fault 00000005 03 ctx 0; closed",
    ));
    scripts.push(
        Script::bound("rpc.fragment.abandoned")
            .send(first().encoded(), "open")
            .connect()
            .send(bind().encoded(), "ack 03 (0,0 NDR32); open")
            .send(call().encoded(), OK),
    );
    scripts
}

fn interleaved() -> Vec<Script> {
    let first = |id| call().flags(PfcFlags(1)).call_id(id).encoded();
    let [head, tail] = &cut(&[100])[..] else {
        unreachable!()
    };
    let blamed = "fault 1c01000b 03 ctx 0 call 50; closed";
    let mut scripts = vec![
        Script::bound("rpc.fragment.interleaved-first-no-mpx")
            .send(first(50), "open")
            .send(first(51), blamed),
        Script::bound("rpc.fragment.interleaved-first-no-mpx")
            .send(first(50), "open")
            .send(call().call_id(51).encoded(), blamed),
        multiplexed("rpc.fragment.interleaved-first-mpx")
            .send(first(1), "open")
            .send(call().encoded(), PROTO_03),
        Script::bound("rpc.fragment.continuation-other-call-id")
            .send(first(2), "open")
            .send(
                call().call_id(3).flags(PfcFlags(2)).encoded(),
                "fault 1c01000b 03 ctx 0 call 2; closed",
            ),
        Script::bound("rpc.orphaned.then-new-call")
            .send(first(6), "open")
            .send(other(19, &[]), "open")
            .send(call().encoded(), "fault 1c01000b 03 ctx 0 call 6; closed"),
    ];
    for (id, ptype) in [
        ("rpc.cancel.during-fragments", 18),
        ("rpc.orphaned.then-last", 19),
    ] {
        scripts.push(
            Script::bound(id)
                .send(head.clone().call_id(6).encoded(), "open")
                .send(other(ptype, &[]), "open")
                .send(tail.clone().call_id(6).encoded(), OK)
                .send(call().encoded(), OK),
        );
    }
    scripts
}

fn stubs() -> Vec<Script> {
    let plain = TransferSyntax::Ndr32;
    let mut scripts: Vec<Script> = Version::ALL
        .into_iter()
        .flat_map(|version| {
            let ask = |id| Script::bound(id).ask(plain, &request(version, 1), |call| call, OK);
            [
                ask("rpc.ndr.request-layout"),
                ask("rpc.ndr.response-layout"),
                ask("rpc.ndr.return-value-aligned"),
            ]
        })
        .collect();
    let refused = |body: &mut kmspec_wire::kms::RequestBody| body.n_policy = 1001;
    let mut bad = request(Version::V6, 1);
    refused(&mut bad);
    scripts.push(Script::bound("rpc.ndr.error-response-layout").ask(
        plain,
        &bad,
        |call| call,
        "resp 03 ctx 0 = 8007000d of 0; open",
    ));
    let good = stub(Version::V6);
    for len in [0, 4, 7, 8, 12, 134, good.len() - 1] {
        scripts.push(
            Script::bound("rpc.ndr.stub-truncated")
                .send(RequestBuilder::new(&good[..len]).encoded(), BAD_STUB)
                .send(call().encoded(), OK),
        );
    }
    for more in [1, 4, 8] {
        let longer = [good.clone(), vec![0xcc; more]].concat();
        scripts.push(
            Script::bound("rpc.ndr.stub-trailing-octets")
                .send(RequestBuilder::new(longer).encoded(), OK),
        );
    }
    for (at, count) in [
        (4, 264u32),
        (4, 256),
        (4, 0),
        (0, 0),
        (0, 261),
        (0, 0x7fff_ffff),
        (0, u32::MAX),
    ] {
        let mut lie = good.clone();
        lie[at..at + 4].copy_from_slice(&count.to_le_bytes());
        lie.extend([0; 4]);
        scripts.push(
            Script::bound("rpc.ndr.counts-disagree")
                .send(RequestBuilder::new(lie).encoded(), BAD_STUB)
                .send(call().encoded(), OK),
        );
    }
    for count in [0x7fff_ffff_u32, 0x8000_0000, u32::MAX, 0xffff_fff8] {
        let mut lie = good.clone();
        lie[..4].copy_from_slice(&count.to_le_bytes());
        lie[4..8].copy_from_slice(&count.to_le_bytes());
        scripts.push(
            Script::bound("rpc.ndr.counts-huge").send(RequestBuilder::new(lie).encoded(), BAD_STUB),
        );
    }
    scripts.push(Script::bound("rpc.ndr.size-zero").send(
        RequestBuilder::new(vec![0; 8]).encoded(),
        "resp 03 ctx 0 = 8007000d of 0; open",
    ));
    scripts
}

fn wide_stubs() -> Vec<Script> {
    let wide = TransferSyntax::Ndr64;
    let body = request(Version::V6, 1);
    let good = stub_of(wide, &body).0;
    let changed = |id, at: usize, octets: [u8; 4], expected| {
        let mut lie = good.clone();
        lie[at..at + 4].copy_from_slice(&octets);
        ndr64(id).ask(
            wide,
            &body,
            move |call| RequestBuilder {
                stub: lie.clone(),
                ..call
            },
            expected,
        )
    };
    let mut scripts = vec![
        changed("rpc.ndr64.padding-ignored", 4, [0xaa; 4], OK),
        changed("rpc.ndr64.max-count-high-half", 12, [1, 0, 0, 0], BAD_STUB),
        ndr64("rpc.ndr64.syntax-follows-context").send(call().encoded(), BAD_STUB),
        Script::bound("rpc.ndr64.syntax-follows-context")
            .send(RequestBuilder::new(good.clone()).encoded(), BAD_STUB),
    ];
    let mut bad = body;
    bad.n_policy = 1001;
    scripts.push(ndr64("rpc.ndr.error-response-layout").ask(
        wide,
        &bad,
        |call| call,
        "resp 03 ctx 0 = 8007000d of 0; open",
    ));
    for version in Version::ALL {
        for id in ["rpc.ndr64.request-layout", "rpc.ndr64.response-layout"] {
            scripts.push(ndr64(id).ask(wide, &request(version, 1), |call| call, OK));
        }
    }
    scripts
}
