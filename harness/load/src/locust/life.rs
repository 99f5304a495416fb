use std::io;
use std::process;
use std::rc::Rc;
use std::time::Duration;

use rmpv::Value;
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::message::{Message, Spawn, map};
use super::stats;
use super::users::{Cpu, Shared, Users, unix_now};
use super::zmtp::{self, Event, Zmtp};
use crate::machine;
use crate::measure::Interval;
use crate::plan::{Endpoint, Interrupt, Plan, PlanError};

/// A worker of a Locust master.
pub struct Locust<'a> {
    /// Where the master is: HOST:PORT.
    pub master: String,
    /// How users ask. Pattern and stages do not matter: the master has its own.
    pub plan: Plan,
    /// What the load goes to, given what the master's `--host` says.
    pub endpoint: &'a dyn Fn(Option<&str>) -> Result<Endpoint, String>,
    /// Asks the worker to leave.
    pub interrupt: Interrupt,
    /// Is told what happens, a line each.
    pub told: &'a dyn Fn(&str),
}

/// Why a worker ended other than by the master's will.
#[derive(Debug, Error)]
pub enum LocustError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// No connection, or none any more.
    #[error("the Locust master at {master}: {source}")]
    Io {
        /// Where.
        master: String,
        /// What the system says.
        source: io::Error,
    },
    /// Something else listens there.
    #[error("the Locust master at {0}: {1}")]
    Zmtp(String, String),
    /// It was silent.
    #[error("the Locust master at {master} said nothing for {seconds} s")]
    Silent {
        /// Where.
        master: String,
        /// How long.
        seconds: u64,
    },
    /// There is nothing to put load on.
    #[error("no target: {0}")]
    Target(String),
}

/// What a worker did.
#[derive(Clone, Debug, PartialEq)]
pub struct Worked {
    /// How many tests the master began.
    pub tests: u64,
    /// Everything of the last one.
    pub total: Interval,
}

/// How often to say that we are there, and how busy. Source: Locust 2.47, `HEARTBEAT_INTERVAL`.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How often to report figures. Source: Locust 2.47, `WORKER_REPORT_INTERVAL`.
const REPORT: Duration = Duration::from_secs(3);
/// How long without an `ack` until we say again that we are ready.
const ACK: Duration = Duration::from_secs(5);
/// How long a master may be silent, and how long to try to reach it. Source: Locust 2.47, `MASTER_HEARTBEAT_TIMEOUT`.
const SILENCE: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(20);
/// How long users have for their last answer at least.
const LAST_ANSWER: Duration = Duration::from_millis(200);
/// Longest such time, whatever the master says.
const LONGEST_STOP: Duration = Duration::from_secs(60);

impl Locust<'_> {
    /// Works until the master says quit, or somebody interrupts.
    ///
    /// # Errors
    /// The master cannot be reached, is none, or falls silent.
    pub async fn work(&self) -> Result<Worked, LocustError> {
        self.plan.check()?;
        LocalSet::new().run_until(self.live()).await
    }

    async fn live(&self) -> Result<Worked, LocustError> {
        let mut life = Life {
            locust: self,
            node: format!(
                "kmspec_{:08x}{:016x}",
                process::id(),
                crate::num::count(unix_now() * 1e6)
            ),
            shared: Rc::new(Shared::new()),
            users: None,
            state: "ready",
            newest: 0.0,
            tests: 0,
            cpu: Cpu::new(),
            stop_timeout: LAST_ANSWER,
        };
        loop {
            let mut line = Line::open(self, &life.node).await?;
            if life.on(&mut line).await? == Then::Leave {
                let total = life.shared.total();
                return Ok(Worked {
                    tests: life.tests,
                    total,
                });
            }
            (self.told)("connecting again, as the master asks");
        }
    }
}

/// What comes after a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Again,
    Leave,
}

struct Life<'a> {
    locust: &'a Locust<'a>,
    node: String,
    shared: Rc<Shared>,
    users: Option<Users>,
    state: &'static str,
    /// Timestamp of the newest `spawn`.
    newest: f64,
    tests: u64,
    cpu: Cpu,
    /// How long users have for their last answer when a test stops.
    stop_timeout: Duration,
}

impl Life<'_> {
    /// Lives on one connection.
    async fn on(&mut self, line: &mut Line<'_>) -> Result<Then, LocustError> {
        self.ready(line).await?;
        let (mut heartbeat, mut report) = (interval(HEARTBEAT), interval(REPORT));
        for ticks in [&mut heartbeat, &mut report] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let (mut heard, mut asked, mut known) = (Instant::now(), Instant::now(), false);
        loop {
            let message = tokio::select! {
                message = line.receive() => Some(message?),
                _ = heartbeat.tick() => {
                    self.heartbeat(line).await?;
                    None
                }
                _ = report.tick() => {
                    self.report(line).await?;
                    None
                }
            };
            if self.locust.interrupt.is_asked() {
                self.quit(line).await?;
                self.say(line, "quit", Value::Nil).await?;
                return Ok(Then::Leave);
            }
            let Some(message) = message else {
                if heard.elapsed() > SILENCE {
                    let (master, seconds) = (self.locust.master.clone(), SILENCE.as_secs());
                    return Err(LocustError::Silent { master, seconds });
                }
                if !known && asked.elapsed() > ACK {
                    asked = Instant::now();
                    self.ready(line).await?;
                }
                continue;
            };
            heard = Instant::now();
            match message.kind.as_str() {
                "ack" => known = true,
                "spawn" => self.spawn(line, &message.data).await?,
                "stop" => self.stop(line).await?,
                "quit" => {
                    self.quit(line).await?;
                    return Ok(Then::Leave);
                }
                "reconnect" => return Ok(Then::Again),
                // Heartbeats, and what a master's own locustfile may send.
                _ => {}
            }
        }
    }

    async fn say(&self, line: &mut Line<'_>, kind: &str, data: Value) -> Result<(), LocustError> {
        line.send(&Message::new(kind, data, &self.node)).await
    }

    /// -1: whatever version the master has.
    async fn ready(&self, line: &mut Line<'_>) -> Result<(), LocustError> {
        self.say(line, "client_ready", (-1).into()).await
    }

    async fn heartbeat(&mut self, line: &mut Line<'_>) -> Result<(), LocustError> {
        let heartbeat = map([
            ("state", self.state.into()),
            ("current_cpu_usage", self.cpu.percent().into()),
            ("current_memory_usage", machine::memory().into()),
        ]);
        self.say(line, "heartbeat", heartbeat).await
    }

    async fn report(&mut self, line: &mut Line<'_>) -> Result<(), LocustError> {
        let users = self.users.as_ref().map(Users::counts).unwrap_or_default();
        let report = stats::report(&self.shared.take(), &users, unix_now());
        self.say(line, "stats", report).await
    }

    async fn spawn(&mut self, line: &mut Line<'_>, data: &Value) -> Result<(), LocustError> {
        let spawn = Spawn::read(data).map_err(|error| line.wrong(error))?;
        // One that was overtaken.
        if spawn.timestamp <= self.newest {
            return Ok(());
        }
        self.newest = spawn.timestamp;
        let asked = Duration::try_from_secs_f64(spawn.stop_timeout).unwrap_or_default();
        self.stop_timeout = asked.clamp(LAST_ANSWER, LONGEST_STOP);
        self.say(line, "spawning", Value::Nil).await?;
        if self.state == "ready" {
            self.shared.clear();
            self.tests += 1;
            let endpoint =
                (self.locust.endpoint)(spawn.host.as_deref()).map_err(LocustError::Target)?;
            (self.locust.told)(&format!("a test of {} begins", endpoint.name));
            let plan = self.locust.plan.clone();
            self.users = Some(Users::new(plan, endpoint, Rc::clone(&self.shared)));
        }
        self.state = "running";
        let Some(users) = &mut self.users else {
            return Ok(());
        };
        users.reach(&spawn.users);
        let counts = users.counts();
        let all: usize = counts.values().sum();
        (self.locust.told)(&format!("{all} users"));
        let count = |count: usize| Value::from(crate::num::wide(count));
        let classes = counts
            .iter()
            .map(|(class, users)| (class.as_str().into(), count(*users)));
        let complete = map([
            ("user_classes_count", Value::Map(classes.collect())),
            ("user_count", count(all)),
        ]);
        self.say(line, "spawning_complete", complete).await
    }

    async fn end_users(&mut self, patience: Duration) {
        if let Some(mut users) = self.users.take() {
            users.stop(patience).await;
        }
    }

    async fn stop(&mut self, line: &mut Line<'_>) -> Result<(), LocustError> {
        self.end_users(self.stop_timeout).await;
        self.report(line).await?;
        self.say(line, "client_stopped", Value::Nil).await?;
        (self.locust.told)("the test is over");
        self.state = "ready";
        self.ready(line).await
    }

    /// The master listens only half a second longer.
    async fn quit(&mut self, line: &mut Line<'_>) -> Result<(), LocustError> {
        self.end_users(LAST_ANSWER).await;
        self.report(line).await
    }
}

/// A connection to the master.
struct Line<'a> {
    locust: &'a Locust<'a>,
    stream: TcpStream,
    zmtp: Zmtp,
    octets: Vec<u8>,
}

impl<'a> Line<'a> {
    /// Connects; a master that is not there yet may come.
    async fn open(locust: &'a Locust<'a>, node: &str) -> Result<Self, LocustError> {
        let began = Instant::now();
        let stream = loop {
            match TcpStream::connect(&locust.master).await {
                Ok(stream) => break stream,
                Err(source) if began.elapsed() > CONNECT || locust.interrupt.is_asked() => {
                    let master = locust.master.clone();
                    return Err(LocustError::Io { master, source });
                }
                Err(_) => sleep(Duration::from_millis(200)).await,
            }
        };
        let mut line = Self {
            locust,
            stream,
            zmtp: Zmtp::default(),
            octets: vec![0; 8192],
        };
        line.write(&zmtp::hello(node)).await?;
        match timeout(CONNECT, line.event()).await {
            Ok(Ok(Event::Ready)) => Ok(line),
            Ok(Ok(_)) => Err(line.wrong("a message before the handshake")),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(line.io(io::ErrorKind::TimedOut.into())),
        }
    }

    async fn send(&mut self, message: &Message) -> Result<(), LocustError> {
        self.write(&zmtp::message(&message.to_bytes())).await
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), LocustError> {
        let written = self.stream.write_all(octets).await;
        written.map_err(|error| self.io(error))
    }

    /// The next message. Nothing is lost if nobody waits for it to the end.
    async fn receive(&mut self) -> Result<Message, LocustError> {
        loop {
            if let Event::Message(octets) = self.event().await? {
                return Message::from_bytes(&octets).map_err(|error| self.wrong(error));
            }
        }
    }

    async fn event(&mut self) -> Result<Event, LocustError> {
        loop {
            match self.zmtp.next() {
                Ok(Some(Event::Ping(pong))) => self.write(&pong).await?,
                Ok(Some(event)) => return Ok(event),
                Ok(None) => {}
                Err(error) => return Err(self.wrong(error)),
            }
            match self.stream.read(&mut self.octets).await {
                Ok(0) => return Err(self.io(io::ErrorKind::UnexpectedEof.into())),
                Ok(got) => self.zmtp.push(self.octets.get(..got).unwrap_or_default()),
                Err(error) => return Err(self.io(error)),
            }
        }
    }

    fn io(&self, source: io::Error) -> LocustError {
        LocustError::Io {
            master: self.locust.master.clone(),
            source,
        }
    }

    fn wrong(&self, error: impl ToString) -> LocustError {
        LocustError::Zmtp(self.locust.master.clone(), error.to_string())
    }
}
