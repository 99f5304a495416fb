//! Packets of a capture, without the file around them.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| kmspec_capture::check::packets(bytes));
