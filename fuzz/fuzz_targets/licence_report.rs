//! What `-dli` and `-dlv` print, in both languages.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_slmgr::check::report(bytes));
