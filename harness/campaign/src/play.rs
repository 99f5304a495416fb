//! Playing one session against a host.

mod link;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kmspec_rules::{Memory, Violation};
use kmspec_runner::peer::{Direction, Ending, Event};
use kmspec_session::{Action, Content, Dice, Offer, Sending, Session, Step, Surroundings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;

use crate::answers::{self, Closing, NOTHING, SILENCE, STAYS_OPEN, Wording};
use crate::reference;
use link::{Chunk, Link};

/// What all sessions of a campaign have in common.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    pub(crate) keys: Arc<KeySet>,
    pub(crate) memory: Memory,
    /// The two octets that all marks of this campaign share.
    pub(crate) tag: [u8; 2],
}

/// How a session is played.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// How long an answer that is owed may take.
    pub(crate) owed: Duration,
    /// How long to wait for one that may come.
    pub(crate) hoped: Duration,
    /// Whether all octets are kept.
    pub(crate) record: bool,
    /// Whether others are served while the session's connections are still open is looked at, too; and what the lab host
    /// answers is waited for as if it were owed.
    pub(crate) sure: bool,
}

impl Manner {
    /// Quick: for looking around.
    pub(crate) const QUICK: Self = Self {
        owed: Duration::from_millis(400),
        hoped: Duration::from_millis(12),
        record: false,
        sure: false,
    };

    /// Patient: for making sure.
    pub(crate) const PATIENT: Self = Self {
        owed: Duration::from_secs(3),
        hoped: Duration::from_millis(120),
        record: true,
        sure: true,
    };

    /// Quick, but long enough that only a host that does not answer is silent: for trying smaller sessions.
    pub(crate) const STEADY: Self = Self {
        owed: Duration::from_millis(900),
        hoped: Duration::from_millis(60),
        record: false,
        sure: true,
    };
}

/// What a session showed.
#[derive(Debug, Default)]
pub(crate) struct Played {
    /// What its octets followed from.
    pub(crate) origin: Origin,
    /// A row for each step.
    pub(crate) rows: Vec<Row>,
    /// Rules that were broken.
    pub(crate) violations: Vec<Violation>,
    /// Octets of other sessions: the numbers of their clients.
    pub(crate) foreign: Vec<u32>,
    /// The first step whose answer was owed and did not come.
    pub(crate) unanswered: Option<usize>,
    /// A connection was refused.
    pub(crate) refused: bool,
    /// Others were not served while its connections were open.
    pub(crate) blocks: bool,
    /// Times that something was waited for in vain.
    pub(crate) silences: usize,
    /// The longest that an answer took, and to which step.
    pub(crate) slowest: (Duration, usize),
    /// What went over the wire, if that was to be kept.
    pub(crate) events: Vec<Event>,
}

/// What a session's octets follow from, besides its steps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Origin {
    /// The execution's mark.
    pub(crate) mark: u64,
    /// The client's clock.
    pub(crate) time: FileTime,
}

impl Played {
    /// Whether the host keeps a connection although its client has ended its side.
    pub(crate) fn stays_open(&self) -> bool {
        let mut rows = self.rows.iter();
        rows.any(|row| row.answer.ends_with(STAYS_OPEN))
    }

    /// What it heard of another session, if it did.
    pub(crate) fn leak(&self) -> Option<String> {
        let number = self.foreign.first()?;
        Some(format!(
            "The answer had the mark of another session, that of client {number}."
        ))
    }
}

/// What one step showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The connection.
    pub(crate) connection: u8,
    /// What was done.
    pub(crate) label: String,
    /// What came of it, in words with spaces between.
    pub(crate) answer: String,
    /// Octets that came.
    pub(crate) octets: usize,
    /// Something was waited for in vain.
    pub(crate) waited: bool,
    /// How often it was sent: not as often as the step says where nothing came.
    pub(crate) sent: u16,
}

impl Player {
    /// The mark of an execution: the tag, the number of its client, and a check of both, so that a mark that was lied about
    /// is not taken for another session's. The last octet is no part of the client.
    pub(crate) fn mark(&self, execution: u64) -> u64 {
        let number = client(execution);
        let [a, b, c, d] = number.to_le_bytes();
        let [x, y] = self.tag;
        let [turn, ..] = (execution / CLIENTS).to_le_bytes();
        u64::from_le_bytes([x, y, a, b, c, d, check(self.tag, number), turn])
    }

    /// Plays a session from its first step to its last, and then ends its connections.
    pub(crate) async fn play(
        &self,
        session: &Session,
        address: SocketAddr,
        execution: u64,
        manner: Manner,
    ) -> Played {
        let mark = self.mark(execution);
        let origin = Origin {
            mark,
            time: client_time(now(), mark),
        };
        let mut playing = Playing {
            player: self,
            address,
            manner,
            own: vec![client(execution)],
            began: Instant::now(),
            links: Vec::new(),
            groups: Vec::new(),
            opened: 0,
            hoped: manner.hoped,
            wording: Wording::new(&self.keys, address.port()),
            played: Played {
                origin,
                ..Played::default()
            },
        };
        let expected = if manner.sure {
            reference::answers_to(session, self, origin)
        } else {
            Vec::new()
        };
        for (index, step) in session.steps.iter().enumerate() {
            playing.hoped = match expected.get(index) {
                Some(true) => manner.owed,
                _ => manner.hoped,
            };
            playing.step(index, step).await;
            if playing.played.refused {
                break;
            }
        }
        if manner.sure && !playing.played.refused && !playing.links.is_empty() {
            playing.played.blocks = !self.serves(address, manner.owed).await;
        }
        playing.hoped = manner.hoped;
        playing.end().await;
        playing.played
    }
}

impl Player {
    /// Whether an honest bind is answered within this time.
    pub(crate) async fn serves(&self, address: SocketAddr, patience: Duration) -> bool {
        let Some(mut link) = self.bound(address, patience).await else {
            return false;
        };
        link.shutdown().await;
        true
    }

    /// Whether an honest bind is answered, and another one while the first one's connection is open; `None` if not even
    /// the first one is.
    pub(crate) async fn serves_two(&self, address: SocketAddr, patience: Duration) -> Option<bool> {
        let mut first = self.bound(address, patience).await?;
        let both = self.serves(address, patience).await;
        first.shutdown().await;
        Some(both)
    }

    /// A connection whose honest bind was answered within this time.
    async fn bound(&self, address: SocketAddr, patience: Duration) -> Option<Link> {
        let mut link = Link::open(address, self).await?;
        let bind = Sending::new(Content::Bind(Offer::kms()));
        let around = Surroundings {
            keys: &self.keys,
            now: now(),
            mark: 0,
            groups: &[],
        };
        link.send(&bind.render(&around), 0).await;
        let answer = link.receive(Some(patience)).await;
        matches!(answer, Chunk::Octets(octets) if !octets.is_empty()).then_some(link)
    }
}

struct Playing<'a> {
    player: &'a Player,
    address: SocketAddr,
    manner: Manner,
    /// Numbers of the clients that this session has spoken for: its own, and what it made of it.
    own: Vec<u32>,
    began: Instant,
    links: Vec<(u8, Link)>,
    groups: Vec<(u8, u32)>,
    opened: usize,
    /// How long to wait at present for an answer that may come.
    hoped: Duration,
    wording: Wording<'a>,
    played: Played,
}

impl Playing<'_> {
    async fn step(&mut self, index: usize, step: &Step) {
        let mut heard = Heard::default();
        if step.action == Action::Connect {
            self.close(step.connection, index).await;
        }
        match &step.action {
            Action::Wait(millis) => {
                tokio::time::sleep(Duration::from_millis(u64::from(*millis))).await;
            }
            Action::Close => self.close(step.connection, index).await,
            Action::Connect | Action::Send(_) | Action::HalfClose => {
                if !self.connected(step.connection).await {
                    heard.say(Closing::Refused.word());
                    self.played.refused = true;
                }
            }
        }
        match &step.action {
            Action::Send(sending) => self.send(step.connection, sending, index, &mut heard).await,
            Action::HalfClose => self.half_close(step.connection, &mut heard).await,
            Action::Connect | Action::Wait(_) | Action::Close => {}
        }
        if heard.longest > self.played.slowest.0 {
            self.played.slowest = (heard.longest, index);
        }
        self.played.silences += heard.silences;
        self.played.rows.push(Row {
            connection: step.connection,
            label: answers::label(step),
            octets: heard.octets,
            waited: heard.silences > 0,
            sent: heard.sent,
            answer: heard.into_answer(),
        });
    }

    /// Whether there is a connection of this number; it is made if there is none yet.
    async fn connected(&mut self, connection: u8) -> bool {
        if self.links.iter().any(|(number, _)| *number == connection) {
            return true;
        }
        let Some(link) = Link::open(self.address, self.player).await else {
            return false;
        };
        if self.manner.record {
            self.played.events.push(Event::Opened {
                connection: self.opened,
                at: self.began.elapsed(),
                by: Direction::ToTarget,
                from: link.from(),
                to: self.address,
            });
        }
        let link = link.numbered(self.opened);
        self.opened += 1;
        self.links.push((connection, link));
        true
    }

    async fn send(&mut self, connection: u8, sending: &Sending, index: usize, heard: &mut Heard) {
        let Some(at) = self
            .links
            .iter()
            .position(|(number, _)| *number == connection)
        else {
            return;
        };
        for nth in 0..sending.times.max(1) {
            let around = Surroundings {
                keys: &self.player.keys,
                now: self.played.origin.time,
                mark: self.played.origin.mark,
                groups: &self.groups,
            };
            let octets = sending.render_nth(&around, nth);
            let Some((_, link)) = self.links.get_mut(at) else {
                return;
            };
            if link.ended.is_some() {
                break;
            }
            link.send(&octets, sending.segment).await;
            heard.sent = heard.sent.saturating_add(1);
            self.own.extend(marks(&octets, self.player.tag));
            if self.manner.record {
                self.played.events.push(Event::Octets {
                    connection: link.number,
                    at: self.began.elapsed(),
                    direction: Direction::ToTarget,
                    octets,
                });
            }
            if !sending.hurry {
                self.listen(at, heard, false).await;
            }
            if heard.silent {
                self.played.unanswered.get_or_insert(index);
            }
            // A second try at what nobody answers tells nothing new.
            if heard.silences > 0 {
                break;
            }
        }
    }

    /// Listens until what is owed has come, or has not; `to_the_end`: until the connection has ended.
    async fn listen(&mut self, at: usize, heard: &mut Heard, to_the_end: bool) {
        let Some((connection, link)) = self.links.get_mut(at) else {
            return;
        };
        let connection = *connection;
        let mut since = Instant::now();
        loop {
            let patience = if to_the_end || link.ledger.owed > 0 {
                Some(self.manner.owed)
            } else if link.ledger.hoped > 0 {
                Some(self.hoped)
            } else {
                None
            };
            match link.receive(patience).await {
                Chunk::Octets(octets) => {
                    heard.octets += octets.len();
                    heard.longest = heard.longest.max(since.elapsed());
                    since = Instant::now();
                    let foreign = marks(&octets, self.player.tag);
                    let foreign = foreign.filter(|number| !self.own.contains(number));
                    self.played.foreign.extend(foreign);
                    link.heard(&octets, |pdu| {
                        if let Some(group) = answers::group(pdu) {
                            self.groups.push((connection, group));
                        }
                        heard.say(&self.wording.word(pdu));
                    });
                    if self.manner.record {
                        self.played.events.push(Event::Octets {
                            connection: link.number,
                            at: self.began.elapsed(),
                            direction: Direction::FromTarget,
                            octets,
                        });
                    }
                }
                Chunk::Ended(closing) => {
                    if link.ended.is_none() {
                        link.end(closing);
                        heard.say(closing.word());
                        if self.manner.record {
                            self.played
                                .events
                                .push(ended(link.number, self.began, closing));
                        }
                    }
                    return;
                }
                Chunk::Nothing => {
                    heard.silences += usize::from(patience.is_some());
                    if !to_the_end && link.ledger.owed > 0 {
                        heard.say(SILENCE);
                        heard.silent = true;
                    }
                    // Whatever did not come is waited for no longer.
                    (link.ledger.owed, link.ledger.hoped) = (0, 0);
                    return;
                }
            }
        }
    }

    async fn half_close(&mut self, connection: u8, heard: &mut Heard) {
        let Some(at) = self
            .links
            .iter()
            .position(|(number, _)| *number == connection)
        else {
            return;
        };
        if let Some((_, link)) = self.links.get_mut(at) {
            link.shutdown().await;
        }
        self.listen(at, heard, true).await;
        let open = self
            .links
            .get(at)
            .is_some_and(|(_, link)| link.ended.is_none());
        if open {
            heard.say(STAYS_OPEN);
        }
    }

    /// Closes a connection without listening any more, as a client does that leaves.
    async fn close(&mut self, connection: u8, index: usize) {
        let Some(at) = self
            .links
            .iter()
            .position(|(number, _)| *number == connection)
        else {
            return;
        };
        let mut heard = Heard::default();
        if let Some((_, link)) = self.links.get_mut(at) {
            (link.ledger.owed, link.ledger.hoped) = (0, 0);
            link.shutdown().await;
        }
        self.listen(at, &mut heard, false).await;
        let (_, link) = self.links.remove(at);
        self.played.violations.extend(link.done());
        if heard.silent {
            self.played.unanswered.get_or_insert(index);
        }
    }

    /// Ends all connections in order, and hears what is still said on them.
    async fn end(&mut self) {
        let label = "end".to_owned();
        while !self.links.is_empty() {
            let mut heard = Heard::default();
            let at = self.links.len() - 1;
            let (connection, link) = &mut self.links[at];
            let connection = *connection;
            let over = link.ended.is_some();
            if !over {
                link.shutdown().await;
                self.listen(at, &mut heard, true).await;
            }
            let (_, link) = self.links.remove(at);
            if !over {
                let octets = heard.octets;
                if link.ended.is_none() {
                    heard.say(STAYS_OPEN);
                }
                self.played.rows.push(Row {
                    connection,
                    label: label.clone(),
                    waited: heard.silences > 0,
                    sent: heard.sent,
                    answer: heard.into_answer(),
                    octets,
                });
            }
            self.played.violations.extend(link.done());
        }
    }
}

/// What was heard during a step.
#[derive(Default)]
struct Heard {
    words: Vec<String>,
    /// How often something was sent.
    sent: u16,
    octets: usize,
    silent: bool,
    /// Times that something was waited for in vain.
    silences: usize,
    /// The longest that something took to come.
    longest: Duration,
}

impl Heard {
    fn say(&mut self, word: &str) {
        // Many answers alike are one answer: what is repeated is not news.
        if self.words.last().is_none_or(|last| last != word) {
            self.words.push(word.to_owned());
        }
    }

    fn into_answer(self) -> String {
        if self.words.is_empty() {
            NOTHING.to_owned()
        } else {
            self.words.join(" ")
        }
    }
}

fn ended(connection: usize, began: Instant, closing: Closing) -> Event {
    Event::Ended {
        connection,
        at: began.elapsed(),
        by: Direction::FromTarget,
        ending: match closing {
            Closing::Reset => Ending::Reset,
            Closing::Closed | Closing::Refused => Ending::Closed,
        },
    }
}

/// Numbers of the marks among octets.
fn marks(octets: &[u8], tag: [u8; 2]) -> impl Iterator<Item = u32> {
    octets.windows(7).filter_map(move |window| match window {
        [x, y, a, b, c, d, last] if [*x, *y] == tag => {
            let number = u32::from_le_bytes([*a, *b, *c, *d]);
            let is_client = u64::from(number) < CLIENTS && *last == check(tag, number);
            is_client.then_some(number)
        }
        _ => None,
    })
}

/// The number of the client that an execution plays.
fn client(execution: u64) -> u32 {
    u32::try_from(execution % CLIENTS).unwrap_or_default()
}

/// Clients of a campaign: many more than play at a time, and few enough for a host's table. A host that had seen each of
/// them once would refuse all that come when it is full; those that it knows it serves.
const CLIENTS: u64 = 256;

/// An octet that follows from tag and number, and that no other number near it has.
fn check([x, y]: [u8; 2], number: u32) -> u8 {
    let [.., last] = number
        .wrapping_add(u32::from_le_bytes([x, y, y, x]))
        .wrapping_mul(0x9e37_79b1)
        .to_le_bytes();
    last
}

/// The client time of a mark: the same all hour long, so that a session that is tried again has the octets that it had.
/// Hosts accept clocks that are off by some hours.
fn client_time(now: FileTime, mark: u64) -> FileTime {
    let within = Dice::new(mark, 0).roll() % HOUR;
    FileTime(now.0 - now.0 % HOUR + within)
}

/// In units of 100 ns.
const HOUR: u64 = 36_000_000_000;

/// The time of day.
pub(crate) fn now() -> FileTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    });
    FileTime::from_unix_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use kmspec_wire::keys::KeySet;

    use super::*;

    #[test]
    fn a_client_time_is_of_its_mark_and_hardly_off() {
        let at = FileTime(134_400_000_000_000_000);
        let later = at.plus(HOUR / 2);
        assert_eq!(client_time(at, 7), client_time(later, 7));
        assert_ne!(client_time(at, 7), client_time(at, 8));
        for mark in 0..100 {
            assert!(client_time(at, mark).0.abs_diff(at.0) < HOUR);
        }
    }

    #[test]
    fn marks_are_found_and_one_that_was_changed_is_none() {
        let player = Player {
            keys: Arc::new(KeySet::lab()),
            memory: Memory::new(),
            tag: [9, 8],
        };
        let mark = |number: u64| player.mark(number).to_le_bytes();
        let octets = [&[0, 9][..], &mark(5)[..7], &mark(4)[..7], &[9, 8]].concat();
        let found: Vec<u32> = marks(&octets, player.tag).collect();
        assert_eq!(found, [5, 4]);
        for bit in 0..32 {
            let mut changed = mark(5);
            changed[2 + bit / 8] ^= 1 << (bit % 8);
            assert_eq!(marks(&changed, player.tag).count(), 0, "{bit}");
        }
    }
}
