//! Calls of every version and transfer syntax, opened and verified by the client's side.

use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{BindBuilder, SyntaxId};

use crate::kit::{Pair, request};

#[test]
fn every_version_is_answered_in_both_transfer_syntaxes() {
    for syntax in TransferSyntax::ALL {
        let mut pair =
            Pair::bound_by(&BindBuilder::new().offering(1, SyntaxId::KMS, &[syntax.id()]));
        for version in Version::ALL {
            let count = pair.activate(syntax, 1, &request(version, 1));
            assert_eq!(count, Ok(1), "{version} {}", syntax.name());
        }
    }
}
