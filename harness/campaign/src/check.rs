//! Properties of whole sessions under a virtual clock, as plain functions over choices.
//!
//! Each returns if the property holds and panics, with what it found, if not. The replay of seeds and the fuzz targets
//! call the same functions. Nothing waits and nothing is sent: the reference host and client are asked in memory.

use std::sync::{Arc, LazyLock};

use kmspec_model::client::{Attempt, Reply};
use kmspec_model::{After, Connection, Host, Settings};
use kmspec_rules::{Direction, Judge, Memory, Roles};
use kmspec_session::{Action, Choices, Mutator, Session, Step, Surroundings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::Version;

/// When every session begins: 2026-11-22.
const NOW: FileTime = FileTime(134_400_000_000_000_000);
const PORT: u16 = 1688;

/// Repetitions of one step that are played: enough for what one call leaves behind for the next.
const MOST_TIMES: u16 = 4;

static MUTATOR: LazyLock<Mutator> = LazyLock::new(Mutator::new);
static KEYS: LazyLock<Arc<KeySet>> = LazyLock::new(|| Arc::new(KeySet::lab()));

/// What a host sent on one connection, and how that ended.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    octets: Vec<u8>,
    after: After,
}

/// Whatever a client does, every answer of the reference host keeps every rule; it never dies, and what it says does not
/// depend on how its client's octets were cut into segments.
pub fn host_session(choices: &mut dyn Choices) {
    let session = MUTATOR.generate(choices);
    let whole = play(&session, None);
    if let Some(len @ 1..) = choices.index(8) {
        let cut = play(&session, Some(len));
        assert_eq!(whole, cut, "segments of {len} octets matter\n{session}");
    }
}

/// Plays a session to a fresh host, in the session's segments or in these; what was said on each connection, in the order
/// in which they were opened.
fn play(session: &Session, segment: Option<usize>) -> Vec<Said> {
    let mut stage = Stage::new(segment);
    for step in &session.steps {
        stage.step(step, session);
    }
    stage.links.into_iter().map(|link| link.said).collect()
}

struct Stage {
    keys: Arc<KeySet>,
    host: Host,
    memory: Memory,
    now: FileTime,
    segment: Option<usize>,
    links: Vec<Link>,
}

struct Link {
    number: u8,
    connection: Connection,
    judge: Judge,
    said: Said,
}

impl Stage {
    fn new(segment: Option<usize>) -> Self {
        Self {
            keys: Arc::clone(&KEYS),
            host: Host::new(Settings::default()),
            memory: Memory::new(),
            now: NOW,
            segment,
            links: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step, session: &Session) {
        match &step.action {
            Action::Connect => {
                self.close(step.connection);
                self.open(step.connection);
            }
            Action::Send(sending) => {
                for nth in 0..sending.times.clamp(1, MOST_TIMES) {
                    let around = Surroundings {
                        keys: &self.keys,
                        now: self.now,
                        mark: 1,
                        groups: &[],
                    };
                    let octets = sending.render_nth(&around, nth);
                    let segment = self.segment.unwrap_or_else(|| sending.segment.into());
                    self.send(step.connection, &octets, segment, session);
                }
            }
            Action::Wait(millis) => {
                self.now = self.now.plus(u64::from(*millis).saturating_mul(10_000));
                for link in &mut self.links {
                    link.said.after = link.connection.handle_timeout(self.now).after;
                }
            }
            Action::HalfClose => {
                if let Some(link) = self.links.iter_mut().rfind(|l| l.number == step.connection) {
                    link.said.after = link.connection.half_close(&mut self.host).after;
                }
            }
            Action::Close => self.close(step.connection),
        }
    }

    /// The place of the newest connection of that number, which is opened if it is not there.
    fn open(&mut self, number: u8) -> usize {
        let connection = Connection::open(&mut self.host, self.now, PORT);
        self.links.push(Link {
            number,
            connection,
            judge: Judge::new(Roles::HOST)
                .with_keys(Arc::clone(&self.keys))
                .with_memory(self.memory.clone()),
            said: Said {
                octets: Vec::new(),
                after: After::Open,
            },
        });
        self.links.len().saturating_sub(1)
    }

    fn close(&mut self, number: u8) {
        if let Some(link) = self.links.iter_mut().rfind(|link| link.number == number)
            && link.said.after == After::Open
        {
            link.connection.end(&mut self.host);
            link.said.after = After::Close;
        }
    }

    fn send(&mut self, number: u8, octets: &[u8], segment: usize, session: &Session) {
        let known = self.links.iter().rposition(|link| link.number == number);
        let place = known.unwrap_or_else(|| self.open(number));
        let Some(link) = self.links.get_mut(place) else {
            return;
        };
        let segment = if segment == 0 { octets.len() } else { segment };
        for part in octets.chunks(segment.max(1)) {
            if link.said.after != After::Open {
                return;
            }
            let mut out = Vec::new();
            link.judge.octets(Direction::FromClient, part);
            let next = link
                .connection
                .receive(&mut self.host, self.now, part, &mut out);
            assert!(next.after < After::Reset, "{:?}\n{session}", next.after);
            link.judge.octets(Direction::FromHost, &out);
            link.said.octets.extend_from_slice(&out);
            link.said.after = next.after;
            if next.after == After::Close {
                link.judge.end(Direction::FromHost);
                link.connection.end(&mut self.host);
            }
            let broken = link.judge.violations();
            assert!(broken.is_empty(), "{broken:#?}\n{session}");
        }
    }
}

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
