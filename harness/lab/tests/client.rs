//! The lab client on real sockets, against the lab host and against hosts that do not answer.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use kmspec_lab::client::{
    ClientClock, ClientState, DnsLookup, Forget, LabClient, Lookup, LookupError, SystemLookup,
    Timeouts,
};
use kmspec_lab::state::StateFile;
use kmspec_lab::{LabHost, Settings};
use kmspec_model::client::{
    ActivationResult, Client, Edition, Machine, Outcome, Srv, State, Suffixes,
};
use kmspec_model::fault::Fault;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::{HResult, LicenseStatus};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A zone in memory; every host of it is this machine.
#[derive(Default)]
struct Zone(BTreeMap<String, Vec<Srv>>);

impl Lookup for Zone {
    async fn srv(&self, name: &str) -> Result<Vec<Srv>, LookupError> {
        let found = self.0.get(name).cloned();
        found.ok_or_else(|| LookupError("no such name".to_owned()))
    }

    async fn addresses(&self, _: &str) -> Result<Vec<IpAddr>, LookupError> {
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    }
}

/// A zone `corp.test` with hosts on these ports, each of a lower priority than the one before.
fn zone(hosts: &[SocketAddr]) -> Zone {
    let records = (0..).zip(hosts).map(|(priority, host)| Srv {
        priority,
        weight: 0,
        port: host.port(),
        target: format!("kms{priority}.corp.test"),
    });
    Zone([("_vlmcs._tcp.corp.test".to_owned(), records.collect())].into())
}

fn machine(edition: &str, seed: u64) -> Client {
    let edition = Edition::named(edition).unwrap();
    let mut client = Client::new(Machine::of(edition), ClientClock::system().now(), seed);
    client.set_suffixes(Suffixes {
        primary: Some("corp.test".to_owned()),
        ..Suffixes::default()
    });
    client
}

fn lab<L: Lookup>(client: Client, lookup: L) -> LabClient<L, Forget> {
    LabClient::start(
        client,
        lookup,
        Forget,
        ClientClock::system(),
        Timeouts::default(),
    )
    .unwrap()
}

async fn host(start_count: u32) -> LabHost {
    host_with(kmspec_model::Settings {
        start_count,
        ..kmspec_model::Settings::default()
    })
    .await
}

async fn host_with(host: kmspec_model::Settings) -> LabHost {
    let settings = Settings {
        host,
        ..Settings::default()
    };
    LabHost::start(settings).await.unwrap()
}

/// A state file, of a client.
fn opened(path: impl Into<std::path::PathBuf>) -> StateFile<ClientState> {
    StateFile::open(path).unwrap()
}

/// An address on which nobody listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap()
        .local_addr()
        .unwrap()
}

async fn codes<L: Lookup + Send + 'static>(
    clients: &[std::sync::Arc<LabClient<L, Forget>>],
) -> Vec<HResult> {
    let mut codes = Vec::new();
    for client in clients {
        codes.push(client.activate().await.unwrap().result.hresult());
    }
    codes
}

#[tokio::test]
async fn twenty_four_fail_the_twenty_fifth_activates_and_the_rest_follow() {
    let host = host(0).await;
    let lookup = || zone(&[host.address()]);
    let start = |seed| std::sync::Arc::new(lab(machine("vista-enterprise", seed), lookup()));
    let clients: Vec<_> = (1..=25).map(start).collect();
    let first = codes(&clients).await;
    assert_eq!(first[..24], [HResult(0xc004_f038); 24]);
    assert_eq!(first[24], HResult::OK);
    // The others at their next try, all at once.
    let mut again = JoinSet::new();
    for client in &clients[..24] {
        let client = client.clone();
        again.spawn(async move { client.activate().await.unwrap().result.is_success() });
    }
    assert!(
        again
            .join_all()
            .await
            .into_iter()
            .all(|activated| activated)
    );
    for client in &clients {
        let status = client.look(|client, now| client.standing(now).status);
        assert_eq!(status, LicenseStatus::LICENSED);
    }
    host.stop().await;
}

#[tokio::test]
async fn clones_of_one_disk_count_once_unless_they_were_generalised() {
    let host = host(0).await;
    let now = ClientClock::system().now();
    let mut image = machine("vista-enterprise", 1);
    let started = |image: &State, seed| {
        let client = Client::restore(image.clone(), now, seed);
        std::sync::Arc::new(lab(client, zone(&[host.address()])))
    };
    let cloned: Vec<_> = (1..=26).map(|seed| started(image.state(), seed)).collect();
    assert_eq!(codes(&cloned).await, [HResult::NOT_ENOUGH_COUNT; 26]);

    image.rearm(now).unwrap();
    let generalised: Vec<_> = (1..=24).map(|seed| started(image.state(), seed)).collect();
    let codes = codes(&generalised).await;
    assert_eq!(codes[..23], [HResult::NOT_ENOUGH_COUNT; 23]);
    assert_eq!(
        codes[23],
        HResult::OK,
        "the clones before count as one more"
    );
    host.stop().await;
}

#[tokio::test]
async fn a_host_that_is_gone_silent_or_broken_is_followed_by_the_next() {
    let good = host(25).await;
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let faulty = |name| {
        host_with(kmspec_model::Settings {
            faults: Fault::named(name).unwrap().into(),
            ..kmspec_model::Settings::default()
        })
    };
    let (closing, resetting) = (
        faulty("closes-instead-of-response").await,
        faulty("reset-instead-of-response").await,
    );
    let before = [
        nobody().await,
        silent.local_addr().unwrap(),
        closing.address(),
        resetting.address(),
    ];
    let lookup = zone(&[&before[..], &[good.address()]].concat());
    let timeouts = Timeouts {
        answer: Duration::from_millis(300),
        ..Timeouts::default()
    };
    let client = machine("lab-client-v6", 1);
    let client = LabClient::start(client, lookup, Forget, ClientClock::system(), timeouts).unwrap();
    let outcome = client.activate().await.unwrap();
    assert!(outcome.result.is_success(), "{outcome:?}");
    let why: Vec<_> = outcome
        .tried
        .iter()
        .map(|tried| tried.why.as_str())
        .collect();
    assert!(
        why[0].starts_with("cannot connect to 127.0.0.1:"),
        "{why:?}"
    );
    assert_eq!(why[1], "the answer to the bind did not come within 300ms");
    assert_eq!(why[2], "the host closed before the answer to the request");
    assert!(
        why[3].starts_with("the connection broke before the answer to the request"),
        "{why:?}"
    );
    assert_eq!(why.len(), 4);
    // It goes straight to the host that answered.
    assert_eq!(client.activate().await.unwrap().tried, []);
}

#[tokio::test]
async fn when_nobody_answers_the_code_says_so() {
    let client = lab(machine("vista-enterprise", 1), Zone::default());
    let outcome = client.activate().await.unwrap();
    assert_eq!(outcome.result.hresult(), HResult(0xc004_f074));
    assert_eq!(
        outcome.tried[0].to_string(),
        "_vlmcs._tcp.corp.test: no such name"
    );
    let client = lab(machine("vista-enterprise", 1), SystemLookup);
    let outcome = client.activate().await.unwrap();
    assert_eq!(outcome.result, ActivationResult::NoHost);
}

#[tokio::test]
async fn a_registered_host_beats_dns_by_every_form_of_loopback() {
    let (registered, published) = (host(25).await, host(25).await);
    let port = registered.address().port();
    for form in [
        format!("127.0.0.1:{port}"),
        format!("localhost:{port}"),
        format!("KMS03:{port}"),
    ] {
        let client = lab(machine("vista-enterprise", 1), zone(&[published.address()]));
        client
            .change(|client, _| client.register(form.parse().unwrap()))
            .unwrap();
        assert!(
            client.activate().await.unwrap().result.is_success(),
            "{form}"
        );
        assert_eq!(published.counters().total, 0, "{form}");
    }
    let v6 = LabHost::start(Settings {
        listen: kmspec_lab::Listen::Address("[::1]:0".parse().unwrap()),
        ..Settings::default()
    });
    if let Ok(v6) = v6.await {
        let client = lab(machine("vista-enterprise", 1), zone(&[published.address()]));
        let form = v6.address().to_string();
        client
            .change(|client, _| client.register(form.parse().unwrap()))
            .unwrap();
        assert_eq!(
            client.activate().await.unwrap().host.unwrap().to_string(),
            form
        );
    }
    let client = lab(machine("vista-enterprise", 1), zone(&[published.address()]));
    client
        .change(|client, _| client.register(format!("127.0.0.1:{port}").parse().unwrap()))
        .unwrap();
    client.change(|client, _| client.forget_host()).unwrap();
    client.activate().await.unwrap();
    assert_eq!(published.counters().total, 1);
}

#[tokio::test]
async fn what_a_client_remembers_survives_its_end() {
    let host = host(25).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("client.state");
    assert!(opened(&path).client().unwrap().is_none());
    let start = |client| {
        let lookup = zone(&[host.address()]);
        let clock = ClientClock::system();
        LabClient::start(client, lookup, opened(&path), clock, Timeouts::default()).unwrap()
    };
    let client = start(machine("vista-enterprise", 1));
    assert!(client.activate().await.unwrap().result.is_success());
    let state = client.look(|client, _| client.state().clone());
    assert_eq!(
        state.discovery.cached.as_ref().unwrap().port,
        host.address().port()
    );
    drop(client);

    assert_eq!(opened(&path).client().unwrap(), Some(state.clone()));
    let again = start(Client::restore(state, ClientClock::system().now(), 2));
    let status = again.look(|client, now| client.standing(now).status);
    assert_eq!(status, LicenseStatus::LICENSED);
    assert_eq!(again.activate().await.unwrap().tried, []);
}

#[tokio::test]
async fn clients_publish_nothing_and_read_what_a_real_server_of_dns_has() {
    use kmspec_dns::{Authority, DnsServer, Resolver, Zone};
    let host = host(25).await;
    let mut zone = Zone::new("corp.test").unwrap();
    let port = host.address().port();
    for line in [
        format!("_vlmcs._tcp.corp.test. 60 IN SRV 10 0 {port} kms.corp.test."),
        format!(
            "_vlmcs._tcp.corp.test. 60 IN SRV 0 0 {} gone.corp.test.",
            nobody().await.port()
        ),
        "kms.corp.test. 60 IN A 127.0.0.1".to_owned(),
        "gone.corp.test. 60 IN A 127.0.0.1".to_owned(),
    ] {
        zone.add_line(&line).unwrap();
    }
    let server = DnsServer::start((Ipv4Addr::LOCALHOST, 0).into(), Authority::new([zone]))
        .await
        .unwrap();
    let client = lab(
        machine("lab-client-v6", 1),
        DnsLookup::of(Resolver::new(server.address())),
    );
    let outcome = client.activate().await.unwrap();
    assert!(outcome.result.is_success(), "{outcome:?}");
    assert_eq!(
        outcome.host.unwrap().to_string(),
        format!("kms.corp.test:{port}")
    );
    assert!(
        outcome.tried[0].what.starts_with("gone.corp.test:"),
        "{:?}",
        outcome.tried
    );
}

#[tokio::test]
async fn a_change_that_cannot_be_kept_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let file = opened(inner.join("client.state"));
    let client = machine("vista-enterprise", 1);
    let client = LabClient::start(
        client,
        Zone::default(),
        file,
        ClientClock::system(),
        Timeouts::default(),
    )
    .unwrap();
    std::fs::remove_dir_all(&inner).unwrap();
    let change = client.change(|client, _| client.register("127.0.0.1".parse().unwrap()));
    assert!(change.is_err());
    assert_eq!(
        client.look(|client, _| client.state().discovery.registered.clone()),
        None
    );
}

#[tokio::test]
async fn a_client_that_runs_asks_again_after_each_interval() {
    let interval = |minutes| kmspec_model::Interval::from_minutes(minutes).unwrap();
    let start = FileTime(134_398_416_170_000_000);
    let host = host_with(kmspec_model::Settings {
        start_count: 23,
        activation_interval: interval(15),
        renewal_interval: interval(30),
        // Faster than any test waits, so that the host's clock stays within four hours of the client's.
        clock: kmspec_model::Clock::Fixed(start),
        ..kmspec_model::Settings::default()
    })
    .await;
    // A quarter of an hour passes in a tenth of a second.
    let clock = ClientClock::starting_at(start).times(9_000);
    let client = Client::new(
        Machine::of(Edition::named("vista-enterprise").unwrap()),
        start,
        1,
    );
    let client = LabClient::start(
        client,
        zone(&[host.address()]),
        Forget,
        clock,
        Timeouts::default(),
    )
    .unwrap();
    client
        .change(|client, _| client.register(host.address().to_string().parse().unwrap()))
        .unwrap();
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    let runs = client.run(|client, outcome: &Outcome| {
        let due = client
            .look(|client, _| client.due().unwrap().0 - client.state().licence.last.unwrap().at.0);
        let _ = sender.send((outcome.result.hresult(), due / FileTime::MINUTE));
    });
    let watch = async {
        assert_eq!(told.recv().await, Some((HResult::NOT_ENOUGH_COUNT, 15)));
        // Another machine comes, and the next try succeeds.
        let edition = Edition::named("vista-enterprise").unwrap();
        let other = Client::new(Machine::of(edition), start, 2);
        let other = LabClient::start(
            other,
            SystemLookup,
            Forget,
            ClientClock::starting_at(start),
            Timeouts::default(),
        );
        let other = other.unwrap();
        other
            .change(|other, _| other.register(host.address().to_string().parse().unwrap()))
            .unwrap();
        assert!(other.activate().await.unwrap().result.is_success());
        assert_eq!(told.recv().await, Some((HResult::OK, 30)));
        assert_eq!(told.recv().await, Some((HResult::OK, 30)));
    };
    tokio::select! {
        ended = runs => panic!("{ended:?}"),
        () = watch => {}
    }
    assert_eq!(host.counters().total, 4);
}
