//! Machines with a lab client on them, in this process.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kmspec_model::client::{Client, Edition, HostAddress, Machine as Kind, State, Step};
use kmspec_runner::target::client::{End, Errand, Machine, Machines, Running, Status, Verb};
use kmspec_runner::target::{LaunchError, Pending};
use kmspec_wire::filetime::FileTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Makes them.
#[derive(Debug, Default)]
pub(crate) struct Lab(AtomicU64);

impl Machines for Lab {
    fn machine(&self) -> Result<Box<dyn Machine>, LaunchError> {
        let seed = self.0.fetch_add(1, Ordering::Relaxed) << 16;
        Ok(Box::new(Own {
            seed,
            state: Arc::default(),
        }))
    }
}

/// One of them, and what its client remembers.
#[derive(Debug)]
struct Own {
    seed: u64,
    state: Arc<Mutex<Option<State>>>,
}

impl Machine for Own {
    fn start(&mut self, errand: &Errand) -> Pending<'_, Result<Box<dyn Running>, LaunchError>> {
        self.seed += 1;
        let (seed, state, errand) = (self.seed, Arc::clone(&self.state), errand.clone());
        let task = tokio::spawn(async move { work(seed, &state, &errand).await });
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
async fn work(seed: u64, memory: &Mutex<Option<State>>, errand: &Errand) -> End {
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
        Verb::Due | Verb::Activate => activate(&mut client, now).await,
    };
    *remembered() = Some(client.state().clone());
    end
}

async fn activate(client: &mut Client, now: FileTime) -> End {
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
            let read = timeout(TIME_LIMIT, exchange).await;
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

const TIME_LIMIT: Duration = Duration::from_millis(2500);
