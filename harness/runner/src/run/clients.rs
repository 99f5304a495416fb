//! One run against a client under way: nonsense first, then a look at whether it asks at all, the cases, and that look again.

use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kmspec_rules::Memory;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::Version;
use tokio::net::TcpListener;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinSet;

use super::attempt::{Attempt, Judgement, guarded, judge};
use super::every::every_answer;
use super::{Observer, Row, RunResult};
use crate::case::{CaseFuture, Story};
use crate::free;
use crate::listener::{Known, Listener, Outcome};
use crate::peer::{Endpoint, Peer, Record, system_time};
use crate::plan::{About, Options, Plan, Planned};
use crate::target::Target;
use crate::target::client::{ClientSource, ClientTarget, Verb};
use crate::verdict::{Stop, Verdict};

/// One run against a client, shared by the tasks that run its cases.
pub(super) struct ClientSession {
    plan: Vec<Planned>,
    every_answer: Vec<About>,
    target: Target,
    client: ClientTarget,
    options: Options,
    now: FileTime,
    observer: Arc<dyn Observer>,
    /// The one place where a client that is not ours to start connects.
    awaited: AsyncMutex<Option<Arc<TcpListener>>>,
    progress: Mutex<Progress>,
}

/// What is known so far.
#[derive(Debug, Default)]
struct Progress {
    rows: BTreeMap<usize, Judgement>,
    unable: Vec<String>,
    known: Option<Known>,
    /// The case whose failure stops the run.
    stopped_by: Option<String>,
    log: String,
}

impl ClientSession {
    pub(super) fn new(
        plan: Plan,
        target: Target,
        client: ClientTarget,
        options: Options,
        observer: Arc<dyn Observer>,
    ) -> Arc<Self> {
        Arc::new(Self {
            now: options.now.unwrap_or_else(system_time),
            plan: plan.rows,
            every_answer: plan.every_answer,
            target,
            client,
            options,
            observer,
            awaited: AsyncMutex::default(),
            progress: Mutex::default(),
        })
    }

    /// Runs all of it.
    pub(super) async fn go(self: Arc<Self>) {
        if let Err(reason) = self.arrive().await {
            self.progress().unable.push(reason);
            return;
        }
        self.observer.began(self.plan.len());
        let queue: VecDeque<usize> = (0..self.plan.len()).collect();
        let queue = Arc::new(Mutex::new(queue));
        let mut workers = JoinSet::new();
        for _ in 0..self.jobs() {
            let (session, queue) = (self.clone(), queue.clone());
            workers.spawn(async move {
                loop {
                    let next = lock(&queue).pop_front();
                    let Some(index) = next else { break };
                    session.run_row(index).await;
                }
            });
        }
        while workers.join_next().await.is_some() {}
        if self.options.health
            && let Err(problem) = self.look(None).await
        {
            self.progress()
                .unable
                .push(format!("at the end: {problem}"));
        }
    }

    /// A client that connects of its own accord comes when it likes: one case after the other takes what comes.
    fn jobs(&self) -> usize {
        match self.client.source {
            ClientSource::Started(_) => self.options.jobs.max(1),
            ClientSource::Awaited(_) => 1,
        }
    }

    /// Asks the client for what no client can do, and then for what each can.
    async fn arrive(&self) -> Result<(), String> {
        let mut known = UNKNOWN;
        if let ClientSource::Awaited(address) = self.client.source {
            let socket = TcpListener::bind(address).await;
            let socket = socket.map_err(|error| format!("cannot listen on {address}: {error}"))?;
            *self.awaited.lock().await = Some(Arc::new(socket));
        } else {
            known.honest = self.asks_nonsense().await?;
            self.progress().known = Some(known);
        }
        if !self.options.health {
            return Ok(());
        }
        let looked = self.look(None).await;
        let mut foreign = looked.map_err(|problem| format!("at the start: {problem}"))?;
        if matches!(self.client.source, ClientSource::Started(_)) {
            // One version's key may be right where another's message is wrong for other reasons.
            for version in [Version::V6, Version::V5] {
                foreign = foreign && self.look(Some(version)).await.unwrap_or(true);
            }
        }
        known.keys_fit = !foreign;
        self.progress().known = Some(known);
        Ok(())
    }

    /// Whether the client says so when it cannot do what it is asked. Nobody serves it meanwhile.
    async fn asks_nonsense(&self) -> Result<bool, String> {
        let mut listener = self.listener("nonsense", &Arc::default()).await?;
        listener.ask(Verb::Nonsense).map_err(said)?;
        let claims = format!(
            "asked for nonsense (KMSPEC_VERB={}) with nobody to answer, the client claims success: nothing that it says can be relied on",
            Verb::Nonsense
        );
        match listener.outcome(None).await {
            Ok(Outcome::Accepted(_)) => Err(claims),
            Err(Stop::Skip(_)) => Ok(true),
            Err(Stop::Error(reason)) => Err(reason),
            Ok(_) | Err(Stop::Fail(_)) => Ok(false),
        }
    }

    /// Whether the client connects, binds and asks when it is to activate; whether its keys are others than the run's.
    async fn look(&self, version: Option<Version>) -> Result<bool, String> {
        let mut listener = self.listener("health", &Arc::default()).await?;
        if let Some(version) = version {
            listener.protocol(version);
        }
        let mut link = listener.link().await.map_err(said)?;
        // That a bind or a call is not well-formed is for the cases to say.
        let Ok(bind) = link.bind().await else {
            return Ok(false);
        };
        let ack = link.ack(&bind);
        let mut foreign = false;
        if link.accept(&ack).await.is_ok()
            && let Ok(called) = link.called().await
        {
            foreign = link.shows_foreign_keys(&called);
            if let Ok(query) = link.opened(called) {
                link.send(link.good(&query).encoded()).await.map_err(said)?;
            }
        }
        if !foreign {
            let _ = listener.outcome(Some(link)).await;
        }
        Ok(foreign)
    }

    async fn listener(&self, id: &str, record: &Arc<Record>) -> Result<Listener, String> {
        let cannot = |error| format!("cannot listen: {error}");
        let (socket, machine) = match &self.client.source {
            ClientSource::Started(machines) => {
                let socket = free::listen(Ipv4Addr::LOCALHOST.into()).await;
                let socket = socket.map_err(cannot)?;
                let machine = machines.machine().map_err(|error| error.to_string())?;
                (Arc::new(socket), Some(machine))
            }
            ClientSource::Awaited(_) => {
                let socket = self.awaited.lock().await.clone();
                (socket.ok_or("nobody listens")?, None)
            }
        };
        let endpoint = Endpoint {
            address: socket.local_addr().map_err(cannot)?,
            call: self.target.call.clone(),
            keys: Arc::clone(&self.target.keys),
            timing: self.options.timing,
            now: Some(self.now),
            memory: Memory::default(),
            controls: None,
        };
        let peer = Peer::new(
            Arc::new(endpoint),
            Arc::clone(record),
            self.options.seed,
            id,
        );
        let known = self.progress().known.unwrap_or(UNKNOWN);
        let client = self.client.clone();
        Ok(Listener::new(peer, socket, client, id, known, machine))
    }

    async fn run_row(&self, index: usize) {
        let planned = &self.plan[index];
        self.observer.started(planned);
        let began = Instant::now();
        let mut judgement = match self.obstacle(planned) {
            Some(row) => row.into(),
            None => self.judge(planned).await,
        };
        judgement.row.took = began.elapsed();
        let row = &judgement.row;
        self.observer.finished(row);
        let mut progress = self.progress();
        if self.options.fail_fast && row.verdict == Verdict::Fail && progress.stopped_by.is_none() {
            progress.stopped_by = Some(row.id.clone());
        }
        progress.rows.insert(index, judgement);
    }

    /// Why a row does not run at all, as its row.
    fn obstacle(&self, planned: &Planned) -> Option<Row> {
        let progress = self.progress();
        let by = progress.stopped_by.as_ref()?;
        let reason = format!("not run: {by} failed, and the first failure ends the run");
        Some(Row::of(planned, Verdict::Skip).because(reason))
    }

    async fn judge(&self, planned: &Planned) -> Judgement {
        let mut attempts = Vec::new();
        for _ in 0..self.options.repeat.max(1) {
            match self.attempt(planned).await {
                Ok(attempt) => attempts.push(attempt),
                Err(reason) => return Row::of(planned, Verdict::Error).because(reason).into(),
            }
        }
        judge(planned, attempts, &self.options)
    }

    async fn attempt(&self, planned: &Planned) -> Result<Attempt, String> {
        let record = Arc::new(Record::default());
        let Story::Client(story) = planned.case.story else {
            let outcome = Err(Stop::Skip("judges hosts".to_owned()));
            return Ok(Attempt::new(outcome, record));
        };
        let listener = self.listener(&planned.id, &record).await?;
        let wrote = listener.said();
        let story: CaseFuture = story(listener, planned.row);
        let attempt = guarded(story, record, &self.options).await;
        let wrote = wrote.text();
        if matches!(attempt.outcome, Err(Stop::Fail(_) | Stop::Error(_))) && !wrote.is_empty() {
            for line in last_lines(&wrote) {
                attempt.record.note(line);
            }
            let said = format!("{}\n{}\n", planned.id, wrote.trim_end());
            self.progress().log.push_str(&said);
        }
        Ok(attempt)
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }

    /// Puts together what is known; `cut` is why the run ended early, if it did.
    pub(super) fn finish(&self, cut: Option<String>, began: Instant) -> RunResult {
        let mut progress = std::mem::take(&mut *self.progress());
        progress.unable.extend(cut);
        let why = progress.unable.first();
        let why = why.map_or("the harness has a bug", String::as_str);
        let missing = |planned: &Planned| {
            let row = Row::of(planned, Verdict::Error);
            Judgement::from(row.because(format!("not run: {why}")))
        };
        let known = self.plan.iter().enumerate();
        let judgements: Vec<Judgement> = known
            .map(|(index, planned)| {
                let judged = progress.rows.remove(&index);
                judged.unwrap_or_else(|| missing(planned))
            })
            .collect();
        let every = every_answer(&self.every_answer, &judgements, self.options.level);
        let rows = judgements.into_iter().map(|judgement| judgement.row);
        RunResult {
            target: self.target.name.clone(),
            seed: self.options.seed,
            now: self.now,
            level: self.options.level,
            rows: rows.chain(every).collect(),
            unable: progress.unable,
            broken_expectations: Vec::new(),
            part: None,
            log: progress.log,
            took: began.elapsed(),
        }
    }
}

/// What is taken to be true of a client until it is asked.
const UNKNOWN: Known = Known {
    honest: false,
    keys_fit: true,
};

/// The end of what a client wrote, to stand with the case.
fn last_lines(wrote: &str) -> Vec<String> {
    let lines = wrote.lines().map(str::trim_end);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let left_out = lines.len().saturating_sub(MOST_LINES);
    let before = (left_out > 0).then(|| format!("client: ({left_out} lines before)"));
    let rest = lines.iter().skip(left_out).map(|line| {
        let mut short: String = line.chars().take(LONGEST_LINE).collect();
        if short.len() < line.len() {
            short.push('…');
        }
        format!("client: {short}")
    });
    before.into_iter().chain(rest).collect()
}

/// Lines of a client's output that stand with the case.
const MOST_LINES: usize = 10;
/// Characters of such a line.
const LONGEST_LINE: usize = 200;

fn said(stop: Stop) -> String {
    match stop {
        Stop::Fail(failure) => format!("the client asks for nothing: {failure}"),
        Stop::Skip(reason) | Stop::Error(reason) => reason,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_a_client_wrote_the_end_is_told_and_how_much_that_is() {
        assert_eq!(
            last_lines("ato: exit status 1\n\n one \r\n"),
            ["client: ato: exit status 1", "client:  one"]
        );
        let many: Vec<String> = (1..=13).map(|number| format!("line {number}")).collect();
        let told = last_lines(&many.join("\n"));
        assert_eq!(told.len(), MOST_LINES + 1);
        assert_eq!(told[0], "client: (3 lines before)");
        assert_eq!(told[MOST_LINES], "client: line 13");
        let told = last_lines(&"ü".repeat(LONGEST_LINE + 1));
        assert_eq!(told, [format!("client: {}…", "ü".repeat(LONGEST_LINE))]);
    }
}
