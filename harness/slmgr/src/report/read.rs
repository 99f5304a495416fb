use std::str::FromStr;

use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{Epid, LicenseStatus};

use super::labels::{
    CLIENT, DISABLED, ENABLED, Label, NOT_AVAILABLE, PRIORITY, PUBLISHING, STATUSES, meant,
};
use super::{
    ClientPart, Date, Discovery, Expiry, HostPart, License, Report, ReportError, ReportErrors,
    ReportProblem, Service,
};
use crate::ids::InstallationId;
use crate::key::PartialKey;
use crate::language::Language;
use crate::name::{RegisteredHost, port};

/// A report that was read, and what was printed around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The report.
    pub report: Report,
    /// The language of its labels.
    pub language: Language,
    /// Lines that are no part of it, such as the banner of `cscript`.
    pub around: Vec<String>,
}

impl Report {
    /// Reads what the script printed, in either language. Lines it does not know are kept aside: real scripts print a
    /// banner, and know more fields than the document.
    ///
    /// # Errors
    /// Everything that is wrong with the fields that are known.
    pub fn read(text: &str) -> Result<Read, ReportErrors> {
        let mut reader = Reader::default();
        for (number, line) in text.lines().enumerate() {
            reader.at = number.saturating_add(1);
            reader.line(line.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}'));
        }
        reader.finish()
    }
}

#[derive(Default)]
struct Reader {
    /// The present line, counted from 1.
    at: usize,
    language: Option<Language>,
    service_version: Option<String>,
    draft: Draft,
    licenses: Vec<License>,
    around: Vec<String>,
    errors: Vec<ReportError>,
}

/// A licence as far as it has been read.
#[derive(Default)]
struct Draft {
    /// Whether anything of it has been read.
    begun: bool,
    name: Option<String>,
    description: Option<String>,
    activation_id: Option<Guid>,
    application_id: Option<Guid>,
    extended_pid: Option<Epid>,
    installation_id: Option<InstallationId>,
    partial_key: Option<PartialKey>,
    status: Option<LicenseStatus>,
    expiry: Option<Expiry>,
    evaluation_end: Option<Date>,
    client: bool,
    cmid: Option<Guid>,
    registered: Option<RegisteredHost>,
    discovery: Option<Discovery>,
    host_epid: Option<Epid>,
    activation_interval: Option<u32>,
    renewal_interval: Option<u32>,
    enabled: Option<bool>,
    count: Option<u32>,
    port: Option<u16>,
    publishing: Option<bool>,
    normal_priority: Option<bool>,
    host_activation_interval: Option<u32>,
    host_renewal_interval: Option<u32>,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if line.is_empty() || self.heading(line) {
            return;
        }
        let found = line.split_once([':', '：']).and_then(|(label, value)| {
            let label = one_space(label);
            Label::of(&label).map(|(label, language)| (label, language, value.trim()))
        });
        // The English script writes this one without a colon.
        let found = found.or_else(|| {
            let label = Label::Publishing.text(Language::English);
            let (start, value) = line.split_at_checked(label.len())?;
            let value = value.strip_prefix(' ')?;
            let publishing = (Label::Publishing, Language::English, value);
            start.eq_ignore_ascii_case(label).then_some(publishing)
        });
        match found {
            Some((label, language, value)) => {
                self.language.get_or_insert(language);
                self.field(label, value);
            }
            None => self.around.push(line.to_owned()),
        }
    }

    /// Whether the line is a heading.
    fn heading(&mut self, line: &str) -> bool {
        let bare = one_space(line.trim_end_matches(['.', '。']));
        let is = |(english, japanese): (&str, &str)| {
            let english = bare
                .eq_ignore_ascii_case(english)
                .then_some(Language::English);
            english.or((bare == japanese).then_some(Language::Japanese))
        };
        let (language, enabled) = match (is(CLIENT), is(ENABLED), is(DISABLED)) {
            (Some(language), ..) => (language, None),
            (_, Some(language), _) => (language, Some(true)),
            (.., Some(language)) => (language, Some(false)),
            _ => return false,
        };
        self.language.get_or_insert(language);
        self.draft.begun = true;
        match enabled {
            None => self.draft.client = true,
            Some(enabled) => self.draft.enabled = Some(enabled),
        }
        true
    }

    fn field(&mut self, label: Label, value: &str) {
        if label == Label::Name && self.draft.name.is_some() {
            self.end_license();
        }
        let Self {
            at, draft, errors, ..
        } = self;
        draft.begun |= label != Label::ServiceVersion;
        let mut slot = Slot {
            at: *at,
            label,
            value,
            errors,
        };
        let on_host = draft.enabled.is_some();
        match label {
            Label::ServiceVersion => slot.text(&mut self.service_version),
            Label::Name => slot.text(&mut draft.name),
            Label::Description => slot.text(&mut draft.description),
            Label::ActivationId => slot.parsed("a GUID", &mut draft.activation_id),
            Label::ApplicationId => slot.parsed("a GUID", &mut draft.application_id),
            Label::ExtendedPid => slot.parsed("an extended PID", &mut draft.extended_pid),
            Label::InstallationId => {
                let wanted = "54 digits whose check digits are right";
                slot.parsed(wanted, &mut draft.installation_id);
            }
            Label::PartialKey => {
                slot.parsed("the last five characters of a key", &mut draft.partial_key);
            }
            Label::Status => slot.found("a licence status", status(value), &mut draft.status),
            Label::Expiry => slot.found("minutes and days", expiry(value), &mut draft.expiry),
            Label::EvaluationEnd => slot.parsed("a date with its time", &mut draft.evaluation_end),
            Label::Cmid => slot.parsed("a GUID", &mut draft.cmid),
            Label::Registered => slot.parsed("a host", &mut draft.registered),
            Label::FromDns => {
                let found = value.parse().ok().map(Discovery::Found);
                slot.found("a host", found, &mut draft.discovery);
            }
            Label::Discovery => {
                let (english, japanese) = NOT_AVAILABLE;
                let found = meant(&[((), english, japanese)], value);
                let found = found.map(|()| Discovery::NotAvailable);
                slot.found("what DNS gave", found, &mut draft.discovery);
            }
            Label::HostEpid => slot.parsed("an extended PID", &mut draft.host_epid),
            Label::ActivationInterval if on_host => {
                slot.minutes(&mut draft.host_activation_interval);
            }
            Label::ActivationInterval => slot.minutes(&mut draft.activation_interval),
            Label::RenewalInterval if on_host => slot.minutes(&mut draft.host_renewal_interval),
            Label::RenewalInterval => slot.minutes(&mut draft.renewal_interval),
            Label::Count => slot.found("a number", number(value), &mut draft.count),
            Label::Port => slot.found("a port", port(value).ok(), &mut draft.port),
            Label::Publishing => {
                let found = meant(&PUBLISHING, value);
                slot.found("enabled or disabled", found, &mut draft.publishing);
            }
            Label::Priority => {
                let found = meant(&PRIORITY, value);
                slot.found("Normal or Low", found, &mut draft.normal_priority);
            }
        }
        if matches!(
            label,
            Label::Cmid | Label::Registered | Label::FromDns | Label::Discovery | Label::HostEpid
        ) {
            draft.client = true;
        }
    }

    fn end_license(&mut self) {
        let draft = std::mem::take(&mut self.draft);
        if !draft.begun {
            return;
        }
        let errors = self.errors.len();
        let mut missing = |label: Label| {
            let field = label.text(Language::English);
            // What could not be read is told already.
            if !self.errors.iter().any(|error| error.field == field) {
                let problem = ReportProblem::Missing;
                self.errors.push(ReportError {
                    line: 0,
                    field,
                    problem,
                });
            }
        };
        let client = draft.client_part(&mut missing);
        let host = draft.host_part(&mut missing);
        let name = draft.name.or_else(|| {
            missing(Label::Name);
            None
        });
        let status = draft.status.or_else(|| {
            missing(Label::Status);
            None
        });
        let (Some(name), Some(status)) = (name, status) else {
            return;
        };
        if self.errors.len() > errors {
            return;
        }
        self.licenses.push(License {
            name,
            description: draft.description,
            activation_id: draft.activation_id,
            application_id: draft.application_id,
            extended_pid: draft.extended_pid,
            installation_id: draft.installation_id,
            partial_key: draft.partial_key,
            status,
            expiry: draft.expiry,
            evaluation_end: draft.evaluation_end,
            client,
            host,
        });
    }

    fn finish(mut self) -> Result<Read, ReportErrors> {
        self.end_license();
        if self.licenses.is_empty() && self.errors.is_empty() {
            let field = Label::Name.text(Language::English);
            let problem = ReportProblem::Missing;
            self.errors.push(ReportError {
                line: 0,
                field,
                problem,
            });
        }
        if !self.errors.is_empty() {
            return Err(ReportErrors(self.errors));
        }
        Ok(Read {
            report: Report {
                service_version: self.service_version,
                licenses: self.licenses,
            },
            language: self.language.unwrap_or_default(),
            around: self.around,
        })
    }
}

impl Draft {
    fn client_part(&self, missing: &mut impl FnMut(Label)) -> Option<ClientPart> {
        if !self.client {
            return None;
        }
        let Some(cmid) = self.cmid else {
            missing(Label::Cmid);
            return None;
        };
        Some(ClientPart {
            cmid,
            registered: self.registered.clone(),
            discovery: self.discovery.clone(),
            host_epid: self.host_epid,
            activation_interval: self.activation_interval,
            renewal_interval: self.renewal_interval,
        })
    }

    fn host_part(&self, missing: &mut impl FnMut(Label)) -> Option<HostPart> {
        if !self.enabled? {
            return Some(HostPart { service: None });
        }
        let (Some(count), Some(port), Some(publishing), Some(normal_priority)) =
            (self.count, self.port, self.publishing, self.normal_priority)
        else {
            for (there, label) in [
                (self.count.is_some(), Label::Count),
                (self.port.is_some(), Label::Port),
                (self.publishing.is_some(), Label::Publishing),
                (self.normal_priority.is_some(), Label::Priority),
            ] {
                if !there {
                    missing(label);
                }
            }
            return None;
        };
        Some(HostPart {
            service: Some(Service {
                count,
                port,
                publishing,
                normal_priority,
                activation_interval: self.host_activation_interval,
                renewal_interval: self.host_renewal_interval,
            }),
        })
    }
}

/// Where a value goes, and what is told if it does not fit.
struct Slot<'a> {
    at: usize,
    label: Label,
    value: &'a str,
    errors: &'a mut Vec<ReportError>,
}

impl Slot<'_> {
    fn text(&mut self, place: &mut Option<String>) {
        let found = (!self.value.is_empty()).then(|| self.value.to_owned());
        self.found("a text", found, place);
    }

    fn parsed<T: FromStr + PartialEq>(&mut self, wanted: &'static str, place: &mut Option<T>) {
        self.found(wanted, self.value.parse().ok(), place);
    }

    fn minutes(&mut self, place: &mut Option<u32>) {
        let found = self.value.split_once(char::is_whitespace);
        let found = found.and_then(|(minutes, unit)| {
            let unit = unit.trim().to_ascii_lowercase();
            let known = matches!(unit.as_str(), "minutes" | "minute" | "minute(s)" | "分");
            number(minutes).filter(|_| known)
        });
        self.found("a number of minutes", found, place);
    }

    fn found<T: PartialEq>(
        &mut self,
        wanted: &'static str,
        found: Option<T>,
        place: &mut Option<T>,
    ) {
        let problem = match (found, &place) {
            (None, _) => {
                let got = self.value.to_owned();
                ReportProblem::Malformed { wanted, got }
            }
            (Some(found), Some(there)) if found != *there => ReportProblem::Repeated,
            (Some(found), _) => {
                *place = Some(found);
                return;
            }
        };
        self.errors.push(ReportError {
            line: self.at,
            field: self.label.text(Language::English),
            problem,
        });
    }
}

/// Words with one space between them.
fn one_space(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// A status by its words, or by a number that has none.
fn status(text: &str) -> Option<LicenseStatus> {
    let named = |number: &u32| LicenseStatus(*number).name().is_none();
    let unnamed = || number(text).filter(named).map(LicenseStatus);
    meant(&STATUSES, text).or_else(unnamed)
}

/// `43162 minute(s) (29 day(s))` or `43162 分 (29 日)`.
fn expiry(text: &str) -> Option<Expiry> {
    let (minutes, days) = text.split_once(" (")?;
    let days = days.strip_suffix(')')?;
    let quantity = |text: &str, units: [&str; 4]| {
        let (amount, unit) = text.trim().split_once(char::is_whitespace)?;
        let unit = unit.trim().to_ascii_lowercase();
        number(amount).filter(|_| units.contains(&unit.as_str()))
    };
    Some(Expiry {
        minutes: quantity(minutes, ["minute(s)", "minutes", "minute", "分"])?,
        days: quantity(days, ["day(s)", "days", "day", "日"])?,
    })
}
