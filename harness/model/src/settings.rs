use std::fmt;
use std::str::FromStr;

use kmspec_wire::btfn::Features;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::epid::LAB_PLATFORM_ID;
use kmspec_wire::kms::{Epid, EpidError, ResponseBody};
use thiserror::Error;

use crate::fault::Faults;
use crate::{Clock, Delivery};

/// How the host is set up. There is no key set here: the host has the lab's and takes no other.
///
/// ```compile_fail
/// use kmspec_model::{Host, Settings};
/// use kmspec_wire::keys::KeySet;
/// let host = Host::new(Settings { keys: KeySet::lab(), ..Settings::default() });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The ePID of every answer.
    pub epid: LabEpid,
    /// The hardware id of every v6 answer.
    pub hardware_id: [u8; 8],
    /// Minutes between attempts of a client that is not activated.
    pub activation_interval: Interval,
    /// Minutes between renewals of one that is.
    pub renewal_interval: Interval,
    /// Clients each family has already when its first request comes; at most [`Limits::clients`] take effect.
    pub start_count: u32,
    /// Whether the host itself is activated; one that is not refuses every request.
    pub activated: bool,
    /// Whether NDR64 is spoken, as by 64-bit Windows.
    pub ndr64: bool,
    /// Bind-time features the host has; `None` for a host that does not know the negotiation.
    pub features: Option<Features>,
    /// The host's time of day.
    pub clock: Clock,
    /// How answers are sent.
    pub delivery: Delivery,
    /// What salts and group ids follow from.
    pub seed: u64,
    /// Limits on what a client can use up.
    pub limits: Limits,
    /// Deliberate defects.
    pub faults: Faults,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            epid: LabEpid::default(),
            hardware_id: *b"\x3a\x1c\x04\x96\x00\xb6\x00\x76",
            activation_interval: Interval(ResponseBody::ACTIVATION_INTERVAL),
            renewal_interval: Interval(ResponseBody::RENEWAL_INTERVAL),
            start_count: 0,
            activated: true,
            ndr64: true,
            features: Some(Features::ALL),
            clock: Clock::Given,
            delivery: Delivery::Whole,
            seed: 0,
            limits: Limits::default(),
            faults: Faults::NONE,
        }
    }
}

/// What a client can use up at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a whole call. Default 4 MiB. Source: MS-RPCE 3.3.3.5.4.
    pub call: usize,
    /// Fragments of a call. By default as many as octets: one-octet fragments are lawful.
    pub fragments: usize,
    /// Presentation contexts of a connection. Default 256.
    pub contexts: usize,
    /// Client machine ids of a family. Default 671. Source: observed, captures/16-vlmcs-vlmcsd-count-overcharge-671.pcap.
    pub clients: usize,
    /// Units of 100 ns after which a connection without traffic is closed. Default 2 minutes.
    pub idle: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            call: 0x0040_0000,
            fragments: 0x0040_0000,
            contexts: 256,
            clients: 671,
            idle: 2 * FileTime::MINUTE,
        }
    }
}

/// A setting that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SettingError {
    /// Not an extended PID.
    #[error("ePID: {0}")]
    Epid(#[from] EpidError),
    /// An extended PID that a production host could have.
    #[error("ePID has platform id {got:05}, the lab host's is always {LAB_PLATFORM_ID}")]
    PlatformId {
        /// The platform id given.
        got: u32,
    },
    /// An interval outside Microsoft's range.
    #[error(
        "interval of {got} minutes is not within {} to {}",
        Interval::MIN,
        Interval::MAX
    )]
    Interval {
        /// The minutes given.
        got: u32,
    },
}

/// An extended PID that no real host has: its platform id is 99999. Source: kms-protocol 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabEpid {
    epid: Epid,
    wire: Vec<u8>,
}

impl LabEpid {
    /// The extended PID.
    pub const fn epid(&self) -> &Epid {
        &self.epid
    }

    /// The same, of a host that was activated on another day.
    #[must_use]
    pub(crate) fn activated_on(&self, time: FileTime) -> Self {
        let (year, day_of_year) = time.ordinal();
        let epid = Epid {
            day_of_year,
            year,
            ..self.epid
        };
        // A year of five digits has no place in an ePID; nothing the lab does takes that long.
        if (1000..=9999).contains(&year) {
            Self::lab(epid)
        } else {
            self.clone()
        }
    }

    /// UTF-16LE with its terminating zero.
    pub(crate) fn wire(&self) -> &[u8] {
        &self.wire
    }

    fn lab(epid: Epid) -> Self {
        Self {
            wire: epid.to_wire(),
            epid,
        }
    }
}

impl Default for LabEpid {
    fn default() -> Self {
        use kmspec_wire::kms::epid::Decimal;
        Self::lab(Epid {
            platform_id: LAB_PLATFORM_ID,
            group_id: 206,
            key_id: 570_123_456,
            channel: Epid::VOLUME,
            lcid: Decimal::new(1033, 1),
            // Of an odd number of UTF-16 units, so that v4 responses need padding.
            build: Decimal::new(9600, 4),
            revision: 0,
            day_of_year: 1,
            year: 2026,
        })
    }
}

impl TryFrom<Epid> for LabEpid {
    type Error = SettingError;

    fn try_from(epid: Epid) -> Result<Self, SettingError> {
        match epid.platform_id {
            LAB_PLATFORM_ID => Ok(Self::lab(epid)),
            got => Err(SettingError::PlatformId { got }),
        }
    }
}

impl FromStr for LabEpid {
    type Err = SettingError;

    fn from_str(text: &str) -> Result<Self, SettingError> {
        text.parse::<Epid>()?.try_into()
    }
}

impl fmt::Display for LabEpid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.epid.fmt(f)
    }
}

/// Minutes between two requests of a client, 15 to 43200. Source: kms-protocol 3, `message.intervals-range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval(u32);

impl Interval {
    /// Shortest, in minutes.
    pub const MIN: u32 = 15;
    /// Longest, in minutes.
    pub const MAX: u32 = 43_200;
    /// The default between attempts of a client that is not activated: two hours.
    pub const ACTIVATION: Self = Self(ResponseBody::ACTIVATION_INTERVAL);
    /// The default between renewals of one that is: seven days.
    pub const RENEWAL: Self = Self(ResponseBody::RENEWAL_INTERVAL);

    /// From minutes.
    pub const fn from_minutes(minutes: u32) -> Result<Self, SettingError> {
        if minutes < Self::MIN || minutes > Self::MAX {
            return Err(SettingError::Interval { got: minutes });
        }
        Ok(Self(minutes))
    }

    /// The interval nearest to so many minutes.
    pub(crate) fn clamped(minutes: u32) -> Self {
        Self(minutes.clamp(Self::MIN, Self::MAX))
    }

    /// In minutes.
    pub const fn minutes(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Interval {
    type Error = SettingError;

    fn try_from(minutes: u32) -> Result<Self, SettingError> {
        Self::from_minutes(minutes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_platform_id_99999_makes_a_lab_epid() {
        let good: LabEpid = "99999-00206-563-535837-03-1056-9200.0000-0732024"
            .parse()
            .unwrap();
        assert_eq!(good.epid().platform_id, LAB_PLATFORM_ID);
        let error = "05426-00206-563-535837-03-1056-9200.0000-0732024"
            .parse::<LabEpid>()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "ePID has platform id 05426, the lab host's is always 99999"
        );
        assert!("99999".parse::<LabEpid>().is_err());
    }

    #[test]
    fn the_default_epid_is_a_lab_epid_that_reads_back() {
        let epid = LabEpid::default();
        assert_eq!(epid.to_string().parse(), Ok(epid.clone()));
        assert_eq!(Epid::from_wire(epid.wire()), Ok(*epid.epid()));
    }

    #[test]
    fn intervals_keep_to_the_documented_range() {
        for (minutes, lawful) in [
            (0, false),
            (14, false),
            (15, true),
            (43_200, true),
            (43_201, false),
        ] {
            assert_eq!(Interval::from_minutes(minutes).is_ok(), lawful, "{minutes}");
        }
    }

    #[test]
    fn settings_have_no_place_for_keys() {
        // A new field stops this from compiling: look whether it brings key material before adding it here.
        let Settings {
            epid: _,
            hardware_id: _,
            activation_interval: _,
            renewal_interval: _,
            start_count: _,
            activated: _,
            ndr64: _,
            features: _,
            clock: _,
            delivery: _,
            seed: _,
            limits: _,
            faults: _,
        } = Settings::default();
    }
}
