use std::fmt;

/// The protocol version a message carries. On the wire the minor half comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct ProtocolVersion {
    /// Major version: 4, 5 or 6.
    pub major: u16,
    /// Minor version: 0.
    pub minor: u16,
}

/// The versions that are defined: each has an envelope of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub enum Version {
    /// Not encrypted, with a CBC-MAC.
    V4,
    /// Encrypted.
    V5,
    /// Encrypted, the response with an HMAC.
    V6,
}

impl ProtocolVersion {
    /// Size on the wire, in bytes.
    pub const SIZE: usize = 4;

    /// From the wire: minor, then major.
    pub const fn from_le_bytes([a, b, c, d]: [u8; 4]) -> Self {
        Self {
            minor: u16::from_le_bytes([a, b]),
            major: u16::from_le_bytes([c, d]),
        }
    }

    /// To the wire: minor, then major.
    pub const fn to_le_bytes(self) -> [u8; 4] {
        let ([a, b], [c, d]) = (self.minor.to_le_bytes(), self.major.to_le_bytes());
        [a, b, c, d]
    }

    /// The defined version with this major half, whatever the minor half says.
    pub const fn known(self) -> Option<Version> {
        match self.major {
            4 => Some(Version::V4),
            5 => Some(Version::V5),
            6 => Some(Version::V6),
            _ => None,
        }
    }

    /// Whether this is exactly 4.0, 5.0 or 6.0: all that a strict host answers.
    ///
    /// Source: observed, captures/19-vlmcs-vlmcsd-bad-version-and-policy.pcap: 4.1, 5.1 and 6.1 are refused.
    pub const fn is_exact(self) -> bool {
        self.known().is_some() && self.minor == 0
    }

    /// The envelope peers use for this version: that of the nearest defined one.
    ///
    /// Source: observed, captures/19-vlmcs-vlmcsd-bad-version-and-policy.pcap: 3.0 comes as version 4 does, 7.0 as 6.
    pub const fn layout(self) -> Version {
        match self.major {
            ..=4 => Version::V4,
            5 => Version::V5,
            _ => Version::V6,
        }
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl Version {
    /// All of them, the oldest first.
    pub const ALL: [Self; 3] = [Self::V4, Self::V5, Self::V6];

    /// The number messages of this version carry.
    pub const fn protocol(self) -> ProtocolVersion {
        let major = match self {
            Self::V4 => 4,
            Self::V5 => 5,
            Self::V6 => 6,
        };
        ProtocolVersion { major, minor: 0 }
    }
}

impl From<Version> for ProtocolVersion {
    fn from(version: Version) -> Self {
        version.protocol()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "v{}", self.protocol().major)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minor_half_comes_first_on_the_wire() {
        let version = ProtocolVersion { major: 6, minor: 1 };
        assert_eq!(version.to_le_bytes(), [1, 0, 6, 0]);
        assert_eq!(ProtocolVersion::from_le_bytes([1, 0, 6, 0]), version);
        assert_eq!(version.to_string(), "6.1");
        assert_eq!(version.known(), Some(Version::V6));
        assert!(!version.is_exact());
    }

    #[test]
    fn unknown_versions_use_the_nearest_envelope() {
        for (major, layout) in [
            (0, Version::V4),
            (3, Version::V4),
            (5, Version::V5),
            (7, Version::V6),
        ] {
            assert_eq!(ProtocolVersion { major, minor: 0 }.layout(), layout);
        }
    }
}
