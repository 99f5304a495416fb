//! What cases come to.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kmspec_runner::peer::CallSpec;
use kmspec_runner::plan::{About, Plan, Planned};
use kmspec_runner::verdict::Level;
use kmspec_runner::verdict::Verdict::{self, Error, Fail, Flaky, Note, Pass, Skip, Warn};
use kmspec_runner::{Observer, Row, run};
use kmspec_wire::pdu::SyntaxId;

use crate::cases::{
    ALONE, ANSWERS, CLOCK, FRESH, HANGS, KMS_ONLY, NEVER_ENDS, PANICS, SKIPS, SMALL_FRAGMENTS,
    VERSIONS, rows, rows_at,
};
use crate::fake::{Fake, Fakes, Mood};
use crate::{go, options, reason, verdicts};

#[tokio::test]
async fn an_honest_target_passes() {
    let fake = Fake::start(Mood::Honest).await;
    let result = go(
        rows(&[&ANSWERS, &VERSIONS, &SKIPS]),
        &fake.target(),
        &options(),
    )
    .await;
    let expected = [
        ("test.answers", Pass),
        ("test.versions/v4", Pass),
        ("test.versions/v5", Pass),
        ("test.versions/v6", Pass),
        ("test.skips", Skip),
    ];
    assert_eq!(verdicts(&result), expected);
    assert_eq!(result.exit().code(), 0);
    assert_eq!(
        reason(&result, "test.skips"),
        "needs a thing that is not there"
    );
}

#[tokio::test]
async fn a_broken_requirement_weighs_what_its_level_says() {
    let fake = Fake::start(Mood::Honest).await;
    let table = [
        (Level::Must, Level::Must, Fail),
        (Level::Should, Level::Must, Warn),
        (Level::May, Level::Must, Note),
        (Level::Must, Level::Should, Fail),
        (Level::Should, Level::Should, Fail),
        (Level::May, Level::Should, Note),
        (Level::May, Level::May, Fail),
    ];
    for (level, gate, verdict) in table {
        let mut options = options();
        options.level = gate;
        let result = go(rows_at(level, &SMALL_FRAGMENTS), &fake.target(), &options).await;
        let row = &result.rows[0];
        assert_eq!(row.verdict, verdict, "{level} with the gate at {gate}");
        let failure = row.failure.as_ref().unwrap();
        assert_eq!(
            failure.to_string(),
            "max_recv_frag: expected 1432, got 5840"
        );
        assert_eq!(failure.evidence.as_ref().unwrap().highlight, Some(18..20));
        assert!(!row.transcript.is_empty());
    }
}

#[tokio::test]
async fn a_panic_is_the_harness_s_error_and_nobody_else_s() {
    let fake = Fake::start(Mood::Honest).await;
    let result = go(rows(&[&PANICS, &ANSWERS]), &fake.target(), &options()).await;
    assert_eq!(
        verdicts(&result),
        [("test.panics", Error), ("test.answers", Pass)]
    );
    let words = "the harness has a bug: the case panicked: an unlikely thing";
    assert_eq!(reason(&result, "test.panics"), words);
    assert_eq!(result.exit().code(), 2);
}

#[tokio::test]
async fn a_target_that_hangs_fails_and_a_case_that_hangs_is_an_error() {
    let fake = Fake::start(Mood::Honest).await;
    let mut options = options();
    options.case_timeout = Duration::from_secs(2);
    let result = go(rows(&[&HANGS, &NEVER_ENDS]), &fake.target(), &options).await;
    assert_eq!(
        verdicts(&result),
        [("test.hangs", Fail), ("test.never-ends", Error)]
    );
    let failure = result.rows[0].failure.as_ref().unwrap();
    assert_eq!(
        failure.to_string(),
        "PDU: expected response, got silence for 500ms"
    );
    assert_eq!(
        reason(&result, "test.never-ends"),
        "the case took longer than 2s"
    );
}

#[tokio::test]
async fn cases_that_need_what_is_not_there_are_skipped() {
    let fake = Fake::start(Mood::Honest).await;
    let target = fake.target().calling(CallSpec {
        interface: SyntaxId::KMS,
        opnum: 0,
        stub: Some(vec![0; 8]),
    });
    let mut options = options();
    options.clock = false;
    let result = go(
        rows(&[&KMS_ONLY, &FRESH, &CLOCK, &ANSWERS]),
        &target,
        &options,
    )
    .await;
    assert_eq!(reason(&result, "test.kms-only"), "needs the KMS interface");
    let fresh = "needs a target that starts anew: control verb reset or start";
    assert_eq!(reason(&result, "test.fresh"), fresh);
    assert_eq!(
        reason(&result, "test.clock"),
        "needs a target whose clock is right"
    );
    assert_eq!((result.rows[3].verdict, result.exit().code()), (Pass, 0));
}

#[tokio::test]
async fn a_run_of_skips_alone_judges_nothing() {
    let fake = Fake::start(Mood::Honest).await;
    let result = go(rows(&[&SKIPS, &FRESH]), &fake.target(), &options()).await;
    assert_eq!(result.exit().code(), 2);
    let nothing = go(rows(&[]), &fake.target(), &options()).await;
    assert_eq!(
        (nothing.unable.as_slice(), nothing.exit().code()),
        (&["nothing is selected".to_owned()][..], 2)
    );
}

#[tokio::test]
async fn a_fresh_case_gets_a_target_of_its_own() {
    let fakes = Fakes::new(Mood::Honest);
    let result = go(rows(&[&FRESH, &ANSWERS]), &fakes.target(), &options()).await;
    assert_eq!(
        verdicts(&result),
        [("test.fresh", Pass), ("test.answers", Pass)]
    );
    assert_eq!(fakes.started.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_target_that_runs_once_only_is_started_anew_for_a_fresh_case() {
    let mut fakes = Fakes::new(Mood::Honest);
    Arc::get_mut(&mut fakes).unwrap().several = false;
    let result = go(rows(&[&FRESH, &ANSWERS]), &fakes.target(), &options()).await;
    assert_eq!(
        verdicts(&result),
        [("test.fresh", Pass), ("test.answers", Pass)]
    );
    assert_eq!(fakes.started.load(Ordering::SeqCst), 2);
    assert_eq!(result.exit().code(), 0);
}

/// Keeps who was under way when each row began.
#[derive(Default)]
struct Company(Mutex<Presence>);

#[derive(Default)]
struct Presence {
    running: Vec<String>,
    seen: Vec<(String, Vec<String>)>,
}

impl Observer for Company {
    fn started(&self, planned: &Planned) {
        let Presence { running, seen } = &mut *self.0.lock().unwrap();
        seen.push((planned.id.clone(), running.clone()));
        running.push(planned.id.clone());
    }

    fn finished(&self, row: &Row) {
        self.0.lock().unwrap().running.retain(|id| *id != row.id);
    }
}

#[tokio::test]
async fn a_case_that_must_be_alone_is() {
    let fake = Fake::start(Mood::Honest).await;
    let company = Arc::new(Company::default());
    let plan = rows(&[&ALONE, &ANSWERS, &VERSIONS]);
    let result = run(plan, &fake.target(), &options(), company.clone()).await;
    assert_eq!(result.exit().code(), 0);
    let seen = &company.0.lock().unwrap().seen;
    let (id, others) = seen.last().unwrap();
    assert_eq!((id.as_str(), others.len()), ("test.alone", 0));
}

#[tokio::test]
async fn what_comes_out_differently_is_flaky() {
    let fake = Fake::start(Mood::Moody).await;
    let mut options = options();
    (options.jobs, options.repeat) = (1, 4);
    let result = go(rows(&[&ANSWERS]), &fake.target(), &options).await;
    assert_eq!(verdicts(&result), [("test.answers", Flaky)]);
    let said = reason(&result, "test.answers");
    assert!(said.contains("pass") && said.contains("fail"), "{said}");
    assert_eq!(result.exit().code(), 1);
}

#[tokio::test]
async fn what_holds_of_every_answer_has_a_row_of_its_own() {
    let about = |id: &str, level| About {
        id: id.to_owned(),
        level,
        role: "host",
        title: "A thing that is judged everywhere".to_owned(),
        source: "C706 12.6.1".to_owned(),
    };
    let plan = || Plan {
        rows: rows(&[&ANSWERS]),
        every_answer: vec![
            about("rpc.header.version-in-replies", Level::Must),
            about("rpc.request.response-echoes-call-id", Level::Must),
            about("rpc.nak.format", Level::Must),
        ],
    };
    let cases: [(Mood, &[(&str, Verdict)]); 2] = [
        (
            Mood::Honest,
            &[
                ("test.answers", Pass),
                ("rpc.header.version-in-replies/every-answer", Pass),
                ("rpc.request.response-echoes-call-id/every-answer", Pass),
            ],
        ),
        (
            Mood::WrongCallId,
            &[
                ("test.answers", Fail),
                ("rpc.header.version-in-replies/every-answer", Pass),
                ("rpc.request.response-echoes-call-id/every-answer", Fail),
            ],
        ),
    ];
    for (mood, expected) in cases {
        let fake = Fake::start(mood).await;
        let result = go(plan(), &fake.target(), &options()).await;
        assert_eq!(verdicts(&result), expected, "{mood:?}");
        let tally = result.rows[1].tally.unwrap();
        assert_eq!((tally.judged, tally.broken), (2, 0));
        if let Some(failure) = &result.rows[2].failure {
            assert_eq!(failure.field, "call_id");
            assert_eq!(failure.evidence.as_ref().unwrap().highlight, Some(12..16));
            assert_eq!(result.rows[2].shown_in, "test.answers");
        }
    }
}
