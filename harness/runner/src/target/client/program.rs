use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::Version;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::super::program::{Log, failed};
use super::{End, Errand, Machine, Machines, Network, Running, Status, Verb};
use crate::target::{LaunchError, Pending};

/// A client that is a program: `start` of a target file whose role is client.
///
/// In its arguments `{host}` and `{port}` stand for where the host listens, `{value}` for the value of the verb, and
/// `{dns}`, `{suffix}`, `{domain}` and `{dhcp_domain}` for its network; what is not known is empty. The same, and what else
/// a client may want to know, is in its environment:
///
/// | variable | content |
/// |---|---|
/// | `KMSPEC_CASE` | id of the case |
/// | `KMSPEC_HOST`, `KMSPEC_PORT` | where the host listens; not set where the client has to find it |
/// | `KMSPEC_KEYS` | the key set's file; not set for the lab key set |
/// | `KMSPEC_VERB` | what to do: `ato`, `ckms`, `discover`, `dli`, `dlv`, `due`, `ipk`, `rearm`, `service`, `skms`, `standard-user`, `unelevated`; anything else is nonsense |
/// | `KMSPEC_VALUE` | the value of `ipk`, `service`, `skms`, `standard-user` and `unelevated`; not set for the other verbs |
/// | `KMSPEC_DNS`, `KMSPEC_SUFFIX`, `KMSPEC_DOMAIN`, `KMSPEC_DHCP_DOMAIN` | where the client has to find the host: DNS server (IP:PORT), primary DNS suffix, Active Directory domain, domain of DHCP; not set if there is none |
/// | `KMSPEC_MACHINE` | number of the machine in its case: 0, and more where a case has several |
/// | `KMSPEC_EDITION` | the edition that the machine should have, such as `vista-enterprise`; not set for its own choice |
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
        let folder = Arc::new(Folder(folder));
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
    folder: Arc<Folder>,
}

impl Own {
    fn spawn(&self, errand: &Errand) -> Result<Process, LaunchError> {
        let ClientProgram { start, verbs, keys } = &self.program;
        let words = verbs.get(errand.verb.name()).unwrap_or(start);
        let facts = facts(errand);
        let mut words = words.iter().map(|word| filled(word, errand, &facts));
        let name = words.next().ok_or_else(|| failed("the command is empty"))?;
        let mut command = Command::new(&name);
        command
            .args(words)
            .env("KMSPEC_CASE", &errand.case)
            .env("KMSPEC_MACHINE", errand.machine.to_string())
            .env("KMSPEC_VERB", errand.verb.name())
            .env("KMSPEC_STATE", &self.folder.0);
        let value = Some(&errand.value).filter(|value| !value.is_empty());
        let mut optional = vec![
            ("KMSPEC_VALUE", value.map(Into::into)),
            ("KMSPEC_EDITION", errand.edition.map(Into::into)),
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
        optional.extend(
            facts
                .into_iter()
                .map(|fact| (fact.variable, fact.value.map(Into::into))),
        );
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
        let (mut output, errors) = (Log::default(), Log::default());
        output.keep(child.stdout.take());
        output.keep_too(child.stderr.take(), &errors);
        Ok(Process {
            child: Some(child),
            folder: Arc::clone(&self.folder),
            output,
            errors,
        })
    }
}

/// Something of an errand that may stand in a command's words and stands in its environment.
struct Fact {
    placeholder: &'static str,
    variable: &'static str,
    value: Option<String>,
}

/// Where the host is, or what there is to find it by.
fn facts(errand: &Errand) -> Vec<Fact> {
    let told = errand.network.is_none().then_some(errand.host);
    let network = errand.network.as_ref().map(Network::facts);
    let known = |name| {
        let mut facts = network.iter().flatten();
        facts
            .find(|(known, _)| *known == name)
            .and_then(|(_, value)| value.clone())
    };
    [
        (
            "{host}",
            "KMSPEC_HOST",
            told.map(|host| host.ip().to_string()),
        ),
        (
            "{port}",
            "KMSPEC_PORT",
            told.map(|host| host.port().to_string()),
        ),
        ("{dns}", "KMSPEC_DNS", known("dns")),
        ("{suffix}", "KMSPEC_SUFFIX", known("suffix")),
        ("{domain}", "KMSPEC_DOMAIN", known("domain")),
        ("{dhcp_domain}", "KMSPEC_DHCP_DOMAIN", known("dhcp_domain")),
    ]
    .map(|(placeholder, variable, value)| Fact {
        placeholder,
        variable,
        value,
    })
    .into()
}

/// A word of a command with what its placeholders stand for.
fn filled(word: &str, errand: &Errand, facts: &[Fact]) -> String {
    let value = match (errand.value.as_str(), errand.clock) {
        ("", Some(time)) => seconds(time),
        (value, _) => value.to_owned(),
    };
    let word = word.replace("{value}", &value);
    facts.iter().fold(word, |word, fact| {
        word.replace(fact.placeholder, fact.value.as_deref().unwrap_or_default())
    })
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
    fn has(&self, verb: Verb) -> bool {
        self.program.verbs.contains_key(verb.name())
    }

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
    /// There until it is dropped.
    child: Option<Child>,
    /// What it may still write into while it is being killed.
    folder: Arc<Folder>,
    output: Log,
    errors: Log,
}

impl Running for Process {
    fn ended(&mut self) -> Pending<'_, End> {
        Box::pin(async {
            let status = match &mut self.child {
                Some(child) => child.wait().await.ok().map(of),
                None => None,
            };
            let status = status.unwrap_or(Status::Signalled(0));
            End {
                status,
                output: self.output.rest().await,
                errors: self.errors.text(),
            }
        })
    }

    fn output(&self) -> String {
        self.output.text()
    }
}

impl Drop for Process {
    /// Kills it, and has its folder gone only when it is: what it wrote meanwhile would stay behind.
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(mut child), Ok(runtime)) = (self.child.take(), runtime) {
            let folder = Arc::clone(&self.folder);
            runtime.spawn(async move {
                // One that has ended cannot be killed any more.
                let _ = child.kill().await;
                drop(folder);
            });
        }
    }
}

fn of(status: ExitStatus) -> Status {
    match (status.code(), status.signal()) {
        (Some(code), _) => Status::Exited(u8::try_from(code).unwrap_or(u8::MAX)),
        (None, signal) => Status::Signalled(signal.unwrap_or_default()),
    }
}
