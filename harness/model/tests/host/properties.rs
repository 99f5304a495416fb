//! What holds of any octets at all.

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use kmspec_model::fault::{Fault, Faults};
use kmspec_model::{After, Connection, Host, Settings};
use kmspec_wire::kms::Version;
use kmspec_wire::pdu::RequestBuilder;

use crate::kit::{NOW, bind, stub};

/// A bind and calls with some octets changed, cut out or put in.
fn conversation(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut octets = bind().encoded().bytes;
    for version in Version::ALL {
        octets.extend(RequestBuilder::new(stub(version)).encoded().bytes);
    }
    for _ in 0..u.int_in_range(0..=6)? {
        let at = u.choose_index(octets.len())?;
        match u.int_in_range(0..=3)? {
            0 => octets[at] = u.arbitrary()?,
            1 => drop(octets.remove(at)),
            2 => octets.insert(at, u.arbitrary()?),
            _ => octets.truncate(at.max(1)),
        }
    }
    if u.ratio(1, 8)? {
        octets = u.arbitrary()?;
    }
    Ok(octets)
}

/// All that a fresh host answers to octets that come in these segments.
fn answers<'a>(segments: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, After) {
    answers_of(&mut Host::new(Settings::default()), segments)
}

fn answers_of<'a>(host: &mut Host, segments: impl Iterator<Item = &'a [u8]>) -> (Vec<u8>, After) {
    let mut link = Connection::open(host, NOW, 1688);
    let mut out = Vec::new();
    let mut after = After::Open;
    for segment in segments {
        after = link.receive(host, NOW, segment, &mut out).after;
    }
    (out, after)
}

#[test]
fn a_renewed_host_is_as_one_just_made() {
    let mut host = Host::new(Settings::default());
    arbtest(|u| {
        let octets = conversation(u)?;
        host.renew();
        let answered = answers_of(&mut host, [&octets[..]].into_iter());
        assert_eq!(answered, answers([&octets[..]].into_iter()));
        Ok(())
    })
    .budget_ms(500);
}

#[test]
fn segmentation_changes_nothing() {
    arbtest(|u| {
        let octets = conversation(u)?;
        let whole = answers([&octets[..]].into_iter());
        assert_eq!(answers(octets.chunks(1)), whole, "octet by octet");
        let size = u.int_in_range(2..=100)?;
        assert_eq!(
            answers(octets.chunks(size)),
            whole,
            "{size} octets at a time"
        );
        Ok(())
    })
    .budget_ms(2000);
}

#[test]
fn no_fault_panics_on_any_octets() {
    let all: Vec<Fault> = Fault::all().collect();
    arbtest(|u| {
        let faults: Faults = (0..u.int_in_range(1..=3)?)
            .map(|_| u.choose(&all).copied())
            .collect::<Result<_>>()?;
        let mut host = Host::new(Settings {
            faults,
            ..Settings::default()
        });
        let octets = conversation(u)?;
        let size = u.int_in_range(1..=600)?;
        for _ in 0..2 {
            let mut out = Vec::new();
            let mut link = Connection::open(&mut host, NOW, 1688);
            let _ = link.greet(&mut host, NOW, &mut out);
            for segment in octets.chunks(size) {
                let _ = link.receive(&mut host, NOW, segment, &mut out);
            }
            let _ = link.half_close(&mut host);
            link.end(&mut host);
        }
        Ok(())
    })
    .budget_ms(3000);
}

#[test]
fn the_same_seed_gives_the_same_octets() {
    arbtest(|u| {
        let octets = conversation(u)?;
        assert_eq!(
            answers([&octets[..]].into_iter()),
            answers([&octets[..]].into_iter())
        );
        Ok(())
    });
}
