//! What an administrator does to a host: its key, its activation, its settings, and what it shows of them.
//!
//! Settings wait for a restart of the service; key and activation do not. Source: the deployment document, steps 12 to
//! 23. The lab host takes any well-formed key that starts with `LAB`, and the activation centre it asks is the lab's.

mod report;

use kmspec_slmgr::{
    Command, CommandError, ConfirmationId, InstallationId, Language, Notice, ProductKey, Report,
};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::{HResult, LicenseStatus};
use thiserror::Error;

use crate::deviate::admin as deviate;
use crate::fault::Fault;
use crate::host::Host;
use crate::settings::{Interval, LabEpid, Settings};

/// How long a host runs before it must be activated, in units of 100 ns. Source: kms-protocol 7.
const GRACE: u64 = 30 * FileTime::DAY;

/// What an administrator has made of a host, for a state file to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administration {
    /// The product key that is installed.
    pub key: Option<ProductKey>,
    /// When the host was set up, from which its grace period counts; `None` for at its first event.
    pub installed: Option<FileTime>,
    /// When the host was activated with this key; `None` if it is not.
    pub activated: Option<FileTime>,
    /// When it was activated for the first time; its ePID tells the day.
    pub first_activated: Option<FileTime>,
    /// What it is set to; takes effect when the service restarts.
    pub configured: Configuration,
    /// What it was set to when the service started.
    pub effective: Configuration,
}

/// The settings of a host that an administrator changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Port to listen on; `None` for the one it was started with.
    pub port: Option<u16>,
    /// Whether it publishes in DNS.
    pub publishing: bool,
    /// Whether its scheduling priority is normal, and not low.
    pub normal_priority: bool,
    /// Minutes between attempts that clients are given.
    pub activation_interval: Interval,
    /// Minutes between renewals that clients are given.
    pub renewal_interval: Interval,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Said(Vec<Notice>),
    /// This is to be shown.
    Shown(Box<Report>),
    /// The service is to be restarted: whoever listens does that, and then calls [`Host::restart`].
    Restart,
}

/// Why a command came to nothing. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The verb is for clients.
    #[error("{0} is for clients, and this is a host")]
    ForClients(&'static str),
    /// Whoever asked is no administrator.
    #[error("this needs elevation")]
    NotElevated,
    /// There is no key to activate.
    #[error("no product key is installed")]
    NoKey,
    /// The key is none of the lab's.
    #[error("the lab host takes keys that start with LAB only")]
    ForeignKey,
    /// The confirmation id is not the one for this installation id.
    #[error("the confirmation id does not fit the installation id")]
    Confirmation,
}

impl Refusal {
    /// The result code that the script prints, if it has one for this.
    pub const fn code(self) -> Option<HResult> {
        Some(HResult(match self {
            Self::ForClients(_) => return None,
            Self::NotElevated => 0x8007_0005,
            Self::NoKey => 0xc004_f014,
            Self::ForeignKey => 0xc004_f050,
            Self::Confirmation => 0xc004_f04d,
        }))
    }
}

impl Configuration {
    /// What a host is set to from the start. Source: kms-protocol 3; the deployment document, steps 19 to 23.
    pub fn of(settings: &Settings) -> Self {
        Self {
            port: None,
            publishing: true,
            normal_priority: true,
            activation_interval: settings.activation_interval,
            renewal_interval: settings.renewal_interval,
        }
    }
}

impl Administration {
    /// The day of [`LabEpid::default`]: 2026-01-01.
    const DAY: FileTime = FileTime(134_116_992_000_000_000);

    /// A host that was set up, with a key, and activated if the settings say so.
    pub(crate) fn of(settings: &Settings) -> Self {
        let configuration = Configuration::of(settings);
        Self {
            key: Some(ProductKey::LAB_HOST),
            installed: None,
            activated: settings.activated.then_some(Self::DAY),
            first_activated: Some(Self::DAY),
            configured: configuration,
            effective: configuration,
        }
    }

    /// A host that was just set up: no key, not activated.
    pub fn bare(settings: &Settings, now: FileTime) -> Self {
        Self {
            key: None,
            installed: Some(now),
            activated: None,
            first_activated: None,
            ..Self::of(settings)
        }
    }

    /// The installation id of this key on this host.
    fn installation_id(&self, epid: &LabEpid) -> InstallationId {
        let key = self.key.map(|key| key.to_string()).unwrap_or_default();
        InstallationId::lab(&format!("{key} {:06}", epid.epid().key_id))
    }

    /// Status, and minutes that are left of it.
    fn status(&self, now: FileTime) -> (LicenseStatus, Option<u32>) {
        if self.activated.is_some() {
            return (LicenseStatus::LICENSED, None);
        }
        let since = now.minus(self.installed.unwrap_or(now).0).0;
        let left = GRACE.saturating_sub(since) / FileTime::MINUTE;
        match u32::try_from(left).unwrap_or(u32::MAX) {
            0 => (LicenseStatus::NOTIFICATION, None),
            left => (LicenseStatus::OOB_GRACE, Some(left)),
        }
    }
}

impl Host {
    /// What its administrator has made of it.
    pub const fn administration(&self) -> &Administration {
        &self.admin
    }

    /// Takes up what an earlier run left of its administration; the service starts with what was configured.
    pub fn resume(&mut self, administration: Administration) {
        if let Some(time) = administration.first_activated {
            self.date_epid(time);
        }
        self.admin = administration;
        self.restart();
        self.settings.activated = self.admin.activated.is_some();
    }

    /// The service restarts: what was configured takes effect.
    pub fn restart(&mut self) {
        let effective = self.after_restart();
        self.admin.effective = effective;
        self.settings.activation_interval = effective.activation_interval;
        self.settings.renewal_interval = effective.renewal_interval;
    }

    /// What would be effective after a restart.
    pub fn after_restart(&self) -> Configuration {
        let faults = self.settings.faults;
        if faults.has(Fault::RestartForgetsSettings) {
            return Configuration::of(&Settings::default());
        }
        deviate::effective(faults, &self.admin.effective, self.admin.configured)
    }

    /// The service listens on this port, whatever was configured.
    pub fn listens_on(&mut self, port: u16) {
        self.admin.effective.port = Some(port);
        self.admin.configured.port.get_or_insert(port);
    }

    /// The port that the service wants published in DNS, if it has a key and is to be published.
    pub fn publishes(&self) -> Option<u16> {
        let Configuration {
            publishing, port, ..
        } = self.admin.effective;
        let wanted = publishing && self.admin.key.is_some();
        port.filter(|_| wanted)
    }

    /// Changes whether the host itself is activated; one that is not refuses every request.
    pub const fn set_activated(&mut self, activated: bool) {
        self.settings.activated = activated;
        self.admin.activated = if activated {
            self.admin.first_activated
        } else {
            None
        };
    }

    /// Reads a command line as this host does.
    ///
    /// # Errors
    /// It says nothing that can be done.
    pub fn read_command(&self, words: &[impl AsRef<str>]) -> Result<Command, CommandError> {
        let parsed = Command::parse(words);
        deviate::command(self.settings.faults, parsed, words)
    }

    /// Does what an administrator asks, or somebody who is none.
    ///
    /// # Errors
    /// It is refused; nothing has changed.
    pub fn administer(
        &mut self,
        now: FileTime,
        elevated: bool,
        command: &Command,
    ) -> Result<Done, Refusal> {
        let now = self.clock.at(now);
        self.admin.installed.get_or_insert(now);
        let faults = self.settings.faults;
        if !elevated && !command.only_shows() && !faults.has(Fault::ElevationNotNeeded) {
            return Err(Refusal::NotElevated);
        }
        let said = match command {
            Command::Show => return Ok(Done::Shown(Box::new(self.report(now, false, false)))),
            Command::ShowDetails { all } => {
                return Ok(Done::Shown(Box::new(self.report(now, true, *all))));
            }
            Command::Restart => return Ok(Done::Restart),
            Command::Register(_)
            | Command::Forget
            | Command::Rearm
            | Command::Service(_)
            | Command::StandardUsers(_) => {
                return Err(Refusal::ForClients(command.verb()));
            }
            Command::InstallKey(key) => self.install(*key)?,
            Command::Activate => {
                self.key()?;
                let name = Notice::Activating(report::NAME.to_owned());
                vec![name, self.activate(now)]
            }
            Command::ShowInstallationId => {
                self.key()?;
                vec![Notice::InstallationId(
                    self.admin.installation_id(&self.settings.epid),
                )]
            }
            Command::Confirm(id) => vec![Notice::ConfirmationId(ConfirmationId::lab(id))],
            Command::ActivateByTelephone(confirmation) => {
                self.key()?;
                let wanted = ConfirmationId::lab(&self.admin.installation_id(&self.settings.epid));
                if *confirmation != wanted && !faults.has(Fault::ConfirmationUnchecked) {
                    return Err(Refusal::Confirmation);
                }
                vec![self.activate(now)]
            }
            Command::Port(_)
            | Command::Publish(_)
            | Command::NormalPriority(_)
            | Command::ActivationInterval(_)
            | Command::RenewalInterval(_) => self.configure(command),
        };
        Ok(Done::Said(said))
    }

    /// A report as this host prints it.
    pub fn print(&self, report: &Report, language: Language) -> String {
        deviate::shown(self.settings.faults, report.write(language))
    }

    fn key(&self) -> Result<ProductKey, Refusal> {
        self.admin.key.ok_or(Refusal::NoKey)
    }

    fn install(&mut self, key: ProductKey) -> Result<Vec<Notice>, Refusal> {
        let faults = self.settings.faults;
        if !key.is_lab() && !faults.has(Fault::ForeignKeyTaken) {
            return Err(Refusal::ForeignKey);
        }
        self.admin.key = Some(key);
        self.admin.activated = None;
        self.settings.activated = faults.has(Fault::KeyActivates);
        Ok(vec![Notice::KeyInstalled(key)])
    }

    fn activate(&mut self, now: FileTime) -> Notice {
        self.admin.activated = Some(now);
        self.settings.activated = true;
        if self.admin.first_activated.is_none() {
            self.admin.first_activated = Some(now);
            self.date_epid(now);
        }
        Notice::Activated
    }

    /// The ePID tells the day of activation, unless it is one that was asked for. Source: kms-protocol 3, Extended PID.
    fn date_epid(&mut self, time: FileTime) {
        if self.settings.epid == LabEpid::default() {
            self.settings.epid = self.settings.epid.activated_on(time);
        }
    }

    fn configure(&mut self, command: &Command) -> Vec<Notice> {
        let configured = &mut self.admin.configured;
        let notice = match *command {
            Command::Port(port) => {
                configured.port = Some(port);
                Notice::Port(port)
            }
            Command::Publish(publishing) => {
                configured.publishing = publishing;
                Notice::Publishing(publishing)
            }
            Command::NormalPriority(normal) => {
                configured.normal_priority = normal;
                Notice::NormalPriority(normal)
            }
            Command::ActivationInterval(minutes) => {
                configured.activation_interval = Interval::clamped(minutes);
                Notice::ActivationInterval(minutes)
            }
            Command::RenewalInterval(minutes) => {
                configured.renewal_interval = Interval::clamped(minutes);
                Notice::RenewalInterval(minutes)
            }
            _ => return Vec::new(),
        };
        if self.settings.faults.has(Fault::EffectiveBeforeRestart) {
            self.restart();
        }
        vec![notice, Notice::RestartNeeded]
    }
}
