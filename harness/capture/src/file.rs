//! pcap and pcapng, plain or gzip, to packets.

mod buffer;
mod pcap;
mod pcapng;

use std::io::Read;

use self::buffer::Buffer;
use crate::error::CaptureError;
use crate::link::LinkType;
use crate::num::{index, len64};

/// One packet as the file has it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Position in the file, from 1, as other tools count.
    pub number: u64,
    /// Time stamp, nanoseconds since 1970-01-01 UTC.
    pub time_ns: u64,
    /// What the first byte of `data` is.
    pub link: LinkType,
    /// The bytes captured.
    pub data: &'a [u8],
    /// Bytes the packet had on the wire; more than `data` has if the snap length cut it.
    pub original_len: u32,
}

/// Which of the file formats it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Classic pcap, of either resolution and byte order.
    Pcap,
    /// pcapng.
    PcapNg,
}

/// Reads the packets of a capture from any byte stream, in memory that does not depend on the file's size.
///
/// ```
/// let file = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0];
/// let mut reader = kmspec_capture::file::PacketReader::new(&file[..])?;
/// assert!(reader.next_packet()?.is_none());
/// # Ok::<(), kmspec_capture::error::CaptureError>(())
/// ```
pub struct PacketReader<R: Read> {
    buffer: Buffer<R>,
    kind: Kind,
    packets: u64,
    stopped: bool,
}

enum Kind {
    Pcap(pcap::Pcap),
    PcapNg(pcapng::PcapNg),
}

/// What a block turned out to be; `data` as a range of the block.
struct Found {
    /// Length of the whole block.
    block: usize,
    /// The packet in it, if it holds one.
    packet: Option<FoundPacket>,
}

struct FoundPacket {
    time_ns: u64,
    link: LinkType,
    original_len: u32,
    start: usize,
    len: usize,
}

impl<R: Read> PacketReader<R> {
    /// Recognises the format by its first bytes.
    pub fn new(input: R) -> Result<Self, CaptureError> {
        let mut buffer =
            Buffer::new(input).map_err(|source| CaptureError::Io { offset: 0, source })?;
        fill(&mut buffer, 4)?;
        let kind = match *buffer.data() {
            [] => return Err(CaptureError::Empty),
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => Kind::PcapNg(pcapng::PcapNg::default()),
            _ => Kind::Pcap(pcap::Pcap::read_header(&mut buffer)?),
        };
        Ok(Self {
            buffer,
            kind,
            packets: 0,
            stopped: false,
        })
    }

    /// The format recognised.
    pub const fn format(&self) -> Format {
        match self.kind {
            Kind::Pcap(_) => Format::Pcap,
            Kind::PcapNg(_) => Format::PcapNg,
        }
    }

    /// The next packet, or none at the end. After an error there are no more.
    pub fn next_packet(&mut self) -> Result<Option<Packet<'_>>, CaptureError> {
        if self.stopped {
            return Ok(None);
        }
        let found = match self.find_packet() {
            Ok(Some(found)) => found,
            end => {
                self.stopped = true;
                end?;
                return Ok(None);
            }
        };
        let (block, packet) = found;
        self.packets = self.packets.saturating_add(1);
        let block = self.buffer.consume(block);
        let end = packet.start.saturating_add(packet.len);
        Ok(Some(Packet {
            number: self.packets,
            time_ns: packet.time_ns,
            link: packet.link,
            data: block.get(packet.start..end).unwrap_or_default(),
            original_len: packet.original_len,
        }))
    }

    /// Skips blocks up to the next one that holds a packet.
    fn find_packet(&mut self) -> Result<Option<(usize, FoundPacket)>, CaptureError> {
        loop {
            let found = match &mut self.kind {
                Kind::Pcap(pcap) => pcap.next(&mut self.buffer)?,
                Kind::PcapNg(pcapng) => pcapng.next(&mut self.buffer)?,
            };
            match found {
                None => return Ok(None),
                Some(Found {
                    block,
                    packet: Some(packet),
                }) => return Ok(Some((block, packet))),
                Some(Found { block, .. }) => {
                    self.buffer.consume(block);
                }
            }
        }
    }
}

/// Reads on until `len` bytes are at hand; false at the end of the input.
fn fill<R: Read>(buffer: &mut Buffer<R>, len: usize) -> Result<bool, CaptureError> {
    buffer.fill(len).map_err(|source| CaptureError::Io {
        offset: buffer.offset().saturating_add(len64(buffer.data().len())),
        source,
    })
}

/// Reads on until the piece `what` of `len` bytes is at hand; false if the input ended in front of it.
fn need<R: Read>(
    buffer: &mut Buffer<R>,
    what: &'static str,
    len: u64,
) -> Result<bool, CaptureError> {
    if len > MAX_BLOCK {
        return Err(CaptureError::TooLong {
            offset: buffer.offset(),
            what,
            len,
            max: MAX_BLOCK,
        });
    }
    if fill(buffer, index(len))? {
        return Ok(true);
    }
    match buffer.data().len() {
        0 => Ok(false),
        have => Err(CaptureError::Ends {
            offset: buffer.offset(),
            what,
            have: len64(have),
        }),
    }
}

/// Longest packet or block, bytes: sixty-four times the snap length tcpdump uses, and a bound on memory.
const MAX_BLOCK: u64 = 16 * 1024 * 1024;
