//! Properties of the messages, as plain functions over octets: unit tests and the fuzz targets call them.

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;

use crate::authority::{Authority, MOST_OVER_UDP, Transport};
use crate::lookup::Question;
use crate::record::name;
use crate::zone::{MOST_RECORDS, Zone};

/// Whatever a server is sent, its answer can be read, goes back under the id of the question, fits its transport, and
/// leaves the zone within its bounds. A client makes of the same octets, as an answer, whatever it will.
pub fn message(octets: &[u8]) {
    let mut zone = Zone::new("corp.test.").ok();
    if let Some(zone) = &mut zone {
        let line = "_vlmcs._tcp 60 SRV 0 0 1688 kms.corp.test.";
        assert!(zone.add_line(line).is_ok());
    }
    let mut authority = Authority::new(zone);
    for transport in [Transport::Udp, Transport::Tcp] {
        if let Some(answer) = authority.handle(octets, transport).octets {
            assert_eq!(answer.get(..2), octets.get(..2), "another id");
            assert!(transport == Transport::Tcp || answer.len() <= MOST_OVER_UDP.into());
            assert!(Message::from_vec(&answer).is_ok(), "{answer:02x?}");
        }
    }
    for zone in authority.zones() {
        assert!(zone.records().count() <= MOST_RECORDS);
    }
    if let (Ok(name), Some([high, low, ..])) = (name("_vlmcs._tcp.corp.test."), octets.get(..2)) {
        let id = u16::from_be_bytes([*high, *low]);
        let _anything = Question::new(id, name, RecordType::SRV).take(octets);
    }
}
