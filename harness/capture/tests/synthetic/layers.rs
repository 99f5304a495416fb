//! Link layers, IP and TCP.

use kmspec_capture::rpc::Notice;
use kmspec_capture::tcp::{CloseReason, GapCause, Limits};

use crate::packets::{
    ACK, ETHERNET, FIN, Piece, RST, SYN, Tcp, ethernet, ipv4, ipv4_with, ipv6, pcap, pcap_cut,
    read, read_with,
};

fn frames(segments: &[Tcp<'_>]) -> Vec<Vec<u8>> {
    segments.iter().map(Tcp::frame).collect()
}

fn up(text: &str) -> Piece {
    Piece::Up(text.as_bytes().to_vec())
}

fn down(text: &str) -> Piece {
    Piece::Down(text.as_bytes().to_vec())
}

const END: Piece = Piece::Closed(CloseReason::EndOfCapture);

#[test]
fn every_link_type_gives_the_same_bytes() {
    let segment = Tcp::up(1, b"payload").bytes();
    let (v4, v6) = (ipv4(true, &segment), ipv6(true, 6, &segment));
    let tagged = |tags: &[u16], inner: u16, packet: &[u8]| {
        let mut rest = Vec::new();
        for (at, _) in tags.iter().enumerate() {
            rest.extend([0, 100]);
            rest.extend(tags.get(at + 1).unwrap_or(&inner).to_be_bytes());
        }
        rest.extend(packet);
        ethernet(tags[0], &rest)
    };
    let front = |front: &[u8], packet: &[u8]| [front, packet].concat();
    let sll = |kind: u16| {
        front(
            &[0, 0, 3, 4, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0],
            &kind.to_be_bytes(),
        )
    };
    let sll2 = |kind: u16| front(&kind.to_be_bytes(), &[0; 18]);
    let mut padded = ethernet(0x0800, &v4);
    padded.extend([0xee; 6]);
    for (name, link, packet) in [
        ("ethernet", 1, ethernet(0x0800, &v4)),
        ("ethernet, IPv6", 1, ethernet(0x86dd, &v6)),
        ("ethernet, padded to its least size", 1, padded),
        ("802.1Q", 1, tagged(&[0x8100], 0x0800, &v4)),
        (
            "802.1ad over 802.1Q",
            1,
            tagged(&[0x88a8, 0x8100], 0x86dd, &v6),
        ),
        (
            "old QinQ, three deep",
            1,
            tagged(&[0x9100, 0x8100, 0x8100], 0x0800, &v4),
        ),
        (
            "802.3 with SNAP",
            1,
            ethernet(60, &front(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &v4)),
        ),
        ("null, little-endian", 0, front(&[2, 0, 0, 0], &v4)),
        ("null, big-endian", 0, front(&[0, 0, 0, 2], &v4)),
        ("null, IPv6 of macOS", 0, front(&[30, 0, 0, 0], &v6)),
        ("null, IPv6 of FreeBSD", 0, front(&[28, 0, 0, 0], &v6)),
        ("null, IPv6 of NetBSD", 0, front(&[24, 0, 0, 0], &v6)),
        ("loop", 108, front(&[0, 0, 0, 2], &v4)),
        ("loop, IPv6", 108, front(&[0, 0, 0, 24], &v6)),
        ("raw", 101, v4.clone()),
        ("raw, IPv6", 101, v6.clone()),
        ("raw of BSD", 12, v4.clone()),
        ("raw of OpenBSD", 14, v6.clone()),
        ("IPv4", 228, v4.clone()),
        ("IPv6", 229, v6.clone()),
        ("Linux cooked", 113, front(&sll(0x0800), &v4)),
        ("Linux cooked, IPv6", 113, front(&sll(0x86dd), &v6)),
        (
            "Linux cooked, VLAN",
            113,
            front(&[&sll(0x8100)[..], &[0, 7, 8, 0]].concat(), &v4),
        ),
        ("Linux cooked 2", 276, front(&sll2(0x0800), &v4)),
        ("Linux cooked 2, IPv6", 276, front(&sll2(0x86dd), &v6)),
        (
            "upper half of the field in use",
            0x1400_0001,
            ethernet(0x0800, &v4),
        ),
    ] {
        let (seen, summary) = read(&pcap(link, &[packet]));
        assert_eq!(seen.stream(0), [up("payload"), END], "{name}");
        assert_eq!(summary.malformed_packets, 0, "{name}");
    }
}

#[test]
fn what_is_no_tcp_is_left_alone() {
    let v4 = ipv4(true, &Tcp::up(1, b"payload").bytes());
    let mut udp = v4.clone();
    udp[9] = 17;
    for (name, link, packet) in [
        ("ARP", 1, ethernet(0x0806, &[0; 28])),
        ("UDP", 1, ethernet(0x0800, &udp)),
        (
            "tags without end",
            1,
            ethernet(0x8100, &[0x81, 0].repeat(40)),
        ),
        ("null, another family", 0, [&[7, 0, 0, 0][..], &v4].concat()),
        (
            "loop in the wrong order",
            108,
            [&[2, 0, 0, 0][..], &v4].concat(),
        ),
        (
            "IPv6 without a next header",
            1,
            ethernet(0x86dd, &ipv6(true, 59, &[])),
        ),
        ("nothing at all", 1, Vec::new()),
    ] {
        let (seen, summary) = read(&pcap(link, &[packet]));
        assert!(seen.pieces.is_empty(), "{name}");
        assert_eq!(
            (summary.packets, summary.malformed_packets),
            (1, 0),
            "{name}"
        );
    }
}

#[test]
fn an_unknown_link_type_is_told_once_and_counted() {
    let (seen, summary) = read(&pcap(147, &[vec![0; 60], vec![0; 60]]));
    assert_eq!(seen.notices.len(), 1);
    assert!(matches!(seen.notices[0], Notice::UnknownLink { .. }));
    assert_eq!(summary.unknown_links.get(&147), Some(&2));
}

#[test]
fn headers_that_make_no_sense_are_counted() {
    let good = ethernet(0x0800, &ipv4(true, &Tcp::up(1, b"payload").bytes()));
    let spoilt = |at: usize, value: u8| {
        let mut bad = good.clone();
        bad[at] = value;
        bad
    };
    for (name, packet) in [
        ("IP version 5", spoilt(14, 0x55)),
        ("IPv4 header of 16 bytes", spoilt(14, 0x44)),
        ("IPv4 length below its header", spoilt(17, 10)),
        ("TCP header of 16 bytes", spoilt(46, 0x40)),
        ("TCP header longer than the segment", spoilt(46, 0xf0)),
    ] {
        let (seen, summary) = read(&pcap(ETHERNET, &[packet]));
        assert_eq!(summary.malformed_packets, 1, "{name}");
        assert!(seen.pieces.is_empty(), "{name}");
    }
}

#[test]
fn ip_headers_of_every_form_are_stepped_over() {
    let segment = Tcp::up(1, b"payload").bytes();
    let v6 = |chain: &[&[u8]], first: u8| {
        ethernet(
            0x86dd,
            &ipv6(true, first, &[&chain.concat()[..], &segment].concat()),
        )
    };
    let mut no_length = ipv4(true, &segment);
    no_length[2..4].fill(0);
    let mut no_length6 = ipv6(true, 6, &segment);
    no_length6[4..6].fill(0);
    for (name, packet) in [
        (
            "IPv4 options",
            ethernet(0x0800, &ipv4_with(true, &segment, &[1; 8], 0, 0)),
        ),
        ("IPv4 without a length", ethernet(0x0800, &no_length)),
        ("IPv6 without a length", ethernet(0x86dd, &no_length6)),
        ("hop by hop", v6(&[&[6, 0, 0, 0, 0, 0, 0, 0]], 0)),
        ("hop by hop of 16 bytes", v6(&[&[6, 1], &[0; 14]], 0)),
        (
            "hop by hop, routing, destination",
            v6(
                &[
                    &[43, 0, 0, 0, 0, 0, 0, 0],
                    &[60, 0, 0, 0, 0, 0, 0, 0],
                    &[6, 0, 0, 0, 0, 0, 0, 0],
                ],
                0,
            ),
        ),
        ("authentication", v6(&[&[6, 4], &[0; 22]], 51)),
        ("atomic fragment", v6(&[&[6, 0, 0, 0, 0, 0, 0, 1]], 44)),
    ] {
        let (seen, _) = read(&pcap(ETHERNET, &[packet]));
        assert_eq!(seen.stream(0), [up("payload"), END], "{name}");
    }
}

#[test]
fn fragments_are_put_together_in_whatever_order_they_come() {
    let payload: Vec<u8> = (0..100).collect();
    let segment = Tcp::up(1, &payload).bytes();
    let v4 = |from: usize, to: usize| {
        let more = if to < segment.len() { 0x2000 } else { 0 };
        let field = u16::try_from(from / 8).unwrap() | more;
        ethernet(0x0800, &ipv4_with(true, &segment[from..to], &[], 7, field))
    };
    let v6 = |from: usize, to: usize| {
        let field = u16::try_from(from).unwrap() | u16::from(to < segment.len());
        let header = [&[6, 0][..], &field.to_be_bytes(), &[0, 0, 0, 9]].concat();
        ethernet(
            0x86dd,
            &ipv6(true, 44, &[&header, &segment[from..to]].concat()),
        )
    };
    let end = segment.len();
    let orders: [(&str, Vec<(usize, usize)>); 5] = [
        ("in order", vec![(0, 40), (40, 80), (80, end)]),
        ("backwards", vec![(80, end), (40, 80), (0, 40)]),
        ("one twice", vec![(0, 40), (0, 40), (80, end), (40, 80)]),
        ("overlapping", vec![(0, 48), (32, 80), (64, end)]),
        ("one inside another", vec![(40, 48), (80, end), (0, 80)]),
    ];
    for (name, order) in orders {
        for version in [4, 6] {
            let make = |&(from, to): &(usize, usize)| {
                if version == 4 {
                    v4(from, to)
                } else {
                    v6(from, to)
                }
            };
            let file = pcap(ETHERNET, &order.iter().map(make).collect::<Vec<_>>());
            let (seen, summary) = read(&file);
            assert_eq!(
                seen.stream(0),
                [Piece::Up(payload.clone()), END],
                "{name}, IPv{version}"
            );
            assert_eq!(summary.incomplete_datagrams, 0, "{name}");
        }
    }
    let (seen, summary) = read(&pcap(ETHERNET, &[v4(0, 40), v4(80, end)]));
    assert!(seen.pieces.is_empty());
    assert_eq!(summary.incomplete_datagrams, 1);
    let many: Vec<_> = (0..1000)
        .map(|id| ethernet(0x0800, &ipv4_with(true, &segment[..40], &[], id, 0x2000)))
        .collect();
    assert_eq!(read(&pcap(ETHERNET, &many)).1.incomplete_datagrams, 1000);
}

#[test]
fn fragments_cut_by_the_snap_length_give_what_stands_in_front_of_the_cut() {
    let payload: Vec<u8> = (0..100).collect();
    let segment = Tcp::up(1, &payload).bytes();
    let first = ethernet(0x0800, &ipv4_with(true, &segment[..80], &[], 7, 0x2000));
    let last = ethernet(0x0800, &ipv4_with(true, &segment[80..], &[], 7, 10));
    let (seen, summary) = read(&pcap_cut(ETHERNET, &[first, last], 34 + 60));
    assert_eq!(
        seen.stream(0),
        [
            Piece::Up(payload[..40].to_vec()),
            Piece::Gap(60, GapCause::CutShort),
            END
        ]
    );
    assert_eq!(summary.cut_packets, 1);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of situations")]
fn tcp_streams_come_in_order_or_with_a_gap() {
    const SYN_UP: Tcp<'_> = Tcp::up(99, b"").flags(SYN);
    const SYN_DOWN: Tcp<'_> = Tcp::down(499, b"").flags(SYN).ack(100);
    let gap = |len| Piece::Gap(len, GapCause::Missing);
    let cases: Vec<(&str, Vec<Tcp<'_>>, Vec<Piece>)> = vec![
        (
            "in order",
            vec![
                SYN_UP,
                SYN_DOWN,
                Tcp::up(100, b"abc"),
                Tcp::down(500, b"xyz"),
            ],
            vec![up("abc"), down("xyz")],
        ),
        (
            "swapped",
            vec![SYN_UP, Tcp::up(103, b"def"), Tcp::up(100, b"abc")],
            vec![up("abcdef")],
        ),
        (
            "before its SYN",
            vec![Tcp::up(100, b"abc"), SYN_UP, Tcp::up(103, b"d")],
            vec![up("abcd")],
        ),
        (
            "sent again",
            vec![
                SYN_UP,
                Tcp::up(100, b"abc"),
                Tcp::up(100, b"abc"),
                Tcp::up(103, b"d"),
            ],
            vec![up("abcd")],
        ),
        (
            "sent again with more",
            vec![SYN_UP, Tcp::up(100, b"abc"), Tcp::up(100, b"abcdef")],
            vec![up("abcdef")],
        ),
        (
            "overlap on both sides",
            vec![
                SYN_UP,
                Tcp::up(100, b"ab"),
                Tcp::up(104, b"ef"),
                Tcp::up(101, b"bcde"),
            ],
            vec![up("abcdef")],
        ),
        (
            "what came first stands",
            vec![SYN_UP, Tcp::up(100, b"abc"), Tcp::up(101, b"XYZ")],
            vec![up("abcZ")],
        ),
        (
            "kept twice",
            vec![
                SYN_UP,
                Tcp::up(103, b"d"),
                Tcp::up(103, b"de"),
                Tcp::up(100, b"abc"),
            ],
            vec![up("abcde")],
        ),
        (
            "keep-alive",
            vec![
                SYN_UP,
                Tcp::up(100, b"abc"),
                Tcp::up(102, b"c"),
                Tcp::up(103, b"d"),
            ],
            vec![up("abcd")],
        ),
        (
            "a hole to the end",
            vec![SYN_UP, Tcp::up(100, b"a"), Tcp::up(105, b"f")],
            vec![up("a"), gap(4), up("f")],
        ),
        (
            "two holes",
            vec![SYN_UP, Tcp::up(101, b"b"), Tcp::up(103, b"d")],
            vec![gap(1), up("b"), gap(1), up("d")],
        ),
        (
            "a hole the peer has acknowledged",
            vec![
                SYN_UP,
                SYN_DOWN,
                Tcp::up(103, b"def"),
                Tcp::down(500, b"x").ack(106),
            ],
            vec![gap(3), up("def"), down("x")],
        ),
        (
            "a hole the peer still waits for",
            vec![
                SYN_UP,
                SYN_DOWN,
                Tcp::up(103, b"def"),
                Tcp::down(500, b"x").ack(100),
                Tcp::up(100, b"abc"),
            ],
            vec![down("x"), up("abcdef")],
        ),
        (
            "start in mid-stream",
            vec![
                Tcp::up(7000, b"abc"),
                Tcp::down(9, b"x"),
                Tcp::up(7003, b"d"),
            ],
            vec![up("abc"), down("x"), up("d")],
        ),
        (
            "older than the start",
            vec![Tcp::up(7003, b"def"), Tcp::up(7000, b"abc")],
            vec![up("def"), Piece::Gap(3, GapCause::BeforeStart)],
        ),
        (
            "data with the SYN",
            vec![Tcp::up(99, b"abc").flags(SYN), Tcp::up(103, b"d")],
            vec![up("abcd")],
        ),
        (
            "sequence numbers that wrap",
            vec![
                Tcp::up(u32::MAX - 2, b"").flags(SYN),
                Tcp::up(u32::MAX - 1, b"abc"),
                Tcp::up(1, b"de"),
            ],
            vec![up("abcde")],
        ),
    ];
    for (name, segments, wanted) in cases {
        let (seen, _) = read(&pcap(ETHERNET, &frames(&segments)));
        assert_eq!(seen.stream(0), [&wanted[..], &[END]].concat(), "{name}");
    }
}

#[test]
fn connections_end_by_fin_and_by_reset() {
    let open = [
        Tcp::up(99, b"").flags(SYN),
        Tcp::down(499, b"").flags(SYN).ack(100),
    ];
    let fins = [
        Tcp::up(100, b"ab").flags(FIN),
        Tcp::down(500, b"").flags(FIN | ACK),
    ];
    let late = [Tcp::up(103, b"").flags(ACK), Tcp::up(100, b"ab").flags(FIN)];
    let (seen, summary) = read(&pcap(
        ETHERNET,
        &frames(&[&open[..], &fins, &late].concat()),
    ));
    assert_eq!(
        seen.stream(0),
        [up("ab"), Piece::Closed(CloseReason::Finished)]
    );
    assert_eq!(summary.tcp_connections, 1);

    let early = [
        Tcp::up(102, b"").flags(FIN),
        Tcp::down(500, b"").flags(FIN),
        Tcp::up(100, b"ab"),
    ];
    let (seen, _) = read(&pcap(ETHERNET, &frames(&[&open[..], &early].concat())));
    assert_eq!(
        seen.stream(0),
        [up("ab"), Piece::Closed(CloseReason::Finished)]
    );

    let reset = [Tcp::up(101, b"b"), Tcp::down(500, b"").flags(RST)];
    let (seen, _) = read(&pcap(ETHERNET, &frames(&[&open[..], &reset].concat())));
    let gap = Piece::Gap(1, GapCause::Missing);
    assert_eq!(
        seen.stream(0),
        [gap, up("b"), Piece::Closed(CloseReason::Reset)]
    );
}

#[test]
fn ports_used_again_are_another_stream() {
    let segments = [
        Tcp::up(99, b"").flags(SYN),
        Tcp::up(99, b"").flags(SYN),
        Tcp::up(100, b"one"),
        Tcp::up(7000, b"").flags(SYN),
        Tcp::up(7001, b"two"),
    ];
    let (seen, summary) = read(&pcap(ETHERNET, &frames(&segments)));
    assert_eq!(summary.tcp_connections, 2);
    assert_eq!(
        seen.stream(0),
        [up("one"), Piece::Closed(CloseReason::PortsReused)]
    );
    assert_eq!(seen.stream(1), [up("two"), END]);
}

#[test]
fn a_closed_connection_still_knows_its_own_syn() {
    for closes in [
        [Tcp::up(103, b"").flags(FIN), Tcp::down(500, b"").flags(FIN)],
        [
            Tcp::up(103, b"").flags(RST),
            Tcp::down(499, b"").flags(SYN | ACK),
        ],
    ] {
        let begins = [
            Tcp::up(99, b"").flags(SYN),
            Tcp::down(499, b"").flags(SYN).ack(100),
            Tcp::up(100, b"one"),
        ];
        let late = [Tcp::up(99, b"").flags(SYN)];
        let (seen, summary) = read(&pcap(
            ETHERNET,
            &frames(&[&begins[..], &closes, &late].concat()),
        ));
        assert_eq!(summary.tcp_connections, 1, "{:?}", seen.pieces);
        let again = [Tcp::up(7000, b"").flags(SYN), Tcp::up(7001, b"two")];
        let (seen, _) = read(&pcap(
            ETHERNET,
            &frames(&[&begins[..], &closes, &late, &again].concat()),
        ));
        assert_eq!(seen.stream(1), [up("two"), END]);
    }
}

#[test]
fn streams_are_numbered_by_their_first_packet_and_know_who_opened_them() {
    let segments = [
        Tcp::down(499, b"").flags(SYN).ack(100).flow(3),
        Tcp::up(5, b"a").flow(1),
        Tcp::up(99, b"").flags(SYN).flow(2),
        Tcp::up(100, b"b").flow(3),
    ];
    let (seen, _) = read(&pcap(ETHERNET, &frames(&segments)));
    let mut openers: Vec<_> = seen
        .connections
        .iter()
        .map(|c| (c.stream, c.opener.port, c.mid_stream))
        .collect();
    openers.sort_unstable();
    assert_eq!(
        openers,
        [(0, 40_003, false), (1, 40_001, true), (2, 40_002, false)]
    );
}

#[test]
fn too_many_connections_push_out_the_one_silent_longest() {
    let limits = Limits {
        connections: 4,
        ..Limits::default()
    };
    let mut segments = Vec::new();
    for flow in 0..5 {
        segments
            .push(Tcp::up(100, &[5, 0, 0, 3, 0x10, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0]).flow(flow));
        segments.push(Tcp::up(116, b"").flow(0));
    }
    let (seen, summary) = read_with(&pcap(ETHERNET, &frames(&segments)), limits);
    assert_eq!(summary.evicted, 1);
    assert_eq!(summary.tcp_connections, 5);
    assert_eq!(
        seen.stream(1).last(),
        Some(&Piece::Closed(CloseReason::Evicted))
    );
    let evicted = |notice: &Notice| matches!(notice, Notice::Evicted { stream: 1, .. });
    assert!(seen.notices.iter().any(evicted), "{:?}", seen.notices);
}

/// Against a list in which everything is looked for from its beginning.
#[test]
fn whichever_connections_come_and_go_each_byte_is_given_to_its_own() {
    struct Known {
        flow: u16,
        stream: u32,
        closed: bool,
        last: usize,
    }
    arbtest::arbtest(|u| {
        let limits = Limits {
            connections: u.int_in_range(1..=8)?,
            ..Limits::default()
        };
        let mut known: Vec<Known> = Vec::new();
        let (mut segments, mut pieces, mut streams) = (Vec::new(), Vec::new(), 0);
        let payloads = [[0], [1], [2], [3], [4], [5], [6], [7], [8], [9], [10], [11]];
        let mut sent = [0; 12];
        for last in 0..u.arbitrary_len::<u16>()?.min(200) {
            let flow = u.int_in_range(0..=11_u16)?;
            let payload = &payloads[usize::from(flow)];
            let reset = u.ratio(1, 8)?;
            let flags = if reset { RST } else { 0 };
            let seq = &mut sent[usize::from(flow)];
            segments.push(Tcp::up(*seq, payload).flow(flow).flags(flags));
            *seq += 1;
            if known.iter().all(|known| known.flow != flow) {
                if known.len() == limits.connections {
                    let least = |at: &usize| (!known[*at].closed, known[*at].last);
                    let out = known.remove((0..known.len()).min_by_key(least).unwrap());
                    if !out.closed {
                        pieces.push((out.stream, Piece::Closed(CloseReason::Evicted)));
                    }
                }
                known.push(Known {
                    flow,
                    stream: streams,
                    closed: false,
                    last,
                });
                streams += 1;
            }
            let to = known.iter_mut().find(|known| known.flow == flow).unwrap();
            to.last = last;
            if !to.closed {
                pieces.push((to.stream, Piece::Up(payload.to_vec())));
                to.closed = reset;
                if reset {
                    pieces.push((to.stream, Piece::Closed(CloseReason::Reset)));
                }
            }
        }
        known.sort_by_key(|known| known.stream);
        let open = known.iter().filter(|known| !known.closed);
        pieces.extend(open.map(|known| (known.stream, END)));
        let (seen, summary) = read_with(&pcap(ETHERNET, &frames(&segments)), limits);
        assert_eq!(seen.pieces, pieces);
        assert_eq!(summary.tcp_connections, u64::from(streams));
        Ok(())
    });
}

#[test]
fn what_waits_behind_a_hole_is_bounded() {
    let limits = Limits {
        pending: 1000,
        ..Limits::default()
    };
    let block = [7; 400];
    let segments: Vec<_> = (0..10).map(|at| Tcp::up(102 + 400 * at, &block)).collect();
    let start = [Tcp::up(99, b"").flags(SYN), Tcp::up(100, b"a")];
    let file = pcap(ETHERNET, &frames(&[&start[..], &segments].concat()));
    let (seen, _) = read_with(&file, limits);
    let wanted = [
        up("a"),
        Piece::Gap(1, GapCause::Missing),
        Piece::Up([7; 4000].to_vec()),
        END,
    ];
    assert_eq!(seen.stream(0), wanted);
}

#[test]
fn a_snap_length_leaves_a_gap_and_the_stream_goes_on() {
    let segments = [
        Tcp::up(99, b"").flags(SYN),
        Tcp::up(100, b"0123456789"),
        Tcp::up(110, b"abc"),
    ];
    let (seen, summary) = read(&pcap_cut(ETHERNET, &frames(&segments), 54 + 4));
    let wanted = [
        up("0123"),
        Piece::Gap(6, GapCause::CutShort),
        up("abc"),
        END,
    ];
    assert_eq!(seen.stream(0), wanted);
    assert_eq!(summary.cut_packets, 1);
    let (_, summary) = read(&pcap_cut(ETHERNET, &frames(&segments), 30));
    assert_eq!((summary.cut_packets, summary.malformed_packets), (3, 0));
}

#[test]
fn however_a_stream_is_cut_shuffled_and_doubled_its_bytes_come_out_or_a_gap_is_told() {
    arbtest::arbtest(|u| {
        let len = u.int_in_range(1..=300_u32)?;
        let whole: Vec<u8> = (0..len).map(|at| at.to_le_bytes()[0]).collect();
        let first: u32 = u.arbitrary()?;
        let with_syn = u.arbitrary()?;
        let lossy: bool = u.arbitrary()?;
        let mut parts = Vec::new();
        let mut at = 0;
        while at < len {
            let end = u.int_in_range(at + 1..=len)?;
            let from = u.int_in_range(at.saturating_sub(5)..=at)?;
            for _ in 0..u.int_in_range(1..=2)? {
                if !lossy || u.ratio(3, 4)? {
                    parts.push((from, end));
                }
            }
            at = end;
        }
        for at in 1..parts.len() {
            let other = u.int_in_range(at.saturating_sub(8)..=at)?;
            parts.swap(at, other);
        }
        let mut packets = Vec::new();
        if with_syn {
            packets.push(Tcp::up(first.wrapping_sub(1), b"").flags(SYN).frame());
        }
        for &(from, end) in &parts {
            let payload = &whole[from as usize..end as usize];
            packets.push(Tcp::up(first.wrapping_add(from), payload).frame());
        }
        let (seen, _) = read(&pcap(ETHERNET, &packets));
        // Lay what came out beside what went in; where a gap is told, step over it.
        let mut position = if with_syn {
            0
        } else {
            parts.first().map_or(0, |part| part.0 as usize)
        };
        let mut covered = vec![false; whole.len()];
        for (_, piece) in &seen.pieces {
            match piece {
                Piece::Up(bytes) => {
                    assert_eq!(&whole[position..position + bytes.len()], &bytes[..]);
                    covered[position..position + bytes.len()].fill(true);
                    position += bytes.len();
                }
                Piece::Gap(len, GapCause::Missing) => position += usize::try_from(*len).unwrap(),
                Piece::Gap(_, GapCause::BeforeStart) | Piece::Closed(_) => {}
                other => panic!("{other:?}"),
            }
        }
        // Whatever was sent at or behind the start has come out.
        let start = if with_syn {
            0
        } else {
            parts.first().map_or(0, |part| part.0)
        };
        for &(from, end) in &parts {
            for at in from.max(start)..end {
                assert!(covered[at as usize], "byte {at} was swallowed");
            }
        }
        Ok(())
    });
}
