//! The MACs of versions 4 and 6.

use kmspec_wire::crypto::{Rijndael160, cbc_mac as mac_of, hmac_sha256, sha256, xor};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::{KeySet, Slot};

use super::sample::octets;
use super::{Book, Fields, Group, Verdict};

/// The MAC of version 4.
pub(super) fn cbc_mac() -> Book {
    let key = b"KMS-LAB-ONLY-V4-KEY!";
    let cipher = Rijndael160::new(key);
    let mut group = Group::new("CbcMacTest", Fields::default().with("key", &key[..]));
    for len in [0, 1, 15, 16, 17, 31, 32, 33, 64, 236, 255, 256] {
        let msg = octets("CBC-MAC", len);
        let flags: &[&str] = if len % 16 == 0 { &["FullBlock"] } else { &[] };
        let data = tagged(&msg, &mac_of(&cipher, &msg));
        group.add(Verdict::Valid, format!("{len} octets"), flags, data);
    }
    for len in [0, 15, 16, 236] {
        let msg = octets("CBC-MAC", len);
        let tag = mac_of(&cipher, &msg);
        for (comment, at, mask) in [("first", 0, 0x80), ("last", 15, 0x01)] {
            let mut changed = tag;
            changed[at] ^= mask;
            let comment = format!("{comment} bit of the tag changed, {len} octets");
            group.add(
                Verdict::Invalid,
                comment,
                &["ModifiedTag"],
                tagged(&msg, &changed),
            );
        }
        let comment = format!("zero tag, {len} octets");
        group.add(
            Verdict::Invalid,
            comment,
            &["ModifiedTag"],
            tagged(&msg, &[0; 16]),
        );
    }
    for (flag, comment, pad) in [
        (
            "NoPadding",
            "a full block without a further one",
            PadWith::Nothing,
        ),
        ("ZeroPadding", "padded with zeros alone", PadWith::Zeros),
        ("Pkcs7", "padded as PKCS#7", PadWith::Count),
    ] {
        let msg = octets("CBC-MAC", if flag == "NoPadding" { 32 } else { 33 });
        let tag = padded_by_hand(&cipher, &msg, pad);
        group.add(Verdict::Invalid, comment, &[flag], tagged(&msg, &tag));
    }
    Book {
        name: "cbc_mac.json",
        algorithm: "CBC-MAC over Rijndael-160",
        header: &[
            "tag is the last block of CBC with a zero IV over msg, padded with 80 and zeros; a message that fills its last",
            "block gets a further one. No subkey is mixed in.",
        ],
        notes: &[
            ("FullBlock", "The padding is a block of its own."),
            ("ModifiedTag", "The tag is not what it should be."),
            ("NoPadding", "The padding was left out."),
            ("ZeroPadding", "The octet 80 was left out."),
            ("Pkcs7", "The padding is that of another construction."),
        ],
        groups: vec![group],
    }
}

#[derive(Clone, Copy)]
enum PadWith {
    Nothing,
    Zeros,
    Count,
}

/// CBC-MAC with a padding that is not the right one.
fn padded_by_hand(cipher: &Rijndael160, msg: &[u8], pad: PadWith) -> [u8; 16] {
    let mut msg = msg.to_vec();
    let missing = 16 - msg.len() % 16;
    match pad {
        PadWith::Nothing => {}
        PadWith::Zeros => msg.resize(msg.len() + missing, 0),
        PadWith::Count => msg.resize(
            msg.len() + missing,
            u8::try_from(missing).unwrap_or_default(),
        ),
    }
    msg.as_chunks::<16>()
        .0
        .iter()
        .fold([0; 16], |state, block| {
            let mut state = xor(state, *block);
            cipher.encrypt(&mut state);
            state
        })
}

/// The MAC of version 6, whose key follows from the time.
pub(super) fn hmac() -> Book {
    let keys = KeySet::lab();
    let shared = Fields::default()
        .with("divisor", DIVISOR.to_string().as_str())
        .with("multiplier", MULTIPLIER.to_string().as_str())
        .with("addend", ADDEND.to_string().as_str());
    let mut group = Group::new("TimeHmacTest", shared);
    let msg = octets("HMAC", 200);
    for (comment, time) in [
        ("time 0", 0),
        ("last tick of slot 0", DIVISOR - 1),
        ("first tick of slot 1", DIVISOR),
        ("a time of 2026", NOW),
        ("a product that wraps", 0x7fff_ffff_ffff_ffff),
        ("the last time", u64::MAX),
    ] {
        for (slot, text, flags) in [
            (Slot::Same, "own slot", &["OwnSlot"]),
            (Slot::Before, "slot before", &["NeighbourSlot"]),
            (Slot::After, "slot after", &["NeighbourSlot"]),
        ] {
            let tag = keys.v6_mac(FileTime(time), slot, &[&msg]);
            let data = timed(time, &msg, &tag);
            group.add(Verdict::Valid, format!("{comment}, {text}"), flags, data);
        }
    }
    for len in [0, 1, 16, 63, 64, 65] {
        let msg = octets("HMAC", len);
        let tag = keys.v6_mac(FileTime(NOW), Slot::Same, &[&msg]);
        group.add(
            Verdict::Valid,
            format!("{len} octets"),
            &["OwnSlot"],
            timed(NOW, &msg, &tag),
        );
    }
    wrong_hmac(&mut group, &keys, &msg);
    Book {
        name: "v6_hmac.json",
        algorithm: "HMAC-SHA-256 with a key made of the time",
        header: &[
            "slot = (clientTime / divisor) * multiplier + addend in wrapping 64-bit arithmetic; the key is the second half of",
            "SHA-256(slot as 8 octets, little-endian); tag is the second half of HMAC-SHA-256(key, msg). A verifier also",
            "takes a tag made with the quotient one less or one more.",
        ],
        notes: &[
            ("OwnSlot", "Made in the slot of the client's time."),
            ("NeighbourSlot", "Made in the slot before or after."),
            ("FarSlot", "Made two slots away."),
            (
                "ShiftedSlot",
                "The divisor was added to the slot's number instead of one to the quotient.",
            ),
            ("FirstHalf", "The first half of the HMAC."),
            ("ModifiedTag", "The tag is not what it should be."),
        ],
        groups: vec![group],
    }
}

fn wrong_hmac(group: &mut Group, keys: &KeySet, msg: &[u8]) {
    let right = keys.v6_mac(FileTime(NOW), Slot::Same, &[msg]);
    for (comment, at, mask) in [("first", 0, 0x80), ("last", 15, 0x01)] {
        let mut changed = right;
        changed[at] ^= mask;
        let comment = format!("{comment} bit of the tag changed");
        group.add(
            Verdict::Invalid,
            comment,
            &["ModifiedTag"],
            timed(NOW, msg, &changed),
        );
    }
    group.add(
        Verdict::Invalid,
        "zero tag",
        &["ModifiedTag"],
        timed(NOW, msg, &[0; 16]),
    );
    for (comment, time) in [
        ("two slots before", NOW - 2 * DIVISOR),
        ("two slots after", NOW + 2 * DIVISOR),
    ] {
        let tag = keys.v6_mac(FileTime(time), Slot::Same, &[msg]);
        group.add(
            Verdict::Invalid,
            comment,
            &["FarSlot"],
            timed(NOW, msg, &tag),
        );
    }
    let number = (NOW / DIVISOR)
        .wrapping_mul(MULTIPLIER)
        .wrapping_add(ADDEND);
    for (comment, number) in [
        ("divisor added to the slot", number.wrapping_add(DIVISOR)),
        ("divisor taken from the slot", number.wrapping_sub(DIVISOR)),
    ] {
        let [_, tag] = halves(&with_number(number, msg));
        group.add(
            Verdict::Invalid,
            comment,
            &["ShiftedSlot"],
            timed(NOW, msg, &tag),
        );
    }
    let [first, _] = halves(&with_number(number, msg));
    group.add(
        Verdict::Invalid,
        "first half",
        &["FirstHalf"],
        timed(NOW, msg, &first),
    );
}

/// The whole HMAC under the key of a slot's number.
fn with_number(number: u64, msg: &[u8]) -> [u8; 32] {
    let [_, key] = halves(&sha256(&number.to_le_bytes()));
    hmac_sha256(&key, &[msg])
}

fn halves(hash: &[u8; 32]) -> [[u8; 16]; 2] {
    [0, 16].map(|start| std::array::from_fn(|at| hash[start + at]))
}

fn tagged(msg: &[u8], tag: &[u8; 16]) -> Fields {
    Fields::default().with("msg", msg).with("tag", &tag[..])
}

fn timed(time: u64, msg: &[u8], tag: &[u8; 16]) -> Fields {
    // As text: JSON readers may hold numbers as doubles.
    let mut fields = Fields::default().with("clientTime", time.to_string().as_str());
    fields.0.extend(tagged(msg, tag).0);
    fields
}

/// Of the lab key set. Source: kms-protocol 5.
const DIVISOR: u64 = 144_000_000_000;
const MULTIPLIER: u64 = 139_000_000_001;
const ADDEND: u64 = 0x4B4D_532D_4C41_422D;
/// A FILETIME of 2026.
const NOW: u64 = 134_398_416_170_000_000;
