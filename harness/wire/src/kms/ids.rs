//! Well-known application ids: the families of products a host counts by.

use crate::guid::Guid;

/// Windows and Windows Server. Source: kms-protocol 3.
pub const WINDOWS: Guid = Guid::from_u128(0x55c9_2734_d682_4d71_983e_d6ec_3f16_059f);

/// Office 2010. Source: observed, captures/04-vlmcs-vlmcsd-products.pcap.
pub const OFFICE_2010: Guid = Guid::from_u128(0x59a5_2881_a989_479d_af46_f275_c637_0663);

/// Office 2013 and later. Source: observed, captures/04-vlmcs-vlmcsd-products.pcap.
pub const OFFICE_2013: Guid = Guid::from_u128(0x0ff1_ce15_a989_479d_af46_f275_c637_0663);

/// The name of a well-known application id.
pub const fn application_name(id: Guid) -> Option<&'static str> {
    match id.as_u128() {
        id if id == WINDOWS.as_u128() => Some("Windows"),
        id if id == OFFICE_2010.as_u128() => Some("Office 2010"),
        id if id == OFFICE_2013.as_u128() => Some("Office 2013 and later"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_families_have_names() {
        for (text, name) in [
            ("55c92734-d682-4d71-983e-d6ec3f16059f", Some("Windows")),
            ("59a52881-a989-479d-af46-f275c6370663", Some("Office 2010")),
            (
                "0ff1ce15-a989-479d-af46-f275c6370663",
                Some("Office 2013 and later"),
            ),
            ("00000000-0000-0000-0000-000000000000", None),
        ] {
            assert_eq!(application_name(text.parse().unwrap()), name);
        }
    }
}
