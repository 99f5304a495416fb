use kmspec_model::client::State;

use super::saved::ClientState;
use crate::state::{StateError, StateFile};

/// Where a client keeps what it remembers.
pub trait Store: Send + Sync {
    /// Keeps this state in place of the one before, all of it or nothing.
    ///
    /// # Errors
    /// It cannot be kept; the one before still is.
    fn save(&self, state: &State) -> Result<(), StateError>;
}

/// Keeps nothing: the client ends with its process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forget;

impl Store for Forget {
    fn save(&self, _: &State) -> Result<(), StateError> {
        Ok(())
    }
}

impl Store for StateFile<ClientState> {
    fn save(&self, state: &State) -> Result<(), StateError> {
        Self::save(self, &ClientState::of(state))
    }
}

impl StateFile<ClientState> {
    /// The state of the client in the file; `None` if there is none yet.
    ///
    /// # Errors
    /// As [`Self::load`], or a field of it makes no sense; then the file is left as it is.
    pub fn client(&self) -> Result<Option<State>, StateError> {
        let state = self.load()?.map(ClientState::state).transpose();
        state.map_err(|error| StateError::Foreign {
            file: self.path().to_owned(),
            problem: error.to_string(),
        })
    }
}
