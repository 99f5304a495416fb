//! What the lab host would answer: the reference of differential campaigns, without a socket.

use kmspec_model::{After, Connection, Host, Settings};
use kmspec_session::{Action, Sending, Session, Step, Surroundings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::Framer;

use crate::answers::{self, NOTHING};
use crate::play::{Player, Row};

/// Answers, connection by connection, that the lab host gives to a session.
pub(crate) fn answers(session: &Session, player: &Player, now: FileTime) -> Vec<(u8, Vec<String>)> {
    let mut said = Vec::new();
    let steps = session.steps.iter();
    for (step, words) in steps.zip(steps_of(session, player, now)) {
        for word in words {
            say(&mut said, step.connection, word);
        }
    }
    said
}

/// Which steps the lab host answers, or ends the connection at.
pub(crate) fn answers_to(session: &Session, player: &Player, now: FileTime) -> Vec<bool> {
    let steps = steps_of(session, player, now).into_iter();
    steps.map(|words| !words.is_empty()).collect()
}

/// What the lab host says to each step, in the words of [`answers`].
fn steps_of(session: &Session, player: &Player, now: FileTime) -> Vec<Vec<String>> {
    let mut stage = Stage {
        host: Host::new(Settings {
            seed: OWN_GROUPS,
            ..Settings::default()
        }),
        links: Vec::new(),
        groups: Vec::new(),
        player,
        now,
    };
    let steps = session.steps.iter();
    steps.map(|step| stage.step(step)).collect()
}

/// The first step that the lab host answers, and the target did not though it was waited for; what the lab host says
/// there. Up to that step both say the same.
pub(crate) fn unanswered(
    session: &Session,
    player: &Player,
    rows: &[Row],
    now: FileTime,
) -> Option<(usize, String)> {
    if !is_comparable(session) {
        return None;
    }
    let steps = steps_of(session, player, now).into_iter();
    for (at, (expected, row)) in steps.zip(rows).enumerate() {
        if row.answer == NOTHING && row.waited {
            let expected = expected.first()?;
            return Some((at, expected.clone()));
        }
        let same = match row.answer.as_str() {
            NOTHING => expected.is_empty(),
            answer => answer.replace("reset", CLOSED).split(' ').eq(&expected),
        };
        if !same && is_sending(&session.steps[at]) {
            return None;
        }
    }
    None
}

/// Whether answers follow from the session alone: not where it does not wait for them.
pub(crate) fn is_comparable(session: &Session) -> bool {
    !session.sendings().any(|sending| sending.hurry)
}

const fn is_sending(step: &Step) -> bool {
    matches!(step.action, Action::Send(_))
}

/// The lab host, asked in memory.
struct Stage<'a> {
    host: Host,
    links: Vec<(u8, Link)>,
    groups: Vec<(u8, u32)>,
    player: &'a Player,
    now: FileTime,
}

impl Stage<'_> {
    fn step(&mut self, step: &Step) -> Vec<String> {
        let connection = step.connection;
        let there = |links: &[(u8, Link)]| links.iter().position(|(known, _)| *known == connection);
        if matches!(step.action, Action::Connect | Action::Close)
            && let Some(at) = there(&self.links)
        {
            let (_, mut link) = self.links.remove(at);
            link.machine.end(&mut self.host);
        }
        if !matches!(step.action, Action::Wait(_) | Action::Close) && there(&self.links).is_none() {
            let link = Link::open(&mut self.host, self.now);
            self.links.push((connection, link));
        }
        match (&step.action, there(&self.links)) {
            (Action::HalfClose, Some(at)) => {
                let (_, link) = &mut self.links[at];
                link.after = link.machine.half_close(&mut self.host).after;
                Vec::new()
            }
            (Action::Send(sending), Some(at)) => self.send(at, sending),
            _ => Vec::new(),
        }
    }

    fn send(&mut self, at: usize, sending: &Sending) -> Vec<String> {
        let mut words = Vec::new();
        let (connection, link) = &mut self.links[at];
        for nth in 0..sending.times.max(1) {
            let around = Surroundings {
                keys: &self.player.keys,
                now: self.now,
                mark: self.player.mark(0),
                groups: &self.groups,
            };
            let octets = sending.render_nth(&around, nth);
            let was_open = link.after == After::Open;
            let pdus = link.receive(&mut self.host, self.now, &octets);
            let ends = was_open && link.after != After::Open;
            for pdu in pdus {
                if let Some(group) = answers::group(&pdu) {
                    self.groups.push((*connection, group));
                }
                add(&mut words, answers::word(&pdu));
            }
            if ends {
                add(&mut words, CLOSED.to_owned());
            }
        }
        words
    }
}

/// The same of what was played.
pub(crate) fn played(rows: &[Row]) -> Vec<(u8, Vec<String>)> {
    let mut said = Vec::new();
    for row in rows {
        // Whoever has ended its own side is closed by any host.
        let by_host = !matches!(row.label.as_str(), "half-close" | "close" | "end");
        for word in row.answer.split(' ') {
            match word {
                "closed" | "reset" if by_host => {
                    say(&mut said, row.connection, CLOSED.to_owned());
                }
                "-" | "closed" | "reset" | "stays-open" | "silence" | "refused" => {}
                word => say(&mut said, row.connection, word.to_owned()),
            }
        }
    }
    said
}

/// A seed that no lab host is started with, so that this one's association groups have ids of their own: a session that
/// names those of another host by number is to find none here, as it finds none at the target.
const OWN_GROUPS: u64 = 0x6f77_6e20_6772_6f75;
/// The host ends a connection, in order or not.
const CLOSED: &str = "closed";

/// The first answer of the target that the lab host would not have given there: connection, what the lab host says, what
/// the target says. Answers that are only the lab host's were perhaps not waited for; a target that owes one is a hang, and
/// found as such.
pub(crate) fn difference(
    reference: &[(u8, Vec<String>)],
    target: &[(u8, Vec<String>)],
) -> Option<(u8, String, String)> {
    for (number, got) in target {
        let known = reference.iter().find(|(known, _)| known == number);
        let mut expected = known.map_or(&[][..], |(_, words)| words).iter();
        for word in got {
            let next = expected.clone().next();
            if !expected.any(|known| known == word) {
                let next = next.map_or("nothing", String::as_str);
                return Some((*number, next.to_owned(), word.clone()));
            }
        }
    }
    None
}

fn say(said: &mut Vec<(u8, Vec<String>)>, connection: u8, word: String) {
    let at = if let Some(at) = said.iter().position(|(number, _)| *number == connection) {
        at
    } else {
        said.push((connection, Vec::new()));
        said.len() - 1
    };
    add(&mut said[at].1, word);
}

/// As what is played is heard: repetitions are one answer.
fn add(words: &mut Vec<String>, word: String) {
    if words.last() != Some(&word) {
        words.push(word);
    }
}

struct Link {
    machine: Connection,
    framer: Framer,
    after: After,
}

impl Link {
    fn open(host: &mut Host, now: FileTime) -> Self {
        let mut machine = Connection::open(host, now, 1688);
        let after = machine.greet(host, now, &mut Vec::new()).after;
        Self {
            machine,
            framer: Framer::new(),
            after,
        }
    }

    fn receive(&mut self, host: &mut Host, now: FileTime, octets: &[u8]) -> Vec<Vec<u8>> {
        if self.after != After::Open {
            return Vec::new();
        }
        let mut out = Vec::new();
        self.after = self.machine.receive(host, now, octets, &mut out).after;
        self.framer.push(&out);
        let mut pdus = Vec::new();
        while let Ok(Some(pdu)) = self.framer.next_pdu() {
            pdus.push(pdu.to_vec());
        }
        pdus
    }
}

#[cfg(test)]
mod tests {
    use kmspec_wire::pdu::{BindBuilder, SyntaxId};

    use super::*;

    /// The group of the first bind.
    fn group(seed: u64) -> Option<u32> {
        let mut host = Host::new(Settings {
            seed,
            ..Settings::default()
        });
        let now = FileTime::from_unix_nanos(0);
        let bind = BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR32]);
        let mut link = Link::open(&mut host, now);
        let pdus = link.receive(&mut host, now, bind.encoded().as_ref());
        pdus.iter().find_map(|pdu| answers::group(pdu))
    }

    #[test]
    fn its_groups_are_not_those_of_the_lab_host() {
        assert!(group(0).is_some());
        assert_ne!(group(OWN_GROUPS), group(0));
    }
}
