use std::mem;

use kmspec_wire::keys::KeySet;

use crate::clock::Running;
use crate::deviate::Memory;
use crate::groups::Groups;
use crate::policy::{Counters, Policy};
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
            settings,
            seed,
        }
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

    /// Changes whether the host itself is activated; one that is not refuses every request.
    pub const fn set_activated(&mut self, activated: bool) {
        self.settings.activated = activated;
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
