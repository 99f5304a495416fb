//! Reads the captures named on the command line, structure only, and shows how fast that was.
#![expect(clippy::print_stdout, reason = "an example is a command line")]

use std::fs::File;
use std::time::Instant;

use kmspec_capture::tcp::Limits;

fn main() -> std::io::Result<()> {
    for path in std::env::args().skip(1) {
        let start = Instant::now();
        let outcome = kmspec_capture::read(File::open(&path)?, Limits::default(), &mut ());
        let took = start.elapsed();
        println!("{path}: {took:?} {outcome:#?}");
    }
    Ok(())
}
