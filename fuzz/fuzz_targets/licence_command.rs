//! Words typed behind the licence manager script: verbs, keys, host addresses, ids.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_slmgr::check::command(bytes));
