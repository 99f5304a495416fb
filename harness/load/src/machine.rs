//! What the machine says of itself: processor time and load.

use std::fs;

use rustix::time::{ClockId, clock_gettime};

use crate::num::SECOND;

/// Nanoseconds of the processor that this thread has taken so far.
pub(crate) fn thread_cpu() -> u64 {
    nanos_of(ClockId::ThreadCPUTime)
}

fn nanos_of(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    part(time.tv_sec)
        .saturating_mul(SECOND)
        .saturating_add(part(time.tv_nsec))
}

/// Nanoseconds of all processors that this process has taken so far.
pub(crate) fn process_cpu() -> u64 {
    nanos_of(ClockId::ProcessCPUTime)
}

/// Octets of memory that this process has; 0 where the system does not say.
pub(crate) fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.unwrap_or_default().saturating_mul(1024)
}

/// How many tasks of the machine could run, on average over a minute; nothing where the system does not say.
pub(crate) fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next()?.parse().ok()
}
