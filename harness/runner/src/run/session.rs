//! One run under way.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kmspec_rules::Memory;
use kmspec_wire::filetime::FileTime;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinSet;

use super::attempt::{Attempt, Judgement, attempt, judge};
use super::every::every_answer;
use super::health::{self, Exactness};
use super::place::Place;
use super::{Observer, Row, RunResult};
use crate::case::Needs;
use crate::peer::{Endpoint, system_time};
use crate::plan::{About, Options, Plan, Planned};
use crate::target::{Control, Instance, Launch, LaunchError, Origin, Target};
use crate::verdict::{Stop, Verdict};

/// One run under way, shared by the tasks that run its cases.
pub(super) struct Session {
    plan: Vec<Planned>,
    every_answer: Vec<About>,
    target: Target,
    options: Options,
    now: FileTime,
    observer: Arc<dyn Observer>,
    place: AsyncMutex<Option<Place>>,
    owned: Mutex<Vec<Owned>>,
    progress: Mutex<Progress>,
}

/// An instance for one case at a time.
struct Owned {
    instance: Box<dyn Instance>,
    memory: Memory,
    /// How many cases it has served.
    cases: usize,
}

/// Cases that an instance serves one after the other: few enough for no host's list of machines to fill up.
const CASES_OF_ONE: usize = 200;

/// What is known so far.
#[derive(Debug)]
struct Progress {
    rows: Vec<Option<Judgement>>,
    running: BTreeMap<usize, Instant>,
    unable: Vec<String>,
    exactness: Exactness,
    /// The case whose failure stops the run.
    stopped_by: Option<String>,
}

/// Whether others run at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Company {
    Alone,
    Others,
}

/// What follows from the target's not serving any longer.
enum Loss {
    /// One of several cases did it: they run again, alone.
    Suspect,
    /// The case did it.
    Blamed,
    /// It cannot be told who did it; the reason.
    Unclear(String),
}

/// What came of running a row.
enum Judged {
    /// This.
    Row(Box<Judgement>),
    /// Nothing that can be relied on: the target's health was lost while several cases ran. It has to run again, alone.
    Suspect,
}

impl Session {
    pub(super) fn new(
        plan: Plan,
        target: Target,
        options: Options,
        observer: Arc<dyn Observer>,
    ) -> Arc<Self> {
        let progress = Progress {
            rows: plan.rows.iter().map(|_| None).collect(),
            running: BTreeMap::new(),
            unable: Vec::new(),
            exactness: Exactness::Well,
            stopped_by: None,
        };
        Arc::new(Self {
            now: options.now.unwrap_or_else(system_time),
            plan: plan.rows,
            every_answer: plan.every_answer,
            target,
            options,
            observer,
            place: AsyncMutex::new(None),
            owned: Mutex::default(),
            progress: Mutex::new(progress),
        })
    }

    /// Runs all of it.
    pub(super) async fn go(self: Arc<Self>) {
        if let Err(reason) = self.arrive().await {
            self.progress().unable.push(reason);
            return;
        }
        self.observer.began(self.plan.len());
        let (together, mut alone) = self.split();
        let suspects = self.clone().run_together(together).await;
        alone.extend(suspects);
        alone.sort_unstable();
        for index in alone {
            self.run_alone(index).await;
        }
        self.leave().await;
    }

    /// Finds or starts the target and looks at its health.
    async fn arrive(&self) -> Result<(), String> {
        let place = Place::find(&self.target)
            .await
            .map_err(|error| error.to_string())?;
        let endpoint = self.endpoint_of(&place);
        *self.place.lock().await = Some(place);
        if !self.options.health {
            return Ok(());
        }
        let exactness = health::first_look(&endpoint, self.options.seed)
            .await
            .map_err(|problem| format!("at the start: {problem}"))?;
        self.progress().exactness = exactness;
        Ok(())
    }

    /// Looks at the target's health for the last time.
    async fn leave(&self) {
        let place = self.place.lock().await;
        let Some(place) = place.as_ref().filter(|place| place.dead.is_none()) else {
            return;
        };
        if let Err(problem) = self.look(&self.endpoint_of(place)).await {
            let reason = format!("the target died: at the end: {problem}");
            self.progress().unable.push(reason);
        }
    }

    /// Which rows can run at the same time as others, and which cannot.
    fn split(&self) -> (VecDeque<usize>, Vec<usize>) {
        let only_one = self.launch().is_some_and(|launch| !launch.several());
        let alone = |planned: &Planned| {
            planned.case.needs(Needs::Alone) || only_one && planned.case.needs(Needs::Fresh)
        };
        let (alone, together) =
            (0..self.plan.len()).partition::<Vec<usize>, _>(|index| alone(&self.plan[*index]));
        let long = |index: &usize| {
            let case = self.plan[*index].case;
            case.needs(Needs::Time) || case.needs(Needs::Crowd)
        };
        let (mut queue, short) = together.into_iter().partition::<VecDeque<usize>, _>(long);
        queue.extend(short);
        (queue, alone)
    }

    async fn run_together(self: Arc<Self>, queue: VecDeque<usize>) -> Vec<usize> {
        let company = if self.options.jobs > 1 {
            Company::Others
        } else {
            Company::Alone
        };
        let (queue, suspects) = (
            Arc::new(Mutex::new(queue)),
            Arc::<Mutex<Vec<usize>>>::default(),
        );
        let mut workers = JoinSet::new();
        for _ in 0..self.options.jobs.max(1) {
            let (session, queue, suspects) = (self.clone(), queue.clone(), suspects.clone());
            workers.spawn(async move {
                loop {
                    let next = lock(&queue).pop_front();
                    let Some(index) = next else { break };
                    if let Some(suspect) = session.run_row(index, company).await {
                        lock(&suspects).push(suspect);
                    }
                }
            });
        }
        while workers.join_next().await.is_some() {}
        std::mem::take(&mut *lock(&suspects))
    }

    async fn run_alone(&self, index: usize) {
        // Alone nothing is a suspect; were it one all the same, its row would be missed and called so.
        let _ = self.run_row(index, Company::Alone).await;
    }

    /// Runs a row and keeps what came of it; gives the row back if it is a suspect.
    async fn run_row(&self, index: usize, company: Company) -> Option<usize> {
        let planned = &self.plan[index];
        self.observer.started(planned);
        let began = Instant::now();
        self.progress().running.insert(index, began);
        let judged = match self.obstacle(planned) {
            Some(row) => Judged::Row(Box::new(row.into())),
            None => self.judge(planned, company).await,
        };
        self.progress().running.remove(&index);
        let Judged::Row(mut judgement) = judged else {
            return Some(index);
        };
        judgement.row.took = began.elapsed();
        let row = &judgement.row;
        self.observer.finished(row);
        let mut progress = self.progress();
        if self.options.fail_fast && row.verdict == Verdict::Fail && progress.stopped_by.is_none() {
            progress.stopped_by = Some(row.id.clone());
        }
        progress.rows[index] = Some(*judgement);
        None
    }

    /// Why a row does not run at all, as its row.
    fn obstacle(&self, planned: &Planned) -> Option<Row> {
        let skip = |reason: &str| Some(Row::of(planned, Verdict::Skip).because(reason));
        if let Some(by) = &self.progress().stopped_by {
            return skip(&format!(
                "not run: {by} failed, and the first failure ends the run"
            ));
        }
        if planned.case.needs(Needs::Kms) && !self.target.call.is_kms() {
            return skip("needs the KMS interface");
        }
        if planned.case.needs(Needs::Fresh) && !self.launch().is_some_and(|launch| launch.anew()) {
            return skip("needs a target that starts anew: control verb reset or start");
        }
        if planned.case.needs(Needs::Clock) && !self.options.clock {
            return skip("needs a target whose clock is right");
        }
        None
    }

    async fn judge(&self, planned: &Planned, company: Company) -> Judged {
        if let (true, Some(launch)) = (planned.case.needs(Needs::Fresh), self.launch()) {
            return Judged::Row(Box::new(self.judge_fresh(planned, launch).await));
        }
        if let (true, Some(launch)) = (planned.case.needs(Needs::Own), self.launch())
            && launch.several()
        {
            return Judged::Row(Box::new(self.judge_own(planned, launch).await));
        }
        let alone = company == Company::Alone && planned.case.needs(Needs::Alone);
        let (endpoint, generation) = match self.shared_place(alone).await {
            Ok(found) => found,
            Err(reason) => {
                let reason = format!("not run: {reason}");
                let row = Row::of(planned, Verdict::Error).because(reason);
                return Judged::Row(Box::new(row.into()));
            }
        };
        let mut attempts = Vec::new();
        for _ in 0..self.options.repeat.max(1) {
            let mut attempt = attempt(planned, Arc::clone(&endpoint), &self.options).await;
            let health = self.health_after(planned, &attempt, &endpoint).await;
            if let Err(problem) = &health {
                match self.lost(generation, company, problem).await {
                    Loss::Suspect => return Judged::Suspect,
                    Loss::Blamed => attempt.blame(problem),
                    Loss::Unclear(reason) => attempt.outcome = Err(Stop::Error(reason)),
                }
            }
            attempts.push(attempt);
            if health.is_err() {
                break;
            }
        }
        Judged::Row(Box::new(self.row(planned, attempts)))
    }

    /// Runs a row against instances of its own.
    async fn judge_fresh(&self, planned: &Planned, launch: &Arc<dyn Launch>) -> Judgement {
        let mut attempts = Vec::new();
        for _ in 0..self.options.repeat.max(1) {
            let attempt = match self.attempt_fresh(planned, launch).await {
                Ok(attempt) => attempt,
                Err(reason) => return Row::of(planned, Verdict::Error).because(reason).into(),
            };
            attempts.push(attempt);
        }
        self.row(planned, attempts)
    }

    async fn attempt_fresh(
        &self,
        planned: &Planned,
        launch: &Arc<dyn Launch>,
    ) -> Result<Attempt, String> {
        let own = if launch.several() {
            Some(launch.start().await.map_err(|error| error.to_string())?)
        } else {
            self.renew().await?;
            None
        };
        let endpoint = match &own {
            Some(instance) => {
                self.endpoint_at(instance.address(), Memory::default(), instance.controls())
            }
            None => self.shared_place(true).await?.0,
        };
        let mut attempt = attempt(planned, Arc::clone(&endpoint), &self.options).await;
        if let Err(problem) = self.health_after(planned, &attempt, &endpoint).await {
            attempt.blame(&problem);
        }
        if let Some(instance) = own {
            instance.stop().await;
        }
        Ok(attempt)
    }

    /// Runs a row against an instance that nobody else uses meanwhile.
    async fn judge_own(&self, planned: &Planned, launch: &Arc<dyn Launch>) -> Judgement {
        let mut attempts = Vec::new();
        for _ in 0..self.options.repeat.max(1) {
            match self.attempt_own(planned, launch).await {
                Ok(attempt) => attempts.push(attempt),
                Err(reason) => return Row::of(planned, Verdict::Error).because(reason).into(),
            }
        }
        self.row(planned, attempts)
    }

    async fn attempt_own(
        &self,
        planned: &Planned,
        launch: &Arc<dyn Launch>,
    ) -> Result<Attempt, String> {
        let idle = lock(&self.owned).pop();
        let mut owned = match idle {
            Some(owned) => owned,
            None => Owned {
                instance: launch.start().await.map_err(|error| error.to_string())?,
                memory: Memory::default(),
                cases: 0,
            },
        };
        owned.cases += 1;
        let Owned {
            instance,
            memory,
            cases,
        } = &owned;
        let endpoint = self.endpoint_at(instance.address(), memory.clone(), instance.controls());
        let mut attempt = attempt(planned, Arc::clone(&endpoint), &self.options).await;
        if attempt.outcome.is_ok() && *cases < CASES_OF_ONE {
            lock(&self.owned).push(owned);
            return Ok(attempt);
        }
        if let Err(problem) = self.health_after(planned, &attempt, &endpoint).await {
            attempt.blame(&problem);
        }
        owned.instance.stop().await;
        Ok(attempt)
    }

    /// The target's health after a case that may have hurt it: one that is meant to, or one that did not pass.
    async fn health_after(
        &self,
        planned: &Planned,
        attempt: &Attempt,
        endpoint: &Arc<Endpoint>,
    ) -> Result<(), String> {
        let skipped = matches!(attempt.outcome, Err(Stop::Skip(_)));
        if skipped || attempt.outcome.is_ok() && !planned.case.needs(Needs::Probe) {
            return Ok(());
        }
        self.look(endpoint).await
    }

    async fn look(&self, endpoint: &Arc<Endpoint>) -> Result<(), String> {
        if !self.options.health {
            return Ok(());
        }
        let exactness = self.progress().exactness;
        health::look(endpoint, self.options.seed, exactness).await
    }

    /// What follows from the target's not serving after a case that began in this generation.
    async fn lost(&self, generation: u64, company: Company, problem: &str) -> Loss {
        let mut place = self.place.lock().await;
        let Some(place) = place.as_mut() else {
            return Loss::Unclear("there is no target".to_owned());
        };
        let running = self.running();
        let together = company == Company::Others;
        if let Some(reason) = &place.dead {
            return Loss::Unclear(reason.clone());
        }
        if together && place.generation != generation {
            return Loss::Suspect;
        }
        let recovered = self.look(&self.endpoint_of(place)).await.is_ok();
        if recovered {
            place.generation += 1;
        } else if let Err(error) = place.renew(&self.target).await {
            let reason = died(problem, &error, &running);
            place.dead = Some(reason.clone());
            self.progress().unable.push(reason.clone());
            return if running.len() <= 1 {
                Loss::Blamed
            } else {
                Loss::Unclear(reason)
            };
        }
        if together {
            Loss::Suspect
        } else {
            Loss::Blamed
        }
    }

    /// Starts the shared instance anew.
    async fn renew(&self) -> Result<(), String> {
        let mut place = self.place.lock().await;
        let place = place.as_mut().ok_or("there is no target")?;
        let renewed = place.renew(&self.target).await;
        renewed.map_err(|error| {
            place.dead = Some(error.to_string());
            error.to_string()
        })
    }

    /// The shared instance and its generation; whoever is alone with it may use its control verbs.
    async fn shared_place(&self, alone: bool) -> Result<(Arc<Endpoint>, u64), String> {
        let place = self.place.lock().await;
        let place = place.as_ref().ok_or("there is no target")?;
        if let Some(reason) = &place.dead {
            return Err(reason.clone());
        }
        let controls = place.controls().filter(|_| alone);
        let endpoint = self.endpoint_at(place.address, place.memory.clone(), controls);
        Ok((endpoint, place.generation))
    }

    fn row(&self, planned: &Planned, attempts: Vec<Attempt>) -> Judgement {
        judge(planned, attempts, &self.options)
    }

    /// The ids of the cases under way.
    fn running(&self) -> Vec<String> {
        let progress = self.progress();
        let ids = progress.running.keys().map(|index| &self.plan[*index].id);
        ids.cloned().collect()
    }

    fn launch(&self) -> Option<&Arc<dyn Launch>> {
        match &self.target.origin {
            Origin::Address(_) | Origin::Client(_) => None,
            Origin::Launch(launch) => Some(launch),
        }
    }

    fn endpoint_of(&self, place: &Place) -> Arc<Endpoint> {
        self.endpoint_at(place.address, place.memory.clone(), None)
    }

    fn endpoint_at(
        &self,
        address: SocketAddr,
        memory: Memory,
        controls: Option<Arc<dyn Control>>,
    ) -> Arc<Endpoint> {
        Arc::new(Endpoint {
            address,
            call: self.target.call.clone(),
            keys: Arc::clone(&self.target.keys),
            timing: self.options.timing,
            now: Some(self.now),
            memory,
            controls,
        })
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }

    /// Stops the target if it is ours, and puts together what is known; `cut` is why the run ended early, if it did.
    pub(super) async fn finish(&self, cut: Option<String>, began: Instant) -> RunResult {
        let mut log = String::new();
        if let Some(place) = self.place.lock().await.as_mut() {
            place.stop().await;
            place.log().clone_into(&mut log);
        }
        let owned = std::mem::take(&mut *lock(&self.owned));
        for Owned { instance, .. } in owned {
            instance.stop().await;
        }
        let (rows, mut unable) = {
            let mut progress = self.progress();
            (std::mem::take(&mut progress.rows), progress.unable.clone())
        };
        unable.extend(cut);
        let why = unable
            .first()
            .map_or("the harness has a bug", String::as_str);
        let missing = |planned: &Planned| {
            let row = Row::of(planned, Verdict::Error);
            Judgement::from(row.because(format!("not run: {why}")))
        };
        let judgements: Vec<Judgement> = rows
            .into_iter()
            .zip(&self.plan)
            .map(|(row, planned)| row.unwrap_or_else(|| missing(planned)))
            .collect();
        let every = every_answer(&self.every_answer, &judgements, self.options.level);
        let rows = judgements.into_iter().map(|judgement| judgement.row);
        let rows = rows.chain(every).collect();
        RunResult {
            target: self.target.name.clone(),
            seed: self.options.seed,
            now: self.now,
            level: self.options.level,
            unable,
            rows,
            broken_expectations: Vec::new(),
            part: None,
            log,
            took: began.elapsed(),
        }
    }
}

fn died(problem: &str, error: &LaunchError, running: &[String]) -> String {
    let mut reason = format!(
        "the target died while {} ran: {problem}",
        running.join(", ")
    );
    if running.len() > 1 {
        reason.push_str("; one job at a time tells which of them did it");
    }
    if !matches!(error, LaunchError::NotOurs) {
        reason = format!("{reason}; {error}");
    }
    reason
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
