//! The lab host on real sockets, beside a bare echo of the same sizes. It reports and judges nothing: what comes out hangs
//! on how busy the machine is. `cargo bench -p kmspec-benches --bench lab`

use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use kmspec_benches::{Echo, call};
use kmspec_lab::{LabHost, Settings};
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{BindBuilder, Header, RequestBuilder, SyntaxId};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// How much is measured.
struct Extent {
    /// Open connections.
    open: usize,
    /// How long each rate is measured, and how often.
    time: Duration,
    rounds: usize,
    /// Requests with a connection each, a round. They cost a port each for a minute.
    fresh: usize,
    /// Requests whose latency is measured.
    latencies: usize,
}

const FULL: Extent = Extent {
    open: 10_000,
    time: Duration::from_secs(1),
    rounds: 3,
    fresh: 2_000,
    latencies: 2_000,
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
    let test = arguments.iter().any(|argument| argument == "--test");
    let extent = if test { TEST } else { FULL };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let host = runtime.block_on(LabHost::start(Settings::default()))?;
    let talk = Talk::learn(host.address())?;
    rates(host.address(), &talk, &extent)?;
    flood(host.address(), &talk, &extent)?;
    open_connections(host.address(), &extent)?;
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
    /// Asks once, to know the sizes.
    fn learn(address: SocketAddr) -> Outcome<Self> {
        let bind = BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR64]);
        let stub = RequestStub::new(&call(Version::V6).request).to_bytes(TransferSyntax::Ndr64);
        let mut talk = Self {
            bind: bind.encoded().bytes,
            bind_ack: 0,
            request: RequestBuilder::new(stub).encoded().bytes,
            response: 0,
        };
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(&talk.bind)?;
        talk.bind_ack = pdu(&mut stream)?;
        stream.write_all(&talk.request)?;
        talk.response = pdu(&mut stream)?;
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

/// Reads one PDU: its size.
fn pdu(stream: &mut TcpStream) -> Outcome<usize> {
    let mut header = [0; 16];
    stream.read_exact(&mut header)?;
    let size = Header::peek_frag_length(&header).map_or(0, usize::from);
    stream.read_exact(&mut vec![0; size.saturating_sub(header.len())])?;
    Ok(size)
}

/// Requests a second, of the host and of an echo, by turns and by the same client.
fn rates(host: SocketAddr, talk: &Talk, extent: &Extent) -> Outcome {
    let exchanges = [
        (talk.bind.len(), talk.bind_ack),
        (talk.request.len(), talk.response),
    ];
    let echo = Echo::start(exchanges)?;
    for connections in [1, 16, 64] {
        let mut best = [0.0_f64; 2];
        for _ in 0..extent.rounds {
            for (best, address) in best.iter_mut().zip([host, echo.address()]) {
                *best = best.max(kept(address, talk, connections, extent.time)?);
            }
        }
        told(&format!("{connections} connections"), best);
    }
    let mut best = [0.0_f64; 2];
    for _ in 0..extent.rounds {
        for (best, address) in best.iter_mut().zip([host, echo.address()]) {
            *best = best.max(fresh(address, talk, extent.fresh)?);
        }
    }
    told("a connection per request", best);
    Ok(())
}

fn told(what: &str, [host, echo]: [f64; 2]) {
    let ratio = host / echo;
    say(&format!(
        "{what:28} host {host:9.0}/s   echo {echo:9.0}/s   ratio {ratio:.2}"
    ));
}

/// A closed loop over that many connections: each has one request on its way.
fn kept(address: SocketAddr, talk: &Talk, connections: usize, time: Duration) -> Outcome<f64> {
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(talk.bound(address)?);
    }
    for stream in &mut streams {
        stream.write_all(&talk.request)?;
    }
    let mut answer = vec![0; talk.response];
    let (began, mut answers) = (Instant::now(), 0_u32);
    while began.elapsed() < time {
        for stream in &mut streams {
            stream.read_exact(&mut answer)?;
            stream.write_all(&talk.request)?;
            answers += 1;
        }
    }
    Ok(f64::from(answers) / began.elapsed().as_secs_f64())
}

/// One connection after the other, each with one request.
fn fresh(address: SocketAddr, talk: &Talk, count: usize) -> Outcome<f64> {
    let mut answer = vec![0; talk.response];
    let began = Instant::now();
    for _ in 0..count {
        let mut stream = talk.bound(address)?;
        stream.write_all(&talk.request)?;
        stream.read_exact(&mut answer)?;
    }
    Ok(f64::from(u32::try_from(count)?) / began.elapsed().as_secs_f64())
}

/// The latency of one good client, alone and beside two that send garbage on one connection after the other.
fn flood(address: SocketAddr, talk: &Talk, extent: &Extent) -> Outcome {
    let quiet = latency(address, talk, extent.latencies)?;
    let stop = Arc::new(AtomicBool::new(false));
    let bad = [0, 1].map(|_| {
        let stop = Arc::clone(&stop);
        thread::spawn(move || garbage(address, &stop))
    });
    let flooded = latency(address, talk, extent.latencies);
    stop.store(true, Ordering::Relaxed);
    let sent: usize = bad
        .into_iter()
        .map(|bad| bad.join().unwrap_or_default())
        .sum();
    let flooded = flooded?;
    for (name, quiet, flooded) in [("p50", quiet.0, flooded.0), ("p99", quiet.1, flooded.1)] {
        let ratio = flooded.as_secs_f64() / quiet.as_secs_f64();
        say(&format!(
            "latency {name}: quiet {quiet:.1?}, under {sent} garbage connections {flooded:.1?}, ratio {ratio:.2}"
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

/// Connections with garbage, one after the other: how many. Few enough a second to leave ports for the rest.
fn garbage(address: SocketAddr, stop: &AtomicBool) -> usize {
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) && sent < 5_000 {
        if let Ok(mut stream) = TcpStream::connect(address) {
            // The host closes on what it cannot read, perhaps before all of it is there.
            let _ = stream.write_all(&[0xa5; 512]);
            let _ = stream.read(&mut [0; 64]);
            sent += 1;
        }
    }
    sent
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
