use super::*;
use crate::pdu::{CallId, ContextId, PfcFlags, RequestBuilder};

fn part(flags: u8, call_id: u32, stub: &[u8]) -> Part<'_> {
    Part {
        flags: PfcFlags(flags),
        call_id: CallId(call_id),
        context_id: ContextId(0),
        alloc_hint: 0,
        stub,
    }
}

#[test]
fn fragments_put_together_are_the_stub() {
    arbtest::arbtest(|u| {
        let stub: Vec<u8> = u.arbitrary()?;
        let max_frag = u.int_in_range(0..=200)?;
        let mut assembler = Assembler::default();
        let mut whole = None;
        for fragment in fragments(&stub, max_frag, 24) {
            assert!(whole.is_none(), "a fragment behind the last");
            assert!(fragment.stub.len() <= max_frag.saturating_sub(24).max(8));
            let part = part(fragment.flags.0, 2, fragment.stub);
            whole = assembler.push(part).unwrap().map(<[u8]>::to_vec);
        }
        assert_eq!(whole, Some(stub));
        assert_eq!(assembler.open_call(), None);
        Ok(())
    });
}

#[test]
fn pdus_come_out_whole_whatever_the_segments() {
    let pdus: Vec<_> = (0..5)
        .map(|n| {
            RequestBuilder::new(vec![n; usize::from(n) * 7])
                .encoded()
                .bytes
        })
        .collect();
    let stream = pdus.concat();
    arbtest::arbtest(|u| {
        let mut framer = Framer::new();
        let mut got = Vec::new();
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let (segment, after) = rest.split_at(u.int_in_range(1..=rest.len())?);
            framer.push(segment);
            while let Some(pdu) = framer.next_pdu().unwrap() {
                got.push(pdu.to_vec());
            }
            rest = after;
        }
        assert_eq!((&got, framer.pending()), (&pdus, &[][..]));
        Ok(())
    });
}

#[test]
fn a_frag_length_without_room_for_the_header_stops_the_stream() {
    for length in 0..16u16 {
        let mut framer = Framer::new();
        let mut pdu = RequestBuilder::new([]).encoded();
        pdu.overwrite("frag_length", &length.to_le_bytes());
        framer.push(&pdu.bytes);
        assert_eq!(framer.next_pdu(), Err(FramingError { got: length }));
        assert_eq!(framer.next_pdu(), Err(FramingError { got: length }));
    }
}

#[test]
fn fragments_that_do_not_fit_are_told_apart() {
    let open = (CallId(2), ContextId(0));
    let other = FragmentError::OtherCall {
        open: open.0,
        context_id: open.1,
        got: CallId(3),
    };
    for (name, before, then, expected) in [
        (
            "last without first",
            None,
            part(2, 2, b"x"),
            FragmentError::WithoutFirst,
        ),
        (
            "middle without first",
            None,
            part(0, 2, b"x"),
            FragmentError::WithoutFirst,
        ),
        (
            "first twice",
            Some(part(1, 2, b"x")),
            part(1, 2, b"x"),
            FragmentError::FirstTwice(CallId(2)),
        ),
        (
            "whole call while its own is open",
            Some(part(1, 2, b"x")),
            part(3, 2, b"x"),
            FragmentError::FirstTwice(CallId(2)),
        ),
        (
            "whole call of another",
            Some(part(1, 2, b"x")),
            part(3, 3, b"x"),
            other,
        ),
        (
            "continuation of another",
            Some(part(1, 2, b"x")),
            part(2, 3, b"x"),
            other,
        ),
    ] {
        let mut assembler = Assembler::default();
        if let Some(before) = before {
            assert_eq!(assembler.push(before), Ok(None), "{name}");
        }
        assert_eq!(assembler.push(then), Err(expected), "{name}");
        assert_eq!(
            assembler.open_call(),
            before.map(|_| open),
            "{name}: left as it was"
        );
    }
}

#[test]
fn limits_hold() {
    let limits = Limits {
        total: 10,
        fragments: 3,
    };
    let mut assembler = Assembler::new(limits);
    assert_eq!(assembler.push(part(1, 1, &[0; 6])), Ok(None));
    assert_eq!(
        assembler.push(part(0, 1, &[0; 5])),
        Err(FragmentError::TotalOverLimit { limit: 10 })
    );
    assert_eq!(
        assembler
            .push(part(2, 1, &[0; 4]))
            .map(|stub| stub.map(<[u8]>::len)),
        Ok(Some(10)),
        "exactly the limit"
    );
    assert_eq!(
        assembler.push(part(3, 1, &[0; 11])),
        Err(FragmentError::TotalOverLimit { limit: 10 })
    );
    for _ in 0..3 {
        let flags = u8::from(assembler.open_call().is_none());
        assert_eq!(assembler.push(part(flags, 1, &[])), Ok(None));
    }
    assert_eq!(
        assembler.push(part(2, 1, &[])),
        Err(FragmentError::TooManyFragments { limit: 3 })
    );
    assembler.abandon();
    let announced = Part {
        alloc_hint: 11,
        ..part(1, 1, &[])
    };
    assert_eq!(
        assembler.push(announced),
        Err(FragmentError::HintOverLimit { got: 11, limit: 10 })
    );
}
