//! How clients look for a host: kms-protocol section 7, deployment row 1, RFC 2782.

use std::time::Duration;

use kmspec_dns::{Fault, service_of};
use kmspec_runner::check::Field;
use kmspec_runner::listener::{Door, Nobody, reports};
use kmspec_runner::target::client::{Network, Verb};
use kmspec_runner::{Link, Listener, Stop, case};
use kmspec_wire::kms::HResult;

/// The primary DNS suffix of machines, the domain they are members of, and the one that DHCP gives. Source: RFC 2606.
pub(crate) const CORP: &str = "corp.kms.test";
pub(crate) const AD: &str = "ad.kms.test";
pub(crate) const DHCP: &str = "dhcp.kms.test";
pub(crate) const SUFFIXES: [&str; 3] = [CORP, AD, DHCP];

/// The name that is asked for the hosts of a suffix, as the server writes it down.
pub(crate) fn service(suffix: &str) -> String {
    service_of(suffix).to_ascii_lowercase()
}

/// The client finds this host by itself, and is activated by it.
pub(crate) async fn activates_at(listener: &mut Listener, host: &Door) -> Result<(), Stop> {
    let link = looks(listener).await?;
    listener.came_to(host)?;
    is_activated(listener, link).await
}

/// The first connection of a client that looks for its host.
async fn looks(listener: &mut Listener) -> Result<Link, Stop> {
    listener.ask(Verb::Discover)?;
    listener.link().await
}

/// The client is activated on this connection.
pub(crate) async fn is_activated(listener: &mut Listener, mut link: Link) -> Result<(), Stop> {
    let bind = link.bind().await?;
    let ack = link.ack(&bind);
    link.accept(&ack).await?;
    let query = link.asked().await?;
    link.send(link.good(&query).encoded()).await?;
    listener.accepts(link).await
}

/// The client finds no host, asks none, and says so.
async fn finds_nobody(listener: &mut Listener) -> Result<(), Stop> {
    listener.ask(Verb::Discover)?;
    let end = listener.keeps_quiet().await?;
    reports(&end, HResult::NO_HOST_CONTACTED)
}

case! {
    /// The client asks DNS for the SRV records of _vlmcs._tcp under its suffix.
    QUERY { id: "discovery.query" }
    async as_host(listener) {
        let site = listener.site(&[CORP]).await?;
        let host = listener.another().await?;
        site.publish(CORP, "kms01", (0, 0, host.port()))?;
        listener.lives_in(site.network(CORP));
        let came = looks(&mut listener).await;
        if let Err(Stop::Skip(_) | Stop::Error(_)) = &came {
            return came.map(drop);
        }
        Field::derived("names whose SRV records are asked for", site.asked()).is(vec![service(CORP)])?;
        came.map(drop)
    }
}

case! {
    /// Under its other suffixes the client looks only where those before have no host that answers.
    SUFFIXES_IN_ORDER { id: "discovery.suffixes-in-order" }
    for first_answers in [("first-answers", true), ("first-refuses", false)];
    async as_host(listener) {
        let site = listener.site(&SUFFIXES).await?;
        let (first, second) = (listener.another().await?, listener.another().await?);
        site.publish(CORP, "kms01", (0, 0, first.port()))?;
        site.publish(AD, "kms02", (0, 0, second.port()))?;
        listener.lives_in(Network { domain: Some(AD.to_owned()), ..site.network(CORP) });
        if first_answers {
            activates_at(&mut listener, &first).await?;
            return Field::derived("names whose SRV records are asked for", site.asked()).is(vec![service(CORP)]);
        }
        listener.close(&first);
        activates_at(&mut listener, &second).await?;
        let wanted = vec![service(CORP), service(AD)];
        Field::derived("names whose SRV records are asked for", site.asked()).is(wanted)
    }
}

case! {
    /// Of several hosts the one of the lowest priority is asked first, whatever its weight and place.
    PRIORITY { id: "client.srv-order/priority" }
    for priorities in [("listed-first", [0, 10, 20]), ("listed-second", [10, 0, 20]), ("listed-last", [20, 10, 0])];
    async as_host(listener) {
        let site = listener.site(&[CORP]).await?;
        let mut hosts = Vec::new();
        for (nth, priority) in priorities.into_iter().enumerate() {
            let host = listener.another().await?;
            site.publish(CORP, &format!("kms{nth:02}"), (priority, priority * 1000, host.port()))?;
            hosts.push((priority, host));
        }
        listener.lives_in(site.network(CORP));
        let best = hosts.iter().min_by_key(|(priority, _)| *priority);
        let (_, best) = best.ok_or_else(|| Stop::Error("no hosts".to_owned()))?;
        activates_at(&mut listener, best).await
    }
}

case! {
    /// Of several hosts of one priority the heavier is asked first more often: one of weight 65535 always, as far as can
    /// be told, beside one of weight 0, and two of the same weight each now and then.
    WEIGHTS { id: "client.srv-order/weights" }
    for (light, heavy) in [("unequal", (0, u16::MAX)), ("equal", (100, 100))];
    async as_host(listener) {
        let site = listener.site(&[CORP]).await?;
        let (first, second) = (listener.another().await?, listener.another().await?);
        site.publish(CORP, "kms01", (0, light, first.port()))?;
        site.publish(CORP, "kms02", (0, heavy, second.port()))?;
        listener.lives_in(site.network(CORP));
        let mut second_came_first = 0;
        for _ in 0..LOOKS {
            let link = looks(&mut listener).await?;
            second_came_first += usize::from(listener.is_at(&second));
            drop(link);
            listener.fails().await?;
        }
        let field = Field::derived(format!("how often of {LOOKS} looks the second host is asked first"), second_came_first);
        if light == heavy {
            field.within(1..LOOKS)
        } else {
            field.is(LOOKS)
        }
    }
}

/// Two of the same weight do not both turn up once in 2^17 times; one of weight 0 comes first once in 2^12.
const LOOKS: usize = 18;

case! {
    /// A host that cannot be reached, goes away, or says nothing is followed by the next one.
    TRIES_NEXT { id: "client.tries-next-host" }
    for how in [
        ("refuses", First::Refuses),
        ("closes", First::Closes),
        ("silent", First::Silent),
        ("no-address", First::NoAddress),
    ];
    async as_host(listener) {
        let site = listener.site(&[CORP]).await?;
        let (first, second) = (listener.another().await?, listener.another().await?);
        if let First::NoAddress = how {
            site.add(&format!("{}. SRV 0 0 {} kms01.{CORP}.", service(CORP), first.port()))?;
        } else {
            site.publish(CORP, "kms01", (0, 0, first.port()))?;
        }
        site.publish(CORP, "kms02", (10, 0, second.port()))?;
        listener.lives_in(site.network(CORP));
        let held = match how {
            First::NoAddress => None,
            First::Refuses => {
                listener.close(&first);
                None
            }
            First::Closes | First::Silent => {
                let link = looks(&mut listener).await?;
                listener.came_to(&first)?;
                Some(link).filter(|_| matches!(how, First::Silent))
            }
        };
        activates_at(&mut listener, &second).await?;
        drop(held);
        Ok(())
    }
}

/// What is wrong with the first host.
#[derive(Clone, Copy, Debug)]
enum First {
    Refuses,
    Closes,
    Silent,
    NoAddress,
}

case! {
    /// A registered host is asked although DNS names another, and that one is not asked where the registered one fails.
    REGISTERED_WINS { id: "client.registered-host-wins" }
    for answers in [("answers", true), ("refuses", false)];
    async as_host(listener) {
        let site = listener.site(&[CORP]).await?;
        let (published, registered) = (listener.another().await?, listener.another().await?);
        site.publish(CORP, "kms01", (0, 0, published.port()))?;
        listener.lives_in(site.network(CORP));
        let text = registered.address().to_string();
        listener.does(Verb::Register, &text).await?;
        if answers {
            return activates_at(&mut listener, &registered).await;
        }
        listener.close(&registered);
        finds_nobody(&mut listener).await
    }
}

case! {
    /// The host that answered last is asked before DNS names others.
    LAST_HOST_FIRST { id: "discovery.last-host-first" }
    async as_host(listener) {
        let site = listener.site(&[CORP]).await?;
        let (known, other) = (listener.another().await?, listener.another().await?);
        site.publish(CORP, "kms01", (10, 0, known.port()))?;
        listener.lives_in(site.network(CORP));
        activates_at(&mut listener, &known).await?;
        site.publish(CORP, "kms02", (0, 0, other.port()))?;
        activates_at(&mut listener, &known).await
    }
}

case! {
    /// Where the host that answered last is gone, DNS is asked again: for another host, or for another port of this one.
    LOOKS_AGAIN { id: "discovery.looks-again" }
    for name in [("another-host", "kms02"), ("another-port", "kms01")];
    async as_host(listener) {
        let site = listener.site(&[CORP]).await?;
        let (known, other) = (listener.another().await?, listener.another().await?);
        site.publish(CORP, "kms01", (0, 0, known.port()))?;
        listener.lives_in(site.network(CORP));
        activates_at(&mut listener, &known).await?;
        listener.close(&known);
        site.clear()?;
        site.publish(CORP, name, (0, 0, other.port()))?;
        activates_at(&mut listener, &other).await
    }
}

case! {
    /// An answer of DNS that is slow, an alias, or so long that it needs TCP, leads to the host all the same.
    LOOKUP { id: "discovery.lookup" }
    for fault in [("truncated", Fault::Truncate), ("slow", Fault::Slow(SLOW)), ("alias", Fault::Cname)];
    async as_host(listener) {
        let site = listener.site(&[CORP]).await?;
        let host = listener.another().await?;
        site.publish(CORP, "kms01", (0, 0, host.port()))?;
        site.misbehave(Some(fault));
        listener.lives_in(site.network(CORP));
        activates_at(&mut listener, &host).await
    }
}

/// Nobody should give up so soon.
const SLOW: Duration = Duration::from_millis(150);

case! {
    /// Where DNS has no host, or is of no use, no host is asked, that is reported, and the next time DNS is asked again.
    NO_HOST_FOUND { id: "discovery.no-host-found" }
    for fault in [
        ("servfail", Some(Fault::ServFail)),
        ("refused", Some(Fault::Refused)),
        ("no-such-name", Some(Fault::NxDomain)),
        ("no-records", Some(Fault::Empty)),
        ("silent", Some(Fault::Silent)),
        ("alias-loop", Some(Fault::CnameLoop)),
        ("other-question", Some(Fault::WrongQuestion)),
        ("target-is-root", None),
    ];
    async as_host(listener) {
        let site = listener.site(&[CORP]).await?;
        let host = listener.another().await?;
        let nobody = Nobody::somewhere()?;
        match fault {
            Some(fault) => {
                site.publish(CORP, "kms01", (0, 0, host.port()))?;
                site.misbehave(Some(fault));
            }
            // The root as a target says that the service is decidedly not there. Source: RFC 2782.
            None => site.add(&format!("{}. SRV 0 0 {} .", service(CORP), nobody.port()))?,
        }
        listener.lives_in(site.network(CORP));
        finds_nobody(&mut listener).await?;
        site.misbehave(None);
        site.clear()?;
        site.publish(CORP, "kms01", (0, 0, host.port()))?;
        activates_at(&mut listener, &host).await
    }
}
