use std::net::{Ipv4Addr, SocketAddr};

use crate::publish::Publish;

/// Where and how a lab host runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens.
    pub listen: Listen,
    /// What it says: products, intervals, limits of a connection, clock, seed, faults.
    pub host: kmspec_model::Settings,
    /// Most connections at once. Where one more comes, the one that was idle longest ends. Default 16384; the system's
    /// limit on open files may be lower, and is met in the same way.
    pub connections: usize,
    /// Where it publishes itself in DNS; `None` for nowhere.
    pub publish: Option<Publish>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: Listen::default(),
            host: kmspec_model::Settings::default(),
            connections: 16_384,
            publish: None,
        }
    }
}

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// 127.0.0.1 with this port; 0 for any free one.
    Loopback(u16),
    /// This address, loopback or not. Whoever asks for it means it.
    Address(SocketAddr),
}

impl Listen {
    /// The socket address.
    pub fn address(self) -> SocketAddr {
        match self {
            Self::Loopback(port) => (Ipv4Addr::LOCALHOST, port).into(),
            Self::Address(address) => address,
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self::Loopback(0)
    }
}
