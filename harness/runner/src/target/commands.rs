//! Control verbs that are programs: the table `[control]` of a target file.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::{Control, ControlError, Pending};

/// Whether a control verb takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// It does not.
    Nothing,
    /// It always does.
    Value,
    /// It can do with and without.
    Perhaps,
}

/// Every control verb that a case can ask for. Those of the licence manager script have its names, without the hyphen.
pub const TAKES: &[(&str, Takes)] = &[
    ("activated", Takes::Value),
    ("ato", Takes::Nothing),
    ("atp", Takes::Value),
    ("cdns", Takes::Nothing),
    ("ckms", Takes::Nothing),
    ("clock", Takes::Value),
    ("confirmation", Takes::Value),
    ("counters", Takes::Nothing),
    ("cpri", Takes::Nothing),
    ("dli", Takes::Nothing),
    ("dlv", Takes::Perhaps),
    ("dti", Takes::Nothing),
    ("ipk", Takes::Perhaps),
    ("publish", Takes::Value),
    ("rearm", Takes::Nothing),
    ("reset", Takes::Nothing),
    ("restart", Takes::Nothing),
    ("sai", Takes::Value),
    ("sdns", Takes::Nothing),
    ("skms", Takes::Value),
    ("spri", Takes::Nothing),
    ("sprt", Takes::Value),
    ("sri", Takes::Value),
    ("unelevated", Takes::Value),
];

/// Control verbs, each with the program that does it.
#[derive(Clone, Debug)]
pub struct Commands {
    verbs: BTreeMap<String, Vec<String>>,
    patience: Duration,
    port: u16,
}

impl Commands {
    /// What stands for the value in an argument. An argument that is nothing else is left out where there is none.
    pub const VALUE: &str = "{value}";
    /// What stands for the port of the target.
    pub const PORT: &str = "{port}";

    /// Programs with their arguments, by verb; `patience` is how long one may take.
    pub const fn new(verbs: BTreeMap<String, Vec<String>>, patience: Duration) -> Self {
        Self {
            verbs,
            patience,
            port: 0,
        }
    }

    /// For a target that listens there.
    #[must_use]
    pub(super) const fn at(mut self, address: SocketAddr) -> Self {
        self.port = address.port();
        self
    }

    /// The words of the command for a verb.
    fn words(&self, verb: &str, value: &str) -> Result<Vec<String>, ControlError> {
        let unsupported = |what: &str| ControlError::Unsupported(what.to_owned());
        let command = self.verbs.get(verb).ok_or_else(|| unsupported(verb))?;
        let takes = command.iter().any(|word| word.contains(Self::VALUE));
        // A key that stands in the command is the only value that a case can do without.
        if !takes && !value.is_empty() && verb != "ipk" {
            return Err(unsupported(&format!("{verb} with {}", Self::VALUE)));
        }
        let port = self.port.to_string();
        let words = command
            .iter()
            .filter(|word| !value.is_empty() || *word != Self::VALUE);
        Ok(words
            .map(|word| word.replace(Self::VALUE, value).replace(Self::PORT, &port))
            .collect())
    }

    async fn run(&self, words: Vec<String>) -> Result<String, ControlError> {
        let failed = |problem: String| ControlError::Failed(problem);
        let [name, rest @ ..] = words.as_slice() else {
            return Err(failed("the command is empty".to_owned()));
        };
        let mut command = Command::new(name);
        command.args(rest).stdin(Stdio::null()).kill_on_drop(true);
        let output = timeout(self.patience, command.output())
            .await
            .map_err(|_| failed(format!("{name} takes longer than {:?}", self.patience)))?
            .map_err(|error| failed(format!("{name}: {error}")))?;
        if !output.status.success() {
            let said = [&output.stderr, &output.stdout]
                .map(|octets| String::from_utf8_lossy(octets).into_owned());
            // Scripts print their errors wherever they like.
            let last = said.iter().find_map(|said| said.trim_end().lines().last());
            let last = last.map(|line| format!(": {line}")).unwrap_or_default();
            return Err(failed(format!("{name} ended with {}{last}", output.status)));
        }
        kmspec_slmgr::decode(&output.stdout)
            .map_err(|error| failed(format!("what {name} prints cannot be read: {error}")))
    }
}

impl Control for Commands {
    fn control(&self, verb: &str, value: &str) -> Pending<'_, Result<String, ControlError>> {
        let words = self.words(verb, value);
        Box::pin(async move { self.run(words?).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(verb: &str, words: &[&str]) -> Commands {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        let verbs = BTreeMap::from([(verb.to_owned(), words)]);
        Commands::new(verbs, Duration::from_secs(20)).at(([127, 0, 0, 1], 1688).into())
    }

    async fn control(verb: &str, value: &str, script: &[&str]) -> Result<String, String> {
        let outcome = commands(verb, script).control(verb, value).await;
        outcome.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_verb_runs_its_program_and_gives_what_it_prints() {
        let echo = |words| control("sai", "60", words);
        assert_eq!(
            echo(&["echo", "-sai", "{value}"]).await.as_deref(),
            Ok("-sai 60\n")
        );
        assert_eq!(
            echo(&["echo", "a={value}:{port}"]).await.as_deref(),
            Ok("a=60:1688\n")
        );
        let dlv = |value| control("dlv", value, &["echo", "-dlv", "{value}"]);
        assert_eq!(dlv("").await.as_deref(), Ok("-dlv\n"));
        assert_eq!(dlv("all").await.as_deref(), Ok("-dlv all\n"));
        // The key may stand in the command.
        assert_eq!(
            control("ipk", "LAB", &["echo", "own"]).await.as_deref(),
            Ok("own\n")
        );
        let utf16 = ["printf", "\\377\\376N\\000"];
        assert_eq!(control("dli", "", &utf16).await.as_deref(), Ok("N"));
    }

    #[tokio::test]
    async fn a_verb_that_fails_says_how() {
        for (value, words, expected) in [
            ("60", &["echo"][..], "needs control verb sai with {value}"),
            ("", &[][..], "control verb failed: the command is empty"),
            (
                "",
                &["sh", "-c", "echo a; echo b >&2; exit 3"],
                "control verb failed: sh ended with exit status: 3: b",
            ),
            (
                "",
                &["sh", "-c", "echo said; exit 1"],
                "control verb failed: sh ended with exit status: 1: said",
            ),
            (
                "",
                &["/nonexistent/slmgr"],
                "control verb failed: /nonexistent/slmgr: No such file or directory (os error 2)",
            ),
            (
                "",
                &["printf", "\\226\\274"],
                "control verb failed: what printf prints cannot be read: this looks like Shift-JIS (octet 0 on); print it as UTF-8 (chcp 65001) or as UTF-16 (cscript //U)",
            ),
        ] {
            assert_eq!(control("sai", value, words).await.unwrap_err(), expected);
        }
        let unknown = commands("sai", &["echo"]).control("sri", "60").await;
        assert_eq!(unknown, Err(ControlError::Unsupported("sri".to_owned())));
        let mut slow = commands("dli", &["sleep", "30"]);
        slow.patience = Duration::from_millis(50);
        let error = slow.control("dli", "").await.unwrap_err().to_string();
        assert_eq!(error, "control verb failed: sleep takes longer than 50ms");
    }
}
