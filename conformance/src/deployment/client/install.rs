//! Row 1: a client that nobody configures.

use kmspec_runner::case;
use kmspec_runner::check::Field;
use kmspec_runner::listener::Site;
use kmspec_runner::target::client::Network;

use crate::discovery::looking::{AD, CORP, DHCP, SUFFIXES, activates_at, service};

case! {
    /// A client that nobody configures asks DNS for its host under one suffix after the other, and connects to the target
    /// and port that it finds.
    ZERO_CONFIGURATION { id: "deployment.client-install" }
    for place in PLACES;
    async as_host(listener) {
        let site = listener.site(&SUFFIXES).await?;
        let host = listener.another().await?;
        site.publish(place.published, "kms01", (0, 0, host.port()))?;
        listener.lives_in(place.network(&site));
        activates_at(&mut listener, &host).await?;
        let wanted: Vec<String> = place.asked.iter().map(|suffix| service(suffix)).collect();
        Field::derived("names whose SRV records are asked for", site.asked()).is(wanted)
    }
}

/// Where a machine stands, where its host is published, and what it has to look up until it finds it.
struct Place {
    member: bool,
    published: &'static str,
    asked: &'static [&'static str],
}

impl Place {
    /// A member of a domain does not heed DHCP, and a machine of a workgroup has no domain.
    fn network(&self, site: &Site) -> Network {
        let (domain, dhcp_domain) = if self.member {
            (Some(AD), None)
        } else {
            (None, Some(DHCP))
        };
        Network {
            domain: domain.map(str::to_owned),
            dhcp_domain: dhcp_domain.map(str::to_owned),
            ..site.network(CORP)
        }
    }
}

const PLACES: [(&str, Place); 4] = [
    (
        "primary-suffix",
        Place {
            member: true,
            published: CORP,
            asked: &[CORP],
        },
    ),
    (
        "ad-domain",
        Place {
            member: true,
            published: AD,
            asked: &[CORP, AD],
        },
    ),
    (
        "workgroup-primary-suffix",
        Place {
            member: false,
            published: CORP,
            asked: &[CORP],
        },
    ),
    (
        "workgroup-dhcp",
        Place {
            member: false,
            published: DHCP,
            asked: &[CORP, DHCP],
        },
    ),
];
