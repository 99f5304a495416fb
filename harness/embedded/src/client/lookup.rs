//! Where the lab client looks hosts up in a case, and how it can be told to do it wrong.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use kmspec_dns::{Patience, Question, RecordType, Resolver, Taken};
use kmspec_lab::client::{DnsLookup, Lookup, LookupError};
use kmspec_model::client::Srv;
use kmspec_model::client::fault::{Fault, Faults};
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// A DNS server if the case has one, the system's resolver otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) struct CaseLookup {
    server: Option<SocketAddr>,
    honest: Option<DnsLookup>,
    limit: Duration,
    faults: Faults,
}

impl CaseLookup {
    /// Asks this server, and waits so long for an answer, twice.
    pub(super) fn of(server: Option<SocketAddr>, limit: Duration, faults: Faults) -> Self {
        let patience = Patience {
            each: limit,
            tries: 2,
        };
        let of = |server| DnsLookup::of(Resolver::new(server).with_patience(patience));
        Self {
            server,
            honest: server.map(of),
            limit,
            faults,
        }
    }

    /// Asks once over UDP, and takes nothing but records.
    async fn plainly(&self, server: SocketAddr, name: &str) -> Result<Taken, LookupError> {
        let failed = |why: String| LookupError(why);
        let asked = kmspec_dns::name(name).map_err(|error| failed(error.to_string()))?;
        let question = Question::new(QUESTION, asked, RecordType::SRV);
        let octets = question.encode();
        let octets = octets.ok_or_else(|| failed("no such question".to_owned()))?;
        let exchange = async {
            let socket = UdpSocket::bind((server.ip(), 0)).await?;
            socket.send_to(&octets, server).await?;
            let mut answer = vec![0; 0x1_0000];
            let (len, _) = socket.recv_from(&mut answer).await?;
            answer.truncate(len);
            std::io::Result::Ok(answer)
        };
        let answer = timeout(self.limit, exchange).await;
        let answer = answer.map_err(|_| failed("no answer".to_owned()))?;
        let answer = answer.map_err(|error| failed(error.to_string()))?;
        let taken = question.take(&answer);
        taken.ok_or_else(|| failed("no answer to the question".to_owned()))
    }

    /// Whether a fault stands in the way of this answer.
    fn stumbles_over(&self, taken: &Taken) -> bool {
        match taken {
            Taken::Truncated => self.faults.has(Fault::TruncatedGivenUp),
            Taken::Alias(_) => self.faults.has(Fault::AliasNotFollowed),
            Taken::Records(_) | Taken::Nothing(..) => false,
        }
    }
}

/// Any number will do as the id of a question of a faulty client.
const QUESTION: u16 = 0x4b4d;

impl Lookup for CaseLookup {
    async fn srv(&self, name: &str) -> Result<Vec<Srv>, LookupError> {
        let faulty =
            self.faults.has(Fault::TruncatedGivenUp) || self.faults.has(Fault::AliasNotFollowed);
        if let Some(server) = self.server.filter(|_| faulty)
            && self.stumbles_over(&self.plainly(server, name).await?)
        {
            return Err(LookupError("an answer that is of no use".to_owned()));
        }
        if self.faults.has(Fault::SlowDnsGivenUp) {
            let found = timeout(HARDLY_A_MOMENT, self.honest.srv(name)).await;
            return found.map_err(|_| LookupError("too slow".to_owned()))?;
        }
        self.honest.srv(name).await
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        self.honest.addresses(host).await
    }
}

/// How long a client with a fault waits for DNS.
const HARDLY_A_MOMENT: Duration = Duration::from_millis(50);
