use std::io::Read;

use pcap_parser::{
    LegacyPcapBlock, PcapError, nom, parse_pcap_frame, parse_pcap_frame_be,
    parse_pcap_frame_modified, parse_pcap_header,
};

use super::{Buffer, Found, FoundPacket, need};
use crate::error::CaptureError;
use crate::link::LinkType;
use crate::num::{array, index, upto};

/// What the file header of a classic pcap settles.
pub(super) struct Pcap {
    parse: ParseFrame,
    big_endian: bool,
    /// Bytes of the header in front of each packet.
    header: usize,
    /// Nanoseconds in one unit of the fraction.
    unit_ns: u64,
    link: LinkType,
}

type ParseFrame = fn(&[u8]) -> nom::IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>>;

impl Pcap {
    pub(super) fn read_header<R: Read>(buffer: &mut Buffer<R>) -> Result<Self, CaptureError> {
        if let [a, b, c, d, ..] = *buffer.data()
            && !MAGICS.contains(&u32::from_le_bytes([a, b, c, d]))
        {
            return Err(CaptureError::NotACapture {
                start: format!("{a:02x} {b:02x} {c:02x} {d:02x}"),
            });
        }
        need(buffer, "the file header", 24)?;
        let Ok((_, header)) = parse_pcap_header(buffer.data()) else {
            return Err(CaptureError::Malformed {
                offset: 0,
                what: "the file header makes no sense",
            });
        };
        let size = header.size();
        let pcap = Self {
            parse: if header.is_modified_format() {
                parse_pcap_frame_modified
            } else if header.is_bigendian() {
                parse_pcap_frame_be
            } else {
                parse_pcap_frame
            },
            big_endian: header.is_bigendian(),
            header: if header.is_modified_format() { 24 } else { 16 },
            unit_ns: if header.is_nanosecond_precision() {
                1
            } else {
                1000
            },
            link: LinkType::from_field(header.network.0),
        };
        buffer.consume(size);
        Ok(pcap)
    }

    pub(super) fn next<R: Read>(
        &self,
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Found>, CaptureError> {
        loop {
            if let Ok((_, frame)) = (self.parse)(buffer.data()) {
                let len = frame.data.len();
                return Ok(Some(Found {
                    block: self.header.saturating_add(len),
                    packet: Some(FoundPacket {
                        time_ns: u64::from(frame.ts_sec)
                            .saturating_mul(1_000_000_000)
                            .saturating_add(u64::from(frame.ts_usec).saturating_mul(self.unit_ns)),
                        link: self.link,
                        original_len: frame.origlen,
                        start: self.header,
                        len,
                    }),
                }));
            }
            let header = u64::try_from(self.header).unwrap_or(24);
            if !need(buffer, "a packet header", header)? {
                return Ok(None);
            }
            let captured = array(upto(buffer.data(), self.header), 8).unwrap_or_default();
            let captured = if self.big_endian {
                u32::from_be_bytes(captured)
            } else {
                u32::from_le_bytes(captured)
            };
            let whole = header.saturating_add(u64::from(captured));
            need(buffer, "a packet", whole)?;
            // The whole packet is at hand now: the parser has no other reason to refuse it.
            if buffer.data().len() < index(whole) {
                return Ok(None);
            }
        }
    }
}

/// Micro- and nanoseconds in both byte orders, and the patched variant with a longer packet header.
const MAGICS: [u32; 5] = [
    0xa1b2_c3d4,
    0xd4c3_b2a1,
    0xa1b2_3c4d,
    0x4d3c_b2a1,
    0xa1b2_cd34,
];
