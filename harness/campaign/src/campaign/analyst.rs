mod served;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use kmspec_runner::peer::Event;
use kmspec_runner::target::LaunchError;
use kmspec_runner::transcript;
use kmspec_session::{Action, Content, Offer, Session, Step};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use super::{CampaignError, Outcome, Plan, Shared, lock};
use crate::answers;
use crate::examine::Suspicion;
use crate::finding::{Facts, Finding, Kind, Standing, shape};
use crate::ground::{Ground, Usage};
use crate::play::{Manner, Player, now};
use crate::store::{self, Evidence, Findings};
use crate::trial::{EXHAUSTED, Growth, Shown, Sought, Trials};
use crate::watch::{Progress, Watch};

/// Looks into what workers suspect, one thing at a time, and after the target.
pub(super) struct Analyst {
    shared: Arc<Shared>,
    ground: Ground,
    player: Player,
    findings: Findings,
    watch: Arc<dyn Watch>,
    plan: Plan,
    began: Instant,
    idle: Option<Usage>,
    found: BTreeMap<String, Facts>,
    /// What could not be written yet.
    unwritten: Vec<(Finding, Evidence)>,
    crashes: u32,
    trials: u64,
    /// The execution whose octets are tried again; fresh ones if there is none.
    octets_of: Option<u64>,
    saved: Instant,
    probed: Instant,
}

impl Analyst {
    pub(super) fn new(
        shared: Arc<Shared>,
        ground: Ground,
        player: Player,
        findings: Findings,
        watch: Arc<dyn Watch>,
        plan: Plan,
    ) -> Self {
        Self {
            idle: ground.usage(),
            shared,
            ground,
            player,
            findings,
            watch,
            plan,
            began: Instant::now(),
            found: BTreeMap::new(),
            unwritten: Vec::new(),
            crashes: 0,
            trials: 0,
            octets_of: None,
            saved: Instant::now(),
            probed: Instant::now(),
        }
    }

    pub(super) fn jobs(&self) -> usize {
        self.plan.jobs.max(1)
    }

    /// Takes up what an earlier campaign left: what it found is known, what it only saw is tried again.
    pub(super) async fn resume(&mut self) -> Result<(), CampaignError> {
        for finding in self.findings.all()? {
            let Facts {
                kind,
                about,
                standing,
                signature,
                ..
            } = &finding.facts;
            let sought = Sought {
                kind: *kind,
                about: about.clone(),
            };
            lock(&self.shared.known).settle(signature);
            lock(&self.shared.known).settle(&sought.signature());
            if *standing == Standing::Seen {
                let suspicion = Suspicion {
                    sought,
                    session: Arc::new(finding.original.clone()),
                    execution: finding.facts.execution,
                    detail: finding.facts.detail.clone(),
                };
                self.confirm(suspicion).await?;
            }
        }
        Ok(())
    }

    /// The target answers no honest bind: there is nothing else to find, and nothing to learn.
    pub(super) async fn judge_mute(&mut self) -> Result<(), CampaignError> {
        let bind = Step::send(Content::Bind(Offer::kms()));
        let suspicion = Suspicion {
            sought: Sought {
                kind: Kind::Hang,
                about: format!("no answer to {}", answers::label(&bind)),
            },
            session: Arc::new(Session { steps: vec![bind] }),
            execution: 0,
            detail: "The target answers no bind.".to_owned(),
        };
        self.look_into(suspicion).await?;
        if self.found.is_empty() {
            return Err(CampaignError::Mute(self.ground.name().to_owned()));
        }
        Ok(())
    }

    /// Watches until the campaign is to end; gives why it could not go on, if it could not.
    pub(super) async fn watch(
        &mut self,
        mut suspicions: mpsc::Receiver<Suspicion>,
        stop: impl Future<Output = ()>,
    ) -> Option<String> {
        let mut stop = std::pin::pin!(stop);
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let outcome = tokio::select! {
                () = &mut stop => return None,
                Some(suspicion) = suspicions.recv() => self.look_into(suspicion).await,
                _ = tick.tick() => self.look_after().await,
            };
            if let Err(error) = outcome {
                return Some(error.to_string());
            }
            let over = self
                .plan
                .duration
                .is_some_and(|most| self.began.elapsed() >= most);
            let found = self.plan.until_finding && !self.found.is_empty();
            if over || found || self.shared.stop.load(Ordering::Relaxed) {
                // What is suspected already is looked into yet.
                while !found && let Ok(suspicion) = suspicions.try_recv() {
                    if let Err(error) = self.look_into(suspicion).await {
                        return Some(error.to_string());
                    }
                }
                return None;
            }
        }
    }

    pub(super) async fn end(mut self, unable: Option<String>) -> Outcome {
        self.write_again();
        self.save();
        let progress = self.progress(None);
        let machine = lock(&self.shared.learning).machine(self.ground.name());
        self.ground.down().await;
        let unwritten = self.unwritten.len();
        let lost = (unwritten > 0).then(|| {
            let folder = self.plan.findings.display();
            format!(
                "{unwritten} findings could not be written to {folder} and are told of here alone"
            )
        });
        Outcome {
            progress,
            findings: self.found.into_values().collect(),
            machine,
            unable: unable.or(lost),
            unwritten,
        }
    }

    async fn look_into(&mut self, suspicion: Suspicion) -> Result<(), LaunchError> {
        let shared = Arc::clone(&self.shared);
        let doing = format!("looking into {}", suspicion.sought.signature());
        self.watch.progress(&self.progress(Some(doing)));
        // Everybody else waits: what is tried is tried alone.
        let alone = shared.gate.write().await;
        self.octets_of = None;
        let outcome = if suspicion.sought.kind == Kind::Crash {
            self.crashed(suspicion).await
        } else if suspicion.sought.about == EXHAUSTED {
            self.exhausted(suspicion).await
        } else {
            self.confirm(suspicion).await
        };
        *lock(&shared.player) = self.player.clone();
        *lock(&shared.address) = self.ground.address();
        shared.down.store(false, Ordering::Relaxed);
        drop(alone);
        shared.changed.notify_waiters();
        outcome
    }

    fn trials(&mut self) -> Trials<'_> {
        self.trials += 10_000;
        Trials {
            ground: &mut self.ground,
            player: &mut self.player,
            slow: self.plan.slow,
            next: self.trials,
            octets_of: self.octets_of,
        }
    }

    /// Tries a suspicion again, and makes a finding of it if it shows.
    async fn confirm(&mut self, suspicion: Suspicion) -> Result<(), LaunchError> {
        let signature = suspicion.sought.signature();
        // What an answer's octets prove is on the disk before anything else is done.
        let proven = matches!(suspicion.sought.kind, Kind::Rule | Kind::Leak);
        if proven {
            self.put(&suspicion, (Standing::Seen, 0, 0), &suspicion.session, None);
        }
        let Suspicion {
            sought,
            session,
            execution,
            ..
        } = &suspicion;
        let mut trials = self.trials();
        let tried = trials.again_or_as(*execution, sought, session).await?;
        self.octets_of = trials.octets_of;
        let (standing, showed, shown) = tried;
        let Some(shown) = shown else {
            if proven {
                let tries = Trials::tries();
                self.put(
                    &suspicion,
                    (Standing::Flaky, 0, tries),
                    &suspicion.session,
                    None,
                );
                return Ok(());
            }
            let times = lock(&self.shared.known).doubt(&signature);
            if suspicion.sought.kind == Kind::Hang && times <= MOST_SEARCHES {
                self.find_blocker(&suspicion).await?;
            }
            return Ok(());
        };
        // Two hosts that differ now and then differ in time: one was asked before the other, or under more load.
        if shown.kind == Kind::Difference && standing != Standing::Stable {
            lock(&self.shared.known).doubt(&signature);
            return Ok(());
        }
        // A hang may turn out to be a late answer, or one to another step.
        let suspicion = Suspicion {
            sought: Sought {
                kind: shown.kind,
                about: shown.about.clone(),
            },
            detail: shown.detail.clone(),
            ..suspicion
        };
        self.settle(suspicion, standing, showed, shown).await
    }

    /// Makes the session small and the finding final.
    async fn settle(
        &mut self,
        suspicion: Suspicion,
        standing: Standing,
        showed: u32,
        shown: Shown,
    ) -> Result<(), LaunchError> {
        let tries = Trials::tries();
        let before = Evidenced::of(&shown);
        self.put(
            &suspicion,
            (standing, showed, tries),
            &suspicion.session,
            Some(&before),
        );
        let (sought, session) = (&suspicion.sought, &suspicion.session);
        let smallest = self.trials().smallest(sought, session, standing).await?;
        let (standing, showed, shown) = self.trials().again(sought, &smallest).await?;
        if let Some(shown) = shown.filter(|shown| shown.kind == sought.kind) {
            self.put_small(suspicion, (standing, showed), &smallest, &shown);
        }
        Ok(())
    }

    /// The target is gone: brings it back and finds out who did it.
    async fn crashed(&mut self, suspicion: Suspicion) -> Result<(), LaunchError> {
        if self.ground.accepts().await {
            return Ok(());
        }
        self.crashes += 1;
        self.ground.has_ended().await;
        let about = self
            .ground
            .ended()
            .unwrap_or_else(|| suspicion.sought.about.clone());
        let suspects: Vec<_> = lock(&self.shared.recent).iter().rev().cloned().collect();
        let Some((execution, newest)) = suspects.first().cloned() else {
            return self.trials().renew().await;
        };
        let suspicion = Suspicion {
            sought: Sought {
                kind: Kind::Crash,
                about,
            },
            session: newest,
            execution,
            detail: format!(
                "The target was gone. The last {} sessions are suspects.",
                suspects.len()
            ),
        };
        // Nobody knows yet who it was: all of them are kept until it is known.
        let suspected = self.suspected(&suspects);
        let outcome = self.find_culprit(&suspicion, &suspects).await;
        if let (Ok(true), Some(path)) = (&outcome, suspected) {
            drop(std::fs::remove_file(path));
        }
        lock(&self.shared.recent).clear();
        outcome.map(drop)
    }

    /// True if one of them ends the target when it is played alone.
    async fn find_culprit(
        &mut self,
        suspicion: &Suspicion,
        suspects: &[(u64, Arc<Session>)],
    ) -> Result<bool, LaunchError> {
        self.trials().renew().await?;
        for group in suspects.chunks(GROUP) {
            let mut trials = self.trials();
            for (execution, session) in group {
                trials.octets_of = Some(*execution);
                let played = trials.play(session, Manner::QUICK).await;
                if played.refused {
                    break;
                }
            }
            if trials
                .crashed(crate::play::Played::default())
                .await?
                .is_none()
            {
                continue;
            }
            let together = (group[0].0, Arc::new(together(group)));
            for (execution, session) in group.iter().chain([&together]) {
                self.octets_of = Some(*execution);
                let played = self.trials().play(session, Manner::QUICK).await;
                let Some(shown) = self.trials().crashed(played).await? else {
                    continue;
                };
                let suspicion = Suspicion {
                    sought: Sought {
                        kind: Kind::Crash,
                        about: shown.about.clone(),
                    },
                    session: Arc::clone(session),
                    execution: *execution,
                    detail: shown.detail.clone(),
                };
                self.blame(suspicion, shown).await?;
                return Ok(true);
            }
        }
        self.put(suspicion, (Standing::Seen, 0, 1), &suspicion.session, None);
        Ok(false)
    }

    async fn blame(&mut self, suspicion: Suspicion, shown: Shown) -> Result<(), LaunchError> {
        let known = |analyst: &Self, session: &Session| {
            let signature = signature(&suspicion.sought, session);
            analyst.found.contains_key(&signature)
        };
        if known(self, &suspicion.session) {
            return Ok(());
        }
        // As soon as it is known who it was, it is on the disk; small it is made afterwards.
        let evidence = Evidenced::of(&shown);
        let first = self.put(
            &suspicion,
            (Standing::Seen, 1, 1),
            &suspicion.session,
            Some(&evidence),
        );
        let smallest = if self.crashes > MANY_CRASHES {
            (*suspicion.session).clone()
        } else {
            let (sought, session) = (&suspicion.sought, &suspicion.session);
            self.trials()
                .smallest(sought, session, Standing::Stable)
                .await?
        };
        let is_new = !known(self, &smallest);
        let (standing, showed, shown) = self.trials().again(&suspicion.sought, &smallest).await?;
        let final_folder = match shown {
            Some(shown) if is_new => {
                self.put_small(suspicion, (standing, showed), &smallest, &shown)
            }
            _ => None,
        };
        // The provisional folder, and what is only another way to a crash that is known, go.
        if let Some(first) = first
            && (final_folder.as_ref().is_some_and(|folder| *folder != first) || !is_new)
        {
            drop(std::fs::remove_dir_all(&first));
            self.found
                .retain(|_, facts| self.plan.findings.join(facts.name()) != first);
        }
        Ok(())
    }

    /// Writes down who is suspected of having ended the target.
    fn suspected(&self, suspects: &[(u64, Arc<Session>)]) -> Option<PathBuf> {
        let mut text = String::new();
        for (number, session) in suspects {
            let _ = write!(text, "# execution {number}\n{session}\n");
        }
        let path = self
            .plan
            .findings
            .join(format!("suspects-{}.txt", std::process::id()));
        store::write(&path, text.as_bytes()).ok().map(|()| path)
    }

    /// Writes a finding down as its smallest session shows it: how sure it is, how often it showed, and what was seen.
    fn put_small(
        &mut self,
        suspicion: Suspicion,
        (standing, showed): (Standing, u32),
        smallest: &Session,
        shown: &Shown,
    ) -> Option<PathBuf> {
        let suspicion = Suspicion {
            detail: shown.detail.clone(),
            ..suspicion
        };
        let evidence = Evidenced::of(shown);
        let counts = (standing, showed, Trials::tries());
        self.put(&suspicion, counts, smallest, Some(&evidence))
    }

    /// Writes a finding down; what cannot be written now is written later.
    fn put(
        &mut self,
        suspicion: &Suspicion,
        (standing, showed, tried): (Standing, u32, u32),
        smallest: &Session,
        evidence: Option<&Evidenced>,
    ) -> Option<PathBuf> {
        let Suspicion {
            sought,
            session,
            execution,
            detail,
        } = suspicion;
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let signature = signature(sought, smallest);
        let facts = Facts {
            version: 1,
            kind: sought.kind,
            about: sought.about.clone(),
            detail: detail.clone(),
            standing,
            showed,
            tried,
            target: self.ground.name().to_owned(),
            seed: self.plan.seed,
            execution: *execution,
            after_ms: self
                .found
                .get(&signature)
                .map_or(elapsed, |known| known.after_ms),
            steps: smallest.steps.len(),
            signature: signature.clone(),
        };
        let finding = Finding {
            facts: facts.clone(),
            session: smallest.clone(),
            original: (**session).clone(),
        };
        let evidence = Evidence {
            traffic: evidence.and_then(|evidence| traffic(&evidence.events, &facts)),
            log: evidence
                .map(|evidence| evidence.log.clone())
                .unwrap_or_default(),
            target: self.plan.target_word.clone(),
        };
        lock(&self.shared.known).settle(&sought.signature());
        let written = self.findings.put(&finding, &evidence);
        self.found.insert(signature, facts);
        match written {
            Ok(folder) => {
                self.watch.found(&finding, &folder);
                Some(folder)
            }
            Err(error) => {
                // What cannot be kept on the disk is at least said, whole.
                self.watch.note(&format!("cannot write a finding: {error}"));
                self.watch
                    .note(&format!("{}:\n{}", finding.name(), finding.session));
                self.unwritten.push((finding, evidence));
                None
            }
        }
    }

    fn write_again(&mut self) {
        for (finding, evidence) in std::mem::take(&mut self.unwritten) {
            match self.findings.put(&finding, &evidence) {
                Ok(folder) => self.watch.found(&finding, &folder),
                Err(_) => self.unwritten.push((finding, evidence)),
            }
        }
    }

    /// Between suspicions: is the target still there, has it grown, how is it going.
    async fn look_after(&mut self) -> Result<(), LaunchError> {
        self.watch.progress(&self.progress(None));
        self.write_again();
        if self.saved.elapsed() >= SAVING {
            self.save();
            self.saved = Instant::now();
        }
        if self.ground.ended().is_some() && !self.shared.down.swap(true, Ordering::Relaxed) {
            let recent = lock(&self.shared.recent).back().cloned();
            let (execution, session) = recent.unwrap_or_default();
            let sought = Sought {
                kind: Kind::Crash,
                about: "connections refused".to_owned(),
            };
            let detail = "The process ended.".to_owned();
            return self
                .look_into(Suspicion {
                    sought,
                    session,
                    execution,
                    detail,
                })
                .await;
        }
        if self.probed.elapsed() >= PROBING {
            self.probed = Instant::now();
            if let Some(suspicion) = self.probe().await {
                return self.look_into(suspicion).await;
            }
        }
        let grown = self
            .idle
            .zip(self.ground.usage())
            .map(|(idle, present)| Growth::of(idle, present));
        let jobs = u64::try_from(self.jobs()).unwrap_or(u64::MAX);
        let suspects = grown.map(|grown| grown.suspects(jobs)).unwrap_or_default();
        for about in suspects {
            let sought = Sought {
                kind: Kind::Growth,
                about: about.to_owned(),
            };
            if lock(&self.shared.known).is_news(&sought.signature()) {
                self.find_growth(sought).await?;
            }
        }
        Ok(())
    }

    /// Finds a session by which the process grows.
    async fn find_growth(&mut self, sought: Sought) -> Result<(), LaunchError> {
        let doing = format!("looking into {}", sought.signature());
        self.watch.progress(&self.progress(Some(doing)));
        let shared = Arc::clone(&self.shared);
        let alone = shared.gate.write().await;
        self.octets_of = None;
        let mut shapes = BTreeSet::new();
        let mut sessions: Vec<(u64, Arc<Session>)> =
            lock(&shared.recent).iter().rev().cloned().collect();
        sessions.retain(|(_, session)| shapes.insert(shape(session)));
        let until = Instant::now() + SEARCHING;
        let mut outcome = Ok(());
        for (execution, session) in sessions {
            if Instant::now() >= until {
                break;
            }
            let shown = self
                .trials()
                .shows(&sought, &session, Manner::QUICK)
                .await?;
            let Some(shown) = shown else { continue };
            let suspicion = Suspicion {
                sought: sought.clone(),
                session,
                execution,
                detail: shown.detail,
            };
            outcome = self.confirm(suspicion).await;
            if self
                .found
                .values()
                .any(|facts| facts.kind == Kind::Growth && facts.about == sought.about)
            {
                break;
            }
        }
        if !self.found.values().any(|facts| facts.kind == Kind::Growth) {
            // Whatever it was, it is no session alone: from here on it counts from where it is.
            lock(&shared.known).doubt(&sought.signature());
            self.idle = self.ground.usage();
        }
        drop(alone);
        outcome
    }

    fn progress(&self, doing: Option<String>) -> Progress {
        let corpus = lock(&self.shared.corpus);
        Progress {
            elapsed: self.began.elapsed(),
            executions: self.shared.executions.load(Ordering::Relaxed),
            corpus: corpus.len(),
            features: corpus.features(),
            states: lock(&self.shared.learning).states(),
            findings: self.found.len(),
            since_news: lock(&self.shared.news).elapsed(),
            doing,
        }
    }

    /// Where the next campaign of this seed goes on.
    fn save(&self) {
        let Some(folder) = &self.plan.corpus else {
            return;
        };
        let next = lock(&self.shared.corpus).next();
        let path = folder.join(format!("seed-{}.next", self.plan.seed));
        if let Err(error) = store::write(&path, format!("{next}\n").as_bytes()) {
            tracing::warn!(%error, "cannot write where the campaign is");
        }
    }
}

/// One session after the other, as one: some targets end of what several of them leave behind.
fn together(sessions: &[(u64, Arc<Session>)]) -> Session {
    let mut steps = Vec::new();
    for (_, session) in sessions {
        steps.extend(session.steps.iter().cloned());
        let used: BTreeSet<u8> = session.steps.iter().map(|step| step.connection).collect();
        let close = |connection| Step::new(Action::Close).on(connection);
        steps.extend(used.into_iter().map(close));
    }
    Session { steps }
}

/// What a trial leaves for the folder.
struct Evidenced {
    events: Vec<Event>,
    log: String,
}

impl Evidenced {
    fn of(shown: &Shown) -> Self {
        Self {
            events: shown.events.clone(),
            log: shown.log.clone(),
        }
    }
}

/// What tells a finding from others. Crashes look alike from outside: what leads to them tells them apart.
fn signature(sought: &Sought, session: &Session) -> String {
    match sought.kind {
        Kind::Crash => format!("{}: {}", sought.signature(), shape(session)),
        _ => sought.signature(),
    }
}

fn traffic(events: &[Event], facts: &Facts) -> Option<Vec<u8>> {
    if events.is_empty() {
        return None;
    }
    let base = Duration::from_nanos(now().to_unix_nanos());
    let comment = format!("{}: {}", facts.kind, facts.about);
    transcript::events(events, base, &comment, &facts.name(), Vec::new()).ok()
}

/// Between looks after the target.
const TICK: Duration = Duration::from_millis(250);
/// Between two looks whether an honest client is served.
const PROBING: Duration = Duration::from_secs(1);
/// Between two notes of where the campaign is.
const SAVING: Duration = Duration::from_secs(5);
/// Sessions that are tried together when the target is gone.
const GROUP: usize = 8;
/// Sessions that are looked at when others are not served.
const BLOCKERS: usize = 64;
/// How often that is done for one kind of silence.
const MOST_SEARCHES: u32 = 2;
/// Crashes after which they are no longer made small: a target that ends all the time is to be mended first.
const MANY_CRASHES: u32 = 12;
/// How long a session is looked for by which the process grows.
const SEARCHING: Duration = Duration::from_secs(20);
