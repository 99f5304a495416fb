//! Opening of any request under the lab keys.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_wire::check::opened_request(bytes));
