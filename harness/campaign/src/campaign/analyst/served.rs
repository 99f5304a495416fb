use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use kmspec_runner::target::LaunchError;
use kmspec_session::Session;

use super::{Analyst, SEARCHING, lock};
use crate::examine::Suspicion;
use crate::finding::{Kind, Standing, shape};
use crate::play::Manner;
use crate::trial::{EXHAUSTED, Sought};

impl Analyst {
    /// Asks as an honest client while everybody else plays; a suspicion if it is not served.
    pub(super) async fn probe(&self) -> Option<Suspicion> {
        let address = self.ground.address();
        let patience = Manner::STEADY.owed;
        if self.shared.down.load(Ordering::Relaxed) || self.player.serves(address, patience).await {
            return None;
        }
        let sought = Sought {
            kind: Kind::Hang,
            about: EXHAUSTED.to_owned(),
        };
        if !lock(&self.shared.known).is_news(&sought.signature()) {
            return None;
        }
        let (execution, session) = lock(&self.shared.recent).back().cloned()?;
        Some(Suspicion {
            sought,
            session,
            execution,
            detail: "No bind is answered any more, though the target accepts connections."
                .to_owned(),
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
