//! Rows 30 to 32 and support, as far as they are about the client: what it shows, and what the wire says.

use kmspec_runner::check::Field;
use kmspec_runner::target::client::Verb;
use kmspec_runner::{Listener, Stop, case};
use kmspec_slmgr::report::ClientPart;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::envelope::Content;
use kmspec_wire::kms::{LicenseStatus, ResponseBody};

use super::{asks, licence, shows};
use crate::deployment::{has_details, usable};

case! {
    /// -dli shows what the client sends and what it was told; of the time that is left the days are the whole days of the
    /// minutes.
    AGREES { id: "deployment.show/client" }
    async as_host(listener) {
        let start = listener.peer().now().plus(FileTime::DAY);
        listener.clock(start);
        let shown = licence(&mut listener).await?.status;
        let (mut link, query) = asks(&mut listener).await?;
        query.asked_at(start)?;
        Field::derived("-dli: License Status", shown).is(query.body().license_status)?;
        let mut host_epid = String::new();
        let message = link.sealed(&query, |parts| {
            if let Content::Fields(body) = &mut parts.body {
                host_epid = epid_text(body);
                (body.activation_interval, body.renewal_interval) = INTERVALS;
            }
        });
        link.reply(&query, &message).await?;
        listener.accepts(link).await?;
        let part = client_part(&mut listener).await?;
        Field::derived("-dli: Client Machine ID", part.cmid).is(query.body().cmid)?;
        let shown = part.host_epid.map(|epid| epid.to_string());
        Field::derived("-dli: KMS machine extended PID", shown).is(Some(host_epid))?;
        let shown = (part.activation_interval, part.renewal_interval);
        let (activation, renewal) = INTERVALS;
        Field::derived("-dli: intervals", shown).is((Some(activation), Some(renewal)))?;
        expires(&mut listener, start.plus(180 * FileTime::DAY)).await
    }
}

/// The document's example of what is left of an activation: 43162 minutes, which are 29 days.
async fn expires(listener: &mut Listener, end: FileTime) -> Result<(), Stop> {
    listener.clock(end.minus(43_162 * FileTime::MINUTE));
    let licence = licence(listener).await?;
    Field::derived("-dli: License Status", licence.status).is(LicenseStatus::LICENSED)?;
    let field = Field::derived("-dli: Volume activation expiration", licence.expiry);
    field.satisfies("43162 minutes, give or take one, and 29 days", |expiry| {
        expiry.is_some_and(|expiry| {
            expiry.agrees() && expiry.days == 29 && expiry.minutes.abs_diff(43_162) <= 1
        })
    })
}

case! {
    /// -dlv adds what support asks for, and its ids are those that the client sends.
    SUPPORT { id: "deployment.support/client" }
    async as_host(listener) {
        let report = shows(&mut listener, Verb::ShowDetails).await?;
        let license = usable(&report, "dlv")?;
        has_details(&report, license)?;
        let (_, query) = asks(&mut listener).await?;
        let shown = (license.application_id, license.activation_id);
        let sent = (query.body().application_id, query.body().activation_id);
        Field::derived("-dlv: application and activation id", shown).is((Some(sent.0), Some(sent.1)))
    }
}

/// What `-dli` shows of a KMS client.
async fn client_part(listener: &mut Listener) -> Result<ClientPart, Stop> {
    let part = licence(listener).await?.client;
    part.ok_or_else(|| Stop::fail("-dli", "a Key Management Service client", "no such part"))
}

/// The extended PID of a response as text.
fn epid_text(body: &ResponseBody<'_>) -> String {
    let units = body.epid.chunks_exact(2);
    let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    char::decode_utf16(units.take_while(|unit| *unit != 0))
        .map(|c| c.unwrap_or('\u{fffd}'))
        .collect()
}

/// Minutes between attempts, and between renewals, that nobody has by default.
const INTERVALS: (u32, u32) = (150, 20_160);
