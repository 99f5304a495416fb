//! Rows 9 to 11, as far as they are about the client: what `sysprep /generalize` does to it.

use kmspec_runner::case;
use kmspec_runner::check::Field;
use kmspec_runner::target::client::Verb;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::LicenseStatus;

use super::{asks, partial_key};

case! {
    /// A reset gives the client a new id and its whole grace period, and leaves its key.
    REARMED { id: "deployment.client-deploy/rearm" }
    async as_host(listener) {
        let start = listener.peer().now().plus(FileTime::DAY);
        listener.clock(start);
        let (mut link, before) = asks(&mut listener).await?;
        before.asked_at(start)?;
        link.send(link.good(&before).encoded()).await?;
        listener.accepts(link).await?;
        let key = partial_key(&mut listener).await?;
        let later = start.plus(100 * FileTime::DAY);
        listener.clock(later);
        listener.does(Verb::Rearm, "").await?;
        let (link, after) = asks(&mut listener).await?;
        drop(link);
        listener.fails().await?;
        Field::derived("client machine id", after.body().cmid).is_not(before.body().cmid)?;
        Field::derived("license_status", after.body().license_status).is(LicenseStatus::OOB_GRACE)?;
        let whole = before.body().binding_expiration;
        Field::derived("binding_expiration", after.body().binding_expiration).within(whole - 1..=whole + 1)?;
        Field::derived("-dli: Partial Product Key", partial_key(&mut listener).await?).is(key)
    }
}
