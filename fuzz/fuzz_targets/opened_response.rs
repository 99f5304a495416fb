//! Opening of any response under the lab keys.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_wire::check::opened_response(bytes));
