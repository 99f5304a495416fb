//! Sessions that fuzzing found to harm some host once, kept for every host: `conformance/regressions/`.

use kmspec_runner::peer::Arrival;
use kmspec_runner::{Link, Peer, Stop};
use kmspec_session::{Action, Session, Surroundings};

/// The sessions, by name. `kmspec fuzz promote` adds to them.
pub(super) const REGRESSIONS: &[(&str, &str)] = &[(
    "crash-many-contexts",
    include_str!("../../regressions/crash-many-contexts.session"),
)];

/// Plays a session, takes whatever comes, and leaves. What the host sends is judged as every answer is.
pub(super) async fn plays(peer: &Peer, session: &str) -> Result<(), Stop> {
    let session = Session::parse(session).map_err(|error| Stop::Error(error.to_string()))?;
    let mut links: Vec<(u8, Link)> = Vec::new();
    let quiet = peer.endpoint().timing.quiet;
    for step in &session.steps {
        let number = step.connection;
        if matches!(step.action, Action::Connect | Action::Close) {
            links.retain(|(other, _)| *other != number);
        }
        if matches!(step.action, Action::Close | Action::Wait(_)) {
            continue;
        }
        if !links.iter().any(|(other, _)| *other == number) {
            links.push((number, peer.connect().await?));
        }
        let Some((_, link)) = links.iter_mut().find(|(other, _)| *other == number) else {
            continue;
        };
        match &step.action {
            Action::HalfClose => link.half_close().await?,
            Action::Send(sending) => {
                let around = Surroundings {
                    keys: &peer.endpoint().keys,
                    now: peer.now(),
                    mark: u64::from_le_bytes(peer.random()),
                    groups: &[],
                };
                for nth in 0..sending.times.max(1) {
                    link.send(sending.render_nth(&around, nth)).await?;
                }
                while let Arrival::Pdu(_) = link.arrival_within(quiet).await? {}
            }
            Action::Connect | Action::Close | Action::Wait(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_regression_is_in_the_list_and_a_session() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let mut listed: Vec<String> = REGRESSIONS
            .iter()
            .map(|(name, _)| format!("{name}.session"))
            .collect();
        listed.sort();
        assert_eq!(files, listed);
        for (name, text) in REGRESSIONS {
            assert!(Session::parse(text).is_ok(), "{name}");
        }
    }
}
