use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::bootstrap::ratio;
use super::{Change, CompareError, FIGURES, TOLERANCE, change, compare};
use crate::num::{count, size};
use crate::outcome::{Outcome, Second};
use crate::plan::{Pattern, Plan};
use crate::report::sample;

/// A run of so many seconds as they are: the target drifts a little from second to second, each second has its own noise
/// of 4 %, and in one of fifty something else took the machine.
fn seconds(seconds: usize, scale: f64, random: &mut ChaCha8Rng) -> Vec<f64> {
    let mut drift = 0.0;
    (0..seconds)
        .map(|_| {
            drift = 0.7 * drift + 0.02 * gauss(random);
            let spike = if random.random_bool(0.02) { 3.0 } else { 1.0 };
            scale * spike * (drift + 0.04 * gauss(random)).exp()
        })
        .collect()
}

/// A run of so many seconds on a machine with two moods, one a quarter slower than the other, each of which lasts for four
/// seconds on average: what is seen of virtual machines with neighbours.
fn moody(seconds: usize, random: &mut ChaCha8Rng) -> Vec<f64> {
    let mut slow = random.random_bool(0.5);
    (0..seconds)
        .map(|_| {
            slow ^= random.random_bool(0.25);
            let mood = if slow { 1.25 } else { 1.0 };
            mood * (0.01 * gauss(random)).exp()
        })
        .collect()
}

/// A normal deviate. Source: Box and Muller.
fn gauss(random: &mut ChaCha8Rng) -> f64 {
    let (one, two): (f64, f64) = (random.random(), random.random());
    (-2.0 * (1.0 - one).ln()).sqrt() * (std::f64::consts::TAU * two).cos()
}

/// Whether two runs are called different.
fn is_alarm(change: Change) -> bool {
    matches!(change, Change::Slower | Change::Faster)
}

/// How many of so many pairs are called slower or faster in any of three figures, the second run being slower by `slow`.
fn alarms(pairs: u64, slow: f64) -> (usize, usize) {
    let (mut slower, mut any) = (0, 0);
    for pair in 0..pairs {
        let mut random = ChaCha8Rng::seed_from_u64(pair);
        let changes: Vec<Change> = FIGURES
            .iter()
            .map(|figure| {
                let scale = if figure.more_is_better {
                    1.0 / slow
                } else {
                    slow
                };
                let (one, two) = (
                    seconds(40, 1.0, &mut random),
                    seconds(40, scale, &mut random),
                );
                change(
                    ratio(&one, &two, FIGURES.len(), 150),
                    TOLERANCE,
                    figure.more_is_better,
                )
            })
            .collect();
        slower += usize::from(changes.contains(&Change::Slower));
        any += usize::from(changes.into_iter().any(is_alarm));
    }
    (slower, any)
}

#[test]
fn equal_runs_are_told_apart_in_one_pair_of_a_hundred_at_most() {
    let (_, any) = alarms(400, 1.0);
    assert!(any <= 4, "{any} of 400");
}

#[test]
fn the_moods_of_a_machine_are_no_change_of_its_target() {
    let pairs = [8, 16, 30, 60].into_iter().cycle().zip(0..1600);
    let alarms = pairs.filter(|(length, seed)| {
        let mut random = ChaCha8Rng::seed_from_u64(*seed);
        let (one, two) = (moody(*length, &mut random), moody(*length, &mut random));
        let ratio = ratio(&one, &two, FIGURES.len(), 150);
        is_alarm(change(ratio, TOLERANCE, false))
    });
    let alarms = alarms.count();
    // At a rate of one in a hundred 16 are expected; 24 are as many as chance would give.
    assert!(alarms <= 24, "{alarms} of 1600");
}

#[test]
fn a_tenth_slower_is_found_in_nineteen_of_twenty_pairs() {
    let (slower, _) = alarms(200, 1.1);
    // At a rate of 95 % at least 190 of 200 are found on average; 195 is more than chance would give a lower rate.
    assert!(slower >= 195, "{slower} of 200");
}

#[test]
fn the_interval_holds_the_true_ratio() {
    let held = (0..200)
        .filter(|pair| {
            let mut random = ChaCha8Rng::seed_from_u64(1000 + pair);
            let (one, two) = (
                seconds(40, 1.0, &mut random),
                seconds(40, 1.25, &mut random),
            );
            let ratio = ratio(&one, &two, FIGURES.len(), 150);
            ratio.low <= 1.25 && 1.25 <= ratio.high
        })
        .count();
    // A little less often than it says, since blocks of six do not hold all of the drift: that is what the tolerance is for.
    assert!(held >= 192, "{held} of 200");
}

/// A run with these medians.
fn run(p50_ns: &[f64]) -> Outcome {
    let mut outcome = sample::outcome();
    let like = outcome.series[0].clone();
    outcome.elapsed_ns = crate::num::wide(p50_ns.len()) * crate::num::SECOND;
    outcome.series = p50_ns
        .iter()
        .enumerate()
        .map(|(number, p50)| Second {
            second: crate::num::wide(number),
            p50_ns: count(*p50),
            ..like.clone()
        })
        .collect();
    outcome
}

#[test]
fn a_comparison_is_told_in_a_table() {
    let around = |middle: f64| {
        (0..20)
            .map(|n| middle + size(n % 5) * 1000.0)
            .collect::<Vec<_>>()
    };
    let (one, two) = (run(&around(200_000.0)), run(&around(240_000.0)));
    let comparison = compare(&one, &two, TOLERANCE).unwrap();
    assert!(comparison.is_slower());
    insta::assert_snapshot!(comparison);
    assert!(!compare(&one, &one, TOLERANCE).unwrap().is_slower());
    let back = compare(&two, &one, TOLERANCE).unwrap();
    assert_eq!(back.rows[1].change, Change::Faster);
    // What is slower by less than the tolerance is no news.
    assert!(!compare(&one, &two, 0.5).unwrap().is_slower());
}

#[test]
fn where_chance_hides_a_tenth_nothing_is_told() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let wild: Vec<f64> = (0..20).map(|_| 1e5 * gauss(&mut random).exp()).collect();
    let comparison = compare(&run(&wild), &run(&wild), TOLERANCE).unwrap();
    let changes = comparison.rows.iter().map(|row| row.change);
    let expected = [Change::None, Change::Unclear, Change::None];
    assert_eq!(changes.collect::<Vec<_>>(), expected, "{comparison}");
    assert!(!comparison.is_unclear());
    assert!(comparison.to_string().contains("too noisy to tell"));
}

/// Makes a plan another.
type Spoil = fn(&mut Plan);

#[test]
fn different_runs_are_not_compared() {
    let long = run(&[1e5; 20]);
    let error = compare(&long, &run(&[1e5; 7]), TOLERANCE).unwrap_err();
    assert_eq!(
        error,
        CompareError::Short {
            which: "second",
            got: 7
        }
    );
    let change: [(&str, Spoil); 3] = [
        ("the loop is open(constant) and closed", |plan| {
            plan.pattern = Pattern::Closed;
        }),
        ("the number of connections is 16 and 17", |plan| {
            plan.connections = 17;
        }),
        ("the part verified is 1 and 0.5", |plan| plan.verify = 0.5),
    ];
    for (expected, change) in change {
        let mut other = long.clone();
        change(&mut other.plan);
        let error = compare(&long, &other, TOLERANCE).unwrap_err().to_string();
        assert!(error.ends_with(expected), "{error}");
    }
    let mut other = long.clone();
    other.plan.seed = 9;
    assert!(compare(&long, &other, TOLERANCE).is_ok());
}
