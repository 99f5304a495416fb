//! The folder, the list of embedded files and the manifest say the same.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use kmspec_captures::{FileFormat, Manifest, all, find, manifest};
use sha2::{Digest, Sha256};

/// Recordings in the folder, sorted.
fn folder() -> Vec<String> {
    let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.contains(".pcap")).collect();
    names.sort();
    names
}

#[test]
fn every_recording_of_the_folder_is_embedded_and_described() {
    let embedded: Vec<_> = all()
        .iter()
        .map(|capture| capture.file.to_owned())
        .collect();
    let described: Vec<_> = manifest()
        .captures
        .iter()
        .map(|facts| facts.file.clone())
        .collect();
    assert_eq!(embedded, folder());
    assert_eq!(described, folder());
}

#[test]
fn every_recording_has_the_length_and_the_hash_of_the_manifest() {
    for capture in all() {
        assert_eq!(capture.file, capture.facts.file);
        assert_eq!(
            capture.bytes.len() as u64,
            capture.facts.bytes,
            "{}",
            capture.file
        );
        let digest = Sha256::digest(capture.bytes)
            .iter()
            .fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            });
        assert_eq!(digest, capture.facts.sha256, "{}", capture.file);
    }
}

#[test]
fn the_magic_number_fits_the_format() {
    for capture in all() {
        let magic = match capture.facts.format {
            FileFormat::Pcap => [0xd4, 0xc3, 0xb2, 0xa1],
            FileFormat::NanosecondPcap => [0x4d, 0x3c, 0xb2, 0xa1],
            FileFormat::Pcapng => [0x0a, 0x0d, 0x0d, 0x0a],
        };
        assert_eq!(capture.bytes[..4], magic, "{}", capture.file);
    }
}

#[test]
fn only_the_lab_key_set_is_named() {
    let keys: BTreeSet<_> = manifest()
        .captures
        .iter()
        .map(|facts| facts.keys.as_str())
        .collect();
    assert_eq!(keys, BTreeSet::from(["lab"]));
}

#[test]
fn origins_are_recordings_too() {
    for origin in manifest()
        .captures
        .iter()
        .filter_map(|facts| facts.rewritten_from.as_deref())
    {
        assert!(find(origin).is_some(), "{origin}");
    }
}

#[test]
fn the_facts_of_one_recording_add_up() {
    for facts in &manifest().captures {
        let refused: u64 = facts.expected.hresults.values().sum();
        let faults: u64 = facts.expected.faults.values().sum();
        let answers = facts.pdus.get("response").copied().unwrap_or(0);
        assert!(facts.exchanges + refused <= answers, "{}", facts.file);
        assert_eq!(
            facts.pdus.get("fault").copied().unwrap_or(0),
            faults,
            "{}",
            facts.file
        );
    }
}

#[test]
fn a_misspelt_fact_is_an_error_with_its_line() {
    let text = kmspec_captures::MANIFEST_TOML.replacen("exchanges =", "exchange =", 1);
    let error = Manifest::parse(&text).unwrap_err().to_string();
    assert!(
        error.contains("unknown field `exchange`") && error.contains("line 18"),
        "{error}"
    );
}

#[test]
fn a_code_is_eight_hex_digits() {
    for (text, good) in [
        ("0xC004F042", true),
        ("C004F042", false),
        ("0xC004F04", false),
        ("0xC004F04G", false),
    ] {
        let changed =
            kmspec_captures::MANIFEST_TOML.replacen("0xC004D104 =", &format!("{text} ="), 1);
        assert_eq!(Manifest::parse(&changed).is_ok(), good, "{text}");
    }
}
