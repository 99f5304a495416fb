//! The control connection of a lab host.

use std::fs;
use std::net::SocketAddr;

use kmspec_lab::control::{Answer, ControlServer, Outcome, Request, Token, TokenError};
use kmspec_lab::{LabHost, Settings};
use kmspec_slmgr::Language;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn request(line: &str) -> Request {
    Request {
        words: line.split_whitespace().map(str::to_owned).collect(),
        elevated: true,
        language: Language::English,
    }
}

struct Controlled {
    host: LabHost,
    control: ControlServer,
    token: Token,
    folder: tempfile::TempDir,
}

impl Controlled {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let token = Token::read_or_make(&folder.path().join("token")).unwrap();
        let host = LabHost::start(Settings::default()).await.unwrap();
        let anywhere: SocketAddr = ([127, 0, 0, 1], 0).into();
        let control = ControlServer::start(anywhere, token.clone(), host.controls())
            .await
            .unwrap();
        Self {
            host,
            control,
            token,
            folder,
        }
    }

    async fn ask(&self, request: &Request) -> Answer {
        request
            .ask(self.control.address(), &self.token)
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn a_host_that_runs_does_what_it_is_told() {
    let lab = Controlled::start().await;
    let done = |answer: Answer| {
        assert_eq!(answer.outcome, Outcome::Done, "{answer:?}");
        answer.text
    };
    assert!(
        done(lab.ask(&request("/SAI 60")).await)
            .starts_with("Activation interval set to 60 minutes")
    );
    assert!(done(lab.ask(&request("restart")).await).starts_with("The service was restarted"));
    let japanese = Request {
        language: Language::Japanese,
        ..request("-dli")
    };
    assert!(done(lab.ask(&japanese).await).contains("部分プロダクト キー : LAB01"));
    for (line, elevated, outcome, text) in [
        (
            "-sai 14",
            true,
            Outcome::Usage,
            "-sai: \"14\" is no interval: intervals are 15 to 43200 minutes",
        ),
        ("", true, Outcome::Usage, "a verb is missing"),
        (
            "-sai 90",
            false,
            Outcome::Failed,
            "Error: 0x80070005 Access denied: the requested action requires elevated privileges.",
        ),
        (
            "-ckms",
            true,
            Outcome::Failed,
            "-ckms is for clients, and this is a host",
        ),
        (
            "-ipk MF9PG-RQK7R-26BPJ-TWFYK-RHXCM",
            true,
            Outcome::Refused,
            "Error: 0xC004F050 The product key is invalid.",
        ),
    ] {
        let answer = lab
            .ask(&Request {
                elevated,
                ..request(line)
            })
            .await;
        assert_eq!(
            (answer.outcome, answer.text.as_str()),
            (outcome, text),
            "{line}"
        );
    }
    lab.host.stop().await;
}

#[tokio::test]
async fn without_the_token_nothing_is_done() {
    let lab = Controlled::start().await;
    let file = lab.folder.path().join("other");
    let other = Token::read_or_make(&file).unwrap();
    let before = lab.ask(&request("-dli")).await;
    for line in ["-cpri", "restart", "-dli"] {
        let answer = request(line)
            .ask(lab.control.address(), &other)
            .await
            .unwrap();
        assert_eq!(
            answer,
            Answer {
                outcome: Outcome::Denied,
                text: "the control token is wrong".to_owned()
            }
        );
    }
    let long = "x".repeat(100_000);
    for octets in ["", "\n", "{}\n", "GET / HTTP/1.1\r\n\r\n", long.as_str()] {
        let mut stream = TcpStream::connect(lab.control.address()).await.unwrap();
        // The host may have heard enough before all of it is sent.
        let _ = stream.write_all(octets.as_bytes()).await;
        let _ = stream.shutdown().await;
        let mut text = String::new();
        if stream.read_to_string(&mut text).await.is_ok() {
            assert!(text.contains("denied"), "{octets:.20}: {text}");
        }
    }
    assert_eq!(lab.ask(&request("-dli")).await, before);
}

#[tokio::test]
async fn many_may_ask_at_once_although_one_after_the_other_is_served() {
    let lab = Controlled::start().await;
    // Somebody who never says anything is in nobody's way.
    let _silent = TcpStream::connect(lab.control.address()).await.unwrap();
    let (address, token) = (lab.control.address(), lab.token.clone());
    let mut asking = tokio::task::JoinSet::new();
    for minutes in 15..35 {
        let token = token.clone();
        asking.spawn(async move {
            request(&format!("-sai {minutes}"))
                .ask(address, &token)
                .await
        });
    }
    for answer in asking.join_all().await {
        assert_eq!(answer.unwrap().outcome, Outcome::Done);
    }
}

#[tokio::test]
async fn what_is_no_lab_shows_by_its_silence() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let token = Token::read_or_make(&folder.path().join("token")).unwrap();
    tokio::time::pause();
    let error = request("-dli").ask(address, &token).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("what listens at {address} is no lab of this version")
    );
}

#[tokio::test]
async fn it_is_for_loopback_only() {
    let lab = Controlled::start().await;
    let everywhere: SocketAddr = ([0, 0, 0, 0], 0).into();
    let refused = ControlServer::start(everywhere, lab.token.clone(), lab.host.controls()).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "control connections are for loopback only"
    );
}

#[test]
fn a_token_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    assert!(matches!(Token::read(&file), Err(TokenError::Read { .. })));
    let token = Token::read_or_make(&file).unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(Token::read(&file).unwrap(), token);
    assert_eq!(Token::read_or_make(&file).unwrap(), token);
    assert!(!format!("{token:?}").contains(fs::read_to_string(&file).unwrap().trim()));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(Token::read(&file), Err(TokenError::Open(_))));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "short").unwrap();
    assert!(matches!(Token::read(&file), Err(TokenError::Malformed(_))));
    assert!(matches!(
        Token::read_or_make(&folder.path().join("none/token")),
        Err(TokenError::Write { .. })
    ));
}
