//! A file of expectations.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_runner::expect::check::file(bytes));
