//! Calls of which no bind is in the file, recognised by their form.

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::ndr::{RequestStub, TransferSyntax};

use crate::num::array;

/// The encoding of a stub that can be nothing but a KMS request: sizes that agree and a message of a lawful length.
pub(super) fn kms_request(stub: &[u8], order: ByteOrder) -> Option<TransferSyntax> {
    let syntax = request_syntax(stub, order)?;
    let message = RequestStub::decode(syntax, order, stub).ok()?.request;
    let [_, _, low, high] = array(message, 0)?;
    let lawful = match u16::from_le_bytes([low, high]) {
        4 => message.len() == V4_REQUEST,
        5 | 6 => message.len() == V5_REQUEST,
        _ => false,
    };
    lawful.then_some(syntax)
}

/// The encoding whose sizes agree with the stub's length.
pub(super) fn request_syntax(stub: &[u8], order: ByteOrder) -> Option<TransferSyntax> {
    TransferSyntax::ALL.into_iter().find(|&syntax| {
        RequestStub::decode(syntax, order, stub).is_ok_and(|stub| stub.trailing.is_empty())
    })
}

/// The same for a stub cut off behind its first field: the length it had in whole must be that of a KMS request.
pub(super) fn cut_request(stub: &[u8], whole: u32, order: ByteOrder) -> Option<TransferSyntax> {
    let size = array(stub, 0)?;
    let size = match order {
        ByteOrder::Little => u32::from_le_bytes(size),
        ByteOrder::Big => u32::from_be_bytes(size),
    };
    if ![V4_REQUEST, V5_REQUEST]
        .map(u32::try_from)
        .contains(&Ok(size))
    {
        return None;
    }
    match whole.checked_sub(size)? {
        8 => Some(TransferSyntax::Ndr32),
        16 => Some(TransferSyntax::Ndr64),
        _ => None,
    }
}

/// Length of a version 4 request. Source: kms-protocol section 4.
const V4_REQUEST: usize = 252;

/// Length of a version 5 or 6 request. Source: kms-protocol section 4.
const V5_REQUEST: usize = 260;
