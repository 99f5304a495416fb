use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use kmspec_capture::rpc::Direction;
use kmspec_capture::tcp::Endpoint;
use kmspec_capture::write::{Flow, PcapNgWriter};
use kmspec_wire::kms::Version;

/// How the segments of a stream come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segments {
    /// As they were sent.
    InOrder,
    /// The last one first.
    Reversed,
    /// One octet in each.
    OctetByOctet,
    /// One octet in each, the last one first.
    OctetByOctetReversed,
    /// On a thousand connections by turns.
    ManyStreams,
}

/// A capture of about as many octets sent to a host, whatever the way.
pub fn stream_capture(segments: Segments) -> Vec<u8> {
    let blocks = Blocks::default();
    let mut writer = PcapNgWriter::new(blocks.clone(), None).expect(NOWHERE);
    let connections = match segments {
        Segments::ManyStreams => 1000,
        _ => 1,
    };
    let mut flows: Vec<_> = (0..connections)
        .map(|number| Flow::open(&mut writer, end(50_000 - number), end(1688), 1).expect(NOWHERE))
        .collect();
    let begins = blocks.0.borrow().len();
    let sent = crate::fragmented(&crate::call(Version::V6).request, 5840).repeat(64);
    let size = match segments {
        Segments::OctetByOctet | Segments::OctetByOctetReversed => 1,
        Segments::InOrder | Segments::Reversed | Segments::ManyStreams => 300,
    };
    for (octets, turn) in sent.chunks(size).zip((0..flows.len()).cycle()) {
        let flow = &mut flows[turn];
        let sent = flow.send(&mut writer, Direction::ToHost, 2, octets, None);
        sent.expect(NOWHERE);
    }
    let mut blocks = blocks.0.take();
    if matches!(
        segments,
        Segments::Reversed | Segments::OctetByOctetReversed
    ) {
        blocks[begins..].reverse();
    }
    blocks.concat()
}

fn end(port: u16) -> Endpoint {
    Endpoint {
        address: [127, 0, 0, 1].into(),
        port,
    }
}

/// What was written, each block of the file apart, since a packet is written with one call.
#[derive(Clone, Debug, Default)]
struct Blocks(Rc<RefCell<Vec<Vec<u8>>>>);

impl Write for Blocks {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().push(octets.to_vec());
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const NOWHERE: &str = "memory can be written to";

#[cfg(test)]
mod tests {
    use kmspec_capture::tcp::Limits;

    use super::*;

    #[test]
    fn every_way_is_read_without_damage() {
        for (segments, connections) in [
            (Segments::InOrder, 1),
            (Segments::Reversed, 1),
            (Segments::OctetByOctet, 1),
            (Segments::OctetByOctetReversed, 1),
            (Segments::ManyStreams, 1000),
        ] {
            let file = stream_capture(segments);
            let outcome = kmspec_capture::read(&file[..], Limits::default(), &mut ());
            assert!(outcome.damage.is_none(), "{segments:?}");
            assert_eq!(outcome.summary.tcp_connections, connections, "{segments:?}");
        }
    }
}
