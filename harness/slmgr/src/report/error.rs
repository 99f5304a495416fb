use std::fmt;

use thiserror::Error;

/// Everything that is wrong with a report, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportErrors(pub Vec<ReportError>);

/// One thing that is wrong with a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportError {
    /// The line, counted from 1; 0 where it is not there.
    pub line: usize,
    /// The field, by its English label.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: ReportProblem,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReportProblem {
    /// Its value is not of its form.
    #[error("{got:?} is not {wanted}")]
    Malformed {
        /// The form.
        wanted: &'static str,
        /// The value.
        got: String,
    },
    /// It stands twice, and the values differ.
    #[error("it stands there twice, and differs")]
    Repeated,
    /// It is not there.
    #[error("it is missing")]
    Missing,
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        write!(f, "{}: {}", self.field, self.problem)
    }
}

impl fmt::Display for ReportErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("; ")?;
            }
            fmt::Display::fmt(error, f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ReportErrors {}
impl std::error::Error for ReportError {}
