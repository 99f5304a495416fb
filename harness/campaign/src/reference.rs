//! What the lab host would answer: the reference of differential campaigns, without a socket.
//!
//! It is sent what the target was sent: as often, and with octets that follow from the same mark and time. A PDU that is
//! cut takes its end from the octets of the next, whatever those are.

use kmspec_model::{After, Connection, Host, Settings};
use kmspec_session::{Action, Sending, Session, Step, Surroundings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::Framer;

use crate::answers::{self, NOTHING, STAYS_OPEN, Wording};
use crate::play::{Origin, Played, Player, Row, now};

/// Answers, connection by connection, that the lab host gives to a session that was played.
pub(crate) fn answers(
    session: &Session,
    player: &Player,
    played: &Played,
) -> Vec<(u8, Vec<String>)> {
    let mut said = Vec::new();
    let steps = session.steps.iter();
    for (step, words) in steps.zip(steps_played(session, player, played)) {
        for word in words {
            say(&mut said, step.connection, word);
        }
    }
    said
}

/// Which steps the lab host answers, or ends the connection at.
pub(crate) fn answers_to(session: &Session, player: &Player, origin: Origin) -> Vec<bool> {
    let steps = steps_of(session, player, origin, &[]).into_iter();
    steps.map(|words| !words.is_empty()).collect()
}

/// What the lab host says to each step of a session that was played.
fn steps_played(session: &Session, player: &Player, played: &Played) -> Vec<Vec<String>> {
    steps_of(session, player, played.origin, &played.rows)
}

/// What the lab host says to each step, in the words of [`answers`]. Each is sent as often as its row says, or, where there
/// is none, as it says itself.
fn steps_of(session: &Session, player: &Player, origin: Origin, rows: &[Row]) -> Vec<Vec<String>> {
    let mut stage = Stage {
        host: Host::new(Settings {
            seed: OWN_GROUPS,
            ..Settings::default()
        }),
        links: Vec::new(),
        groups: Vec::new(),
        wording: Wording::new(&player.keys, PORT),
        player,
        origin,
        now: now(),
    };
    let steps = session.steps.iter().enumerate();
    let sent = |at: usize| rows.get(at).map(|row| row.sent);
    steps.map(|(at, step)| stage.step(step, sent(at))).collect()
}

/// The first step that the lab host answers, and the target did not though it was waited for; what the lab host says
/// there. Up to that step both say the same.
pub(crate) fn unanswered(
    session: &Session,
    player: &Player,
    played: &Played,
) -> Option<(usize, String)> {
    if !is_comparable(session) {
        return None;
    }
    let steps = steps_played(session, player, played).into_iter();
    for (at, (expected, row)) in steps.zip(&played.rows).enumerate() {
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
    wording: Wording<'a>,
    player: &'a Player,
    origin: Origin,
    now: FileTime,
}

impl Stage<'_> {
    fn step(&mut self, step: &Step, sent: Option<u16>) -> Vec<String> {
        let connection = step.connection;
        let there = |links: &[(u8, Link)]| links.iter().position(|(known, _)| *known == connection);
        if matches!(step.action, Action::Connect | Action::Close)
            && let Some(at) = there(&self.links)
        {
            let (_, mut link) = self.links.remove(at);
            link.leave(&mut self.host);
        }
        if !matches!(step.action, Action::Wait(_) | Action::Close) && there(&self.links).is_none() {
            let link = Link::open(&mut self.host, self.now);
            self.links.push((connection, link));
        }
        match (&step.action, there(&self.links)) {
            (Action::HalfClose, Some(at)) => {
                let (_, link) = &mut self.links[at];
                link.after = link.machine.half_close(&mut self.host).after;
                link.leave(&mut self.host);
                Vec::new()
            }
            (Action::Send(sending), Some(at)) => {
                self.send(at, sending, sent.unwrap_or(sending.times.max(1)))
            }
            _ => Vec::new(),
        }
    }

    fn send(&mut self, at: usize, sending: &Sending, times: u16) -> Vec<String> {
        let mut words = Vec::new();
        let (connection, link) = &mut self.links[at];
        for nth in 0..times {
            let around = Surroundings {
                keys: &self.player.keys,
                now: self.origin.time,
                mark: self.origin.mark,
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
                add(&mut words, self.wording.word(&pdu));
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
                "-" | "closed" | "reset" | STAYS_OPEN | "silence" | "refused" => {}
                word => say(&mut said, row.connection, word.to_owned()),
            }
        }
    }
    said
}

/// A seed that no lab host is started with, so that this one's association groups have ids of their own: a session that
/// names those of another host by number is to find none here, as it finds none at the target.
const OWN_GROUPS: u64 = 0x6f77_6e20_6772_6f75;
/// Where the lab host believes that it was reached.
const PORT: u16 = 1688;
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
    left: bool,
}

impl Link {
    fn open(host: &mut Host, now: FileTime) -> Self {
        let mut machine = Connection::open(host, now, PORT);
        let after = machine.greet(host, now, &mut Vec::new()).after;
        Self {
            machine,
            framer: Framer::new(),
            after,
            left: false,
        }
    }

    /// The client is gone: once it has ended its side, or left altogether.
    fn leave(&mut self, host: &mut Host) {
        if !std::mem::replace(&mut self.left, true) {
            self.machine.end(host);
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
    use std::sync::Arc;

    use kmspec_rules::Memory;
    use kmspec_wire::keys::KeySet;
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

    /// What it says to a session whose steps were sent so often each.
    fn told(steps: &str, sent: &[u16]) -> Vec<Vec<String>> {
        let session = Session::parse(&format!("kmspec session 1\n{steps}")).unwrap();
        let player = Player {
            keys: Arc::new(KeySet::lab()),
            memory: Memory::new(),
            tag: [1, 2],
        };
        let row = |sent: &u16| Row {
            connection: 0,
            label: String::new(),
            answer: String::new(),
            octets: 0,
            waited: false,
            sent: *sent,
        };
        let rows: Vec<Row> = sent.iter().map(row).collect();
        steps_of(&session, &player, Origin::default(), &rows)
    }

    #[test]
    fn it_is_sent_what_the_target_was_sent() {
        // One octet is missing, which a second one brings; nobody sent that.
        let short =
            "bind times=2\n  offer 0 kms ndr32\n  remove pdu *+60 1\n  xor pdu rpc_vers 80\n";
        assert_eq!(told(short, &[1]), [Vec::<String>::new()]);
        assert_eq!(told(short, &[2]), [["bind-nak:4", "closed"]]);
        assert_eq!(told(short, &[]), told(short, &[2]));
    }

    #[test]
    fn a_group_goes_with_the_client_that_ends_its_side() {
        let other = "@1 bind group=@0\n  offer 0 kms ndr32\n";
        let bind = "bind\n  offer 0 kms ndr32\n";
        let last = |steps: String| told(&steps, &[]).pop().unwrap();
        assert_eq!(last(format!("{bind}{other}")), ["bind-ack:0"]);
        for end in ["half-close\n", "close\n"] {
            let said = last(format!("{bind}{end}{other}"));
            assert_eq!(said, ["bind-nak:0", "closed"], "{end}");
        }
    }
}
