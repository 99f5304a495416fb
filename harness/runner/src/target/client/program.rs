use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::Version;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::super::program::{Log, failed};
use super::{End, Errand, Machine, Machines, Running, Status};
use crate::target::{LaunchError, Pending};

/// A client that is a program: `start` of a target file whose role is client.
///
/// In its arguments `{host}` and `{port}` stand for where the host listens. The same, and what else a client may want to
/// know, is in its environment:
///
/// | variable | content |
/// |---|---|
/// | `KMSPEC_CASE` | id of the case |
/// | `KMSPEC_HOST`, `KMSPEC_PORT` | where the host listens |
/// | `KMSPEC_KEYS` | the key set's file; not set for the lab key set |
/// | `KMSPEC_VERB` | what to do: `ato`, `due`, `dli`; anything else is nonsense |
/// | `KMSPEC_PROTOCOL` | version of KMS to speak, 4, 5 or 6; not set for its own choice |
/// | `KMSPEC_CLOCK` | what its clock is to show, in seconds since 1970-01-01 UTC; not set for the system's time |
/// | `KMSPEC_STATE` | a folder for what it keeps, empty at the start of a case |
#[derive(Clone, Debug)]
pub struct ClientProgram {
    start: Vec<String>,
    verbs: BTreeMap<String, Vec<String>>,
    keys: Option<PathBuf>,
}

impl ClientProgram {
    /// A program with its arguments, programs for verbs that it does not have itself, and the file of the key set that
    /// the run was given.
    pub const fn new(
        start: Vec<String>,
        verbs: BTreeMap<String, Vec<String>>,
        keys: Option<PathBuf>,
    ) -> Self {
        Self { start, verbs, keys }
    }
}

impl Machines for ClientProgram {
    fn machine(&self) -> Result<Box<dyn Machine>, LaunchError> {
        let number = MACHINES.fetch_add(1, Ordering::Relaxed);
        let name = format!("kmspec-client-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder)
            .map_err(|error| failed(&format!("no folder {}: {error}", folder.display())))?;
        let folder = Folder(folder);
        Ok(Box::new(Own {
            program: self.clone(),
            folder,
        }))
    }
}

static MACHINES: AtomicU64 = AtomicU64::new(0);

/// A folder that goes when its owner does.
#[derive(Debug)]
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // What a client left there that cannot be removed stays: it is in the system's folder for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A folder of its own is all the machine that a program gets.
#[derive(Debug)]
struct Own {
    program: ClientProgram,
    folder: Folder,
}

impl Own {
    fn spawn(&self, errand: &Errand) -> Result<Process, LaunchError> {
        let ClientProgram { start, verbs, keys } = &self.program;
        let words = verbs.get(errand.verb.name()).unwrap_or(start);
        let (host, port) = (errand.host.ip().to_string(), errand.host.port().to_string());
        let value = errand.clock.map(seconds).unwrap_or_default();
        let mut words = words.iter().map(|word| {
            let word = word.replace("{host}", &host).replace("{port}", &port);
            word.replace("{value}", &value)
        });
        let name = words.next().ok_or_else(|| failed("the command is empty"))?;
        let mut command = Command::new(&name);
        command
            .args(words)
            .env("KMSPEC_CASE", &errand.case)
            .env("KMSPEC_HOST", &host)
            .env("KMSPEC_PORT", &port)
            .env("KMSPEC_VERB", errand.verb.name())
            .env("KMSPEC_STATE", &self.folder.0);
        let optional = [
            (
                "KMSPEC_KEYS",
                keys.as_ref().map(|file| file.as_os_str().to_owned()),
            ),
            (
                "KMSPEC_PROTOCOL",
                errand.protocol.map(|version| number(version).into()),
            ),
            (
                "KMSPEC_CLOCK",
                errand.clock.map(|time| seconds(time).into()),
            ),
        ];
        for (variable, value) in optional {
            match value {
                Some(value) => command.env(variable, value),
                None => command.env_remove(variable),
            };
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&format!("{name}: {error}")))?;
        let (output, errors) = (Log::default(), Log::default());
        let pipes = vec![
            output.keep(child.stdout.take()),
            output.keep_too(child.stderr.take(), &errors),
        ];
        Ok(Process {
            child,
            output,
            errors,
            pipes,
        })
    }
}

fn number(version: Version) -> &'static str {
    match version {
        Version::V4 => "4",
        Version::V5 => "5",
        Version::V6 => "6",
    }
}

fn seconds(time: FileTime) -> String {
    (time.to_unix_nanos() / 1_000_000_000).to_string()
}

impl Machine for Own {
    fn start(&mut self, errand: &Errand) -> Pending<'_, Result<Box<dyn Running>, LaunchError>> {
        let errand = errand.clone();
        Box::pin(async move {
            if let Some(time) = errand.clock {
                self.program.set_clock(time).await?;
            }
            let process: Box<dyn Running> = Box::new(self.spawn(&errand)?);
            Ok(process)
        })
    }
}

impl ClientProgram {
    /// Runs the program for the verb `clock`, if there is one.
    async fn set_clock(&self, time: FileTime) -> Result<(), LaunchError> {
        let Some([name, rest @ ..]) = self.verbs.get("clock").map(Vec::as_slice) else {
            return Ok(());
        };
        let value = seconds(time);
        let mut command = Command::new(name);
        command
            .args(rest.iter().map(|word| word.replace("{value}", &value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = timeout(TO_SET_A_CLOCK, command.output()).await;
        let output = output
            .map_err(|_| failed(&format!("{name} takes longer than {TO_SET_A_CLOCK:?}")))?
            .map_err(|error| failed(&format!("{name}: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().last().unwrap_or_default();
        Err(failed(&format!(
            "{name} ended with {}: {last}",
            output.status
        )))
    }
}

/// How long the program for the verb `clock` may take.
const TO_SET_A_CLOCK: Duration = Duration::from_secs(10);

/// A program that runs, or ran.
#[derive(Debug)]
struct Process {
    child: Child,
    output: Log,
    errors: Log,
    /// What reads its output; done when the last writer is.
    pipes: Vec<tokio::task::JoinHandle<()>>,
}

impl Running for Process {
    fn ended(&mut self) -> Pending<'_, End> {
        Box::pin(async {
            let status = match self.child.wait().await {
                Ok(status) => of(status),
                Err(_) => Status::Signalled(0),
            };
            for pipe in &mut self.pipes {
                // A child of its own may keep the pipe; what was written by now is what counts.
                let _ = timeout(LAST_WORDS, &mut *pipe).await;
            }
            self.pipes.clear();
            End {
                status,
                output: self.output.text(),
                errors: self.errors.text(),
            }
        })
    }

    fn output(&self) -> String {
        self.output.text()
    }
}

/// How long to wait for the rest of the output of a client that has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

fn of(status: ExitStatus) -> Status {
    match (status.code(), status.signal()) {
        (Some(code), _) => Status::Exited(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, signal) => Status::Signalled(signal.unwrap_or_default()),
    }
}
