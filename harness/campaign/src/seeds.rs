//! Seeds out of recordings, and one corpus out of several.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::path::Path;

use kmspec_capture::error::CaptureError;
use kmspec_capture::rpc::{Direction, Observer, Pdu};
use kmspec_capture::tcp::Limits;
use kmspec_session::{Session, recorded};
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::open_request;
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{Body, Pdu as Decoded};

use crate::store::{self, StoreError};
use crate::{answers, corpus};

/// What recordings gave.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// A session for each connection that differs from those before it.
    pub sessions: Vec<Session>,
    /// Every PDU of either direction.
    pub pdus: BTreeSet<Vec<u8>>,
    /// What went to the host on each connection.
    pub streams: BTreeSet<Vec<u8>>,
    /// Every stub that can be read.
    pub stubs: BTreeSet<Vec<u8>>,
    /// Every sealed request.
    pub requests: BTreeSet<Vec<u8>>,
    /// Every sealed response.
    pub responses: BTreeSet<Vec<u8>>,
    /// Values that mean something: interfaces, syntaxes, products.
    pub words: BTreeSet<Vec<u8>>,
}

/// Reads a recording, and adds what it has to what others had.
///
/// # Errors
/// Why reading stopped; what came before is in.
pub fn gather(
    input: impl Read,
    keys: &KeySet,
    gathered: &mut Gathered,
) -> Result<(), CaptureError> {
    let mut streams = Streams::default();
    let outcome = kmspec_capture::read(input, Limits::default(), &mut streams);
    let mut known: BTreeSet<String> = gathered.sessions.iter().map(Session::to_string).collect();
    for octets in streams.sent.values() {
        let session = recorded(octets, keys);
        if known.insert(session.to_string()) {
            gathered.sessions.push(session);
        }
        gathered.streams.insert(octets.clone());
    }
    for pdu in streams.pdus {
        words(&pdu, keys, gathered);
        gathered.pdus.insert(pdu);
    }
    outcome.damage.map_or(Ok(()), Err)
}

/// What went to hosts, by connection, and all PDUs.
#[derive(Default)]
struct Streams {
    sent: BTreeMap<u32, Vec<u8>>,
    pdus: Vec<Vec<u8>>,
}

impl Observer for Streams {
    fn pdu(&mut self, pdu: &Pdu<'_>) {
        if pdu.is_cut() {
            return;
        }
        if pdu.direction == Direction::ToHost {
            let sent = self.sent.entry(pdu.connection.stream).or_default();
            sent.extend_from_slice(pdu.bytes);
        }
        self.pdus.push(pdu.bytes.to_vec());
    }
}

/// What of a PDU a mutation should know: identifiers above all, which nobody finds by chance.
fn words(pdu: &[u8], keys: &KeySet, gathered: &mut Gathered) {
    let Ok(decoded) = Decoded::decode(pdu) else {
        return;
    };
    match &decoded.body {
        Body::Bind(_) | Body::AlterContext(_) => {
            let encoded = decoded.encoded();
            let ids = encoded
                .spans
                .iter()
                .filter(|span| span.field.ends_with("if_uuid"));
            let ids = ids.filter_map(|span| encoded.bytes.get(span.range.clone()));
            gathered.words.extend(ids.map(<[u8]>::to_vec));
        }
        Body::Request(request) => {
            let order = decoded.header.drep.order();
            let mut stubs = TransferSyntax::ALL.into_iter();
            let stub =
                stubs.find_map(|syntax| RequestStub::decode(syntax, order, request.stub).ok());
            let Some(stub) = stub else { return };
            if let Ok(opened) = open_request(keys, stub.request) {
                let body = opened.body;
                let ids = [body.application_id, body.activation_id, body.counted_id];
                gathered
                    .words
                    .extend(ids.map(|id| id.to_le_bytes().to_vec()));
            }
            gathered.stubs.insert(request.stub.to_vec());
            gathered.requests.insert(stub.request.to_vec());
        }
        Body::Response(response) => {
            let Some(stub) = answers::stub(&decoded, response) else {
                return;
            };
            gathered.stubs.insert(response.stub.to_vec());
            gathered
                .responses
                .extend(stub.response().map(<[u8]>::to_vec));
        }
        _ => {}
    }
}

impl Gathered {
    /// Writes it all: `sessions/` for campaigns, a folder for each target of `cargo fuzz` that begins with such octets, and
    /// `kmspec.dict` for whatever takes a dictionary. Gives how many files there are.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, folder: &Path) -> Result<usize, StoreError> {
        let mut files = 0;
        let mut put = |below: &str, name: &str, octets: &[u8]| {
            let folder = folder.join(below);
            fs::create_dir_all(&folder).map_err(|error| store::failed(&folder, &error))?;
            let path = folder.join(name);
            files += 1;
            store::write(&path, octets).map_err(|error| store::failed(&path, &error))
        };
        for session in &self.sessions {
            let (name, text) = (corpus::name(session), session.to_string());
            for below in ["sessions", "session_text"] {
                put(below, &name, text.as_bytes())?;
            }
        }
        // These targets' first octet is the length of a segment, less 1.
        let streams = self
            .streams
            .iter()
            .map(|octets| [&[0xff], octets.as_slice()].concat())
            .collect();
        for (below, all) in [
            ("pdu", &self.pdus),
            ("stream", &streams),
            ("host_stream", &streams),
            ("stubs", &self.stubs),
            ("opened_request", &self.requests),
            ("opened_response", &self.responses),
        ] {
            for octets in all {
                put(below, &format!("{:016x}", digest(octets)), octets)?;
            }
        }
        put("", "kmspec.dict", self.dictionary().as_bytes())?;
        Ok(files)
    }

    /// The words as libFuzzer and AFL read them.
    pub fn dictionary(&self) -> String {
        let mut text = String::from("# made of recordings by kmspec fuzz --seeds\n");
        for (number, word) in self.words.iter().enumerate() {
            let _ = write!(text, "id{number}=\"");
            for octet in word {
                let _ = write!(text, "\\x{octet:02x}");
            }
            text.push_str("\"\n");
        }
        text
    }
}

fn digest(octets: &[u8]) -> u64 {
    let text: String = octets.iter().map(|octet| char::from(*octet)).collect();
    crate::novelty::digest(&text)
}

/// Puts the sessions of several corpora into one: each session once. Gives how many of them are new there.
///
/// # Errors
/// The corpus cannot be written.
pub fn merge(into: &Path, from: &[&Path]) -> Result<usize, StoreError> {
    fs::create_dir_all(into).map_err(|error| store::failed(into, &error))?;
    let mut known: BTreeSet<String> = corpus::sessions(into)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    let mut new = 0;
    for folder in from {
        if !folder.is_dir() {
            return Err(StoreError {
                path: folder.to_path_buf(),
                problem: "is no folder".to_owned(),
            });
        }
        for (_, text) in corpus::sessions(folder) {
            let Ok(session) = Session::parse(&text) else {
                continue;
            };
            let name = corpus::name(&session);
            if known.insert(name.clone()) {
                let path = into.join(name);
                // Who found it is no matter here: in this corpus it is from elsewhere.
                let text = session.to_string();
                store::write(&path, text.as_bytes())
                    .map_err(|error| store::failed(&path, &error))?;
                new += 1;
            }
        }
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corpora_become_one_with_each_session_once() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b, all] = ["a", "b", "all"].map(|name| folder.path().join(name));
        let sessions = kmspec_session::templates();
        for (folder, range) in [(&a, 0..4), (&b, 2..6)] {
            fs::create_dir_all(folder).unwrap();
            for session in &sessions[range] {
                fs::write(folder.join(corpus::name(session)), session.to_string()).unwrap();
            }
        }
        assert_eq!(merge(&all, &[&a, &b]).unwrap(), 6);
        assert_eq!(merge(&all, &[&a, &b]).unwrap(), 0);
    }
}
