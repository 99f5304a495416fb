//! What a Locust master says.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_load::locust::check::master(bytes));
