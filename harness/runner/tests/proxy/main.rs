//! The recording proxy between a client and the lab host.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::{Arc, Mutex};

use kmspec_capture::rpc::Observer;
use kmspec_capture::tcp::{CloseReason, Connection, Limits, Side, Stamp, TcpEvent};
use kmspec_capture::view::{Item, decode};
use kmspec_lab::{LabHost, Settings};
use kmspec_rules::{Memory, Role};
use kmspec_runner::Peer;
use kmspec_runner::passive::{Report, Wanted, check};
use kmspec_runner::peer::{CallSpec, Direction, Endpoint, Event, Record, Timing};
use kmspec_runner::proxy::{Bounds, End, Passed, ProxyError, Totals, record};
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::Version;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A file in memory that others can look at while it grows.
#[derive(Clone, Default)]
struct File(Arc<Mutex<Vec<u8>>>);

impl File {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for File {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let mut file = self.0.lock().unwrap();
        file.extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A recording that runs.
struct Recording {
    address: SocketAddr,
    file: File,
    stop: oneshot::Sender<()>,
    task: JoinHandle<(Result<Totals, ProxyError>, Vec<Passed>)>,
}

impl Recording {
    async fn start(host: SocketAddr, bounds: Bounds) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let file = File::default();
        let out = file.clone();
        let task = tokio::spawn(async move {
            let mut passed = Vec::new();
            let stopped = async { drop(stopped.await) };
            let each = |one: &Passed| passed.push(one.clone());
            let totals = record(listener, host, out, bounds, stopped, each).await;
            (totals, passed)
        });
        Self {
            address,
            file,
            stop,
            task,
        }
    }

    /// Waits for its own end.
    async fn ended(self) -> (Totals, Vec<Passed>, Vec<u8>) {
        let (totals, passed) = self.task.await.unwrap();
        drop(self.stop);
        (totals.unwrap(), passed, self.file.bytes())
    }
}

fn connections(number: u64) -> Bounds {
    Bounds {
        connections: Some(number),
        ..Bounds::default()
    }
}

/// The tester's client, at this address.
fn peer(address: SocketAddr) -> Peer {
    let endpoint = Endpoint {
        address,
        call: CallSpec::KMS,
        keys: Arc::new(KeySet::lab()),
        timing: Timing::default(),
        now: None,
        memory: Memory::new(),
        controls: None,
    };
    Peer::new(Arc::new(endpoint), Arc::new(Record::default()), 7, "proxy")
}

/// All that one side sent on one connection of a recording, and how it ended.
#[derive(Default)]
struct Seen {
    sent: [Vec<u8>; 2],
    ends: Vec<CloseReason>,
    ports: Vec<(u16, u16)>,
}

impl Observer for Seen {
    fn tcp(&mut self, connection: &Connection, _at: Stamp, event: &TcpEvent<'_>) {
        match *event {
            TcpEvent::Data { from, bytes } => {
                self.sent[usize::from(from == Side::Peer)].extend_from_slice(bytes);
            }
            TcpEvent::Closed(reason) => {
                self.ends.push(reason);
                self.ports
                    .push((connection.opener.port, connection.peer.port));
            }
            TcpEvent::Gap { .. } => panic!("nothing is missing"),
        }
    }
}

fn seen(file: &[u8]) -> Seen {
    let mut seen = Seen::default();
    let outcome = kmspec_capture::read(file, Limits::default(), &mut seen);
    assert!(outcome.damage.is_none(), "{:?}", outcome.damage);
    seen
}

/// Three activations through the proxy, one of each version, on one connection.
async fn activations() -> (Peer, SocketAddr, Vec<Passed>, Vec<u8>) {
    let lab = LabHost::start(Settings::default()).await.unwrap();
    let host = lab.address();
    let recording = Recording::start(host, connections(1)).await;
    let peer = peer(recording.address);
    {
        let mut link = peer.bound().await.unwrap();
        for version in [Version::V4, Version::V5, Version::V6] {
            link.activate(&peer.request(version)).await.unwrap();
        }
    }
    let (totals, passed, file) = recording.ended().await;
    assert_eq!((totals.recorded, totals.unreachable), (1, 0));
    lab.stop().await;
    (peer, host, passed, file)
}

#[tokio::test]
async fn what_passes_is_what_was_sent_and_decodes() {
    let (peer, host, passed, file) = activations().await;
    let mut sent = [Vec::new(), Vec::new()];
    for event in peer.record().events() {
        if let Event::Octets {
            direction, octets, ..
        } = event
        {
            sent[usize::from(direction == Direction::FromTarget)].extend(octets);
        }
    }
    let seen = seen(&file);
    assert_eq!(seen.sent, sent);
    assert_eq!(seen.ports, [(passed[0].client.port(), host.port())]);
    assert_eq!(passed[0].to_host, sent[0].len() as u64);
    assert_eq!(passed[0].to_client, sent[1].len() as u64);

    let mut versions = Vec::new();
    let keys = KeySet::lab();
    decode("made", &file[..], Limits::default(), Some(&keys), |item| {
        if let Item::Exchange(exchange) = item {
            assert_eq!(exchange.verified, Some(true), "{exchange}");
            versions.push(exchange.request.unwrap().version);
        }
    });
    assert_eq!(versions, ["4.0", "5.0", "6.0"]);
}

#[tokio::test]
async fn a_recorded_lab_host_breaks_nothing() {
    let (_, _, _, file) = activations().await;
    let checked = check("made", &file[..], &Arc::new(KeySet::lab()));
    assert_eq!(checked.sightings, []);
    let wanted = Wanted {
        role: Some(Role::Host),
        ..Wanted::default()
    };
    let report = Report::new(vec![checked], &[], &wanted);
    assert_eq!(report.exit().code(), 0);
}

/// A host that does what the test says.
async fn host() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_half_close_passes_and_the_other_half_goes_on() {
    let (listener, address) = host().await;
    let recording = Recording::start(address, connections(1)).await;
    let mut client = TcpStream::connect(recording.address).await.unwrap();
    let (mut host, _) = listener.accept().await.unwrap();
    client.write_all(b"all I have").await.unwrap();
    client.shutdown().await.unwrap();
    let mut got = Vec::new();
    host.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"all I have");
    // Far more than any buffer holds.
    let answer = vec![0x5a; 3 << 20];
    let sent = tokio::spawn({
        let answer = answer.clone();
        async move {
            host.write_all(&answer).await.unwrap();
            host.shutdown().await.unwrap();
        }
    });
    let mut came = Vec::new();
    client.read_to_end(&mut came).await.unwrap();
    assert!(came == answer);
    sent.await.unwrap();
    let (totals, passed, file) = recording.ended().await;
    assert_eq!(passed[0].end, End::Closed);
    assert_eq!(totals.bytes, 10 + (3 << 20));
    let seen = seen(&file);
    assert!(seen.sent == [b"all I have".to_vec(), answer]);
    assert_eq!(seen.ends, [CloseReason::Finished]);
}

#[tokio::test]
async fn a_reset_passes_either_way() {
    for by_host in [true, false] {
        let (listener, address) = host().await;
        let recording = Recording::start(address, connections(1)).await;
        let mut client = TcpStream::connect(recording.address).await.unwrap();
        client.write_all(b"?").await.unwrap();
        let (mut host, _) = listener.accept().await.unwrap();
        host.read_exact(&mut [0]).await.unwrap();
        let (resetting, mut other, end) = if by_host {
            (host, client, End::ResetByHost)
        } else {
            (client, host, End::ResetByClient)
        };
        resetting.set_zero_linger().unwrap();
        drop(resetting);
        let error = other.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let (_, passed, file) = recording.ended().await;
        assert_eq!(passed[0].end, end);
        assert_eq!(seen(&file).ends, [CloseReason::Reset]);
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_is_told_and_the_client_reset() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let recording = Recording::start(socket.local_addr().unwrap(), connections(1)).await;
    let mut client = TcpStream::connect(recording.address).await.unwrap();
    let error = client.read(&mut [0]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    let (totals, passed, file) = recording.ended().await;
    assert_eq!((totals.recorded, totals.unreachable), (0, 1));
    assert!(matches!(passed[0].end, End::Unreachable(_)));
    assert_eq!(seen(&file).ends, []);
}

#[tokio::test]
async fn the_last_octet_that_may_pass_ends_the_recording() {
    let (listener, address) = host().await;
    let bounds = Bounds {
        bytes: 4,
        ..Bounds::default()
    };
    let recording = Recording::start(address, bounds).await;
    let mut client = TcpStream::connect(recording.address).await.unwrap();
    let (mut host, _) = listener.accept().await.unwrap();
    client.write_all(b"123456").await.unwrap();
    let mut got = Vec::new();
    // Cut off with octets unread: closed or reset.
    drop(host.read_to_end(&mut got).await);
    assert_eq!(got, b"1234");
    let (totals, passed, file) = recording.ended().await;
    assert_eq!((totals.bytes, &passed[0].end), (4, &End::CutOff));
    assert_eq!(seen(&file).sent[0], b"1234");
}

#[tokio::test]
async fn what_has_passed_is_in_the_file_while_the_recording_runs() {
    let (listener, address) = host().await;
    let recording = Recording::start(address, Bounds::default()).await;
    let mut client = TcpStream::connect(recording.address).await.unwrap();
    let (mut host, _) = listener.accept().await.unwrap();
    client.write_all(b"ping").await.unwrap();
    host.read_exact(&mut [0; 4]).await.unwrap();
    assert_eq!(seen(&recording.file.bytes()).sent[0], b"ping");
    recording.stop.send(()).unwrap();
    let (totals, passed) = recording.task.await.unwrap();
    assert_eq!(
        (totals.unwrap().recorded, &passed[0].end),
        (1, &End::CutOff)
    );
}

#[tokio::test]
async fn a_file_that_takes_no_more_ends_the_recording_with_the_reason() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0 = self
                .0
                .checked_sub(octets.len())
                .ok_or(io::ErrorKind::StorageFull)?;
            Ok(octets.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (_listener, address) = host().await;
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut client = TcpStream::connect(proxy.local_addr().unwrap())
        .await
        .unwrap();
    client.write_all(&[1; 5000]).await.unwrap();
    let never = std::future::pending();
    let ended = record(proxy, address, Full(1000), Bounds::default(), never, |_| {}).await;
    let error = ended.unwrap_err().to_string();
    assert_eq!(error, "cannot write the recording: no storage space");
}

#[tokio::test]
async fn tshark_opens_it_without_a_warning() {
    let Ok(version) = Command::new("tshark").arg("--version").output() else {
        writeln!(io::stderr(), "skipped: needs tshark").unwrap();
        return;
    };
    assert!(version.status.success());
    let (_, _, _, file) = activations().await;
    let path = std::env::temp_dir().join(format!("kmspec-proxy-{}.pcapng", std::process::id()));
    std::fs::write(&path, file).unwrap();
    let read = |filter: &str| {
        let mut tshark = Command::new("tshark");
        let tshark = tshark.arg("-r").arg(&path).args(["-Y", filter]);
        let output = tshark.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (bad, all) = (
        read("_ws.malformed || _ws.expert.severity >= 0x600000"),
        read("tcp"),
    );
    std::fs::remove_file(&path).unwrap();
    assert_eq!(bad, "");
    assert!(all.lines().count() > 12, "{all}");
}
