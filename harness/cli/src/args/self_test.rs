use super::run::SelectArgs;
use super::values::{ReportTo, at_least_one};

/// Show that every case can fail: all cases on lab hosts and lab clients with one deliberate fault each.
///
/// Prints which rows catch which fault. Exit code 1 if a case catches no fault, a fault is caught by no case, or a case
/// fails without a fault. With only some of the cases, faults need not be caught; with only some of the faults, cases need
/// not catch one.
#[derive(Debug, clap::Args)]
pub(crate) struct SelfTestArgs {
    /// Only faults whose name matches, as in cmid-zero or client/*; * and ? are wildcards. May be repeated.
    #[arg(long, value_name = "GLOB")]
    pub(crate) fault: Vec<String>,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    /// Faults at the same time.
    #[arg(long, value_name = "NUMBER", default_value_t = 48, value_parser = at_least_one, help_heading = "How to run")]
    pub(crate) jobs: usize,
    /// Where all randomness comes from.
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 0,
        help_heading = "How to run"
    )]
    pub(crate) seed: u64,
    /// Write the matrix, too: json=PATH or html=PATH. May be repeated.
    #[arg(long, value_name = "KIND=PATH", value_hint = clap::ValueHint::AnyPath, help_heading = "What to leave behind")]
    pub(crate) report: Vec<ReportTo>,
}
