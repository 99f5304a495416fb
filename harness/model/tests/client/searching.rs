//! Whom a client asks, and in which order.

use kmspec_model::client::ActivationResult;
use kmspec_model::{Host, Settings};
use kmspec_wire::kms::HResult;

use crate::kit::{NOW, Organisation, client, minutes};

fn charged() -> Settings {
    Settings {
        start_count: 25,
        ..Settings::default()
    }
}

#[test]
fn the_first_host_that_answers_is_asked_first_the_next_time() {
    let mut organisation = Organisation::with_host(charged());
    organisation.publish(
        "corp.test",
        &[("gone.corp.test", 0, 0), ("kms.corp.test", 10, 0)],
    );
    let mut client = client("vista-enterprise", 1);
    let (outcome, steps) = organisation.activate(&mut client, NOW);
    assert_eq!(
        steps,
        [
            "_vlmcs._tcp.corp.test",
            "gone.corp.test:1688",
            "kms.corp.test:1688"
        ]
    );
    assert!(outcome.result.is_success());
    assert_eq!(
        outcome.tried[0].to_string(),
        "gone.corp.test:1688: connection refused"
    );
    assert_eq!(outcome.host.unwrap().to_string(), "kms.corp.test:1688");

    let (_, steps) = organisation.activate(&mut client, minutes(10_080));
    assert_eq!(steps, ["kms.corp.test:1688"]);
}

#[test]
fn when_the_known_host_is_gone_dns_is_asked_again() {
    let mut organisation = Organisation::with_host(charged());
    let mut client = client("vista-enterprise", 1);
    organisation.activate(&mut client, NOW);
    organisation.hosts.clear();
    organisation
        .hosts
        .insert("new.corp.test:1688".to_owned(), Host::new(charged()));
    organisation.publish("corp.test", &[("new.corp.test", 0, 0)]);
    let (outcome, steps) = organisation.activate(&mut client, minutes(10_080));
    assert_eq!(
        steps,
        [
            "kms.corp.test:1688",
            "_vlmcs._tcp.corp.test",
            "new.corp.test:1688"
        ]
    );
    assert!(outcome.result.is_success());
    assert_eq!(client.state().discovery.cached, outcome.host);
}

#[test]
fn a_registered_host_wins_over_dns_until_it_is_forgotten() {
    let mut organisation = Organisation::with_host(charged());
    for form in [
        "kms03.site5.contoso.com:1700",
        "192.0.2.7",
        "[2001:db8::7]:1688",
        "2001:db8::7",
        "KMS03:1688",
    ] {
        let mut client = client("vista-enterprise", 1);
        let address: kmspec_model::client::HostAddress = form.parse().unwrap();
        client.register(address.clone());
        let (outcome, steps) = organisation.activate(&mut client, NOW);
        assert_eq!(steps, [address.to_string()], "{form}");
        assert_eq!(outcome.result, ActivationResult::NoHost);
        assert_eq!(outcome.result.hresult(), HResult(0xc004_f074));

        organisation
            .hosts
            .insert(address.to_string(), Host::new(charged()));
        assert!(
            organisation
                .activate(&mut client, minutes(120))
                .0
                .result
                .is_success(),
            "{form}"
        );
        organisation.hosts.remove(&address.to_string());
        client.forget_host();
        let (_, steps) = organisation.activate(&mut client, minutes(240));
        assert_eq!(
            steps,
            ["_vlmcs._tcp.corp.test", "kms.corp.test:1688"],
            "{form}"
        );
    }
}

#[test]
fn a_host_that_says_no_or_too_few_is_not_followed_by_another() {
    let refusing = Settings {
        activated: false,
        ..Settings::default()
    };
    for (settings, code) in [
        (refusing, HResult::HOST_NOT_ACTIVATED),
        (Settings::default(), HResult::NOT_ENOUGH_COUNT),
    ] {
        let mut organisation = Organisation::with_host(settings);
        organisation.publish(
            "corp.test",
            &[("kms.corp.test", 0, 0), ("two.corp.test", 10, 0)],
        );
        organisation
            .hosts
            .insert("two.corp.test:1688".to_owned(), Host::new(charged()));
        let (outcome, steps) = organisation.activate(&mut client("vista-enterprise", 1), NOW);
        assert_eq!(outcome.result.hresult(), code);
        assert_eq!(steps, ["_vlmcs._tcp.corp.test", "kms.corp.test:1688"]);
    }
}
