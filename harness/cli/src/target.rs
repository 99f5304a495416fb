//! From TARGET on the command line to what the runner judges.

mod client;

pub(crate) use client::{client, is_client};

use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kmspec_embedded::Embedded;
use kmspec_runner::Target;
use kmspec_runner::peer::CallSpec;
use kmspec_runner::target::file::{FileError, HostFile, Placed, Renewal};
use kmspec_runner::target::{Commands, Program, Reset, There};

use crate::args::SubjectArgs;
use crate::failure::Failure;
use crate::input;

/// What the command line says of the target, made out; without TARGET the lab host.
pub(crate) fn target(
    named: Option<&str>,
    subject: &SubjectArgs,
    embedded: Embedded,
) -> Result<Target, Failure> {
    let target = match named {
        None => {
            let keys = Arc::new(input::keys(subject.keys.as_deref())?);
            Target::launched("lab host", Arc::new(embedded), keys)
        }
        Some(name) if is_file(name) => from_file(Path::new(name), subject)?,
        Some(name) => {
            let address = resolve(name).map_err(Failure::Usage)?;
            let keys = Arc::new(input::keys(subject.keys.as_deref())?);
            Target {
                name: name.to_owned(),
                ..Target::at(address, keys)
            }
        }
    };
    Ok(match (subject.interface, &subject.stub) {
        (Some(interface), Some(stub)) => target.calling(CallSpec {
            interface,
            opnum: subject.opnum,
            stub: Some(stub.0.clone()),
        }),
        _ => target,
    })
}

/// Whether a TARGET means a target file: nothing else ends so.
pub(crate) fn is_file(name: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == "toml")
}

fn from_file(path: &Path, subject: &SubjectArgs) -> Result<Target, Failure> {
    if is_client(path) {
        let message = "it is a client: `kmspec run` alone judges clients";
        return Err(Failure::Content {
            file: path.to_owned(),
            message: message.to_owned(),
        });
    }
    let parsed = HostFile::parse(&input::text(path)?);
    let file = parsed.map_err(|error| in_file(path, error))?;
    let beside = file.keys.map(|keys| beside(path, &keys));
    // The command line beats the file.
    let keys = subject.keys.as_deref().or(beside.as_deref());
    let keys = Arc::new(input::keys(keys)?);
    let Placed {
        line,
        column,
        value: name,
    } = file.address;
    let address = resolve(&name).map_err(|message| {
        in_file(
            path,
            FileError {
                line,
                column,
                message,
            },
        )
    })?;
    let nothing = file.control.is_empty();
    let commands = Commands::new(file.control, STARTING);
    Ok(match file.renewal {
        Renewal::Never if nothing => Target {
            name,
            ..Target::at(address, keys)
        },
        Renewal::Never => Target::launched(name, Arc::new(There::new(address, commands)), keys),
        Renewal::Start(command) => {
            let program = Program::new(command, address, STARTING).controlled_by(commands);
            Target::launched(name, Arc::new(program), keys)
        }
        Renewal::Reset(command) => {
            let reset = Reset::new(command, address, STARTING).controlled_by(commands);
            Target::launched(name, Arc::new(reset), keys)
        }
    })
}

/// What is wrong in a target file.
fn in_file(path: &Path, error: FileError) -> Failure {
    let FileError {
        line,
        column,
        message,
    } = error;
    Failure::Place {
        file: path.to_owned(),
        line,
        column,
        message,
    }
}

/// A file that a target file names, from the folder that it is in.
fn beside(path: &Path, named: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).join(named)
}

/// How long a target may take until it accepts connections, and a control verb until it is done.
const STARTING: Duration = Duration::from_secs(30);

/// The address of HOST:PORT. Of a name with several, the first that takes a connection, or else the first.
pub(crate) fn resolve(name: &str) -> Result<SocketAddr, String> {
    let (host, port) = split(name)?;
    let found: Vec<SocketAddr> = (host, port)
        .to_socket_addrs()
        .map_err(|error| format!("cannot find {host}: {}", reason(&error)))?
        .collect();
    let accepts = |address: &&SocketAddr| TcpStream::connect_timeout(address, PATIENCE).is_ok();
    match found.as_slice() {
        [] => Err(format!("cannot find {host}: the name has no address")),
        [only] => Ok(*only),
        several => Ok(*several.iter().find(accepts).unwrap_or(&several[0])),
    }
}

/// How long to wait for one of several addresses.
const PATIENCE: Duration = Duration::from_secs(1);

/// Host and port of HOST:PORT; an IPv6 address stands in brackets.
fn split(name: &str) -> Result<(&str, u16), String> {
    let form = || {
        format!(
            "{name:?} is no target: give HOST:PORT, as in 127.0.0.1:1688 or [::1]:1688, or a target file ending in .toml"
        )
    };
    let (host, port) = name.rsplit_once(':').ok_or_else(form)?;
    let port = port
        .parse()
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(form)?;
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(host) if host.contains(':') => Ok((host, port)),
        None if !host.is_empty() && !host.contains([':', '[', ']', '/', ' ']) => Ok((host, port)),
        _ => Err(form()),
    }
}

/// What the resolver says, without the line it puts in front.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("failed to lookup address information: ");
    text.map_or_else(|| error.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_a_host_and_a_port() {
        for (text, expected) in [
            ("127.0.0.1:1688", Some(("127.0.0.1", 1688))),
            ("[::1]:1688", Some(("::1", 1688))),
            ("kms.example:1", Some(("kms.example", 1))),
            ("127.0.0.1", None),
            ("::1:1688", None),
            ("[kms]:1688", None),
            (":1688", None),
            ("kms:", None),
            ("kms:0", None),
            ("kms:65536", None),
            ("http://kms:80", None),
            ("", None),
        ] {
            assert_eq!(split(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_name_is_looked_up_and_the_address_that_accepts_is_taken() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let found = resolve(&format!("localhost:{}", address.port()));
        assert_eq!(found, Ok(address));
    }
}
