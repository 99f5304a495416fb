//! Rows 30 to 32 and support: what a host shows of itself.

use kmspec_runner::check::Field;
use kmspec_runner::{Stop, case};
use kmspec_wire::kms::LicenseStatus;

use super::{KEY, asked, has_details, report, service, usable};

case! {
    /// -dli shows what the wire says: the count of the last answer, the port listened on, a licence that holds.
    AGREES { id: "deployment.show", needs: [Kms, Fresh] }
    async fn(peer) {
        let mut last = asked(&peer).await?;
        for _ in 0..2 {
            last = asked(&peer).await?;
        }
        let report = report(&peer, "dli", "").await?;
        let license = usable(&report, "dli")?;
        Field::derived("-dli: License Status", license.status).is(LicenseStatus::LICENSED)?;
        let service = service(&peer).await?;
        Field::derived("-dli: Current count", service.count).is(last.count)?;
        Field::derived("-dli: Listening on Port", service.port).is(peer.endpoint().address.port())?;
        let intervals = (service.activation_interval, service.renewal_interval);
        Field::derived("-dli: intervals, if they are shown", intervals).satisfies(
            format!("{} and {} minutes, as in answers", last.activation_interval, last.renewal_interval),
            |(activation, renewal)| {
                activation.is_none_or(|minutes| minutes == last.activation_interval)
                    && renewal.is_none_or(|minutes| minutes == last.renewal_interval)
            },
        )
    }
}

case! {
    /// The partial product key is the last five characters of the key.
    PARTIAL_KEY { id: "deployment.show/partial-key", needs: [Kms, Fresh] }
    async fn(peer) {
        let installed = peer.control("ipk", KEY).await?;
        if !installed.contains(KEY) {
            return Err(Stop::Skip("needs control verb ipk with {value}".to_owned()));
        }
        let report = report(&peer, "dli", "").await?;
        let shown = usable(&report, "dli")?.partial_key.map(|key| key.to_string());
        Field::derived("-dli: Partial Product Key", shown).is(Some("EEEEE".to_owned()))
    }
}

case! {
    /// Of the time that is left minutes and days are shown, and the days are the whole days of the minutes.
    GRACE { id: "deployment.show/days", needs: [Kms, Fresh] }
    async fn(peer) {
        peer.control("ipk", KEY).await?;
        let report = report(&peer, "dli", "").await?;
        let expiry = usable(&report, "dli")?.expiry;
        let expiry = expiry.ok_or_else(|| Stop::Skip("needs a licence that expires".to_owned()))?;
        Field::derived("-dli: Volume activation expiration", expiry)
            .satisfies(format!("{} days", expiry.minutes / 1440), |expiry| expiry.agrees())
    }
}

case! {
    /// -dlv adds what support asks for, and the extended PID is the one that answers carry.
    SUPPORT { id: "deployment.support", needs: [Kms, Own, Alone] }
    async fn(peer) {
        let answer = asked(&peer).await?;
        let report = report(&peer, "dlv", "").await?;
        let license = usable(&report, "dlv")?;
        has_details(&report, license)?;
        let shown = license.extended_pid.map(|epid| epid.to_string());
        Field::derived("-dlv: Extended PID", shown).is(Some(answer.epid_text()))
    }
}

case! {
    /// -dlv all lists every installed licence, of which one can be used.
    ALL { id: "deployment.support/all", needs: [Kms, Own, Alone] }
    async fn(peer) {
        let one = report(&peer, "dlv", "").await?;
        let all = report(&peer, "dlv", "all").await?;
        let name = &usable(&all, "dlv all")?.name;
        Field::derived("-dlv all: the licence that can be used", name).is(&usable(&one, "dlv")?.name)
    }
}
