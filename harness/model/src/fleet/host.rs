use kmspec_wire::crypto::Block;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::{HResult, RequestBody};

use super::report::{HostReport, Load};
use super::scenario::HostPlan;
use crate::client::{Attempt, Reply};
use crate::connection::Connection;
use crate::host::Host;
use crate::settings::Settings;

/// A host at work.
#[derive(Debug)]
pub(super) struct Serving<'a> {
    pub(super) plan: &'a HostPlan,
    host: Host,
    load: Load,
    /// Outages after which it was told to forget already.
    forgotten: usize,
    /// Who asks it over the wire.
    asking: Option<Attempt>,
}

/// What a host says: its count and both intervals, in minutes.
pub(super) struct Said {
    pub(super) count: u32,
    pub(super) activation: u32,
    pub(super) renewal: u32,
}

impl<'a> Serving<'a> {
    pub(super) fn new(plan: &'a HostPlan, seed: u64) -> Self {
        let settings = Settings {
            activation_interval: plan.activation_interval,
            renewal_interval: plan.renewal_interval,
            seed,
            ..Settings::default()
        };
        Self {
            plan,
            host: Host::new(settings),
            load: Load::default(),
            forgotten: 0,
            asking: None,
        }
    }

    /// Answers; with an IV, all the way over the wire.
    pub(super) fn ask(
        &mut self,
        passed: u64,
        now: FileTime,
        body: &RequestBody,
        iv: Option<Block>,
    ) -> Result<Said, HResult> {
        self.load.one(passed);
        let over = self
            .plan
            .outages
            .iter()
            .take_while(|outage| outage.span.until <= passed);
        let over = over.count();
        let mut newly = self.plan.outages.iter().take(over).skip(self.forgotten);
        if newly.any(|outage| outage.forgets) {
            self.host.forget_clients();
        }
        self.forgotten = over;
        if let Some(iv) = iv {
            return self.over_the_wire(now, body, iv);
        }
        let settings = &self.host.settings;
        let count = self.host.policy.decide(settings, now, body)?;
        Ok(Said {
            count,
            activation: settings.activation_interval.minutes(),
            renewal: settings.renewal_interval.minutes(),
        })
    }

    pub(super) fn report(self, length: u64) -> HostReport {
        HostReport {
            name: self.plan.name.clone(),
            load: self.load.ended(length),
        }
    }

    /// The same question as octets: bind, request, response, verified.
    fn over_the_wire(
        &mut self,
        now: FileTime,
        body: &RequestBody,
        iv: Block,
    ) -> Result<Said, HResult> {
        let host = &mut self.host;
        let attempt = match &mut self.asking {
            Some(attempt) => {
                attempt.again(body, iv);
                attempt
            }
            none => none.insert(Attempt::new(body, iv)),
        };
        let mut connection = Connection::open(host, now, 1688);
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        attempt.connected(&mut asked);
        let reply = loop {
            let next = connection.receive(host, now, &asked, &mut answered);
            asked.clear();
            let reply = attempt.receive(&answered, &mut asked);
            answered.clear();
            if reply.is_some() || asked.is_empty() || !next.is_open() {
                break reply;
            }
        };
        connection.end(host);
        match reply {
            Some(Reply::Answer(answer)) => Ok(Said {
                count: answer.count,
                activation: answer.activation_interval,
                renewal: answer.renewal_interval,
            }),
            Some(Reply::Refusal(code)) => Err(code),
            Some(Reply::Unverified(_) | Reply::Broken(_)) | None => Err(HResult::INVALID_DATA),
        }
    }
}
