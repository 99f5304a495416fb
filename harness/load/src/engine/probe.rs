use std::cell::Cell;
use std::sync::Arc;

use kmspec_wire::ndr::TransferSyntax;

use super::LoadError;
use super::desk::{Next, Work};
use super::dial::Tcp;
use super::link::{Link, Manner, Trouble};
use crate::client::{Job, Sent};
use crate::measure::ErrorClass;
use crate::plan::{Endpoint, Plan, Reuse};
use crate::prepare::Pool;

/// Asks once in each transfer syntax of the plan. A target that does not answer is one error and not a million.
pub(super) fn probe(plan: &Plan, endpoint: &Endpoint, pool: &Arc<Pool>) -> Result<(), LoadError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(LoadError::Thread)?;
    for syntax in plan.mix.syntaxes.kinds() {
        let manner = Manner {
            dial: Tcp(endpoint.address),
            pool: Arc::clone(pool),
            keys: Arc::clone(&endpoint.keys),
            syntax,
            timeout: plan.timeout,
            pipeline: 1,
            reuse: Reuse::New,
        };
        let asked = runtime.block_on(ask(&manner, plan.verify > 0.0));
        asked.map_err(|trouble| LoadError::Unfit {
            name: endpoint.name.clone(),
            syntax: TransferSyntax::name(syntax),
            what: trouble.to_string(),
        })?;
    }
    Ok(())
}

async fn ask(manner: &Manner<Tcp>, verify: bool) -> Result<(), Trouble> {
    let mut link = Link::open(manner).await?;
    let only = Only::default();
    let job = Job {
        place: 0,
        verify,
        due: 0,
    };
    // The link's own alarm needs a clock, which this desk has not.
    drop(tokio::time::timeout(manner.timeout, link.once(&only, job, 0)).await);
    match only.0.take() {
        Some(Ok(())) => Ok(()),
        Some(Err(class)) => Err(class.into()),
        None => Err(ErrorClass::Timeout.into()),
    }
}

/// Remembers what became of the only request.
#[derive(Default)]
struct Only(Cell<Option<Result<(), ErrorClass>>>);

impl Work for Only {
    fn now(&self) -> u64 {
        0
    }

    fn next(&self, _: usize) -> Next {
        Next::Over
    }

    async fn wake(&self) {}

    fn wakes(&self) -> bool {
        false
    }

    fn sent(&self, _: &Job, _: usize) {}

    fn answered(&self, _: &Sent, _: u64, outcome: Result<(), ErrorClass>) {
        self.0.set(Some(outcome));
    }

    fn failed(&self, _: u64, class: ErrorClass) {
        self.0.set(Some(Err(class)));
    }

    fn connected(&self) {}

    fn received(&self, _: usize, _: u64) {}
}
