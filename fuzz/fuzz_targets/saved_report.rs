//! Reports and bundles of runs.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_runner::compare::check::saved(bytes));
