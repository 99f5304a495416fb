use std::time::Duration;

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

use super::{Arrivals, Schedule, Stage};
use crate::num::{SECOND, float, size};

fn any_schedule(u: &mut Unstructured<'_>) -> Result<Schedule> {
    let mut stages = Vec::new();
    for _ in 0..u.int_in_range(1..=4)? {
        let duration = Duration::from_millis(u.int_in_range(1..=3000)?);
        let (from, to): (u16, u16) = (u.int_in_range(0..=500)?, u.int_in_range(1..=500)?);
        stages.push(Stage {
            duration,
            from: from.into(),
            to: to.into(),
        });
    }
    let warmup = Duration::from_millis(u.int_in_range(0..=500)?);
    Ok(Schedule::new(warmup, &stages))
}

#[test]
fn any_arrivals_are_in_order_and_within_the_run() {
    arbtest(|u| {
        let schedule = any_schedule(u)?;
        for arrivals in [Arrivals::Constant, Arrivals::Poisson] {
            let due: Vec<u64> = schedule.arrivals(arrivals, 7).collect();
            assert!(due.is_sorted(), "{schedule:?}");
            assert!(due.iter().all(|due| *due <= schedule.end()), "{schedule:?}");
        }
        Ok(())
    });
}

#[test]
fn any_schedule_has_as_many_constant_arrivals_as_its_rates_add_up_to() {
    arbtest(|u| {
        let schedule = any_schedule(u)?;
        let due = schedule.arrivals(Arrivals::Constant, 0).count();
        assert!(
            (size(due) - schedule.expected()).abs() <= 1.0,
            "{schedule:?}: {due}"
        );
        Ok(())
    });
}

#[test]
fn constant_arrivals_stand_at_equal_distances() {
    let schedule = Schedule::new(Duration::ZERO, &["2s@1000".parse().unwrap()]);
    let due: Vec<u64> = schedule.arrivals(Arrivals::Constant, 0).collect();
    assert_eq!(due.len(), 2000);
    for pair in due.windows(2) {
        assert!((pair[1] - pair[0]).abs_diff(1_000_000) <= 1, "{pair:?}");
    }
}

#[test]
fn a_ramp_has_its_arrivals_where_the_rate_is_high() {
    let schedule = Schedule::new(Duration::ZERO, &["10s@0..1000".parse().unwrap()]);
    let due: Vec<u64> = schedule.arrivals(Arrivals::Constant, 0).collect();
    let before = |second: u64| due.iter().filter(|due| **due < second * SECOND).count();
    // The sum of the rates grows with the square of the time.
    assert_eq!((before(1), before(5), before(10)), (50, 1250, 5000));
}

#[test]
fn poisson_distances_are_exponential_and_repeat_under_a_seed() {
    let schedule = Schedule::new(Duration::ZERO, &["100s@1000".parse().unwrap()]);
    let due = |seed| {
        schedule
            .arrivals(Arrivals::Poisson, seed)
            .collect::<Vec<u64>>()
    };
    let one = due(1);
    assert_eq!(one, due(1));
    assert_ne!(one, due(2));
    let gaps: Vec<f64> = one
        .windows(2)
        .map(|pair| float(pair[1] - pair[0]))
        .collect();
    let mean = gaps.iter().sum::<f64>() / size(gaps.len());
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / size(gaps.len());
    assert!((mean / 1e6 - 1.0).abs() < 0.02, "{mean}");
    // An exponential distribution's standard deviation is its mean.
    assert!((variance.sqrt() / mean - 1.0).abs() < 0.02, "{variance}");
    // Kolmogorov and Smirnov: 1.95 is the critical value at 0.1 %.
    let mut sorted = gaps.clone();
    sorted.sort_by(f64::total_cmp);
    let distance = (0..sorted.len()).map(|i| {
        let expected = 1.0 - (-sorted[i] / 1e6).exp();
        (expected - size(i) / size(sorted.len())).abs()
    });
    let worst = distance.fold(0.0, f64::max);
    assert!(worst * size(sorted.len()).sqrt() < 1.95, "{worst}");
}

#[test]
fn the_warm_up_has_the_first_level() {
    let stages = ["1s@100..200".parse().unwrap()];
    let schedule = Schedule::new(Duration::from_secs(2), &stages);
    assert_eq!(schedule.measured_from(), 2 * SECOND);
    assert_eq!(schedule.end(), 3 * SECOND);
    for (at, level) in [
        (0, 100.0),
        (SECOND, 100.0),
        (2 * SECOND, 100.0),
        (5 * SECOND / 2, 150.0),
    ] {
        assert!((schedule.level(at) - level).abs() < 1e-9, "{at}");
    }
    assert!(schedule.level(3 * SECOND).abs() < 1e-9);
}

#[test]
fn stages_are_read_and_written() {
    for (text, good) in [
        ("30s@100", true),
        ("30s@100..1000", true),
        ("1500ms@0.5..2", true),
        ("30s", false),
        ("@100", false),
        ("30s@", false),
        ("0s@100", false),
        ("30s@-1", false),
        ("30s@0", false),
        ("30s@1e9", false),
        ("30s@nan", false),
        ("30x@1", false),
    ] {
        let stage = text.parse::<Stage>();
        assert_eq!(stage.is_ok(), good, "{text}");
        if let Ok(stage) = stage {
            assert_eq!(stage.to_string(), text);
        }
    }
}

#[test]
fn any_stage_is_read_as_it_was_written() {
    arbtest(|u| {
        let stage = Stage {
            duration: Duration::from_nanos(u.int_in_range(1..=10_800_000_000_000)?),
            from: f64::from(u.arbitrary::<u32>()?) / 1000.0,
            to: f64::from(u.int_in_range(1..=u32::MAX)?) / 1000.0,
        };
        assert_eq!(stage.to_string().parse(), Ok(stage));
        Ok(())
    });
}
