//! A lab host lets itself be found in DNS.

use std::time::Duration;

use kmspec_dns::{Authority, DnsServer, Fault, Resolver, Zone};
use kmspec_lab::{InDns, LabHost, Publish, Settings};

const OWNER: &str = "_vlmcs._tcp.corp.example";
/// Longer than anything here takes; nothing waits for so long.
const PATIENCE: Duration = Duration::from_secs(20);

async fn server() -> DnsServer {
    let mut zone = Zone::new("corp.example").unwrap();
    zone.add_line("_vlmcs._tcp SRV 10 0 1688 other").unwrap();
    let address = "127.0.0.1:0".parse().unwrap();
    DnsServer::start(address, Authority::new([zone]))
        .await
        .unwrap()
}

async fn host(server: &DnsServer) -> LabHost {
    let settings = Settings {
        publish: Some(Publish::new("corp.example", server.address()).unwrap()),
        ..Settings::default()
    };
    LabHost::start(settings).await.unwrap()
}

/// Waits until DNS has exactly these ports.
async fn ports(server: &DnsServer, wanted: &[u16]) {
    let now = |server: &DnsServer| {
        let mut ports: Vec<u16> = server.srv(OWNER).iter().map(|srv| srv.port).collect();
        ports.sort_unstable();
        ports
    };
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    let look = |server: &DnsServer| (now(server) == wanted).then_some(());
    let found = server.until(PATIENCE, look).await;
    assert!(
        found.is_some(),
        "wanted {wanted:?}, there are {:?}",
        now(server)
    );
}

#[tokio::test]
async fn a_host_publishes_withdraws_and_moves_itself() {
    let server = server().await;
    let host = host(&server).await;
    let first = host.address().port();
    ports(&server, &[1688, first]).await;
    let controls = host.controls();
    let verbs = async |verbs: &[(&str, &str)]| {
        for (verb, value) in verbs {
            controls.perform(verb, value).await.unwrap();
        }
    };
    verbs(&[("cdns", "")]).await;
    ports(&server, &[1688, first]).await;
    verbs(&[("restart", "")]).await;
    ports(&server, &[1688]).await;
    verbs(&[("sdns", ""), ("restart", "")]).await;
    ports(&server, &[1688, first]).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let second = free.local_addr().unwrap().port();
    drop(free);
    verbs(&[("sprt", &second.to_string()), ("restart", "")]).await;
    ports(&server, &[1688, second]).await;
    assert_eq!(host.address().port(), second);
    // Whoever finds it there reaches it.
    let found = Resolver::new(server.address())
        .addresses("kmspec-lab.corp.example")
        .await;
    assert_eq!(found.unwrap(), [host.address().ip()]);
    host.stop().await;
    ports(&server, &[1688, second]).await;
}

#[tokio::test]
async fn a_host_tries_again_when_dns_fails() {
    let server = server().await;
    server.set_faults(vec![Fault::ServFail]);
    let host = host(&server).await;
    let mut told = host.in_dns();
    let failed = told
        .wait_for(|told| matches!(told, InDns::Failed(_)))
        .await
        .unwrap()
        .to_string();
    let expected = "answers SERVFAIL to an update of corp.example.; trying again";
    assert!(failed.ends_with(expected), "{failed}");
    server.set_faults(Vec::new());
    let published = told
        .wait_for(|told| matches!(told, InDns::Record(..)))
        .await
        .unwrap()
        .to_string();
    let port = host.address().port();
    let place = server.address();
    let expected = format!(
        "published in corp.example@{place}: _vlmcs._tcp SRV 0 0 {port} kmspec-lab.corp.example."
    );
    assert_eq!(published, expected);
    host.stop().await;
}

#[test]
fn a_place_is_a_suffix_and_a_server() {
    for (text, expected) in [
        (
            "corp.example@127.0.0.1:5300",
            Ok("corp.example@127.0.0.1:5300"),
        ),
        ("corp.example.@[::1]:53", Ok("corp.example@[::1]:53")),
        (
            "corp.example",
            Err(
                "\"corp.example\" is no place to publish in: write SUFFIX@IP:PORT, as in corp.example@127.0.0.1:5300",
            ),
        ),
        ("a..b@127.0.0.1:53", Err("\"a..b\" is not a domain name")),
    ] {
        let got = text.parse::<Publish>().map(|place| place.to_string());
        let got = got.map_err(|error| error.to_string());
        assert_eq!(got.as_deref().map_err(String::as_str), expected, "{text}");
    }
}
