//! What went over the wire, as a pcapng file that other tools open.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use kmspec_capture::rpc::Direction as Way;
use kmspec_capture::tcp::Endpoint;
use kmspec_capture::write::{Flow, PcapNgWriter};

use crate::peer::{Direction, Ending, Event};
use crate::run::{Row, RunResult};

/// Writes what went over the wire during a row: TCP connections made up around the octets that were sent, with a comment
/// that names the case.
///
/// # Errors
/// What the writer cannot take.
pub fn write<W: Write>(result: &RunResult, row: &Row, out: W) -> io::Result<W> {
    let base = Duration::from_nanos(result.now.to_unix_nanos());
    let comment = match &row.failure {
        Some(failure) => format!("{}: {}: {failure}", row.shown_in, row.verdict),
        None => format!("{}: {}", row.shown_in, row.verdict),
    };
    events(
        &row.transcript,
        base,
        &comment,
        &format!("case {}", row.shown_in),
        out,
    )
}

/// Writes what went over the wire on some connections, with a comment on the file and one on the first octets; `base` is
/// when it began, since 1970-01-01 UTC.
///
/// # Errors
/// What the writer cannot take.
pub fn events<W: Write>(
    events: &[Event],
    base: Duration,
    comment: &str,
    first: &str,
    out: W,
) -> io::Result<W> {
    let mut writer = PcapNgWriter::new(out, Some(comment))?;
    let mut flows: BTreeMap<usize, (Flow, Direction)> = BTreeMap::new();
    let mut first = Some(first);
    for event in events {
        match event {
            Event::Opened {
                connection,
                at,
                by,
                from,
                to,
            } => {
                let ends = (end(*from), end(*to));
                let flow = Flow::open(&mut writer, ends.0, ends.1, nanos(base + *at))?;
                flows.insert(*connection, (flow, *by));
            }
            Event::Octets {
                connection,
                at,
                direction,
                octets,
            } => {
                if let Some((flow, opener)) = flows.get_mut(connection) {
                    let comment = first.take();
                    let (way, at) = (way(*direction, *opener), nanos(base + *at));
                    flow.send(&mut writer, way, at, octets, comment)?;
                }
            }
            Event::Ended {
                connection,
                at,
                by,
                ending,
            } => {
                if let Some((flow, opener)) = flows.get_mut(connection) {
                    let (way, at) = (way(*by, *opener), nanos(base + *at));
                    match ending {
                        Ending::Closed => flow.fin(&mut writer, way, at)?,
                        Ending::Reset => flow.rst(&mut writer, way, at)?,
                    }
                }
            }
        }
    }
    writer.flush()?;
    Ok(writer.into_inner())
}

/// The name of a row's file: its id, with what no file system minds.
pub fn file_name(row: &Row) -> String {
    format!("{}.pcapng", row.id.replace('/', "_"))
}

/// Whoever opened the connection is the client.
fn way(sender: Direction, opener: Direction) -> Way {
    if sender == opener {
        Way::ToHost
    } else {
        Way::ToClient
    }
}

const fn end(address: SocketAddr) -> Endpoint {
    Endpoint {
        address: address.ip(),
        port: address.port(),
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
