//! Clients that are programs, through the adapter of `conformance/spec/clients.md` and through ones that are not as good.

use std::path::Path;
use std::process::Output;

use crate::kit::{Said, folder, kmspec, put};

/// The shell script of the document.
fn documented() -> &'static str {
    let page = include_str!("../../../../conformance/spec/clients.md");
    let (_, rest) = page.split_once("```sh\n").unwrap();
    rest.split_once("```").unwrap().0
}

/// `kmspec run` with this script as the client; it finds the documented one beside it as `adapter.sh`.
fn judge(folder: &Path, script: &str, more: &str, options: &[&str]) -> Said {
    put(folder, "adapter.sh", documented());
    put(folder, "client.sh", script);
    let start = "start = [\"sh\", \"client.sh\", \"{host}\", \"{port}\"]";
    put(
        folder,
        "client.toml",
        format!("[target]\nrole = \"client\"\n{start}\n{more}"),
    );
    let output: Output = kmspec(folder)
        .args(["run", "--role", "client", "client.toml"])
        .args(options)
        .env("KMSPEC_PROGRAM", env!("CARGO_BIN_EXE_kmspec"))
        .output()
        .unwrap();
    output.into()
}

/// The lines of the report that begin with this word.
fn lines<'a>(said: &'a Said, word: &str) -> Vec<&'a str> {
    let lines = said.stdout.lines();
    lines.filter(|line| line.starts_with(word)).collect()
}

#[test]
fn the_documented_adapter_lets_every_case_judge_the_lab_client() {
    assert!(documented().starts_with("#!/bin/sh\n"));
    assert!(documented().lines().count() <= 20, "{}", documented());
    let folder = folder();
    let said = judge(folder.path(), documented(), "", &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for word in ["FAIL", "ERROR"] {
        assert_eq!(lines(&said, word), [""; 0], "{}", said.stdout);
    }
    // Scenarios of verbs that the script does not have.
    for skipped in lines(&said, "SKIP") {
        assert!(skipped.contains("needs control verb"), "{skipped}");
    }
    let [cases] = lines(&said, "client ")[..] else {
        panic!("{}", said.stdout);
    };
    let passed: u32 = cases.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(passed > 250, "{cases}");
}

/// Some cases about responses that are not what they should be, and one where the clock is driven.
const SOME: [&str; 4] = [
    "--only",
    "client.rejects-unverified/v6/*",
    "--only",
    "client.activation-interval/usual",
];

#[test]
fn an_adapter_that_claims_to_do_nonsense_ends_the_run() {
    let folder = folder();
    let liar = "[ \"$KMSPEC_VERB\" = ato ] || exit 0\nexec sh adapter.sh\n";
    let said = judge(folder.path(), liar, "", &SOME);
    assert_eq!(said.code, Some(2), "{said:?}");
    let complaint = said.complaints().concat();
    assert!(
        complaint.contains("asked for nonsense (KMSPEC_VERB=make-tea)"),
        "{complaint}"
    );
    assert!(complaint.contains("claims success"), "{complaint}");
    assert_eq!(said.stderr.matches("make-tea").count(), 1);
}

#[test]
fn an_adapter_that_fails_at_nonsense_is_asked_for_no_verbs() {
    let folder = folder();
    let plain = "[ \"$KMSPEC_VERB\" = ato ] || exit 64\nexec sh adapter.sh\n";
    let said = judge(folder.path(), plain, "", &SOME);
    assert_eq!(said.code, Some(0), "{said:?}");
    let skipped = "SKIP   client.activation-interval/usual: needs control verb due";
    assert_eq!(lines(&said, "SKIP"), [skipped]);
}

#[test]
fn an_adapter_that_takes_every_response_for_good_fails() {
    let folder = folder();
    let gullible = "sh adapter.sh; status=$?\n[ $status = 1 ] && exit 0\nexit $status\n";
    let said = judge(folder.path(), gullible, "", &SOME);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(lines(&said, "FAIL").len() > 15, "{}", said.stdout);
    assert!(
        said.stdout.contains("got  success (exit status 0)"),
        "{}",
        said.stdout
    );
}

/// A script that does this in place of what the case asks for, once it was found to be in order.
fn in_cases(does: &str) -> String {
    format!("case $KMSPEC_CASE in nonsense|health) exec sh adapter.sh ;; esac\n{does}\n")
}

/// One case is enough to see what an end comes to.
const ONE: [&str; 2] = ["--only", "client.rejects-unverified/v6/block-missing"];

#[test]
fn how_a_client_ends_is_what_its_statuses_say_and_what_it_wrote() {
    let statuses = "[client]\naccepted = [0]\nrejected = [7, \"20-29\"]\npatience = \"8s\"\n";
    let exits = |status: u32| {
        let end = format!(
            "sh adapter.sh; s=$?; echo \"it said $s\" >&2\n[ $s = 1 ] && exit {status}\nexit $s"
        );
        in_cases(&end)
    };
    for (script, code, says) in [
        (exits(7), 0, "1 pass"),
        (exits(25), 0, "1 pass"),
        (
            exits(1),
            2,
            "exit status 1: it said 1 is neither accepted nor rejected: see [client] of the target file",
        ),
        (
            exits(89),
            0,
            "SKIP   client.rejects-unverified/v6/block-missing: the client cannot do this: it said 1",
        ),
        (
            in_cases("echo ouch >&2; kill -SEGV $$"),
            1,
            "got  a crash (signal 11: ouch)",
        ),
        (
            in_cases("sh adapter.sh >&2; exec sleep 600"),
            1,
            "got  it still ran, and was killed",
        ),
        (
            in_cases("echo 'no network' >&2; exit 7"),
            1,
            "got  failure (exit status 7: no network)",
        ),
    ] {
        let folder = folder();
        let said = judge(folder.path(), &script, statuses, &ONE);
        assert_eq!(said.code, Some(code), "{script}\n{said:?}");
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(all.contains(says), "{script}\n{all}");
    }
}

#[test]
fn a_report_has_what_the_client_wrote() {
    let folder = folder();
    let script = in_cases("seq -f 'line %g.' 30 >&2; exit 1");
    let reports = [
        "--report",
        "html=report.html",
        "--report",
        "json=report.json",
    ];
    let options = [&ONE[..], &reports].concat();
    let said = judge(folder.path(), &script, "", &options);
    assert_eq!(said.code, Some(1), "{said:?}");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let page = read("report.html");
    assert!(page.contains("line 1.") && page.contains("line 30."));
    // The case has its end.
    let document = read("report.json");
    for report in [&said.stdout, &document] {
        assert!(report.contains("client: line 30."), "{report}");
        assert!(report.contains("client: (21 lines before)"), "{report}");
    }
    assert!(!said.stdout.contains("line 20."), "{said:?}");
    assert!(document.contains("line 20."), "{document}");
}

#[test]
fn a_client_is_told_of_its_case_and_started_once_for_it() {
    let folder = folder();
    let keys = format!("keys = \"{}\"\n", "other.toml");
    put(folder.path(), "other.toml", crate::kit::OTHER_KEYS);
    let script = "echo \"$KMSPEC_CASE $KMSPEC_VERB $1:$2 $KMSPEC_HOST:$KMSPEC_PORT $KMSPEC_KEYS $KMSPEC_STATE\" >> started\n\
                  unset KMSPEC_KEYS\nexec sh adapter.sh\n";
    let said = judge(folder.path(), script, &keys, &ONE);
    let started = std::fs::read_to_string(folder.path().join("started")).unwrap();
    let of_case: Vec<&str> = started
        .lines()
        .filter(|line| line.starts_with(ONE[1]))
        .collect();
    let [line] = of_case.as_slice() else {
        panic!("{started}\n{said:?}");
    };
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(words[1], "ato");
    assert_eq!(words[2], words[3]);
    let file = folder.path().join("other.toml");
    assert_eq!(Path::new(words[4]).file_name(), file.file_name());
    assert!(Path::new(words[4]).is_absolute() && Path::new(words[5]).is_absolute());
    assert!(
        !Path::new(words[5]).exists(),
        "the folder of a case goes with it"
    );
    // Its keys are others than the run's: it is judged up to its request.
    assert!(started.starts_with("nonsense make-tea "), "{started}");
    let why = said.stdout.lines().find(|line| line.starts_with("SKIP"));
    assert!(why.is_some_and(|why| why.contains("keys")), "{said:?}");
}
