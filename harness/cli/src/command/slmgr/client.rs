//! The licence manager's verbs on a lab client that does not run, by its state file.

use std::net::SocketAddr;
use std::path::Path;

use kmspec_dns::Resolver;
use kmspec_lab::client::{ClientClock, ClientState, DnsLookup, LabClient, Timeouts};
use kmspec_lab::control::{Answer, Request};
use kmspec_lab::state::{StateError, StateFile};
use kmspec_model::client::Client;

use crate::command::lab::seed;
use crate::failure::{Failure, one_line};

/// What came of a command line.
pub(super) fn administer(
    request: &Request,
    path: &Path,
    dns: Option<SocketAddr>,
) -> Result<Answer, Failure> {
    let file = StateFile::<ClientState>::open(path).map_err(wrong)?;
    let state = file.client().map_err(wrong)?;
    let state = state.ok_or_else(|| Failure::Usage("the state is gone".to_owned()))?;
    let clock = ClientClock::system();
    let client = Client::restore(state, clock.now(), seed());
    let lookup = dns.map(|server| DnsLookup::of(Resolver::new(server)));
    let client = LabClient::resting(client, lookup, file, clock, Timeouts::default());
    let done = crate::command::runtime()?.block_on(client.slmgr(request));
    done.map_err(wrong)
}

fn wrong(error: StateError) -> Failure {
    Failure::Usage(one_line(&error.to_string()))
}
