use std::fmt;

use zeroize::Zeroizing;

use super::KeyFileError;
use crate::crypto::{Aes128, Block, Rijndael160, Tweak, cbc_mac, hmac_sha256, sha256};
use crate::filetime::FileTime;

/// How the key of a v6 MAC follows from the client time. Source: kms-protocol 4, v6 response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HmacTime {
    /// Units of 100 ns in a slot; a key lives one slot. Never zero in a [`KeySet`].
    pub divisor: u64,
    /// Factor of the slot's number.
    pub multiplier: u64,
    /// Added last.
    pub addend: u64,
}

/// Which slot of time a v6 MAC was made in, seen from the client time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// That of the client time.
    Same,
    /// The one before it.
    Before,
    /// The one after it.
    After,
}

impl Slot {
    /// All a verifier accepts, the likeliest first.
    pub const ALL: [Self; 3] = [Self::Same, Self::Before, Self::After];
}

impl HmacTime {
    /// The seed of the MAC key: `(time / divisor + slot) * multiplier + addend`, wrapping.
    pub const fn seed(self, time: FileTime, slot: Slot) -> u64 {
        let Some(quotient) = time.0.checked_div(self.divisor) else {
            return self.addend;
        };
        let quotient = match slot {
            Slot::Same => quotient,
            Slot::Before => quotient.wrapping_sub(1),
            Slot::After => quotient.wrapping_add(1),
        };
        quotient
            .wrapping_mul(self.multiplier)
            .wrapping_add(self.addend)
    }
}

/// What a key set is made of. Wiped when dropped; `Debug` prints the name only.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyMaterial {
    /// Name of the set.
    pub name: String,
    /// Key of the v4 MAC.
    pub v4_mac_key: Zeroizing<[u8; 20]>,
    /// Key of the v5 cipher.
    pub v5_aes_key: Zeroizing<[u8; 16]>,
    /// Key of the v6 cipher.
    pub v6_aes_key: Zeroizing<[u8; 16]>,
    /// What the expanded v6 key is xored with.
    pub v6_round_key_xor: Vec<Tweak>,
    /// How the v6 MAC key follows from the time.
    pub v6_hmac_time: HmacTime,
}

impl KeyMaterial {
    /// The lab key set. Nothing outside laboratories uses it. Source: kms-protocol 5.
    pub fn lab() -> Self {
        Self {
            name: "lab".to_owned(),
            v4_mac_key: Zeroizing::new(*b"KMS-LAB-ONLY-V4-KEY!"),
            v5_aes_key: Zeroizing::new(*b"KMS-LAB-V5-KEY!!"),
            v6_aes_key: Zeroizing::new(*b"KMS-LAB-V6-KEY!!"),
            v6_round_key_xor: [(3, 0, 0x4c), (5, 0, 0x41), (7, 0, 0x42)]
                .into_iter()
                .filter_map(|(round, byte, value)| Tweak::new(round, byte, value))
                .collect(),
            v6_hmac_time: HmacTime {
                divisor: 144_000_000_000,
                multiplier: 139_000_000_001,
                addend: 0x4B4D_532D_4C41_422D,
            },
        }
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyMaterial({:?})", self.name)
    }
}

/// A key set with its schedules expanded. Wiped when dropped; `Debug` prints the name only.
pub struct KeySet {
    name: String,
    v4: Rijndael160,
    v5: Aes128,
    v6: Aes128,
    hmac_time: HmacTime,
}

impl KeySet {
    /// The lab key set, the only one this project ships. Source: kms-protocol 5.
    pub fn lab() -> Self {
        Self::new(&KeyMaterial::lab())
    }

    /// Expands the keys, once for all messages.
    pub fn new(material: &KeyMaterial) -> Self {
        Self {
            name: material.name.clone(),
            v4: Rijndael160::new(&material.v4_mac_key),
            v5: Aes128::new(&material.v5_aes_key),
            v6: Aes128::tweaked(&material.v6_aes_key, &material.v6_round_key_xor),
            hmac_time: material.v6_hmac_time,
        }
    }

    /// Reads a key file; the form is described in [`crate::keys`].
    pub fn from_toml(text: &str) -> Result<Self, KeyFileError> {
        KeyMaterial::from_toml(text).map(|material| Self::new(&material))
    }

    /// Name of the set.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Cipher of the v4 MAC.
    pub const fn v4(&self) -> &Rijndael160 {
        &self.v4
    }

    /// Cipher of version 5.
    pub const fn v5(&self) -> &Aes128 {
        &self.v5
    }

    /// Cipher of version 6.
    pub const fn v6(&self) -> &Aes128 {
        &self.v6
    }

    /// The MAC behind a v4 message. Source: kms-protocol 4, v4.
    pub fn v4_mac(&self, message: &[u8]) -> Block {
        cbc_mac(&self.v4, message)
    }

    /// The MAC of a v6 response: the second half of HMAC-SHA-256 over `parts`. Source: kms-protocol 4, v6 response.
    pub fn v6_mac(&self, time: FileTime, slot: Slot, parts: &[&[u8]]) -> Block {
        let seed = sha256(&self.hmac_time.seed(time, slot).to_le_bytes());
        second_half(&hmac_sha256(&second_half(&seed), parts))
    }
}

fn second_half(hash: &[u8; 32]) -> Block {
    hash.last_chunk().copied().unwrap_or_default()
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({:?})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_the_name_only() {
        assert_eq!(format!("{:?}", KeySet::lab()), "KeySet(\"lab\")");
        assert_eq!(format!("{:?}", KeyMaterial::lab()), "KeyMaterial(\"lab\")");
    }

    #[test]
    fn neighbouring_slots_are_one_multiplier_apart_and_wrap() {
        let time = KeyMaterial::lab().v6_hmac_time;
        let now = FileTime(134_398_416_170_000_000);
        let same = time.seed(now, Slot::Same);
        assert_eq!(
            time.seed(now, Slot::After),
            same.wrapping_add(139_000_000_001)
        );
        assert_eq!(time.seed(now.plus(time.divisor), Slot::Before), same);
        assert_eq!(
            time.seed(FileTime(0), Slot::Before),
            time.addend.wrapping_sub(time.multiplier)
        );
    }
}
