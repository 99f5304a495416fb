use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{self, Display};
use std::sync::{Arc, LazyLock};

use kmspec_model::{After, Connection, Host, Settings};
use kmspec_rules::{Direction, Judge, Memory, Roles};
use kmspec_wire::filetime::FileTime;

use super::{KEYS, NOW, PORT};
use crate::{Action, Choices, Mutator, Session, Surroundings, recorded};

/// Repetitions of one step that are played: enough for what one call leaves behind for the next.
const MOST_TIMES: u16 = 2;
/// Segments of one sending: octet by octet takes as long as a hundred sessions, and the target `stream` has that.
const MOST_SEGMENTS: usize = 16;

/// Octets of the answers of most connections; under a sanitizer it takes long to make room.
const USUAL_ANSWERS: usize = 512;

static MUTATOR: LazyLock<Mutator> = LazyLock::new(Mutator::new);

thread_local! {
    /// A host between two plays: making one takes longer than most sessions.
    static IDLE: Cell<Option<Host>> = const { Cell::new(None) };
}

/// Whatever a client does, every answer of the reference host keeps every rule; it never dies, and what it says does not
/// depend on how its client's octets were cut into segments.
pub fn host_session(choices: &mut dyn Choices) {
    let session = MUTATOR.generate(choices);
    let script = Script::of(&session);
    let whole = play(&script, None, Some(Memory::new()), &session);
    // Playing twice takes twice as long, and says something else in few sessions.
    if let len @ 1..8 = choices.index(32).unwrap_or_default() {
        let cut = play(&script, Some(len), None, &session);
        assert_eq!(whole, cut, "segments of {len} octets matter\n{session}");
    }
}

/// The same of a client that sends these octets on one connection, whatever they are. The first is the length of a segment
/// less 1.
pub fn host_stream(octets: &[u8]) {
    let Some((&first, stream)) = octets.split_first() else {
        return;
    };
    let act = Act::Send(stream.into(), usize::from(first).saturating_add(1));
    let script = Script(vec![(0, NOW, Act::Connect), (0, NOW, act)]);
    play(&script, None, Some(Memory::new()), &Shown(stream));
}

/// Octets as a failure shows them: as a session, which can be played.
struct Shown<'a>(&'a [u8]);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        recorded(self.0, &KEYS).fmt(f)
    }
}

/// A session rendered: what is done, on which connection and when.
struct Script<'a>(Vec<(u8, FileTime, Act<'a>)>);

enum Act<'a> {
    Connect,
    /// These octets, in segments of this many; 0 for all in one.
    Send(Cow<'a, [u8]>, usize),
    Wait,
    HalfClose,
    Close,
}

impl Script<'_> {
    fn of(session: &Session) -> Self {
        let mut acts = Vec::with_capacity(session.steps.len());
        let mut now = NOW;
        for step in &session.steps {
            let act = match &step.action {
                Action::Connect => Act::Connect,
                Action::Send(sending) => {
                    let around = Surroundings {
                        keys: &KEYS,
                        now,
                        mark: 1,
                        groups: &[],
                    };
                    for nth in 0..sending.times.clamp(1, MOST_TIMES) {
                        let octets = sending.render_nth(&around, nth);
                        let act = Act::Send(octets.into(), sending.segment.into());
                        acts.push((step.connection, now, act));
                    }
                    continue;
                }
                Action::Wait(millis) => {
                    now = now.plus(u64::from(*millis).saturating_mul(10_000));
                    Act::Wait
                }
                Action::HalfClose => Act::HalfClose,
                Action::Close => Act::Close,
            };
            acts.push((step.connection, now, act));
        }
        Self(acts)
    }
}

/// What a host sent on one connection, and how that ended.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    octets: Vec<u8>,
    after: After,
}

/// Plays a session to a fresh host, in the session's segments or in these, and judges the answers if there is a memory
/// for that; what was said on each connection, in the order in which they were opened.
fn play(
    script: &Script<'_>,
    segment: Option<usize>,
    memory: Option<Memory>,
    shown: &dyn Display,
) -> Vec<Said> {
    let mut host = IDLE
        .take()
        .unwrap_or_else(|| Host::new(Settings::default()));
    host.renew();
    let mut stage = Stage {
        host,
        memory,
        links: Vec::new(),
    };
    for (connection, now, act) in &script.0 {
        stage.act(*connection, *now, act, segment, shown);
    }
    IDLE.set(Some(stage.host));
    stage.links.into_iter().map(|link| link.said).collect()
}

struct Stage {
    host: Host,
    memory: Option<Memory>,
    links: Vec<Link>,
}

struct Link {
    number: u8,
    connection: Connection,
    judge: Option<Judge>,
    said: Said,
}

impl Stage {
    fn act(
        &mut self,
        number: u8,
        now: FileTime,
        act: &Act<'_>,
        segment: Option<usize>,
        shown: &dyn Display,
    ) {
        match act {
            Act::Connect => {
                self.close(number);
                self.open(number, now);
            }
            Act::Send(octets, usual) => {
                let segment = match segment.unwrap_or(*usual) {
                    0 => octets.len(),
                    segment => segment,
                };
                let known = self.links.iter().rposition(|link| link.number == number);
                let place = known.unwrap_or_else(|| self.open(number, now));
                if let Some(link) = self.links.get_mut(place) {
                    let least = octets.len().div_ceil(MOST_SEGMENTS);
                    for part in octets.chunks(segment.max(least).max(1)) {
                        link.send(&mut self.host, now, part, shown);
                    }
                }
            }
            Act::Wait => {
                for link in &mut self.links {
                    link.said.after = link.connection.handle_timeout(now).after;
                }
            }
            Act::HalfClose => {
                if let Some(link) = self.links.iter_mut().rfind(|link| link.number == number) {
                    link.said.after = link.connection.half_close(&mut self.host).after;
                }
            }
            Act::Close => self.close(number),
        }
    }

    /// Opens a connection; its place.
    fn open(&mut self, number: u8, now: FileTime) -> usize {
        let connection = Connection::open(&mut self.host, now, PORT);
        let judge = self.memory.as_ref().map(|memory| {
            Judge::new(Roles::HOST)
                .with_keys(Arc::clone(&KEYS))
                .with_memory(memory.clone())
        });
        self.links.push(Link {
            number,
            connection,
            judge,
            said: Said {
                octets: Vec::with_capacity(USUAL_ANSWERS),
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
}

impl Link {
    fn send(&mut self, host: &mut Host, now: FileTime, part: &[u8], shown: &dyn Display) {
        if self.said.after != After::Open {
            return;
        }
        let before = self.said.octets.len();
        let next = self
            .connection
            .receive(host, now, part, &mut self.said.octets);
        assert!(next.after < After::Reset, "{:?}\n{shown}", next.after);
        self.said.after = next.after;
        if next.after == After::Close {
            self.connection.end(host);
        }
        let Some(judge) = &mut self.judge else { return };
        judge.octets(Direction::FromClient, part);
        let answer = self.said.octets.get(before..).unwrap_or_default();
        if !answer.is_empty() {
            judge.octets(Direction::FromHost, answer);
        }
        if next.after == After::Close {
            judge.end(Direction::FromHost);
        }
        let broken = judge.violations();
        assert!(broken.is_empty(), "{broken:#?}\n{shown}");
    }
}
