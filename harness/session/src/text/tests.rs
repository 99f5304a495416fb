use crate::{Choices, Dice, Mutator, Session, templates};

const WHOLE: &str = "\
kmspec session 1
connect
bind call=7 flags=13 order=big xmit=2048 recv=16 group=9
  offer 0 kms ndr32 ndr64
  offer 1 kms btfn:3
  offer 65535 unknown-interface 11111111-2222-3333-4444-555555555555/1.9
  set pdu p_cont_id#2+1 ff
@1 connect
@1 alter group=@0 hurry
request v6 ndr64 context=1 call=4294967295 opnum=3 order=big fragment=64 segment=1 times=3 hurry
  set body n_policy ffffffff
  xor message ciphertext+17 80
  insert stub * 00112233
  grow stub *+4 16
  remove body workstation_name+4 10
  cut pdu *+20
request v5 ndr32 fragment=88 amid=co-cancel
request v9.1 ndr32
request message=- ndr32
request message=0400 ndr64
request stub=00
pdu co-cancel call=2
pdu 77 call=0 flags=00 body=0102
raw 474554202f segment=1
wait 20
half-close
close
";

#[test]
fn everything_that_can_be_said_is_read_and_written_as_it_was() {
    let session = Session::parse(WHOLE).unwrap();
    assert_eq!(session.to_string(), WHOLE);
}

#[test]
fn any_session_round_trips() {
    let mutator = Mutator::new();
    let seeds = templates();
    for number in 0..3000 {
        let mut dice = Dice::new(5, number);
        let at = dice.index(seeds.len()).unwrap();
        let mut session = seeds[at].clone();
        for _ in 0..8 {
            mutator.mutate(&mut session, &mut dice, &seeds);
        }
        let text = session.to_string();
        assert_eq!(Session::parse(&text).as_ref(), Ok(&session), "{text}");
    }
}

#[test]
fn remarks_and_empty_lines_say_nothing() {
    let text = "# first\n\nkmspec session 1\n# a\nconnect # b\n\n  # c\n";
    assert_eq!(Session::parse(text).unwrap().steps.len(), 1);
}

#[test]
fn every_mistake_has_its_line() {
    for (text, expected) in [
        ("", "line 1: a session begins with \"kmspec session 1\""),
        (
            "connect",
            "line 1: a session begins with \"kmspec session 1\"",
        ),
        (
            "kmspec session 1\ndance",
            "line 2: no step is called \"dance\"",
        ),
        (
            "kmspec session 1\n@9 connect",
            "line 2: connection is a number up to 7, not \"9\"",
        ),
        (
            "kmspec session 1\nconnect now",
            "line 2: \"now\" is nothing this step has",
        ),
        (
            "kmspec session 1\nwait",
            "line 2: a number of milliseconds is missing",
        ),
        (
            "kmspec session 1\nwait 9999",
            "line 2: wait is a number up to 2000, not \"9999\"",
        ),
        (
            "kmspec session 1\nraw 0",
            "line 2: octets are pairs of hexadecimal digits, or a dash for none, not \"0\"",
        ),
        (
            "kmspec session 1\nbind call=1 call=2",
            "line 2: call stands twice",
        ),
        (
            "kmspec session 1\nconnect\n  cut pdu *",
            "line 3: belongs to no step that sends",
        ),
        (
            "kmspec session 1\nraw 00\n  cut pod *",
            "line 3: cut needs a layer: body, message, stub or pdu",
        ),
        (
            "kmspec session 1\nraw 00\n  set pdu",
            "line 3: set needs a place",
        ),
        (
            "kmspec session 1\nraw 00\n  turn pdu *",
            "line 3: no edit is called \"turn\"",
        ),
        (
            "kmspec session 1\nbind\n  offer 0 kms ndr16",
            "line 3: no syntax is called \"ndr16\"",
        ),
        (
            "kmspec session 1\nrequest 6",
            "line 2: a version is v4, v5, v6 or as v6.1, not \"6\"",
        ),
    ] {
        assert_eq!(Session::parse(text).unwrap_err().to_string(), expected);
    }
}

#[test]
fn no_text_ends_the_parser() {
    let mut dice = Dice::new(1, 1);
    for _ in 0..3000 {
        let mut text = WHOLE.as_bytes().to_vec();
        for _ in 0..dice.below(6) {
            let at = dice.index(text.len()).unwrap();
            text[at] = dice.octets(1)[0];
        }
        if let Ok(text) = String::from_utf8(text) {
            drop(Session::parse(&text));
        }
    }
}
