use kmspec_model::admin::{Administration, Configuration};
use kmspec_model::{CountedFamily, Host, Interval};
use kmspec_slmgr::ProductKey;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Kept;

/// What a lab host remembers: what its administrator has made of it, and whom it has counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostState {
    #[serde(with = "Administered")]
    administration: Administration,
    counted: Vec<Family>,
}

impl Kept for HostState {
    const KIND: &'static str = "host";
    const VERSION: u32 = 1;
}

impl HostState {
    /// What this host remembers.
    pub fn of(host: &Host) -> Self {
        Self {
            administration: host.administration().clone(),
            counted: host.counted().into_iter().map(Family::from).collect(),
        }
    }

    /// A host that was just set up.
    pub fn bare(settings: &kmspec_model::Settings, now: FileTime) -> Self {
        Self {
            administration: Administration::bare(settings, now),
            counted: Vec::new(),
        }
    }

    /// The port it is set to listen on, if it was ever told one.
    pub const fn port(&self) -> Option<u16> {
        self.administration.configured.port
    }

    /// Makes a host remember it.
    pub fn recall(self, host: &mut Host) {
        host.resume(self.administration);
        host.recall(self.counted.into_iter().map(CountedFamily::from).collect());
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Administration", deny_unknown_fields)]
struct Administered {
    #[serde(with = "Key")]
    key: Option<ProductKey>,
    #[serde(with = "SomeTime")]
    installed: Option<FileTime>,
    #[serde(with = "SomeTime")]
    activated: Option<FileTime>,
    #[serde(with = "SomeTime")]
    first_activated: Option<FileTime>,
    #[serde(with = "Configured")]
    configured: Configuration,
    #[serde(with = "Configured")]
    effective: Configuration,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Configuration", deny_unknown_fields)]
struct Configured {
    port: Option<u16>,
    publishing: bool,
    normal_priority: bool,
    #[serde(with = "Minutes")]
    activation_interval: Interval,
    #[serde(with = "Minutes")]
    renewal_interval: Interval,
}

struct Key;

impl Key {
    #[expect(clippy::ref_option, reason = "serde calls it so")]
    fn serialize<S: Serializer>(key: &Option<ProductKey>, to: S) -> Result<S::Ok, S::Error> {
        key.map(|key| key.to_string()).serialize(to)
    }

    fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<ProductKey>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(de::Error::custom))
            .transpose()
    }
}

struct SomeTime;

impl SomeTime {
    #[expect(clippy::ref_option, reason = "serde calls it so")]
    fn serialize<S: Serializer>(time: &Option<FileTime>, to: S) -> Result<S::Ok, S::Error> {
        time.map(|time| time.0).serialize(to)
    }

    fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<FileTime>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(FileTime))
    }
}

struct Minutes;

impl Minutes {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    fn serialize<S: Serializer>(interval: &Interval, to: S) -> Result<S::Ok, S::Error> {
        interval.minutes().serialize(to)
    }

    fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Interval, D::Error> {
        let minutes = u32::deserialize(from)?;
        Interval::from_minutes(minutes).map_err(de::Error::custom)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    #[serde(serialize_with = "guid", deserialize_with = "parsed_guid")]
    application_id: Guid,
    largest_n: u32,
    clients: Vec<Client>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    #[serde(serialize_with = "guid", deserialize_with = "parsed_guid")]
    cmid: Guid,
    seen: u64,
}

fn guid<S: Serializer>(guid: &Guid, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(guid)
}

fn parsed_guid<'de, D: Deserializer<'de>>(from: D) -> Result<Guid, D::Error> {
    String::deserialize(from)?
        .parse()
        .map_err(de::Error::custom)
}

impl From<CountedFamily> for Family {
    fn from(family: CountedFamily) -> Self {
        let client = |(cmid, seen): (Guid, FileTime)| Client { cmid, seen: seen.0 };
        Self {
            application_id: family.application_id,
            largest_n: family.largest_n,
            clients: family.clients.into_iter().map(client).collect(),
        }
    }
}

impl From<Family> for CountedFamily {
    fn from(family: Family) -> Self {
        let client = |client: Client| (client.cmid, FileTime(client.seen));
        Self {
            application_id: family.application_id,
            largest_n: family.largest_n,
            clients: family.clients.into_iter().map(client).collect(),
        }
    }
}
