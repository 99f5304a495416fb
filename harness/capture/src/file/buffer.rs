use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use crate::num::len64;

/// A window of the input that grows only when one piece needs it.
pub(super) struct Buffer<R: Read> {
    source: Source<R>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `start` in the (decompressed) input.
    offset: u64,
    exhausted: bool,
}

/// The first bytes, which were looked at, and the rest.
type Whole<R> = io::Chain<Cursor<Vec<u8>>, R>;

enum Source<R: Read> {
    Plain(Whole<R>),
    Gzip(Box<MultiGzDecoder<BufReader<Whole<R>>>>),
}

impl<R: Read> Buffer<R> {
    /// Looks at the first bytes of `input` and decompresses it if they are those of gzip.
    pub(super) fn new(mut input: R) -> io::Result<Self> {
        let mut magic = Vec::with_capacity(GZIP.len());
        (&mut input)
            .take(len64(GZIP.len()))
            .read_to_end(&mut magic)?;
        let gzip = magic == GZIP;
        let chain = Cursor::new(magic).chain(input);
        let source = if gzip {
            Source::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(
                WINDOW / 4,
                chain,
            ))))
        } else {
            Source::Plain(chain)
        };
        Ok(Self {
            source,
            bytes: vec![0; WINDOW],
            start: 0,
            end: 0,
            offset: 0,
            exhausted: false,
        })
    }

    /// The bytes at hand.
    pub(super) fn data(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the first byte at hand stands in the input.
    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    /// Drops `len` bytes and gives them once more.
    pub(super) fn consume(&mut self, len: usize) -> &[u8] {
        let from = self.start;
        self.start = self.start.saturating_add(len).min(self.end);
        self.offset = self.offset.saturating_add(len64(len));
        self.bytes.get(from..self.start).unwrap_or_default()
    }

    /// Reads on until at least `len` bytes are at hand; false if the input ends before.
    pub(super) fn fill(&mut self, len: usize) -> io::Result<bool> {
        while self.data().len() < len {
            if self.exhausted {
                return Ok(false);
            }
            self.make_room();
            let free = self.bytes.get_mut(self.end..).unwrap_or_default();
            let got = match &mut self.source {
                Source::Plain(source) => source.read(free),
                Source::Gzip(source) => {
                    let len = free.len().min(INFLATED_AT_ONCE);
                    source.read(free.get_mut(..len).unwrap_or_default())
                }
            };
            match got {
                Ok(0) => self.exhausted = true,
                Ok(got) => self.end = self.end.saturating_add(got),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Moves what is at hand to the front, and doubles the window if it is full all the same.
    fn make_room(&mut self) {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        if self.end == self.bytes.len() {
            // Doubling as bytes arrive: a length that lies costs no more than the file has.
            self.bytes.resize(self.bytes.len().saturating_mul(2), 0);
        }
    }
}

/// The first bytes of a gzip member. Source: RFC 1952 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Bytes read at once: large enough that moving the rest to the front costs nothing, small enough for the cache.
const WINDOW: usize = 256 * 1024;

/// Bytes inflated at once. When the inflater meets damage, what it gave in the same step is lost: a few packets at this size.
const INFLATED_AT_ONCE: usize = 4 * 1024;
