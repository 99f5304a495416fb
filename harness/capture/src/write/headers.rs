use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::tcp::Endpoint;

/// A TCP segment to be wrapped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing<'a> {
    pub(super) from: Endpoint,
    pub(super) to: Endpoint,
    /// Whether the opener of the connection sends it.
    pub(super) from_opener: bool,
    pub(super) sequence: u32,
    pub(super) acknowledgment: u32,
    pub(super) flags: u8,
    /// IPv4 identification.
    pub(super) id: u16,
    pub(super) payload: &'a [u8],
}

impl Outgoing<'_> {
    /// The Ethernet frame.
    pub(super) fn frame(&self) -> Vec<u8> {
        let mut frame = Vec::with_capacity(self.payload.len().saturating_add(80));
        let (source, destination) = if self.from_opener {
            (OPENER_MAC, PEER_MAC)
        } else {
            (PEER_MAC, OPENER_MAC)
        };
        frame.extend_from_slice(&destination);
        frame.extend_from_slice(&source);
        match (self.from.address, self.to.address) {
            (IpAddr::V4(from), IpAddr::V4(to)) => self.v4(&mut frame, from, to),
            (from, to) => self.v6(&mut frame, mapped(from), mapped(to)),
        }
        frame
    }

    fn v4(&self, frame: &mut Vec<u8>, from: Ipv4Addr, to: Ipv4Addr) {
        frame.extend_from_slice(&0x0800_u16.to_be_bytes());
        let segment = self.segment(&[&from.octets()[..], &to.octets()[..]].concat());
        let total = length16(segment.len().saturating_add(20));
        let mut header = [0x45, 0].to_vec();
        header.extend_from_slice(&total.to_be_bytes());
        header.extend_from_slice(&self.id.to_be_bytes());
        // Do not fragment; time to live 64; protocol TCP; checksum to be filled in.
        header.extend_from_slice(&[0x40, 0, 64, 6, 0, 0]);
        header.extend_from_slice(&from.octets());
        header.extend_from_slice(&to.octets());
        let sum = checksum(&header);
        if let Some(field) = header.get_mut(10..12) {
            field.copy_from_slice(&sum.to_be_bytes());
        }
        frame.extend_from_slice(&header);
        frame.extend_from_slice(&segment);
    }

    fn v6(&self, frame: &mut Vec<u8>, from: Ipv6Addr, to: Ipv6Addr) {
        frame.extend_from_slice(&0x86dd_u16.to_be_bytes());
        let segment = self.segment(&[&from.octets()[..], &to.octets()[..]].concat());
        frame.extend_from_slice(&[0x60, 0, 0, 0]);
        frame.extend_from_slice(&length16(segment.len()).to_be_bytes());
        frame.extend_from_slice(&[6, 64]);
        frame.extend_from_slice(&from.octets());
        frame.extend_from_slice(&to.octets());
        frame.extend_from_slice(&segment);
    }

    /// The segment with its checksum over `addresses` too. Source: RFC 9293 3.1.
    fn segment(&self, addresses: &[u8]) -> Vec<u8> {
        let mut segment = Vec::with_capacity(self.payload.len().saturating_add(20));
        segment.extend_from_slice(&self.from.port.to_be_bytes());
        segment.extend_from_slice(&self.to.port.to_be_bytes());
        segment.extend_from_slice(&self.sequence.to_be_bytes());
        segment.extend_from_slice(&self.acknowledgment.to_be_bytes());
        segment.extend_from_slice(&[0x50, self.flags]);
        segment.extend_from_slice(&WINDOW.to_be_bytes());
        segment.extend_from_slice(&[0, 0, 0, 0]);
        segment.extend_from_slice(self.payload);
        let mut summed = addresses.to_vec();
        summed.extend_from_slice(&[0, 6]);
        summed.extend_from_slice(&length16(segment.len()).to_be_bytes());
        summed.extend_from_slice(&segment);
        let sum = checksum(&summed);
        if let Some(field) = segment.get_mut(16..18) {
            field.copy_from_slice(&sum.to_be_bytes());
        }
        segment
    }
}

/// The internet checksum. Source: RFC 1071.
pub(super) fn checksum(bytes: &[u8]) -> u16 {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let last = odd.first().map(|&byte| u16::from_be_bytes([byte, 0]));
    let words = pairs.iter().map(|&pair| u16::from_be_bytes(pair));
    let mut sum = words
        .chain(last)
        .fold(0_u64, |sum, word| sum.wrapping_add(u64::from(word)));
    while let carry @ 1.. = sum >> 16 {
        sum = (sum & 0xffff).wrapping_add(carry);
    }
    let [low, high, ..] = sum.to_le_bytes();
    !u16::from_le_bytes([low, high])
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

fn length16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

/// Locally administered addresses. Source: RFC 9542 2.1.
const OPENER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];
const PEER_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x02];
const WINDOW: u16 = u16::MAX;
