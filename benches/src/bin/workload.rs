//! `workload NAME TIMES`: does one fixed workload so many times. What is measured is measured from outside.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let done = arguments
        .next()
        .zip(arguments.next().and_then(|times| times.parse().ok()))
        .and_then(|(name, times)| kmspec_benches::workload::run(&name, times));
    if done.map(std::hint::black_box).is_some() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    }
}
