//! The stubs of the one operation, in both transfer syntaxes.

use kmspec_wire::ndr::{RequestStub, ResponseStub, Returned, TransferSyntax};

use super::sample::octets;
use super::{Book, Fields, Group, Verdict};

/// Request and response stubs.
pub(super) fn book() -> Book {
    let mut groups = Vec::new();
    for syntax in TransferSyntax::ALL {
        let mut group = Group::new("RequestStubTest", shared(syntax));
        requests(&mut group, syntax);
        groups.push(group);
    }
    for syntax in TransferSyntax::ALL {
        let mut group = Group::new("ResponseStubTest", shared(syntax));
        responses(&mut group, syntax);
        groups.push(group);
    }
    Book {
        name: "ndr_stubs.json",
        algorithm: "NDR stubs of RequestActivation",
        header: &[
            "stub is a stub in little-endian order, content the message in it; returnValue is the HRESULT. A failure has no",
            "content. rules names what is broken in an invalid or acceptable stub.",
        ],
        notes: &[
            ("Plain", "What peers send."),
            ("Boundary", "An unusual but lawful content."),
            ("SizesDisagree", "The two counts differ."),
            ("Truncated", "Octets are missing."),
            ("Padding", "Octets of alignment that are not zero."),
            ("Trailing", "Octets behind the parameters."),
            (
                "Shape",
                "Pointer, size and return value do not belong together.",
            ),
        ],
        groups,
    }
}

const SIZES: &str = "rpc.stub.sizes-agree";
const REFERENT: &str = "rpc.stub.referent-nonnull";
const PADDING: &str = "rpc.stub.padding-zero";

fn shared(syntax: TransferSyntax) -> Fields {
    Fields::default().with("syntax", syntax.name())
}

fn requests(group: &mut Group, syntax: TransferSyntax) {
    for len in [252, 260, 0, 1, 2, 3, 4, 5, 7, 8, 300] {
        let content = octets("stub", len);
        let stub = RequestStub::new(&content).to_bytes(syntax);
        let flag = if len > 8 { "Plain" } else { "Boundary" };
        let data = taken(&stub, &[]).with("content", content.as_slice());
        group.add(Verdict::Valid, format!("{len} octets"), &[flag], data);
    }
    let content = octets("stub", 260);
    let honest = RequestStub::new(&content);
    request_counts(group, syntax, &honest);
    truncated(group, &honest.to_bytes(syntax));
    let trailing = RequestStub {
        trailing: &[0; 4],
        ..honest
    };
    let data = taken(&trailing.to_bytes(syntax), &[]).with("content", content.as_slice());
    group.add(
        Verdict::Acceptable,
        "four octets behind the request",
        &["Trailing"],
        data,
    );
    if syntax == TransferSyntax::Ndr64 {
        let stub = RequestStub {
            gap: &[1, 2, 3, 4],
            ..honest
        };
        let data = taken(&stub.to_bytes(syntax), &[PADDING]).with("content", content.as_slice());
        group.add(
            Verdict::Acceptable,
            "alignment not zero",
            &["Padding"],
            data,
        );
        let stub = RequestStub {
            max_count: 0x1_0000_0104,
            ..honest
        };
        group.add(
            Verdict::Invalid,
            "max_count in its high half",
            &["SizesDisagree"],
            taken(&stub.to_bytes(syntax), &[SIZES]),
        );
    }
}

/// Counts that differ, or exceed what is there.
fn request_counts(group: &mut Group, syntax: TransferSyntax, honest: &RequestStub<'_>) {
    for (size, count) in [
        (259, 260),
        (261, 260),
        (260, 259),
        (260, 261),
        (260, 0),
        (0, 260),
        (260, 0xffff_ffff),
        (0xffff_ffff, 260),
    ] {
        let stub = RequestStub {
            request_size: size,
            max_count: count,
            ..*honest
        };
        let comment = format!("requestSize {size}, max_count {count}");
        group.add(
            Verdict::Invalid,
            comment,
            &["SizesDisagree"],
            taken(&stub.to_bytes(syntax), &[SIZES]),
        );
    }
    for size in [261, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff_u32] {
        let stub = RequestStub {
            request_size: size,
            max_count: size.into(),
            ..*honest
        };
        let comment = format!("both counts {size}, 260 octets");
        group.add(
            Verdict::Invalid,
            comment,
            &["Truncated"],
            taken(&stub.to_bytes(syntax), &[SIZES]),
        );
    }
}

fn responses(group: &mut Group, syntax: TransferSyntax) {
    for len in [210, 260, 308, 1, 2, 3, 4, 5, 6, 7, 8] {
        let content = octets("stub", len);
        let stub = ResponseStub::success(&content).to_bytes(syntax);
        let flag = if len > 8 { "Plain" } else { "Boundary" };
        group.add(
            Verdict::Valid,
            format!("{len} octets"),
            &[flag],
            returned(&stub, &[], 0, &content),
        );
    }
    for status in [0x8007_000d, 0xc004_f042, 0xc004_f06c, 1, 0xffff_ffff] {
        let stub = ResponseStub::failure(status).to_bytes(syntax);
        let data = taken(&stub, &[]).with("returnValue", status);
        group.add(
            Verdict::Valid,
            format!("failure {status:#010x}"),
            &["Plain"],
            data,
        );
    }
    let content = octets("stub", 210);
    let honest = ResponseStub::success(&content);
    response_counts(group, syntax, &honest);
    truncated(group, &honest.to_bytes(syntax));
    shapes(group, syntax, &honest);
    let stub = changed(&honest, |r| r.padding = &[1, 2]).to_bytes(syntax);
    group.add(
        Verdict::Acceptable,
        "alignment of the return value not zero",
        &["Padding"],
        returned(&stub, &[PADDING], 0, &content),
    );
    if syntax == TransferSyntax::Ndr64 {
        let stub = ResponseStub {
            gap: &[1, 2, 3, 4],
            ..honest
        }
        .to_bytes(syntax);
        group.add(
            Verdict::Acceptable,
            "alignment of the pointer not zero",
            &["Padding"],
            returned(&stub, &[PADDING], 0, &content),
        );
    }
    let stub = ResponseStub {
        trailing: &[0; 4],
        ..honest
    }
    .to_bytes(syntax);
    group.add(
        Verdict::Acceptable,
        "four octets behind the return value",
        &["Trailing"],
        returned(&stub, &[], 0, &content),
    );
}

/// Counts that differ, and a pointer that does not matter.
fn response_counts(group: &mut Group, syntax: TransferSyntax, honest: &ResponseStub<'_>) {
    let content = honest.response().unwrap_or_default();
    group.add(
        Verdict::Valid,
        "another referent",
        &["Boundary"],
        returned(
            &changed(honest, |r| r.referent = 1).to_bytes(syntax),
            &[],
            0,
            content,
        ),
    );
    for (comment, stub) in [
        (
            "max_count one less",
            changed(honest, |r| r.max_count = 209).to_bytes(syntax),
        ),
        (
            "max_count one more",
            changed(honest, |r| r.max_count = 211).to_bytes(syntax),
        ),
        (
            "max_count 0",
            changed(honest, |r| r.max_count = 0).to_bytes(syntax),
        ),
        (
            "responseSize one less",
            ResponseStub {
                response_size: 209,
                ..*honest
            }
            .to_bytes(syntax),
        ),
        (
            "responseSize one more",
            ResponseStub {
                response_size: 211,
                ..*honest
            }
            .to_bytes(syntax),
        ),
        (
            "responseSize 0",
            ResponseStub {
                response_size: 0,
                ..*honest
            }
            .to_bytes(syntax),
        ),
    ] {
        group.add(
            Verdict::Invalid,
            comment,
            &["SizesDisagree"],
            taken(&stub, &[SIZES]),
        );
    }
}

/// The same stub with another pointer or count.
fn changed<'a>(honest: &ResponseStub<'a>, change: fn(&mut Returned<'_>)) -> ResponseStub<'a> {
    let mut returned = honest.returned;
    if let Some(returned) = &mut returned {
        change(returned);
    }
    ResponseStub {
        returned,
        ..*honest
    }
}

/// Pointer, size and return value in combinations that mean nothing.
fn shapes(group: &mut Group, syntax: TransferSyntax, honest: &ResponseStub<'_>) {
    let failure = ResponseStub::failure(0x8007_000d);
    for (comment, stub, rule) in [
        (
            "null pointer, return value 0",
            ResponseStub::failure(0),
            REFERENT,
        ),
        (
            "null pointer, size 210, return value 0",
            ResponseStub {
                response_size: 210,
                ..ResponseStub::failure(0)
            },
            REFERENT,
        ),
        (
            "failure with a size",
            ResponseStub {
                response_size: 210,
                ..failure
            },
            SIZES,
        ),
    ] {
        group.add(
            Verdict::Invalid,
            comment,
            &["Shape"],
            taken(&stub.to_bytes(syntax), &[rule]),
        );
    }
    let stub = ResponseStub {
        return_value: 0x8007_000d,
        ..*honest
    }
    .to_bytes(syntax);
    group.add(
        Verdict::Invalid,
        "content with a failure",
        &["Shape"],
        taken(&stub, &[]),
    );
}

fn truncated(group: &mut Group, stub: &[u8]) {
    let whole = stub.len();
    for len in [
        0,
        1,
        3,
        4,
        7,
        8,
        11,
        12,
        15,
        16,
        whole / 2,
        whole - 4,
        whole - 1,
    ] {
        let comment = format!("{len} of {whole} octets");
        group.add(
            Verdict::Invalid,
            comment,
            &["Truncated"],
            taken(&stub[..len], &[SIZES]),
        );
    }
}

fn taken(stub: &[u8], rules: &[&str]) -> Fields {
    let rules: Vec<super::Value> = rules.iter().map(|&rule| rule.into()).collect();
    Fields::default().with("stub", stub).with("rules", rules)
}

fn returned(stub: &[u8], rules: &[&str], value: u32, content: &[u8]) -> Fields {
    taken(stub, rules)
        .with("content", content)
        .with("returnValue", value)
}
