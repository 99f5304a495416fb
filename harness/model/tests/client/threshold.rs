//! The story of the twenty-five machines.

use kmspec_model::Settings;
use kmspec_model::client::{ActivationResult, Client};
use kmspec_wire::kms::{HResult, LicenseStatus};

use crate::kit::{NOW, Organisation, client, minutes};

#[test]
fn twenty_four_fail_the_twenty_fifth_activates_and_the_rest_follow_at_their_next_try() {
    for edition in ["vista-enterprise", "lab-client-v5", "lab-client-v6"] {
        let mut organisation = Organisation::with_host(Settings::default());
        let mut machines: Vec<Client> = (1..=25).map(|number| client(edition, number)).collect();
        for (number, machine) in (1..).zip(&mut machines) {
            let (outcome, _) = organisation.activate(machine, NOW);
            if number < 25 {
                let too_few = ActivationResult::TooFew {
                    count: number,
                    needed: 25,
                };
                assert_eq!(outcome.result, too_few, "{edition} {number}");
                assert_eq!(outcome.result.hresult(), HResult(0xc004_f038));
                assert_eq!(machine.standing(NOW).status, LicenseStatus::OOB_GRACE);
            } else {
                assert!(outcome.result.is_success(), "{edition} {number}");
            }
        }
        // The others try again when they are due, and that is after the activation interval.
        for machine in &mut machines[..24] {
            let due = machine.due().unwrap();
            assert_eq!(due, minutes(120));
            assert!(organisation.activate(machine, due).0.result.is_success());
        }
        let licensed =
            |machine: &Client| machine.standing(minutes(120)).status == LicenseStatus::LICENSED;
        assert!(machines.iter().all(licensed));
    }
}

#[test]
fn cloned_images_that_share_a_cmid_count_once_and_never_activate() {
    let mut organisation = Organisation::with_host(Settings::default());
    let image = client("vista-enterprise", 1).state().clone();
    let started = |number| Client::restore(image.clone(), NOW, number);
    let mut machines: Vec<Client> = (1..=40).map(started).collect();
    for round in 0..3 {
        for machine in &mut machines {
            let (outcome, _) = organisation.activate(machine, minutes(120 * round));
            assert_eq!(
                outcome.result,
                ActivationResult::TooFew {
                    count: 1,
                    needed: 25
                }
            );
        }
    }
}

#[test]
fn images_that_were_generalised_count_each_and_keep_their_key() {
    let mut organisation = Organisation::with_host(Settings::default());
    let mut master = client("vista-enterprise", 1);
    master.rearm(NOW).unwrap();
    let image = master.state().clone();
    let started = |number| Client::restore(image.clone(), minutes(10), number);
    let mut machines: Vec<Client> = (1..=25).map(started).collect();
    let outcomes = machines.iter_mut().map(|machine| {
        assert_eq!(machine.state().key.unwrap().partial.to_string(), "RHXCM");
        assert_eq!(
            machine.due(),
            Some(minutes(10)),
            "the timer starts with the first start"
        );
        organisation
            .activate(machine, minutes(10))
            .0
            .result
            .hresult()
    });
    let outcomes: Vec<_> = outcomes.collect();
    assert!(
        outcomes[..24]
            .iter()
            .all(|code| *code == HResult::NOT_ENOUGH_COUNT)
    );
    assert_eq!(outcomes[24], HResult::OK);
}

#[test]
fn five_servers_are_enough() {
    let mut organisation = Organisation::with_host(Settings::default());
    let codes = (1..=5).map(|number| {
        let (outcome, _) = organisation.activate(&mut client("server-enterprise", number), NOW);
        outcome.result.is_success()
    });
    assert_eq!(
        codes.collect::<Vec<_>>(),
        [false, false, false, false, true]
    );
}
