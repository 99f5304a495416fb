use super::{TransferSyntax, size32};
use crate::codec::{ByteOrder, DecodeError, Problem, Reader, Writer};

/// Response stub: `responseSize`, a pointer to the response, the return value. Source: kms-protocol section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseStub<'a> {
    /// Octets of the response, by the parameter; 0 on failure.
    pub response_size: u32,
    /// NDR64's octets between size and referent, 0 when honest; empty in NDR32.
    pub gap: &'a [u8],
    /// What the pointer points to; `None` for the null pointer of a failure.
    pub returned: Option<Returned<'a>>,
    /// The operation's return value, an HRESULT.
    pub return_value: u32,
    /// Octets behind the return value: none when honest.
    pub trailing: &'a [u8],
}

/// What a pointer that is not null points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned<'a> {
    /// The referent, any number but 0; Windows sends 0x00020000.
    pub referent: u64,
    /// Octets of the response, by the conformant array.
    pub max_count: u64,
    /// The KMS response.
    pub response: &'a [u8],
    /// Octets that align the return value to 4; 0 when honest.
    pub padding: &'a [u8],
}

impl<'a> ResponseStub<'a> {
    /// The referent that Windows sends.
    pub const REFERENT: u64 = 0x0002_0000;

    /// The honest stub of a response.
    pub fn success(response: &'a [u8]) -> Self {
        let response_size = size32(response.len());
        let max_count = u64::from(response_size);
        let returned = Returned {
            referent: Self::REFERENT,
            max_count,
            response,
            padding: &[],
        };
        Self {
            response_size,
            gap: &[],
            returned: Some(returned),
            return_value: 0,
            trailing: &[],
        }
    }

    /// The honest stub of a failure.
    pub const fn failure(return_value: u32) -> Self {
        Self {
            response_size: 0,
            gap: &[],
            returned: None,
            return_value,
            trailing: &[],
        }
    }

    /// The KMS response, if there is one.
    pub fn response(&self) -> Option<&'a [u8]> {
        self.returned.map(|returned| returned.response)
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
        let response_size = r.u32("responseSize")?;
        let gap = r.bytes("responseSize.padding", syntax.gap())?;
        let returned = match syntax.read(&mut r, "referent")? {
            0 => None,
            referent => Some(Returned::decode(syntax, referent, response_size, &mut r)?),
        };
        let return_value = r.u32("return_value")?;
        Ok(Self {
            response_size,
            gap,
            returned,
            return_value,
            trailing: r.rest(),
        })
    }

    /// Writes the stub, integers in the writer's order. The writer must stand at the start of the stub.
    pub fn encode(&self, syntax: TransferSyntax, w: &mut Writer<'_>) {
        let Self {
            response_size,
            gap,
            returned,
            return_value,
            trailing,
        } = *self;
        w.u32("responseSize", response_size);
        w.padding("responseSize.padding", syntax.gap(), gap);
        match returned {
            None => syntax.write(w, "referent", 0),
            Some(returned) => returned.encode(syntax, w),
        }
        w.u32("return_value", return_value);
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

impl<'a> Returned<'a> {
    fn decode(
        syntax: TransferSyntax,
        referent: u64,
        response_size: u32,
        r: &mut Reader<'a>,
    ) -> Result<Self, DecodeError> {
        let before_count = r.clone();
        let max_count = syntax.read(r, "max_count")?;
        if max_count != u64::from(response_size) {
            let problem = Problem::Disagrees {
                expected: u64::from(response_size),
                got: max_count,
            };
            return Err(before_count.error("max_count", problem));
        }
        let response = r.bytes(
            "response",
            usize::try_from(response_size).unwrap_or(usize::MAX),
        )?;
        Ok(Self {
            referent,
            max_count,
            response,
            padding: r.bytes("response.padding", align4(response.len()))?,
        })
    }

    fn encode(&self, syntax: TransferSyntax, w: &mut Writer<'_>) {
        let Self {
            referent,
            max_count,
            response,
            padding,
        } = *self;
        syntax.write(w, "referent", referent);
        syntax.write(w, "max_count", max_count);
        w.bytes("response", response);
        w.padding("response.padding", align4(response.len()), padding);
    }
}

/// Octets from `len` to the next multiple of 4. What stands before the array is a multiple of 4 in both syntaxes.
const fn align4(len: usize) -> usize {
    len.wrapping_neg() & 3
}
