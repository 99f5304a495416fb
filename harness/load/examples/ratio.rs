//! How near generator and lab host come to a bare TCP echo of the same sizes, both on this machine and taking turns:
//!
//! ```text
//! cargo run --release -p kmspec-load --example ratio
//! ```
//!
//! The echo is two threads with an epoll loop each, one for either side. Each figure is the median of three turns.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kmspec_lab::{LabHost, Settings};
use kmspec_load::plan::{Endpoint, Interrupt, Pattern, Plan, Reuse};
use kmspec_load::schedule::Stage;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// How long a turn takes.
const TURN: Duration = Duration::from_secs(3);
/// Turns of each.
const TURNS: usize = 3;
/// Octets of a request and of its answer in version 6 and NDR32, and of a bind and its answer.
const CALL: (usize, usize) = (292, 356);
const BIND: (usize, usize) = (72, 60);

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let mut out = io::stdout();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    writeln!(out, "load before: {}", load.trim())?;
    let host = Builder::new_multi_thread().enable_all().build()?;
    let lab = host.block_on(LabHost::start(Settings::default()))?;
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
    let endpoint = Endpoint {
        name: "lab host".to_owned(),
        address: lab.address(),
        keys: Arc::new(KeySet::lab()),
        now: FileTime::from_unix_nanos(u64::try_from(nanos)?),
    };
    writeln!(
        out,
        "{:>12} {:>14} {:>14} {:>7}",
        "connections", "echo/s", "kmspec/s", "ratio"
    )?;
    for (connections, reuse) in [
        (1, Reuse::Kept),
        (16, Reuse::Kept),
        (64, Reuse::Kept),
        (16, Reuse::New),
    ] {
        let (mut echoes, mut answers) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            echoes.push(echo(connections, reuse)?);
            answers.push(bench(connections, reuse, &endpoint)?);
        }
        let (echo, answer) = (median(&mut echoes), median(&mut answers));
        let name = match reuse {
            Reuse::Kept => connections.to_string(),
            Reuse::New => format!("{connections} new"),
        };
        writeln!(
            out,
            "{name:>12} {echo:>14.0} {answer:>14.0} {:>7.2}",
            answer / echo
        )?;
    }
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    writeln!(out, "load after: {}", load.trim())?;
    host.block_on(lab.stop());
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Answers a second of the lab host, nothing verified: the echo verifies nothing either.
fn bench(connections: usize, reuse: Reuse, endpoint: &Endpoint) -> Result<f64, Failed> {
    let level = f64::from(u32::try_from(connections)?);
    let plan = Plan {
        pattern: Pattern::Closed,
        stages: vec![Stage::flat(TURN, level)],
        warmup: Duration::from_millis(300),
        connections,
        reuse,
        verify: 0.0,
        threads: 1,
        ..Plan::default()
    };
    let outcome = kmspec_load::run(&plan, endpoint, &Interrupt::new(), &())?;
    if outcome.errors() > 0 {
        return Err(format!("{:?}", outcome.total.counts).into());
    }
    Ok(outcome.throughput())
}

/// Exchanges a second of an echo of the same sizes.
fn echo(connections: usize, reuse: Reuse) -> Result<f64, Failed> {
    let (stop, count) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let (tell, told) = std::sync::mpsc::channel();
    let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&count));
    let listening = thread::spawn(move || -> io::Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        LocalSet::new().block_on(&runtime, async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let sent = tell.send(listener.local_addr()?);
            sent.map_err(io::Error::other)?;
            let mut look = tokio::time::interval(Duration::from_millis(50));
            while !stopped.load(Ordering::Relaxed) {
                tokio::select! {
                    accepted = listener.accept() => drop(tokio::task::spawn_local(answer(accepted?.0, reuse))),
                    _ = look.tick() => {}
                }
            }
            Ok(())
        })
    });
    let address = told.recv()?;
    let began = Instant::now();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        for _ in 0..connections {
            tokio::task::spawn_local(ask(address, reuse, Arc::clone(&counted)));
        }
        tokio::time::sleep(TURN).await;
    });
    let exchanges = count.load(Ordering::Relaxed);
    let seconds = began.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    listening
        .join()
        .map_err(|_| "the echo ended before its time")??;
    Ok(f64::from(u32::try_from(exchanges)?) / seconds)
}

async fn answer(mut stream: TcpStream, reuse: Reuse) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let octets = [0; 512];
    if reuse == Reuse::New {
        take(&mut stream, BIND.0).await?;
        stream.write_all(&octets[..BIND.1]).await?;
    }
    loop {
        take(&mut stream, CALL.0).await?;
        stream.write_all(&octets[..CALL.1]).await?;
    }
}

async fn ask(address: SocketAddr, reuse: Reuse, count: Arc<AtomicU64>) -> io::Result<()> {
    let octets = [0; 512];
    loop {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        if reuse == Reuse::New {
            stream.write_all(&octets[..BIND.0]).await?;
            take(&mut stream, BIND.1).await?;
        }
        loop {
            stream.write_all(&octets[..CALL.0]).await?;
            take(&mut stream, CALL.1).await?;
            count.fetch_add(1, Ordering::Relaxed);
            if reuse == Reuse::New {
                stream.set_zero_linger()?;
                break;
            }
        }
    }
}

/// Reads so many octets, in as many pieces as they come; mostly in one.
async fn take(stream: &mut TcpStream, mut octets: usize) -> io::Result<()> {
    let mut buffer = [0; 8192];
    while octets > 0 {
        let got = stream.read(&mut buffer).await?;
        if got == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        octets = octets.saturating_sub(got);
    }
    Ok(())
}
