//! The tools around the benchmarks: the table of all of them, two commits side by side, instructions counted.

pub mod compare;
pub mod instructions;
pub mod machine;
pub mod samples;
pub mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

use thiserror::Error;

/// Why nothing could be measured.
#[derive(Debug, Error)]
pub enum MeasureError {
    /// A program cannot be started.
    #[error("cannot start {program}: {source}")]
    Start {
        /// Its name.
        program: String,
        /// What the system says.
        source: io::Error,
    },
    /// A program failed.
    #[error("{program} failed: {status}")]
    Failed {
        /// Its name and arguments.
        program: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What a program or file says is not what it should be.
    #[error("{from}: {problem}")]
    Unreadable {
        /// Which.
        from: String,
        /// What is wrong.
        problem: String,
    },
    /// Nothing is selected.
    #[error("no benchmark of that name")]
    Nothing,
}

/// Runs a program to its end; its output goes where ours goes.
fn run(command: &mut Command) -> Result<(), MeasureError> {
    let status = command.status().map_err(|source| start(command, source))?;
    succeeded(command, status)
}

/// Runs a program to its end: its standard output.
fn output(command: &mut Command) -> Result<String, MeasureError> {
    let output = command.stderr(std::process::Stdio::inherit()).output();
    let output = output.map_err(|source| start(command, source))?;
    succeeded(command, output.status)?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn start(command: &Command, source: io::Error) -> MeasureError {
    let program = command.get_program().to_string_lossy().into_owned();
    MeasureError::Start { program, source }
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<(), MeasureError> {
    if status.success() {
        return Ok(());
    }
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    let program = words.join(" ");
    Err(MeasureError::Failed { program, status })
}

fn file(path: &Path) -> impl FnOnce(io::Error) -> MeasureError {
    let path = path.to_owned();
    |source| MeasureError::File { path, source }
}

/// The cargo that runs us, or the one in the path.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The target directory: this program is below it.
fn target() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program
        .ancestors()
        .nth(2)
        .map_or_else(|| PathBuf::from("target"), Path::to_owned)
}

/// This package's folder.
fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
