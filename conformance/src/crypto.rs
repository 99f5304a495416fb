//! Envelopes: kms-protocol section 4.

use kmspec_runner::check::Field;
use kmspec_runner::peer::{Activation, Lawful};
use kmspec_runner::{Peer, Stop, Suite, case};
use kmspec_wire::crypto::xor;
use kmspec_wire::kms::envelope::{Content, Mac, Padding, Proof, RequestParts};
use kmspec_wire::kms::{HResult, Version};

use crate::kms::{self, VERSIONS};

/// Ciphers, MACs, hashes and randomness.
pub(crate) static CRYPTO: Suite = Suite::new(
    "crypto",
    &[
        &V4_MAC,
        &V4_MAC_LENGTHS,
        &V5_IV_ECHO,
        &V5_HASH,
        &V6_IV_FRESH,
        &V6_IV_FRESH_EVERY_TIME,
        &V6_IV_FRESH_ALL_OCTETS,
        &V6_HASH,
        &V6_IV_PROOF,
        &V6_HMAC,
        &V6_HMAC_TIMES,
        &PADDING,
        &RANDOM_FRESH,
        &RANDOM_FRESH_REPEATED,
        &RANDOM_FRESH_ALL_OCTETS,
        &RANDOM_FRESH_OF_ITS_OWN,
        &ANY_IV,
        &REJECT_WRONG_MAC,
        &REJECT_WRONG_PADDING,
        &REJECT_TAMPERED_CIPHERTEXT,
        &REJECT_OTHER_LENGTH,
        &REJECT_OTHER_BLOCKS,
        &REJECT_OTHER_KEY,
    ],
);

macro_rules! rule_cases {
    ($($(#[doc = $doc:literal])+ $name:ident: $rule:literal of $version:ident;)*) => {$(
        case! {
            $(#[doc = $doc])+
            $name { id: $rule, needs: [Kms] }
            for syntax in [("ndr32", kmspec_wire::ndr::TransferSyntax::Ndr32), ("ndr64", kmspec_wire::ndr::TransferSyntax::Ndr64)];
            async fn(peer) {
                let mut link = kms::bound_in(&peer, syntax).await?;
                for _ in 0..4 {
                    link.activate(&peer.request(Version::$version)).await?.obeys($rule)?;
                }
                Ok(())
            }
        }
    )*};
}

rule_cases! {
    /// A v4 response ends with the CBC-MAC of its body.
    V4_MAC: "crypto.v4-mac" of V4;
    /// A v5 response carries the IV of the request.
    V5_IV_ECHO: "crypto.v5-iv-echo" of V5;
    /// The hash of a v5 response is that of its random block.
    V5_HASH: "crypto.v5-hash" of V5;
    /// A v6 response has another IV than the request.
    V6_IV_FRESH: "crypto.v6-iv-fresh" of V6;
    /// The hash of a v6 response is that of its random block.
    V6_HASH: "crypto.v6-hash" of V6;
    /// A v6 response proves that the host decrypted the request's IV.
    V6_IV_PROOF: "crypto.v6-iv-proof" of V6;
    /// The MAC of a v6 response is right in the slot of the client time or a neighbouring one.
    V6_HMAC: "crypto.v6-hmac" of V6;
}

case! {
    /// The MAC is right whatever the request asks: it covers the whole body.
    V4_MAC_LENGTHS { id: "crypto.v4-mac/many", needs: [Kms] }
    async fn(peer) {
        let mut link = peer.bound().await?;
        for _ in 0..16 {
            link.activate(&peer.request(Version::V4)).await?.obeys("crypto.v4-mac")?;
        }
        Ok(())
    }
}

case! {
    /// No two v6 responses share an IV.
    V6_IV_FRESH_EVERY_TIME { id: "crypto.v6-iv-fresh/every-time", needs: [Kms] }
    async fn(peer) {
        let answers = repeated(&peer, Version::V6).await?;
        kms::all_different("IV", &answers.iter().map(|answer| answer.iv).collect::<Vec<_>>())
    }
}

case! {
    /// All sixteen octets of the IV are fresh, not only those of a counter: over sixteen v6 responses none of them stays the
    /// same, whichever connection asks.
    V6_IV_FRESH_ALL_OCTETS { id: "crypto.v6-iv-fresh/all-octets", needs: [Kms] }
    async fn(peer) {
        let mut ivs = Vec::new();
        for _ in 0..2 {
            let mut link = peer.bound().await?;
            for _ in 0..8 {
                ivs.push(link.activate(&peer.request(Version::V6)).await?.iv);
            }
        }
        all_octets_vary("IVs", &ivs)
    }
}

case! {
    /// The MAC follows the client time from slot to slot.
    V6_HMAC_TIMES { id: "crypto.v6-hmac/over-hours", needs: [Kms, Clock] }
    for minutes in [("3h-before", -180), ("1h-before", -60), ("now", 0), ("1h-after", 60), ("3h-after", 180)];
    async fn(peer) {
        let request = crate::policy::asked_at(&peer, Version::V6, minutes);
        peer.activate(&request).await?.obeys("crypto.v6-hmac")
    }
}

case! {
    /// An encrypted response ends with PKCS#7 padding.
    PADDING { id: "crypto.padding", needs: [Kms] }
    for version in [("v5", Version::V5), ("v6", Version::V6)];
    async fn(peer) {
        peer.activate(&peer.request(version)).await?.obeys("crypto.padding")
    }
}

case! {
    /// The random block differs in every response.
    RANDOM_FRESH { id: "crypto.random-fresh", needs: [Kms] }
    for version in [("v5", Version::V5), ("v6", Version::V6)];
    async fn(peer) {
        let mut hashes = Vec::new();
        for _ in 0..2 {
            let mut link = peer.bound().await?;
            for _ in 0..4 {
                hashes.push(hash_of(&link.activate(&peer.request(version)).await?));
            }
        }
        kms::all_different("hash of the random block", &hashes)
    }
}

case! {
    /// The random block differs even when the very same octets are asked again.
    RANDOM_FRESH_REPEATED { id: "crypto.random-fresh/same-octets", needs: [Kms] }
    for version in [("v5", Version::V5), ("v6", Version::V6)];
    async fn(peer) {
        let answers = repeated(&peer, version).await?;
        kms::all_different("hash of the random block", &answers.iter().map(hash_of).collect::<Vec<_>>())
    }
}

case! {
    /// All sixteen octets of the random block are random: over sixteen answers none of them stays the same.
    RANDOM_FRESH_ALL_OCTETS { id: "crypto.random-fresh/all-octets", needs: [Kms] }
    for version in [("v5", Version::V5), ("v6", Version::V6)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let mut blocks = Vec::new();
        for _ in 0..16 {
            blocks.push(random_of(&link.activate(&peer.request(version)).await?));
        }
        all_octets_vary("random blocks", &blocks)
    }
}

case! {
    /// The random block is not made of what the message shows anyway: its IV, its hardware id, what was asked.
    RANDOM_FRESH_OF_ITS_OWN { id: "crypto.random-fresh/of-its-own", needs: [Kms] }
    for version in [("v5", Version::V5), ("v6", Version::V6)];
    async fn(peer) {
        let answer = peer.activate(&peer.request(version)).await?;
        let shown = [
            ("IV of the request", answer.request.iv),
            ("decrypted IV of the request", answer.request.decrypted_iv),
            ("IV of the response", answer.iv),
            ("CMID", answer.cmid.to_le_bytes()),
            ("zeros", [0; 16]),
        ];
        let random = random_of(&answer);
        let same = shown.iter().find(|(_, block)| *block == random).map(|(name, _)| *name);
        Field::derived("what the random block is a copy of", same).is(None)
    }
}

case! {
    /// Any IV will do.
    ANY_IV { id: "crypto.v5-iv-echo/any-iv", needs: [Kms] }
    for (version, iv) in [
        ("v5-zeros", (Version::V5, [0; 16])),
        ("v5-ones", (Version::V5, [0xff; 16])),
        ("v6-zeros", (Version::V6, [0; 16])),
        ("v6-ones", (Version::V6, [0xff; 16])),
    ];
    async fn(peer) {
        let asked = peer.seal_parts(&RequestParts::honest(peer.request(version), iv));
        peer.bound().await?.answer_to(&asked).await?.obeys_all(kms::RULES)
    }
}

case! {
    /// A v4 request with a wrong MAC is refused.
    REJECT_WRONG_MAC { id: "crypto.reject-tampered/v4-mac", needs: [Kms] }
    for octet in [("first-octet", 0), ("eighth-octet", 7), ("last-octet", 15)];
    async fn(peer) {
        let mut mask = [0; 16];
        mask[octet] = 0x01;
        let honest = RequestParts::honest(peer.request(Version::V4), [0; 16]);
        let asked = peer.seal_parts(&RequestParts { mac: Mac::Xored(mask), ..honest });
        peer.meets(&asked, &BAD_DATA, &[Lawful::Fault]).await
    }
}

case! {
    /// A request whose padding is not PKCS#7 is refused.
    REJECT_WRONG_PADDING { id: "crypto.reject-tampered/padding", needs: [Kms, Probe] }
    for (version, padding) in [
        ("v5-zeros", (Version::V5, [0, 0, 0, 0])),
        ("v5-last-0", (Version::V5, [4, 4, 4, 0])),
        ("v5-last-1-more", (Version::V5, [4, 4, 4, 5])),
        ("v5-first-wrong", (Version::V5, [5, 4, 4, 4])),
        ("v5-17", (Version::V5, [17, 17, 17, 17])),
        ("v5-255", (Version::V5, [0xff, 0xff, 0xff, 0xff])),
        ("v6-zeros", (Version::V6, [0, 0, 0, 0])),
        ("v6-last-0", (Version::V6, [4, 4, 4, 0])),
        ("v6-last-1-more", (Version::V6, [4, 4, 4, 5])),
        ("v6-first-wrong", (Version::V6, [5, 4, 4, 4])),
        ("v6-17", (Version::V6, [17, 17, 17, 17])),
        ("v6-255", (Version::V6, [0xff, 0xff, 0xff, 0xff])),
    ];
    async fn(peer) {
        let honest = RequestParts::honest(peer.request(version), peer.random());
        let asked = peer.seal_parts(&RequestParts { padding: Padding::Given(&padding), ..honest });
        peer.meets(&asked, &BAD_DATA, &REFUSALS).await
    }
}

case! {
    /// A request of which one octet was changed after sealing is refused.
    REJECT_TAMPERED_CIPHERTEXT { id: "crypto.reject-tampered/ciphertext", needs: [Kms, Probe] }
    for (version, octet) in [
        ("v5-first-block", (Version::V5, 4)),
        ("v5-last-block", (Version::V5, 258)),
        ("v6-first-block", (Version::V6, 4)),
        ("v6-last-block", (Version::V6, 258)),
    ];
    async fn(peer) {
        let mut message = peer.seal(&peer.request(version)).message;
        message[octet] ^= 0x80;
        peer.meets(&peer.message(message), &BAD_DATA, &REFUSALS).await
    }
}

case! {
    /// A request whose sealed content is longer or shorter than a request is refused.
    REJECT_OTHER_LENGTH { id: "crypto.reject-tampered/length", needs: [Kms, Probe] }
    for (version, len) in [
        ("v5-empty", (Version::V5, 0)),
        ("v5-1", (Version::V5, 1)),
        ("v5-235", (Version::V5, 235)),
        ("v5-237", (Version::V5, 237)),
        ("v5-252", (Version::V5, 252)),
        ("v6-empty", (Version::V6, 0)),
        ("v6-1", (Version::V6, 1)),
        ("v6-235", (Version::V6, 235)),
        ("v6-237", (Version::V6, 237)),
        ("v6-252", (Version::V6, 252)),
    ];
    async fn(peer) {
        let request = peer.request(version);
        let mut body = request.to_bytes();
        body.resize(len, 0);
        let honest = RequestParts::honest(request, peer.random());
        let asked = peer.seal_parts(&RequestParts { body: Content::Given(&body), ..honest });
        peer.meets(&asked, &BAD_DATA, &REFUSALS).await
    }
}

case! {
    /// A request with one block more or less than there should be is refused.
    REJECT_OTHER_BLOCKS { id: "crypto.reject-tampered/blocks", needs: [Kms, Probe] }
    for (version, len) in [
        ("v5-less", (Version::V5, 244)),
        ("v5-more", (Version::V5, 276)),
        ("v6-less", (Version::V6, 244)),
        ("v6-more", (Version::V6, 276)),
    ];
    async fn(peer) {
        let mut message = peer.seal(&peer.request(version)).message;
        let surplus = peer.random_octets(16);
        message.extend(surplus);
        message.truncate(len);
        peer.meets(&peer.message(message), &BAD_DATA, &REFUSALS).await
    }
}

case! {
    /// A request under another key makes no sense to the host and is refused.
    REJECT_OTHER_KEY { id: "crypto.reject-tampered/noise", needs: [Kms, Probe] }
    for version in VERSIONS;
    async fn(peer) {
        let mut message = peer.seal(&peer.request(version)).message;
        let noise = peer.random_octets(message.len() - 4);
        message[4..].copy_from_slice(&noise);
        // A host that does not check the MAC of v4 takes exception to what the noise says.
        let lawful: &[Lawful] = if version == Version::V4 { &[Lawful::AnyFailure, Lawful::Fault] } else { &REFUSALS };
        peer.meets(&peer.message(message), &BAD_DATA, lawful).await
    }
}

/// What a strict host does with a message that does not open.
const BAD_DATA: [Lawful; 1] = [Lawful::Refused(HResult::INVALID_DATA)];
/// What else is tolerated.
const REFUSALS: [Lawful; 1] = [Lawful::Fault];

/// The answers to the very same octets, four times over two connections.
async fn repeated(peer: &Peer, version: Version) -> Result<Vec<Activation>, Stop> {
    let asked = peer.seal(&peer.request(version));
    let mut answers = Vec::new();
    for _ in 0..2 {
        let mut link = peer.bound().await?;
        for _ in 0..2 {
            answers.push(link.answer_to(&asked).await?);
        }
    }
    Ok(answers)
}

fn hash_of(answer: &Activation) -> [u8; 32] {
    match answer.proof {
        Proof::V5 { hash, .. } | Proof::V6 { hash, .. } => hash,
        Proof::V4 { .. } => [0; 32],
    }
}

/// The random block R, out of X = R xor D.
fn random_of(answer: &Activation) -> [u8; 16] {
    match answer.proof {
        Proof::V5 { x, .. } | Proof::V6 { x, .. } => xor(x, answer.request.decrypted_iv),
        Proof::V4 { .. } => [0; 16],
    }
}

/// No octet is the same in all of sixteen blocks. By chance one octet in 2^120 is.
fn all_octets_vary(what: &str, blocks: &[[u8; 16]]) -> Result<(), Stop> {
    let constant = (0..16).filter(|octet| {
        blocks
            .iter()
            .all(|block| block[*octet] == blocks[0][*octet])
    });
    Field::derived(
        format!("octets that are the same in all {what}"),
        constant.collect::<Vec<usize>>(),
    )
    .is(vec![])
}
