use super::labels::{
    CLIENT, DISABLED, ENABLED, Label, NOT_AVAILABLE, PRIORITY, PUBLISHING, STATUSES, word,
};
use super::{ClientPart, Discovery, Expiry, HostPart, License, Report, Service};
use crate::language::Language;

impl Report {
    /// What the script prints of it.
    pub fn write(&self, language: Language) -> String {
        let mut page = Page {
            text: String::new(),
            language,
        };
        if let Some(version) = &self.service_version {
            page.field(Label::ServiceVersion, version);
            page.text.push('\n');
        }
        for (number, license) in self.licenses.iter().enumerate() {
            if number > 0 {
                page.text.push('\n');
            }
            page.license(license);
        }
        page.text
    }
}

struct Page {
    text: String,
    language: Language,
}

impl Page {
    fn field(&mut self, label: Label, value: impl ToString) {
        let between = self.language.of(": ", " : ");
        let label = label.text(self.language);
        self.line(&format!("{label}{between}{}", value.to_string()));
    }

    fn some(&mut self, label: Label, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.field(label, value);
        }
    }

    fn heading(&mut self, (english, japanese): (&str, &str)) {
        let heading = self.language.of(english, japanese).to_owned();
        self.text.push('\n');
        self.line(&heading);
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn license(&mut self, license: &License) {
        self.field(Label::Name, &license.name);
        self.some(Label::Description, license.description.as_ref());
        self.some(Label::ActivationId, license.activation_id);
        self.some(Label::ApplicationId, license.application_id);
        self.some(Label::ExtendedPid, license.extended_pid);
        self.some(Label::InstallationId, license.installation_id);
        self.some(Label::PartialKey, license.partial_key);
        let status = word(&STATUSES, &license.status, self.language);
        if status.is_empty() {
            self.field(Label::Status, license.status.0);
        } else {
            self.field(Label::Status, status);
        }
        let expiry = license
            .expiry
            .map(|Expiry { minutes, days }| match self.language {
                Language::English => format!("{minutes} minute(s) ({days} day(s))"),
                Language::Japanese => format!("{minutes} 分 ({days} 日)"),
            });
        self.some(Label::Expiry, expiry);
        self.some(Label::EvaluationEnd, license.evaluation_end);
        if let Some(client) = &license.client {
            self.client(client);
        }
        if let Some(host) = &license.host {
            self.host(host);
        }
    }

    fn client(&mut self, client: &ClientPart) {
        self.heading(CLIENT);
        self.field(Label::Cmid, client.cmid);
        self.some(Label::Registered, client.registered.as_ref());
        match &client.discovery {
            None => {}
            Some(Discovery::Found(host)) => self.field(Label::FromDns, host),
            Some(Discovery::NotAvailable) => {
                let (english, japanese) = NOT_AVAILABLE;
                self.field(Label::Discovery, self.language.of(english, japanese));
            }
        }
        self.some(Label::HostEpid, client.host_epid);
        self.minutes(Label::ActivationInterval, client.activation_interval);
        self.minutes(Label::RenewalInterval, client.renewal_interval);
    }

    fn host(&mut self, host: &HostPart) {
        let Some(Service {
            count,
            port,
            publishing,
            normal_priority,
            activation_interval,
            renewal_interval,
        }) = host.service
        else {
            return self.heading(DISABLED);
        };
        self.heading(ENABLED);
        self.field(Label::Count, count);
        self.field(Label::Port, port);
        let publishing = word(&PUBLISHING, &publishing, self.language);
        match self.language {
            // The English script has no colon here.
            Language::English => self.line(&format!("DNS publishing {publishing}")),
            Language::Japanese => self.field(Label::Publishing, publishing),
        }
        self.field(
            Label::Priority,
            word(&PRIORITY, &normal_priority, self.language),
        );
        self.minutes(Label::ActivationInterval, activation_interval);
        self.minutes(Label::RenewalInterval, renewal_interval);
    }

    fn minutes(&mut self, label: Label, minutes: Option<u32>) {
        let unit = self.language.of("minutes", "分");
        self.some(label, minutes.map(|minutes| format!("{minutes} {unit}")));
    }
}
