//! The lab host on real sockets, under a bare client and under the load generator, beside a bare echo of the same sizes. It
//! reports and judges nothing: what comes out hangs on how busy the machine is. `cargo bench -p kmspec-benches --bench lab`

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kmspec_benches::{Asker, Echo, Until, call};
use kmspec_lab::{LabHost, Settings};
use kmspec_load::plan::{Endpoint, Interrupt, Pattern, Plan, Reuse};
use kmspec_load::schedule::Stage;
use kmspec_wire::codec::ByteOrder;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{open_request, seal_request};
use kmspec_wire::kms::{RequestBody, Version};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{BindBuilder, Body, Header, Pdu, RequestBuilder, SyntaxId};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// How much is measured.
struct Extent {
    /// Open connections.
    open: usize,
    /// How long a rate is measured at a time, and how often. Short ones, many, and by turns: a machine's mood lasts for
    /// seconds, and the host is to be told from the echo, not one mood from another.
    time: Duration,
    rounds: usize,
    /// Requests with a connection each, a round. They cost a port each for a minute.
    fresh: u32,
    /// Requests whose latency is measured.
    latencies: usize,
}

const FULL: Extent = Extent {
    open: 10_000,
    time: Duration::from_millis(300),
    rounds: 15,
    fresh: 300,
    latencies: 20_000,
};

/// Only shows that everything runs.
const TEST: Extent = Extent {
    open: 50,
    time: Duration::from_millis(20),
    rounds: 1,
    fresh: 20,
    latencies: 50,
};

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    raise_open_files()?;
    if let [hold, address, count] = &arguments[..]
        && hold == "--hold"
    {
        return hold_connections(address.parse()?, count.parse()?);
    }
    // As criterion has it: `cargo bench` says so, and what is run otherwise is a test.
    let says = |option: &str| arguments.iter().any(|argument| argument == option);
    let full = says("--bench") && !says("--test");
    let extent = if full { FULL } else { TEST };
    // Parts by name, or all; an option is cargo's own.
    let parts: Vec<&String> = arguments
        .iter()
        .filter(|part| !part.starts_with("--"))
        .collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|wanted| *wanted == part);
    // One thread for the host; the clients have the other core.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let host = runtime.block_on(LabHost::start(Settings::default()))?;
    let talk = Talk::learn(host.address())?;
    if wanted("rates") {
        rates(host.address(), &talk, &extent)?;
    }
    if wanted("flood") {
        flood(host.address(), &talk, &extent)?;
    }
    if wanted("open") {
        open_connections(host.address(), &extent)?;
    }
    runtime.block_on(host.stop());
    Ok(())
}

/// What a client sends, and how long the answers are.
struct Talk {
    bind: Vec<u8>,
    bind_ack: usize,
    request: Vec<u8>,
    response: usize,
}

impl Talk {
    /// Asks once, to know the sizes. The request is one of now: the host refuses what is four hours old, and a refusal is
    /// quicker and shorter than an answer.
    fn learn(address: SocketAddr) -> Outcome<Self> {
        let bind = BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR64]);
        let keys = KeySet::lab();
        let recorded = open_request(&keys, &call(Version::V6).request)?;
        let body = RequestBody {
            client_time: now()?,
            ..recorded.body
        };
        let mut message = Vec::new();
        seal_request(&keys, &body, recorded.iv, &mut message);
        let stub = RequestStub::new(&message).to_bytes(TransferSyntax::Ndr64);
        let mut talk = Self {
            bind: bind.encoded().bytes,
            bind_ack: 0,
            request: RequestBuilder::new(stub).encoded().bytes,
            response: 0,
        };
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(&talk.bind)?;
        talk.bind_ack = pdu(&mut stream)?.len();
        stream.write_all(&talk.request)?;
        let response = pdu(&mut stream)?;
        let Body::Response(answer) = Pdu::decode(&response)?.body else {
            return Err("the host answers with no response".into());
        };
        let stub = ResponseStub::decode(TransferSyntax::Ndr64, ByteOrder::Little, answer.stub)?;
        if stub.response().is_none() {
            return Err(format!("the host refuses: {:#010x}", stub.return_value).into());
        }
        talk.response = response.len();
        Ok(talk)
    }

    /// A connection that is bound.
    fn bound(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.write_all(&self.bind)?;
        stream.read_exact(&mut vec![0; self.bind_ack])?;
        Ok(stream)
    }
}

/// Reads one PDU.
fn pdu(stream: &mut TcpStream) -> Outcome<Vec<u8>> {
    let mut pdu = vec![0; Header::LEN];
    stream.read_exact(&mut pdu)?;
    let size = Header::peek_frag_length(&pdu).map_or(0, usize::from);
    pdu.resize(size.max(Header::LEN), 0);
    stream.read_exact(&mut pdu[Header::LEN..])?;
    Ok(pdu)
}

fn now() -> Outcome<FileTime> {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(FileTime::from_unix_nanos(u64::try_from(unix.as_nanos())?))
}

/// Requests a second by turns: of an echo and of the host by the same bare client, and of the host by the load generator.
fn rates(host: SocketAddr, talk: &Talk, extent: &Extent) -> Outcome {
    let exchanges = [
        (talk.bind.len(), talk.bind_ack),
        (talk.request.len(), talk.response),
    ];
    let asker = Asker {
        first: talk.bind.clone(),
        rest: talk.request.clone(),
        exchanges,
    };
    let echo = Echo::start(exchanges)?;
    let echo = echo.address();
    for (connections, reuse) in [
        (1, Reuse::Kept),
        (16, Reuse::Kept),
        (64, Reuse::Kept),
        (1, Reuse::New),
        (16, Reuse::New),
    ] {
        let until = match reuse {
            Reuse::Kept => Until::Time(extent.time),
            Reuse::New => Until::Answered(extent.fresh),
        };
        let bare = |address| {
            let (time, answers) = asker.ask(address, connections, until)?;
            Ok((time, f64::from(answers)))
        };
        let by_turns = by_turns(
            [&|| bare(echo), &|| bare(host), &|| {
                generated(host, connections, reuse, extent)
            }],
            extent.rounds,
        )?;
        told(&format!("{connections} connections, {reuse:?}"), &by_turns);
    }
    Ok(())
}

/// How quick exchanges were.
#[derive(Clone, Copy, Default)]
struct Rate {
    /// Of them a second.
    each_second: f64,
    /// Processor time of one, of both sides, in microseconds. It tells even on a busy machine.
    processor: f64,
}

/// Takes some time for so many exchanges.
type Measure<'a> = &'a dyn Fn() -> Outcome<(Duration, f64)>;

/// Rates measured by turns, of each round.
fn by_turns(all: [Measure<'_>; 3], rounds: usize) -> Outcome<Vec<[Rate; 3]>> {
    let mut measured = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let mut round = [Rate::default(); 3];
        for (rate, measure) in round.iter_mut().zip(all) {
            let before = processor();
            let (time, count) = measure()?;
            let taken = processor().saturating_sub(before);
            rate.each_second = count / time.as_secs_f64();
            rate.processor = taken.as_secs_f64() * 1e6 / count;
        }
        measured.push(round);
    }
    Ok(measured)
}

/// Medians, and between which ratios to the echo of the same round half of the rounds lie.
fn told(what: &str, rounds: &[[Rate; 3]]) {
    say(&format!("{what}:"));
    for (at, name) in ["echo", "host", "host, load generator"].iter().enumerate() {
        let of = |value: &dyn Fn(&[Rate; 3]) -> f64| quartiles(rounds.iter().map(value).collect());
        let [_, rate, _] = of(&|round| round[at].each_second);
        let [_, processor, _] = of(&|round| round[at].processor);
        let beside = if at == 0 {
            String::new()
        } else {
            let [low, ratio, high] = of(&|round| round[at].each_second / round[0].each_second);
            let [_, by_time, _] = of(&|round| round[0].processor / round[at].processor);
            format!(
                "; echo's rate times {ratio:.2} ({low:.2} to {high:.2}), by processor time {by_time:.2}"
            )
        };
        say(&format!(
            "  {name:22}{rate:8.0}/s {processor:6.1} us of processor{beside}"
        ));
    }
}

/// Lower quartile, median, upper quartile.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_unstable_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

/// A closed loop of the load generator. It verifies no answers, as no client of an echo does.
fn generated(
    address: SocketAddr,
    connections: usize,
    reuse: Reuse,
    extent: &Extent,
) -> Outcome<(Duration, f64)> {
    let endpoint = Endpoint {
        name: "lab host".to_owned(),
        address,
        keys: Arc::new(KeySet::lab()),
        now: now()?,
    };
    let level = f64::from(u32::try_from(connections)?);
    let plan = Plan {
        pattern: Pattern::Closed,
        stages: vec![Stage::flat(extent.time, level)],
        warmup: Duration::ZERO,
        clients: 100,
        connections,
        reuse,
        verify: 0.0,
        ..Plan::default()
    };
    let outcome = kmspec_load::run(&plan, &endpoint, &Interrupt::new(), &())?;
    if outcome.errors() > 0 {
        return Err(format!("{:?}", outcome.total.counts).into());
    }
    let answered = f64::from(u32::try_from(outcome.total.counts.answered)?);
    Ok((Duration::from_nanos(outcome.elapsed_ns), answered))
}

/// Processor time of this process so far: of client and server.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// The latency of one good client, alone and beside a flood of garbage connections.
///
/// The flood has a pace. One that takes all the processor it gets measures the scheduler: host, client and flood share two
/// cores here, and whoever waits for a core waits for milliseconds, whatever the host does.
fn flood(address: SocketAddr, talk: &Talk, extent: &Extent) -> Outcome {
    let quiet = latency(address, talk, extent.latencies)?;
    let (stop, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let flooded = thread::scope(|scope| {
        scope.spawn(|| garbage(address, &stop, &sent));
        while sent.load(Ordering::Relaxed) < IN_FLIGHT {
            thread::sleep(PACE);
        }
        let before = sent.load(Ordering::Relaxed);
        let began = Instant::now();
        let flooded = latency(address, talk, extent.latencies);
        let during = f64::from(u32::try_from(sent.load(Ordering::Relaxed) - before).unwrap_or(0));
        say(&format!(
            "flood: {IN_FLIGHT} garbage connections at a time, {:.0} new ones a second",
            during / began.elapsed().as_secs_f64()
        ));
        stop.store(true, Ordering::Relaxed);
        flooded
    })?;
    for (name, quiet, flooded) in [("p50", quiet.0, flooded.0), ("p99", quiet.1, flooded.1)] {
        let ratio = flooded.as_secs_f64() / quiet.as_secs_f64();
        say(&format!(
            "latency {name}: quiet {quiet:.1?}, under the flood {flooded:.1?}, ratio {ratio:.2}"
        ));
    }
    Ok(())
}

/// Median and 99th percentile of so many requests.
fn latency(address: SocketAddr, talk: &Talk, count: usize) -> Outcome<(Duration, Duration)> {
    let mut stream = talk.bound(address)?;
    let mut answer = vec![0; talk.response];
    let mut each = Vec::with_capacity(count);
    for _ in 0..count {
        let began = Instant::now();
        stream.write_all(&talk.request)?;
        stream.read_exact(&mut answer)?;
        each.push(began.elapsed());
    }
    each.sort_unstable();
    Ok((each[count / 2], each[count * 99 / 100]))
}

/// Garbage connections that are open at a time, and how often there is a new one.
const IN_FLIGHT: usize = 200;
const PACE: Duration = Duration::from_micros(500);

/// Opens connections with garbage until told to stop, and drops the oldest for each. Nobody waits for an answer: to some of
/// it there is none before the idle limit.
fn garbage(address: SocketAddr, stop: &AtomicBool, sent: &AtomicUsize) {
    // A PDU of 42,405 octets that never come, one of none, one that is no first one, and nothing at all.
    let kinds: [&[u8]; 4] = [&[0xa5; 512], &[0; 512], b"GET / HTTP/1.1\r\n\r\n", b""];
    let mut open = VecDeque::with_capacity(IN_FLIGHT);
    let began = Instant::now();
    for (number, kind) in (0..).zip(kinds.into_iter().cycle()) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        thread::sleep((PACE * number).saturating_sub(began.elapsed()));
        if let Ok(mut stream) = TcpStream::connect(address) {
            // The host may close before all of it is there.
            let _ = stream.write_all(kind);
            if open.len() == IN_FLIGHT {
                open.pop_front();
            }
            open.push_back(stream);
        }
        sent.fetch_add(1, Ordering::Relaxed);
    }
}

/// The host's memory with many connections open. The clients are another process, which has files of its own to open.
fn open_connections(address: SocketAddr, extent: &Extent) -> Outcome {
    let before = resident()?;
    let mut clients = Command::new(std::env::current_exe()?)
        .args(["--hold", &address.to_string(), &extent.open.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let output = clients.stdout.take().ok_or("no output")?;
    BufReader::new(output).read_line(&mut line)?;
    let after = resident()?;
    drop(clients.stdin.take());
    clients.wait()?;
    let open = extent.open;
    let grown = after.saturating_sub(before);
    say(&format!(
        "{open} connections bound: {} of them, memory {after} kB, {grown} kB of it theirs",
        line.trim()
    ));
    Ok(())
}

/// Opens and binds connections, says how many, and holds them until its input ends.
fn hold_connections(address: SocketAddr, count: usize) -> Outcome {
    let talk = Talk::learn(address)?;
    let held: Result<Vec<_>, _> = (0..count).map(|_| talk.bound(address)).collect();
    say(&held?.len().to_string());
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// This process's memory, in kB.
fn resident() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().split(' ').next());
    Ok(number.ok_or("no VmRSS")?.parse()?)
}

/// As many open files as the system lets this process have.
fn raise_open_files() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )?;
    Ok(())
}

fn say(text: &str) {
    // A reader that has gone has read enough.
    let _ = writeln!(io::stdout(), "{text}");
}
