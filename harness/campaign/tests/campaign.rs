//! Campaigns against the lab host: what each kind of fault looks like from outside, and that a host without has none.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kmspec_campaign::{
    Facts, Finding, Kind, Outcome, Plan, Progress, Standing, Watch, read, repeat, run,
};
use kmspec_embedded::Embedded;
use kmspec_model::fault::Faults;
use kmspec_runner::Target;
use kmspec_session::Session;
use kmspec_wire::keys::KeySet;
use tokio::task::JoinSet;

fn lab(fault: &str) -> Target {
    let faults: Faults = fault.parse().unwrap();
    Embedded::default().with_faults(faults).target("lab host")
}

fn plan(fault: &str, findings: &Path) -> Plan {
    Plan {
        target: lab(fault),
        target_word: String::new(),
        seed: 1,
        jobs: 16,
        seeds: kmspec_session::templates(),
        findings: findings.to_owned(),
        corpus: None,
        start: None,
        duration: Some(Duration::from_secs(60)),
        max_execs: None,
        until_finding: true,
        differential: false,
        slow: Duration::from_secs(1),
        allow_remote: false,
    }
}

/// Nobody watches, but everything that is told of is on the disk already.
struct OnDisk;

impl Watch for OnDisk {
    fn progress(&self, _: &Progress) {}

    fn found(&self, finding: &Finding, folder: &Path) {
        assert_eq!(read(folder).unwrap().facts, finding.facts);
    }

    fn note(&self, text: &str) {
        panic!("{text}");
    }
}

async fn campaign(plan: Plan) -> Outcome {
    run(plan, Arc::new(OnDisk), std::future::pending())
        .await
        .unwrap()
}

/// Plays all at the same time: what hangs takes waiting, and no processor.
async fn side_by_side<T, F>(cases: impl IntoIterator<Item = T>, play: impl Fn(T) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let playing: JoinSet<()> = cases.into_iter().map(play).collect();
    playing.join_all().await;
}

/// A campaign finds it, holds it to be stable, and makes it small; then it shows again, and not with a host that has no fault.
async fn is_found_and_shows_again(fault: &str, kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let outcome = campaign(plan(fault, folder.path())).await;
    let found = outcome.findings.iter().find(|facts| facts.kind == kind);
    let facts = found.unwrap_or_else(|| panic!("{fault}: {:?}", outcome.findings));
    assert!(facts.steps <= 3, "{fault}: {facts:?}");
    assert_eq!(facts.standing, Standing::Stable, "{fault}: {facts:?}");
    let finding = read(&folder.path().join(facts.name())).unwrap();
    let slow = Duration::from_secs(1);
    let again = repeat(lab(fault), &finding, slow, false).await.unwrap();
    assert!(again.is_some(), "{fault}: {facts:?}");
    let honest = repeat(lab(""), &finding, slow, false).await.unwrap();
    assert_eq!(honest, None, "{fault}: {facts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_fault_is_found_alone_made_small_and_shows_again() {
    for (fault, kind) in [
        ("crash-on-foreign-octets", Kind::Crash),
        ("crash-on-closed-pdu", Kind::Crash),
        ("v4-mac-zero", Kind::Rule),
        ("padding-leaks", Kind::Rule),
        ("closes-instead-of-response", Kind::Difference),
        ("alter-forgets-contexts", Kind::Difference),
    ] {
        is_found_and_shows_again(fault, kind).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hangs_are_found_alone_made_small_and_show_again() {
    side_by_side(["half-close-ignored", "cancel-drops-call"], |fault| {
        is_found_and_shows_again(fault, Kind::Hang)
    })
    .await;
}

/// Holds a campaign to a finding of this kind in three steps at most.
async fn finds_in_few_steps(fault: &str, kind: Kind, plan: Plan) {
    let outcome = campaign(plan).await;
    let is_small = |facts: &&Facts| facts.kind == kind && facts.steps <= 3;
    let found = outcome.findings.iter().find(is_small);
    assert!(found.is_some(), "{fault}: {:?}", outcome.findings);
}

/// One of each kind of thing that an answer can get wrong: what a rule is about is found soon, and in few steps.
#[tokio::test(flavor = "multi_thread")]
async fn broken_rules_of_every_area_are_found_within_some_thousand_sessions() {
    for fault in [
        "ack-call-id-fixed",
        "rejections-left-out",
        "btfn-accepted",
        "fragsize-no-floor",
        "fragsize-larger-offer",
        "alter-flags-copied",
        "response-cancel-count",
        "fault-status-forbidden",
        "return-value-missing",
        "error-cut-short",
        "time-rounded",
        "pid-changes",
        "v6-mac-wrong",
        "random-repeats",
        "random-half",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan {
            duration: None,
            max_execs: Some(4_000),
            ..plan(fault, folder.path())
        };
        finds_in_few_steps(fault, Kind::Rule, plan).await;
    }
}

/// A host that accepts every connection, and serves nobody after some time.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_serves_no_honest_client_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = campaign(plan("leaks-half-read-connections", folder.path())).await;
    let [facts] = outcome.findings.as_slice() else {
        panic!("{:?}", outcome.findings);
    };
    assert_eq!(facts.kind, Kind::Hang, "{facts:?}");
    assert!(facts.steps <= 3, "{facts:?}");
}

/// The one finding of a campaign that begins with these sessions.
async fn the_finding(fault: &str, seeds: &[&str]) -> Facts {
    let folder = tempfile::tempdir().unwrap();
    let seeds = seeds.iter().map(|text| Session::parse(text).unwrap());
    let plan = Plan {
        seeds: seeds.collect(),
        ..plan(fault, folder.path())
    };
    let outcome = campaign(plan).await;
    let [facts] = outcome.findings.as_slice() else {
        panic!("{fault}: {:?}", outcome.findings);
    };
    let finding = read(&folder.path().join(facts.name())).unwrap();
    let again = repeat(lab(fault), &finding, Duration::from_secs(1), false).await;
    assert!(again.unwrap().is_some(), "{facts:?}");
    assert_eq!(facts.standing, Standing::Stable, "{facts:?}");
    facts.clone()
}

/// Not only where every host owes an answer.
#[tokio::test(flavor = "multi_thread")]
async fn silence_where_the_lab_host_answers_is_a_hang() {
    let faults = [
        ("truncated-bind-waits", "pdu bind\n"),
        (
            "short-frag-length-waits",
            "bind\n  offer 0 kms ndr32\n  set pdu frag_length 0f00\n",
        ),
    ];
    side_by_side(faults, |(fault, seed)| async move {
        let seed = format!("kmspec session 1\n{seed}");
        let facts = the_finding(fault, &[&seed]).await;
        assert_eq!((facts.kind, facts.steps), (Kind::Hang, 1), "{facts:?}");
        assert!(facts.detail.contains("the lab host says"), "{facts:?}");
    })
    .await;
}

/// Workers that all wait for each other's sessions do not tell; two who are there at once do.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_takes_one_client_at_a_time_is_found() {
    let facts = the_finding("one-connection-at-a-time", &["kmspec session 1\nconnect\n"]).await;
    assert_eq!(facts.kind, Kind::Hang, "{facts:?}");
    assert!(facts.steps <= 1, "{facts:?}");
}

/// Which client asks decides whether the name that the host reads is one: its machine id stands there.
#[tokio::test(flavor = "multi_thread")]
async fn what_only_certain_octets_show_is_tried_again_with_those() {
    let seed =
        "kmspec session 1\nbind\n  offer 0 kms ndr32\nrequest v4 ndr32\n  insert body cmid ZEROS\n";
    let seed = seed.replace("ZEROS", &"00".repeat(44));
    let facts = the_finding("crash-on-lone-surrogate", &[seed.as_str(); 400]).await;
    assert_eq!(facts.kind, Kind::Crash, "{facts:?}");
    assert!(facts.steps <= 3, "{facts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_where_the_lab_host_answers_is_a_difference() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        differential: true,
        ..plan("unknown-version-closes", folder.path())
    };
    let outcome = campaign(plan).await;
    let [facts] = outcome.findings.as_slice() else {
        panic!("{:?}", outcome.findings);
    };
    assert!(facts.about.ends_with("closed here"), "{facts:?}");
    assert!(facts.steps <= 3, "{facts:?}");
}

/// Puts a file where the folder of findings was, as soon as the campaign goes on.
struct NoFolder {
    folder: PathBuf,
    said: Mutex<String>,
}

impl Watch for NoFolder {
    fn progress(&self, _: &Progress) {
        if self.folder.is_dir() {
            std::fs::remove_dir_all(&self.folder).unwrap();
            std::fs::write(&self.folder, "").unwrap();
        }
    }

    fn found(&self, finding: &Finding, _: &Path) {
        panic!("{finding:?} is nowhere");
    }

    fn note(&self, text: &str) {
        self.said.lock().unwrap().push_str(text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_written_is_told_whole_and_the_campaign_is_not_judged() {
    let folder = tempfile::tempdir().unwrap();
    let watch = Arc::new(NoFolder {
        folder: folder.path().join("findings"),
        said: Mutex::default(),
    });
    let plan = plan("v4-mac-zero", &watch.folder);
    let shown = Arc::clone(&watch) as Arc<dyn Watch>;
    let outcome = run(plan, shown, std::future::pending()).await.unwrap();
    let said = watch.said.lock().unwrap();
    assert!(said.contains("kmspec session 1\n"), "{said}");
    assert!(outcome.unwritten > 0 && outcome.unable.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_host_has_no_findings_and_its_states_are_learnt() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        max_execs: Some(3_000),
        differential: true,
        ..plan("", folder.path())
    };
    let outcome = campaign(plan).await;
    assert_eq!(outcome.findings, []);
    assert_eq!(outcome.unable, None);
    assert!(
        outcome.progress.executions >= 3_000,
        "{:?}",
        outcome.progress
    );
    let edges = &outcome.machine.edges;
    let edge = |step: &str, to: &str| edges.iter().any(|edge| edge.step == step && edge.to == to);
    assert!(edge("bind", "bind-ack:0") && edge("request-v6-ndr32", "response:00000000"));
    assert_eq!(outcome.machine.differences(&outcome.machine), []);
}

/// A PDU that is cut, and takes its end from the next; a second sending that nobody waited for; a client that ends its side.
#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_on_the_very_octets_is_no_difference() {
    let folder = tempfile::tempdir().unwrap();
    let sessions = [
        "bind\n  offer 0 kms ndr32\n  cut pdu auth_length\nrequest v6 ndr32\n",
        "bind times=2\n  offer 0 kms ndr32\n  remove pdu *+60 1\n  xor pdu rpc_vers 80\n",
        "bind\n  offer 0 kms ndr32\nraw 05000003100000008000\nrequest v6 ndr32\n",
        "bind\n  offer 0 kms ndr32\nhalf-close\n@1 bind group=@0\n  offer 0 kms ndr32\n",
    ];
    let parse = |steps: &str| Session::parse(&format!("kmspec session 1\n{steps}")).unwrap();
    let plan = Plan {
        seeds: sessions.map(parse).to_vec(),
        max_execs: Some(400),
        differential: true,
        ..plan("", folder.path())
    };
    let outcome = campaign(plan).await;
    assert_eq!(outcome.findings, []);
}

/// The class of an answer, and what in it goes with other answers of the session or with where the host was reached.
#[tokio::test(flavor = "multi_thread")]
async fn another_class_of_answer_than_the_lab_hosts_is_a_difference() {
    for fault in [
        "tampered-status",
        "refusals-look-executed",
        "secondary-address-wrong",
        "intervals-of-version",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan {
            differential: true,
            ..plan(fault, folder.path())
        };
        finds_in_few_steps(fault, Kind::Difference, plan).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_answers_nothing_is_a_finding_and_what_listens_elsewhere_none() {
    let facts = the_finding("never-answers", &[]).await;
    assert_eq!((facts.kind, facts.steps), (Kind::Hang, 1), "{facts:?}");

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan {
        target: Target::at(address, Arc::new(KeySet::lab())),
        ..plan("", folder.path())
    };
    let outcome = run(plan, Arc::new(OnDisk), std::future::pending()).await;
    let error = outcome.unwrap_err().to_string();
    assert!(error.ends_with("nothing can be learnt from it"), "{error}");
}

#[tokio::test]
async fn a_target_elsewhere_is_left_alone_unless_that_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let address = "192.0.2.1:1688".parse().unwrap();
    let plan = Plan {
        target: Target::at(address, Arc::new(KeySet::lab())),
        ..plan("", folder.path())
    };
    let error = run(plan, Arc::new(OnDisk), std::future::pending())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("--allow-remote"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_before_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let first = campaign(plan("v4-mac-zero", folder.path())).await;
    assert_eq!(first.findings.len(), 1);
    let second = Plan {
        max_execs: Some(400),
        ..plan("v4-mac-zero", folder.path())
    };
    assert_eq!(campaign(second).await.findings, []);
}
