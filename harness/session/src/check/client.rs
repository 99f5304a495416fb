use kmspec_model::client::{Attempt, Reply};
use kmspec_model::{Connection, Host, Settings};
use kmspec_wire::kms::Version;

use super::{KEYS, NOW, PORT};
use crate::{Choices, Surroundings};

/// Whatever a host answers, the reference client comes to an end of its attempt or waits for more; it takes an untouched
/// answer, and none whose sealed message was touched where a MAC covers it (versions 4 and 6).
pub fn client_session(choices: &mut dyn Choices) {
    let version = match choices.below(3) {
        0 => Version::V4,
        1 => Version::V5,
        _ => Version::V6,
    };
    let around = Surroundings {
        keys: &KEYS,
        now: NOW,
        mark: 1,
        groups: &[],
    };
    let mut attempt = Attempt::new(&around.body(version.protocol()), [7; 16]);
    let mut host = Host::new(Settings::default());
    let mut connection = Connection::open(&mut host, NOW, PORT);
    let (mut sent, mut touched, mut sealed_touched) = (Vec::new(), false, false);
    attempt.connected(&mut sent);
    let mut reply = None;
    while reply.is_none() && !sent.is_empty() {
        let mut answer = Vec::new();
        let _open = connection.receive(&mut host, NOW, &sent, &mut answer);
        let honest = answer.clone();
        touch(&mut answer, choices);
        touched |= answer != honest;
        sealed_touched |= touches_the_seal(&honest, &answer);
        sent.clear();
        let segment = choices
            .index(answer.len())
            .map_or(1, |at| at.saturating_add(1));
        for part in answer.chunks(segment) {
            reply = reply.or_else(|| attempt.receive(part, &mut sent));
        }
    }
    let taken = matches!(reply, Some(Reply::Answer(_)));
    assert!(taken || touched, "an honest answer is refused: {reply:?}");
    if version != Version::V5 {
        assert!(
            !(taken && sealed_touched),
            "a touched answer is taken: {reply:?}"
        );
    }
}

/// Changes what a host said in up to three places, or not at all.
fn touch(octets: &mut Vec<u8>, choices: &mut dyn Choices) {
    for _ in 0..choices.below(4) {
        let Some(at) = choices.index(octets.len()) else {
            return;
        };
        match choices.below(5) {
            0 | 1 => {
                if let Some(octet) = octets.get_mut(at) {
                    *octet ^= 1u8.wrapping_shl(choices.below(8));
                }
            }
            2 => octets.truncate(at),
            3 => {
                let count = usize::try_from(choices.below(16)).unwrap_or_default();
                let more = choices.octets(count);
                octets.splice(at..at, more);
            }
            _ => {
                let end = at.saturating_add(4).min(octets.len());
                let with = choices.octets(end.saturating_sub(at));
                octets.splice(at..end, with);
            }
        }
    }
}

/// Whether octets differ within the sealed message of a single response PDU: behind the header of the call and the
/// lengths of the stub, before its padding and return value. Only told where nothing was put in or taken out.
fn touches_the_seal(honest: &[u8], sent: &[u8]) -> bool {
    /// PDU header, call header, and the four fields of the stub before the message in NDR64, the longer of the two.
    const BEFORE: usize = 16 + 8 + 32;
    /// Padding and return value.
    const BEHIND: usize = 12;
    let is_response = honest.get(2) == Some(&2);
    let message = BEFORE..honest.len().saturating_sub(BEHIND);
    let parts = (honest.get(message.clone()), sent.get(message));
    is_response && honest.len() == sent.len() && matches!(parts, (Some(a), Some(b)) if a != b)
}
