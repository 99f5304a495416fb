//! The program as it is started: how long until it has said its version, and how many cases it runs a second.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// The program, built beside the benchmarks: `cargo build --release` makes it.
fn program() -> Option<PathBuf> {
    let here = std::env::current_exe().ok()?;
    let program = here.ancestors().nth(2)?.join("kmspec");
    program.is_file().then_some(program)
}

fn run(program: &PathBuf, arguments: &[&str]) -> Option<Vec<u8>> {
    let mut command = Command::new(program);
    let output = command.args(arguments).stderr(Stdio::null()).output();
    output.ok().map(|output| output.stdout)
}

fn start(c: &mut Criterion) {
    // Where it was not built there is nothing to measure.
    let Some(program) = program() else {
        return;
    };
    let mut group = c.benchmark_group("program");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    group.bench_function("start up", |b| {
        b.iter(|| run(&program, &["--version"]));
    });
    // Its last line says how many verdicts there were: one a case and role.
    let told = run(&program, &["run", "--seed", "1"]).unwrap_or_default();
    let told = String::from_utf8_lossy(&told);
    let verdicts = told.lines().last().and_then(|line| line.split(' ').next());
    if let Some(verdicts) = verdicts.and_then(|number| number.parse().ok()) {
        group.throughput(Throughput::Elements(verdicts));
    }
    group.bench_function("run all suites", |b| {
        b.iter(|| run(&program, &["run", "--seed", "1"]));
    });
    group.finish();
}

criterion_group!(benches, start);
criterion_main!(benches);
