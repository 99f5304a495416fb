//! Responses that somebody has had their hands on.

use kmspec_runner::check::Field;
use kmspec_runner::target::client::Verb;
use kmspec_runner::{Listener, Stop, case};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::Slot;
use kmspec_wire::kms::envelope::{Content, Mac, Padding, ResponseParts};
use kmspec_wire::kms::{ProtocolVersion, ResponseBody, Version};

use super::first_call;

case! {
    /// A v4 response that fails verification is rejected.
    V4_TAMPERED { id: "client.rejects-unverified/v4" }
    for bend in V4;
    async as_host(listener) {
        rejects(&mut listener, Version::V4, bend).await
    }
}

case! {
    /// A v5 response that fails verification is rejected.
    V5_TAMPERED { id: "client.rejects-unverified/v5" }
    for bend in V5;
    async as_host(listener) {
        rejects(&mut listener, Version::V5, bend).await
    }
}

case! {
    /// A v6 response that fails verification is rejected.
    V6_TAMPERED { id: "client.rejects-unverified/v6" }
    for bend in V6;
    async as_host(listener) {
        rejects(&mut listener, Version::V6, bend).await
    }
}

/// What is done to a response: to its parts before it is sealed, or to its octets afterwards.
#[derive(Clone, Copy)]
enum Bend {
    Parts(fn(&mut ResponseParts<'_>)),
    Octets(fn(&mut Vec<u8>)),
}

use Bend::{Octets, Parts};

const V4: [(&str, Bend); 12] = [
    ("mac-first-octet", Parts(|parts| parts.mac = mac_bit(0))),
    ("mac-last-octet", Parts(|parts| parts.mac = mac_bit(15))),
    ("mac-zero", Parts(|parts| parts.mac = Mac::Given([0; 16]))),
    ("cmid", Parts(|parts| fields(parts, other_cmid))),
    ("client-time", Parts(|parts| fields(parts, other_time))),
    (
        "version",
        Parts(|parts| fields(parts, |body| body.version.major = 5)),
    ),
    (
        "minor-version",
        Parts(|parts| fields(parts, |body| body.version.minor = 1)),
    ),
    ("count-after-sealing", Octets(|octets| flip(octets, 28))),
    (
        "pid-size-beyond",
        Parts(|parts| fields(parts, |body| body.pid_size = 4096)),
    ),
    ("cut", Octets(|octets| cut(octets, 16))),
    ("last-octet-missing", Octets(|octets| cut(octets, 1))),
    ("empty", Octets(Vec::clear)),
];

const V5: [(&str, Bend); 14] = [
    (
        "outer-version",
        Parts(|parts| parts.version = Version::V6.protocol()),
    ),
    (
        "outer-minor-version",
        Parts(|parts| parts.version.minor = 1),
    ),
    (
        "inner-version",
        Parts(|parts| fields(parts, |body| body.version.major = 6)),
    ),
    ("iv-not-echoed", Parts(|parts| parts.iv[0] ^= 1)),
    ("iv-after-sealing", Octets(|octets| flip_at(octets, 4))),
    ("random", Parts(|parts| parts.x[0] ^= 1)),
    ("hash-first-octet", Parts(|parts| parts.hash[0] ^= 1)),
    ("hash-last-octet", Parts(|parts| parts.hash[31] ^= 0x80)),
    ("cmid", Parts(|parts| fields(parts, other_cmid))),
    ("client-time", Parts(|parts| fields(parts, other_time))),
    (
        "pid-size-beyond",
        Parts(|parts| fields(parts, |body| body.pid_size = 4096)),
    ),
    ("block-missing", Octets(|octets| cut(octets, 16))),
    ("octet-missing", Octets(|octets| cut(octets, 1))),
    ("version-alone", Octets(|octets| octets.truncate(4))),
];

const V6: [(&str, Bend); 19] = [
    (
        "outer-version",
        Parts(|parts| parts.version = Version::V5.protocol()),
    ),
    (
        "unknown-version",
        Parts(|parts| parts.version = ProtocolVersion { major: 7, minor: 0 }),
    ),
    (
        "inner-version",
        Parts(|parts| fields(parts, |body| body.version.major = 5)),
    ),
    ("iv-after-sealing", Octets(|octets| flip_at(octets, 4))),
    ("random", Parts(|parts| parts.x[15] ^= 1)),
    ("hash-first-octet", Parts(|parts| parts.hash[0] ^= 1)),
    ("hash-last-octet", Parts(|parts| parts.hash[31] ^= 0x80)),
    ("iv-proof", Parts(|parts| parts.iv_proof[0] ^= 1)),
    (
        "iv-proof-last-octet",
        Parts(|parts| parts.iv_proof[15] ^= 0x80),
    ),
    ("mac-first-octet", Parts(|parts| parts.mac = mac_bit(0))),
    ("mac-last-octet", Parts(|parts| parts.mac = mac_bit(15))),
    ("mac-zero", Parts(|parts| parts.mac = Mac::Given([0; 16]))),
    (
        "mac-of-another-day",
        Parts(|parts| {
            if let Content::Fields(body) = &parts.body {
                parts.mac_time = Some(body.client_time.plus(FileTime::DAY));
            }
        }),
    ),
    ("cmid", Parts(|parts| fields(parts, other_cmid))),
    ("client-time", Parts(|parts| fields(parts, other_time))),
    ("count-after-sealing", Octets(|octets| flip(octets, 116))),
    (
        "pid-size-beyond",
        Parts(|parts| fields(parts, |body| body.pid_size = 4096)),
    ),
    (
        "padding",
        Parts(|parts| parts.padding = Padding::Given(&[0; 0])),
    ),
    ("block-missing", Octets(|octets| cut(octets, 16))),
];

fn fields(parts: &mut ResponseParts<'_>, bend: impl FnOnce(&mut ResponseBody<'_>)) {
    if let Content::Fields(body) = &mut parts.body {
        bend(body);
    }
}

fn other_cmid(body: &mut ResponseBody<'_>) {
    body.cmid = Guid::from_u128(body.cmid.as_u128() ^ 1);
}

fn other_time(body: &mut ResponseBody<'_>) {
    body.client_time = body.client_time.plus(1);
}

fn mac_bit(octet: usize) -> Mac {
    let mut mask = [0; 16];
    mask[octet] = 1;
    Mac::Xored(mask)
}

/// Changes a bit so far from the end.
fn flip(octets: &mut [u8], from_end: usize) {
    let at = octets.len().saturating_sub(from_end);
    flip_at(octets, at);
}

fn flip_at(octets: &mut [u8], at: usize) {
    if let Some(octet) = octets.get_mut(at) {
        *octet ^= 1;
    }
}

fn cut(octets: &mut Vec<u8>, len: usize) {
    octets.truncate(octets.len().saturating_sub(len));
}

async fn rejects(listener: &mut Listener, version: Version, bend: Bend) -> Result<(), Stop> {
    listener.protocol(version);
    let (mut link, query) = first_call(listener).await?;
    query.speaks(version)?;
    let mut message = match bend {
        Parts(bend) => link.sealed(&query, bend),
        Octets(_) => link.sealed(&query, |_| {}),
    };
    if let Octets(bend) = bend {
        bend(&mut message);
    }
    link.reply(&query, &message).await?;
    listener.rejects(link).await.map(drop)
}

case! {
    /// A v6 MAC of a neighbouring slot of time is good.
    NEIGHBOURING_SLOTS { id: "client.rejects-unverified/neighbouring-slots" }
    for slot in [("before", Slot::Before), ("after", Slot::After)];
    async as_host(listener) {
        listener.protocol(Version::V6);
        let (mut link, query) = first_call(&mut listener).await?;
        query.speaks(Version::V6)?;
        let message = link.sealed(&query, |parts| parts.mac_slot = slot);
        link.reply(&query, &message).await?;
        listener.accepts(link).await
    }
}

case! {
    /// The licence that a client has is the same behind a response that fails verification.
    STATE_UNCHANGED { id: "client.rejects-unverified/state" }
    async as_host(listener) {
        let now = listener.peer().now();
        listener.clock(now);
        let (mut link, query) = first_call(&mut listener).await?;
        query.asked_at(now)?;
        link.send(link.good(&query).encoded()).await?;
        listener.accepts(link).await?;
        listener.ask(Verb::Show)?;
        let before = listener.keeps_quiet().await?;
        listener.ask(Verb::Activate)?;
        let (mut link, query) = first_call(&mut listener).await?;
        let message = link.sealed(&query, |parts| {
            parts.mac = mac_bit(0);
            parts.hash[0] ^= 1;
            fields(parts, |body| body.renewal_interval = 15);
        });
        link.reply(&query, &message).await?;
        listener.rejects(link).await?;
        listener.ask(Verb::Show)?;
        let after = listener.keeps_quiet().await?;
        if same_but_for_the_time(&before.output, &after.output) {
            return Ok(());
        }
        Field::derived("state of the client", after.output).is(before.output)
    }
}

/// Whether two texts are the same but for numbers that differ by one: what is left of a licence is told in minutes, and one
/// may have passed.
fn same_but_for_the_time(one: &str, other: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    let parts = |text: &str| {
        let numbers: Vec<u64> = text
            .split(|c| !digit(c))
            .filter_map(|n| n.parse().ok())
            .collect();
        let words: Vec<String> = text.split(digit).map(str::to_owned).collect();
        (
            numbers,
            words
                .into_iter()
                .filter(|word| !word.is_empty())
                .collect::<Vec<_>>(),
        )
    };
    let ((ours, words), (theirs, others)) = (parts(one), parts(other));
    words == others
        && ours.len() == theirs.len()
        && ours
            .iter()
            .zip(&theirs)
            .all(|(ours, theirs)| ours.abs_diff(*theirs) <= 1)
}

#[cfg(test)]
mod tests {
    use super::same_but_for_the_time;

    #[test]
    fn a_minute_may_pass_and_nothing_else() {
        let shown = "Licensed\nexpires: 259200 minute(s) (180 day(s))\nRenewal interval: 10080";
        for (other, same) in [
            (shown.to_owned(), true),
            (
                shown.replace("259200 minute(s) (180", "259199 minute(s) (179"),
                true,
            ),
            (shown.replace("10080", "15"), false),
            (shown.replace("Licensed", "Notification"), false),
            (String::new(), false),
        ] {
            assert_eq!(same_but_for_the_time(shown, &other), same, "{other}");
        }
    }
}
