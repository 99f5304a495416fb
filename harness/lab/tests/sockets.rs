//! The lab host on real sockets: good clients are served whatever others do.

use std::time::Duration;

use kmspec_lab::{Ended, LabHost, Listen, Settings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::Framer;
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::seal_request;
use kmspec_wire::kms::{LicenseStatus, RequestBody, Version, WorkstationName, ids};
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{BindBuilder, RequestBuilder, SyntaxId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

const BIND_ACK: u8 = 12;
const RESPONSE: u8 = 2;
const FAULT: u8 = 3;

/// Longest any good client waits; generous, so that only a hang fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn bind() -> Vec<u8> {
    let bind = BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR32]);
    bind.encoded().bytes
}

fn call() -> Vec<u8> {
    let body = RequestBody {
        version: Version::V6.protocol(),
        is_client_vm: 0,
        license_status: LicenseStatus::OOB_GRACE,
        binding_expiration: 0,
        application_id: ids::WINDOWS,
        activation_id: Guid::NIL,
        counted_id: Guid::from_u128(0x58e2_134f_8e11_4d17_9cb2_9106_9c15_1148),
        cmid: Guid::random([7; 16]),
        n_policy: 25,
        client_time: FileTime(0),
        previous_cmid: Guid::NIL,
        workstation: WorkstationName::new("client.lab").unwrap(),
    };
    let mut message = Vec::new();
    seal_request(&KeySet::lab(), &body, [9; 16], &mut message);
    RequestBuilder::new(RequestStub::new(&message).to_bytes(TransferSyntax::Ndr32))
        .encoded()
        .bytes
}

/// Reads PDUs until there are this many, or the connection ends; their types.
async fn read_types(stream: &mut TcpStream, most: usize) -> Vec<u8> {
    let mut framer = Framer::new();
    let mut types = Vec::new();
    let mut octets = [0; 4096];
    while types.len() < most {
        let got = timeout(PATIENCE, stream.read(&mut octets))
            .await
            .expect("an answer in time");
        match got {
            Ok(got) if got > 0 => framer.push(&octets[..got]),
            _ => break,
        }
        while let Some(pdu) = framer.next_pdu().unwrap() {
            types.push(pdu[2]);
        }
    }
    types
}

/// A good client: bind and call on a new connection.
async fn good_client(host: &LabHost) {
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(&bind()).await.unwrap();
    assert_eq!(read_types(&mut stream, 1).await, [BIND_ACK]);
    stream.write_all(&call()).await.unwrap();
    assert_eq!(read_types(&mut stream, 1).await, [RESPONSE]);
}

async fn host() -> LabHost {
    LabHost::start(Settings::default()).await.unwrap()
}

/// How many files this process may open; what cannot be read is taken as little.
fn open_files() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    soft.unwrap_or(256)
}

#[tokio::test]
async fn a_good_client_is_served_beside_idle_half_open_and_babbling_ones() {
    let host = host().await;
    // Both ends of each connection are files of this process.
    let idle = (open_files().saturating_sub(200) / 2).min(5000);
    let mut held = Vec::new();
    for number in 0..idle {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        match number % 4 {
            0 => stream.write_all(&bind()[..8]).await.unwrap(),
            1 => stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap(),
            2 => stream.write_all(&bind()).await.unwrap(),
            _ => {}
        }
        held.push(stream);
    }
    let mut clients = JoinSet::new();
    let address = host.address();
    for _ in 0..20 {
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(&[bind(), call()].concat()).await.unwrap();
            assert_eq!(read_types(&mut stream, 2).await, [BIND_ACK, RESPONSE]);
        });
    }
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    good_client(&host).await;
    drop(held);
    host.stop().await;
}

#[tokio::test]
async fn an_octet_by_octet_sender_is_answered_the_same() {
    let host = host().await;
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    for octet in [bind(), call()].concat() {
        stream.write_all(&[octet]).await.unwrap();
    }
    assert_eq!(read_types(&mut stream, 2).await, [BIND_ACK, RESPONSE]);
}

#[tokio::test]
async fn what_was_asked_before_a_half_close_is_answered() {
    let host = host().await;
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(&[bind(), call()].concat()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_types(&mut stream, 3).await, [BIND_ACK, RESPONSE]);
}

#[tokio::test]
async fn the_last_fault_arrives_although_octets_behind_it_are_never_read() {
    let host = host().await;
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    let mut octets = bind();
    octets.extend(BindBuilder::alter().encoded().bytes);
    octets.extend(std::iter::repeat_n(0, 100_000));
    stream.write_all(&octets).await.unwrap();
    assert_eq!(read_types(&mut stream, 3).await, [BIND_ACK, FAULT]);
}

#[tokio::test]
async fn clients_that_leave_or_babble_leave_nothing_behind() {
    let host = host().await;
    for number in 0..300u32 {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        let babble: Vec<u8> = (0..number)
            .map(|at| (at.wrapping_mul(number) >> 3).to_le_bytes()[0])
            .collect();
        // The host may have closed already.
        drop(stream.write_all(&babble).await);
        if number % 3 == 0 {
            stream.set_zero_linger().unwrap();
        }
    }
    good_client(&host).await;
    let gone = async {
        while host.connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone)
        .await
        .expect("no connection is left");
}

#[tokio::test]
async fn a_full_house_lets_the_longest_idle_go_and_serves_the_newcomer() {
    let settings = Settings {
        connections: 3,
        ..Settings::default()
    };
    let host = LabHost::start(settings).await.unwrap();
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        stream.write_all(&bind()).await.unwrap();
        assert_eq!(read_types(&mut stream, 1).await, [BIND_ACK]);
        held.push(stream);
    }
    good_client(&host).await;
    assert_eq!(
        read_types(&mut held[0], 1).await,
        [0_u8; 0],
        "the oldest was let go"
    );
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_the_limit() {
    let mut settings = Settings::default();
    settings.host.limits.idle = FileTime::SECOND / 20;
    let host = LabHost::start(settings).await.unwrap();
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    assert_eq!(read_types(&mut stream, 1).await, [0_u8; 0]);
}

#[tokio::test]
async fn stopping_ends_all_connections_and_frees_the_port() {
    let host = host().await;
    let address = host.address();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&bind()).await.unwrap();
    assert_eq!(read_types(&mut stream, 1).await, [BIND_ACK]);
    host.stop().await;
    assert_eq!(read_types(&mut stream, 1).await, [0_u8; 0]);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let host = host().await;
    let settings = Settings {
        listen: Listen::Loopback(host.address().port()),
        ..Settings::default()
    };
    let error = LabHost::start(settings)
        .await
        .expect_err("the port is taken");
    assert!(
        error
            .to_string()
            .starts_with(&format!("cannot listen on {}: ", host.address())),
        "{error}"
    );
    tokio::select! {
        ended = host.ended() => panic!("{ended:?}"),
        () = good_client(&host) => {}
    }
}

/// A host with these faults, and a client of it that has sent a bind and a call.
async fn faulty(faults: &str) -> (LabHost, TcpStream) {
    let mut settings = Settings::default();
    settings.host.faults = faults.parse().unwrap();
    let host = LabHost::start(settings).await.unwrap();
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(&[bind(), call()].concat()).await.unwrap();
    (host, stream)
}

#[tokio::test]
async fn a_crash_ends_the_listener_and_all_connections() {
    let (host, mut stream) = faulty("crash-on-foreign-octets").await;
    assert_eq!(read_types(&mut stream, 2).await, [BIND_ACK, RESPONSE]);
    let mut foreign = TcpStream::connect(host.address()).await.unwrap();
    foreign.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(host.ended().await, Ended::Crashed);
    assert_eq!(read_types(&mut stream, 1).await, [0_u8; 0]);
    while TcpStream::connect(host.address()).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let (_host, mut stream) = faulty("reset-instead-of-response").await;
    let mut octets = Vec::new();
    let error = timeout(PATIENCE, stream.read_to_end(&mut octets))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_host_that_speaks_first_does_so_before_anything_is_sent() {
    let mut settings = Settings::default();
    settings.host.faults = "speaks-unasked".parse().unwrap();
    let host = LabHost::start(settings).await.unwrap();
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    assert_eq!(read_types(&mut stream, 1).await, [17]);
}

#[tokio::test]
async fn answers_can_be_sent_octet_by_octet() {
    let mut settings = Settings::default();
    settings.host.delivery = kmspec_model::Delivery::OctetByOctet;
    let host = LabHost::start(settings).await.unwrap();
    good_client(&host).await;
}

#[tokio::test]
async fn a_half_close_that_is_ignored_does_not_spin_and_ends_at_the_idle_limit() {
    let mut settings = Settings::default();
    settings.host.faults = "half-close-ignored".parse().unwrap();
    settings.host.limits.idle = FileTime::SECOND / 10;
    let host = LabHost::start(settings).await.unwrap();
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(&bind()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(read_types(&mut stream, 2).await, [BIND_ACK]);
}

#[tokio::test]
async fn a_restart_moves_to_the_port_that_was_set_and_ends_connections() {
    let host = LabHost::start(Settings::default()).await.unwrap();
    let (old, controls) = (host.address(), host.controls());
    let mut published = host.published();
    assert_eq!(*published.borrow_and_update(), Some(old.port()));
    let mut stream = TcpStream::connect(old).await.unwrap();
    let free = {
        let taken = tokio::net::TcpListener::bind((old.ip(), 0)).await.unwrap();
        let port = taken.local_addr().unwrap().port();
        let said = controls.perform("sprt", &port.to_string()).await.unwrap();
        assert!(said.starts_with("KMS port set to"), "{said}");
        // Somebody listens there: nothing changes.
        let error = controls
            .perform("restart", "")
            .await
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("cannot listen on 127.0.0.1:"), "{error}");
        assert_eq!(host.address(), old);
        drop(TcpStream::connect(old).await.unwrap());
        port
    };
    controls.perform("restart", "").await.unwrap();
    assert_eq!(host.address().port(), free);
    assert_eq!(*published.borrow_and_update(), Some(free));
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(old).await.is_err());
    drop(TcpStream::connect(host.address()).await.unwrap());
    for (verb, port) in [("cdns", None), ("sdns", Some(free))] {
        controls.perform(verb, "").await.unwrap();
        controls.perform("restart", "").await.unwrap();
        assert_eq!(*published.borrow_and_update(), port, "{verb}");
    }
    host.stop().await;
    assert_eq!(*published.borrow(), None);
    let error = controls
        .perform("restart", "")
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(error, "the host has stopped");
}

#[tokio::test]
async fn a_host_goes_on_where_the_last_one_stopped() {
    use kmspec_lab::state::{HostState, StateFile};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.state");
    let settings = Settings::default();
    let bare = HostState::bare(&settings.host, kmspec_wire::filetime::FileTime(0));
    let host = LabHost::resume(settings.clone(), bare, StateFile::open(&path).unwrap())
        .await
        .unwrap();
    let controls = host.controls();
    for (verb, value) in [
        ("ipk", "LABAA-BBBBB-CCCCC-DDDDD-EEEEE"),
        ("ato", ""),
        ("cpri", ""),
        ("restart", ""),
    ] {
        controls.perform(verb, value).await.unwrap();
    }
    let shown = controls.perform("dli", "").await.unwrap();
    assert!(
        shown.contains("KMS priority: Low") && shown.contains("EEEEE"),
        "{shown}"
    );
    let held = StateFile::<HostState>::open(&path);
    assert!(held.unwrap_err().to_string().contains("in use"));
    host.stop().await;
    drop(controls);
    let file = StateFile::open(&path).unwrap();
    let state: HostState = file.load().unwrap().unwrap();
    let host = LabHost::resume(settings, state, file).await.unwrap();
    let port = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("Listening"))
            .map(str::to_owned)
    };
    let again = host.controls().perform("dli", "").await.unwrap();
    assert_eq!(
        again.replace(&port(&again).unwrap(), ""),
        shown.replace(&port(&shown).unwrap(), "")
    );
    host.stop().await;
}
