use std::path::Path;
use std::time::Duration;

use crate::finding::Finding;

/// How a campaign is getting on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Since it began.
    pub elapsed: Duration,
    /// Executions so far.
    pub executions: u64,
    /// Sessions of the corpus.
    pub corpus: usize,
    /// Features seen: answers, pairs of them, sizes.
    pub features: usize,
    /// States of the target's machine.
    pub states: usize,
    /// Findings.
    pub findings: usize,
    /// Since something new was seen last.
    pub since_news: Duration,
    /// What it is doing, where that is not looking around.
    pub doing: Option<String>,
}

/// Is told how a campaign is getting on.
pub trait Watch: Send + Sync {
    /// Now and then.
    fn progress(&self, progress: &Progress);

    /// Something was found, or is known better. It is on the disk, in this folder, when this is called.
    fn found(&self, finding: &Finding, folder: &Path);

    /// Something that is no finding, but should be known.
    fn note(&self, text: &str);
}
