//! Bind-time feature negotiation. Source: MS-RPCE 2.2.2.14, 3.3.1.5.3.

use crate::guid::Guid;
use crate::pdu::SyntaxId;

/// First half of the UUID that asks for features, as its text form spells it.
const PREFIX: u64 = 0x6cb7_1c2c_9812_4540;

/// A set of bind-time features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Features(pub u64);

impl Features {
    /// Several security contexts on one connection.
    pub const SECURITY_CONTEXT_MULTIPLEXING: Self = Self(0x01);
    /// The connection is kept when a call is orphaned.
    pub const KEEP_CONNECTION_ON_ORPHAN: Self = Self(0x02);
    /// Both, which is all there is.
    pub const ALL: Self = Self(0x03);

    /// The features a transfer syntax asks for, if its UUID is one of feature negotiation; any version.
    pub const fn asked_by(syntax: SyntaxId) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, mask @ ..] = syntax.uuid.as_u128().to_be_bytes();
        if u64::from_be_bytes([a, b, c, d, e, f, g, h]) == PREFIX {
            Some(Self(u64::from_le_bytes(mask)))
        } else {
            None
        }
    }

    /// The transfer syntax that asks for these features, version 1.0.
    pub const fn syntax(self) -> SyntaxId {
        let [a, b, c, d, e, f, g, h] = PREFIX.to_be_bytes();
        let [i, j, k, l, m, n, o, p] = self.0.to_le_bytes();
        let uuid = u128::from_be_bytes([a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]);
        SyntaxId {
            uuid: Guid::from_u128(uuid),
            major: 1,
            minor: 0,
        }
    }

    /// Those of `self` that are in `offer` too, as the 16-bit reason field of the answer carries them.
    pub const fn granted(self, offer: Self) -> u16 {
        let [low, high, ..] = (self.0 & offer.0).to_le_bytes();
        u16::from_le_bytes([low, high])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_stands_little_endian_in_the_last_eight_octets() {
        let uuid = Features::ALL.syntax().uuid;
        assert_eq!(uuid.to_string(), "6cb71c2c-9812-4540-0300-000000000000");
        assert_eq!(
            uuid.to_le_bytes(),
            hex_literal::hex!("2c1cb76c129840450300000000000000")
        );
        assert_eq!(
            Features::asked_by(Features(u64::MAX).syntax()),
            Some(Features(u64::MAX))
        );
        assert_eq!(Features::asked_by(SyntaxId::NDR32), None);
    }

    #[test]
    fn only_what_is_asked_for_is_granted() {
        let asked = [0, 1, 2, 3, 4, 7, u64::MAX];
        assert_eq!(
            asked.map(|mask| Features(mask).granted(Features::ALL)),
            [0, 1, 2, 3, 0, 3, 3]
        );
    }
}
