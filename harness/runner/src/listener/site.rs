//! What is around a client: the network it looks hosts up in, further hosts, further machines, and its verbs.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use kmspec_dns::{Asked, Authority, DnsServer, Fault, RecordType, Transport, Zone, service_of};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, sleep};

use super::{Listener, Outcome};
use crate::check::Field;
use crate::free;
use crate::target::client::{ClientSource, End, Machine, Network, Verb};
use crate::verdict::Stop;

/// The port of a host of which no other is said. Source: kms-protocol 1.
const USUAL_PORT: u16 = 1688;
/// How often to look whether an address has become free.
const PAUSE: Duration = Duration::from_millis(20);

/// A host of the case's.
#[derive(Debug)]
pub struct Door {
    number: usize,
    address: SocketAddr,
    /// Others of this process wait for the one address there is.
    _turn: Option<OwnedMutexGuard<()>>,
}

/// A port at which nobody listens, nor will while this lives.
#[derive(Debug)]
pub struct Nobody {
    port: u16,
    _socket: TcpSocket,
}

/// A DNS server of the case's, and the zones it serves.
#[derive(Debug)]
pub struct Site {
    server: DnsServer,
}

/// A further machine of the client's.
#[derive(Debug)]
pub struct Spare {
    number: usize,
    machine: Box<dyn Machine>,
}

impl Door {
    /// Where it is.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Nobody {
    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Listener {
    /// The host that the client is told of, where it is told of one.
    pub fn first(&self) -> Door {
        Door {
            number: 0,
            address: self.peer().endpoint().address,
            _turn: None,
        }
    }

    /// Another host, at a free port of 127.0.0.1.
    ///
    /// # Errors
    /// An error verdict: there is none to be had.
    pub async fn another(&mut self) -> Result<Door, Stop> {
        self.another_at(IpAddr::V4(Ipv4Addr::LOCALHOST)).await
    }

    /// Another host, at a free port of this address.
    ///
    /// # Errors
    /// A skip: there is no such address on this machine.
    pub async fn another_at(&mut self, address: IpAddr) -> Result<Door, Stop> {
        let socket = free::listen(address).await;
        let socket = socket.map_err(|error| Stop::Skip(format!("needs {address}: {error}")))?;
        self.door(socket, None)
    }

    /// Another host, at the usual port of this address.
    ///
    /// # Errors
    /// A skip: there is no such address, or somebody else listens there.
    pub async fn another_at_usual_port(&mut self, address: IpAddr) -> Result<Door, Stop> {
        let turn = Arc::clone(&USUAL).lock_owned().await;
        let until = Instant::now() + self.patience();
        loop {
            let error = match TcpListener::bind((address, USUAL_PORT)).await {
                Ok(socket) => return self.door(socket, Some(turn)),
                Err(error) => error,
            };
            if error.kind() != io::ErrorKind::AddrInUse || Instant::now() > until {
                let address = SocketAddr::new(address, USUAL_PORT);
                return Err(Stop::Skip(format!("needs {address}: {error}")));
            }
            // The case before has it for a moment still.
            sleep(PAUSE).await;
        }
    }

    fn door(
        &mut self,
        socket: TcpListener,
        turn: Option<OwnedMutexGuard<()>>,
    ) -> Result<Door, Stop> {
        let address = socket.local_addr().map_err(|error| cannot(&error))?;
        Ok(Door {
            number: self.doors.add(socket),
            address,
            _turn: turn,
        })
    }

    /// The host stops listening: whoever connects is refused.
    pub fn close(&mut self, door: &Door) {
        self.doors.shut(door.number);
    }

    /// The last connection must have come to this host.
    ///
    /// # Errors
    /// A failure.
    pub fn came_to(&self, door: &Door) -> Result<(), Stop> {
        Field::derived("number of the host that is asked", self.came_to).is(door.number)
    }

    /// Whether the last connection came to this host.
    pub const fn is_at(&self, door: &Door) -> bool {
        self.came_to == door.number
    }

    /// A DNS server of ours with a zone for each of these suffixes.
    ///
    /// # Errors
    /// An error verdict: there is none to be had.
    pub async fn site(&self, suffixes: &[&str]) -> Result<Site, Stop> {
        let zones: Result<Vec<Zone>, _> = suffixes.iter().map(|suffix| Zone::new(suffix)).collect();
        let zones = zones.map_err(|error| cannot(&error))?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = DnsServer::start(any, Authority::new(zones)).await;
        let server = server.map_err(|error| cannot(&error))?;
        Ok(Site { server })
    }

    /// From now on the client's machine has this network, and the client is not told of a host.
    pub fn lives_in(&mut self, network: Network) {
        self.errand.network = Some(network);
    }

    /// The client is to have this edition.
    pub const fn edition(&mut self, edition: &'static str) {
        self.errand.edition = Some(edition);
    }

    /// Has the client do this, which needs no host. What it prints, or how it ended if it did not do it.
    ///
    /// # Errors
    /// A skip: it has no such verb. A failure: it crashes or hangs, or connects to a host.
    pub async fn tries(&mut self, verb: Verb, value: &str) -> Result<Result<String, End>, Stop> {
        let before = self.errand.verb;
        self.ask_with(verb, value)?;
        let tried = self.done_without_host().await;
        self.errand.verb = before;
        self.errand.value.clear();
        tried
    }

    async fn done_without_host(&mut self) -> Result<Result<String, End>, Stop> {
        let verb = self.errand.verb;
        match self.quiet_end().await? {
            Outcome::Accepted(end) => Ok(Ok(end.output)),
            Outcome::Rejected(end) => Ok(Err(end)),
            other => Err(Stop::fail(
                format!("end of -{verb}"),
                "an end in order",
                other.to_string(),
            )),
        }
    }

    /// Has the client do this, which needs no host; what it prints.
    ///
    /// # Errors
    /// As [`Self::tries`]; a failure: it does not do it.
    pub async fn does(&mut self, verb: Verb, value: &str) -> Result<String, Stop> {
        let tried = self.tries(verb, value).await?;
        tried.map_err(|end| Stop::fail(format!("end of -{verb}"), "success", end.to_string()))
    }

    /// So many further machines on which the client has never run.
    ///
    /// # Errors
    /// A skip: it is not ours to start. An error verdict: there is none to be had.
    pub fn spares(&self, count: usize) -> Result<Vec<Spare>, Stop> {
        let ClientSource::Started(machines) = &self.target.source else {
            return Err(Stop::Skip("needs a client that can be started".to_owned()));
        };
        let spare = |number| {
            let machine = machines.machine().map_err(|error| cannot(&error))?;
            Ok(Spare { number, machine })
        };
        (1..=count).map(spare).collect()
    }

    /// Goes on with another machine, and puts the present one in its place.
    pub fn change_places(&mut self, spare: &mut Spare) {
        if let Some(machine) = &mut self.machine {
            std::mem::swap(machine, &mut spare.machine);
            std::mem::swap(&mut self.errand.machine, &mut spare.number);
        }
    }
}

impl Site {
    /// A machine that asks this server, with this primary DNS suffix.
    pub fn network(&self, suffix: &str) -> Network {
        Network::primary(self.server.address(), suffix)
    }

    /// A machine that asks this server, whatever its suffixes.
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Adds a record: `NAME TYPE DATA`, with whole names that end in a dot.
    ///
    /// # Errors
    /// An error verdict: it is no record of the zones.
    pub fn add(&self, line: &str) -> Result<(), Stop> {
        let added = self.server.with(|authority| authority.add_line(line));
        added.map_err(|error| cannot(&error))
    }

    /// Publishes a host of 127.0.0.1 under a suffix: this name, with priority, weight and port.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn publish(
        &self,
        suffix: &str,
        name: &str,
        (priority, weight, port): (u16, u16, u16),
    ) -> Result<(), Stop> {
        let service = service_of(suffix);
        self.add(&format!("{name}.{suffix}. A {}", Ipv4Addr::LOCALHOST))?;
        self.add(&format!(
            "{service}. SRV {priority} {weight} {port} {name}.{suffix}."
        ))
    }

    /// Takes all records away.
    ///
    /// # Errors
    /// An error verdict: a zone cannot be made anew.
    pub fn clear(&self) -> Result<(), Stop> {
        self.server.with(|authority| {
            for zone in authority.zones_mut() {
                let empty = Zone::new(&zone.origin().to_string());
                *zone = empty.map_err(|error| cannot(&error))?;
            }
            Ok(())
        })
    }

    /// Makes the server misbehave from now on, or no longer.
    pub fn misbehave(&self, fault: Option<Fault>) {
        self.server.set_faults(fault.into_iter().collect());
    }

    /// The names whose SRV records were asked for, in order; one that is asked for again at once stands once.
    pub fn asked(&self) -> Vec<String> {
        let mut names = self.queries(|_, kind| kind == RecordType::SRV);
        names.dedup();
        names
    }

    /// The names that were asked for over TCP.
    pub fn asked_over_tcp(&self) -> Vec<String> {
        self.queries(|transport, _| transport == Transport::Tcp)
    }

    fn queries(&self, wanted: impl Fn(Transport, RecordType) -> bool) -> Vec<String> {
        let (_, events) = self.server.events(0);
        let names = events.iter().filter_map(|event| match &event.asked {
            Asked::Query { name, kind, .. } if wanted(event.transport, *kind) => {
                let name = name.to_string().to_ascii_lowercase();
                Some(name.trim_end_matches('.').to_owned())
            }
            _ => None,
        });
        names.collect()
    }
}

impl Nobody {
    /// Such a port.
    ///
    /// # Errors
    /// An error verdict: there is none to be had.
    pub fn somewhere() -> Result<Self, Stop> {
        let socket = TcpSocket::new_v4().map_err(|error| cannot(&error))?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(any).map_err(|error| cannot(&error))?;
        let port = socket.local_addr().map_err(|error| cannot(&error))?.port();
        Ok(Self {
            port,
            _socket: socket,
        })
    }
}

fn cannot(error: &impl ToString) -> Stop {
    let error = error.to_string();
    Stop::Error(format!("cannot build the client's surroundings: {error}"))
}

/// Whose turn it is at the usual port.
static USUAL: LazyLock<Arc<Mutex<()>>> = LazyLock::new(Arc::default);
