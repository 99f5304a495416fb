//! ZMTP 3.0 as far as a DEALER with the NULL mechanism needs it. No socket: octets in, frames out.
//! Source: `ZeroMQ` RFC 23.

use thiserror::Error;

/// Longest message taken from a master, in octets. A `spawn` has about a thousand.
const LONGEST: u64 = 16 << 20;
/// Octets of a greeting.
const GREETING: usize = 64;

const MORE: u8 = 0x01;
const LONG: u8 = 0x02;
const COMMAND: u8 = 0x04;

/// What the other side does that cannot be gone along with.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ZmtpError {
    /// It greets otherwise.
    #[error("it does not speak ZMTP 3")]
    Greeting,
    /// It asks for a mechanism that is not NULL.
    #[error("it asks for authentication")]
    Mechanism,
    /// It refuses.
    #[error("it refuses: {0}")]
    Refused(String),
    /// A message of several parts.
    #[error("it sends a message of several parts")]
    Parts,
    /// A message over the limit.
    #[error("it sends a message of {0} octets")]
    Long(u64),
}

/// What comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// The handshake is over.
    Ready,
    /// It wants to know whether somebody is there; the answer to send.
    Ping(Vec<u8>),
    /// A message.
    Message(Vec<u8>),
}

/// The reading side.
#[derive(Debug, Default)]
pub(crate) struct Zmtp {
    buffer: Vec<u8>,
    greeted: bool,
}

/// What to send first: the greeting, and who we are.
pub(crate) fn hello(identity: &str) -> Vec<u8> {
    let mut out = vec![0; GREETING];
    out[0] = 0xff;
    out[9] = 0x7f;
    out[10] = 3;
    out[12..16].copy_from_slice(b"NULL");
    let mut ready = vec![5];
    ready.extend_from_slice(b"READY");
    for (name, value) in [("Socket-Type", "DEALER"), ("Identity", identity)] {
        ready.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        ready.extend_from_slice(name.as_bytes());
        ready.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
        ready.extend_from_slice(value.as_bytes());
    }
    frame(COMMAND, &ready, &mut out);
    out
}

/// A message as one frame.
pub(crate) fn message(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len() + 9);
    frame(0, body, &mut out);
    out
}

fn frame(flags: u8, body: &[u8], out: &mut Vec<u8>) {
    if let Ok(len) = u8::try_from(body.len()) {
        out.extend_from_slice(&[flags, len]);
    } else {
        out.push(flags | LONG);
        out.extend_from_slice(&crate::num::wide(body.len()).to_be_bytes());
    }
    out.extend_from_slice(body);
}

impl Zmtp {
    /// Takes octets as they come.
    pub(crate) fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// What they come to, if they are enough.
    ///
    /// # Errors
    /// The other side cannot be gone along with.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, ZmtpError> {
        if !self.greeted && !self.greeting()? {
            return Ok(None);
        }
        while let Some((flags, body)) = self.frame()? {
            if flags & COMMAND == 0 {
                if flags & MORE != 0 {
                    return Err(ZmtpError::Parts);
                }
                return Ok(Some(Event::Message(body)));
            }
            if let Some(event) = command(&body)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn greeting(&mut self) -> Result<bool, ZmtpError> {
        let wrong = |at: usize, octet: u8| self.buffer.get(at).is_some_and(|got| *got != octet);
        if wrong(0, 0xff) || wrong(9, 0x7f) || self.buffer.get(10).is_some_and(|major| *major < 3) {
            return Err(ZmtpError::Greeting);
        }
        let Some(greeting) = self.buffer.get(..GREETING) else {
            return Ok(false);
        };
        if &greeting[12..17] != b"NULL\0" {
            return Err(ZmtpError::Mechanism);
        }
        self.buffer.drain(..GREETING);
        self.greeted = true;
        Ok(true)
    }

    /// The next whole frame: its flags and its body.
    fn frame(&mut self) -> Result<Option<(u8, Vec<u8>)>, ZmtpError> {
        let Some(flags) = self.buffer.first().copied() else {
            return Ok(None);
        };
        let (len, start) = if flags & LONG == 0 {
            let Some(len) = self.buffer.get(1) else {
                return Ok(None);
            };
            (u64::from(*len), 2)
        } else {
            let Some(len) = self.buffer.get(1..9).and_then(|len| len.try_into().ok()) else {
                return Ok(None);
            };
            (u64::from_be_bytes(len), 9)
        };
        if len > LONGEST {
            return Err(ZmtpError::Long(len));
        }
        let end = start + crate::num::index(len);
        let Some(body) = self.buffer.get(start..end).map(<[u8]>::to_vec) else {
            return Ok(None);
        };
        self.buffer.drain(..end);
        Ok(Some((flags, body)))
    }
}

/// What a command comes to; one that is not known is nothing.
fn command(body: &[u8]) -> Result<Option<Event>, ZmtpError> {
    let name_and_rest = body
        .split_first()
        .and_then(|(len, rest)| rest.split_at_checked((*len).into()));
    Ok(match name_and_rest {
        Some((b"READY", _)) => Some(Event::Ready),
        Some((b"ERROR", reason)) => {
            let reason = String::from_utf8_lossy(reason.get(1..).unwrap_or_default());
            return Err(ZmtpError::Refused(reason.into_owned()));
        }
        Some((b"PING", rest)) => {
            // Two octets of patience, then what it wants back.
            let mut pong = b"\x04PONG".to_vec();
            pong.extend_from_slice(rest.get(2..).unwrap_or_default());
            let mut out = Vec::new();
            frame(COMMAND, &pong, &mut out);
            Some(Event::Ping(out))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;

    fn greeted() -> Zmtp {
        let mut zmtp = Zmtp::default();
        zmtp.push(&hello("")[..GREETING]);
        zmtp
    }

    #[test]
    fn the_first_octets_are_those_of_the_standard() {
        let out = hello("w1");
        assert_eq!(&out[..16], b"\xff\0\0\0\0\0\0\0\0\x7f\x03\0NULL");
        assert!(out[16..64].iter().all(|octet| *octet == 0));
        let ready = b"\x04\x2b\x05READY\x0bSocket-Type\0\0\0\x06DEALER\x08Identity\0\0\0\x02w1";
        assert_eq!(&out[64..], ready);
    }

    #[test]
    fn any_message_comes_out_as_it_went_in_whatever_the_pieces() {
        arbtest(|u| {
            let messages: Vec<Vec<u8>> =
                vec![u.arbitrary()?, vec![7; u.int_in_range(250..=70_000)?]];
            let mut octets = hello("peer");
            for body in &messages {
                octets.extend(message(body));
            }
            let step = u.int_in_range(1..=5000)?;
            let (mut zmtp, mut events) = (Zmtp::default(), Vec::new());
            for piece in octets.chunks(step) {
                zmtp.push(piece);
                while let Some(event) = zmtp.next().unwrap() {
                    events.push(event);
                }
            }
            let expected = messages.into_iter().map(Event::Message);
            let expected: Vec<Event> = [Event::Ready].into_iter().chain(expected).collect();
            assert_eq!(events, expected);
            Ok(())
        });
    }

    #[test]
    fn what_cannot_be_gone_along_with_says_why() {
        for (octets, expected) in [
            (b"HTTP/1.0 400".to_vec(), ZmtpError::Greeting),
            ([&hello("")[..10], &[2]].concat(), ZmtpError::Greeting),
            (
                [&hello("")[..12], b"CURVE", &[0; 47]].concat(),
                ZmtpError::Mechanism,
            ),
            (
                [&hello("")[..64], b"\x04\x09\x05ERROR\x02no"].concat(),
                ZmtpError::Refused("no".to_owned()),
            ),
            ([&hello("")[..64], b"\x01\x00"].concat(), ZmtpError::Parts),
            (
                [&hello("")[..64], b"\x02\xff\xff\xff\xff\xff\xff\xff\xff"].concat(),
                ZmtpError::Long(u64::MAX),
            ),
        ] {
            let mut zmtp = Zmtp::default();
            zmtp.push(&octets);
            assert_eq!(zmtp.next(), Err(expected));
        }
    }

    #[test]
    fn a_ping_has_its_pong_and_other_commands_nothing() {
        let mut zmtp = greeted();
        zmtp.push(b"\x04\x04\x03FOO\x04\x09\x04PING\x00\x0ahi");
        assert_eq!(
            zmtp.next(),
            Ok(Some(Event::Ping(b"\x04\x07\x04PONGhi".to_vec())))
        );
        assert_eq!(zmtp.next(), Ok(None));
    }

    #[test]
    fn any_octets_are_survived() {
        arbtest(|u| {
            let mut zmtp = greeted();
            let octets: Vec<u8> = u.arbitrary()?;
            zmtp.push(&octets);
            while let Ok(Some(_)) = zmtp.next() {}
            Ok(())
        });
    }
}
