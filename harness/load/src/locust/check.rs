//! A property of what a master says, as a plain function over octets: the replay of seeds and the fuzz target call it.

use super::message::{Message, Spawn};
use super::zmtp::{Event, Zmtp, ZmtpError};

/// A master's octets come to the same in whatever pieces, and a message that is read is written so that it reads the same.
/// The first octet is the length of a piece less 1.
pub fn master(octets: &[u8]) {
    let Some((first, octets)) = octets.split_first() else {
        return;
    };
    let whole = heard(octets, octets.len().max(1));
    assert_eq!(heard(octets, usize::from(*first) + 1), whole);
    for event in whole.0 {
        if let Event::Message(body) = event {
            message(&body);
        }
    }
}

fn message(body: &[u8]) {
    let Ok(message) = Message::from_bytes(body) else {
        return;
    };
    let written = message.to_bytes();
    let again = Message::from_bytes(&written);
    // Numbers that are none are like nothing, themselves included: it is the octets that are the same.
    let again = again.map(|again| again.to_bytes());
    assert_eq!(again, Ok(written), "{message:?}");
    if let Ok(spawn) = Spawn::read(&message.data) {
        assert!(spawn.users.len() <= body.len(), "{spawn:?}");
    }
}

fn heard(octets: &[u8], piece: usize) -> (Vec<Event>, Option<ZmtpError>) {
    let (mut zmtp, mut events) = (Zmtp::default(), Vec::new());
    for piece in octets.chunks(piece) {
        zmtp.push(piece);
        loop {
            match zmtp.next() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
    }
    (events, None)
}
