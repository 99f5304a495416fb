//! What the cases send, as sessions: what a campaign begins with beside recordings.
//!
//! Made of a run of all cases on the lab host by `cargo test -p kmspec-conformance --test seeds -- --ignored`. Cases that
//! send much are left out, and of connections that a case has at the same time the order is not kept.

use kmspec_session::Session;

/// The sessions, an empty line between them, each behind a line with the ids of the cases that send it.
pub const TEXT: &str = include_str!("../seeds.txt");

/// The sessions.
pub fn sessions() -> Vec<Session> {
    TEXT.split("\n\n")
        .filter_map(|text| Session::parse(text).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_is_a_session() {
        let texts = TEXT.split("\n\n").filter(|text| !text.trim().is_empty());
        assert_eq!(sessions().len(), texts.count());
        assert!(!sessions().is_empty());
    }
}
