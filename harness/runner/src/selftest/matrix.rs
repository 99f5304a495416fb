//! What a self-test found: who caught what, and what is wrong with that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Exit;
use crate::plan::Plan;
use crate::run::EVERY_ANSWER;
use crate::verdict::Verdict;

/// What the file says it is.
pub const FORMAT: &str = "kmspec-self-test";
/// The version of its form.
pub const VERSION: u32 = 1;
/// The JSON Schema of [`Matrix`].
pub const SCHEMA: &str = include_str!("../../schema/self-test-1.schema.json");

/// A deliberate defect of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defect {
    /// Its name.
    pub name: String,
    /// The layer in which it lies.
    pub area: String,
    /// What the target does wrong.
    pub sentence: String,
    /// The requirement that this breaks.
    pub about: String,
}

/// A row that can catch something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its full id.
    pub id: String,
    /// The case it belongs to.
    pub case: String,
    /// The requirement it checks.
    pub requirement: String,
    /// The suite it stands in.
    pub suite: String,
}

impl Check {
    /// All rows of a plan, and behind them what it asks of every answer.
    pub fn all(plan: &Plan) -> Vec<Self> {
        let rows = plan.rows.iter().map(|row| Self {
            id: row.id.clone(),
            case: row.case.id.to_owned(),
            requirement: row.requirement().to_owned(),
            suite: row.suite.clone(),
        });
        let every = plan.every_answer.iter().map(|about| {
            let id = format!("{}/{EVERY_ANSWER}", about.id);
            Self {
                case: id.clone(),
                id,
                requirement: about.id.clone(),
                suite: EVERY_ANSWER.to_owned(),
            }
        });
        rows.chain(every).collect()
    }
}

/// What of everything there is was tried. What was left out may be what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// All cases: a fault that none of them catches is a problem.
    pub all_cases: bool,
    /// All faults: a case that catches none of them is a problem.
    pub all_faults: bool,
}

impl Scope {
    /// Everything.
    pub const WHOLE: Self = Self {
        all_cases: true,
        all_faults: true,
    };
}

/// What trying a fault gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The fault.
    pub defect: Defect,
    /// The rows that caught it.
    pub caught_by: BTreeSet<String>,
    /// The rows that could not be judged.
    pub in_error: BTreeSet<String>,
    /// How many rows were not run.
    pub not_run: usize,
    /// Why they were not.
    pub reason: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// A row that does not hold although there is no fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alarm {
    /// Its id.
    pub id: String,
    /// The case to run to see it again.
    pub shown_in: String,
    /// How it came out.
    pub verdict: Verdict,
    /// What it says.
    pub why: String,
}

impl fmt::Display for Alarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.id, self.verdict, self.why)
    }
}

/// A self-test. Two of them with the same seed differ in `times` alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// Always [`FORMAT`].
    pub format: String,
    /// Always [`VERSION`]; another number is another form.
    pub version: u32,
    /// The version of kmspec that ran.
    pub kmspec: String,
    /// Where all randomness came from.
    pub seed: u64,
    /// The exit code: 0 every check can fail, 1 there are problems, 2 it could not be judged.
    pub exit: u8,
    /// How many of what.
    pub counts: Counts,
    /// What is wrong.
    pub problems: Problems,
    /// The faults, in the order of their table.
    pub faults: Vec<FaultRow>,
    /// The cases, in reading order; behind them what holds of every answer.
    pub cases: Vec<CaseRow>,
    /// Rows that catch nothing, of cases that catch something: information.
    pub idle_rows: Vec<String>,
    /// What is measured in time.
    pub times: Times,
}

/// How many of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Faults tried.
    pub faults: usize,
    /// Those that something caught.
    pub faults_caught: usize,
    /// Those of them that the requirement they are about caught.
    pub faults_caught_by_about: usize,
    /// Cases.
    pub cases: usize,
    /// Those that caught something.
    pub cases_effective: usize,
    /// Rows of the cases.
    pub rows: usize,
    /// Those that caught something.
    pub rows_effective: usize,
    /// Requirements judged on every answer.
    pub every_answer: usize,
    /// Those that caught something.
    pub every_answer_effective: usize,
}

/// What is wrong. All but `beside` and `idle_every_answer` fail the self-test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problems {
    /// Rows that do not hold although there is no fault.
    pub alarms: Vec<Alarm>,
    /// Faults that nothing caught.
    pub uncaught: Vec<String>,
    /// Cases that caught nothing.
    pub idle_cases: Vec<String>,
    /// Faults that something caught, but not the requirement they are about. To be looked at.
    pub beside: Vec<String>,
    /// Requirements on every answer that caught nothing. To be looked at; the tests of the rules break each alone.
    pub idle_every_answer: Vec<String>,
    /// What stood in the way of a judgement.
    pub unable: Vec<String>,
}

/// A fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRow {
    /// Its name.
    pub name: String,
    /// The layer in which it lies.
    pub area: String,
    /// What the host does wrong.
    pub sentence: String,
    /// The requirement that this breaks.
    pub about: String,
    /// Whether that requirement caught it.
    pub caught_by_about: bool,
    /// The rows that caught it: first those about it, then in reading order.
    pub caught_by: Vec<String>,
    /// The rows that could not be judged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_error: Vec<String>,
    /// How many rows were not run.
    pub not_run: usize,
    /// Why they were not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseRow {
    /// Its id.
    pub id: String,
    /// The requirement it checks.
    pub requirement: String,
    /// The suite it stands in.
    pub suite: String,
    /// How many rows it has.
    pub rows: usize,
    /// The faults that they caught: first those about its requirement, then in the order of their table.
    pub caught: Vec<String>,
}

/// What is measured in time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// All of it, in milliseconds.
    pub took_ms: u64,
    /// Each fault, in milliseconds, in the order of `faults`.
    pub faults_ms: Vec<u64>,
}

impl Matrix {
    /// Puts together what was found.
    pub fn of(checks: &[Check], alarms: Vec<Alarm>, trials: Vec<Trial>, scope: Scope) -> Self {
        let took = trials.iter().map(|trial| millis(trial.took)).collect();
        let faults: Vec<FaultRow> = trials
            .into_iter()
            .map(|trial| FaultRow::of(trial, checks))
            .collect();
        let cases = CaseRow::all(checks, &faults);
        let caught: BTreeSet<&str> = faults
            .iter()
            .flat_map(|fault| fault.caught_by.iter().map(String::as_str))
            .collect();
        let counts = Counts::of(checks, &faults, &cases, &caught);
        let idle = |case: &&CaseRow| case.caught.is_empty();
        let idle_row = |check: &&Check| {
            let of_case = |case: &CaseRow| case.id == check.case && !case.caught.is_empty();
            !caught.contains(check.id.as_str()) && cases.iter().any(of_case)
        };
        let idle_rows = checks.iter().filter(idle_row);
        let idle_rows = idle_rows.map(|check| check.id.clone()).collect();
        let mut problems = Problems {
            alarms,
            ..Problems::default()
        };
        if scope.all_faults {
            let (every, own): (Vec<&CaseRow>, Vec<&CaseRow>) = cases
                .iter()
                .filter(idle)
                .partition(|case| case.suite == EVERY_ANSWER);
            let ids = |cases: Vec<&CaseRow>| cases.iter().map(|case| case.id.clone()).collect();
            (problems.idle_cases, problems.idle_every_answer) = (ids(own), ids(every));
        }
        if scope.all_cases {
            let names = |wanted: fn(&FaultRow) -> bool| {
                let of_these = faults.iter().filter(|fault| wanted(fault));
                of_these.map(|fault| fault.name.clone()).collect()
            };
            problems.uncaught = names(|fault| fault.caught_by.is_empty());
            problems.beside = names(|fault| !fault.caught_by.is_empty() && !fault.caught_by_about);
        }
        let mut matrix = Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            kmspec: env!("CARGO_PKG_VERSION").to_owned(),
            seed: 0,
            exit: 0,
            counts,
            problems,
            faults,
            cases,
            idle_rows,
            times: Times {
                took_ms: 0,
                faults_ms: took,
            },
        };
        matrix.exit = matrix.exit().code();
        matrix
    }

    /// What it comes to. Nothing tried is never success.
    pub fn exit(&self) -> Exit {
        let Problems {
            alarms,
            uncaught,
            idle_cases,
            beside: _,
            idle_every_answer: _,
            unable,
        } = &self.problems;
        if !unable.is_empty() || self.faults.is_empty() || self.cases.is_empty() {
            Exit::NotJudged
        } else if alarms.is_empty() && uncaught.is_empty() && idle_cases.is_empty() {
            Exit::Holds
        } else {
            Exit::Fails
        }
    }

    /// Says what stood in the way of a judgement.
    pub fn add_obstacle(&mut self, reason: String) {
        self.problems.unable.push(reason);
        self.exit = self.exit().code();
    }

    /// Its text for programs.
    ///
    /// # Panics
    /// Never: every value of it can be written.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings, numbers and lists");
        text.push('\n');
        text
    }
}

impl FaultRow {
    fn of(trial: Trial, checks: &[Check]) -> Self {
        let Trial {
            defect,
            caught_by,
            in_error,
            not_run,
            reason,
            took: _,
        } = trial;
        let about = |check: &&Check| check.requirement == defect.about;
        let in_order = |ids: &BTreeSet<String>| {
            let here = || checks.iter().filter(|check| ids.contains(&check.id));
            let rows = here()
                .filter(about)
                .chain(here().filter(|check| !about(check)));
            rows.map(|check| check.id.clone()).collect::<Vec<_>>()
        };
        let caught = |check: &Check| about(&check) && caught_by.contains(&check.id);
        Self {
            caught_by_about: checks.iter().any(caught),
            caught_by: in_order(&caught_by),
            in_error: in_order(&in_error),
            name: defect.name,
            area: defect.area,
            sentence: defect.sentence,
            about: defect.about,
            not_run,
            reason,
        }
    }
}

impl CaseRow {
    fn all(checks: &[Check], faults: &[FaultRow]) -> Vec<Self> {
        let caught: BTreeMap<&str, Vec<usize>> = {
            let mut of_row: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (number, fault) in faults.iter().enumerate() {
                for id in &fault.caught_by {
                    of_row.entry(id).or_default().push(number);
                }
            }
            of_row
        };
        let mut found: Vec<(Self, BTreeSet<usize>)> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for check in checks {
            let place = *places.entry(&check.case).or_insert_with(|| {
                let row = Self {
                    id: check.case.clone(),
                    requirement: check.requirement.clone(),
                    suite: check.suite.clone(),
                    rows: 0,
                    caught: Vec::new(),
                };
                found.push((row, BTreeSet::new()));
                found.len() - 1
            });
            let (case, numbers) = &mut found[place];
            case.rows += 1;
            numbers.extend(caught.get(check.id.as_str()).into_iter().flatten());
        }
        for (case, numbers) in &mut found {
            let about = |number: &&usize| faults[**number].about == case.requirement;
            let (first, then): (Vec<&usize>, Vec<&usize>) = numbers.iter().partition(about);
            let names = first.into_iter().chain(then);
            case.caught = names.map(|number| faults[*number].name.clone()).collect();
        }
        found.into_iter().map(|(case, _)| case).collect()
    }
}

impl Counts {
    fn of(
        checks: &[Check],
        faults: &[FaultRow],
        cases: &[CaseRow],
        caught: &BTreeSet<&str>,
    ) -> Self {
        let every = |suite: &str| suite == EVERY_ANSWER;
        let own = |effective: bool, of_all: bool| {
            cases
                .iter()
                .filter(|case| every(&case.suite) == of_all)
                .filter(|case| !effective || !case.caught.is_empty())
                .count()
        };
        let rows = || checks.iter().filter(|check| !every(&check.suite));
        Self {
            faults: faults.len(),
            faults_caught: faults
                .iter()
                .filter(|fault| !fault.caught_by.is_empty())
                .count(),
            faults_caught_by_about: faults.iter().filter(|fault| fault.caught_by_about).count(),
            cases: own(false, false),
            cases_effective: own(true, false),
            rows: rows().count(),
            rows_effective: rows()
                .filter(|check| caught.contains(check.id.as_str()))
                .count(),
            every_answer: own(false, true),
            every_answer_effective: own(true, true),
        }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
