//! A property of what runs leave in files, as a plain function over octets: the replay of seeds and the fuzz target call it.

use super::{Named, Rules, compare, merge, page};
use crate::bundle::Bundle;
use crate::report::json::Report;
use crate::verdict::Level;

/// A report or bundle that is read is written so that it reads the same; nothing changes from a report to itself; and
/// what it takes to join a report, or to show it, does not depend on who wrote it.
pub fn saved(octets: &[u8]) {
    if let Ok(bundle) = Bundle::from_json(octets) {
        let written = bundle.to_json();
        let again = Bundle::from_json(written.as_bytes());
        assert_eq!(again.ok().as_ref(), Some(&bundle), "{written}");
    }
    let Ok(text) = str::from_utf8(octets) else {
        return;
    };
    let Ok(report) = Report::from_json(text) else {
        return;
    };
    let written = report.to_json();
    let again = Report::from_json(&written);
    assert_eq!(again.ok().as_ref(), Some(&report), "{written}");
    let named = ["a", "b"].map(|file| Named {
        file: file.to_owned(),
        report: report.clone(),
    });
    let rules = Rules {
        level: Level::May,
        common: false,
    };
    let comparison = compare(&named, rules);
    assert!(comparison.regressions.is_empty(), "{written}");
    assert!(comparison.fixed.is_empty(), "{written}");
    assert!(!page(&comparison).is_empty());
    let [one, _] = named;
    let _perhaps = merge(&[one]);
}
