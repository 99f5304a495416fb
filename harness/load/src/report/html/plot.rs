use std::fmt::Write as _;

use crate::num::size;

/// A plot of some lines.
pub(super) struct Plot {
    pub(super) title: &'static str,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
}

/// One axis.
pub(super) struct Axis {
    pub(super) label: &'static str,
    pub(super) scale: Scale,
    /// A value as text.
    pub(super) show: fn(f64) -> String,
}

/// How values become places.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scale {
    Linear {
        from: f64,
        to: f64,
    },
    /// By powers of ten.
    Powers {
        from: i32,
        to: i32,
    },
}

/// One line.
pub(super) struct Line {
    name: &'static str,
    /// Its class, which has its colour.
    class: &'static str,
    pub(super) points: Vec<(f64, f64)>,
    /// Points so far apart or farther are not joined.
    gap: f64,
}

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 300.0;
/// Room at the left for labels.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 45.0;
/// Most points of a line; of more than that every so many are one, the highest.
const POINTS: usize = 900;

impl Line {
    /// A line through all of these.
    pub(super) fn new(name: &'static str, class: &'static str, points: Vec<(f64, f64)>) -> Self {
        let points = if points.len() > POINTS {
            let highest =
                |some: &[(f64, f64)]| some.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
            points
                .chunks(points.len().div_ceil(POINTS))
                .filter_map(highest)
                .collect()
        } else {
            points
        };
        Self {
            name,
            class,
            points,
            gap: f64::INFINITY,
        }
    }

    /// The same where neighbours are one apart, broken where one is missing; not if there are too many to be told apart.
    pub(super) fn by_ones(mut self) -> Self {
        let (first, last) = (self.points.first(), self.points.last());
        let reach = first
            .zip(last)
            .map_or(0.0, |(first, last)| last.0 - first.0);
        if reach < size(POINTS) {
            self.gap = 1.5;
        }
        self
    }
}

impl Scale {
    /// Whole powers of ten around all points that are above 0.
    pub(super) fn around(lines: &[Line]) -> Self {
        let values = || {
            lines
                .iter()
                .flat_map(|line| &line.points)
                .map(|point| point.1)
                .filter(|value| *value > 0.0)
        };
        let power = |value: f64, round: fn(f64) -> f64| {
            (-15..=15).find(|n| f64::from(*n) >= round(value.log10()))
        };
        let low = values()
            .reduce(f64::min)
            .and_then(|low| power(low, f64::floor))
            .unwrap_or(3);
        let high = values()
            .reduce(f64::max)
            .and_then(|high| power(high, f64::ceil))
            .unwrap_or(6);
        Self::Powers {
            from: low,
            to: high.max(low + 1),
        }
    }

    /// Where a value stands, from 0 to 1.
    fn place(self, value: f64) -> f64 {
        let place = match self {
            Self::Linear { from, to } => (value - from) / (to - from),
            Self::Powers { from, to } => {
                let from = f64::from(from);
                (value.max(f64::MIN_POSITIVE).log10() - from) / (f64::from(to) - from)
            }
        };
        place.clamp(0.0, 1.0)
    }

    /// Where to put labels.
    fn ticks(self) -> Vec<f64> {
        match self {
            Self::Powers { from, to } => (from..=to).map(|power| 10f64.powi(power)).collect(),
            Self::Linear { from, to } => {
                let rough = (to - from) / 8.0;
                let power = 10f64.powf(rough.log10().floor());
                let steps = [1.0, 2.0, 5.0, 10.0].map(|n| n * power);
                let step = steps
                    .into_iter()
                    .find(|step| *step >= rough)
                    .unwrap_or(power);
                let first = (from / step).ceil();
                (0..=10)
                    .map(|n| (first + f64::from(n)) * step)
                    .take_while(|tick| *tick <= to)
                    .collect()
            }
        }
    }
}

impl Plot {
    /// The drawing, with a legend, and a title for those who cannot see it.
    pub(super) fn svg(&self) -> String {
        let mut svg = String::new();
        let _ = writeln!(
            svg,
            "<figure>\n<figcaption>{0}</figcaption>\n<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\">",
            self.title
        );
        self.axes(&mut svg);
        for line in &self.lines {
            self.line(&mut svg, line);
        }
        self.legend(&mut svg);
        svg.push_str("</svg>\n</figure>\n");
        svg
    }

    fn x(&self, value: f64) -> f64 {
        self.x
            .scale
            .place(value)
            .mul_add(WIDTH - LEFT - RIGHT, LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        (1.0 - self.y.scale.place(value)).mul_add(HEIGHT - TOP - BOTTOM, TOP)
    }

    fn axes(&self, svg: &mut String) {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for tick in self.y.scale.ticks() {
            let y = self.y(tick);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{right}\" y2=\"{y:.1}\"/>\
                 <text class=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                LEFT - 8.0,
                y + 4.0,
                (self.y.show)(tick)
            );
        }
        for tick in self.x.scale.ticks() {
            let x = self.x(tick);
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>\
                 <text class=\"middle\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>",
                bottom + 16.0,
                (self.x.show)(tick)
            );
        }
        let _ = writeln!(
            svg,
            "<text class=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            f64::midpoint(LEFT, right),
            HEIGHT - 8.0,
            self.x.label,
            4.0,
            TOP - 16.0,
            self.y.label
        );
    }

    fn line(&self, svg: &mut String, line: &Line) {
        for part in line.points.chunk_by(|one, next| next.0 - one.0 < line.gap) {
            // A point alone is a line from itself to itself, which round ends make a dot.
            let ends = if part.len() == 1 { 2 } else { 1 };
            let points: Vec<String> = part
                .iter()
                .flat_map(|point| std::iter::repeat_n(point, ends))
                .map(|(x, y)| format!("{:.1},{:.1}", self.x(*x), self.y(*y)))
                .collect();
            let _ = writeln!(
                svg,
                "<polyline class=\"{}\" points=\"{}\"/>",
                line.class,
                points.join(" ")
            );
        }
    }

    fn legend(&self, svg: &mut String) {
        let mut x = LEFT + 60.0;
        for line in &self.lines {
            let _ = writeln!(
                svg,
                "<line class=\"{}\" x1=\"{x}\" y1=\"20\" x2=\"{}\" y2=\"20\"/><text x=\"{}\" y=\"24\">{}</text>",
                line.class,
                x + 24.0,
                x + 30.0,
                line.name
            );
            x += 120.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_on_the_axis() {
        for (from, to, expected) in [
            (0.0, 5.0, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]),
            (0.0, 1050.0, vec![0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]),
        ] {
            assert_eq!(Scale::Linear { from, to }.ticks(), expected);
        }
        assert_eq!(
            Scale::Powers { from: 2, to: 4 }.ticks(),
            [100.0, 1000.0, 10_000.0]
        );
    }

    #[test]
    fn a_scale_holds_its_points() {
        let line = Line::new("", "", vec![(0.0, 150.0), (1.0, 0.0), (2.0, 2_000_000.0)]);
        let Scale::Powers { from, to } = Scale::around(&[line]) else {
            panic!("by powers")
        };
        assert_eq!((from, to), (2, 7));
    }

    #[test]
    fn a_line_is_broken_where_a_second_is_missing() {
        let line = Line::new("", "c1", vec![(0.0, 1.0), (1.0, 1.0), (3.0, 1.0)]).by_ones();
        let axis = || Axis {
            label: "",
            scale: Scale::Linear { from: 0.0, to: 3.0 },
            show: |value| value.to_string(),
        };
        let plot = Plot {
            title: "",
            x: axis(),
            y: axis(),
            lines: vec![line],
        };
        assert_eq!(plot.svg().matches("<polyline").count(), 2);
    }

    #[test]
    fn a_long_line_keeps_its_peaks() {
        let mut points: Vec<(f64, f64)> = (0..10_000_u32).map(|n| (f64::from(n), 1.0)).collect();
        points[7777].1 = 9.0;
        let line = Line::new("", "", points);
        assert!(line.points.len() <= POINTS);
        assert!(line.points.iter().any(|point| point.1 > 8.0));
    }
}
