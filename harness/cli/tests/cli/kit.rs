//! A folder to work in, targets that behave and targets that do not.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use tempfile::TempDir;

/// What a call of the binary came to.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// The lines on standard error that complain.
    pub(crate) fn complaints(&self) -> Vec<&str> {
        let lines = self.stderr.lines();
        lines.filter(|line| line.starts_with("kmspec: ")).collect()
    }
}

/// The binary with a bare environment, in `folder`.
pub(crate) fn kmspec(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kmspec"));
    command.current_dir(folder).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let ours = name.to_string_lossy().starts_with("KMSPEC_");
        if ours || name == "NO_COLOR" || name == "COLUMNS" || name == "CLICOLOR_FORCE" {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the binary in `folder` with the words of a line; a word in quotes may hold spaces.
pub(crate) fn say(folder: &Path, line: &str) -> Said {
    kmspec(folder).args(words(line)).output().unwrap().into()
}

fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (number, part) in line.split('\'').enumerate() {
        if number % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// An empty folder.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Writes a file into a folder.
pub(crate) fn put(folder: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path
}

/// The octets of a shipped recording.
pub(crate) fn recording(number: &str) -> &'static [u8] {
    let all = kmspec_captures::all();
    let found = all.iter().find(|capture| capture.file.starts_with(number));
    found.unwrap().bytes
}

/// The header of a pcap file in which nothing follows.
pub(crate) const NO_PACKETS: [u8; 24] = [
    0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
];

/// A well-formed key set that is not the lab's.
pub(crate) const OTHER_KEYS: &str = r#"
name = "other"
[v4]
mac_key = { ascii = "no key of anybody's!" }
[v5]
aes_key = { ascii = "nor is this here" }
[v6]
aes_key = { ascii = "and this neither" }
round_key_xor = [{ round = 3, byte = 0, value = 1 }]
hmac_time = { divisor = 2, multiplier = 3, addend = 4 }
"#;

/// `kmspec lab serve` or another of its kind that says where it listens.
pub(crate) struct Lab {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Where it takes command lines, if it was told to.
    pub(crate) control: Option<SocketAddr>,
}

impl Lab {
    /// `kmspec lab serve` on a free port.
    pub(crate) fn serve(folder: &Path, options: &str) -> Self {
        Self::start(folder, &format!("lab serve --port 0 {options}"))
    }

    /// Whatever listens and says so in its first line.
    pub(crate) fn start(folder: &Path, line: &str) -> Self {
        let mut child = kmspec(folder)
            .args(words(line))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut place = |what: &str| {
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let place = line.trim().strip_prefix(what).unwrap();
            place.parse().unwrap()
        };
        let address = place("listening on ");
        let control = line.contains("--control").then(|| place("control on "));
        Self {
            child,
            address,
            control,
        }
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal and waits for its end.
    pub(crate) fn end(mut self, signal: &str) -> Said {
        signal_to(&self.child, signal);
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        let code = self.child.wait().unwrap().code();
        Said {
            code,
            stdout: String::new(),
            stderr,
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a signal to a child of ours.
pub(crate) fn signal_to(child: &Child, signal: &str) {
    let id = child.id().to_string();
    let status = Command::new("kill").args(["-s", signal, &id]).status();
    assert!(status.unwrap().success());
}

/// A port that refuses: taken, but nobody listens.
pub(crate) struct Refusing {
    _socket: tokio::net::TcpSocket,
    pub(crate) address: SocketAddr,
}

impl Refusing {
    pub(crate) fn new() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        Self {
            _socket: socket,
            address,
        }
    }
}

/// Accepts connections and gives each to `each`, until the process ends.
pub(crate) fn accepting(each: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
    address
}

/// Reads and never answers.
pub(crate) fn silent() -> SocketAddr {
    accepting(|mut stream| drop(std::io::copy(&mut stream, &mut std::io::sink())))
}

/// Resets each connection once something has come.
pub(crate) fn resetting() -> SocketAddr {
    // What was not read makes the system reset the connection.
    accepting(|stream| drop(stream.peek(&mut [0])))
}

/// Ends each connection once something has come.
pub(crate) fn closing() -> SocketAddr {
    accepting(|mut stream| {
        drop(stream.read(&mut [0; 4096]));
        drop(stream.shutdown(Shutdown::Write));
        drop(std::io::copy(&mut stream, &mut std::io::sink()));
    })
}

/// Speaks something else.
pub(crate) fn web() -> SocketAddr {
    accepting(|mut stream| {
        drop(stream.read(&mut [0; 4096]));
        drop(stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n"));
    })
}

/// Stands in front of `host` and changes every chunk of octets it sends.
pub(crate) fn spoiling(host: SocketAddr, spoil: fn(&mut [u8])) -> SocketAddr {
    accepting(move |mut client| {
        let Ok(mut to_host) = TcpStream::connect(host) else {
            return;
        };
        let (Ok(mut from_host), Ok(mut to_client)) = (to_host.try_clone(), client.try_clone())
        else {
            return;
        };
        let back = thread::spawn(move || {
            let mut octets = [0; 8192];
            while let Ok(n @ 1..) = from_host.read(&mut octets) {
                spoil(&mut octets[..n]);
                if to_client.write_all(&octets[..n]).is_err() {
                    break;
                }
            }
            drop(to_client.shutdown(Shutdown::Write));
        });
        drop(std::io::copy(&mut client, &mut to_host));
        drop(to_host.shutdown(Shutdown::Write));
        drop(back.join());
    })
}
