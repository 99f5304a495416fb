use std::mem;

use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;

use crate::admin::Administration;
use crate::clock::Running;
use crate::deviate::Memory;
use crate::groups::Groups;
use crate::policy::{CountedFamily, Counters, Policy};
use crate::seed::Seed;
use crate::settings::Settings;

/// What all connections of a host share.
#[derive(Debug)]
pub struct Host {
    pub(crate) settings: Settings,
    pub(crate) keys: KeySet,
    pub(crate) clock: Running,
    pub(crate) seed: Seed,
    pub(crate) groups: Groups,
    pub(crate) policy: Policy,
    pub(crate) counters: Counters,
    pub(crate) buffers: Buffers,
    pub(crate) memory: Memory,
    pub(crate) admin: Administration,
}

/// Memory that is used again from call to call.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub(crate) message: Vec<u8>,
    pub(crate) stub: Vec<u8>,
}

impl Host {
    /// A host that nobody has asked yet. It answers with the lab key set.
    pub fn new(settings: Settings) -> Self {
        let mut seed = Seed::new(settings.seed);
        Self {
            clock: Running::new(settings.clock),
            keys: KeySet::lab(),
            groups: Groups::new(&mut seed),
            policy: Policy::default(),
            counters: Counters::default(),
            buffers: Buffers::default(),
            memory: Memory::default(),
            admin: Administration::of(&settings),
            settings,
            seed,
        }
    }

    /// Starts anew with its settings, as if it had just been made. What takes time to make is kept: expanded keys, buffers.
    pub fn renew(&mut self) {
        let mut seed = Seed::new(self.settings.seed);
        self.clock = Running::new(self.settings.clock);
        self.groups = Groups::new(&mut seed);
        self.policy = Policy::default();
        self.counters = Counters::default();
        self.memory = Memory::default();
        self.admin = Administration::of(&self.settings);
        self.seed = seed;
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Requests by license status, since the host was made.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Changes the clock; one that starts at a time starts with the next event.
    pub const fn set_clock(&mut self, clock: crate::Clock) {
        self.settings.clock = clock;
        self.clock = Running::new(clock);
    }

    /// The host's time of day when the caller's is `now`.
    pub fn time(&mut self, now: FileTime) -> FileTime {
        self.clock.at(now)
    }

    /// Forgets all clients it has counted.
    pub fn forget_clients(&mut self) {
        self.policy.forget();
    }

    /// The clients it has counted, for a state file.
    pub fn counted(&self) -> Vec<CountedFamily> {
        self.policy.counted()
    }

    /// Takes up the clients that an earlier run has counted, instead of its own.
    pub fn recall(&mut self, families: Vec<CountedFamily>) {
        self.policy.recall(families);
    }

    pub(crate) fn take_buffers(&mut self) -> Buffers {
        mem::take(&mut self.buffers)
    }

    pub(crate) fn return_buffers(&mut self, mut buffers: Buffers) {
        buffers.message.clear();
        buffers.stub.clear();
        self.buffers = buffers;
    }
}
