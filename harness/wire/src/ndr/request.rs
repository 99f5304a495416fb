use super::{TransferSyntax, size32};
use crate::codec::{ByteOrder, DecodeError, Problem, Reader, Writer};

/// Request stub: `requestSize`, `max_count`, the request. Source: kms-protocol section 2; C706 14.3.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestStub<'a> {
    /// Octets of the request, by the parameter.
    pub request_size: u32,
    /// NDR64's octets between the two counts, 0 when honest; empty in NDR32.
    pub gap: &'a [u8],
    /// Octets of the request, by the conformant array.
    pub max_count: u64,
    /// The KMS request.
    pub request: &'a [u8],
    /// Octets behind the parameters: none from most clients, to be ignored.
    pub trailing: &'a [u8],
}

impl<'a> RequestStub<'a> {
    /// The honest stub of a request.
    pub fn new(request: &'a [u8]) -> Self {
        let request_size = size32(request.len());
        Self {
            request_size,
            gap: &[],
            max_count: u64::from(request_size),
            request,
            trailing: &[],
        }
    }

    /// Decodes a stub whose integers are in `order`.
    ///
    /// # Errors
    /// The stub ends too early, or the two counts disagree.
    pub fn decode(
        syntax: TransferSyntax,
        order: ByteOrder,
        stub: &'a [u8],
    ) -> Result<Self, DecodeError> {
        let mut r = Reader::new(stub).with_order(order);
        let request_size = r.u32("requestSize")?;
        let gap = r.bytes("requestSize.padding", syntax.gap())?;
        let before_count = r.clone();
        let max_count = syntax.read(&mut r, "max_count")?;
        if max_count != u64::from(request_size) {
            let problem = Problem::Disagrees {
                expected: u64::from(request_size),
                got: max_count,
            };
            return Err(before_count.error("max_count", problem));
        }
        let request = r.bytes(
            "request",
            usize::try_from(request_size).unwrap_or(usize::MAX),
        )?;
        Ok(Self {
            request_size,
            gap,
            max_count,
            request,
            trailing: r.rest(),
        })
    }

    /// Writes the stub, integers in the writer's order.
    pub fn encode(&self, syntax: TransferSyntax, w: &mut Writer<'_>) {
        let Self {
            request_size,
            gap,
            max_count,
            request,
            trailing,
        } = *self;
        w.u32("requestSize", request_size);
        w.padding("requestSize.padding", syntax.gap(), gap);
        syntax.write(w, "max_count", max_count);
        w.bytes("request", request);
        if !trailing.is_empty() {
            w.bytes("trailing", trailing);
        }
    }

    /// The stub's octets, little-endian.
    pub fn to_bytes(&self, syntax: TransferSyntax) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(syntax, &mut Writer::new(&mut out));
        out
    }
}
