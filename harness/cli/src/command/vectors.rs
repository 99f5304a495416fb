use std::path::Path;
use std::{fs, io};

use kmspec_conformance::vectors;
use kmspec_runner::Exit;

use crate::args::VectorsArgs;
use crate::failure::Failure;
use crate::output::Output;

/// `kmspec vectors`.
pub(crate) fn vectors(args: &VectorsArgs, output: &mut Output) -> Result<Exit, Failure> {
    fs::create_dir_all(&args.output).map_err(|source| unwritten(&args.output, source))?;
    for file in vectors::files() {
        let path = args.output.join(file.name);
        fs::write(&path, &file.text).map_err(|source| unwritten(&path, source))?;
        let tests: usize = file.groups.iter().map(|(_, tests)| tests).sum();
        match tests {
            0 => output.line(path.display())?,
            _ => output.line(format_args!("{}: {tests} tests", path.display()))?,
        }
    }
    Ok(Exit::Holds)
}

fn unwritten(file: &Path, source: io::Error) -> Failure {
    Failure::Write {
        file: file.to_owned(),
        source,
    }
}
