use std::io::{self, Write};

use super::PcapNgWriter;
use super::headers::Outgoing;
use crate::rpc::Direction;
use crate::tcp::Endpoint;

/// A TCP connection made up around the bytes that were sent on it: handshake, segments, end.
///
/// Several can be written into one file side by side.
#[derive(Debug)]
pub struct Flow {
    client: End,
    host: End,
    id: u16,
}

#[derive(Debug)]
struct End {
    endpoint: Endpoint,
    /// Sequence number of its next byte.
    next: u32,
    finished: bool,
}

impl Flow {
    /// Writes the handshake.
    pub fn open<W: Write>(
        writer: &mut PcapNgWriter<W>,
        client: Endpoint,
        host: Endpoint,
        time_ns: u64,
    ) -> io::Result<Self> {
        let mut flow = Self {
            client: End::new(client, CLIENT_SEQUENCE),
            host: End::new(host, HOST_SEQUENCE),
            id: 0,
        };
        flow.segment(writer, Direction::ToHost, time_ns, SYN, &[], None)?;
        flow.client.advance(1);
        flow.segment(writer, Direction::ToClient, time_ns, SYN | ACK, &[], None)?;
        flow.host.advance(1);
        flow.segment(writer, Direction::ToHost, time_ns, ACK, &[], None)?;
        Ok(flow)
    }

    /// Writes bytes, in as many segments as they need; a comment goes to the first.
    pub fn send<W: Write>(
        &mut self,
        writer: &mut PcapNgWriter<W>,
        direction: Direction,
        time_ns: u64,
        bytes: &[u8],
        mut comment: Option<&str>,
    ) -> io::Result<()> {
        for chunk in bytes.chunks(SEGMENT_SIZE) {
            self.segment(writer, direction, time_ns, PSH | ACK, chunk, comment.take())?;
            let len = u32::try_from(chunk.len()).unwrap_or(u32::MAX);
            self.sender(direction).advance(len);
        }
        Ok(())
    }

    /// Writes the end of one direction; once both have ended, the acknowledgment of the second too.
    pub fn fin<W: Write>(
        &mut self,
        writer: &mut PcapNgWriter<W>,
        direction: Direction,
        time_ns: u64,
    ) -> io::Result<()> {
        if self.sender(direction).finished {
            return Ok(());
        }
        self.segment(writer, direction, time_ns, FIN | ACK, &[], None)?;
        let sender = self.sender(direction);
        sender.advance(1);
        sender.finished = true;
        if self.client.finished && self.host.finished {
            self.segment(writer, opposite(direction), time_ns, ACK, &[], None)?;
        }
        Ok(())
    }

    /// Writes a reset.
    pub fn rst<W: Write>(
        &mut self,
        writer: &mut PcapNgWriter<W>,
        direction: Direction,
        time_ns: u64,
    ) -> io::Result<()> {
        self.segment(writer, direction, time_ns, RST | ACK, &[], None)
    }

    fn segment<W: Write>(
        &mut self,
        writer: &mut PcapNgWriter<W>,
        direction: Direction,
        time_ns: u64,
        flags: u8,
        payload: &[u8],
        comment: Option<&str>,
    ) -> io::Result<()> {
        let from_opener = direction == Direction::ToHost;
        let (from, to) = if from_opener {
            (&self.client, &self.host)
        } else {
            (&self.host, &self.client)
        };
        let acknowledgment = if flags & ACK == 0 { 0 } else { to.next };
        self.id = self.id.wrapping_add(1);
        let frame = Outgoing {
            from: from.endpoint,
            to: to.endpoint,
            from_opener,
            sequence: from.next,
            acknowledgment,
            flags,
            id: self.id,
            payload,
        }
        .frame();
        writer.packet(time_ns, &frame, comment)
    }

    fn sender(&mut self, direction: Direction) -> &mut End {
        match direction {
            Direction::ToHost => &mut self.client,
            Direction::ToClient => &mut self.host,
        }
    }
}

impl End {
    const fn new(endpoint: Endpoint, next: u32) -> Self {
        Self {
            endpoint,
            next,
            finished: false,
        }
    }

    fn advance(&mut self, len: u32) {
        self.next = self.next.wrapping_add(len);
    }
}

const fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::ToHost => Direction::ToClient,
        Direction::ToClient => Direction::ToHost,
    }
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

/// First sequence numbers: fixed, so that the same bytes give the same file.
const CLIENT_SEQUENCE: u32 = 1_000_000;
const HOST_SEQUENCE: u32 = 2_000_000;

/// Payload of a full segment on Ethernet over IPv6, the smaller of the two.
const SEGMENT_SIZE: usize = 1440;
