//! Cutting a byte stream into PDUs.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_wire::check::stream(bytes));
