use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use kmspec_campaign::Finding;
use kmspec_runner::Exit;
use kmspec_session::{Layer, Surroundings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;

use crate::args::PromoteArgs;
use crate::failure::Failure;
use crate::input;
use crate::output::Output;

/// Makes a finding a regression and seeds.
pub(super) fn promote(args: &PromoteArgs, output: &mut Output) -> Result<Exit, Failure> {
    let finding = kmspec_campaign::read(&args.finding).map_err(super::store)?;
    let regressions = args.to.join(REGRESSIONS);
    if !regressions.is_dir() {
        let text = format!(
            "{}: there is no {REGRESSIONS}: give the root of the source tree to --to",
            args.to.display()
        );
        return Err(Failure::Usage(text));
    }
    let name = finding.name();
    // First what may go wrong.
    let list = listed(&args.to, &name)?;
    let facts = &finding.facts;
    let text = format!(
        "# {}: {}\n# {}\n{}",
        facts.kind, facts.about, facts.detail, finding.session
    );
    let mut written = vec![put(
        &regressions,
        &format!("{name}.session"),
        text.as_bytes(),
    )?];
    written.push(put(&args.to, LIST, list.as_bytes())?);
    for (target, octets) in seeds(&finding) {
        let folder = args.to.join("fuzz/seeds").join(target);
        if folder.is_dir() {
            written.push(put(&folder, &name, &octets)?);
        }
    }
    for path in written {
        output.line(format_args!("wrote {path}"))?;
    }
    Ok(Exit::Holds)
}

/// The list of regressions with this one in it.
fn listed(root: &Path, name: &str) -> Result<String, Failure> {
    let file = root.join(LIST);
    let text = input::text(&file)?;
    let parts = text.split_once(BEGIN).and_then(|(before, rest)| {
        let (rows, after) = rest.split_once(END)?;
        Some((before, rows, after))
    });
    let Some((before, rows, after)) = parts else {
        let message = format!("it has no list that begins with {BEGIN:?}");
        return Err(Failure::Content { file, message });
    };
    let named = rows.split("/regressions/").skip(1);
    let mut names: BTreeSet<&str> = named
        .filter_map(|row| row.split_once(".session").map(|(name, _)| name))
        .collect();
    names.insert(name);
    let mut rows = String::from("\n");
    for name in names {
        let _ = write!(
            rows,
            "    (\n        \"{name}\",\n        include_str!(\"../../regressions/{name}.session\"),\n    ),\n"
        );
    }
    Ok([before, BEGIN, &rows, END, after].concat())
}

/// What of a session concerns the parsers of single things: the last thing it sends, which is what it was about.
fn seeds(finding: &Finding) -> Vec<(&'static str, Vec<u8>)> {
    let keys = KeySet::lab();
    let around = Surroundings {
        keys: &keys,
        now: FileTime::UNIX_EPOCH,
        mark: finding.facts.execution,
        groups: &[],
    };
    let Some(last) = finding.session.sendings().last() else {
        return Vec::new();
    };
    let rendered = last.rendered(&around, 0);
    let sent: Vec<u8> = finding
        .session
        .sendings()
        .flat_map(|sending| sending.render(&around))
        .collect();
    let stream = [&[0xff], sent.as_slice()].concat();
    let mut seeds = vec![
        ("pdu", rendered.layer(Layer::Pdu).bytes.clone()),
        ("stream", stream.clone()),
        ("host_stream", stream),
    ];
    for (target, layer) in [("opened_request", Layer::Message), ("stubs", Layer::Stub)] {
        let octets = &rendered.layer(layer).bytes;
        if !octets.is_empty() {
            seeds.push((target, octets.clone()));
        }
    }
    seeds
}

fn put(folder: &Path, name: &str, octets: &[u8]) -> Result<String, Failure> {
    let file = folder.join(name);
    match fs::write(&file, octets) {
        Ok(()) => Ok(file.display().to_string()),
        Err(source) => Err(Failure::Write { file, source }),
    }
}

/// The list of regressions, what begins it and what ends it.
const LIST: &str = "conformance/src/robust/regressions.rs";
const BEGIN: &str = "REGRESSIONS: &[(&str, &str)] = &[";
const END: &str = "];";
/// Where the sessions of regressions are.
const REGRESSIONS: &str = "conformance/regressions";
