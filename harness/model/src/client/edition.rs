//! What a client can be an edition of.

use std::fmt;

use kmspec_slmgr::ProductKey;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::Version;
use kmspec_wire::kms::ids::{OFFICE_2013, WINDOWS};

/// One edition of a product: what it asks a host for, and how long it runs without.
#[derive(Debug, PartialEq, Eq)]
pub struct Edition {
    /// Its name in files and on the command line, such as `vista-enterprise`.
    pub id: &'static str,
    /// Its name as the licence manager prints it, without the word for edition.
    pub name: &'static str,
    /// The system it is an edition of, as the licence manager prints it in the description.
    pub system: &'static str,
    /// The key that makes it a client of a host. Source: the deployment document's table, and our own for the lab's.
    pub setup_key: &'static str,
    /// The version of the protocol it speaks.
    pub version: Version,
    /// Family by which hosts count.
    pub application_id: Guid,
    /// The edition itself.
    pub activation_id: Guid,
    /// Group by which hosts grant.
    pub counted_id: Guid,
    /// Machines a host must have counted before this one activates.
    pub n_policy: u32,
    /// Days it runs before it must have been activated. Source: kms-protocol 7; the deployment document, row 5.
    pub grace_days: u32,
}

impl Edition {
    /// The lab's own client, of version 6.
    pub const LAB: &'static Self = &LAB;

    /// The edition with this id.
    pub fn named(id: &str) -> Option<&'static Self> {
        EDITIONS.iter().find(|edition| edition.id == id)
    }

    /// The first edition with this setup key: of those that share one, the release and not its candidate.
    pub fn of_setup_key(key: &ProductKey) -> Option<&'static Self> {
        EDITIONS.iter().find(|edition| edition.is_set_up_by(key))
    }

    /// Whether this is its setup key.
    pub fn is_set_up_by(&self, key: &ProductKey) -> bool {
        self.setup_key.parse() == Ok(*key)
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id)
    }
}

/// Every edition a lab client can be: the document's four, the two release candidates it names, and the lab's own for
/// what the document is too old for. The document's keys are the published ones of pre-release products.
pub const EDITIONS: &[Edition] = &[
    Edition {
        id: "vista-business",
        name: "Windows(TM) Vista, Business",
        setup_key: "YVT36-YVCP2-J97GQ-7T22R-RWV8P",
        activation_id: Guid::from_u128(0x4f3d_1606_3fea_4c01_be3c_8d67_1c40_1e3b),
        ..VISTA
    },
    VISTA,
    Edition {
        id: "server-enterprise",
        ..SERVER
    },
    Edition {
        id: "server-itanium",
        name: "Windows Server(TM) for Itanium-based Systems",
        setup_key: "CWV9H-PHGPW-V93WV-QBQV9-8V336",
        // No recording shows this edition; the lab counts it with the other servers.
        activation_id: Guid::from_u128(0x6b0f_51c2_97a4_4b3e_8d15_2f60_c4e9_a718),
        ..SERVER
    },
    Edition {
        id: "vista-business-rc1",
        name: "Windows(TM) Vista, Business RC1",
        setup_key: "YVT36-YVCP2-J97GQ-7T22R-RWV8P",
        activation_id: Guid::from_u128(0x4f3d_1606_3fea_4c01_be3c_8d67_1c40_1e3b),
        grace_days: 14,
        ..VISTA
    },
    Edition {
        id: "longhorn-server-enterprise-rc1",
        name: "Windows(TM) Code Name \"Longhorn\" Server, Enterprise RC1",
        system: "Longhorn Server",
        grace_days: 14,
        ..SERVER
    },
    Edition {
        id: "lab-client-v4",
        name: "Lab client 4",
        setup_key: "LABV4-CLIEN-TSETU-PKEY0-00004",
        version: Version::V4,
        activation_id: Guid::from_u128(0xae2e_e509_1b34_41c0_acb7_6d46_5016_8915),
        counted_id: Guid::from_u128(0x7fde_5219_fbfa_484a_82c9_34d1_ad53_e856),
        ..LAB
    },
    Edition {
        id: "lab-client-v5",
        name: "Lab client 5",
        setup_key: "LABV5-CLIEN-TSETU-PKEY0-00005",
        version: Version::V5,
        activation_id: Guid::from_u128(0x458e_1bec_837a_45f6_b9d5_925e_d5d2_99de),
        counted_id: Guid::from_u128(0x3c40_b358_5948_45af_923b_53d2_1fcc_7e79),
        ..LAB
    },
    LAB,
    Edition {
        id: "lab-server-v6",
        name: "Lab server 6",
        setup_key: "LABV6-SERVE-RSETU-PKEY0-00006",
        activation_id: Guid::from_u128(0x8c1c_5410_9f39_4805_8c9d_63a0_7706_358f),
        counted_id: Guid::from_u128(0x6e9f_c069_257d_4bc4_b4a7_7505_14d3_2743),
        n_policy: 5,
        ..LAB
    },
    Edition {
        id: "lab-office-v6",
        name: "Lab office 6",
        setup_key: "LABV6-OFFIC-ESETU-PKEY0-00006",
        application_id: OFFICE_2013,
        activation_id: Guid::from_u128(0xd450_596f_894d_49e0_966a_fd39_ed4c_4c64),
        counted_id: Guid::from_u128(0x85b5_f61b_320b_4be3_814a_b76b_2bfa_fc82),
        n_policy: 5,
        ..LAB
    },
];

/// The document's own example. Source: its row 32 and the support information after it.
const VISTA: Edition = Edition {
    id: "vista-enterprise",
    name: "Windows(TM) Vista, Enterprise",
    system: "Vista",
    setup_key: "MF9PG-RQK7R-26BPJ-TWFYK-RHXCM",
    version: Version::V4,
    application_id: WINDOWS,
    activation_id: Guid::from_u128(0x1447_8aca_ea15_4958_ac34_3592_8110_1c99),
    // Source: observed, captures/04-vlmcs-vlmcsd-products.pcap.
    counted_id: Guid::from_u128(0x212a_64dc_43b1_4d3d_a30c_2fc6_9d20_95c6),
    n_policy: 25,
    grace_days: 30,
};

/// What the document calls Server Enterprise. Ids: observed, captures/04-vlmcs-vlmcsd-products.pcap.
const SERVER: Edition = Edition {
    id: "server-enterprise",
    name: "Windows Server(TM), Enterprise",
    system: "Server",
    setup_key: "7KYMQ-R788Q-4RF69-KTWKM-92PFJ",
    version: Version::V4,
    application_id: WINDOWS,
    activation_id: Guid::from_u128(0xad25_42d4_9154_4c6d_8a44_30f1_1ee9_6989),
    counted_id: Guid::from_u128(0x8fe5_3387_3087_4447_8985_f751_3221_5ac9),
    n_policy: 5,
    grace_days: 30,
};

/// The lab's own client. Ids: observed, captures/03-vlmcs-vlmcsd-v6-one-connection.pcap.
const LAB: Edition = Edition {
    id: "lab-client-v6",
    name: "Lab client 6",
    system: "Lab",
    setup_key: "LABV6-CLIEN-TSETU-PKEY0-00006",
    version: Version::V6,
    application_id: WINDOWS,
    activation_id: Guid::from_u128(0x7311_1121_5638_40f6_bc11_f1d7_b0d6_4300),
    counted_id: Guid::from_u128(0x58e2_134f_8e11_4d17_9cb2_9106_9c15_1148),
    n_policy: 25,
    grace_days: 30,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Product;

    #[test]
    fn the_documents_setup_keys_name_its_editions() {
        for (key, id, partial) in [
            ("YVT36-YVCP2-J97GQ-7T22R-RWV8P", "vista-business", "RWV8P"),
            ("MF9PG-RQK7R-26BPJ-TWFYK-RHXCM", "vista-enterprise", "RHXCM"),
            (
                "7KYMQ-R788Q-4RF69-KTWKM-92PFJ",
                "server-enterprise",
                "92PFJ",
            ),
            ("CWV9H-PHGPW-V93WV-QBQV9-8V336", "server-itanium", "8V336"),
        ] {
            let key: ProductKey = key.parse().unwrap();
            assert_eq!(Edition::of_setup_key(&key).unwrap().id, id);
            assert_eq!(key.partial().to_string(), partial);
        }
    }

    #[test]
    fn every_edition_has_a_name_of_its_own_and_is_one_the_lab_host_serves() {
        for (n, edition) in EDITIONS.iter().enumerate() {
            assert!(
                EDITIONS[..n].iter().all(|other| other.id != edition.id),
                "{edition}"
            );
            assert!(
                Product::is_covered(edition.application_id, edition.counted_id),
                "{edition}"
            );
            assert!(edition.setup_key.parse::<ProductKey>().is_ok(), "{edition}");
            assert_eq!(Edition::named(edition.id), Some(edition));
        }
    }

    #[test]
    fn two_release_candidates_have_fourteen_days_and_the_rest_thirty() {
        let short: Vec<_> = EDITIONS
            .iter()
            .filter(|edition| edition.grace_days == 14)
            .collect();
        let names: Vec<_> = short.iter().map(|edition| edition.id).collect();
        assert_eq!(
            names,
            ["vista-business-rc1", "longhorn-server-enterprise-rc1"]
        );
        assert!(
            EDITIONS
                .iter()
                .all(|edition| matches!(edition.grace_days, 14 | 30))
        );
    }
}
