//! Sealing and opening the envelopes of versions 4, 5 and 6. Source: kms-protocol 4.
//!
//! The honest path is [`seal_request`], [`open_request`], [`seal_response`], [`open_response`]. Whoever wants exactly one
//! thing wrong changes one public field of [`RequestParts`] or [`ResponseParts`] before sealing: what depends on it, the
//! MACs above all, is computed on sealing, so everything else stays right.
//!
//! Opening goes on where it can: a wrong MAC, padding or inner version is a failed check of what was opened. Where the
//! inner version *and* the padding are wrong, the key was wrong, and no garbage is handed out.
//!
//! ```
//! use kmspec_wire::keys::KeySet;
//! use kmspec_wire::kms::{envelope, verify};
//! # use kmspec_wire::kms::{RequestBody, ResponseBody, Version, Epid};
//! # let body = RequestBody::from_bytes(&[0; 236]).unwrap();
//! # let request = RequestBody { version: Version::V6.protocol(), ..body };
//! # let epid = "99999-00206-000-000000-03-1033-17763.0000-0012026".parse::<Epid>().unwrap().to_wire();
//! # let answer = ResponseBody::to_request(&request, &epid, 1);
//! let keys = KeySet::lab();
//! let mut message = Vec::new();
//! let sent = envelope::seal_request(&keys, &request, [1; 16], &mut message);
//!
//! let received = envelope::open_request(&keys, &message)?;
//! assert!(received.checks.all_hold());
//! let salts = envelope::Salts { random: [2; 16], iv: [3; 16] };
//! let mut reply = Vec::new();
//! envelope::seal_response(&keys, &received, &answer, [4; 8], &salts, &mut reply);
//!
//! let mut scratch = Vec::new();
//! let opened = envelope::open_response(&keys, &reply, &mut scratch)?;
//! assert_eq!(opened.body.count, 1);
//! assert_eq!(verify::response(&sent, &opened), []);
//! # Ok::<(), envelope::OpenError>(())
//! ```

mod error;
mod request;
mod response;
mod seal;
#[cfg(test)]
mod tests;

pub use error::OpenError;
pub use request::{OpenedRequest, RequestChecks, open_request};
pub use response::{OpenedResponse, Proof, open_response};
pub use seal::{Content, Mac, Padding, RequestParts, ResponseParts, seal_request, seal_response};

use crate::crypto::{Block, tags_equal};

/// Size of every v4 request, in bytes.
pub const V4_REQUEST_SIZE: usize = 252;
/// Size of every v5 and v6 request, in bytes.
pub const ENCRYPTED_REQUEST_SIZE: usize = 260;
/// Where the plaintext starts in an encrypted message, behind version and IV.
pub const PLAINTEXT_OFFSET: usize = 20;

/// The randomness of one response; fresh each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salts {
    /// `R`, in versions 5 and 6.
    pub random: Block,
    /// The IV, in version 6.
    pub iv: Block,
}

/// A MAC as it came and as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Computed from the message.
    pub expected: Block,
    /// Found in the message.
    pub got: Block,
}

impl Tag {
    /// Whether they are equal, in constant time.
    pub fn holds(&self) -> bool {
        tags_equal(self.expected, self.got)
    }
}
