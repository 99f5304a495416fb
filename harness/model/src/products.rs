//! The products the lab host's key covers: those of the shipped captures that were answered there.

use kmspec_wire::guid::Guid;
use kmspec_wire::kms::ids::{OFFICE_2010, OFFICE_2013, WINDOWS};

/// A counted id and the family it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// The family, by which clients are counted.
    pub application_id: Guid,
    /// The group a host grants or refuses by.
    pub counted_id: Guid,
}

impl Product {
    /// Whether the host's key covers the counted id, and the application id fits it.
    pub fn is_covered(application_id: Guid, counted_id: Guid) -> bool {
        PRODUCTS.contains(&Self {
            application_id,
            counted_id,
        })
    }
}

/// Every product the host knows. Source: observed, captures/04-vlmcs-vlmcsd-products.pcap and the others.
pub const PRODUCTS: &[Product] = &[
    product(WINDOWS, 0x212a_64dc_43b1_4d3d_a30c_2fc6_9d20_95c6),
    product(WINDOWS, 0x3c40_b358_5948_45af_923b_53d2_1fcc_7e79),
    product(WINDOWS, 0x58e2_134f_8e11_4d17_9cb2_9106_9c15_1148),
    product(WINDOWS, 0x6e9f_c069_257d_4bc4_b4a7_7505_14d3_2743),
    product(WINDOWS, 0x7fde_5219_fbfa_484a_82c9_34d1_ad53_e856),
    product(WINDOWS, 0x8449_b1fb_f0ea_497a_99ab_66ca_96e9_a0f5),
    product(WINDOWS, 0x8456_efd3_0c04_4089_8740_5b72_3853_5a65),
    product(WINDOWS, 0x8fe5_3387_3087_4447_8985_f751_3221_5ac9),
    product(WINDOWS, 0xca87_f5b6_cd46_40c0_b06d_8ecd_57a4_373f),
    product(WINDOWS, 0xcb8f_c780_2c05_495a_9710_85af_ffc9_04d7),
    product(OFFICE_2010, 0xe85a_f946_2e25_47b7_83e1_bebc_ebea_c611),
    product(OFFICE_2013, 0x617d_9eb1_ef36_4f82_86e0_a65a_e07b_96c6),
    product(OFFICE_2013, 0x85b5_f61b_320b_4be3_814a_b76b_2bfa_fc82),
    product(OFFICE_2013, 0xe6a6_f1bf_9d40_40c3_aa9f_c77b_a215_78c0),
];

const fn product(application_id: Guid, counted_id: u128) -> Product {
    Product {
        application_id,
        counted_id: Guid::from_u128(counted_id),
    }
}
