//! Whole sessions with the reference host, out of the grammar that the network fuzzer uses.
#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_session::check::host_session(&mut Unstructured::new(bytes)));
