//! Rows 12 to 16: a host gets its key and is activated.

use kmspec_runner::check::Field;
use kmspec_runner::{Peer, Stop, case};
use kmspec_slmgr::InstallationId;

use super::{KEY, refused, report, served, usable};

/// The setup key of a client edition, which the deployment document publishes: it makes no host of any machine.
const CLIENTS_KEY: &str = "MF9PG-RQK7R-26BPJ-TWFYK-RHXCM";

case! {
    /// With its key a host is not yet activated and serves nobody; activated online, it serves without further settings.
    ONLINE { id: "deployment.host-install/online", needs: [Kms, Fresh] }
    async fn(peer) {
        install(&peer).await?;
        refused(&peer).await?;
        peer.control("ato", "").await?;
        served(&peer).await
    }
}

case! {
    /// By telephone: the installation id that is shown is well-formed, another's confirmation id is not taken, its own is.
    TELEPHONE { id: "deployment.host-install/telephone", needs: [Kms, Fresh] }
    async fn(peer) {
        install(&peer).await?;
        let id = installation_id(&peer.control("dti", "").await?)?;
        let confirmation = peer.control("confirmation", &id.to_string()).await?;
        let others = peer.control("confirmation", &InstallationId::lab("another host").to_string()).await?;
        let wrong = peer.try_control("atp", digits(&others)).await?;
        Field::derived("whether another host's confirmation id is taken", wrong.is_ok()).is(false)?;
        refused(&peer).await?;
        peer.control("atp", digits(&confirmation)).await?;
        served(&peer).await
    }
}

case! {
    /// A key that makes no host is not installed, and nothing changes.
    FOREIGN_KEY { id: "deployment.host-install/foreign-key", needs: [Kms, Fresh] }
    async fn(peer) {
        let before = report(&peer, "dli", "").await?;
        let tried = peer.try_control("ipk", CLIENTS_KEY).await?;
        let after = report(&peer, "dli", "").await?;
        if tried.is_ok() && before == after {
            return Err(Stop::Skip("needs control verb ipk with {value}".to_owned()));
        }
        let shown = usable(&after, "dli")?.partial_key;
        Field::derived("-dli: Partial Product Key", shown).is(usable(&before, "dli")?.partial_key)?;
        Field::derived("whether a key of a client edition is taken", tried.is_ok()).is(false)?;
        served(&peer).await
    }
}

/// Installs a key that is not the one installed already.
async fn install(peer: &Peer) -> Result<(), Stop> {
    let before = report(peer, "dli", "").await?;
    peer.control("ipk", KEY).await?;
    let after = report(peer, "dli", "").await?;
    if usable(&before, "dli").ok().map(|l| l.partial_key)
        == Some(usable(&after, "dli")?.partial_key)
    {
        let reason = "needs control verb ipk with a key that is not installed already";
        return Err(Stop::Skip(reason.to_owned()));
    }
    Ok(())
}

/// The installation id in what is printed: 54 digits, perhaps in groups.
fn installation_id(text: &str) -> Result<InstallationId, Stop> {
    digits(text)
        .parse()
        .map_err(|error: kmspec_slmgr::IdError| {
            Stop::fail(
                "installation id",
                "nine groups of six digits, the sixth a check of the others",
                error.to_string(),
            )
        })
}

/// An id in what is printed: the line that is the longest from its first digit on.
fn digits(text: &str) -> &str {
    let lines = text.lines().filter_map(|line| {
        let start = line.find(|c: char| c.is_ascii_digit())?;
        line.get(start..).map(str::trim)
    });
    lines.max_by_key(|id| id.len()).unwrap_or_default()
}
