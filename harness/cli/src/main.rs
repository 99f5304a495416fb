//! The binary `kmspec`: arguments, terminal, exit codes.
//!
//! What it is: the way from a command line to the libraries and from their results to stdout, stderr and an exit code.
//! What it is not: it knows nothing of the protocol, and it judges nothing.

mod args;
mod command;
mod config;
mod failure;
mod input;
mod output;
mod target;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::main().code().into()
}
