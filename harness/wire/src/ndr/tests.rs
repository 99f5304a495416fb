use hex_literal::hex;

use super::*;
use crate::codec::{ByteOrder, Problem};

const LITTLE: ByteOrder = ByteOrder::Little;

#[test]
fn stubs_are_laid_out_as_the_interface_says() {
    let request = RequestStub::new(b"abcde");
    let success = ResponseStub::success(b"abcdef");
    let failure = ResponseStub::failure(0x8007_000d);
    for (name, got, expected) in [
        (
            "request, NDR32",
            request.to_bytes(TransferSyntax::Ndr32),
            &hex!("05000000 05000000 6162636465")[..],
        ),
        (
            "request, NDR64",
            request.to_bytes(TransferSyntax::Ndr64),
            &hex!("05000000 00000000 0500000000000000 6162636465"),
        ),
        (
            "success, NDR32",
            success.to_bytes(TransferSyntax::Ndr32),
            &hex!("06000000 00000200 06000000 616263646566 0000 00000000"),
        ),
        (
            "success, NDR64",
            success.to_bytes(TransferSyntax::Ndr64),
            &hex!("06000000 00000000 0000020000000000 0600000000000000 616263646566 0000 00000000"),
        ),
        (
            "failure, NDR32",
            failure.to_bytes(TransferSyntax::Ndr32),
            &hex!("00000000 00000000 0d000780"),
        ),
        (
            "failure, NDR64",
            failure.to_bytes(TransferSyntax::Ndr64),
            &hex!("00000000 00000000 0000000000000000 0d000780"),
        ),
    ] {
        assert_eq!(got, expected, "{name}");
    }
}

#[test]
fn what_was_written_is_read_and_every_prefix_is_an_error() {
    for syntax in TransferSyntax::ALL {
        for len in 0..9 {
            let content = vec![0x55; len];
            let request = RequestStub::new(&content).to_bytes(syntax);
            assert_eq!(
                RequestStub::decode(syntax, LITTLE, &request)
                    .unwrap()
                    .to_bytes(syntax),
                request
            );
            let success = ResponseStub::success(&content).to_bytes(syntax);
            let decoded = ResponseStub::decode(syntax, LITTLE, &success).unwrap();
            assert_eq!(
                (decoded.response(), decoded.to_bytes(syntax)),
                (Some(&content[..]), success.clone())
            );
            for cut in 0..request.len() {
                assert!(
                    RequestStub::decode(syntax, LITTLE, &request[..cut]).is_err(),
                    "{syntax:?} {len} {cut}"
                );
            }
            for cut in 0..success.len() {
                assert!(
                    ResponseStub::decode(syntax, LITTLE, &success[..cut]).is_err(),
                    "{syntax:?} {len} {cut}"
                );
            }
        }
    }
}

#[test]
fn any_stub_is_safe_and_nothing_is_dropped() {
    arbtest::arbtest(|u| {
        let stub: Vec<u8> = u.arbitrary()?;
        for syntax in TransferSyntax::ALL {
            if let Ok(request) = RequestStub::decode(syntax, LITTLE, &stub) {
                assert_eq!(request.to_bytes(syntax), stub);
            }
            if let Ok(response) = ResponseStub::decode(syntax, LITTLE, &stub) {
                assert_eq!(response.to_bytes(syntax), stub);
            }
        }
        Ok(())
    });
}

#[test]
fn counts_that_disagree_are_named() {
    let stub = hex!("05000000 06000000 616263646566");
    let error = RequestStub::decode(TransferSyntax::Ndr32, LITTLE, &stub).unwrap_err();
    assert_eq!(
        (error.at, error.field, error.problem),
        (
            4,
            "max_count",
            Problem::Disagrees {
                expected: 5,
                got: 6
            }
        )
    );
    let high_half = hex!("05000000 00000000 0500000001000000 6162636465");
    let error = RequestStub::decode(TransferSyntax::Ndr64, LITTLE, &high_half).unwrap_err();
    assert_eq!((error.at, error.field), (8, "max_count"));
}

#[test]
fn big_endian_counts_are_read() {
    let stub = hex!("00000002 00000002 6162");
    assert_eq!(
        RequestStub::decode(TransferSyntax::Ndr32, ByteOrder::Big, &stub)
            .unwrap()
            .request,
        b"ab"
    );
}
