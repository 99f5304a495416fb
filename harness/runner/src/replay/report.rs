//! Whole captures played against a target, for people.

use std::fmt;
use std::sync::Arc;

use kmspec_rules::Memory;
use kmspec_wire::keys::KeySet;

use super::compare::{Difference, Status};
use super::play::{Mode, Played, play};
use super::recording::{Recorded, Recording};
use crate::exit::Exit;
use crate::peer::{Endpoint, Peer, Record, system_time};
use crate::plan::Options;
use crate::target::{LaunchError, Origin, Target};
use crate::verdict::{Stop, Verdict};

/// What came of playing a capture.
#[derive(Debug)]
pub struct Report {
    /// Name of the file.
    pub file: String,
    /// What became of each exchange, in the file's order.
    pub exchanges: Vec<Line>,
    /// Why the rest of the file could not be read, with the byte offset.
    pub damage: Option<String>,
}

/// What became of an exchange.
#[derive(Debug)]
pub struct Line {
    /// Its connection.
    pub stream: u32,
    /// Its place: stream and call.
    pub place: String,
    /// The packet that completed the request.
    pub packet: u64,
    /// The comparison, or why there is none.
    pub played: Result<Played, Unplayed>,
}

/// Why an exchange was not compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unplayed {
    /// It cannot be played.
    Skipped(String),
    /// The target could not be asked.
    Error(String),
}

impl Line {
    /// Whether the target is to blame for something.
    pub fn is_wrong(&self) -> bool {
        matches!(&self.played, Ok(played) if played.wrong().is_some())
    }
}

impl Report {
    /// Exchanges in which the target is to blame for something.
    pub fn wrong(&self) -> usize {
        self.exchanges.iter().filter(|line| line.is_wrong()).count()
    }

    /// Whether everything could be played that the file should hold: no damage, no target lost.
    pub fn is_complete(&self) -> bool {
        let lost = |line: &Line| matches!(line.played, Err(Unplayed::Error(_)));
        self.damage.is_none() && !self.exchanges.iter().any(lost)
    }
}

/// What reports of whole files come to: a damaged file or a target that could not be asked is not judged; nothing
/// compared is never success.
pub fn exit(reports: &[Report]) -> Exit {
    let verdicts = reports.iter().flat_map(|report| &report.exchanges);
    let verdicts = verdicts.map(|line| match &line.played {
        Ok(_) if line.is_wrong() => Verdict::Fail,
        Ok(_) => Verdict::Pass,
        Err(Unplayed::Skipped(_)) => Verdict::Skip,
        Err(Unplayed::Error(_)) => Verdict::Error,
    });
    Exit::of(verdicts, reports.iter().all(Report::is_complete))
}

/// Plays whole recordings against a target, and gives each report to `each` as it is known. A target that is ours to
/// start is started anew for each recording, so that no recording's machines fill the list for the next.
///
/// # Errors
/// The target cannot be started.
pub async fn replay_all(
    recordings: &[Recording],
    target: &Target,
    mode: Mode,
    keys: &KeySet,
    options: &Options,
    mut each: impl FnMut(&Report),
) -> Result<Vec<Report>, LaunchError> {
    let mut reports = Vec::with_capacity(recordings.len());
    for recording in recordings {
        let instance = match &target.origin {
            Origin::Address(_) => None,
            Origin::Launch(launch) => Some(launch.start().await?),
            Origin::Client(_) => return Err(LaunchError::NotOurs),
        };
        let address = match (&target.origin, &instance) {
            (Origin::Address(address), _) => *address,
            (_, Some(instance)) => instance.address(),
            (Origin::Launch(_) | Origin::Client(_), None) => return Err(LaunchError::NotOurs),
        };
        let endpoint = Arc::new(Endpoint {
            address,
            call: target.call.clone(),
            keys: Arc::clone(&target.keys),
            timing: options.timing,
            now: Some(options.now.unwrap_or_else(system_time)),
            memory: Memory::default(),
            controls: instance.as_ref().and_then(|instance| instance.controls()),
        });
        let report = replay(recording, &endpoint, mode, keys, options.seed).await;
        if let Some(instance) = instance {
            instance.stop().await;
        }
        each(&report);
        reports.push(report);
    }
    Ok(reports)
}

/// Plays all exchanges of a recording, one after the other; `keys` are those the recording was made under.
pub async fn replay(
    recording: &Recording,
    endpoint: &Arc<Endpoint>,
    mode: Mode,
    keys: &KeySet,
    seed: u64,
) -> Report {
    let mut exchanges = Vec::with_capacity(recording.exchanges.len());
    for recorded in &recording.exchanges {
        exchanges.push(line(recorded, endpoint, mode, keys, seed).await);
    }
    Report {
        file: recording.file.clone(),
        exchanges,
        damage: recording.damage.as_ref().map(ToString::to_string),
    }
}

async fn line(
    recorded: &Recorded,
    endpoint: &Arc<Endpoint>,
    mode: Mode,
    keys: &KeySet,
    seed: u64,
) -> Line {
    let record = Arc::new(Record::default());
    let peer = Peer::new(Arc::clone(endpoint), record, seed, &recorded.name());
    let played = match play(&peer, recorded, mode, keys).await {
        Ok(played) => Ok(played),
        Err(Stop::Skip(reason)) => Err(Unplayed::Skipped(reason)),
        Err(Stop::Error(reason)) => Err(Unplayed::Error(reason)),
        Err(Stop::Fail(failure)) => Err(Unplayed::Error(failure.to_string())),
    };
    Line {
        stream: recorded.stream,
        place: recorded.place(),
        packet: recorded.packet,
        played,
    }
}

/// One line an exchange that is not as recorded, its differences side by side below, and a summary of the file.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.file)?;
        let mut before: Option<&Line> = None;
        for line in &self.exchanges {
            line.write(f, before.filter(|before| before.binds_like(line)))?;
            before = Some(line);
        }
        if let Some(damage) = &self.damage {
            writeln!(f, "  damaged: {damage}")?;
        }
        let count =
            |test: &dyn Fn(&Line) -> bool| self.exchanges.iter().filter(|l| test(l)).count();
        let skipped = count(&|line| matches!(line.played, Err(Unplayed::Skipped(_))));
        let errors = count(&|line| matches!(line.played, Err(Unplayed::Error(_))));
        let explained = count(&|line| !line.is_wrong() && line.is_explained());
        let wrong = self.wrong();
        let all = self.exchanges.len();
        let same = all - skipped - errors - explained - wrong;
        write!(
            f,
            "  {all} exchanges: {same} as recorded, {explained} explained, {wrong} wrong, {skipped} skipped, \
             {errors} not judged"
        )
    }
}

impl Line {
    fn is_explained(&self) -> bool {
        matches!(&self.played, Ok(played) if played.differences.iter().any(Difference::is_explained))
    }

    /// Whether the binds before another call of the same connection were answered in the same way.
    fn binds_like(&self, other: &Self) -> bool {
        let told = |line: &Self| -> Option<Vec<Difference>> {
            let played = line.played.as_ref().ok()?;
            let binds = played.differences.get(..played.of_binds)?;
            let told = binds
                .iter()
                .filter(|difference| difference.status != Status::Free);
            Some(told.cloned().collect())
        };
        self.stream == other.stream
            && told(self).is_some_and(|told_here| Some(told_here) == told(other))
    }

    /// The exchange, where there is something to tell; without what was told of one whose binds were answered alike.
    fn write(&self, f: &mut fmt::Formatter<'_>, like: Option<&Self>) -> fmt::Result {
        let Self { place, packet, .. } = self;
        let played = match &self.played {
            Err(Unplayed::Skipped(reason)) => {
                return writeln!(f, "  {place}, packet {packet}: skipped: {reason}");
            }
            Err(Unplayed::Error(reason)) => {
                return writeln!(f, "  {place}, packet {packet}: not judged: {reason}");
            }
            Ok(played) => played,
        };
        let skip = if like.is_some() { played.of_binds } else { 0 };
        let told = played.differences.iter().skip(skip);
        let told: Vec<_> = told
            .filter(|difference| difference.status != Status::Free)
            .collect();
        let noted = like.and_then(|like| like.played.as_ref().ok());
        let noted = noted.is_some_and(|before| before.notes == played.notes);
        if told.is_empty() && (noted || played.notes.is_empty()) {
            return Ok(());
        }
        let verdict = match (self.is_wrong(), told.is_empty()) {
            (true, _) => "wrong",
            (false, false) => "explained",
            (false, true) => "as recorded",
        };
        writeln!(f, "  {place}, packet {packet}: {verdict}")?;
        let notes = played.notes.iter().filter(|_| !noted);
        for note in notes {
            writeln!(f, "    note: {note}")?;
        }
        table(f, &told)
    }
}

/// Field, recorded value, value that came, and why.
fn table(f: &mut fmt::Formatter<'_>, told: &[&Difference]) -> fmt::Result {
    let width = |of: fn(&Difference) -> &str, least: usize| {
        let widths = told.iter().map(|difference| of(difference).chars().count());
        widths.max().unwrap_or_default().clamp(least, WIDEST)
    };
    if told.is_empty() {
        return Ok(());
    }
    let field = width(|difference| &difference.field, 5);
    let recorded = width(|difference| &difference.recorded, 8);
    let got = width(|difference| &difference.got, 3);
    writeln!(
        f,
        "    {:field$} | {:recorded$} | {:got$} | why",
        "field", "recorded", "got"
    )?;
    for difference in told {
        let why = match &difference.status {
            Status::Free => "may differ",
            Status::Explained(reason) => reason,
            Status::Wrong => "WRONG",
        };
        writeln!(
            f,
            "    {:field$} | {:recorded$} | {:got$} | {why}",
            difference.field, difference.recorded, difference.got
        )?;
    }
    Ok(())
}

/// Characters of a column at most; what is longer is not cut, and moves the next column.
const WIDEST: usize = 48;
