//! Targets that are not there, do not serve, or cease to.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kmspec_runner::Target;
use kmspec_runner::verdict::Level;
use kmspec_runner::verdict::Verdict::{Error, Fail, Pass};
use kmspec_wire::keys::KeySet;
use tokio::net::TcpListener;

use crate::cases::{ANSWERS, KILLS, KILLS_UNSEEN, VERSIONS, rows, rows_at};
use crate::fake::{Fake, Fakes, Mood};
use crate::{go, options, reason, verdicts};

#[tokio::test]
async fn a_refusing_target_is_one_error_and_says_so() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let target = Target::at(address, Arc::new(KeySet::lab()));
    let result = go(rows(&[&ANSWERS, &VERSIONS]), &target, &options()).await;
    assert!(result.rows.iter().all(|row| row.verdict == Error));
    assert_eq!(result.exit().code(), 2);
    let [problem] = result.unable.as_slice() else {
        panic!("{:?}", result.unable)
    };
    assert!(
        problem.contains("cannot connect") && problem.contains("refused"),
        "{problem}"
    );
    assert_eq!(
        reason(&result, "test.answers"),
        format!("not run: {problem}")
    );
}

#[tokio::test]
async fn a_target_that_does_not_serve_says_how() {
    let moods = [
        (
            Mood::Resets,
            "the connection was reset instead of an answer to a bind",
        ),
        (Mood::Silent, "silent: no answer to a bind within 500ms"),
        (
            Mood::Http,
            "it does not serve the interface: it answers a bind with what is no PDU",
        ),
        (
            Mood::Naks,
            "it does not serve the interface: it answers a bind with bind_nak",
        ),
        (
            Mood::Elsewhere,
            "it does not serve the interface: it rejects the interface",
        ),
    ];
    for (mood, words) in moods {
        let fake = Fake::start(mood).await;
        let result = go(rows(&[&ANSWERS]), &fake.target(), &options()).await;
        assert_eq!(result.exit().code(), 2, "{mood:?}");
        assert!(
            result.unable[0].contains(words),
            "{mood:?}: {:?}",
            result.unable
        );
    }
}

#[tokio::test]
async fn a_target_that_answers_badly_is_judged_all_the_same() {
    let fake = Fake::start(Mood::WrongCallId).await;
    let result = go(rows(&[&ANSWERS]), &fake.target(), &options()).await;
    assert_eq!(verdicts(&result), [("test.answers", Fail)]);
    assert_eq!((result.exit().code(), result.unable.len()), (1, 0));
}

#[tokio::test]
async fn a_target_that_dies_is_named_with_the_case_that_ran() {
    let fake = Fake::start(Mood::Honest).await;
    let mut alone = options();
    alone.jobs = 1;
    let plan = rows(&[&ANSWERS, &KILLS, &VERSIONS]);
    let result = go(plan, &fake.target(), &alone).await;
    let [answers, kills, rest @ ..] = result.rows.as_slice() else {
        panic!("{:?}", verdicts(&result))
    };
    assert_eq!((answers.verdict, kills.verdict), (Pass, Fail));
    let failure = kills.failure.as_ref().unwrap();
    assert_eq!(failure.field, "health after the case");
    assert!(failure.got.contains("refused"), "{failure}");
    assert!(rest.iter().all(|row| row.verdict == Error));
    assert!(result.unable[0].starts_with("the target died while test.kills ran: "));
    assert_eq!(result.exit().code(), 2);
}

#[tokio::test]
async fn a_target_that_dies_among_several_cases_names_them_all() {
    let fake = Fake::start(Mood::Honest).await;
    let result = go(
        rows(&[&KILLS, &crate::cases::HANGS]),
        &fake.target(),
        &options(),
    )
    .await;
    assert!(
        result.unable[0].contains("test.kills, test.hangs ran"),
        "{:?}",
        result.unable
    );
    assert!(
        result.unable[0].contains("one job at a time"),
        "{:?}",
        result.unable
    );
    assert_eq!(result.exit().code(), 2);
}

#[tokio::test]
async fn a_target_that_can_be_started_is_started_again_and_only_the_culprit_blamed() {
    let fakes = Fakes::new(Mood::Honest);
    let plan = rows(&[&ANSWERS, &KILLS, &VERSIONS]);
    let result = go(plan, &fakes.target(), &options()).await;
    let expected = [
        ("test.answers", Pass),
        ("test.kills", Fail),
        ("test.versions/v4", Pass),
        ("test.versions/v5", Pass),
        ("test.versions/v6", Pass),
    ];
    assert_eq!(verdicts(&result), expected);
    assert_eq!((result.exit().code(), result.unable.len()), (1, 0));
    assert!(fakes.started.load(Ordering::SeqCst) >= 2);
    assert!(result.log.contains("a line of its log"));
}

#[tokio::test]
async fn a_target_that_dies_fails_the_run_whatever_the_level_of_what_killed_it() {
    for level in [Level::Must, Level::Should, Level::May] {
        let fakes = Fakes::new(Mood::Honest);
        let result = go(rows_at(level, &KILLS), &fakes.target(), &options()).await;
        assert_eq!(verdicts(&result), [("test.kills", Fail)], "{level:?}");
        assert_eq!(result.exit().code(), 1, "{level:?}");
    }
}

#[tokio::test]
async fn a_death_that_no_case_sees_is_seen_at_the_end() {
    let fake = Fake::start(Mood::Honest).await;
    let result = go(rows(&[&KILLS_UNSEEN]), &fake.target(), &options()).await;
    assert_eq!(verdicts(&result), [("test.kills-unseen", Pass)]);
    assert!(
        result.unable[0].starts_with("the target died: at the end: "),
        "{:?}",
        result.unable
    );
    assert_eq!(result.exit().code(), 2);
}
