use super::{ProtocolVersion, WorkstationName};
use crate::codec::{DecodeError, Reader, Writer};
use crate::filetime::FileTime;
use crate::guid::Guid;
use crate::open_enum::open_enum;

open_enum! {
    /// The client's licence status. Source: kms-protocol 3, request body.
    pub struct LicenseStatus(u32) {
        /// Unlicensed.
        UNLICENSED = 0,
        /// Licensed.
        LICENSED = 1,
        /// Out-of-box grace.
        OOB_GRACE = 2,
        /// Out-of-tolerance grace.
        OOT_GRACE = 3,
        /// Non-genuine grace.
        NON_GENUINE_GRACE = 4,
        /// Notification.
        NOTIFICATION = 5,
        /// Extended grace.
        EXTENDED_GRACE = 6,
    }
}

/// What a client asks: the 236 bytes every envelope holds. Source: kms-protocol 3, request body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct RequestBody {
    /// The inner version.
    pub version: ProtocolVersion,
    /// Whether the client is a virtual machine: 0 or 1.
    pub is_client_vm: u32,
    /// The client's licence status.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = |u: &mut arbitrary::Unstructured<'_>| u.arbitrary().map(LicenseStatus)))]
    pub license_status: LicenseStatus,
    /// Minutes left in that status.
    pub binding_expiration: u32,
    /// Family of products; see [`ids`](super::ids).
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = guid))]
    pub application_id: Guid,
    /// One edition (SKU).
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = guid))]
    pub activation_id: Guid,
    /// The group a host grants or refuses by.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = guid))]
    pub counted_id: Guid,
    /// Client machine id.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = guid))]
    pub cmid: Guid,
    /// Clients the product needs before it activates.
    pub n_policy: u32,
    /// The client's clock.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = |u: &mut arbitrary::Unstructured<'_>| u.arbitrary().map(FileTime)))]
    pub client_time: FileTime,
    /// The client machine id before this one; nil if it never changed.
    #[cfg_attr(any(test, feature = "arbitrary"), arbitrary(with = guid))]
    pub previous_cmid: Guid,
    /// The client's name.
    pub workstation: WorkstationName,
}

#[cfg(any(test, feature = "arbitrary"))]
fn guid(u: &mut arbitrary::Unstructured<'_>) -> arbitrary::Result<Guid> {
    u.arbitrary().map(Guid::from_u128)
}

impl RequestBody {
    /// Size on the wire, in bytes.
    pub const SIZE: usize = 236;

    /// Writes all fields.
    #[inline]
    pub fn encode(&self, w: &mut Writer<'_>) {
        let Self {
            version,
            is_client_vm,
            license_status,
            binding_expiration,
            application_id,
            activation_id,
            counted_id,
            cmid,
            n_policy,
            client_time,
            previous_cmid,
            workstation,
        } = self;
        w.fields::<{ Self::SIZE }>(|w| {
            w.u16("minor_version", version.minor)
                .u16("major_version", version.major)
                .u32("is_client_vm", *is_client_vm)
                .u32("license_status", license_status.0)
                .u32("binding_expiration", *binding_expiration)
                .guid("application_id", *application_id)
                .guid("activation_id", *activation_id)
                .guid("counted_id", *counted_id)
                .guid("cmid", *cmid)
                .u32("n_policy", *n_policy)
                .u64("client_time", client_time.0)
                .guid("previous_cmid", *previous_cmid)
                .bytes("workstation_name", workstation.to_le_bytes());
        });
    }

    /// Reads all fields.
    #[expect(
        clippy::inline_always,
        reason = "fields that go where they are wanted at once save a third of opening a request"
    )]
    #[inline(always)]
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let minor = r.u16("minor_version")?;
        let major = r.u16("major_version")?;
        Ok(Self {
            version: ProtocolVersion { major, minor },
            is_client_vm: r.u32("is_client_vm")?,
            license_status: LicenseStatus(r.u32("license_status")?),
            binding_expiration: r.u32("binding_expiration")?,
            application_id: r.guid("application_id")?,
            activation_id: r.guid("activation_id")?,
            counted_id: r.guid("counted_id")?,
            cmid: r.guid("cmid")?,
            n_policy: r.u32("n_policy")?,
            client_time: FileTime(r.u64("client_time")?),
            previous_cmid: r.guid("previous_cmid")?,
            workstation: WorkstationName::from_le_bytes(r.chunk("workstation_name")?),
        })
    }

    /// The 236 bytes alone.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(Self::SIZE);
        self.encode(&mut Writer::new(&mut out));
        out
    }

    /// Exactly 236 bytes; more or fewer are an error.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let body = Self::decode(&mut r)?;
        r.finish("request body")?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_request_round_trips() {
        arbtest::arbtest(|u| {
            let body: RequestBody = u.arbitrary()?;
            let bytes = body.to_bytes();
            assert_eq!(bytes.len(), RequestBody::SIZE);
            assert_eq!(RequestBody::from_bytes(&bytes), Ok(body));
            Ok(())
        });
    }

    #[test]
    fn any_236_bytes_are_kept() {
        arbtest::arbtest(|u| {
            let bytes = u.bytes(RequestBody::SIZE)?;
            assert_eq!(RequestBody::from_bytes(bytes).unwrap().to_bytes(), bytes);
            Ok(())
        });
    }

    #[test]
    fn every_other_length_is_an_error() {
        for len in (0..RequestBody::SIZE).chain([237, 300]) {
            assert!(RequestBody::from_bytes(&vec![0; len]).is_err(), "{len}");
        }
    }
}
