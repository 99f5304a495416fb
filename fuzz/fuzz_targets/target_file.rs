//! Target files, of hosts and of clients.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_runner::target::file::check::file(bytes));
