use crate::codec::DecodeError;
use crate::kms::{ProtocolVersion, Version};

/// Why an envelope cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is not even a version.
    #[error("cannot open {what}: {got} bytes, a version needs 4")]
    NoVersion {
        /// Request or response.
        what: &'static str,
        /// Bytes there are.
        got: usize,
    },
    /// The version is unknown, and the size is not that of the nearest known one.
    #[error("cannot open {what}: version {version} is unknown")]
    UnknownVersion {
        /// Request or response.
        what: &'static str,
        /// The version it states.
        version: ProtocolVersion,
    },
    /// A request has another size than its version's.
    #[error("cannot open {layout} request: {got} bytes instead of {expected}")]
    RequestSize {
        /// Its version.
        layout: Version,
        /// Bytes there should be.
        expected: usize,
        /// Bytes there are.
        got: usize,
    },
    /// A response does not consist of version, IV and whole blocks.
    #[error("cannot open {layout} response: {got} bytes are not version, IV and whole blocks")]
    ResponseSize {
        /// Its version.
        layout: Version,
        /// Bytes there are.
        got: usize,
    },
    /// Neither padding nor content make sense: most likely another key.
    #[error("cannot open {layout} {what}: padding")]
    Padding {
        /// Request or response.
        what: &'static str,
        /// Its version.
        layout: Version,
    },
    /// What the envelope holds cannot be read.
    #[error("cannot read {layout} {what}: {error}")]
    Body {
        /// Request or response.
        what: &'static str,
        /// Its version.
        layout: Version,
        /// Where and why, counted from the start of the message.
        error: DecodeError,
    },
}

impl OpenError {
    /// Whether the version was known, as far as there was one.
    pub const fn version_known(&self) -> bool {
        !matches!(self, Self::NoVersion { .. } | Self::UnknownVersion { .. })
    }

    /// Whether the size was the trouble.
    pub const fn is_size(&self) -> bool {
        matches!(
            self,
            Self::NoVersion { .. } | Self::RequestSize { .. } | Self::ResponseSize { .. }
        )
    }
}
