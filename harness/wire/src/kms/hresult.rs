use crate::open_enum::open_enum;

open_enum! {
    /// The return value of the operation, or what a client concludes. Source: kms-protocol 2 and 6; MS-ERREF 2.1.
    pub struct HResult(u32) {
        /// `S_OK`: the request was answered.
        OK = 0,
        /// `ERROR_INVALID_DATA`: the message cannot be understood, or its N policy is above 1000.
        INVALID_DATA = 0x8007_000d,
        /// The client's verdict when the host's count is below its N policy.
        NOT_ENOUGH_COUNT = 0xc004_f038,
        /// The host itself is not activated.
        HOST_NOT_ACTIVATED = 0xc004_f035,
        /// The host's key does not cover the product, or its application id does not fit.
        PRODUCT_NOT_COVERED = 0xc004_f042,
        /// The product key is not one of this product's.
        INVALID_PRODUCT_KEY = 0xc004_f050,
        /// The client's clock is more than four hours off.
        INVALID_TIMESTAMP = 0xc004_f06c,
        /// The client's verdict when no host answers.
        NO_HOST_CONTACTED = 0xc004_f074,
        /// The product key is that of another edition.
        EDITION_NOT_FOUND = 0xc004_f069,
        /// The client's licence was reset as often as it may be.
        REARMS_EXHAUSTED = 0xc004_d307,
        /// The host's table of client machine ids is exhausted.
        CMID_TABLE_EXHAUSTED = 0xc004_d104,
    }
}

impl HResult {
    /// Whether the operation succeeded: the severity bit is clear. Source: MS-ERREF 2.1.
    pub const fn is_success(self) -> bool {
        self.0 & 0x8000_0000 == 0
    }

    /// What the code means, in one sentence, if it is one of the protocol's.
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match self {
            Self::OK => "The request was answered.",
            Self::INVALID_DATA => "The message cannot be understood or is not acceptable.",
            Self::NOT_ENOUGH_COUNT => "The host has counted fewer machines than the product needs.",
            Self::HOST_NOT_ACTIVATED => "The host itself is not activated.",
            Self::PRODUCT_NOT_COVERED => "The host's key does not cover this product.",
            Self::INVALID_PRODUCT_KEY => "The product key is not one of this product's.",
            Self::EDITION_NOT_FOUND => "The product key is that of another edition.",
            Self::REARMS_EXHAUSTED => "The licence was reset as often as it may be.",
            Self::INVALID_TIMESTAMP => "The client's clock is more than four hours off the host's.",
            Self::NO_HOST_CONTACTED => "No host could be contacted.",
            Self::CMID_TABLE_EXHAUSTED => "The host's table of client machine ids is exhausted.",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_code_has_a_meaning_and_only_zero_is_success() {
        for code in [
            0,
            0x8007_000d,
            0xc004_f035,
            0xc004_f038,
            0xc004_f042,
            0xc004_f050,
            0xc004_f069,
            0xc004_d307,
            0xc004_f06c,
            0xc004_f074,
            0xc004_d104,
        ] {
            let code = HResult(code);
            assert!(code.name().is_some() && code.meaning().is_some(), "{code}");
            assert_eq!(code.is_success(), code == HResult::OK);
        }
        assert_eq!(HResult(0x8000_4005).meaning(), None);
        assert_eq!(
            HResult(0x8007_000d).to_string(),
            "INVALID_DATA (0x8007000d)"
        );
    }
}
