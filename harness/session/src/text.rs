//! The text form of a session: a line a step, edits and offered contexts indented below it.
//!
//! ```text
//! kmspec session 1
//! # what is behind a # is a remark
//! connect
//! bind call=1 xmit=5840 group=@0
//!   offer 0 kms ndr32
//!   offer 1 kms btfn:3
//! request v6 ndr64 context=1 call=2 fragment=64 segment=1 times=3 hurry
//!   set body n_policy ffffffff
//!   xor message ciphertext+17 80
//!   cut pdu *+20
//! request v5 ndr32 fragment=88 amid=co-cancel
//! @1 connect
//! @1 raw 474554202f
//! wait 20
//! half-close
//! ```

mod parse;
mod write;

pub use parse::ParseError;

use kmspec_wire::btfn::Features;
use kmspec_wire::pdu::{PduType, SyntaxId};

/// First line of every session.
const HEAD: &str = "kmspec session 1";

/// Syntaxes that have names.
const SYNTAXES: [(&str, SyntaxId); 6] = [
    ("kms", SyntaxId::KMS),
    ("ndr32", SyntaxId::NDR32),
    ("ndr64", SyntaxId::NDR64),
    ("nil", SyntaxId::NIL),
    ("unassigned", SyntaxId::UNASSIGNED),
    ("unknown-interface", SyntaxId::UNKNOWN_INTERFACE),
];

fn syntax_name(syntax: SyntaxId) -> String {
    let mut named = SYNTAXES.iter();
    if let Some((name, _)) = named.find(|(_, id)| *id == syntax) {
        return (*name).to_owned();
    }
    match Features::asked_by(syntax) {
        Some(features) if features.syntax() == syntax => format!("btfn:{}", features.0),
        _ => format!("{}/{}.{}", syntax.uuid, syntax.major, syntax.minor),
    }
}

fn syntax_named(name: &str) -> Option<SyntaxId> {
    let mut named = SYNTAXES.iter();
    if let Some((_, id)) = named.find(|(text, _)| *text == name) {
        return Some(*id);
    }
    if let Some(mask) = name.strip_prefix("btfn:") {
        return mask.parse().ok().map(|mask| Features(mask).syntax());
    }
    let (uuid, version) = name.split_once('/')?;
    let (major, minor) = version.split_once('.')?;
    Some(SyntaxId {
        uuid: uuid.parse().ok()?,
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
    })
}

/// `co-cancel`, or the number of a type without a name.
fn ptype_name(ptype: PduType) -> String {
    ptype.name().map_or_else(
        || ptype.0.to_string(),
        |name| name.to_ascii_lowercase().replace('_', "-"),
    )
}

fn ptype_named(name: &str) -> Option<PduType> {
    (0..=u8::MAX)
        .map(PduType)
        .find(|ptype| ptype_name(*ptype) == name)
        .or_else(|| name.parse().ok().map(PduType))
}

#[cfg(test)]
mod tests;
