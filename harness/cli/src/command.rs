//! What each command does: arguments to a library, its results to the terminal.

mod bench;
mod cases;
mod check;
mod compare;
mod decode;
mod dns;
mod explain;
mod fuzz;
mod interrupt;
mod lab;
mod list;
mod progress;
mod record;
mod replay;
mod reports;
mod run;
mod self_test;
mod slmgr;
mod vectors;

use std::env;

use anstream::ColorChoice;
use tracing_subscriber::filter::LevelFilter;

use crate::args::{self, Args, Asked, Color, Command, LabCommand, Log};
use crate::config::Config;
use crate::failure::Failure;
use crate::output::{Output, complain};
use kmspec_runner::Exit;

/// Reads the command line and does what it says.
pub(crate) fn main() -> Exit {
    let mut output = None;
    let result = asked().and_then(|asked| work(asked, &mut output));
    // What was found stands before what went wrong.
    let flushed = output.as_mut().map_or(Ok(()), Output::flush);
    match result.and_then(|exit| flushed.map(|()| exit)) {
        Ok(exit) => exit,
        Err(failure) => {
            complain(failure);
            Exit::NotJudged
        }
    }
}

fn asked() -> Result<Asked, Failure> {
    let config = match env::current_dir() {
        Ok(folder) => Config::find(&folder)?,
        Err(_) => Config::default(),
    };
    args::parse(env::args_os(), &config)
}

fn work(asked: Asked, output: &mut Option<Output>) -> Result<Exit, Failure> {
    let Args { global, command } = match asked {
        Asked::Work(args) => *args,
        Asked::Text(text) => {
            let output = output.insert(Output::new());
            return output
                .line(text.ansi().to_string().trim_end())
                .map(|()| Exit::Holds);
        }
    };
    match global.color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
    .write_global();
    log(global.log);
    let output = output.insert(Output::new());
    match command {
        Command::Run(args) => run::run(&args, output),
        Command::Replay(args) => replay::replay(&args, output),
        Command::Compare(args) => compare::compare(&args, output),
        Command::Decode(args) if args.check.check => check::check(&args, output),
        Command::Decode(args) => decode::decode(&args, output),
        Command::Record(args) => record::record(&args, output),
        Command::List(args) => list::list(&args, output),
        Command::Explain(args) => explain::explain(&args, output),
        Command::SelfTest(args) => self_test::self_test(&args, output),
        Command::Vectors(args) => vectors::vectors(&args, output),
        Command::Bench(args) => bench::bench(&args, output),
        Command::Fuzz(args) => fuzz::fuzz(&args, output),
        Command::Lab(args) => match args.command {
            LabCommand::Serve(args) => lab::serve(*args, output),
            LabCommand::Dns(args) => dns::dns(args, output),
            LabCommand::Client(args) => lab::client(*args, output),
            LabCommand::Slmgr(args) => slmgr::slmgr(args, output),
            LabCommand::Fleet(args) => lab::fleet(&args, output),
        },
    }
}

fn log(level: Log) {
    let level = match level {
        Log::Off => return,
        Log::Error => LevelFilter::ERROR,
        Log::Warn => LevelFilter::WARN,
        Log::Info => LevelFilter::INFO,
        Log::Debug => LevelFilter::DEBUG,
        Log::Trace => LevelFilter::TRACE,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(anstream::stderr)
        .init();
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)
}
