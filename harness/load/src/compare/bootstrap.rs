use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::mean;
use crate::num::{count, index, size};

/// A ratio with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The ratio.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Part of the values that is left out at either end.
const TRIMMED: f64 = 0.2;
/// The same draws each time: whoever compares the same runs again gets the same answer.
const SEED: u64 = 0x0062_6f6f_7473;

/// The middle of the second sample by that of the first. `figures` is how many such questions are asked at once: together
/// they are wrong in one of a hundred cases.
///
/// The interval is that of the logarithm, with the bootstrap's standard error and Student's quantile. Ends of the bootstrap
/// distribution itself would need far more draws at this confidence, and are too narrow for few seconds. What counts as
/// one observation is a block: a machine that is slow for some seconds on end was slow once, not some times.
pub(super) fn ratio(first: &[f64], second: &[f64], figures: usize, draws: usize) -> Ratio {
    let middles = |values: &[f64]| middle(&mut values.to_vec()).max(f64::MIN_POSITIVE);
    let value = middles(second) / middles(first);
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let logs: Vec<f64> = (0..draws)
        .map(|_| {
            let one = middle(&mut drawn(first, &mut random)).max(f64::MIN_POSITIVE);
            let two = middle(&mut drawn(second, &mut random)).max(f64::MIN_POSITIVE);
            (two / one).ln()
        })
        .collect();
    let centre = mean(&logs);
    let variance =
        logs.iter().map(|log| (log - centre).powi(2)).sum::<f64>() / size(draws.max(2) - 1);
    let blocks = |values: &[f64]| size(values.len()) / size(block(values.len()));
    let few = blocks(first).min(blocks(second)).max(1.5);
    // Draws of so few blocks are less far apart than the runs they stand for.
    let variance = variance * few / (few - 1.0);
    let freedom = blocks(first) + blocks(second) - 2.0;
    let reach = student(1.0 - 0.005 / size(figures.max(1)), freedom.max(1.0)) * variance.sqrt();
    Ratio {
        value,
        low: (value.ln() - reach).exp(),
        high: (value.ln() + reach).exp(),
    }
}

/// The mean of the middle 60 %. The values come out in another order.
pub(super) fn middle(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let cut = index(count(size(values.len()) * TRIMMED));
    mean(
        values
            .get(cut..values.len().saturating_sub(cut))
            .unwrap_or(values),
    )
}

/// Values in a block of a sample of so many: a few more than there are blocks, since machines are slow for seconds on end.
fn block(values: usize) -> usize {
    values.isqrt() + 1
}

/// A sample drawn from another in blocks of neighbours; behind the last value comes the first.
fn drawn(values: &[f64], random: &mut ChaCha8Rng) -> Vec<f64> {
    let length = block(values.len());
    let mut drawn = Vec::with_capacity(values.len() + length);
    while drawn.len() < values.len() {
        let start = random.random_range(0..values.len());
        drawn.extend(values.iter().cycle().skip(start).take(length));
    }
    drawn.truncate(values.len());
    drawn
}

/// Quantile of Student's distribution, by the first terms of its expansion around the normal one.
/// Source: Abramowitz and Stegun 26.7.5.
fn student(p: f64, freedom: f64) -> f64 {
    let z = normal(p);
    let one = (z.powi(3) + z) / 4.0;
    let two = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let three = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    let four = (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5)
        - 1920.0 * z.powi(3)
        - 945.0 * z)
        / 92_160.0;
    z + one / freedom + two / freedom.powi(2) + three / freedom.powi(3) + four / freedom.powi(4)
}

/// Quantile of the normal distribution above its middle. Source: Abramowitz and Stegun 26.2.23.
fn normal(p: f64) -> f64 {
    let t = (-2.0 * (1.0 - p).ln()).sqrt();
    let top = 0.010_328_f64.mul_add(t, 0.802_853).mul_add(t, 2.515_517);
    let bottom = 0.001_308_f64
        .mul_add(t, 0.189_269)
        .mul_add(t, 1.432_788)
        .mul_add(t, 1.0);
    t - top / bottom
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (p, freedom, expected) in [
            (0.995, 1e9, 2.576),
            (0.995, 30.0, 2.750),
            (0.995, 10.0, 3.169),
            (0.9995, 20.0, 3.850),
            (0.9975, 4.0, 5.598),
        ] {
            let got = student(p, freedom);
            assert!((got / expected - 1.0).abs() < 0.01, "{p} {freedom}: {got}");
        }
    }

    #[test]
    fn the_middle_leaves_the_ends_out() {
        assert!((middle(&mut [1000.0, 1.0, 2.0, 3.0, -50.0]) - 2.0).abs() < 1e-12);
        assert!((middle(&mut [7.0]) - 7.0).abs() < 1e-12);
    }

    #[test]
    fn a_draw_has_blocks_of_neighbours() {
        let values: Vec<f64> = (0..27_u32).map(f64::from).collect();
        let drawn = drawn(&values, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(drawn.len(), 27);
        for block in drawn.chunks_exact(6) {
            let next = |value: f64| (value + 1.0) % 27.0;
            for pair in block.windows(2) {
                assert!((pair[1] - next(pair[0])).abs() < 1e-9, "{block:?}");
            }
        }
    }
}
