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
    written.push(list(&args.to, &name)?);
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

/// Names a regression in the list of them.
fn list(root: &Path, name: &str) -> Result<String, Failure> {
    let file = root.join(LIST);
    let text = input::text(&file)?;
    let Some((before, after)) = text.split_once(END) else {
        let message = format!("it has no list that ends with {:?}", END.trim());
        return Err(Failure::Content { file, message });
    };
    if before.contains(&format!("\"{name}\"")) {
        return Ok(file.display().to_string());
    }
    let row = format!(
        "    (\n        \"{name}\",\n        include_str!(\"../../regressions/{name}.session\"),\n    ),\n"
    );
    let text = format!("{before}\n{row}{}{after}", END.trim_start_matches('\n'));
    let folder = file.parent().unwrap_or(root).to_owned();
    put(&folder, "regressions.rs", text.as_bytes())
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
    let mut seeds = vec![
        ("pdu", rendered.layer(Layer::Pdu).bytes.clone()),
        ("stream", [&[0xff], sent.as_slice()].concat()),
    ];
    for (target, layer) in [("opened", Layer::Message), ("stubs", Layer::Stub)] {
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

/// The list of regressions, and what ends it.
const LIST: &str = "conformance/src/robust/regressions.rs";
const END: &str = "\n];\n";
/// Where the sessions of regressions are.
const REGRESSIONS: &str = "conformance/regressions";
