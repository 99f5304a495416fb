use arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::RecordType;
use kmspec_dns::{Authority, Fault, Question, Srv, Taken, Transport, Zone, name};

use crate::kit::{ask, authority, host, publishing, query, taking, withdrawing};

/// Octets of any kind, or a message with some octets changed, so that more than headers is reached.
fn octets(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let lab = host("corp.example", "lab", u.arbitrary()?);
    let owner = "_vlmcs._tcp.corp.example";
    let mut octets = match u.int_in_range(0..=3)? {
        0 => return u.arbitrary(),
        1 => taking(query(owner, RecordType::SRV), u.arbitrary()?)
            .to_vec()
            .unwrap(),
        2 => {
            let before = host("corp.example", "lab", 1);
            let update = publishing("corp.example", &lab, Some(&before));
            update.message(7).to_vec().unwrap()
        }
        _ => {
            let answer = ask(
                &mut authority(),
                &query(owner, RecordType::SRV),
                Transport::Udp,
            );
            answer.to_vec().unwrap()
        }
    };
    for _ in 0..u.int_in_range(0..=6)? {
        let at = u.choose_index(octets.len())?;
        octets[at] = u.arbitrary()?;
    }
    octets.truncate(octets.len() - u.int_in_range(0..=3)?);
    Ok(octets)
}

#[test]
fn any_octets_are_answered_in_order_or_not_at_all() {
    arbtest(|u| {
        let mut authority = authority();
        for _ in 0..u.int_in_range(1..=4)? {
            let octets = octets(u)?;
            let transport = *u.choose(&[Transport::Udp, Transport::Tcp])?;
            let Some(answer) = authority.handle(&octets, transport).octets else {
                assert!(octets.len() < 12 || octets[2] & 0x80 != 0, "{octets:02x?}");
                continue;
            };
            assert_eq!(answer[..2], octets[..2], "the id");
            assert_eq!(
                answer[2] & 0xf8,
                octets[2] & 0x78 | 0x80,
                "an answer to the same operation"
            );
            assert!(transport == Transport::Tcp || answer.len() <= 1232);
            let answer = Message::from_vec(&answer).expect("answers can be read");
            assert_eq!(answer.metadata.message_type, MessageType::Response);
        }
        Ok(())
    });
}

#[test]
fn any_octets_are_an_answer_or_are_not() {
    let question = Question::new(
        7,
        name("_vlmcs._tcp.corp.example").unwrap(),
        RecordType::SRV,
    );
    arbtest(|u| {
        if let Some(Taken::Records(records)) = question.take(&octets(u)?) {
            assert!(!records.is_empty());
            assert!(
                records
                    .iter()
                    .all(|record| record.record_type() == RecordType::SRV)
            );
        }
        Ok(())
    });
}

#[test]
fn what_was_published_is_found_until_it_is_withdrawn() {
    arbtest(|u| {
        let label = |u: &mut Unstructured<'_>| {
            let letters = b"abcXYZ019-_";
            let len = u.int_in_range(1..=20)?;
            let label: Result<String> = (0..len)
                .map(|_| Ok(char::from(*u.choose(letters)?)))
                .collect();
            Ok::<String, arbitrary::Error>(format!("x{}", label?))
        };
        let suffix = format!("{}.{}", label(u)?, label(u)?);
        let mut authority = Authority::new([Zone::new(&suffix).unwrap()]);
        let mut published: Vec<Srv> = Vec::new();
        for _ in 0..u.int_in_range(1..=8)? {
            let host = Srv {
                priority: u.arbitrary()?,
                weight: u.arbitrary()?,
                ..host(&suffix, &label(u)?, u.arbitrary()?)
            };
            if u.ratio(1, 3)?
                && let Some(last) = published.pop()
            {
                published.retain(|other| *other != last);
                let message = withdrawing(&suffix, &last).message(1);
                ask(&mut authority, &message, Transport::Udp);
            } else {
                let message = publishing(&suffix, &host, None).message(1);
                ask(&mut authority, &message, Transport::Udp);
                published.push(host);
            }
            let asked = query(
                &format!("_vlmcs._tcp.{suffix}").to_uppercase(),
                RecordType::SRV,
            );
            let reply = authority
                .handle(&asked.to_vec().unwrap(), Transport::Tcp)
                .octets
                .unwrap();
            let question = Question::new(7, asked.queries[0].name().clone(), RecordType::SRV);
            let mut found = match question.take(&reply) {
                Some(Taken::Records(records)) => {
                    records.iter().filter_map(kmspec_dns::Srv::of).collect()
                }
                _ => Vec::new(),
            };
            let mut expected = published.clone();
            expected.sort();
            expected.dedup();
            found.sort();
            assert_eq!(found, expected);
        }
        Ok(())
    });
}

#[test]
fn any_text_is_a_record_or_says_why_not() {
    arbtest(|u| {
        let text: String = u.arbitrary()?;
        let mut zone = Zone::new("corp.example").unwrap();
        if zone.add_line(&text).is_ok() {
            let octets = ask(
                &mut Authority::new([zone]),
                &query("corp.example", RecordType::SOA),
                Transport::Tcp,
            );
            assert_eq!(octets.answers.len(), 1);
        }
        drop(text.parse::<Fault>());
        Ok(())
    });
}
