//! Writing captures: pcapng files, and TCP connections made up around bytes that were sent without seeing packets.
//!
//! The same calls give the same bytes: nothing here has a clock or a random number of its own.
//!
//! ```
//! use kmspec_capture::rpc::Direction;
//! use kmspec_capture::tcp::{Endpoint, Limits};
//! use kmspec_capture::write::{Flow, PcapNgWriter};
//!
//! let client = Endpoint { address: [127, 0, 0, 1].into(), port: 50_000 };
//! let host = Endpoint { address: [127, 0, 0, 1].into(), port: 1688 };
//!
//! let mut writer = PcapNgWriter::new(Vec::new(), Some("one connection"))?;
//! let mut flow = Flow::open(&mut writer, client, host, 1_000)?;
//! flow.send(&mut writer, Direction::ToHost, 2_000, b"to the host", Some("the first bytes"))?;
//! flow.fin(&mut writer, Direction::ToHost, 3_000)?;
//! flow.fin(&mut writer, Direction::ToClient, 4_000)?;
//!
//! let file = writer.into_inner();
//! let outcome = kmspec_capture::read(&file[..], Limits::default(), &mut ());
//! assert_eq!(outcome.summary.tcp_connections, 1);
//! # Ok::<(), std::io::Error>(())
//! ```

mod flow;
mod headers;
mod pcapng;

pub use self::flow::Flow;
pub use self::pcapng::PcapNgWriter;
