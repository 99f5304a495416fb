//! Whatever octets come on one connection of the reference host.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_session::check::host_stream(bytes));
