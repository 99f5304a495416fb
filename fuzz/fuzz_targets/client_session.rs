//! Whole attempts of the reference client, with answers that were touched.
#![no_main]

use arbitrary::Unstructured;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_session::check::client_session(&mut Unstructured::new(bytes)));
