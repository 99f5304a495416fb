//! One question to one host, honest or not.

use kmspec_model::client::{ActivationResult, Attempt, Broken, LastTry, Reply, Unverified};
use kmspec_model::fault::Fault;
use kmspec_model::{Connection, Host, Settings};
use kmspec_wire::kms::{HResult, Version};
use kmspec_wire::pdu::{BindNak, Body, CallId, Header, NakReason, Pdu, PduType};

use crate::kit::{NOW, Organisation, client};

/// Asks a host octet by octet, and gives its reply.
fn ask(host: &mut Host, version: Version) -> Option<Reply> {
    let mut request = client("lab-client-v6", 1).request(NOW).unwrap();
    request.version = version.protocol();
    let mut attempt = Attempt::new(&request, [7; 16]);
    let mut connection = Connection::open(host, NOW, 1688);
    let mut asked = Vec::new();
    attempt.connected(&mut asked);
    loop {
        let mut answered = Vec::new();
        let next = connection.receive(host, NOW, &std::mem::take(&mut asked), &mut answered);
        for octet in answered {
            if let Some(reply) = attempt.receive(&[octet], &mut asked) {
                return Some(reply);
            }
        }
        if asked.is_empty() || !next.is_open() {
            return None;
        }
    }
}

#[test]
fn every_version_is_answered_over_both_transfer_syntaxes() {
    for version in Version::ALL {
        for ndr64 in [false, true] {
            let mut host = Host::new(Settings {
                ndr64,
                ..Settings::default()
            });
            let Some(Reply::Answer(answer)) = ask(&mut host, version) else {
                panic!("{version} {ndr64}")
            };
            assert_eq!(
                (
                    answer.count,
                    answer.activation_interval,
                    answer.renewal_interval
                ),
                (1, 120, 10_080)
            );
            assert_eq!(&answer.epid, Settings::default().epid.epid());
            assert_eq!(answer.hardware_id.is_some(), version == Version::V6);
        }
    }
}

#[test]
fn the_bind_and_the_request_are_those_of_windows() {
    let request = client("vista-enterprise", 1).request(NOW).unwrap();
    let mut out = Vec::new();
    Attempt::new(&request, [7; 16]).connected(&mut out);
    let bind = Pdu::decode(&out).unwrap();
    assert_eq!(
        (bind.header.ptype, bind.header.call_id),
        (PduType::BIND, CallId(2))
    );
    let Body::Bind(body) = bind.body else {
        panic!()
    };
    assert_eq!((body.max_xmit_frag, body.max_recv_frag), (5840, 5840));
    assert_eq!(body.contexts.iter().count(), 3);
}

#[test]
fn every_message_fault_of_the_host_is_rejected_and_leaves_the_state_as_it_was() {
    use kmspec_model::fault::Area;
    let mut rejected = 0;
    for fault in Fault::all()
        .filter(|fault| matches!(fault.area(), Area::Message | Area::Crypto | Area::Ndr))
    {
        for version in ["vista-enterprise", "lab-client-v5", "lab-client-v6"] {
            let mut organisation = Organisation::with_host(Settings {
                faults: fault.into(),
                start_count: 50,
                ..Settings::default()
            });
            let mut client = client(version, 1);
            let before = client.state().clone();
            let (outcome, _) = organisation.activate(&mut client, NOW);
            if outcome.result.is_success() {
                continue;
            }
            rejected += 1;
            let mut expected = before;
            expected.licence.last = Some(LastTry {
                at: NOW,
                activated: false,
            });
            assert_eq!(client.state(), &expected, "{fault}: {:?}", outcome.result);
        }
    }
    assert!(rejected > 40, "{rejected}");
}

#[test]
fn what_is_rejected_has_its_rules_named() {
    for rule in [
        "message.echo-cmid",
        "message.echo-time",
        "crypto.v6-hmac",
        "crypto.v6-hash",
    ] {
        let breaks = |fault: Fault| {
            let faults = fault.into();
            let mut host = Host::new(Settings {
                faults,
                ..Settings::default()
            });
            let Some(Reply::Unverified(Unverified::Rules(violations))) =
                ask(&mut host, Version::V6)
            else {
                return false;
            };
            violations.iter().any(|violation| violation.rule == rule)
        };
        let mut about = Fault::all().filter(|fault| fault.about() == rule);
        assert!(about.any(breaks), "no fault of the host shows {rule}");
    }
}

#[test]
fn answers_that_are_none_say_what_came() {
    let reply = |pdus: &[Pdu<'_>]| {
        let request = client("vista-enterprise", 1).request(NOW).unwrap();
        let mut attempt = Attempt::new(&request, [7; 16]);
        attempt.connected(&mut Vec::new());
        let mut octets = Vec::new();
        for pdu in pdus {
            pdu.encode(&mut octets);
        }
        match attempt.receive(&octets, &mut Vec::new()) {
            Some(Reply::Broken(why)) => why.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let pdu = |ptype, call_id, body| Pdu {
        header: Header::new(ptype, CallId(call_id)),
        body,
        auth: None,
    };
    let nak = BindNak::new(NakReason::LOCAL_LIMIT_EXCEEDED);
    assert_eq!(
        reply(&[pdu(PduType::BIND_NAK, 2, Body::BindNak(nak))]),
        "the bind was refused: LOCAL_LIMIT_EXCEEDED (0x2)"
    );
    assert_eq!(
        reply(&[pdu(PduType::SHUTDOWN, 0, Body::Shutdown(&[]))]),
        "a PDU of type SHUTDOWN (0x11) came instead of an answer"
    );
}

#[test]
fn asking_again_leaves_nothing_of_the_question_before() {
    let mut request = client("lab-client-v6", 1).request(NOW).unwrap();
    let turn = |attempt: &mut Attempt, keep: usize| {
        let mut host = Host::new(Settings::default());
        let mut connection = Connection::open(&mut host, NOW, 1688);
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        attempt.connected(&mut asked);
        let _open = connection.receive(&mut host, NOW, &asked, &mut answered);
        asked.clear();
        assert_eq!(attempt.receive(&answered, &mut asked), None);
        answered.clear();
        let _open = connection.receive(&mut host, NOW, &asked, &mut answered);
        attempt.receive(&answered[..keep.min(answered.len())], &mut asked)
    };
    let mut attempt = Attempt::new(&request, [7; 16]);
    for (number, version) in (8..).zip(Version::ALL) {
        request.version = version.protocol();
        attempt.again(&request, [number; 16]);
        // Half an answer, then another question.
        assert_eq!(turn(&mut attempt, 100), None, "{version}");
        attempt.again(&request, [number; 16]);
        let reply = turn(&mut attempt, usize::MAX);
        assert!(matches!(reply, Some(Reply::Answer(_))), "{reply:?}");
    }
}

#[test]
fn no_octets_make_the_client_panic_or_activate() {
    arbtest::arbtest(|u| {
        let mut host = Host::new(Settings {
            start_count: 50,
            ..Settings::default()
        });
        let mut client = client("lab-client-v6", 1);
        client.register("kms.test".parse().unwrap());
        let mut activation = client.activate(NOW).unwrap();
        let mut connection = Connection::open(&mut host, NOW, 1688);
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        activation.connected(&mut asked);
        // One octet of one of the two answers is changed.
        let change_at_call = u.arbitrary::<bool>()?;
        for call in [false, true] {
            answered.clear();
            let _ = connection.receive(&mut host, NOW, &asked, &mut answered);
            asked.clear();
            if call == change_at_call && !answered.is_empty() {
                let place = u.choose_index(answered.len())?;
                answered[place] ^= u.int_in_range(1..=255)?;
            }
            if !activation.receive(&answered, &mut asked) {
                break;
            }
        }
        activation.failed("closed");
        let outcome = client.conclude(NOW, activation);
        // What does not matter may change; what is activated was verified.
        if let ActivationResult::Activated { count, .. } = outcome.result {
            assert_eq!(count, 50);
        }
        Ok(())
    });
}

#[test]
fn a_fault_or_a_silent_host_is_no_answer() {
    for name in [
        "never-answers",
        "calls-never-answered",
        "closes-instead-of-response",
    ] {
        let faults = Fault::named(name).unwrap().into();
        let mut organisation = Organisation::with_host(Settings {
            faults,
            ..Settings::default()
        });
        let (outcome, _) = organisation.activate(&mut client("vista-enterprise", 1), NOW);
        assert_eq!(
            outcome.result.hresult(),
            HResult::NO_HOST_CONTACTED,
            "{name}"
        );
        assert!(
            outcome.tried[0].why.starts_with("silent before the answer"),
            "{}",
            outcome.tried[0]
        );
    }
    let broken = Broken::CallId {
        expected: CallId(3),
        got: CallId(4),
    };
    assert_eq!(
        broken.to_string(),
        "the answer is to call 4, the call was 3"
    );
}
