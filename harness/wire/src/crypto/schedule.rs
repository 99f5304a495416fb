use kmspec_rounds::sub_word;

use super::Block;

/// A change of the expanded key: one byte of one round key is xored with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tweak {
    round: u8,
    byte: u8,
    value: u8,
}

impl Tweak {
    /// Last round key of AES-128.
    pub const LAST_ROUND: u8 = 10;
    /// Last byte of a round key.
    pub const LAST_BYTE: u8 = 15;

    /// Xors byte `byte` (0..=15) of round key `round` (0..=10, 0 is the key itself) with `value`.
    pub const fn new(round: u8, byte: u8, value: u8) -> Option<Self> {
        if round > Self::LAST_ROUND || byte > Self::LAST_BYTE {
            return None;
        }
        Some(Self { round, byte, value })
    }

    /// The round key it changes, 0 being the key itself.
    pub const fn round(self) -> u8 {
        self.round
    }

    /// The byte it changes.
    pub const fn byte(self) -> u8 {
        self.byte
    }

    /// What the byte is xored with.
    pub const fn value(self) -> u8 {
        self.value
    }

    pub(super) fn apply(self, round_keys: &mut [Block]) {
        if let Some(byte) = round_keys
            .get_mut(usize::from(self.round))
            .and_then(|key| key.get_mut(usize::from(self.byte)))
        {
            *byte ^= self.value;
        }
    }
}

/// The round keys of Rijndael with a 128-bit block, for keys of `NK` 32-bit words, 4 to 6.
///
/// Source: FIPS 197 section 5.2; The Rijndael Block Cipher (AES proposal) section 4.3.
pub fn expand<const NK: usize, const ROUND_KEYS: usize>(
    key: &[[u8; 4]; NK],
) -> [Block; ROUND_KEYS] {
    const { assert!(NK >= 4 && NK <= 6 && ROUND_KEYS == NK + 7) };
    let mut round_keys = [[0; 16]; ROUND_KEYS];
    let mut window = key.map(u32::from_be_bytes);
    let mut rcon = 1u8;
    let words = round_keys
        .iter_mut()
        .flat_map(|key| key.as_chunks_mut::<4>().0);
    let mut left = NK;
    let mut source = key.iter();
    for word in words {
        if let Some(given) = source.next() {
            *word = *given;
            continue;
        }
        let mut last = window.last().copied().unwrap_or_default();
        if left == NK {
            left = 0;
            last = sub_word(last.rotate_left(8)) ^ (u32::from(rcon) << 24);
            rcon = rcon.wrapping_shl(1) ^ if rcon & 0x80 == 0 { 0 } else { 0x1b };
        }
        left = left.saturating_add(1);
        window.rotate_left(1);
        if let Some(oldest) = window.last_mut() {
            *oldest ^= last;
            *word = oldest.to_be_bytes();
        }
    }
    round_keys
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn fips_197_appendix_a_1_expands_like_this() {
        let key = hex!("2b7e151628aed2a6abf7158809cf4f3c");
        let round_keys: [Block; 11] = expand(&[
            [0x2b, 0x7e, 0x15, 0x16],
            [0x28, 0xae, 0xd2, 0xa6],
            [0xab, 0xf7, 0x15, 0x88],
            [0x09, 0xcf, 0x4f, 0x3c],
        ]);
        assert_eq!(round_keys[0], key);
        assert_eq!(round_keys[1], hex!("a0fafe1788542cb123a339392a6c7605"));
        assert_eq!(round_keys[9], hex!("ac7766f319fadc2128d12941575c006e"));
        assert_eq!(round_keys[10], hex!("d014f9a8c9ee2589e13f0cc8b6630ca6"));
    }

    #[test]
    fn tweaks_outside_the_schedule_cannot_be_made() {
        assert!(Tweak::new(10, 15, 1).is_some());
        assert!(Tweak::new(11, 0, 1).is_none());
        assert!(Tweak::new(0, 16, 1).is_none());
    }
}
