use kmspec_slmgr::{PartialKey, ProductKey, Service};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{Epid, RequestBody, Version, WorkstationName};

use super::attempt::Answer;
use super::discovery::{Discovery, HostAddress};
use super::edition::Edition;
use super::licence::{Basis, Licence};

/// What does not change about a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What is installed on it.
    pub edition: &'static Edition,
    /// The version of the protocol it speaks: the edition's, unless a test wants another.
    pub version: Version,
    /// Its name.
    pub workstation: WorkstationName,
    /// Whether it is a virtual machine.
    pub is_virtual: bool,
}

/// All that a client remembers: what a state file holds, and what a cloned disk copies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The machine.
    pub machine: Machine,
    /// The key that is installed; one at a time.
    pub key: Option<InstalledKey>,
    /// The client machine id (CMID); `None` between `sysprep /generalize` and the next start.
    pub identity: Option<Guid>,
    /// The one before it; nil if it never changed.
    pub previous_cmid: Guid,
    /// Its licence.
    pub licence: Licence,
    /// What it knows of hosts.
    pub discovery: Discovery,
    /// The last good response.
    pub answer: Option<LastAnswer>,
    /// What its licensing service does. While it does not run nothing is asked, shown or changed, and time goes on.
    pub service: Service,
    /// Whether users who are no administrators may activate.
    pub standard_users: bool,
}

/// A key as far as it is kept: what it is for, and how people recognise it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstalledKey {
    /// What it makes of the machine.
    pub kind: KeyKind,
    /// Its last five characters.
    pub partial: PartialKey,
}

/// What a key makes of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A client of a host.
    Setup,
    /// A machine that is activated by itself (multiple activation key): it asks no host.
    Mak,
}

/// The last good response, as the licence manager shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAnswer {
    /// When it came.
    pub at: FileTime,
    /// From whom.
    pub host: HostAddress,
    /// The host's extended PID.
    pub epid: Epid,
    /// Machines the host had counted.
    pub count: u32,
}

impl Machine {
    /// A machine of this edition.
    pub fn of(edition: &'static Edition) -> Self {
        Self {
            edition,
            version: edition.version,
            workstation: WorkstationName::default(),
            is_virtual: false,
        }
    }
}

impl State {
    /// A machine that was set up at this time from volume media, which bring the setup key of the edition. It has no
    /// identity before it is started.
    pub fn installed(machine: Machine, now: FileTime) -> Self {
        let edition = machine.edition;
        let key = edition
            .setup_key
            .parse::<ProductKey>()
            .ok()
            .map(|key| InstalledKey {
                kind: KeyKind::Setup,
                partial: key.partial(),
            });
        let mut licence = Licence::installed(now, edition.grace_days);
        if key.is_none() {
            licence.basis = Basis::Unlicensed;
        }
        Self {
            machine,
            key,
            identity: None,
            previous_cmid: Guid::NIL,
            licence,
            discovery: Discovery::default(),
            answer: None,
            service: Service::Running,
            standard_users: false,
        }
    }

    /// What the machine would ask a host now.
    pub(super) fn request(&self, now: FileTime) -> RequestBody {
        let Machine {
            edition,
            version,
            workstation,
            is_virtual,
        } = &self.machine;
        let standing = self.licence.standing(now);
        RequestBody {
            version: version.protocol(),
            is_client_vm: u32::from(*is_virtual),
            license_status: standing.status,
            binding_expiration: standing.minutes_left(now),
            application_id: edition.application_id,
            activation_id: edition.activation_id,
            counted_id: edition.counted_id,
            cmid: self.identity.unwrap_or_default(),
            n_policy: edition.n_policy,
            client_time: now,
            previous_cmid: self.previous_cmid,
            workstation: *workstation,
        }
    }
}

impl LastAnswer {
    pub(super) fn new(at: FileTime, host: HostAddress, answer: &Answer) -> Self {
        Self {
            at,
            host,
            epid: answer.epid,
            count: answer.count,
        }
    }
}
