//! Which part of all cases: from the command line, or from what build and batch systems set.

use std::str::FromStr;

use super::values::ValueError;

/// A part of all cases, as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShardOf {
    /// This one.
    Given(Shard),
    /// The one that the build or batch system names.
    Environment,
}

/// One of so many parts of all cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) index: u64,
    pub(crate) total: u64,
}

impl ShardOf {
    /// The part, where `variable` reads the environment.
    pub(crate) fn part(
        self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Shard, ValueError> {
        match self {
            Self::Given(shard) => Ok(shard),
            Self::Environment => from_environment(&variable),
        }
    }
}

impl FromStr for ShardOf {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "auto" {
            return Ok(Self::Environment);
        }
        let parse = || {
            let (index, total) = text.split_once('/')?;
            Shard::new(index.parse().ok()?, total.parse().ok()?)
        };
        let form = "a part is I/N with I from 1 to N, as in 2/5, or auto";
        parse()
            .map(Self::Given)
            .ok_or_else(|| ValueError(form.to_owned()))
    }
}

impl Shard {
    /// The `index`-th of `total`, from 1.
    fn new(index: u64, total: u64) -> Option<Self> {
        (1..=total)
            .contains(&index)
            .then_some(Self { index, total })
    }

    /// Whether a case belongs to it. The id alone decides, so that a new case moves no other: FNV-1a, modulo the number
    /// of parts.
    pub(crate) fn holds(self, id: &str) -> bool {
        let hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        // The low bits of FNV depend on the low bits of the text alone.
        (hash ^ hash >> 32) % self.total == self.index - 1
    }
}

/// How a system tells a job which of several it is.
struct System {
    name: &'static str,
    /// The variable with the job's number.
    index: &'static str,
    /// The number of the first job, or the variable that has it.
    first: First,
    /// How many jobs there are.
    count: Count,
    /// Without this variable it is another system's.
    mark: Option<&'static str>,
}

enum First {
    Is(u64),
    In(&'static str),
}

enum Count {
    /// The variable that has it.
    In(&'static str),
    /// The variable with the number of the last job, which must be at hand with that of the first.
    UpTo(&'static str),
    /// The system does not tell.
    Untold,
}

/// Variables with the distance from one job's number to the next, where it may be more than 1.
const STEPS: &[(&str, &str)] = &[
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_STEP"),
    ("SGE_TASK_ID", "SGE_TASK_STEPSIZE"),
];

/// What each system sets. Source: its documentation of predefined variables.
#[rustfmt::skip]
const SYSTEMS: &[System] = &[
    // Before GitLab: the same names, counted from 0.
    System { name: "Heroku CI", index: "CI_NODE_INDEX", first: First::Is(0), count: Count::In("CI_NODE_TOTAL"), mark: Some("HEROKU_TEST_RUN_ID") },
    System { name: "GitLab CI", index: "CI_NODE_INDEX", first: First::Is(1), count: Count::In("CI_NODE_TOTAL"), mark: None },
    System { name: "CircleCI", index: "CIRCLE_NODE_INDEX", first: First::Is(0), count: Count::In("CIRCLE_NODE_TOTAL"), mark: None },
    System { name: "Buildkite", index: "BUILDKITE_PARALLEL_JOB", first: First::Is(0), count: Count::In("BUILDKITE_PARALLEL_JOB_COUNT"), mark: None },
    System { name: "Semaphore", index: "SEMAPHORE_JOB_INDEX", first: First::Is(1), count: Count::In("SEMAPHORE_JOB_COUNT"), mark: None },
    System { name: "Bitbucket Pipelines", index: "BITBUCKET_PARALLEL_STEP", first: First::Is(0), count: Count::In("BITBUCKET_PARALLEL_STEP_COUNT"), mark: None },
    System { name: "Azure Pipelines", index: "SYSTEM_JOBPOSITIONINPHASE", first: First::Is(1), count: Count::In("SYSTEM_TOTALJOBSINPHASE"), mark: None },
    System { name: "Slurm", index: "SLURM_ARRAY_TASK_ID", first: First::In("SLURM_ARRAY_TASK_MIN"), count: Count::In("SLURM_ARRAY_TASK_COUNT"), mark: None },
    System { name: "Grid Engine", index: "SGE_TASK_ID", first: First::In("SGE_TASK_FIRST"), count: Count::UpTo("SGE_TASK_LAST"), mark: None },
    System { name: "PBS", index: "PBS_ARRAY_INDEX", first: First::Is(0), count: Count::Untold, mark: None },
    System { name: "Torque", index: "PBS_ARRAYID", first: First::Is(0), count: Count::Untold, mark: None },
    System { name: "AWS Batch", index: "AWS_BATCH_JOB_ARRAY_INDEX", first: First::Is(0), count: Count::In("AWS_BATCH_JOB_ARRAY_SIZE"), mark: None },
    System { name: "Google Cloud Run", index: "CLOUD_RUN_TASK_INDEX", first: First::Is(0), count: Count::In("CLOUD_RUN_TASK_COUNT"), mark: None },
    System { name: "Google Cloud Batch", index: "BATCH_TASK_INDEX", first: First::Is(0), count: Count::In("BATCH_TASK_COUNT"), mark: None },
    System { name: "Kubernetes", index: "JOB_COMPLETION_INDEX", first: First::Is(0), count: Count::Untold, mark: None },
    System { name: "Bazel", index: "TEST_SHARD_INDEX", first: First::Is(0), count: Count::In("TEST_TOTAL_SHARDS"), mark: None },
    System { name: "GoogleTest", index: "GTEST_SHARD_INDEX", first: First::Is(0), count: Count::In("GTEST_TOTAL_SHARDS"), mark: None },
];

/// The part that the environment names; an error if none is, if two differ, or if half of one is missing.
fn from_environment(variable: &impl Fn(&str) -> Option<String>) -> Result<Shard, ValueError> {
    let mut found: Option<(&System, Shard)> = None;
    let mut taken: Vec<&str> = Vec::new();
    for system in SYSTEMS {
        let marked = system.mark.is_none_or(|mark| variable(mark).is_some());
        if !marked || taken.contains(&system.index) {
            continue;
        }
        let Some(shard) = system.part(variable)? else {
            continue;
        };
        taken.push(system.index);
        match found {
            Some((other, before)) if before != shard => {
                return Err(ValueError(format!(
                    "{} ({}) and {} ({}) name different parts; give --shard I/N",
                    other.name, other.index, system.name, system.index
                )));
            }
            Some(_) => {}
            None => found = Some((system, shard)),
        }
    }
    found.map(|(_, shard)| shard).ok_or_else(|| {
        ValueError(
            "--shard auto, and no variable of a build or batch system names a part; give --shard I/N".to_owned(),
        )
    })
}

impl System {
    /// The part it names, if it names one.
    fn part(
        &self,
        variable: &impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Shard>, ValueError> {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        // Grid Engine says so of a job that is no array.
        let index = set(self.index).filter(|value| value != "undefined");
        let total = match self.count {
            Count::In(name) | Count::UpTo(name) => set(name).filter(|value| value != "undefined"),
            Count::Untold => None,
        };
        let wrong = |text: String| ValueError(format!("{}: {text}; give --shard I/N", self.name));
        let number = |name: &str, value: &str| {
            let parsed = value.parse::<u64>();
            parsed.map_err(|_| wrong(format!("{name} is {value:?}, which is no number")))
        };
        let (index, total) = match (&self.count, index, total) {
            (_, None, None) | (Count::Untold, None, _) => return Ok(None),
            (Count::Untold, Some(_), _) => {
                return Err(wrong(format!(
                    "{} is set, but not how many there are",
                    self.index
                )));
            }
            (Count::In(name) | Count::UpTo(name), Some(_), None) => {
                return Err(wrong(format!("{} is set, and {name} is not", self.index)));
            }
            (Count::In(name) | Count::UpTo(name), None, Some(_)) => {
                return Err(wrong(format!("{name} is set, and {} is not", self.index)));
            }
            (_, Some(index), Some(total)) => (index, total),
        };
        let needed = |name: &str| {
            let value = set(name);
            let value =
                value.ok_or_else(|| wrong(format!("{} is set, and {name} is not", self.index)));
            value.and_then(|value| number(name, &value))
        };
        let first = match self.first {
            First::Is(first) => first,
            First::In(name) => needed(name)?,
        };
        let step = match STEPS.iter().find(|(of, _)| *of == self.index) {
            Some((_, name)) if set(name).is_some() => needed(name)?.max(1),
            _ => 1,
        };
        let index = number(self.index, &index)?;
        let (count, total) = match self.count {
            Count::UpTo(name) => {
                let last = number(name, &total)?;
                (
                    name,
                    last.checked_sub(first).map_or(0, |span| span / step + 1),
                )
            }
            Count::In(name) => (name, number(name, &total)?),
            Count::Untold => ("", 0),
        };
        let place = index.checked_sub(first);
        place
            .filter(|place| place % step == 0)
            .and_then(|place| Shard::new(place / step + 1, total))
            .map(Some)
            .ok_or_else(|| {
                wrong(format!(
                    "{} is {index}, which is none of the {total} that {count} tells of, counted from {first}",
                    self.index
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(text: &str) -> Shard {
        let asked: ShardOf = text.parse().unwrap();
        asked.part(|_| None).unwrap()
    }

    fn auto(variables: &str) -> Result<String, String> {
        let set: Vec<(&str, &str)> = variables
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .collect();
        let variable = |name: &str| {
            let found = set.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let shard = ShardOf::Environment.part(variable);
        shard
            .map(|Shard { index, total }| format!("{index}/{total}"))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_system_names_its_part_in_its_own_way() {
        #[rustfmt::skip]
        let table = [
            ("CI_NODE_INDEX=1 CI_NODE_TOTAL=5 GITLAB_CI=true", "1/5"),
            ("CI_NODE_INDEX=5 CI_NODE_TOTAL=5", "5/5"),
            ("CI_NODE_INDEX=0 CI_NODE_TOTAL=4 HEROKU_TEST_RUN_ID=x", "1/4"),
            ("CI_NODE_INDEX=3 CI_NODE_TOTAL=4 HEROKU_TEST_RUN_ID=x", "4/4"),
            ("CIRCLE_NODE_INDEX=0 CIRCLE_NODE_TOTAL=3", "1/3"),
            ("CIRCLE_NODE_INDEX=2 CIRCLE_NODE_TOTAL=3", "3/3"),
            ("BUILDKITE_PARALLEL_JOB=0 BUILDKITE_PARALLEL_JOB_COUNT=2", "1/2"),
            ("BUILDKITE_PARALLEL_JOB=1 BUILDKITE_PARALLEL_JOB_COUNT=2", "2/2"),
            ("SEMAPHORE_JOB_INDEX=1 SEMAPHORE_JOB_COUNT=2", "1/2"),
            ("BITBUCKET_PARALLEL_STEP=1 BITBUCKET_PARALLEL_STEP_COUNT=2", "2/2"),
            ("SYSTEM_JOBPOSITIONINPHASE=1 SYSTEM_TOTALJOBSINPHASE=4", "1/4"),
            ("SYSTEM_JOBPOSITIONINPHASE=4 SYSTEM_TOTALJOBSINPHASE=4", "4/4"),
            ("SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=8", "1/8"),
            ("SLURM_ARRAY_TASK_ID=8 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=8 SLURM_ARRAY_TASK_COUNT=8 SLURM_ARRAY_TASK_STEP=1", "8/8"),
            ("SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_STEP=2", "3/4"),
            ("SGE_TASK_ID=1 SGE_TASK_FIRST=1 SGE_TASK_LAST=6 SGE_TASK_STEPSIZE=1", "1/6"),
            ("SGE_TASK_ID=6 SGE_TASK_FIRST=2 SGE_TASK_LAST=10 SGE_TASK_STEPSIZE=2", "3/5"),
            ("SGE_TASK_ID=undefined SGE_TASK_FIRST=undefined SGE_TASK_LAST=undefined CIRCLE_NODE_INDEX=0 CIRCLE_NODE_TOTAL=1", "1/1"),
            ("AWS_BATCH_JOB_ARRAY_INDEX=0 AWS_BATCH_JOB_ARRAY_SIZE=10", "1/10"),
            ("CLOUD_RUN_TASK_INDEX=9 CLOUD_RUN_TASK_COUNT=10", "10/10"),
            ("BATCH_TASK_INDEX=0 BATCH_TASK_COUNT=3", "1/3"),
            ("TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=3", "2/3"),
            ("GTEST_SHARD_INDEX=2 GTEST_TOTAL_SHARDS=3", "3/3"),
            ("CI_NODE_INDEX=2 CI_NODE_TOTAL=3 TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=3", "2/3"),
        ];
        for (variables, expected) in table {
            assert_eq!(auto(variables).as_deref(), Ok(expected), "{variables}");
        }
    }

    #[test]
    fn what_names_no_part_for_certain_is_an_error() {
        #[rustfmt::skip]
        let table = [
            ("", "no variable of a build or batch system names a part"),
            ("SGE_TASK_ID=undefined", "no variable"),
            ("CI_NODE_INDEX=", "no variable"),
            ("CI_NODE_INDEX=1", "GitLab CI: CI_NODE_INDEX is set, and CI_NODE_TOTAL is not; give --shard I/N"),
            ("CI_NODE_TOTAL=4", "GitLab CI: CI_NODE_TOTAL is set, and CI_NODE_INDEX is not"),
            ("CI_NODE_INDEX=0 CI_NODE_TOTAL=4", "CI_NODE_INDEX is 0, which is none of the 4 that CI_NODE_TOTAL tells of, counted from 1"),
            ("CI_NODE_INDEX=5 CI_NODE_TOTAL=4", "CI_NODE_INDEX is 5"),
            ("CIRCLE_NODE_INDEX=3 CIRCLE_NODE_TOTAL=3", "none of the 3 that CIRCLE_NODE_TOTAL tells of, counted from 0"),
            ("CIRCLE_NODE_INDEX=one CIRCLE_NODE_TOTAL=3", "CIRCLE_NODE_INDEX is \"one\", which is no number"),
            ("CIRCLE_NODE_INDEX=-1 CIRCLE_NODE_TOTAL=3", "no number"),
            ("CIRCLE_NODE_INDEX=0 CIRCLE_NODE_TOTAL=0", "none of the 0"),
            ("SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_COUNT=4", "SLURM_ARRAY_TASK_ID is set, and SLURM_ARRAY_TASK_MIN is not"),
            ("SLURM_ARRAY_TASK_ID=2 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_STEP=2", "is 2, which is none"),
            ("SGE_TASK_ID=1 SGE_TASK_FIRST=2 SGE_TASK_LAST=3", "is 1, which is none"),
            ("PBS_ARRAY_INDEX=1", "PBS: PBS_ARRAY_INDEX is set, but not how many there are"),
            ("JOB_COMPLETION_INDEX=1", "Kubernetes: JOB_COMPLETION_INDEX is set, but not how many"),
            ("CI_NODE_INDEX=1 CI_NODE_TOTAL=3 TEST_SHARD_INDEX=1 TEST_TOTAL_SHARDS=3", "GitLab CI (CI_NODE_INDEX) and Bazel (TEST_SHARD_INDEX) name different parts"),
        ];
        for (variables, expected) in table {
            let error = auto(variables).unwrap_err();
            assert!(error.contains(expected), "{variables}: {error}");
        }
    }

    #[test]
    fn every_case_is_in_exactly_one_part() {
        let parts: Vec<Shard> = (1..=5).map(|i| part(&format!("{i}/5"))).collect();
        let mut sizes = [0; 5];
        for number in 0..1000 {
            let id = format!("rpc.bind.case-{number}");
            let holding: Vec<usize> = (0..5).filter(|&i| parts[i].holds(&id)).collect();
            assert_eq!(holding.len(), 1, "{id}");
            sizes[holding[0]] += 1;
        }
        assert!(sizes.iter().all(|&size| size > 120), "{sizes:?}");
    }

    #[test]
    fn a_case_stays_in_its_part() {
        assert!(part("3/4").holds("rpc.bind.ack-basic"));
    }

    #[test]
    fn parts_are_counted_from_one() {
        for (text, good) in [
            ("auto", true),
            ("1/1", true),
            ("5/5", true),
            ("0/5", false),
            ("6/5", false),
            ("1/0", false),
            ("1", false),
            ("a/b", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<ShardOf>().is_ok(), good, "{text}");
        }
    }
}
