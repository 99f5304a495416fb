//! Properties of the reader, as plain functions over octets: tests, the replay of seeds and the fuzz targets call them.
//!
//! Each returns if the property holds for that input and panics, with what it found, if not.

use std::io::Read;

use kmspec_wire::keys::KeySet;

use crate::dissect::{Dissector, Outcome, read};
use crate::file::Packet;
use crate::link::LinkType;
use crate::open::Opener;
use crate::rpc::{Exchange, Observer};
use crate::summary::Summary;
use crate::tcp::Limits;
use crate::view::ExchangeView;

/// Bounds that a small input can reach.
const TIGHT: Limits = Limits {
    connections: 4,
    pending: 2_048,
    pending_total: 4_096,
    stub: 1_024,
    unfinished_total: 8_192,
    open_calls: 4,
};

/// A file reads the same however its octets arrive, and every call is counted once. In a damaged gzip file the last packets
/// before the damage may be lost, more or fewer of them depending on how it arrives.
pub fn file(bytes: &[u8]) {
    let mut calls = Calls::new();
    let whole = read(bytes, TIGHT, &mut calls);
    let trickled = read(Trickle(bytes), TIGHT, &mut ());
    let damage = |outcome: &Outcome| outcome.damage.as_ref().map(ToString::to_string);
    if !(bytes.starts_with(&[0x1f, 0x8b]) && whole.damage.is_some()) {
        assert_eq!(whole.summary, trickled.summary);
        assert_eq!(damage(&whole), damage(&trickled));
    }
    counts_add_up(&whole.summary, calls.seen);
}

/// Whatever packets come, every call is counted once. The first octet names the link type; each packet is a length of two
/// octets, then its octets.
pub fn packets(bytes: &[u8]) {
    let Some((&link, mut rest)) = bytes.split_first() else {
        return;
    };
    let links = [
        LinkType::ETHERNET,
        LinkType::RAW,
        LinkType::LINUX_SLL,
        LinkType::LINUX_SLL2,
        LinkType::NULL,
    ];
    let link = links
        .into_iter()
        .cycle()
        .nth(usize::from(link))
        .unwrap_or(LinkType::ETHERNET);
    let mut calls = Calls::new();
    let mut dissector = Dissector::new(TIGHT, &mut calls);
    let mut number = 0u64;
    while let Some((len, after)) = rest.split_first_chunk() {
        let len = u16::from_le_bytes(*len);
        let (data, after) = after
            .split_at_checked(usize::from(len))
            .unwrap_or((after, &[]));
        rest = after;
        number = number.saturating_add(1);
        dissector.packet(&Packet {
            number,
            time_ns: number,
            link,
            data,
            original_len: u32::from(len),
        });
    }
    let summary = dissector.finish();
    assert_eq!(summary.packets, number);
    counts_add_up(&summary, calls.seen);
}

fn counts_add_up(summary: &Summary, seen: u64) {
    let Summary {
        calls,
        exchanges,
        refused,
        unreadable,
        faults,
        unanswered,
        ..
    } = *summary;
    assert_eq!(calls, seen, "{summary:?}");
    let outcomes = [exchanges, refused, unreadable, faults, unanswered];
    assert_eq!(outcomes.iter().sum::<u64>(), calls, "{summary:?}");
}

/// Opens every call under the lab keys and prints it.
struct Calls {
    keys: KeySet,
    seen: u64,
}

impl Calls {
    fn new() -> Self {
        Self {
            keys: KeySet::lab(),
            seen: 0,
        }
    }
}

impl Observer for Calls {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        self.seen = self.seen.saturating_add(1);
        let view = ExchangeView::new(&"file".into(), exchange, Some(&mut Opener::new(&self.keys)));
        assert!(!view.to_string().is_empty());
    }
}

/// Gives at most three octets at a time.
struct Trickle<'a>(&'a [u8]);

impl Read for Trickle<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let len = out.len().min(3);
        self.0.read(out.get_mut(..len).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    #[test]
    fn any_packets_are_safe() {
        arbtest(|u| {
            super::packets(&u.arbitrary::<Vec<u8>>()?);
            Ok(())
        });
    }

    #[test]
    fn any_file_reads_the_same_however_it_arrives() {
        let file = kmspec_captures::find("26-vlmcs-vlmcsd-concurrent.pcapng")
            .unwrap()
            .bytes;
        arbtest(|u| {
            let mut damaged = file[..u.int_in_range(0..=8_192)?].to_vec();
            for _ in 0..u.int_in_range(0..=4)? {
                if let Some(octet) = u
                    .choose_index(damaged.len())
                    .ok()
                    .and_then(|at| damaged.get_mut(at))
                {
                    *octet = u.arbitrary()?;
                }
            }
            super::file(&damaged);
            Ok(())
        });
    }
}
