//! Keys, and what they make of a machine.

use kmspec_model::client::KeyKind;
use kmspec_slmgr::ProductKey;
use kmspec_wire::kms::LicenseStatus;

use crate::kit::{NOW, Organisation, client, days};

/// Well-formed, and nobody's.
const MAK: &str = "BBBBB-CCCCC-DDDDD-FFFFF-GGGGG";

fn key(text: &str) -> ProductKey {
    text.parse().unwrap()
}

#[test]
fn a_machine_with_a_mak_asks_nobody_until_a_setup_key_removes_it() {
    let mut client = client("vista-enterprise", 1);
    assert_eq!(client.install_key(&key(MAK), NOW), Ok(KeyKind::Mak));
    assert_eq!(client.state().key.unwrap().partial.to_string(), "GGGGG");
    assert_eq!(client.due(), None);
    assert_eq!(
        client.activate(NOW).unwrap_err().to_string(),
        "a MAK is installed, which no host activates; install the setup key of Windows(TM) Vista, Enterprise"
    );

    let setup = key("MF9PG-RQK7R-26BPJ-TWFYK-RHXCM");
    assert_eq!(client.install_key(&setup, days(29)), Ok(KeyKind::Setup));
    assert_eq!(client.state().key.unwrap().partial.to_string(), "RHXCM");
    // The conversion does not stop the clock: it must be done within 30 days of installation.
    assert_eq!(client.standing(days(29)).status, LicenseStatus::OOB_GRACE);
    assert_eq!(
        client.standing(days(30)).status,
        LicenseStatus::NOTIFICATION
    );
    let (outcome, _) = Organisation::default().activate(&mut client, days(29));
    assert_eq!(outcome.result.hresult().0, 0xc004_f074);
}

#[test]
fn the_setup_key_of_another_edition_changes_nothing() {
    let mut client = client("vista-enterprise", 1);
    let before = client.state().clone();
    let error = client
        .install_key(&key("YVT36-YVCP2-J97GQ-7T22R-RWV8P"), NOW)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key is that of Windows(TM) Vista, Business, this machine has Windows(TM) Vista, Enterprise"
    );
    assert_eq!(client.state(), &before);
}

#[test]
fn release_candidates_take_the_key_of_their_release_and_every_client_any_lab_key() {
    for (edition, text) in [
        ("vista-business-rc1", "YVT36-YVCP2-J97GQ-7T22R-RWV8P"),
        (
            "longhorn-server-enterprise-rc1",
            "7KYMQ-R788Q-4RF69-KTWKM-92PFJ",
        ),
        ("vista-enterprise", "LAB00-00000-00000-00000-00001"),
        ("lab-client-v6", "LABV6-CLIEN-TSETU-PKEY0-00006"),
    ] {
        let mut client = client(edition, 1);
        assert_eq!(
            client.install_key(&key(text), NOW),
            Ok(KeyKind::Setup),
            "{edition}"
        );
        assert!(client.due().is_some());
    }
}
