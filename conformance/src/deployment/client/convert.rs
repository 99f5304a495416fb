//! Rows 2 to 5: from a MAK to a host, and how long that may take.

use kmspec_runner::check::Field;
use kmspec_runner::target::client::Verb;
use kmspec_runner::{Listener, Stop, case};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::{LicenseStatus, RequestBody};

use super::{asks, asks_nobody, is_activated, licence, partial_key};

case! {
    /// The setup key of the edition takes the place of a MAK, which asks no host, and the client is activated by one.
    CONVERTED { id: "deployment.mak-to-kms" }
    for edition in EDITIONS;
    async as_host(listener) {
        edition.is_that_of(&mut listener).await?;
        listener.does(Verb::InstallKey, MAK).await?;
        Field::derived("-dli: Partial Product Key", partial_key(&mut listener).await?).is(last_five(MAK))?;
        asks_nobody(&mut listener, Verb::Activate).await?;
        listener.does(Verb::InstallKey, edition.key).await?;
        let shown = partial_key(&mut listener).await?;
        Field::derived("-dli: Partial Product Key once the MAK is gone", shown).is(last_five(edition.key))?;
        is_activated(&mut listener).await?;
        let status = licence(&mut listener).await?.status;
        Field::derived("-dli: License Status", status).is(LicenseStatus::LICENSED)
    }
}

case! {
    /// The setup key of another edition is refused, and the one that is installed stays.
    OTHER_EDITION { id: "deployment.mak-to-kms/other-edition" }
    for edition in EDITIONS;
    async as_host(listener) {
        edition.is_that_of(&mut listener).await?;
        let before = partial_key(&mut listener).await?;
        let others = EDITIONS.iter().map(|(_, other)| other.key);
        for key in others.filter(|key| *key != edition.key) {
            let tried = listener.tries(Verb::InstallKey, key).await?;
            Field::derived(format!("whether {key} is taken"), tried.is_ok()).is(false)?;
        }
        Field::derived("-dli: Partial Product Key", partial_key(&mut listener).await?).is(before)
    }
}

case! {
    /// A client that is not activated runs for 30 days, or 14, and has reduced functionality from then on, until it is.
    LAST_DAY { id: "deployment.mak-to-kms/last-day" }
    for edition in EDITIONS;
    async as_host(listener) {
        let start = listener.peer().now().plus(FileTime::DAY);
        listener.clock(start);
        edition.is_that_of(&mut listener).await?;
        let whole = edition.days * MINUTES_OF_A_DAY;
        let first = standing_at(&mut listener, start).await?;
        Field::derived("license_status at the start", first.license_status).is(LicenseStatus::OOB_GRACE)?;
        Field::derived("binding_expiration at the start", first.binding_expiration).within(whole - 1..=whole)?;
        let end = start.plus(u64::from(edition.days) * FileTime::DAY);
        let last = standing_at(&mut listener, end.minus(2 * FileTime::MINUTE)).await?;
        Field::derived("license_status in the last minutes", last.license_status).is(LicenseStatus::OOB_GRACE)?;
        Field::derived("binding_expiration in the last minutes", last.binding_expiration).within(1..=3)?;
        let late = standing_at(&mut listener, end.plus(2 * FileTime::MINUTE)).await?;
        Field::derived("license_status after the last day", late.license_status).is(LicenseStatus::NOTIFICATION)?;
        let shown = licence(&mut listener).await?.status;
        Field::derived("-dli: License Status after the last day", shown).is(LicenseStatus::NOTIFICATION)?;
        is_activated(&mut listener).await?;
        let shown = licence(&mut listener).await?.status;
        Field::derived("-dli: License Status once it is activated", shown).is(LicenseStatus::LICENSED)
    }
}

/// What the client says of itself at this time by its clock. It gets no answer.
async fn standing_at(listener: &mut Listener, time: FileTime) -> Result<RequestBody, Stop> {
    listener.clock(time);
    let (link, query) = asks(listener).await?;
    query.asked_at(time)?;
    drop(link);
    listener.fails().await?;
    Ok(*query.body())
}

/// An edition of the document: its setup key, its days of grace, and what the name that `-dli` shows has of it.
struct Edition {
    id: &'static str,
    key: &'static str,
    days: u32,
    named: &'static [&'static str],
}

impl Edition {
    /// The client has this edition.
    ///
    /// # Errors
    /// A skip: it has another.
    async fn is_that_of(&self, listener: &mut Listener) -> Result<(), Stop> {
        listener.edition(self.id);
        let name = licence(listener).await?.name;
        let candidate = |name: &str| name.contains("RC1");
        let fits = self.named.iter().all(|word| name.contains(word));
        if fits && candidate(&name) == (self.days == 14) {
            return Ok(());
        }
        let id = self.id;
        Err(Stop::Skip(format!(
            "needs a client of the edition {id}: -dli shows {name:?}"
        )))
    }
}

fn last_five(key: &str) -> Option<String> {
    key.rsplit('-').next().map(str::to_owned)
}

/// The table of the document: its setup keys are the published ones of products before their release, and license nothing.
const EDITIONS: [(&str, Edition); 6] = [
    (
        "vista-business",
        Edition {
            id: "vista-business",
            key: "YVT36-YVCP2-J97GQ-7T22R-RWV8P",
            days: 30,
            named: &["Vista", "Business"],
        },
    ),
    (
        "vista-enterprise",
        Edition {
            id: "vista-enterprise",
            key: "MF9PG-RQK7R-26BPJ-TWFYK-RHXCM",
            days: 30,
            named: &["Vista", "Enterprise"],
        },
    ),
    (
        "server-enterprise",
        Edition {
            id: "server-enterprise",
            key: "7KYMQ-R788Q-4RF69-KTWKM-92PFJ",
            days: 30,
            named: &["Server", "Enterprise"],
        },
    ),
    (
        "server-itanium",
        Edition {
            id: "server-itanium",
            key: "CWV9H-PHGPW-V93WV-QBQV9-8V336",
            days: 30,
            named: &["Itanium"],
        },
    ),
    (
        "vista-business-rc1",
        Edition {
            id: "vista-business-rc1",
            key: "YVT36-YVCP2-J97GQ-7T22R-RWV8P",
            days: 14,
            named: &["Vista", "Business"],
        },
    ),
    (
        "longhorn-server-enterprise-rc1",
        Edition {
            id: "longhorn-server-enterprise-rc1",
            key: "7KYMQ-R788Q-4RF69-KTWKM-92PFJ",
            days: 14,
            named: &["Longhorn", "Enterprise"],
        },
    ),
];

/// A key of the right shape that is no setup key, and nobody's.
const MAK: &str = "NOSUC-HMAKA-NYWHE-REATA-LL000";
const MINUTES_OF_A_DAY: u32 = 24 * 60;
