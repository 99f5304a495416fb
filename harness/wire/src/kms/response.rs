use super::{ProtocolVersion, RequestBody};
use crate::codec::{DecodeError, Reader, Writer};
use crate::filetime::FileTime;
use crate::guid::Guid;

/// What a host answers. Source: kms-protocol 3, response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct ResponseBody<'a> {
    /// The inner version.
    pub version: ProtocolVersion,
    /// `PIDSize` as the message states it; honest when it is the length of `epid`, and read back it always is.
    pub pid_size: u32,
    /// The extended PID: UTF-16LE with its terminating zero.
    pub epid: &'a [u8],
    /// Client machine id of the request.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = |u: &mut arbitrary::Unstructured<'_>| u.arbitrary().map(Guid::from_u128)))]
    pub cmid: Guid,
    /// Client time of the request.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = |u: &mut arbitrary::Unstructured<'_>| u.arbitrary().map(FileTime)))]
    pub client_time: FileTime,
    /// Machines counted now.
    pub count: u32,
    /// Minutes between attempts of a client that is not activated.
    pub activation_interval: u32,
    /// Minutes between renewals of one that is.
    pub renewal_interval: u32,
}

impl<'a> ResponseBody<'a> {
    /// Size without the PID, in bytes.
    pub const FIXED_SIZE: usize = 44;
    /// Smallest lawful `PIDSize`.
    pub const MIN_PID_SIZE: u32 = 4;
    /// Largest lawful `PIDSize`.
    pub const MAX_PID_SIZE: u32 = 128;
    /// Default activation interval in minutes.
    pub const ACTIVATION_INTERVAL: u32 = 120;
    /// Default renewal interval in minutes.
    pub const RENEWAL_INTERVAL: u32 = 10_080;

    /// The answer to `request` with the default intervals.
    pub fn to_request(request: &RequestBody, epid: &'a [u8], count: u32) -> Self {
        let body = Self {
            version: request.version,
            pid_size: 0,
            epid,
            cmid: request.cmid,
            client_time: request.client_time,
            count,
            activation_interval: Self::ACTIVATION_INTERVAL,
            renewal_interval: Self::RENEWAL_INTERVAL,
        };
        body.with_epid(epid)
    }

    /// Size on the wire, in bytes.
    pub const fn size(&self) -> usize {
        Self::FIXED_SIZE.saturating_add(self.epid.len())
    }

    /// The same answer with this extended PID and the size that goes with it.
    #[must_use]
    pub fn with_epid(self, epid: &'a [u8]) -> Self {
        Self {
            pid_size: u32::try_from(epid.len()).unwrap_or(u32::MAX),
            epid,
            ..self
        }
    }

    /// Writes all fields, `pid_size` as it stands.
    #[inline]
    pub fn encode(&self, w: &mut Writer<'_>) {
        let Self {
            version,
            pid_size,
            epid,
            cmid,
            client_time,
            count,
            activation_interval,
            renewal_interval,
        } = self;
        w.fields::<8>(|w| {
            w.u16("minor_version", version.minor)
                .u16("major_version", version.major)
                .u32("pid_size", *pid_size);
        });
        w.bytes("epid", epid);
        w.fields::<36>(|w| {
            w.guid("cmid", *cmid)
                .u64("client_time", client_time.0)
                .u32("count", *count)
                .u32("activation_interval", *activation_interval)
                .u32("renewal_interval", *renewal_interval);
        });
    }

    /// Reads all fields. Any `PIDSize` is followed as long as the bytes are there.
    #[expect(
        clippy::inline_always,
        reason = "as for requests: moving the fields costs more than reading them"
    )]
    #[inline(always)]
    pub fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let minor = r.u16("minor_version")?;
        let major = r.u16("major_version")?;
        let pid_size = r.u32("pid_size")?;
        Ok(Self {
            version: ProtocolVersion { major, minor },
            pid_size,
            epid: r.bytes("epid", usize::try_from(pid_size).unwrap_or(usize::MAX))?,
            cmid: r.guid("cmid")?,
            client_time: FileTime(r.u64("client_time")?),
            count: r.u32("count")?,
            activation_interval: r.u32("activation_interval")?,
            renewal_interval: r.u32("renewal_interval")?,
        })
    }

    /// The message alone.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size());
        self.encode(&mut Writer::new(&mut out));
        out
    }

    /// Exactly one message; trailing bytes are an error.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let body = Self::decode(&mut r)?;
        r.finish("response body")?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_honest_response_round_trips_and_every_prefix_is_an_error() {
        arbtest::arbtest(|u| {
            let body: ResponseBody<'_> = u.arbitrary()?;
            let body = body.with_epid(body.epid);
            let bytes = body.to_bytes();
            assert_eq!(bytes.len(), body.size());
            assert_eq!(ResponseBody::from_bytes(&bytes), Ok(body));
            for len in 0..bytes.len() {
                assert!(ResponseBody::from_bytes(&bytes[..len]).is_err());
            }
            Ok(())
        });
    }

    #[test]
    fn a_pid_size_beyond_the_message_is_truncated() {
        let mut bytes = vec![0; 60];
        bytes[4..8].copy_from_slice(&[0xff; 4]);
        let error = ResponseBody::from_bytes(&bytes).unwrap_err();
        assert_eq!((error.at, error.field), (8, "epid"));
    }
}
