//! Trying one session again, alone: whether it shows what it was found for, and whether a smaller one does.

use std::time::Duration;

use kmspec_runner::peer::Event;
use kmspec_runner::target::LaunchError;
use kmspec_session::{FEW_STEPS, Session, shrunk, templates};
use tokio::time::{Instant, sleep};

use crate::finding::{Kind, Standing};
use crate::ground::{Ground, Usage};
use crate::play::{Manner, Played, Player, Row};
use crate::reference;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sought {
    pub(crate) kind: Kind,
    /// The requirement or the answers that differ; what a crash or hang is about is only known once it shows.
    pub(crate) about: String,
}

/// What a trial showed of it.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) kind: Kind,
    pub(crate) about: String,
    pub(crate) detail: String,
    pub(crate) events: Vec<Event>,
    pub(crate) log: String,
}

/// Where trials are made. Nobody else speaks to the target meanwhile.
pub(crate) struct Trials<'a> {
    pub(crate) ground: &'a mut Ground,
    pub(crate) player: &'a mut Player,
    pub(crate) slow: Duration,
    /// Numbers of executions that no campaign reaches.
    pub(crate) next: u64,
    /// The execution whose octets are sent again, as far as they follow from its number; fresh ones if there is none.
    pub(crate) octets_of: Option<u64>,
}

/// How often a finding is tried again.
const AGAIN: u32 = 3;
/// How long making a session smaller may take, and how many tries.
const SHRINKING: Duration = Duration::from_secs(20);
const MOST_TRIES: usize = 400;

impl Trials<'_> {
    /// Whether a session shows what is sought.
    pub(crate) async fn shows(
        &mut self,
        sought: &Sought,
        session: &Session,
        manner: Manner,
    ) -> Result<Option<Shown>, LaunchError> {
        match sought.kind {
            Kind::Growth => Ok(self.grows(sought, session).await),
            Kind::Hang if sought.about == EXHAUSTED => self.exhausts(session).await,
            Kind::Crash => {
                let played = self.play(session, manner).await;
                self.crashed(played).await
            }
            _ => {
                // What concerns other sessions needs some.
                self.others().await;
                // Only a hang is waited for: a host that is kept waiting ends connections, and differs by that.
                let sure = manner.sure && sought.kind != Kind::Difference;
                let played = self.play(session, Manner { sure, ..manner }).await;
                let shown = self.judge(sought, session, played);
                if shown.is_none() && !self.ground.accepts().await {
                    self.renew().await?;
                }
                Ok(shown)
            }
        }
    }

    pub(crate) async fn play(&mut self, session: &Session, manner: Manner) -> Played {
        let execution = self.octets_of.unwrap_or_else(|| self.fresh());
        self.player
            .play(session, self.ground.address(), execution, manner)
            .await
    }

    fn fresh(&mut self) -> u64 {
        self.next += 1;
        u64::MAX - self.next
    }

    /// As somebody else than the last time.
    async fn play_anew(&mut self, session: &Session, manner: Manner) -> Played {
        let execution = self.fresh();
        self.player
            .play(session, self.ground.address(), execution, manner)
            .await
    }

    /// Honest sessions of others.
    async fn others(&mut self) {
        for session in templates().iter().take(3) {
            let played = self.play_anew(session, Manner::QUICK).await;
            if played.unanswered.is_some() || played.refused {
                return;
            }
        }
    }

    /// Whether the target is gone; then it is started anew.
    pub(crate) async fn crashed(&mut self, played: Played) -> Result<Option<Shown>, LaunchError> {
        if !self.is_gone().await {
            return Ok(None);
        }
        self.ground.has_ended().await;
        let about = self
            .ground
            .ended()
            .unwrap_or_else(|| "connections refused".to_owned());
        let log = self.ground.down().await;
        let last = log
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or_default();
        let detail = match last {
            "" => format!("The target was gone after the session: {about}."),
            last => {
                format!("The target was gone after the session: {about}. It wrote last: {last}")
            }
        };
        self.renew().await?;
        Ok(Some(Shown {
            kind: Kind::Crash,
            about,
            detail,
            events: played.events,
            log,
        }))
    }

    /// A process that dies takes a moment, and some die of the next connection only: who answers again and again lives.
    async fn is_gone(&self) -> bool {
        for _ in 0..LOOKS {
            let served = self.player.serves(self.ground.address(), SERVING).await;
            if !served && !self.ground.accepts().await {
                return true;
            }
            sleep(MOMENT).await;
        }
        false
    }

    pub(crate) async fn renew(&mut self) -> Result<(), LaunchError> {
        self.ground.renew(RETURNING).await?;
        // A new process may have another name, and repeat what was random.
        self.player.memory = kmspec_rules::Memory::new();
        Ok(())
    }

    fn judge(&mut self, sought: &Sought, session: &Session, played: Played) -> Option<Shown> {
        let (kind, about, detail) = match sought.kind {
            Kind::Hang | Kind::Slow => return self.late(session, played),
            Kind::Rule => {
                let broken = played.violations.iter();
                let broken = broken.into_iter().find(|v| v.requirement == sought.about)?;
                (Kind::Rule, sought.about.clone(), broken.to_string())
            }
            Kind::Leak => (Kind::Leak, sought.about.clone(), played.leak()?),
            Kind::Difference => {
                let about = differs(session, self.player, &played)?;
                (about == sought.about).then(|| {
                    let detail = format!("Lab host and target: {about}.");
                    (Kind::Difference, about.clone(), detail)
                })?
            }
            Kind::Crash | Kind::Growth => return None,
        };
        Some(Shown {
            kind,
            about,
            detail,
            events: played.events,
            log: self.ground.log(),
        })
    }

    /// A hang, or an answer that is only late.
    fn late(&mut self, session: &Session, played: Played) -> Option<Shown> {
        let label = |index: usize| {
            let label = played.rows.get(index).map(|row| row.label.as_str());
            label.unwrap_or("the end").to_owned()
        };
        let (kind, about, detail) = if let Some(step) = played.unanswered {
            let about = format!("no answer to {}", label(step));
            let detail = format!("Step {} was owed an answer and got none.", step + 1);
            (Kind::Hang, about, detail)
        } else if let Some((step, word)) = reference::unanswered(session, self.player, &played) {
            let about = format!("no answer to {}", label(step));
            let detail = format!(
                "Step {} was not answered; the lab host says {word} there.",
                step + 1
            );
            (Kind::Hang, about, detail)
        } else if played.blocks {
            let detail = "While its connections were open, an honest bind was not answered.";
            (Kind::Hang, BLOCKED.to_owned(), detail.to_owned())
        } else if played.stays_open() {
            let detail = "The client had ended its side, and the host kept the connection.";
            (Kind::Hang, KEPT.to_owned(), detail.to_owned())
        } else if played.slowest.0 >= self.slow {
            let (took, step) = played.slowest;
            let detail = format!(
                "Step {} was answered after {} ms.",
                step + 1,
                took.as_millis()
            );
            (
                Kind::Slow,
                format!("late answer to {}", label(step)),
                detail,
            )
        } else {
            return None;
        };
        Some(Shown {
            kind,
            about,
            detail,
            events: played.events,
            log: self.ground.log(),
        })
    }

    /// Whether the process keeps more of what is sought after many repetitions.
    async fn grows(&mut self, sought: &Sought, session: &Session) -> Option<Shown> {
        let before = self.settled().await?;
        for _ in 0..REPETITIONS {
            self.play_anew(session, Manner::QUICK).await;
        }
        let after = self.settled().await?;
        let grown = Growth::of(before, after);
        let detail = grown.detail(&sought.about, u64::from(REPETITIONS))?;
        Some(Shown {
            kind: Kind::Growth,
            about: sought.about.clone(),
            detail,
            events: Vec::new(),
            log: self.ground.log(),
        })
    }

    /// Whether the target, started anew, serves nobody any more after many repetitions.
    async fn exhausts(&mut self, session: &Session) -> Result<Option<Shown>, LaunchError> {
        self.renew().await?;
        for nth in 1..=EXHAUSTING {
            self.play_anew(session, Manner::QUICK).await;
            if nth % PROBING == 0 && !self.serves().await {
                if !self.ground.accepts().await {
                    return Ok(None);
                }
                return Ok(Some(Shown {
                    kind: Kind::Hang,
                    about: EXHAUSTED.to_owned(),
                    detail: format!("After {nth} times the same session no bind is answered."),
                    events: Vec::new(),
                    log: self.ground.log(),
                }));
            }
        }
        Ok(None)
    }

    /// Whether an honest client is served; once more if not, for a busy machine.
    pub(crate) async fn serves(&self) -> bool {
        let address = self.ground.address();
        self.player.serves(address, SERVING).await || self.player.serves(address, SERVING).await
    }

    /// What the process uses once nothing is going on.
    async fn settled(&self) -> Option<Usage> {
        let mut last = self.ground.usage()?;
        for _ in 0..20 {
            sleep(Duration::from_millis(15)).await;
            let present = self.ground.usage()?;
            if present == last {
                break;
            }
            last = present;
        }
        Some(last)
    }

    /// Tries a finding again a few times: how sure it is, how often it showed, and what it showed last.
    pub(crate) async fn again(
        &mut self,
        sought: &Sought,
        session: &Session,
    ) -> Result<(Standing, u32, Option<Shown>), LaunchError> {
        let mut showed = 0;
        let mut last = None;
        for _ in 0..AGAIN {
            if let Some(shown) = self.shows(sought, session, Manner::PATIENT).await? {
                showed += 1;
                last = Some(shown);
            }
        }
        let standing = match showed {
            0 => Standing::Seen,
            AGAIN => Standing::Stable,
            _ => Standing::Flaky,
        };
        Ok((standing, showed, last))
    }

    /// Tries a finding again as somebody else, and if that does not show it, with the very octets of the execution that
    /// did: what is tried afterwards has those, too, if they showed it.
    pub(crate) async fn again_or_as(
        &mut self,
        execution: u64,
        sought: &Sought,
        session: &Session,
    ) -> Result<(Standing, u32, Option<Shown>), LaunchError> {
        self.octets_of = None;
        let tried = self.again(sought, session).await?;
        if tried.2.is_some() || !sought.is_of_octets() {
            return Ok(tried);
        }
        self.octets_of = Some(execution);
        let tried = self.again(sought, session).await?;
        if tried.2.is_none() {
            self.octets_of = None;
        }
        Ok(tried)
    }

    /// The smallest session that still shows it: steps first, then fields, then octets. What is stable stays so.
    pub(crate) async fn smallest(
        &mut self,
        sought: &Sought,
        session: &Session,
        standing: Standing,
    ) -> Result<Session, LaunchError> {
        let until = Instant::now() + SHRINKING;
        // A hang is waited for each time, and hangs hardly on what is random in a session.
        let (mut tries, in_a_row) = match (standing, sought.kind) {
            (Standing::Flaky, _) => (AGAIN, 1),
            (_, Kind::Hang | Kind::Slow | Kind::Growth) => (1, 1),
            _ => (1, AGAIN),
        };
        let mut smallest = session.clone();
        let mut tried = 0;
        'smaller: loop {
            for candidate in shrunk(&smallest) {
                for _ in 0..tries {
                    tried += 1;
                    if tried > MOST_TRIES || Instant::now() >= until {
                        break 'smaller;
                    }
                    if self.keeps_showing(sought, &candidate, in_a_row).await? {
                        smallest = candidate;
                        continue 'smaller;
                    }
                }
            }
            // What shows nearly always may have missed its chance where it was still the same.
            if tries == AGAIN || smallest.steps.len() <= FEW_STEPS {
                break;
            }
            tries = AGAIN;
        }
        Ok(smallest)
    }

    /// Whether a session shows what is sought so many times in a row.
    async fn keeps_showing(
        &mut self,
        sought: &Sought,
        session: &Session,
        times: u32,
    ) -> Result<bool, LaunchError> {
        for _ in 0..times {
            let shown = self.shows(sought, session, Manner::STEADY).await?;
            if shown.is_none_or(|shown| shown.kind != sought.kind) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) const fn tries() -> u32 {
        AGAIN
    }
}

/// How the target's first differing answer differs, if one does.
pub(crate) fn differs(session: &Session, player: &Player, played: &Played) -> Option<String> {
    if !reference::is_comparable(session) || played.unanswered.is_some() || played.refused {
        return None;
    }
    let expected = reference::answers(session, player, played);
    let got = reference::played(&played.rows);
    let (_, expected, got) = reference::difference(&expected, &got)?;
    if got.ends_with(TABLE_FULL) {
        // The reference is asked by this session alone; the target has counted all those before it.
        return None;
    }
    Some(format!("{expected} there, {got} here"))
}

/// What campaigns that do not compare do compare: an honest call that the lab host answers, and the target refuses with a
/// fault or hangs up at. Its host may have reasons of its own to answer with an HRESULT, but none for these.
pub(crate) fn fails(session: &Session, player: &Player, played: &Played) -> Option<String> {
    let honest = session.sendings().all(|sending| sending.edits.is_empty());
    let failed = |row: &Row| {
        ["fault:", "closed", "reset"]
            .iter()
            .any(|word| row.answer.contains(word))
    };
    // What is silent is a hang, and found as such.
    let silent = played.rows.iter().any(|row| row.waited);
    if !honest || silent || !played.rows.iter().any(failed) {
        return None;
    }
    let about = differs(session, player, played)?;
    let here = about.strip_prefix(ANSWERED)?;
    (here.starts_with("fault:") || here.starts_with("closed")).then_some(about)
}

/// That an honest call is answered there, and here something else.
const ANSWERED: &str = "response:00000000 there, ";

/// The HRESULT of a host whose table of clients is full. Source: kms-protocol 6.
const TABLE_FULL: &str = "c004d104";

/// What a process uses more than before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    memory: u64,
    threads: u64,
    files: u64,
}

impl Growth {
    pub(crate) const fn of(before: Usage, after: Usage) -> Self {
        Self {
            memory: after.memory.saturating_sub(before.memory),
            threads: after.threads.saturating_sub(before.threads),
            files: after.files.saturating_sub(before.files),
        }
    }

    /// What of it is more than `times` sessions can explain: at most one of each kind in four sessions is noise.
    fn detail(self, about: &str, times: u64) -> Option<String> {
        let (grown, least) = match about {
            "memory" => (self.memory, times * LEAST_MEMORY),
            "threads" => (self.threads, times / 4),
            _ => (self.files, times / 4),
        };
        let unit = if about == "memory" { " octets" } else { "" };
        (grown >= least).then(|| {
            format!("{times} times the same session left {grown}{unit} more in use as {about} of its process.")
        })
    }

    /// What may have grown since an idle start, with so many sessions at a time.
    pub(crate) fn suspects(self, jobs: u64) -> Vec<&'static str> {
        [
            (
                "memory",
                self.memory > SUSPICIOUS_MEMORY + jobs * (64 << 10),
            ),
            ("threads", self.threads > 64 + jobs),
            ("files", self.files > 64 + 4 * jobs),
        ]
        .into_iter()
        .filter_map(|(name, suspicious)| suspicious.then_some(name))
        .collect()
    }
}

/// What a target is about that serves nobody any more, though it is there and nobody else speaks to it.
pub(crate) const EXHAUSTED: &str = "honest clients are served no longer";
/// What a target is about that serves nobody while a session lasts.
pub(crate) const BLOCKED: &str = "others are not served";
/// What a target is about that keeps the connections of clients that have ended their side.
pub(crate) const KEPT: &str = "the connection stays open";
/// How often a session is played to see whether a target serves nobody afterwards, and how often that is looked at.
const EXHAUSTING: u16 = 256;
const PROBING: u16 = 32;
/// How long an honest client waits.
const SERVING: Duration = Duration::from_secs(1);
/// How often is looked whether the target is there, and the moment after each look.
const LOOKS: u32 = 3;
const MOMENT: Duration = Duration::from_millis(10);
/// How often a session is played to see whether the process grows by it.
const REPETITIONS: u16 = 48;
/// Octets a session that is no leak may leave behind, on average.
const LEAST_MEMORY: u64 = 8 << 10;
/// Octets that a process may grow from its start until that is looked into.
const SUSPICIOUS_MEMORY: u64 = 24 << 20;
/// How long a target that is not ours may be away.
const RETURNING: Duration = Duration::from_secs(10);
