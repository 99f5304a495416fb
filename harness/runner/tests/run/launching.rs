//! Targets that a program starts or resets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use kmspec_runner::Target;
use kmspec_runner::target::{Launch, Program, Reset};
use kmspec_runner::verdict::Verdict::{Fail, Pass};
use kmspec_wire::keys::KeySet;

use crate::cases::{ANSWERS, FRESH, KILLS, VERSIONS, rows};
use crate::fake::{Fake, Mood, serve_at};
use crate::{go, options, verdicts};

const PATIENCE: Duration = Duration::from_secs(20);

fn nowhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

fn shell(script: &str) -> Vec<String> {
    ["sh", "-c", script].map(str::to_owned).to_vec()
}

fn launched(launch: impl Launch + 'static) -> Target {
    Target::launched("program", Arc::new(launch), Arc::new(KeySet::lab()))
}

/// A program that is this one, running this line of shell and then nothing but [`a_fake_target`].
fn this_program(line: &str) -> Program {
    let exe = std::env::current_exe().unwrap();
    let script = format!(
        "{line} FAKE_PORT={{port}} exec '{}' --ignored --exact launching::a_fake_target",
        exe.display()
    );
    Program::new(shell(&script), nowhere(), PATIENCE)
}

#[tokio::test]
#[ignore = "not a test, but the program that the others start"]
async fn a_fake_target() {
    if let Some(port) = std::env::var("FAKE_PORT")
        .ok()
        .and_then(|port| port.parse().ok())
    {
        serve_at(port).await;
    }
}

#[tokio::test]
async fn a_program_is_started_judged_and_started_again_when_it_dies() {
    let plan = rows(&[&ANSWERS, &KILLS, &FRESH]);
    let result = go(plan, &launched(this_program("echo it serves;")), &options()).await;
    let expected = [
        ("test.answers", Pass),
        ("test.kills", Fail),
        ("test.fresh", Pass),
    ];
    assert_eq!(verdicts(&result), expected, "{:?}", result.unable);
    assert_eq!(result.exit().code(), 1);
    assert!(result.log.contains("it serves"), "{}", result.log);
}

/// A line of shell that says this when the shell has ended and is gone.
fn afterwards(words: &str) -> String {
    format!("(while kill -0 $$; do sleep 0.01; done 2>&-; echo {words} >&2) &")
}

#[tokio::test]
async fn the_last_words_of_a_program_are_kept() {
    let program = this_program(&afterwards("last words"));
    let result = go(rows(&[&ANSWERS]), &launched(program), &options()).await;
    assert!(result.log.contains("last words"), "{}", result.log);

    let script = format!("{} exit 3", afterwards("no key set"));
    let program = Program::new(shell(&script), nowhere(), PATIENCE);
    let result = go(rows(&[&ANSWERS]), &launched(program), &options()).await;
    let why = "sh ended before it served, exit status: 3: no key set";
    assert!(result.unable[0].contains(why), "{:?}", result.unable);
}

#[tokio::test]
async fn a_program_that_does_not_serve_says_why() {
    let hasty = Duration::from_millis(200);
    let table: [(Vec<String>, &str); 4] = [
        (Vec::new(), "cannot start the target: the command is empty"),
        (
            vec!["/nonexistent/host".to_owned()],
            "/nonexistent/host: No such file",
        ),
        (
            shell("echo no key set >&2; exit 3"),
            "sh ended before it served, exit status: 3",
        ),
        (
            shell("exec sleep 30 # {port}"),
            "nothing accepts connections at 127.0.0.1:",
        ),
    ];
    for (arguments, words) in table {
        let program = Program::new(arguments, nowhere(), hasty);
        let result = go(rows(&[&ANSWERS]), &launched(program), &options()).await;
        assert!(
            result.unable[0].contains(words),
            "{words}: {:?}",
            result.unable
        );
        assert_eq!(result.exit().code(), 2);
    }
}

#[tokio::test]
async fn a_target_with_a_reset_serves_fresh_cases() {
    let fake = Fake::start(Mood::Honest).await;
    let reset = Reset::new(shell("exit 0"), fake.address, PATIENCE);
    let result = go(rows(&[&FRESH, &VERSIONS]), &launched(reset), &options()).await;
    assert!(
        result.rows.iter().all(|row| row.verdict == Pass),
        "{:?}",
        verdicts(&result)
    );

    let broken = Reset::new(
        shell("echo not allowed >&2; exit 1"),
        fake.address,
        PATIENCE,
    );
    let result = go(rows(&[&FRESH]), &launched(broken), &options()).await;
    assert!(
        result.unable[0].ends_with("sh ended with exit status: 1: not allowed"),
        "{:?}",
        result.unable
    );
}
