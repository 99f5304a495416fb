//! IPv4 and IPv6 down to their TCP segments.

mod fragment;

use std::net::IpAddr;

pub(crate) use self::fragment::Fragments;
use self::fragment::{Fragment, Key};
use crate::link::ip_version;
use crate::num::{array, be16, be32, from, octet, upto};

/// A TCP segment with its addresses, as one packet or several fragments carried it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// The bytes there are.
    pub(crate) data: &'a [u8],
    /// The bytes there were on the wire.
    pub(crate) len: usize,
}

/// What an IP packet holds.
pub(crate) enum Held<'a> {
    /// A whole TCP segment.
    Tcp(Datagram<'a>),
    /// A fragment of one whose other fragments are still missing.
    Fragment,
    /// Something else.
    Other,
    /// No sound IP header.
    Malformed,
}

/// Takes an IP packet apart; `wire_len` counts it as it was on the wire, where the header does not say.
pub(crate) fn tcp<'a>(
    packet: &'a [u8],
    wire_len: usize,
    time_ns: u64,
    fragments: &'a mut Fragments,
) -> Held<'a> {
    let parsed = match ip_version(packet) {
        Some(4) => v4(packet, wire_len),
        Some(6) => v6(packet, wire_len),
        _ => None,
    };
    match parsed {
        None => Held::Malformed,
        Some((_, TCP, None, datagram)) => Held::Tcp(datagram),
        Some((id, TCP, Some(place), datagram)) => {
            let key = Key {
                source: datagram.source,
                destination: datagram.destination,
                id,
            };
            let fragment = Fragment {
                place,
                data: datagram.data,
                len: datagram.len,
            };
            match fragments.add(key, fragment, time_ns) {
                None => Held::Fragment,
                Some((data, len)) => Held::Tcp(Datagram {
                    data,
                    len,
                    ..datagram
                }),
            }
        }
        Some(_) => Held::Other,
    }
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: usize,
    pub(crate) more: bool,
}

type Parsed<'a> = (u32, u8, Option<Place>, Datagram<'a>);

fn v4(packet: &[u8], wire_len: usize) -> Option<Parsed<'_>> {
    let header = usize::from(octet(packet, 0)? & 0x0f).checked_mul(4)?;
    let total = match usize::from(be16(packet, 2)?) {
        // Left empty by machines whose network card cuts segments.
        0 => wire_len,
        total => total,
    };
    if header < 20 {
        return None;
    }
    let len = total.checked_sub(header)?;
    let flags = be16(packet, 6)?;
    let place = Place {
        offset: usize::from(flags & 0x1fff).checked_mul(8)?,
        more: flags & 0x2000 != 0,
    };
    let datagram = Datagram {
        source: IpAddr::from(array::<4>(packet, 12)?),
        destination: IpAddr::from(array::<4>(packet, 16)?),
        data: upto(from(packet, header), len),
        len,
    };
    let place = (place.more || place.offset > 0).then_some(place);
    Some((
        u32::from(be16(packet, 4)?),
        octet(packet, 9)?,
        place,
        datagram,
    ))
}

fn v6(packet: &[u8], wire_len: usize) -> Option<Parsed<'_>> {
    let mut len = match usize::from(be16(packet, 4)?) {
        0 => wire_len.checked_sub(V6_HEADER)?,
        len => len,
    };
    let mut next = octet(packet, 6)?;
    let mut rest = upto(from(packet, V6_HEADER), len);
    let mut fragment = None;
    for _ in 0..MAX_EXTENSION_HEADERS {
        let size = match next {
            HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HIP | SHIM6 => {
                usize::from(octet(rest, 1)?)
                    .checked_add(1)?
                    .checked_mul(8)?
            }
            AUTHENTICATION => usize::from(octet(rest, 1)?)
                .checked_add(2)?
                .checked_mul(4)?,
            FRAGMENT => {
                let field = be16(rest, 2)?;
                let place = Place {
                    offset: usize::from(field & 0xfff8),
                    more: field & 1 != 0,
                };
                // An atomic fragment is the whole. Source: RFC 6946.
                if place.more || place.offset > 0 {
                    fragment = Some((be32(rest, 4)?, place));
                }
                8
            }
            _ => break,
        };
        next = octet(rest, 0)?;
        rest = from(rest, size);
        len = len.checked_sub(size)?;
        // What follows a fragment header belongs to the first fragment alone: it is read when the whole is there.
        if fragment.is_some() {
            break;
        }
    }
    let datagram = Datagram {
        source: IpAddr::from(array::<16>(packet, 8)?),
        destination: IpAddr::from(array::<16>(packet, 24)?),
        data: rest,
        len,
    };
    let (id, place) = fragment.unzip();
    Some((id.unwrap_or_default(), next, place, datagram))
}

const TCP: u8 = 6;
const V6_HEADER: usize = 40;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

/// More than any lawful chain has.
const MAX_EXTENSION_HEADERS: usize = 16;
