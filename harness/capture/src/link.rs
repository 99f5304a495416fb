//! Link layers: from the first byte of a packet to its IP header.

use std::fmt;

use crate::num::{array, be16, from, octet};

/// What the first byte of a packet is. Source: the link-layer header types of tcpdump.org.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: the address family in the byte order of the capturing machine.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP as some BSD systems number it.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP as `OpenBSD` numbers it.
    pub const RAW_OPENBSD: Self = Self(14);
    /// Raw IP of either version.
    pub const RAW: Self = Self(101);
    /// `OpenBSD` loopback: the address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux cooked capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// The type out of a header field, whose upper half may hold other things (the length of a frame check sequence).
    pub(crate) fn from_field(field: i32) -> Self {
        let [low, high, ..] = field.to_le_bytes();
        Self(u16::from_le_bytes([low, high]))
    }

    /// Whether packets of this type can be taken apart.
    pub const fn is_known(self) -> bool {
        matches!(
            self,
            Self::NULL
                | Self::ETHERNET
                | Self::RAW_BSD
                | Self::RAW_OPENBSD
                | Self::RAW
                | Self::LOOP
                | Self::LINUX_SLL
                | Self::IPV4
                | Self::IPV6
                | Self::LINUX_SLL2
        )
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::NULL => "null",
            Self::ETHERNET => "ethernet",
            Self::RAW | Self::RAW_BSD | Self::RAW_OPENBSD => "raw",
            Self::LOOP => "loop",
            Self::LINUX_SLL => "linux-sll",
            Self::IPV4 => "ipv4",
            Self::IPV6 => "ipv6",
            Self::LINUX_SLL2 => "linux-sll2",
            Self(other) => return write!(f, "link type {other}"),
        };
        f.write_str(name)
    }
}

/// The IP packet inside, from its version nibble on, or none if the packet holds something else.
///
/// VLAN tags are stepped over: 802.1Q, 802.1ad and its older numbers, several deep.
pub fn network_layer(link: LinkType, data: &[u8]) -> Option<&[u8]> {
    match link {
        LinkType::ETHERNET => ethernet(data),
        LinkType::LINUX_SLL => by_ethertype(be16(data, 14)?, from(data, 16)),
        LinkType::LINUX_SLL2 => by_ethertype(be16(data, 0)?, from(data, 20)),
        LinkType::NULL => {
            let family = array(data, 0)?;
            let known =
                is_family(u32::from_le_bytes(family)) || is_family(u32::from_be_bytes(family));
            known.then(|| from(data, 4))
        }
        LinkType::LOOP => is_family(u32::from_be_bytes(array(data, 0)?)).then(|| from(data, 4)),
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => Some(data),
        _ => None,
    }
}

fn ethernet(data: &[u8]) -> Option<&[u8]> {
    let kind = be16(data, 12)?;
    if kind > MAX_802_3_LEN {
        return by_ethertype(kind, from(data, 14));
    }
    // 802.3 with a SNAP header in front of the type.
    let snap = from(data, 14).strip_prefix(&[0xaa, 0xaa, 0x03, 0, 0, 0])?;
    by_ethertype(be16(snap, 0)?, from(snap, 2))
}

fn by_ethertype(mut kind: u16, mut rest: &[u8]) -> Option<&[u8]> {
    for _ in 0..=MAX_VLAN_TAGS {
        match kind {
            0x0800 | 0x86dd => return Some(rest),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 => {
                kind = be16(rest, 2)?;
                rest = from(rest, 4);
            }
            _ => return None,
        }
    }
    None
}

/// `AF_INET`, and `AF_INET6` as Linux, the BSDs and macOS number it.
const fn is_family(family: u32) -> bool {
    matches!(family, 2 | 10 | 24 | 28 | 30)
}

/// Version of the IP packet, 4 or 6 in a sound one.
pub(crate) fn ip_version(packet: &[u8]) -> Option<u8> {
    octet(packet, 0).map(|first| first >> 4)
}

/// Up to this value the field is a length. Source: IEEE 802.3 3.2.6.
const MAX_802_3_LEN: u16 = 1500;

/// Deepest nesting of tags followed.
const MAX_VLAN_TAGS: usize = 4;
