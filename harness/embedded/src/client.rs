//! The lab client, in this process: a machine for each case.

mod lookup;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kmspec_lab::client::{ActivateError, ClientClock, Forget, LabClient, Timeouts};
use kmspec_model::client::fault::{Fault, Faults};
use kmspec_model::client::{Client, Done, Edition, Machine as Kind, Refusal, State, Suffixes};
use kmspec_runner::Target;
use kmspec_runner::target::client::{
    ClientSource, End, Errand, Machine, Machines, Running, Status, Statuses, Verb,
};
use kmspec_runner::target::{ClientTarget, LaunchError, Pending};
use kmspec_slmgr::{Command, Language, Notice, result_line};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use tokio::task::JoinHandle;

use lookup::CaseLookup;

/// Machines with a lab client on them.
#[derive(Clone, Debug)]
pub struct LabMachines {
    seed: u64,
    /// How long the client waits for a connection, and for an answer.
    limit: Duration,
    faults: Faults,
}

impl LabMachines {
    /// Those whose randomness follows from the run's seed.
    pub const fn seeded(seed: u64) -> Self {
        Self {
            seed,
            limit: Duration::from_secs(3),
            faults: Faults::NONE,
        }
    }

    /// The same, whose clients give up a silent host within half a second.
    #[must_use]
    pub const fn hasty(mut self) -> Self {
        self.limit = Duration::from_millis(400);
        self
    }

    /// The same with a deliberate defect.
    #[must_use]
    pub const fn with_fault(mut self, fault: Fault) -> Self {
        self.faults = Faults::only(fault);
        self
    }

    /// A lab client as a target.
    pub fn target(self, name: impl Into<String>, keys: Arc<KeySet>) -> Target {
        let client = ClientTarget {
            patience: self.limit * 3,
            source: ClientSource::Started(Arc::new(self)),
            statuses: Statuses::default(),
        };
        Target::client(name, client, keys)
    }
}

impl Machines for LabMachines {
    fn machine(&self) -> Result<Box<dyn Machine>, LaunchError> {
        Ok(Box::new(Own {
            limit: self.limit,
            faults: self.faults,
            seed: self.seed << 32,
            state: Arc::default(),
        }))
    }
}

/// One of them, and what its client remembers.
#[derive(Debug)]
struct Own {
    limit: Duration,
    faults: Faults,
    seed: u64,
    state: Arc<Mutex<Option<State>>>,
}

impl Machine for Own {
    fn start(&mut self, errand: &Errand) -> Pending<'_, Result<Box<dyn Running>, LaunchError>> {
        self.seed += 1;
        let machine = u64::try_from(errand.machine).unwrap_or_default();
        let job = Job {
            seed: self.seed + (machine << 16),
            limit: self.limit,
            faults: self.faults,
            errand: errand.clone(),
        };
        let state = Arc::clone(&self.state);
        let task = tokio::spawn(async move { job.done(&state).await });
        Box::pin(std::future::ready(Ok(
            Box::new(Task(task)) as Box<dyn Running>
        )))
    }
}

#[derive(Debug)]
struct Task(JoinHandle<End>);

impl Running for Task {
    fn ended(&mut self) -> Pending<'_, End> {
        Box::pin(async {
            let end = (&mut self.0).await;
            end.unwrap_or_else(|error| ended(Status::Signalled(6), error.to_string()))
        })
    }

    fn output(&self) -> String {
        String::new()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a task works with.
#[derive(Debug)]
struct Job {
    seed: u64,
    limit: Duration,
    faults: Faults,
    errand: Errand,
}

impl Job {
    /// Does what the errand says, with what the machine remembers.
    async fn done(self, memory: &Mutex<Option<State>>) -> End {
        let remembered = || memory.lock().unwrap_or_else(PoisonError::into_inner);
        let errand = &self.errand;
        let clock = match errand.clock {
            Some(time) => ClientClock::starting_at(time),
            None => ClientClock::system(),
        };
        let now = clock.now();
        let state = remembered().clone();
        let mut client = match self.client(state, now) {
            Ok(client) => client,
            Err(why) => return ended(Status::CANNOT, why),
        };
        let (end, state) = match errand.verb {
            Verb::Nonsense => {
                let why = format!("the lab client has no verb {}", errand.verb);
                (ended(Status::CANNOT, why), client.state().clone())
            }
            Verb::Due if client.due().is_none_or(|due| due > now) => (
                ended(Status::Exited(0), String::new()),
                client.state().clone(),
            ),
            Verb::Due | Verb::Activate | Verb::Discover => self.activate(client, clock).await,
            verb => {
                let value = &errand.value;
                let line = match verb {
                    Verb::Unelevated => value.clone(),
                    Verb::Service | Verb::StandardUser => format!("{verb} {value}"),
                    _ => format!("-{verb} {value}"),
                };
                let elevated = verb != Verb::Unelevated;
                match self.administer(&mut client, now, elevated, &line) {
                    Some(end) => (end, client.state().clone()),
                    None => self.activate(client, clock).await,
                }
            }
        };
        *remembered() = Some(state);
        end
    }

    /// The machine as it starts: new, or with what it remembers.
    fn client(&self, state: Option<State>, now: FileTime) -> Result<Client, String> {
        let errand = &self.errand;
        let wanted = errand.edition.unwrap_or(EDITION);
        let edition =
            Edition::named(wanted).ok_or_else(|| format!("there is no edition {wanted}"))?;
        let mut state = state.unwrap_or_else(|| State::installed(Kind::of(edition), now));
        if let Some(version) = errand.protocol {
            state.machine.version = version;
        }
        if let Some(network) = &errand.network {
            state.discovery.suffixes = Suffixes {
                primary: network.suffix.clone(),
                domain: network.domain.clone(),
                dhcp: network.dhcp_domain.clone(),
            };
        } else if matches!(errand.verb, Verb::Activate | Verb::Due) {
            // Whoever tells it of the host does it right, whatever the faults of its own verb.
            let host = errand.host.to_string().parse();
            state
                .discovery
                .register(host.map_err(|error| format!("{error}"))?);
        }
        Ok(Client::restore(state, now, self.seed).with_faults(self.faults))
    }

    /// Does what a command line of the licence manager says; `None` if that is to ask a host.
    fn administer(
        &self,
        client: &mut Client,
        now: FileTime,
        elevated: bool,
        line: &str,
    ) -> Option<End> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let command = match Command::parse(&words) {
            Ok(command) => command,
            Err(_) if self.faults.has(Fault::NonsenseRegistered) => {
                return Some(ended(Status::Exited(0), String::new()));
            }
            Err(error) => return Some(ended(Status::Exited(2), error.to_string())),
        };
        Some(match client.administer(now, elevated, &command, LANGUAGE) {
            Ok(Done::Shown(report)) => ended(Status::Exited(0), report.write(LANGUAGE)),
            Ok(Done::Said(notices)) => ended(Status::Exited(0), lines(&notices)),
            Ok(Done::Asks(_)) => return None,
            Err(refusal) => ended(Status::Exited(1), refused(&refusal)),
        })
    }

    async fn activate(&self, client: Client, clock: ClientClock) -> (End, State) {
        let before = client.state().clone();
        let timeouts = Timeouts {
            connect: self.limit,
            answer: self.limit,
        };
        let server = self.errand.network.as_ref().map(|network| network.dns);
        let lookup = CaseLookup::of(server, self.limit.min(DNS_LIMIT), self.faults);
        let client = match LabClient::start(client, lookup, Forget, clock, timeouts) {
            Ok(client) => client,
            Err(error) => return (ended(Status::CANNOT, error.to_string()), before),
        };
        let outcome = match client.activate().await {
            Ok(outcome) => outcome,
            Err(ActivateError::NotAsking(why)) => {
                return (ended(Status::Exited(1), why.to_string()), before);
            }
            Err(error) => return (ended(Status::CANNOT, error.to_string()), before),
        };
        let mut said = if self.faults.has(Fault::ResultCodeNotPrinted) {
            "not activated".to_owned()
        } else {
            format!("0x{:08X}", outcome.result.hresult().0)
        };
        for tried in outcome.tried {
            let _ = write!(said, "\n{}: {}", tried.what, tried.why);
        }
        let (crashed, state) = client.look(|client, _| (client.crashed(), client.state().clone()));
        let succeeded = outcome.result.is_success() || self.faults.has(Fault::ExitStatusAlwaysZero);
        let status = match succeeded {
            _ if crashed => Status::Signalled(SEGMENTATION_FAULT),
            true => Status::Exited(0),
            false => Status::Exited(1),
        };
        (ended(status, said), state)
    }
}

fn lines(notices: &[Notice]) -> String {
    let lines = notices.iter().map(|notice| notice.text(LANGUAGE) + "\n");
    lines.collect()
}

fn refused(refusal: &Refusal) -> String {
    match refusal.hresult() {
        Some(code) => result_line(LANGUAGE, code, &refusal.to_string()),
        None => refusal.to_string(),
    }
}

fn ended(status: Status, output: String) -> End {
    End {
        status,
        errors: output.clone(),
        output,
    }
}

/// A product that hosts activate from few machines on, in each version of the protocol.
const EDITION: &str = "vista-enterprise";
/// The longest that a client waits for DNS, twice.
const DNS_LIMIT: Duration = Duration::from_secs(1);
/// What the lab client prints in.
const LANGUAGE: Language = Language::English;
/// The signal of a program that reads where it must not.
const SEGMENTATION_FAULT: i32 = 11;
