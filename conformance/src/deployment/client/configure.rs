//! Rows 6 to 8: hosts that are registered with a client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kmspec_runner::check::Field;
use kmspec_runner::listener::{Door, Nobody, Site, reports};
use kmspec_runner::target::client::Verb;
use kmspec_runner::{Listener, Stop, case};
use kmspec_wire::kms::HResult;

use super::asks_nobody;
use crate::discovery::looking::{CORP, activates_at, is_activated};

case! {
    /// A registered host is asked, in whichever form it was registered, although DNS names another; once it is forgotten,
    /// that of DNS is.
    FORMS { id: "deployment.client-configure" }
    for form in [
        ("fqdn", Form::Fqdn),
        ("fqdn-port", Form::FqdnPort),
        ("ipv4", Form::Ipv4),
        ("ipv4-port", Form::Ipv4Port),
        ("ipv6", Form::Ipv6),
        ("ipv6-port", Form::Ipv6Port),
        ("name-port", Form::NamePort),
    ];
    async as_host(listener) {
        let (site, published) = with_another_in_dns(&mut listener).await?;
        let (host, text) = form.host(&mut listener, &site).await?;
        listener.does(Verb::Register, &text).await?;
        activates_at(&mut listener, &host).await?;
        listener.does(Verb::Forget, "").await?;
        activates_at(&mut listener, &published).await
    }
}

case! {
    /// Where the registered host cannot be reached, that is reported with its code.
    UNREACHABLE { id: "deployment.client-configure/unreachable" }
    for how in [("port-closed", Unreachable::Port), ("name-unknown", Unreachable::Name)];
    async as_host(listener) {
        let (_site, _published) = with_another_in_dns(&mut listener).await?;
        let nobody = Nobody::somewhere()?;
        let text = match how {
            Unreachable::Port => format!("127.0.0.1:{}", nobody.port()),
            Unreachable::Name => format!("nobody.{CORP}"),
        };
        listener.does(Verb::Register, &text).await?;
        let end = asks_nobody(&mut listener, Verb::Discover).await?;
        reports(&end, HResult::NO_HOST_CONTACTED)
    }
}

case! {
    /// What is no host is refused, and the one that is registered stays.
    REFUSED { id: "deployment.client-configure/refused" }
    for text in [
        ("no-name", ":1688"),
        ("port-zero", "kms01.corp.kms.test:0"),
        ("port-too-large", "kms01.corp.kms.test:65536"),
        ("port-no-number", "kms01.corp.kms.test:kms"),
        ("brackets-open", "[::1:1688"),
    ];
    async as_host(listener) {
        let (_site, _published) = with_another_in_dns(&mut listener).await?;
        let host = registered(&mut listener).await?;
        let tried = listener.tries(Verb::Register, text).await?;
        Field::derived(format!("whether {text} is taken for a host"), tried.is_ok()).is(false)?;
        activates_at(&mut listener, &host).await
    }
}

case! {
    /// Somebody who is no administrator registers no host; showing needs no elevation.
    ELEVATION { id: "deployment.client-configure/elevation" }
    async as_host(listener) {
        let (_site, published) = with_another_in_dns(&mut listener).await?;
        let host = registered(&mut listener).await?;
        let line = format!("-skms {}", published.address());
        let tried = listener.tries(Verb::Unelevated, &line).await?;
        Field::derived("whether -skms is done without elevation", tried.is_ok()).is(false)?;
        let shown = listener.tries(Verb::Unelevated, "-dli").await?;
        Field::derived("whether -dli is done without elevation", shown.is_ok()).is(true)?;
        activates_at(&mut listener, &host).await
    }
}

case! {
    /// Where standard users may activate, somebody who is no administrator registers a host and is activated by it;
    /// before, and once they may no longer, that is refused with its code.
    STANDARD_USER { id: "deployment.client-configure/standard-user" }
    async as_host(listener) {
        let (_site, published) = with_another_in_dns(&mut listener).await?;
        let host = registered(&mut listener).await?;
        is_denied(&mut listener, "-ato").await?;
        listener.does(Verb::StandardUser, "on").await?;
        let line = format!("-skms {}", published.address());
        listener.does(Verb::Unelevated, &line).await?;
        listener.ask_with(Verb::Unelevated, "-ato")?;
        let link = listener.link().await?;
        listener.came_to(&published)?;
        is_activated(&mut listener, link).await?;
        listener.does(Verb::StandardUser, "off").await?;
        is_denied(&mut listener, &format!("-skms {}", host.address())).await?;
        activates_at(&mut listener, &published).await
    }
}

case! {
    /// A client whose licensing service does not run asks nobody and registers no host, both with the code of that; once
    /// it runs, the client is activated by the host that was registered before.
    SERVICE { id: "deployment.client-configure/service" }
    for (state, code) in [
        ("stopped", ("stopped", SERVICE_NOT_ACTIVE)),
        ("disabled", ("disabled", SERVICE_DISABLED)),
    ];
    async as_host(listener) {
        let (_site, published) = with_another_in_dns(&mut listener).await?;
        let host = registered(&mut listener).await?;
        listener.does(Verb::Service, state).await?;
        let end = asks_nobody(&mut listener, Verb::Discover).await?;
        reports(&end, code)?;
        let line = published.address().to_string();
        is_refused(&mut listener, Verb::Register, &line, code).await?;
        listener.does(Verb::Service, "running").await?;
        activates_at(&mut listener, &host).await
    }
}

/// What an administrator would do is refused to somebody who is none.
async fn is_denied(listener: &mut Listener, line: &str) -> Result<(), Stop> {
    is_refused(listener, Verb::Unelevated, line, ACCESS_DENIED).await
}

/// The client does not do this, and prints this code.
async fn is_refused(
    listener: &mut Listener,
    verb: Verb,
    value: &str,
    code: HResult,
) -> Result<(), Stop> {
    match listener.tries(verb, value).await? {
        Ok(_) => Err(Stop::fail(
            format!("whether {verb} {value} is done"),
            "false",
            "true",
        )),
        Err(end) => reports(&end, code),
    }
}

/// What nobody may do who is no administrator. Source: MS-ERREF 2.1.1, `E_ACCESSDENIED`.
const ACCESS_DENIED: HResult = HResult(0x8007_0005);
/// Source: MS-ERREF 2.2, `ERROR_SERVICE_NOT_ACTIVE` and `ERROR_SERVICE_DISABLED` as 2.1.2 makes HRESULTs of them.
const SERVICE_NOT_ACTIVE: HResult = HResult(0x8007_0426);
const SERVICE_DISABLED: HResult = HResult(0x8007_0422);

/// A way not to reach a host.
#[derive(Clone, Copy, Debug)]
enum Unreachable {
    Port,
    Name,
}

/// How a host is written.
#[derive(Clone, Copy, Debug)]
enum Form {
    Fqdn,
    FqdnPort,
    Ipv4,
    Ipv4Port,
    Ipv6,
    Ipv6Port,
    NamePort,
}

impl Form {
    /// A host that can be written so, and how.
    async fn host(self, listener: &mut Listener, site: &Site) -> Result<(Door, String), Stop> {
        let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
        let name = format!("kms03.site5.{CORP}");
        let host = match self {
            Self::FqdnPort | Self::Ipv4Port | Self::NamePort => listener.another().await?,
            Self::Ipv6Port => listener.another_at(v6).await?,
            Self::Ipv6 => listener.another_at_usual_port(v6).await?,
            Self::Fqdn | Self::Ipv4 => {
                let [b, c, d] = listener.peer().random();
                // Every address of 127.0.0.0/8 is this machine's; the lowest and highest are left to others.
                let own = Ipv4Addr::new(127, b.clamp(1, 254), c, d.clamp(1, 254));
                listener.another_at_usual_port(own.into()).await?
            }
        };
        let (address, port) = (host.address().ip(), host.port());
        if matches!(self, Self::Fqdn | Self::FqdnPort) {
            site.add(&format!("{name}. A {address}"))?;
        }
        let text = match self {
            Self::Fqdn => name,
            Self::FqdnPort => format!("{name}:{port}"),
            Self::Ipv4 | Self::Ipv6 => address.to_string(),
            Self::Ipv4Port | Self::Ipv6Port => host.address().to_string(),
            Self::NamePort => format!("localhost:{port}"),
        };
        Ok((host, text))
    }
}

/// A client that would find a host in DNS.
async fn with_another_in_dns(listener: &mut Listener) -> Result<(Site, Door), Stop> {
    let site = listener.site(&[CORP]).await?;
    let published = listener.another().await?;
    site.publish(CORP, "kms01", (0, 0, published.port()))?;
    listener.lives_in(site.network(CORP));
    Ok((site, published))
}

/// A host that is registered.
async fn registered(listener: &mut Listener) -> Result<Door, Stop> {
    let host = listener.another().await?;
    let text = host.address().to_string();
    listener.does(Verb::Register, &text).await?;
    Ok(host)
}
