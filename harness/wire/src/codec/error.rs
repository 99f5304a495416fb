use std::fmt;

/// Why decoding failed, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Byte offset from the start of the outermost buffer.
    pub at: usize,
    /// Name of the field, as the specification spells it.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What can be wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The buffer ends inside the field.
    Truncated {
        /// Octets the field needs.
        need: usize,
        /// Octets that are left.
        have: usize,
    },
    /// Octets are left behind the last field.
    Trailing {
        /// How many.
        left: usize,
    },
    /// A length or count is larger than what is allowed or present.
    TooLong {
        /// The largest lawful value.
        max: u64,
        /// The value found.
        got: u64,
    },
    /// A length or count is smaller than what is allowed.
    TooShort {
        /// The smallest lawful value.
        min: u64,
        /// The value found.
        got: u64,
    },
    /// Two fields that must be equal are not.
    Disagrees {
        /// What the other field says.
        expected: u64,
        /// The value found.
        got: u64,
    },
    /// The value has no meaning here.
    Unsupported {
        /// The value found.
        got: u64,
    },
    /// The text is not of the field's form; the name of the form.
    Malformed(&'static str),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at byte 0x{:04x}: {}",
            self.field, self.at, self.problem
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { need, have } => write!(f, "needs {need} bytes, {have} left"),
            Self::Trailing { left } => write!(f, "{left} bytes left over"),
            Self::TooLong { max, got } => write!(f, "{got} is more than {max}"),
            Self::TooShort { min, got } => write!(f, "{got} is less than {min}"),
            Self::Disagrees { expected, got } => write!(f, "{got} where {expected} was announced"),
            Self::Unsupported { got } => write!(f, "{got} (0x{got:x}) has no meaning here"),
            Self::Malformed(form) => write!(f, "not {form}"),
        }
    }
}

impl std::error::Error for DecodeError {}
