//! `kmspec bench --find-max`.

use kmspec_load::bottleneck::Bottleneck;
use kmspec_load::gate::Condition;
use kmspec_load::plan::Plan;
use kmspec_load::report::Nanos;
use kmspec_load::schedule::Stage;
use kmspec_load::search::Search;
use kmspec_runner::Exit;

use super::{Under, unable};
use crate::failure::Failure;
use crate::output::{Output, complain};

/// Highest rate that is tried.
const CEILING: f64 = 1e7;
/// Most trials.
const TRIALS: u32 = 30;

/// Tries rates, each for the plan's duration, until the highest that meets the goal is known to 5 %.
///
/// A trial in which a request fails or is dropped does not meet it, whatever its latencies.
pub(super) fn search(
    plan: &Plan,
    goal: &Condition,
    under: &Under,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let stage = plan.stages.first().copied();
    let stage = stage.ok_or_else(|| Failure::Usage("there is no stage".to_owned()))?;
    let mut search = Search::new(stage.from, CEILING, TRIALS);
    let mut limited = None;
    while let Some(rate) = search.next() {
        let plan = Plan {
            stages: vec![Stage::flat(stage.duration, rate)],
            ..plan.clone()
        };
        let outcome =
            kmspec_load::run(&plan, &under.endpoint, &under.interrupt, &()).map_err(unable)?;
        if outcome.interrupted {
            break;
        }
        let judged = goal.judge(&outcome);
        let met = judged.so == Some(true) && outcome.errors() == 0;
        let bottleneck = Bottleneck::of(&outcome).first().copied();
        let said = match (met, bottleneck) {
            (true, _) => "met",
            (false, None) => "missed",
            (false, Some(_)) => "missed, and the generator is the bottleneck",
        };
        output.line(format_args!(
            "{rate:>10.0} requests/s  p50 {:>8}  p99 {:>8}  {} errors  {goal}: {said} ({})",
            Nanos::of(outcome.total.corrected.percentile(50.0)).to_string(),
            Nanos::of(outcome.total.corrected.percentile(99.0)).to_string(),
            outcome.errors(),
            judged.figure
        ))?;
        output.flush()?;
        if !met {
            // Of all rates that were missed, the last one is the lowest.
            limited = bottleneck;
        }
        search.tell(met);
    }
    tell_result(goal, &search, limited, under, output)
}

fn tell_result(
    goal: &Condition,
    search: &Search,
    limited: Option<Bottleneck>,
    under: &Under,
    output: &mut Output,
) -> Result<Exit, Failure> {
    match (search.highest(), search.missed()) {
        (Some(rate), _) => output.line(format_args!("{goal} holds up to {rate:.0} requests/s"))?,
        (None, Some(rate)) => output.line(format_args!(
            "{goal} does not even hold at {rate:.0} requests/s"
        ))?,
        (None, None) => {}
    }
    output.flush()?;
    if under.interrupt.is_asked() {
        complain("not judged: the search was ended before its time");
        return Ok(Exit::NotJudged);
    }
    if let Some(bottleneck) = limited {
        complain(format_args!(
            "not judged: the target may do more: {bottleneck}"
        ));
        return Ok(Exit::NotJudged);
    }
    Ok(match search.highest() {
        Some(_) => Exit::Holds,
        None => Exit::Fails,
    })
}
