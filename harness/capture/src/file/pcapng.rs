use std::io::Read;

use pcap_parser::{
    Block, InterfaceDescriptionBlock, OptionCode, PcapNGOption, parse_block_be, parse_block_le,
};

use super::{Buffer, Found, FoundPacket, need};
use crate::error::CaptureError;
use crate::link::LinkType;
use crate::num::{array, index};

/// The present section of a pcapng file.
#[derive(Default)]
pub(super) struct PcapNg {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

struct Interface {
    link: LinkType,
    /// Largest packet stored, 0 for no limit.
    snap_len: u32,
    /// Units of a time stamp in a second.
    units: u64,
    /// Seconds to add to a time stamp.
    offset_s: i64,
}

impl PcapNg {
    pub(super) fn next<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Found>, CaptureError> {
        if !need(buffer, "a block header", 12)? {
            return Ok(None);
        }
        let len = self.block_len(buffer.data());
        let offset = buffer.offset();
        if len < 12 || !len.is_multiple_of(4) {
            return Err(CaptureError::Malformed {
                offset,
                what: "the length of the block is impossible",
            });
        }
        need(buffer, "a block", u64::from(len))?;
        let data = buffer
            .data()
            .get(..index(u64::from(len)))
            .unwrap_or_default();
        let parse = if self.big_endian {
            parse_block_be
        } else {
            parse_block_le
        };
        let Ok((_, block)) = parse(data) else {
            return Err(CaptureError::Malformed {
                offset,
                what: "the block contradicts itself",
            });
        };
        let packet = self.take(&block, offset)?;
        Ok(Some(Found {
            block: data.len(),
            packet,
        }))
    }

    /// The block's total length; a section header says first in which byte order.
    fn block_len(&mut self, data: &[u8]) -> u32 {
        let (kind, order) = (array::<4>(data, 0), array::<4>(data, 8));
        if kind == Some(SECTION_HEADER) {
            self.big_endian = order == Some(BYTE_ORDER_BIG);
        }
        let len = array(data, 4).unwrap_or_default();
        if self.big_endian {
            u32::from_be_bytes(len)
        } else {
            u32::from_le_bytes(len)
        }
    }

    fn take(
        &mut self,
        block: &Block<'_>,
        offset: u64,
    ) -> Result<Option<FoundPacket>, CaptureError> {
        match block {
            Block::SectionHeader(_) => self.interfaces.clear(),
            Block::InterfaceDescription(block) => {
                if self.interfaces.len() >= MAX_INTERFACES {
                    return Err(CaptureError::Malformed {
                        offset,
                        what: "more interfaces than a section may have",
                    });
                }
                self.interfaces.push(self.interface(block));
            }
            Block::EnhancedPacket(block) => {
                let interface = self.described(block.if_id, offset)?;
                let stamp = u64::from(block.ts_high) << 32 | u64::from(block.ts_low);
                return Ok(Some(FoundPacket {
                    time_ns: interface.time_ns(stamp),
                    link: interface.link,
                    original_len: block.origlen,
                    start: 28,
                    len: index(u64::from(block.caplen)).min(block.data.len()),
                }));
            }
            Block::SimplePacket(block) => {
                let interface = self.described(0, offset)?;
                let stored = match interface.snap_len {
                    0 => block.origlen,
                    limit => block.origlen.min(limit),
                };
                return Ok(Some(FoundPacket {
                    // A simple packet block has no time stamp.
                    time_ns: 0,
                    link: interface.link,
                    original_len: block.origlen,
                    start: 12,
                    len: index(u64::from(stored)).min(block.data.len()),
                }));
            }
            _ => {}
        }
        Ok(None)
    }

    fn described(&self, interface: u32, offset: u64) -> Result<&Interface, CaptureError> {
        self.interfaces
            .get(index(u64::from(interface)))
            .ok_or(CaptureError::UnknownInterface {
                offset,
                interface,
                described: self.interfaces.len(),
            })
    }

    fn interface(&self, block: &InterfaceDescriptionBlock<'_>) -> Interface {
        let mut interface = Interface {
            link: LinkType::from_field(block.linktype.0),
            snap_len: block.snaplen,
            units: 1_000_000,
            offset_s: 0,
        };
        for option in &block.options {
            match option.code {
                OptionCode::IfTsresol => {
                    if let Some(units) = option.value().first().and_then(|&code| units(code)) {
                        interface.units = units;
                    }
                }
                OptionCode::IfTsoffset => interface.offset_s = self.signed(option),
                _ => {}
            }
        }
        interface
    }

    fn signed(&self, option: &PcapNGOption<'_>) -> i64 {
        let bytes = array(option.value(), 0).unwrap_or_default();
        if self.big_endian {
            i64::from_be_bytes(bytes)
        } else {
            i64::from_le_bytes(bytes)
        }
    }
}

impl Interface {
    fn time_ns(&self, stamp: u64) -> u64 {
        if self.offset_s == 0 && self.units == 1_000_000 {
            return stamp.saturating_mul(1000);
        }
        let ns = u128::from(stamp)
            .saturating_mul(1_000_000_000)
            .checked_div(u128::from(self.units))
            .unwrap_or_default();
        let ns = i128::try_from(ns).unwrap_or(i128::MAX);
        let offset = i128::from(self.offset_s).saturating_mul(1_000_000_000);
        u64::try_from(ns.saturating_add(offset).max(0)).unwrap_or(u64::MAX)
    }
}

/// Units in a second: a power of ten, or of two if the highest bit is set. Source: draft-ietf-opsawg-pcapng 4.2.
fn units(code: u8) -> Option<u64> {
    let exponent = u32::from(code & 0x7f);
    if code & 0x80 == 0 {
        10u64.checked_pow(exponent)
    } else {
        1u64.checked_shl(exponent)
    }
}

const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const BYTE_ORDER_BIG: [u8; 4] = [0x1a, 0x2b, 0x3c, 0x4d];

/// A bound on memory: no machine captures on as many interfaces.
const MAX_INTERFACES: usize = 4096;
