use std::fmt;

use crate::summary::Summary;

/// A few lines for people: what was found, then what is missing or odd, if anything is.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in {}, {} of KMS",
            count(self.packets, "packet"),
            count(self.tcp_connections, "TCP connection"),
            self.kms_connections
        )?;
        if self.has_kms() {
            write!(
                f,
                "\n{}: {} granted, {} refused, {} answered by a fault, {} without reply",
                count(self.calls, "call"),
                self.exchanges,
                self.refused,
                self.faults,
                self.unanswered
            )?;
        } else {
            f.write_str("\nno KMS in this capture")?;
        }
        self.oddities(f)
    }
}

impl Summary {
    fn oddities(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (&cause, &(gaps, bytes)) in &self.gaps {
            let (gaps, bytes) = (count(gaps, "gap"), count(bytes, "byte"));
            write!(f, "\n{gaps} of {bytes} in all: {cause}")?;
        }
        for (number, one, what) in [
            (self.cut_packets, "packet", "cut short by the snap length"),
            (self.cut_pdus, "PDU", "not wholly in the capture"),
            (self.unreadable, "reply", "that cannot be read"),
            (self.orphans, "reply", "without request in the capture"),
            (self.no_pdus, "run of bytes", "where a PDU should begin"),
            (self.bad_pdus, "PDU", "that cannot be read"),
            (self.evicted, "connection", "given up, too many were open"),
            (
                self.shed,
                "time",
                "unfinished calls were given up, too many bytes were kept",
            ),
            (
                self.incomplete_datagrams,
                "IP datagram",
                "with missing fragments",
            ),
            (
                self.malformed_packets,
                "packet",
                "whose headers make no sense",
            ),
        ] {
            if number > 0 {
                write!(f, "\n{} {what}", count(number, one))?;
            }
        }
        for (link, &packets) in &self.unknown_links {
            let packets = count(packets, "packet");
            write!(f, "\n{packets} of link type {link}, which is not known")?;
        }
        Ok(())
    }
}

fn count(number: u64, one: &str) -> String {
    match (number, one) {
        (1, _) => format!("1 {one}"),
        (_, "reply") => format!("{number} replies"),
        (_, "run of bytes") => format!("{number} runs of bytes"),
        _ => format!("{number} {one}s"),
    }
}
