//! The tester's end of a case against a client: a [`Listener`] plays the host.
//!
//! It listens, has the client started, and takes its connections as [`Link`]s, on which everything that comes is judged
//! by the rules for clients. What it answers is good ([`Ack`], [`Reply`], [`Link::sealed`]) until the case bends a field.

mod ack;
mod doors;
mod link;
mod reply;
mod site;

pub use ack::Ack;
pub use link::{Called, Query};
pub use reply::{Hint, Reply, fault};
pub use site::{Door, Nobody, Site, Spare};

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::{HResult, Version};
use kmspec_wire::pdu::{Header, PduType};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout, timeout_at};

use crate::check::describe_pdu;
use crate::peer::{Arrival, Link, Peer};
use crate::target::client::Meaning;
use crate::target::client::{ClientTarget, End, Errand, Machine, Running, Verb};
use crate::verdict::Stop;
use doors::{Caller, Doors};

/// The tester's end of one case against a client.
#[derive(Debug)]
pub struct Listener {
    peer: Peer,
    doors: Doors,
    /// The door of the last connection.
    came_to: usize,
    target: ClientTarget,
    errand: Errand,
    known: Known,
    machine: Option<Box<dyn Machine>>,
    running: Option<Box<dyn Running>>,
    said: Said,
}

/// What is known of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Whether it says so when it cannot do what it is asked.
    pub(crate) honest: bool,
    /// Whether the keys of the run are its own, as far as can be told.
    pub(crate) keys_fit: bool,
}

/// What clients wrote. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said(Arc<Mutex<String>>);

impl Said {
    fn add(&self, text: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push_str(text);
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }
}

/// How a client came to its end.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// It took our answer for good.
    Accepted(End),
    /// It did not.
    Rejected(End),
    /// It crashed.
    Crashed(End),
    /// It does not show: the client is not ours to start.
    Unseen,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(end) => write!(f, "success ({end})"),
            Self::Rejected(end) => write!(f, "failure ({end})"),
            Self::Crashed(end) => write!(f, "a crash ({end})"),
            Self::Unseen => f.write_str("an end that does not show"),
        }
    }
}

/// What came while a client was coming to its end.
#[derive(Debug)]
struct Rest {
    outcome: Outcome,
    /// PDUs on the connection that was watched.
    pdus: Vec<Vec<u8>>,
}

/// Connections that a client may open after one that failed, until it counts as a tight loop.
const MOST_ATTEMPTS: usize = 10;
/// For what a client sent before it ended, and for the end of its connection.
const LEFTOVERS: Duration = Duration::from_millis(50);

impl Listener {
    /// A listener for a case, whose `peer` knows the address that `socket` has.
    pub(crate) fn new(
        peer: Peer,
        socket: Arc<TcpListener>,
        target: ClientTarget,
        case: &str,
        known: Known,
        machine: Option<Box<dyn Machine>>,
    ) -> Self {
        let errand = Errand::activate(case, peer.endpoint().address);
        Self {
            peer,
            doors: Doors::one(socket),
            came_to: 0,
            target,
            errand,
            known,
            machine,
            running: None,
            said: Said::default(),
        }
    }

    /// What clients have written, and will.
    pub(crate) fn said(&self) -> Said {
        self.said.clone()
    }

    /// The tester: randomness, keys, times, record.
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// How long the client may take to end once nobody answers it.
    pub const fn patience(&self) -> Duration {
        self.target.patience
    }

    /// The next errand is to be done in this version of KMS. That it is shows in the request: [`Query::speaks`].
    pub fn protocol(&mut self, version: Version) {
        self.errand.protocol = Some(version);
    }

    /// The next errand is for this time of the client's clock. That it follows shows in the request: [`Query::asked_at`].
    pub fn clock(&mut self, time: FileTime) {
        self.errand.clock = Some(time);
    }

    /// The next errand is to do what this verb says.
    ///
    /// # Errors
    /// A skip: the client does not say so when it cannot do what it is asked, so that asking is of no use.
    pub fn ask(&mut self, verb: Verb) -> Result<(), Stop> {
        let own = self
            .machine
            .as_ref()
            .is_some_and(|machine| machine.has(verb));
        let asked = own || self.known.honest || matches!(verb, Verb::Activate | Verb::Nonsense);
        if !asked {
            return Err(Stop::Skip(format!("needs control verb {verb}")));
        }
        self.errand.verb = verb;
        self.errand.value.clear();
        Ok(())
    }

    /// The next errand is to do what this verb says with this value.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub fn ask_with(&mut self, verb: Verb, value: &str) -> Result<(), Stop> {
        self.ask(verb)?;
        value.clone_into(&mut self.errand.value);
        Ok(())
    }

    /// Nobody listens any longer: whoever connects is refused.
    ///
    /// # Errors
    /// A skip: the client connects of its own accord, and others may be waiting.
    pub fn shut(&mut self) -> Result<(), Stop> {
        if self.machine.is_none() {
            return Err(Stop::Skip("needs a client that can be started".to_owned()));
        }
        self.doors.shut(0);
        Ok(())
    }

    /// Starts the client for its errand, unless it runs.
    ///
    /// # Errors
    /// An error verdict: it does not start.
    pub async fn start(&mut self) -> Result<(), Stop> {
        if self.running.is_some() {
            return Ok(());
        }
        let Some(machine) = &mut self.machine else {
            return Ok(());
        };
        let started = machine.start(&self.errand).await;
        let running = started.map_err(|error| Stop::Error(error.to_string()))?;
        self.running = Some(running);
        Ok(())
    }

    /// The client's next connection; it is started first, unless it runs.
    ///
    /// # Errors
    /// A failure: it ends, or does nothing, instead of connecting. A skip: it says that it cannot do what it is asked.
    pub async fn link(&mut self) -> Result<Link, Stop> {
        let limit = self.patience().max(self.peer.endpoint().timing.answer);
        match self.link_within(limit).await? {
            Some(link) => Ok(link),
            None => Err(Stop::fail(
                "connection",
                "a connection to the host",
                format!("none within {limit:?}"),
            )),
        }
    }

    async fn link_within(&mut self, limit: Duration) -> Result<Option<Link>, Stop> {
        self.start().await?;
        self.peer.record().step();
        if self.doors.are_shut() {
            return Ok(None);
        }
        let accepted = tokio::select! {
            biased;
            accepted = timeout(limit, self.doors.accept()) => accepted.ok(),
            end = ended(self.running.as_deref_mut()) => {
                // What it opened before it ended is still there.
                let before = timeout(LEFTOVERS, self.doors.accept()).await.ok();
                if before.is_none() {
                    let outcome = self.over(end)?;
                    return Err(Stop::fail("connection", "a connection to the host", outcome.to_string()));
                }
                before
            }
        };
        match accepted {
            None => Ok(None),
            Some(Ok(Caller { door, stream, from })) => {
                self.came_to = door;
                let fit = self.known.keys_fit;
                Link::accepted(stream, from, self.peer.clone(), fit).map(Some)
            }
            Some(Err(error)) => Err(Stop::Error(format!("cannot take a connection: {error}"))),
        }
    }

    /// The client's next connection, bound: its bind is answered as Windows does, NDR64 before NDR32.
    ///
    /// # Errors
    /// As [`Self::link`], and [`Link::bind`].
    pub async fn bound(&mut self) -> Result<Link, Stop> {
        let mut link = self.link().await?;
        let bind = link.bind().await?;
        let ack = link.ack(&bind);
        link.accept(&ack).await?;
        Ok(link)
    }

    /// The client ends and says that all is well.
    ///
    /// # Errors
    /// A failure with what it says instead. A skip: it does not show.
    pub async fn accepts(&mut self, link: Link) -> Result<(), Stop> {
        let rest = self.rest(Some(link)).await?;
        must_accept(rest.outcome)
    }

    /// The client ends and says that all is well, or, which is noted as tolerated, that it is not.
    ///
    /// # Errors
    /// A failure: it crashes or hangs. A skip: it does not show.
    pub async fn accepts_or_rejects(&mut self, link: Link) -> Result<(), Stop> {
        let rest = self.rest(Some(link)).await?;
        if let Outcome::Rejected(_) = &rest.outcome {
            self.peer.record().note("tolerated: an error");
            return Ok(());
        }
        must_accept(rest.outcome)
    }

    /// The client ends and says that it has failed, whatever it still sends on its connection.
    ///
    /// # Errors
    /// A failure: it says that all is well, crashes, hangs, or connects again and again. A skip: it does not show.
    pub async fn rejects(&mut self, link: Link) -> Result<End, Stop> {
        let rest = self.rest(Some(link)).await?;
        must_reject(rest.outcome)
    }

    /// The client sends nothing more on its connection, ends, and says that it has failed. Where its end does not show,
    /// that it sends nothing and ends the connection is judged alone.
    ///
    /// # Errors
    /// As [`Self::rejects`]; a failure with the PDU that came.
    pub async fn gives_up(&mut self, link: Link) -> Result<(), Stop> {
        self.gives_up_or(link, None).await
    }

    /// The same, but a PDU of this type is tolerated instead.
    ///
    /// # Errors
    /// As [`Self::gives_up`].
    pub async fn gives_up_or(
        &mut self,
        mut link: Link,
        tolerated: Option<PduType>,
    ) -> Result<(), Stop> {
        if let Some(ptype) = tolerated
            && let Arrival::Pdu(octets) = link.arrival_within(self.patience()).await?
        {
            if Header::peek(&octets).is_ok_and(|header| header.ptype == ptype) {
                let note = format!("tolerated: {}", describe_pdu(&octets));
                self.peer.record().note(note);
                return Ok(());
            }
            return Err(Stop::fail(
                "connection",
                "its end and nothing before",
                describe_pdu(&octets),
            ));
        }
        let rest = self.rest(Some(link)).await?;
        if let Some(pdu) = rest.pdus.first() {
            return Err(Stop::fail(
                "connection",
                "its end and nothing before",
                describe_pdu(pdu),
            ));
        }
        if matches!(rest.outcome, Outcome::Unseen) {
            let note = "judged on the wire alone: what the client makes of it does not show";
            self.peer.record().note(note);
            return Ok(());
        }
        must_reject(rest.outcome).map(drop)
    }

    /// The client ends and says that it has failed; no connection is open.
    ///
    /// # Errors
    /// As [`Self::rejects`].
    pub async fn fails(&mut self) -> Result<End, Stop> {
        let rest = self.rest(None).await?;
        must_reject(rest.outcome)
    }

    /// The client ends without having opened a connection.
    ///
    /// # Errors
    /// A failure: it connects. A skip: it does not show, or it cannot do what it is asked.
    pub async fn keeps_quiet(&mut self) -> Result<End, Stop> {
        match self.quiet_end().await? {
            Outcome::Accepted(end) | Outcome::Rejected(end) => Ok(end),
            other => Err(Stop::fail(
                "end of the client",
                "an end in order",
                other.to_string(),
            )),
        }
    }

    /// How a client ends that opens no connection.
    async fn quiet_end(&mut self) -> Result<Outcome, Stop> {
        self.start().await?;
        self.peer.record().step();
        let limit = self.patience();
        if self.machine.is_none() {
            return Err(unseen());
        }
        let end = tokio::select! {
            biased;
            accepted = timeout(limit, self.doors.accept()) => {
                let got = match accepted {
                    Ok(_) => "a connection".to_owned(),
                    Err(_) => format!("no end within {limit:?}"),
                };
                return Err(Stop::fail("connection", "none, and the client's end", got));
            }
            end = ended(self.running.as_deref_mut()) => end,
        };
        self.over(end)
    }

    /// Waits for the end of the client, reads what still comes on its connection, and turns further connections away.
    async fn rest(&mut self, mut link: Option<Link>) -> Result<Rest, Stop> {
        self.start().await?;
        self.peer.record().step();
        let until = Instant::now() + self.patience();
        let mut pdus = Vec::new();
        let mut turned_away = 0;
        let awaited = self.machine.is_none();
        loop {
            if awaited && link.is_none() {
                return Ok(Rest {
                    outcome: Outcome::Unseen,
                    pdus,
                });
            }
            tokio::select! {
                biased;
                arrival = arrives(link.as_mut(), until) => match arrival? {
                    Arrival::Pdu(octets) => pdus.push(octets),
                    Arrival::Ended(_) => link = None,
                    Arrival::Nothing => return Err(self.hangs()),
                },
                // That one could not be taken is as good as its being turned away.
                _ = self.doors.accept(), if !awaited => {
                    turned_away += 1;
                    if turned_away > MOST_ATTEMPTS {
                        self.running = None;
                        return Err(Stop::fail(
                            "attempts",
                            format!("at most {MOST_ATTEMPTS} new connections"),
                            "one more, and another at once",
                        ));
                    }
                },
                end = timeout_at(until, ended(self.running.as_deref_mut())) => {
                    let Ok(end) = end else { return Err(self.hangs()) };
                    if let Some(link) = &mut link {
                        while let Arrival::Pdu(octets) = link.arrival_within(LEFTOVERS).await? {
                            pdus.push(octets);
                        }
                    }
                    return Ok(Rest { outcome: self.over(end)?, pdus });
                },
            }
        }
    }

    /// Kills a client that does not end.
    fn hangs(&mut self) -> Stop {
        let output = self.running.take().map(|running| running.output());
        self.said.add(&output.unwrap_or_default());
        let (expected, got) = match self.machine {
            Some(_) => ("an end of the client", "it still ran, and was killed"),
            None => ("an end of the connection", "it was still open"),
        };
        Stop::fail(
            "end of the client",
            format!("{expected} within {:?}", self.patience()),
            got,
        )
    }

    /// What the end of the client means. It can be started again.
    fn over(&mut self, end: End) -> Result<Outcome, Stop> {
        self.running = None;
        self.said
            .add(&format!("{}: {end}\n{}", self.errand.verb, end.output));
        match self.target.statuses.meaning(end.status) {
            Meaning::Accepted => Ok(Outcome::Accepted(end)),
            Meaning::Rejected => Ok(Outcome::Rejected(end)),
            Meaning::Crashed => Ok(Outcome::Crashed(end)),
            Meaning::Cannot => Err(Stop::Skip(cannot(self.errand.verb, &end))),
            Meaning::Unknown => Err(Stop::Error(format!(
                "{end} is neither accepted nor rejected: see [client] of the target file"
            ))),
        }
    }

    /// How the client comes to its end, for a look at its health.
    pub(crate) async fn outcome(&mut self, link: Option<Link>) -> Result<Outcome, Stop> {
        self.rest(link).await.map(|rest| rest.outcome)
    }
}

/// This result code is among those that the client printed.
///
/// # Errors
/// A failure with the codes that it printed.
pub fn reports(end: &End, code: HResult) -> Result<(), Stop> {
    let codes = end.codes();
    if codes.contains(&code.0) {
        return Ok(());
    }
    let printed: Vec<String> = codes.iter().map(|code| format!("0x{code:08X}")).collect();
    let got = if printed.is_empty() {
        format!("none ({end})")
    } else {
        printed.join(", ")
    };
    Err(Stop::fail(
        "result code printed",
        format!("0x{:08X}", code.0),
        got,
    ))
}

/// Why a case is skipped whose client says that it cannot do what it is asked.
fn cannot(verb: Verb, end: &End) -> String {
    let said = match end.last_words() {
        "" => format!("the client cannot do this ({verb}) and does not say why"),
        words => format!("the client cannot do this: {words}"),
    };
    match verb {
        Verb::Activate | Verb::Nonsense => said,
        _ => format!("needs control verb {verb}; {said}"),
    }
}

fn must_accept(outcome: Outcome) -> Result<(), Stop> {
    match outcome {
        Outcome::Accepted(_) => Ok(()),
        Outcome::Unseen => Err(unseen()),
        other => Err(Stop::fail(
            "end of the client",
            "success",
            other.to_string(),
        )),
    }
}

fn must_reject(outcome: Outcome) -> Result<End, Stop> {
    match outcome {
        Outcome::Rejected(end) => Ok(end),
        Outcome::Unseen => Err(unseen()),
        other => Err(Stop::fail(
            "end of the client",
            "failure",
            other.to_string(),
        )),
    }
}

fn unseen() -> Stop {
    let reason = "what the client makes of it does not show: needs a client that can be started";
    Stop::Skip(reason.to_owned())
}

/// The end of a client; never, if none runs.
async fn ended(running: Option<&mut (dyn Running + 'static)>) -> End {
    match running {
        Some(running) => running.ended().await,
        None => std::future::pending().await,
    }
}

/// What arrives on a connection; never anything, if there is none.
async fn arrives(link: Option<&mut Link>, until: Instant) -> Result<Arrival, Stop> {
    match link {
        Some(link) => {
            link.arrival_within(until.saturating_duration_since(Instant::now()))
                .await
        }
        None => std::future::pending().await,
    }
}
