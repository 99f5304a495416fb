//! File formats, whole and damaged.

use std::io::{Read, Write};

use kmspec_capture::error::CaptureError;
use kmspec_capture::file::{Format, PacketReader};
use kmspec_capture::tcp::Limits;

use crate::packets::{ETHERNET, Seen, Tcp, pcap, read};

/// Time stamps, lengths and original lengths of the packets, and what ended the reading.
fn packets(file: impl Read) -> (Vec<(u64, usize, u32)>, Option<CaptureError>) {
    let mut found = Vec::new();
    let mut reader = match PacketReader::new(file) {
        Ok(reader) => reader,
        Err(error) => return (found, Some(error)),
    };
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) => {
                assert_eq!(packet.number, found.len() as u64 + 1);
                found.push((packet.time_ns, packet.data.len(), packet.original_len));
            }
            Ok(None) => return (found, None),
            Err(error) => {
                assert!(
                    reader.next_packet().unwrap().is_none(),
                    "an error ends the reading"
                );
                return (found, Some(error));
            }
        }
    }
}

/// Integers in either order.
#[derive(Clone, Copy)]
struct Order(bool);

impl Order {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.0 {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.0 {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let mut body = body.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        let len = self.u32(u32::try_from(body.len() + 12).unwrap());
        [&self.u32(kind)[..], &len, &body, &len].concat()
    }

    fn section(self) -> Vec<u8> {
        let body = [
            &self.u32(0x1a2b_3c4d)[..],
            &self.u16(1),
            &self.u16(0),
            &[0xff; 8],
        ]
        .concat();
        self.block(0x0a0d_0d0a, &body)
    }

    fn interface(self, link: u16, snap: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = [&self.u16(link)[..], &[0, 0], &self.u32(snap)].concat();
        for (code, value) in options {
            body.extend(self.u16(*code));
            body.extend(self.u16(u16::try_from(value.len()).unwrap()));
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        self.block(1, &body)
    }

    fn enhanced(self, interface: u32, stamp: u64, data: &[u8], original: u32) -> Vec<u8> {
        let high = u32::try_from(stamp >> 32).unwrap();
        let low = u32::try_from(stamp & 0xffff_ffff).unwrap();
        let len = u32::try_from(data.len()).unwrap();
        let head = [interface, high, low, len, original]
            .map(|field| self.u32(field))
            .concat();
        self.block(6, &[&head[..], data].concat())
    }

    fn simple(self, original: u32, data: &[u8]) -> Vec<u8> {
        self.block(3, &[&self.u32(original)[..], data].concat())
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_pcap_variant_gives_the_same_packets() {
    for (name, magic, big, extra, unit) in [
        (
            "microseconds, little-endian",
            0xa1b2_c3d4_u32,
            false,
            0,
            1000,
        ),
        ("microseconds, big-endian", 0xa1b2_c3d4, true, 0, 1000),
        ("nanoseconds, little-endian", 0xa1b2_3c4d, false, 0, 1),
        ("nanoseconds, big-endian", 0xa1b2_3c4d, true, 0, 1),
        ("longer packet headers", 0xa1b2_cd34, false, 8, 1000),
    ] {
        let order = Order(big);
        let head = [
            order.u32(magic).to_vec(),
            order.u16(2).to_vec(),
            order.u16(4).to_vec(),
            vec![0; 8],
            order.u32(96).to_vec(),
            order.u32(1).to_vec(),
        ];
        let mut file = head.concat();
        for (time, original) in [(5, 3), (6, 300)] {
            for field in [1_700_000_000, time, 3, original] {
                file.extend(order.u32(field));
            }
            file.extend(vec![0; extra]);
            file.extend(b"abc");
        }
        let (found, error) = packets(&file[..]);
        let second = 1_700_000_000_000_000_000;
        assert_eq!(
            found,
            [(second + 5 * unit, 3, 3), (second + 6 * unit, 3, 300)],
            "{name}"
        );
        assert!(error.is_none(), "{name}");
    }
}

#[test]
fn pcapng_sections_and_interfaces_each_have_their_own_clock() {
    for big in [false, true] {
        let order = Order(big);
        let offset = if big {
            (-5_i64).to_be_bytes()
        } else {
            (-5_i64).to_le_bytes()
        };
        let file = [
            order.section(),
            order.interface(1, 0, &[]),
            order.interface(1, 0, &[(9, &[9])]),
            order.interface(1, 0, &[(9, &[0x8a]), (14, &offset), (0, &[])]),
            order.block(5, &[0; 12]),
            order.enhanced(0, 1_700_000_000_000_001, b"abc", 3),
            order.enhanced(1, 1_700_000_000_000_000_001, b"abcd", 9),
            order.enhanced(2, 1024 * 1000 + 512, b"", 0),
            order.block(0x0bad, b"unknown"),
            Order(!big).section(),
            Order(!big).interface(101, 2, &[]),
            Order(!big).simple(7, b"ab"),
            Order(!big).enhanced(0, 3, b"x", 1),
        ]
        .concat();
        let (found, error) = packets(&file[..]);
        let second = 1_700_000_000_000_000_000;
        let wanted = [
            (second + 1000, 3, 3),
            (second + 1, 4, 9),
            (995_500_000_000, 0, 0),
            (0, 2, 7),
            (3000, 1, 1),
        ];
        assert_eq!(found, wanted);
        assert!(error.is_none(), "{error:?}");
    }
}

#[test]
fn gzip_is_seen_through_even_in_several_members() {
    let file = pcap(
        ETHERNET,
        &[Tcp::up(1, b"one").frame(), Tcp::up(4, b"two").frame()],
    );
    let (first, second) = file.split_at(50);
    for zipped in [gzip(&file), [gzip(first), gzip(second)].concat()] {
        assert_eq!(packets(&zipped[..]).0, packets(&file[..]).0);
        assert_eq!(
            PacketReader::new(&zipped[..]).unwrap().format(),
            Format::Pcap
        );
        for len in 2..zipped.len() {
            let (found, error) = packets(&zipped[..len]);
            assert!(
                error.is_some() || found.len() < 2 || len > zipped.len() - 8,
                "{len}"
            );
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_the_byte() {
    let order = Order(false);
    let start = [order.section(), order.interface(1, 0, &[])].concat();
    let long = [
        &pcap(ETHERNET, &[])[..],
        &[0; 8],
        &u32::MAX.to_le_bytes(),
        &[0; 4],
    ]
    .concat();
    let with = |rest: Vec<u8>| [start.clone(), rest].concat();
    for (file, wanted) in [
        (vec![], "byte 0: the file is empty"),
        (
            b"PK\x03\x04".to_vec(),
            "byte 0: neither pcap nor pcapng (the file begins with 50 4b 03 04)",
        ),
        (
            vec![0xd4, 0xc3],
            "byte 0: the file ends inside the file header: 2 bytes are left of it",
        ),
        (
            long,
            "byte 24: a packet of 4294967311 bytes, more than the 16777216 one may have",
        ),
        (
            with(vec![6, 0, 0, 0, 13, 0, 0, 0, 0, 0, 0, 0, 0]),
            "byte 48: the length of the block is impossible",
        ),
        (
            with(order.enhanced(4, 0, b"abc", 3)),
            "byte 48: packet of interface 4, the section has 1",
        ),
        (
            with(vec![6, 0, 0, 0, 32, 0, 0, 0, 1]),
            "byte 48: the file ends inside a block header: 9 bytes are left of it",
        ),
        (
            with(order.block(6, &[0; 4])),
            "byte 48: the block contradicts itself",
        ),
        (
            with(order.simple(3, b"abc"))[..60].to_vec(),
            "byte 48: the file ends inside a block: 12 bytes are left of it",
        ),
    ] {
        let error = packets(&file[..]).1.unwrap();
        assert_eq!(error.to_string(), wanted);
    }
}

#[test]
fn a_reader_that_fails_is_reported_with_the_byte_reached() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let file = pcap(ETHERNET, &[Tcp::up(1, b"one").frame()]);
    let (found, error) = packets(file.chain(Fails));
    assert_eq!(found.len(), 1);
    let at = 24 + 16 + Tcp::up(1, b"one").frame().len();
    assert_eq!(
        error.unwrap().to_string(),
        format!("byte {at}: the disk is gone")
    );
}

#[test]
fn a_reader_that_gives_byte_by_byte_gives_the_same() {
    struct Drip<'a>(&'a [u8]);
    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let most = out.len().min(1);
            self.0.read(&mut out[..most])
        }
    }
    for capture in kmspec_captures::all().iter().take(3) {
        assert_eq!(packets(Drip(capture.bytes)).0, packets(capture.bytes).0);
    }
}

#[test]
fn a_packet_larger_than_the_window_is_read_in_whole() {
    let order = Order(false);
    let large = vec![7; 1_000_001];
    let file = [
        order.section(),
        order.interface(1, 0, &[]),
        order.enhanced(0, 1, &large, 1_000_001),
        order.enhanced(0, 2, b"after", 5),
    ]
    .concat();
    assert_eq!(
        packets(&file[..]).0,
        [(1000, 1_000_001, 1_000_001), (2000, 5, 5)]
    );
}

/// Two small captures, one of either format, of three packets each.
fn small() -> [Vec<u8>; 2] {
    let pdu = [5, 0, 0, 3, 0x10, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0];
    let segments = [Tcp::up(1, &pdu), Tcp::up(17, &pdu), Tcp::down(1, &pdu)];
    let frames: Vec<_> = segments.iter().map(Tcp::frame).collect();
    let order = Order(false);
    let mut next = [order.section(), order.interface(1, 0, &[])].concat();
    for frame in &frames {
        next.extend(order.enhanced(0, 1, frame, u32::try_from(frame.len()).unwrap()));
    }
    [pcap(ETHERNET, &frames), next]
}

#[test]
fn a_file_that_ends_anywhere_gives_every_packet_before_its_end() {
    for file in small() {
        let (whole, _) = packets(&file[..]);
        let frame = whole[0].1;
        for len in 0..file.len() {
            let (found, error) = packets(&file[..len]);
            assert_eq!(found, whole[..found.len()], "{len}");
            let header = if file[0] == 0x0a { 48 } else { 24 };
            let most = len.saturating_sub(header) / frame;
            assert!(found.len() <= most, "{len}");
            // Between two packets a file may end; nowhere else.
            let sound = error.is_none();
            let again = packets(&file[..len.saturating_sub(1)]).0.len();
            let between = found.len() > again || len == header || (file[0] == 0x0a && len == 28);
            assert_eq!(sound, between, "{len}: {error:?}");
            if let Some(error) = error {
                assert!(error.offset() <= len as u64, "{len}");
            }
        }
    }
}

#[test]
fn damage_at_any_byte_never_panics_and_keeps_what_was_before() {
    for file in small() {
        let (whole, _) = packets(&file[..]);
        let header = if file[0] == 0x0a { 48 } else { 24 };
        let one = (file.len() - header) / whole.len();
        for at in 0..file.len() {
            for value in [0x00, 0x01, 0x7f, 0x80, 0xff, !file[at]] {
                let mut bad = file.clone();
                bad[at] = value;
                let (found, _) = packets(&bad[..]);
                let before = at.saturating_sub(header) / one;
                assert_eq!(found.get(..before), whole.get(..before), "{at} {value:02x}");
                kmspec_capture::read(&bad[..], Limits::default(), &mut Seen::default());
            }
        }
    }
}

#[test]
fn damage_to_a_recorded_capture_never_panics() {
    let capture = kmspec_captures::find("31-probe-vlmcsd-faults-and-odd-calls.pcap").unwrap();
    arbtest::arbtest(|u| {
        let mut bad = capture.bytes.to_vec();
        for _ in 0..u.int_in_range(1..=8)? {
            let at = u.choose_index(bad.len())?;
            bad[at] = u.arbitrary()?;
        }
        kmspec_capture::read(&bad[..], Limits::default(), &mut Seen::default());
        Ok(())
    });
}

#[test]
fn packets_of_a_sound_file_are_numbered_from_one() {
    let (seen, _) = read(&small()[0]);
    assert_eq!(seen.packets, [(1, 0), (2, 1000), (3, 2000)]);
}
