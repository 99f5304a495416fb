//! Packets and capture files made by hand.

use kmspec_capture::rpc::{Exchange, Notice, Observer, Pdu};
use kmspec_capture::summary::Summary;
use kmspec_capture::tcp::{CloseReason, Connection, GapCause, Limits, Side, Stamp, TcpEvent};

pub(crate) const FIN: u8 = 0x01;
pub(crate) const SYN: u8 = 0x02;
pub(crate) const RST: u8 = 0x04;
pub(crate) const ACK: u8 = 0x10;

pub(crate) const ETHERNET: u32 = 1;

/// A TCP segment between port 40000 + `flow` and port 9999, the way `up` says.
#[derive(Clone, Copy)]
pub(crate) struct Tcp<'a> {
    pub(crate) flow: u16,
    pub(crate) up: bool,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) payload: &'a [u8],
}

impl<'a> Tcp<'a> {
    pub(crate) const fn up(seq: u32, payload: &'a [u8]) -> Self {
        Self {
            flow: 0,
            up: true,
            seq,
            ack: 0,
            flags: 0,
            payload,
        }
    }

    pub(crate) const fn down(seq: u32, payload: &'a [u8]) -> Self {
        Self {
            up: false,
            ..Self::up(seq, payload)
        }
    }

    pub(crate) const fn flags(self, flags: u8) -> Self {
        Self { flags, ..self }
    }

    pub(crate) const fn ack(self, ack: u32) -> Self {
        Self {
            ack,
            flags: self.flags | ACK,
            ..self
        }
    }

    pub(crate) const fn flow(self, flow: u16) -> Self {
        Self { flow, ..self }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let (client, host) = (40_000 + self.flow, 9_999_u16);
        let (from, to) = if self.up {
            (client, host)
        } else {
            (host, client)
        };
        let mut out = Vec::new();
        out.extend(from.to_be_bytes());
        out.extend(to.to_be_bytes());
        out.extend(self.seq.to_be_bytes());
        out.extend(self.ack.to_be_bytes());
        out.extend([0x50, self.flags, 0xff, 0xff, 0, 0, 0, 0]);
        out.extend(self.payload);
        out
    }

    /// In IPv4 in Ethernet.
    pub(crate) fn frame(&self) -> Vec<u8> {
        ethernet(0x0800, &ipv4(self.up, &self.bytes()))
    }
}

/// An IPv4 packet with TCP in it.
pub(crate) fn ipv4(up: bool, payload: &[u8]) -> Vec<u8> {
    ipv4_with(up, payload, &[], 0, 0)
}

pub(crate) fn ipv4_with(
    up: bool,
    payload: &[u8],
    options: &[u8],
    id: u16,
    fragment: u16,
) -> Vec<u8> {
    let header = 20 + options.len();
    let (from, to) = if up {
        ([10, 0, 0, 1], [10, 0, 0, 2])
    } else {
        ([10, 0, 0, 2], [10, 0, 0, 1])
    };
    let mut out = vec![0x40 | u8::try_from(header / 4).unwrap(), 0];
    out.extend(u16::try_from(header + payload.len()).unwrap().to_be_bytes());
    out.extend(id.to_be_bytes());
    out.extend(fragment.to_be_bytes());
    out.extend([64, 6, 0, 0]);
    out.extend(from);
    out.extend(to);
    out.extend(options);
    out.extend(payload);
    out
}

/// An IPv6 packet whose payload begins with the header `next` names.
pub(crate) fn ipv6(up: bool, next: u8, payload: &[u8]) -> Vec<u8> {
    let (from, to) = if up { (1, 2) } else { (2, 1) };
    let mut out = vec![0x60, 0, 0, 0];
    out.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    out.extend([next, 64]);
    for last in [from, to] {
        out.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    out.extend(payload);
    out
}

pub(crate) fn ethernet(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    out.extend(kind.to_be_bytes());
    out.extend(payload);
    out
}

/// A little-endian microsecond pcap, a packet a microsecond.
pub(crate) fn pcap(link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    pcap_cut(link, packets, usize::MAX)
}

/// The same with a snap length.
pub(crate) fn pcap_cut(link: u32, packets: &[Vec<u8>], snap: usize) -> Vec<u8> {
    let mut out = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    out.extend(u32::try_from(snap.min(262_144)).unwrap().to_le_bytes());
    out.extend(link.to_le_bytes());
    for (at, packet) in (0_u32..).zip(packets) {
        let kept = &packet[..packet.len().min(snap)];
        out.extend(0_u32.to_le_bytes());
        out.extend(at.to_le_bytes());
        out.extend(u32::try_from(kept.len()).unwrap().to_le_bytes());
        out.extend(u32::try_from(packet.len()).unwrap().to_le_bytes());
        out.extend(kept);
    }
    out
}

/// What came of a stream, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Up(Vec<u8>),
    Down(Vec<u8>),
    Gap(u64, GapCause),
    Closed(CloseReason),
}

/// Everything an observer can be told.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) packets: Vec<(u64, u64)>,
    pub(crate) pieces: Vec<(u32, Piece)>,
    pub(crate) connections: Vec<Connection>,
    pub(crate) pdus: Vec<(u32, u8, u64, bool)>,
    pub(crate) exchanges: Vec<String>,
    pub(crate) notices: Vec<Notice>,
}

impl Seen {
    /// Pieces of one stream; neighbouring data of one direction joined.
    pub(crate) fn stream(&self, stream: u32) -> Vec<Piece> {
        let mut joined: Vec<Piece> = Vec::new();
        for (_, piece) in self.pieces.iter().filter(|(of, _)| *of == stream) {
            match (joined.last_mut(), piece) {
                (Some(Piece::Up(a)), Piece::Up(b)) | (Some(Piece::Down(a)), Piece::Down(b)) => {
                    a.extend(b);
                }
                _ => joined.push(piece.clone()),
            }
        }
        joined
    }
}

impl Observer for Seen {
    fn packet(&mut self, packet: &kmspec_capture::file::Packet<'_>) {
        self.packets.push((packet.number, packet.time_ns));
    }

    fn tcp(&mut self, connection: &Connection, _at: Stamp, event: &TcpEvent<'_>) {
        if !self.connections.contains(connection) {
            self.connections.push(*connection);
        }
        let piece = match *event {
            TcpEvent::Data {
                from: Side::Opener,
                bytes,
            } => Piece::Up(bytes.to_vec()),
            TcpEvent::Data {
                from: Side::Peer,
                bytes,
            } => Piece::Down(bytes.to_vec()),
            TcpEvent::Gap { len, cause, .. } => Piece::Gap(len, cause),
            TcpEvent::Closed(reason) => Piece::Closed(reason),
        };
        self.pieces.push((connection.stream, piece));
    }

    fn pdu(&mut self, pdu: &Pdu<'_>) {
        let ptype = pdu.header.ptype.0;
        self.pdus
            .push((pdu.connection.stream, ptype, pdu.at.packet, pdu.is_cut()));
    }

    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let rpc = &exchange.rpc;
        let reply = match exchange.reply {
            kmspec_capture::rpc::Reply::None => "none".to_owned(),
            kmspec_capture::rpc::Reply::Response { stub, cut, .. } => {
                format!("response {}{}", stub.len(), if cut { " cut" } else { "" })
            }
            kmspec_capture::rpc::Reply::Fault(status) => format!("fault {:x}", status.0),
        };
        self.exchanges.push(format!(
            "{}.{} {:?} id {} {}{} {}: {reply}",
            exchange.connection.stream,
            exchange.call,
            rpc.ptypes,
            rpc.call_id,
            rpc.syntax.name(),
            if rpc.bound { "" } else { " unbound" },
            exchange.request_stub.len(),
        ));
    }

    fn notice(&mut self, notice: &Notice) {
        self.notices.push(*notice);
    }
}

/// Reads a sound file.
pub(crate) fn read(file: &[u8]) -> (Seen, Summary) {
    read_with(file, Limits::default())
}

pub(crate) fn read_with(file: &[u8], limits: Limits) -> (Seen, Summary) {
    let mut seen = Seen::default();
    let outcome = kmspec_capture::read(file, limits, &mut seen);
    assert!(outcome.damage.is_none(), "{:?}", outcome.damage);
    (seen, outcome.summary)
}
