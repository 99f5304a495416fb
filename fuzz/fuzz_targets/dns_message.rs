//! A DNS message, to a server and to a client.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_dns::check::message(bytes));
