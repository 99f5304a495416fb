use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use kmspec_dns::{Asked, Authority, DnsServer, Fault, Patience, Resolver, Transport};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};

use crate::kit::{authority, corp, host, publishing, withdrawing};

const OWNER: &str = "_vlmcs._tcp.corp.example";
const HURRIED: Patience = Patience {
    each: Duration::from_millis(150),
    tries: 2,
};

async fn server(faults: &[&str]) -> DnsServer {
    let mut authority: Authority = authority();
    authority.set_faults(faults.iter().map(|fault| fault.parse().unwrap()).collect());
    DnsServer::start(loopback(), authority).await.unwrap()
}

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[tokio::test]
async fn lookups_meet_every_kind_of_server() {
    let found = Ok([
        "0 100 1688 kms01.corp.example.",
        "10 0 1689 kms02.corp.example.",
    ]
    .as_slice());
    for (faults, expected) in [
        ([].as_slice(), found),
        (&["truncate"], found),
        (&["cname"], found),
        (&["cname", "truncate"], found),
        (&["slow=10ms"], found),
        (
            &["servfail"],
            Err("SERVER answers SERVFAIL to _vlmcs._tcp.corp.example. SRV"),
        ),
        (
            &["refused"],
            Err("SERVER answers REFUSED to _vlmcs._tcp.corp.example. SRV"),
        ),
        (
            &["nxdomain"],
            Err("_vlmcs._tcp.corp.example. does not exist"),
        ),
        (
            &["empty"],
            Err("_vlmcs._tcp.corp.example. has no SRV record"),
        ),
        (
            &["cname-loop"],
            Err("_vlmcs._tcp.corp.example. leads to more than 8 aliases"),
        ),
        (
            &["wrong-id"],
            Err("SERVER does not answer within 150ms, asked 2 times"),
        ),
        (
            &["wrong-question"],
            Err("SERVER does not answer within 150ms, asked 2 times"),
        ),
        (
            &["silent"],
            Err("SERVER does not answer within 150ms, asked 2 times"),
        ),
        (
            &["truncate-always"],
            Err("SERVER does not answer within 150ms, asked 2 times"),
        ),
        (
            &["slow=60s"],
            Err("SERVER does not answer within 150ms, asked 2 times"),
        ),
    ] {
        let server = server(faults).await;
        let got = Resolver::new(server.address())
            .with_patience(HURRIED)
            .srv(OWNER)
            .await;
        let got = got.map(|records| records.iter().map(ToString::to_string).collect::<Vec<_>>());
        let got = got.map_err(|error| {
            error
                .to_string()
                .replace(&server.address().to_string(), "SERVER")
        });
        match expected {
            Ok(lines) => assert_eq!(got.unwrap(), lines, "{faults:?}"),
            Err(problem) => assert_eq!(got.unwrap_err(), problem, "{faults:?}"),
        }
    }
}

#[tokio::test]
async fn truncated_answers_are_asked_for_again_over_tcp() {
    let server = server(&["truncate"]).await;
    Resolver::new(server.address()).srv(OWNER).await.unwrap();
    let (_, events) = server.events(0);
    let transports: Vec<_> = events.iter().map(|event| event.transport).collect();
    assert_eq!(transports, [Transport::Udp, Transport::Tcp]);
}

#[tokio::test]
async fn addresses_of_both_families_are_found() {
    let server = server(&[]).await;
    let resolver = Resolver::new(server.address());
    for (name, expected) in [
        ("kms01.corp.example", Ok("[127.0.0.1, ::1]")),
        ("alias.corp.example.", Ok("[127.0.0.1, ::1]")),
        ("ns.corp.example", Ok("[127.0.0.1]")),
        (
            "note.corp.example",
            Err("note.corp.example. has no A record"),
        ),
        (
            "nobody.corp.example",
            Err("nobody.corp.example. does not exist"),
        ),
        ("no body", Err("\"no body\" is not a domain name")),
    ] {
        let got = resolver.addresses(name).await;
        let got = got
            .map(|list| format!("{list:?}"))
            .map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), expected, "{name}");
    }
}

#[tokio::test]
async fn a_closed_port_is_told_at_once() {
    let socket = UdpSocket::bind(loopback()).await.unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let problem = Resolver::new(address)
        .srv(OWNER)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        problem.starts_with(&format!("cannot ask {address}: ")),
        "{problem}"
    );
    let lab = host("corp.example", "lab", 1);
    let publishing = publishing("corp.example", &lab, None);
    let problem = publishing
        .send(address, HURRIED)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        problem.starts_with(&format!("cannot ask {address}: ")),
        "{problem}"
    );
}

#[tokio::test]
async fn a_host_is_published_over_the_network() {
    let server = server(&[]).await;
    let before = server.srv(OWNER).len();
    let lab = host("corp.example", "lab", 1700);
    let publishing = publishing("corp.example", &lab, None);
    publishing.send(server.address(), HURRIED).await.unwrap();
    assert!(server.srv(OWNER).contains(&lab));
    withdrawing("corp.example", &lab)
        .send(server.address(), HURRIED)
        .await
        .unwrap();
    assert_eq!(server.srv(OWNER).len(), before);
    let (count, events) = server.events(0);
    assert_eq!(count, 2);
    assert!(
        events
            .iter()
            .all(|event| matches!(event.asked, Asked::Update { .. }))
    );
}

#[tokio::test]
async fn an_update_that_fails_says_how() {
    for (fault, expected) in [
        (
            "no-updates",
            "SERVER answers REFUSED to an update of corp.example.",
        ),
        (
            "servfail",
            "SERVER answers SERVFAIL to an update of corp.example.",
        ),
        (
            "silent",
            "SERVER does not answer an update within 150ms, asked 2 times",
        ),
    ] {
        let server = server(&[fault]).await;
        let lab = host("corp.example", "lab", 1700);
        let publishing = publishing("corp.example", &lab, None);
        let problem = publishing
            .send(server.address(), HURRIED)
            .await
            .unwrap_err();
        let problem = problem
            .to_string()
            .replace(&server.address().to_string(), "SERVER");
        assert_eq!(problem, expected);
    }
    let server = server(&[]).await;
    let lab = host("corp.test", "lab", 1700);
    let publishing = publishing("corp.test", &lab, None);
    let problem = publishing
        .send(server.address(), HURRIED)
        .await
        .unwrap_err();
    assert!(
        problem
            .to_string()
            .ends_with("answers NOTAUTH to an update of corp.test."),
        "{problem}"
    );
}

#[tokio::test]
async fn whoever_waits_for_something_is_told_when_it_happens() {
    let server = server(&[]).await;
    let found = server
        .until(Duration::from_millis(30), |_| None::<()>)
        .await;
    assert_eq!(found, None);
    let address = server.address();
    let asked = tokio::spawn(async move { Resolver::new(address).srv(OWNER).await.is_ok() });
    let count = |server: &DnsServer| Some(server.events(0).0).filter(|count| *count > 0);
    assert_eq!(server.until(Duration::from_secs(10), count).await, Some(1));
    assert!(asked.await.unwrap());
}

#[tokio::test]
async fn a_connection_asks_as_often_as_it_likes_and_may_say_nonsense() {
    let server = server(&[]).await;
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.write_all(&[0, 3, 1, 2, 3, 0, 0, 255]).await.unwrap();
    drop(stream);
    for _ in 0..3 {
        Resolver::new(server.address())
            .records(OWNER, RecordType::SRV)
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn connections_are_bounded_and_places_are_given_back() {
    let server = server(&["truncate"]).await;
    let mut held = Vec::new();
    for _ in 0..80 {
        held.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let resolver = Resolver::new(server.address()).with_patience(HURRIED);
    assert!(resolver.srv(OWNER).await.is_err(), "no place is left");
    drop(held);
    let patient = Patience {
        tries: 50,
        ..HURRIED
    };
    let mut found = resolver.with_patience(patient).srv(OWNER).await;
    for _ in 0..50 {
        if found.is_ok() {
            break;
        }
        found = resolver.srv(OWNER).await;
    }
    found.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_an_error() {
    let first = server(&[]).await;
    let problem = DnsServer::start(first.address(), Authority::new([corp()]))
        .await
        .unwrap_err();
    assert!(
        problem
            .to_string()
            .starts_with(&format!("cannot listen on {}: ", first.address()))
    );
}

#[tokio::test]
async fn faults_come_and_go() {
    let server = server(&[]).await;
    let resolver = Resolver::new(server.address());
    server.set_faults(vec![Fault::NxDomain]);
    resolver.srv(OWNER).await.unwrap_err();
    server.set_faults(Vec::new());
    resolver.srv(OWNER).await.unwrap();
}
