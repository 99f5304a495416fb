//! When a client asks, and how long what it was told lasts. Its clock is the case's.

use kmspec_runner::check::Field;
use kmspec_runner::listener::Query;
use kmspec_runner::target::client::Verb;
use kmspec_runner::{Listener, Stop, case};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::LicenseStatus;
use kmspec_wire::kms::envelope::Content;

use super::first_call;

case! {
    /// A client that is not activated asks again when the activation interval has passed, and not much before.
    ACTIVATION_INTERVAL { id: "client.activation-interval" }
    for minutes in [("usual", 120), ("15-minutes", 15), ("30-days", 43_200)];
    async as_host(listener) {
        let start = told(&mut listener, Told { enough: false, activation: minutes, renewal: 10_080 }).await?;
        asks_after(&mut listener, start, minutes).await
    }
}

case! {
    /// A client that is activated asks again when the renewal interval has passed, and not much before.
    RENEWAL_INTERVAL { id: "client.renewal-interval" }
    for minutes in [("usual", 10_080), ("15-minutes", 15), ("30-days", 43_200)];
    async as_host(listener) {
        let start = told(&mut listener, Told { enough: true, activation: 120, renewal: minutes }).await?;
        asks_after(&mut listener, start, minutes).await
    }
}

case! {
    /// The interval that counts is that of the last good response, also where the count was too low.
    INTERVALS_TAKEN_OVER { id: "client.count-too-low-reported/intervals" }
    async as_host(listener) {
        told(&mut listener, Told { enough: false, activation: 120, renewal: 10_080 }).await?;
        listener.ask(Verb::Activate)?;
        let start = told(&mut listener, Told { enough: false, activation: 2_000, renewal: 10_080 }).await?;
        asks_after(&mut listener, start, 2_000).await
    }
}

/// What a good answer tells the client.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// Whether the count is at the client's N policy, or one below.
    enough: bool,
    activation: u32,
    renewal: u32,
}

/// Activates now, with this answer; the time by the client's clock.
async fn told(listener: &mut Listener, told: Told) -> Result<FileTime, Stop> {
    let now = listener.peer().now();
    told_at(listener, now, told).await?;
    Ok(now)
}

/// Activates at this time by the client's clock, with this answer.
async fn told_at(listener: &mut Listener, time: FileTime, told: Told) -> Result<Query, Stop> {
    listener.clock(time);
    let (mut link, query) = first_call(listener).await?;
    query.asked_at(time)?;
    let message = link.sealed(&query, |parts| {
        if let Content::Fields(body) = &mut parts.body {
            body.count = body.count.saturating_sub(u32::from(!told.enough));
            body.activation_interval = told.activation;
            body.renewal_interval = told.renewal;
        }
    });
    link.reply(&query, &message).await?;
    if told.enough {
        listener.accepts(link).await?;
    } else {
        listener.rejects(link).await?;
    }
    Ok(query)
}

/// Half an interval later nothing is due; half an interval behind its end something is.
async fn asks_after(listener: &mut Listener, start: FileTime, minutes: u32) -> Result<(), Stop> {
    let interval = u64::from(minutes) * FileTime::MINUTE;
    listener.ask(Verb::Due)?;
    listener.clock(start.plus(interval / 2));
    listener.keeps_quiet().await?;
    listener.clock(start.plus(interval + interval / 2));
    let (_, query) = first_call(listener).await?;
    query.asked_at(start.plus(interval + interval / 2))
}

case! {
    /// An activation lasts 180 days from the last success.
    ACTIVATED_FOR_180_DAYS { id: "client.activation-180-days" }
    async as_host(listener) {
        let start = listener.peer().now();
        let good = Told { enough: true, activation: 120, renewal: 10_080 };
        told_at(&mut listener, start, good).await?;
        let renewed = start.plus(90 * FileTime::DAY);
        told_at(&mut listener, renewed, good).await?;
        let status = status_at(&mut listener, renewed.plus(179 * FileTime::DAY)).await?;
        Field::derived("license_status after 179 days", status).is(LicenseStatus::LICENSED)?;
        let status = status_at(&mut listener, renewed.plus(181 * FileTime::DAY)).await?;
        Field::derived("license_status after 181 days", status).is_not(LicenseStatus::LICENSED)
    }
}

case! {
    /// A client that reaches no host is in grace for 30 days, or 14, and then in notification.
    GRACE { id: "client.grace-30-days" }
    async as_host(listener) {
        let start = listener.peer().now();
        let status = status_at(&mut listener, start).await?;
        Field::derived("license_status at the start", status).is(LicenseStatus::OOB_GRACE)?;
        let status = status_at(&mut listener, start.plus(13 * FileTime::DAY)).await?;
        Field::derived("license_status after 13 days", status).is(LicenseStatus::OOB_GRACE)?;
        let status = status_at(&mut listener, start.plus(29 * FileTime::DAY)).await?;
        if status == LicenseStatus::NOTIFICATION {
            listener.peer().record().note("tolerated: a grace of 14 days");
        } else {
            Field::derived("license_status after 29 days", status).is(LicenseStatus::OOB_GRACE)?;
        }
        let status = status_at(&mut listener, start.plus(31 * FileTime::DAY)).await?;
        Field::derived("license_status after 31 days", status).is(LicenseStatus::NOTIFICATION)
    }
}

/// The licence status with which the client asks at this time by its clock. It gets no answer.
async fn status_at(listener: &mut Listener, time: FileTime) -> Result<LicenseStatus, Stop> {
    listener.clock(time);
    let (link, query) = first_call(listener).await?;
    query.asked_at(time)?;
    drop(link);
    listener.fails().await?;
    Ok(query.body().license_status)
}
