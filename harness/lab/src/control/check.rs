use std::sync::LazyLock;

use kmspec_model::{Host, Settings};
use kmspec_wire::filetime::FileTime;

use super::{Answer, Outcome, Token, understood};

/// When everything is asked: 2026-11-22.
const NOW: FileTime = FileTime(134_400_000_000_000_000);

static TOKEN: LazyLock<Token> = LazyLock::new(|| Token::fixed('a'));
static OTHER: LazyLock<Token> = LazyLock::new(|| Token::fixed('b'));

/// A line without the token is denied, whatever else it says; one with it is done or refused, and the answer is read as
/// it was written.
pub fn line(octets: &[u8]) {
    let Ok(line) = str::from_utf8(octets) else {
        return;
    };
    let with = understood(line, &TOKEN);
    let without = understood(line, &OTHER);
    assert!(with.is_err() || without.is_err(), "{line}");
    let answer = match with {
        Ok(request) => {
            let mut host = Host::new(Settings::default());
            let outcome = request.administer(&mut host, NOW);
            Answer::of(outcome, request.language)
        }
        Err(answer) => answer,
    };
    if !line.contains(TOKEN.text()) && !line.contains('\\') {
        assert_eq!(answer.outcome, Outcome::Denied, "{line}");
    }
    let written = serde_json::to_string(&answer).unwrap_or_default();
    assert_eq!(
        serde_json::from_str(&written).ok(),
        Some(answer),
        "{written}"
    );
}
