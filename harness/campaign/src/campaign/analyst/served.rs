use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use kmspec_runner::target::LaunchError;
use kmspec_session::{Content, Offer, Session, Step};

use super::{Analyst, BLOCKERS, SEARCHING, lock};
use crate::examine::Suspicion;
use crate::finding::{Kind, Standing, shape};
use crate::play::Manner;
use crate::trial::{BLOCKED, EXHAUSTED, Sought};

impl Analyst {
    /// Asks as two honest clients while everybody else plays; a suspicion if one of them is not served.
    pub(super) async fn probe(&self) -> Option<Suspicion> {
        if self.shared.down.load(Ordering::Relaxed) {
            return None;
        }
        let address = self.ground.address();
        let served = self.player.serves_two(address, Manner::STEADY.owed).await;
        let about = match served {
            Some(true) => return None,
            Some(false) => BLOCKED,
            None => EXHAUSTED,
        };
        let sought = Sought {
            kind: Kind::Hang,
            about: about.to_owned(),
        };
        if !lock(&self.shared.known).is_news(&sought.signature()) {
            return None;
        }
        let (execution, recent) = lock(&self.shared.recent).back().cloned()?;
        let (session, detail) = if about == BLOCKED {
            let detail = "A bind is not answered while another client is there.";
            (Arc::new(one_client()), detail)
        } else {
            let detail = "No bind is answered any more, though the target accepts connections.";
            (recent, detail)
        };
        Some(Suspicion {
            sought,
            session,
            execution,
            detail: detail.to_owned(),
        })
    }

    /// An honest client was not served. Alone it is: then some session keeps others out while it lasts. It is not: then
    /// some session, played often enough, uses up what the target has.
    pub(super) async fn exhausted(&mut self, suspicion: Suspicion) -> Result<(), LaunchError> {
        if !self.ground.accepts().await {
            return self.crashed(suspicion).await;
        }
        let signature = suspicion.sought.signature();
        if self.trials().serves().await {
            lock(&self.shared.known).doubt(&signature);
            return self.find_blocker(&suspicion).await;
        }
        self.trials().renew().await?;
        if self
            .blocks(suspicion.execution, Arc::new(one_client()))
            .await?
        {
            return Ok(());
        }
        let until = Instant::now() + SEARCHING;
        for (execution, session) in self.shapes() {
            if Instant::now() >= until {
                break;
            }
            let sought = suspicion.sought.clone();
            let shown = self
                .trials()
                .shows(&sought, &session, Manner::QUICK)
                .await?;
            if let Some(shown) = shown {
                let suspicion = Suspicion {
                    sought,
                    session,
                    execution,
                    detail: shown.detail,
                };
                return self.confirm(suspicion).await;
            }
        }
        // All of them together did it: that much is certain.
        let counts = (Standing::Seen, 0, 1);
        self.put(&suspicion, counts, &suspicion.session, None);
        self.trials().renew().await
    }

    /// Sessions that hold up all others: whoever was not answered is not to blame. The plainest first, for a host that takes
    /// one client at a time is held up by each.
    pub(super) async fn find_blocker(&mut self, suspicion: &Suspicion) -> Result<(), LaunchError> {
        let plainest = (suspicion.execution, Arc::new(one_client()));
        let recent: Vec<_> = lock(&self.shared.recent)
            .iter()
            .rev()
            .take(BLOCKERS)
            .cloned()
            .collect();
        for (execution, session) in std::iter::once(plainest).chain(recent) {
            if self.blocks(execution, session).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether nobody else is served while this session lasts, or it is not answered itself; that is then looked into.
    async fn blocks(&mut self, execution: u64, session: Arc<Session>) -> Result<bool, LaunchError> {
        let sought = Sought {
            kind: Kind::Hang,
            about: BLOCKED.to_owned(),
        };
        let mut trials = self.trials();
        let Some(shown) = trials.shows(&sought, &session, Manner::STEADY).await? else {
            return Ok(false);
        };
        let sought = Sought {
            kind: shown.kind,
            about: shown.about,
        };
        if lock(&self.shared.known).is_settled(&sought.signature()) {
            return Ok(true);
        }
        let suspicion = Suspicion {
            sought,
            session,
            execution,
            detail: shown.detail,
        };
        Box::pin(self.confirm(suspicion)).await?;
        Ok(true)
    }

    /// The last sessions, one of each shape, the shortest first.
    fn shapes(&self) -> Vec<(u64, Arc<Session>)> {
        let mut shapes = BTreeSet::new();
        let recent = lock(&self.shared.recent);
        let mut sessions: Vec<_> = recent.iter().rev().cloned().collect();
        sessions.retain(|(_, session)| shapes.insert(shape(session)));
        sessions.sort_by_key(|(_, session)| session.steps.len());
        sessions
    }
}

/// A client that does nothing but bind.
fn one_client() -> Session {
    let bind = Content::Bind(Offer::kms());
    Session {
        steps: vec![Step::send(bind)],
    }
}
