//! The lab client, in this process: a machine for each case.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kmspec_model::client::{Client, Edition, HostAddress, Machine as Kind, State, Step};
use kmspec_runner::Target;
use kmspec_runner::target::client::{
    ClientSource, End, Errand, Machine, Machines, Running, Status, Statuses, Verb,
};
use kmspec_runner::target::{ClientTarget, LaunchError, Pending};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Machines with a lab client on them.
#[derive(Clone, Debug)]
pub(crate) struct LabMachines {
    seed: u64,
    /// How long the client waits for a connection, and for an answer.
    limit: Duration,
}

impl LabMachines {
    /// Those whose randomness follows from the run's seed.
    pub(crate) const fn seeded(seed: u64) -> Self {
        let limit = Duration::from_secs(3);
        Self { seed, limit }
    }

    /// A lab client as a target.
    pub(crate) fn target(self, name: impl Into<String>, keys: Arc<KeySet>) -> Target {
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
            seed: self.seed << 16,
            state: Arc::default(),
        }))
    }
}

/// One of them, and what its client remembers.
#[derive(Debug)]
struct Own {
    limit: Duration,
    seed: u64,
    state: Arc<Mutex<Option<State>>>,
}

impl Machine for Own {
    fn start(&mut self, errand: &Errand) -> Pending<'_, Result<Box<dyn Running>, LaunchError>> {
        self.seed += 1;
        let (seed, limit) = (self.seed, self.limit);
        let (state, errand) = (Arc::clone(&self.state), errand.clone());
        let task = tokio::spawn(async move { work(seed, limit, &state, &errand).await });
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
            end.unwrap_or_else(|error| end_of(Status::Signalled(6), error.to_string()))
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

fn end_of(status: Status, output: String) -> End {
    End {
        status,
        errors: output.clone(),
        output,
    }
}

/// Does what the errand says.
async fn work(seed: u64, limit: Duration, memory: &Mutex<Option<State>>, errand: &Errand) -> End {
    let now = errand.clock.unwrap_or_else(clock);
    let remembered = || memory.lock().unwrap_or_else(PoisonError::into_inner);
    let edition = Edition::named("vista-enterprise").expect("an edition of the lab");
    let state = remembered().clone();
    let mut state = state.unwrap_or_else(|| State::installed(Kind::of(edition), now));
    if let Some(version) = errand.protocol {
        state.machine.version = version;
    }
    let mut client = Client::restore(state, now, seed);
    client.register(
        errand
            .host
            .to_string()
            .parse::<HostAddress>()
            .expect("an address"),
    );
    let end = match errand.verb {
        Verb::Nonsense => end_of(Status::CANNOT, "no such verb".to_owned()),
        Verb::Show => end_of(Status::Exited(0), format!("{:?}", client.standing(now))),
        Verb::Due if client.due().is_none_or(|due| due > now) => {
            end_of(Status::Exited(0), String::new())
        }
        Verb::Due | Verb::Activate => activate(&mut client, now, limit).await,
    };
    *remembered() = Some(client.state().clone());
    end
}

async fn activate(client: &mut Client, now: FileTime, limit: Duration) -> End {
    let mut activation = client
        .activate(now)
        .expect("the edition's key is installed");
    while let Step::Connect(host) = activation.step() {
        let mut out = Vec::new();
        let Ok(mut stream) = TcpStream::connect(host.to_string()).await else {
            activation.failed("refused");
            continue;
        };
        activation.connected(&mut out);
        loop {
            let mut octets = [0; 4096];
            let exchange = async {
                stream.write_all(&out).await?;
                stream.read(&mut octets).await
            };
            let read = timeout(limit, exchange).await;
            out.clear();
            let Ok(Ok(len @ 1..)) = read else {
                activation.failed("closed, reset or silent");
                break;
            };
            if !activation.receive(&octets[..len], &mut out) {
                break;
            }
        }
    }
    let outcome = client.conclude(now, activation);
    let mut said = format!("0x{:08X}", outcome.result.hresult().0);
    for tried in outcome.tried {
        let _ = write!(said, "\n{}: {}", tried.what, tried.why);
    }
    let status = u8::from(!outcome.result.is_success());
    end_of(Status::Exited(status), said)
}

fn clock() -> FileTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let nanos = since.unwrap_or_default().as_nanos();
    FileTime::from_unix_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}
