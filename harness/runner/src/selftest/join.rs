use super::{Counts, Matrix, Problems, Times};

impl Matrix {
    /// This and another one, of other cases and other faults, as one.
    #[must_use]
    pub fn joined(self, other: Self) -> Self {
        let mut joined = Self {
            counts: self.counts.plus(other.counts),
            problems: self.problems.plus(other.problems),
            faults: chained(self.faults, other.faults),
            cases: chained(self.cases, other.cases),
            idle_rows: chained(self.idle_rows, other.idle_rows),
            times: Times {
                took_ms: self.times.took_ms + other.times.took_ms,
                faults_ms: chained(self.times.faults_ms, other.times.faults_ms),
            },
            ..self
        };
        joined.exit = joined.exit().code();
        joined
    }
}

impl Counts {
    fn plus(self, other: Self) -> Self {
        Self {
            faults: self.faults + other.faults,
            faults_caught: self.faults_caught + other.faults_caught,
            faults_caught_by_about: self.faults_caught_by_about + other.faults_caught_by_about,
            cases: self.cases + other.cases,
            cases_effective: self.cases_effective + other.cases_effective,
            rows: self.rows + other.rows,
            rows_effective: self.rows_effective + other.rows_effective,
            every_answer: self.every_answer + other.every_answer,
            every_answer_effective: self.every_answer_effective + other.every_answer_effective,
        }
    }
}

impl Problems {
    fn plus(self, other: Self) -> Self {
        Self {
            alarms: chained(self.alarms, other.alarms),
            uncaught: chained(self.uncaught, other.uncaught),
            idle_cases: chained(self.idle_cases, other.idle_cases),
            beside: chained(self.beside, other.beside),
            idle_every_answer: chained(self.idle_every_answer, other.idle_every_answer),
            unable: chained(self.unable, other.unable),
        }
    }
}

fn chained<T>(mut one: Vec<T>, other: Vec<T>) -> Vec<T> {
    one.extend(other);
    one
}
