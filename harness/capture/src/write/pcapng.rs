use std::io::{self, Write};

use crate::link::LinkType;

/// Writes a pcapng file of Ethernet packets with time stamps in nanoseconds.
///
/// Source: draft-ietf-opsawg-pcapng 4.1, 4.2, 4.3.
#[derive(Debug)]
pub struct PcapNgWriter<W: Write> {
    out: W,
    /// The block being built.
    block: Vec<u8>,
}

impl<W: Write> PcapNgWriter<W> {
    /// Begins a file with its first section, which may carry a comment.
    pub fn new(out: W, comment: Option<&str>) -> io::Result<Self> {
        let mut writer = Self {
            out,
            block: Vec::new(),
        };
        writer.section(comment)?;
        Ok(writer)
    }

    /// Begins another section.
    pub fn section(&mut self, comment: Option<&str>) -> io::Result<()> {
        self.begin(SECTION_HEADER);
        self.u32(0x1a2b_3c4d);
        self.u16(1);
        self.u16(0);
        self.block.extend_from_slice(&UNKNOWN_LENGTH);
        self.comment(comment);
        self.option(SHB_USERAPPL, b"kmspec");
        self.u32(END_OF_OPTIONS);
        self.end()?;

        self.begin(INTERFACE_DESCRIPTION);
        self.u16(LinkType::ETHERNET.0);
        self.u16(0);
        self.u32(NO_SNAP_LENGTH);
        self.option(IF_TSRESOL, &[9]);
        self.u32(END_OF_OPTIONS);
        self.end()
    }

    /// Adds a packet, stamped in nanoseconds since 1970-01-01 UTC, which may carry a comment.
    pub fn packet(&mut self, time_ns: u64, data: &[u8], comment: Option<&str>) -> io::Result<()> {
        let [a, b, c, d, e, f, g, h] = time_ns.to_le_bytes();
        let len = length(data.len())?;
        self.begin(ENHANCED_PACKET);
        self.u32(0);
        self.block.extend_from_slice(&[e, f, g, h]);
        self.block.extend_from_slice(&[a, b, c, d]);
        self.u32(len);
        self.u32(len);
        self.block.extend_from_slice(data);
        self.align();
        if comment.is_some() {
            self.comment(comment);
            self.u32(END_OF_OPTIONS);
        }
        self.end()
    }

    /// Hands what is written to the file's writer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The file's writer.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn begin(&mut self, kind: u32) {
        self.block.clear();
        self.u32(kind);
        self.u32(0);
    }

    /// Fills in the length in front, adds the one behind, and writes the block.
    fn end(&mut self) -> io::Result<()> {
        let len = length(self.block.len().saturating_add(4))?;
        if let Some(field) = self.block.get_mut(4..8) {
            field.copy_from_slice(&len.to_le_bytes());
        }
        self.u32(len);
        self.out.write_all(&self.block)
    }

    fn u16(&mut self, value: u16) {
        self.block.extend_from_slice(&value.to_le_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.block.extend_from_slice(&value.to_le_bytes());
    }

    fn align(&mut self) {
        let len = self.block.len().next_multiple_of(4);
        self.block.resize(len, 0);
    }

    /// Adds a comment, as much of it as an option can hold.
    fn comment(&mut self, comment: Option<&str>) {
        let Some(comment) = comment else { return };
        let mut text = comment;
        while text.len() > usize::from(u16::MAX) {
            let last = text.char_indices().next_back();
            text = last.and_then(|(at, _)| text.get(..at)).unwrap_or_default();
        }
        self.option(COMMENT, text.as_bytes());
    }

    fn option(&mut self, code: u16, value: &[u8]) {
        self.u16(code);
        self.u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        self.block.extend_from_slice(value);
        self.align();
    }
}

fn length(len: usize) -> io::Result<u32> {
    u32::try_from(len).map_err(|_| io::Error::other("a block longer than 4 GiB"))
}

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const END_OF_OPTIONS: u32 = 0;
const COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_TSRESOL: u16 = 9;
const NO_SNAP_LENGTH: u32 = 0;
const UNKNOWN_LENGTH: [u8; 8] = [0xff; 8];
