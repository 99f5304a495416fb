//! The recorded exchanges and what is known of them, embedded.
//!
//! What it is: the bytes of every recording in this folder and the facts of `manifest.toml` as types, so that the bare
//! binary can replay them anywhere and tests can compare with them. What it is not: it decodes nothing and opens no
//! file. All recordings were made under the lab key set, which `kmspec-wire` has built in.
//!
//! ```
//! let capture = kmspec_captures::find("03-vlmcs-vlmcsd-v6-one-connection.pcap").unwrap();
//! assert_eq!(capture.facts.exchanges, 8);
//! assert_eq!(capture.bytes.len() as u64, capture.facts.bytes);
//! ```

mod embedded;
mod manifest;

use std::sync::LazyLock;

pub use manifest::{Code, Expected, Facts, FileFormat, LinkType, Manifest, ManifestError};

/// One embedded recording: its bytes as they are on disk, and what the manifest says of it.
#[derive(Clone, Copy, Debug)]
pub struct Capture {
    /// File name, without a folder.
    pub file: &'static str,
    /// The whole file.
    pub bytes: &'static [u8],
    /// The manifest's entry.
    pub facts: &'static Facts,
}

/// Every recording, in the order of the manifest, which is that of the file names.
pub fn all() -> &'static [Capture] {
    static ALL: LazyLock<Vec<Capture>> = LazyLock::new(|| {
        let pairs = embedded::FILES.iter().zip(&manifest().captures);
        pairs
            .map(|(&(file, bytes), facts)| Capture { file, bytes, facts })
            .collect()
    });
    &ALL
}

/// The recording of that file name.
pub fn find(file: &str) -> Option<Capture> {
    all().iter().find(|capture| capture.file == file).copied()
}

/// The facts of every recording.
pub fn manifest() -> &'static Manifest {
    static MANIFEST: LazyLock<Manifest> =
        LazyLock::new(|| Manifest::parse(MANIFEST_TOML).expect("the embedded manifest is tested"));
    &MANIFEST
}

/// `manifest.toml`, as it is on disk.
pub const MANIFEST_TOML: &str = include_str!("../manifest.toml");
