//! One story many times at once.

use std::sync::{Arc, Mutex};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::task::{JoinError, JoinSet};

use super::Peer;
use crate::verdict::Stop;

impl Peer {
    /// Plays `story` `count` times, `at_once` at a time, each with its number and with a peer that has randomness of
    /// its own: what a story draws does not depend on which of the others is faster.
    ///
    /// # Errors
    /// The first story that ends early; the others are then abandoned.
    pub async fn in_parallel<F, S>(
        &self,
        count: usize,
        at_once: usize,
        story: F,
    ) -> Result<(), Stop>
    where
        F: Fn(Self, usize) -> S,
        S: Future<Output = Result<(), Stop>> + Send + 'static,
    {
        let mut playing = JoinSet::new();
        for nth in 0..count {
            if playing.len() >= at_once.max(1) {
                ended(playing.join_next().await)?;
            }
            playing.spawn(story(self.branch(), nth));
        }
        while !playing.is_empty() {
            ended(playing.join_next().await)?;
        }
        Ok(())
    }

    /// A peer of the same case with a stream of randomness of its own.
    fn branch(&self) -> Self {
        let rng = ChaCha8Rng::from_seed(self.random());
        Self {
            rng: Arc::new(Mutex::new(rng)),
            ..self.clone()
        }
    }
}

fn ended(story: Option<Result<Result<(), Stop>, JoinError>>) -> Result<(), Stop> {
    match story {
        None => Ok(()),
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) => Err(Stop::Error(format!("a story broke off: {error}"))),
    }
}
