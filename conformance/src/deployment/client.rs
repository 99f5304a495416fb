//! What an administrator does to a client, and what comes of it: the rows of the document that are about clients.

pub(super) mod configure;
pub(super) mod convert;
pub(super) mod install;
pub(super) mod reset;
pub(super) mod script;
pub(super) mod shown;

use kmspec_runner::listener::Query;
use kmspec_runner::target::client::{End, Verb};
use kmspec_runner::{Link, Listener, Stop};
use kmspec_slmgr::Report;
use kmspec_slmgr::report::License;
use kmspec_wire::kms::envelope::Content;

use super::{read, usable};

/// What the client shows: `dli` or `dlv`.
async fn shows(listener: &mut Listener, verb: Verb) -> Result<Report, Stop> {
    read(verb.name(), &listener.does(verb, "").await?)
}

/// The licence that `dli` shows.
async fn licence(listener: &mut Listener) -> Result<License, Stop> {
    let report = shows(listener, Verb::Show).await?;
    usable(&report, "dli").cloned()
}

/// The last five characters of the key that is installed.
async fn partial_key(listener: &mut Listener) -> Result<Option<String>, Stop> {
    let partial = licence(listener).await?.partial_key;
    Ok(partial.map(|key| key.to_string()))
}

/// Asks for an activation now, of a client that is told of the host.
async fn asks(listener: &mut Listener) -> Result<(Link, Query), Stop> {
    listener.ask(Verb::Activate)?;
    let mut link = listener.bound().await?;
    let query = link.asked().await?;
    Ok((link, query))
}

/// Answers that so many machines were counted.
async fn counts(link: &mut Link, query: &Query, count: u32) -> Result<(), Stop> {
    let message = link.sealed(query, |parts| {
        if let Content::Fields(body) = &mut parts.body {
            body.count = count;
        }
    });
    link.reply(query, &message).await
}

/// The client is activated by a good answer.
async fn is_activated(listener: &mut Listener) -> Result<(), Stop> {
    let (mut link, query) = asks(listener).await?;
    link.send(link.good(&query).encoded()).await?;
    listener.accepts(link).await
}

/// How a client ends that is to ask, and connects to nobody.
async fn asks_nobody(listener: &mut Listener, verb: Verb) -> Result<End, Stop> {
    listener.ask(verb)?;
    listener.keeps_quiet().await
}
