//! `kmspec bench --locust-master`.

use std::sync::Arc;

use kmspec_load::locust::{Locust, Worked};
use kmspec_load::report::{Nanos, Number};
use kmspec_load::{Endpoint, Plan};
use kmspec_runner::Exit;

use super::Under;
use crate::args::BenchArgs;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, complain, tell};
use crate::target::resolve;

/// Works for a master until it says quit.
pub(super) fn locust(
    args: &BenchArgs,
    master: &str,
    plan: Plan,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let keys = Arc::new(input::keys(args.asked.keys.as_deref())?);
    let named = args.target.as_deref();
    let under = named.map(|_| Under::start(args)).transpose()?;
    let runtime = super::super::runtime()?;
    let interrupt = match &under {
        Some(under) => under.interrupt.clone(),
        None => super::interruptible(&runtime),
    };
    let allow_remote = args.limits.allow_remote;
    for address in addresses(master)? {
        super::on_loopback(master, address, allow_remote)?;
    }
    // With a target of one's own the master's --host does not matter.
    let endpoint = |host: Option<&str>| match (&under, host) {
        (Some(under), _) => Ok(under.endpoint.clone()),
        (None, None) => Err("the master has no --host, and no TARGET was given".to_owned()),
        (None, Some(name)) => {
            let address = resolve(name)?;
            super::on_loopback(name, address, allow_remote).map_err(|error| error.to_string())?;
            Ok(Endpoint {
                name: name.to_owned(),
                address,
                keys: Arc::clone(&keys),
                now: super::now(),
            })
        }
    };
    let locust = Locust {
        master: master.to_owned(),
        plan,
        endpoint: &endpoint,
        interrupt,
        told: &|line| tell(line),
    };
    // One thread, as any worker of Locust: more of them take more cores.
    let local = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    let worked = local.block_on(locust.work());
    let worked = worked.map_err(|error| Failure::Usage(error.to_string()))?;
    report(&worked, output)?;
    if let Some(under) = under {
        under.stop();
    }
    runtime.shutdown_background();
    if worked.total.counts.answered == 0 {
        complain("not judged: nothing was answered");
        return Ok(Exit::NotJudged);
    }
    Ok(Exit::Holds)
}

fn addresses(master: &str) -> Result<Vec<std::net::SocketAddr>, Failure> {
    use std::net::ToSocketAddrs;
    let found = master.to_socket_addrs();
    let found = found.map_err(|error| {
        Failure::Usage(format!(
            "--locust-master {master}: {error}; it is HOST:PORT, as in 127.0.0.1:5557"
        ))
    })?;
    Ok(found.collect())
}

/// The figures of the last test in our own resolution; the master rounds.
fn report(worked: &Worked, output: &mut Output) -> Result<(), Failure> {
    let (counts, latencies) = (&worked.total.counts, &worked.total.corrected);
    output.line(format_args!(
        "tests {}; the last: {} requests, {} failures, p50 {}, p99 {}, max {}",
        worked.tests,
        Number(counts.answered + counts.failed()),
        Number(counts.failed()),
        Nanos::of(latencies.percentile(50.0)),
        Nanos::of(latencies.percentile(99.0)),
        Nanos::of(latencies.max())
    ))?;
    output.flush()
}
