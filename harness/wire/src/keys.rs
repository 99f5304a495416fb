//! Key sets: every secret of the protocol is a parameter.
//!
//! The one key set of this repository is [`KeySet::lab`]. A file brings another one to the tester's side:
//!
//! ```toml
//! name = "lab"
//! v4 = { mac_key = { ascii = "KMS-LAB-ONLY-V4-KEY!" } }              # 20 bytes
//! v5 = { aes_key = { hex = "4b4d532d4c41422d56352d4b45592121" } }    # 16 bytes
//!
//! [v6]
//! aes_key = { ascii = "KMS-LAB-V6-KEY!!" }                           # 16 bytes
//! round_key_xor = [{ round = 3, byte = 0, value = 0x4C }]            # round 0..=10, byte 0..=15
//! hmac_time = { divisor = 144000000000, multiplier = 139000000001, addend = 0x4B4D532D4C41422D }
//! ```
//!
//! Key bytes are written `{ ascii = "…" }` or `{ hex = "…" }`, never as a bare string: a key of 20 hex digits would
//! otherwise read as either. Every key is required except `round_key_xor`; unknown keys are errors.

mod file;
mod set;

pub use file::KeyFileError;
pub use set::{HmacTime, KeyMaterial, KeySet, Slot};
