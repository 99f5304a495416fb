//! State files of a lab host and of a lab client.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_lab::check::state(bytes));
