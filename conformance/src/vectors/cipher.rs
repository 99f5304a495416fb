//! The block ciphers.

use kmspec_wire::crypto::{Aes128, Block, Rijndael, Rijndael160, Tweak};

use super::sample::{block, octets};
use super::{Book, Fields, Group, Value, Verdict};

const LAB_V4: &[u8; 20] = b"KMS-LAB-ONLY-V4-KEY!";
const LAB_V5: &[u8; 16] = b"KMS-LAB-V5-KEY!!";
const LAB_V6: &[u8; 16] = b"KMS-LAB-V6-KEY!!";
/// The lab key set's tweaks: round, byte, value.
const LAB_TWEAKS: Tweaks<'static> = &[(3, 0, 0x4c), (5, 0, 0x41), (7, 0, 0x42)];

/// Changes of a key schedule: round, byte, value.
type Tweaks<'a> = &'a [(u8, u8, u8)];

/// AES-128 as in FIPS 197, the cipher of version 5.
pub(super) fn aes_128() -> Book {
    let mut groups = Vec::new();
    for (label, key) in [
        ("lab", *LAB_V5),
        ("fips-197", FIPS_KEY),
        ("other", block("AES key")),
    ] {
        let cipher = Aes128::new(&key);
        let mut group = group("AES-128", &key, &[]);
        if key == FIPS_KEY {
            published(&mut group, &cipher, FIPS_PLAIN);
        }
        right(&mut group, &cipher, label);
        wrong(&mut group, &cipher);
        groups.push(group);
    }
    Book {
        name: "aes128.json",
        algorithm: "AES-128",
        header: &["AES-128 of FIPS 197, one block: ct is msg encrypted under key."],
        notes: NOTES,
        groups,
    }
}

/// AES-128 with a changed key schedule, the cipher of version 6.
pub(super) fn tweaked() -> Book {
    let mut groups = Vec::new();
    let everywhere: Vec<_> = (0..=10).map(|round| (round, round, 0x80 | round)).collect();
    let twice = [(4, 9, 0x0f), (4, 9, 0xf0)];
    let tables: [(&str, &[u8; 16], Tweaks<'_>); 6] = [
        ("lab", LAB_V6, LAB_TWEAKS),
        ("none", LAB_V6, &[]),
        ("first round key", LAB_V6, &[(0, 15, 0x01)]),
        ("last round key", LAB_V6, &[(10, 0, 0xff)]),
        ("every round key", LAB_V6, &everywhere),
        ("one byte twice", LAB_V6, &twice),
    ];
    for (label, key, tweaks) in tables {
        let made: Vec<Tweak> = tweaks
            .iter()
            .filter_map(|&(round, byte, value)| Tweak::new(round, byte, value))
            .collect();
        let cipher = Aes128::tweaked(key, &made);
        let mut group = group("TweakedAES-128", key, tweaks);
        right(&mut group, &cipher, label);
        if !tweaks.is_empty() {
            let plain = block("untweaked");
            let flags = ["UntweakedSchedule"];
            let data = pair(&plain, &encrypted(&Aes128::new(key), plain));
            group.add(
                Verdict::Invalid,
                "made with the schedule of FIPS 197",
                &flags,
                data,
            );
        }
        wrong(&mut group, &cipher);
        groups.push(group);
    }
    Book {
        name: "aes128_tweaked.json",
        algorithm: "AES-128 with a changed key schedule",
        header: &[
            "As AES-128, but each of roundKeyXor changes the expanded key: byte `byte` of round key `round`, 0 being the",
            "key itself, is xored with `value`. Encryption and decryption use the same changed schedule.",
        ],
        notes: TWEAKED_NOTES,
        groups,
    }
}

/// Rijndael with a 160-bit key, the cipher of version 4.
pub(super) fn rijndael_160() -> Book {
    let mut groups = Vec::new();
    let mut other = [0; 20];
    other.copy_from_slice(&octets("Rijndael key", 20));
    for (label, key) in [
        ("lab", *LAB_V4),
        ("published", PUBLISHED_160),
        ("other", other),
    ] {
        let cipher = Rijndael160::new(&key);
        let mut group = group("Rijndael-160", &key, &[]);
        if key == PUBLISHED_160 {
            published(&mut group, &cipher, PUBLISHED_PLAIN);
        }
        right(&mut group, &cipher, label);
        wrong(&mut group, &cipher);
        let plain = block("short key");
        let flags = ["WrongCipher"];
        let short: &[u8; 16] = key.first_chunk().expect("a key of 20 octets has 16");
        let data = pair(&plain, &encrypted(&Aes128::new(short), plain));
        group.add(
            Verdict::Invalid,
            "AES-128 under the first 16 octets of the key",
            &flags,
            data,
        );
        groups.push(group);
    }
    Book {
        name: "rijndael160.json",
        algorithm: "Rijndael, 128-bit block, 160-bit key",
        header: &["Rijndael with 11 rounds, one block: ct is msg encrypted under key."],
        notes: RIJNDAEL_NOTES,
        groups,
    }
}

fn group(cipher: &str, key: &[u8], tweaks: Tweaks<'_>) -> Group {
    let mut shared = Fields::default().with("cipher", cipher).with("key", key);
    if cipher == "TweakedAES-128" {
        let list = tweaks.iter().map(|&(round, byte, value)| {
            let tweak = Fields::default().with("round", round).with("byte", byte);
            Value::Fields(tweak.with("value", value))
        });
        let list: Vec<Value> = list.collect();
        shared = shared.with("roundKeyXor", list);
    }
    Group::new("BlockCipherTest", shared)
}

fn published<const N: usize>(group: &mut Group, cipher: &Rijndael<N>, plain: Block) {
    let data = pair(&plain, &encrypted(cipher, plain));
    group.add(Verdict::Valid, "as published", &["Published"], data);
}

fn right<const N: usize>(group: &mut Group, cipher: &Rijndael<N>, label: &str) {
    let mut low = Block::default();
    low[15] = 1;
    let mut high = Block::default();
    high[0] = 0x80;
    for (comment, plain) in [
        ("all zero", Block::default()),
        ("all ones", [0xff; 16]),
        ("lowest bit", low),
        ("highest bit", high),
        (
            "bytes in order",
            std::array::from_fn(|at| u8::try_from(at).unwrap_or_default()),
        ),
    ] {
        let data = pair(&plain, &encrypted(cipher, plain));
        group.add(Verdict::Valid, comment, &["Edge"], data);
    }
    for nth in 0..8 {
        let plain = block(&format!("{label} {nth}"));
        let data = pair(&plain, &encrypted(cipher, plain));
        group.add(
            Verdict::Valid,
            format!("pseudo-random block {nth}"),
            &["PseudoRandom"],
            data,
        );
    }
}

fn wrong<const N: usize>(group: &mut Group, cipher: &Rijndael<N>) {
    let plain = block("wrong");
    let mut ct = encrypted(cipher, plain);
    ct[0] ^= 0x80;
    group.add(
        Verdict::Invalid,
        "first bit of ct changed",
        &["Changed"],
        pair(&plain, &ct),
    );
    ct[0] ^= 0x80;
    ct[15] ^= 1;
    group.add(
        Verdict::Invalid,
        "last bit of ct changed",
        &["Changed"],
        pair(&plain, &ct),
    );
    let mut other = plain;
    cipher.decrypt(&mut other);
    group.add(
        Verdict::Invalid,
        "decrypted instead of encrypted",
        &["Inverse"],
        pair(&plain, &other),
    );
}

fn encrypted<const N: usize>(cipher: &Rijndael<N>, mut block: Block) -> Block {
    cipher.encrypt(&mut block);
    block
}

fn pair(msg: &Block, ct: &Block) -> Fields {
    Fields::default().with("msg", &msg[..]).with("ct", &ct[..])
}

const EDGE: (&str, &str) = ("Edge", "A block with few different octets.");
const PSEUDO_RANDOM: (&str, &str) = ("PseudoRandom", "A block without a pattern.");
const CHANGED: (&str, &str) = (
    "Changed",
    "One bit of the ciphertext is not what it should be.",
);
const INVERSE: (&str, &str) = ("Inverse", "The inverse cipher was used.");
const PUBLISHED: (&str, &str) = (
    "Published",
    "FIPS 197 C.1, or the published vector of the cipher.",
);
const NOTES: &[(&str, &str)] = &[EDGE, PSEUDO_RANDOM, CHANGED, INVERSE, PUBLISHED];
const TWEAKED_NOTES: &[(&str, &str)] = &[
    EDGE,
    PSEUDO_RANDOM,
    CHANGED,
    INVERSE,
    (
        "UntweakedSchedule",
        "The schedule was not changed as roundKeyXor says.",
    ),
];
const RIJNDAEL_NOTES: &[(&str, &str)] = &[
    EDGE,
    PSEUDO_RANDOM,
    CHANGED,
    INVERSE,
    PUBLISHED,
    ("WrongCipher", "A cipher with a shorter key was used."),
];

/// FIPS 197 appendix C.1.
const FIPS_KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const FIPS_PLAIN: Block = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
];
/// The published vector of Rijndael with this key size: the key and block of FIPS 197 appendix B, the key made longer.
const PUBLISHED_160: [u8; 20] = [
    0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c,
    0x76, 0x2e, 0x71, 0x60,
];
const PUBLISHED_PLAIN: Block = [
    0x32, 0x43, 0xf6, 0xa8, 0x88, 0x5a, 0x30, 0x8d, 0x31, 0x31, 0x98, 0xa2, 0xe0, 0x37, 0x07, 0x34,
];
