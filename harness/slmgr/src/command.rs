use std::fmt;
use std::ops::RangeInclusive;

use thiserror::Error;

use crate::ids::{ConfirmationId, IdError, InstallationId};
use crate::key::{KeyError, ProductKey};
use crate::language::Language;
use crate::name::{NameError, RegisteredHost, port};
use crate::service::Service;

/// Minutes that both intervals may have. Source: kms-protocol 3, `message.intervals-range`.
pub const INTERVALS: RangeInclusive<u32> = 15..=43_200;

/// What the licence manager script is told to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// `-ipk KEY`: install a product key.
    InstallKey(ProductKey),
    /// `-ato`: activate now.
    Activate,
    /// `-dti`: show the installation id, for activation by telephone; what `slui 4` shows.
    ShowInstallationId,
    /// `-atp CONFIRMATION`: activate by the confirmation id that the telephone gave; what `slui 4` asks for.
    ActivateByTelephone(ConfirmationId),
    /// `-skms HOST[:PORT]`: register a host, which beats DNS.
    Register(RegisteredHost),
    /// `-ckms`: forget the registered host.
    Forget,
    /// `-sprt PORT`: listen on another port.
    Port(u16),
    /// `-sdns` and `-cdns`: publish in DNS, or do not.
    Publish(bool),
    /// `-spri` and `-cpri`: normal scheduling priority, or low.
    NormalPriority(bool),
    /// `-sai MINUTES`: the activation interval that clients are given.
    ActivationInterval(u32),
    /// `-sri MINUTES`: the renewal interval that clients are given.
    RenewalInterval(u32),
    /// `-dli`: show the licence.
    Show,
    /// `-dlv [all]`: show the licence with what support asks for; with `all`, every licence.
    ShowDetails {
        /// Whether every licence is wanted.
        all: bool,
    },
    /// `-rearm`: reset timer and identity of a client, as `sysprep /generalize` does.
    Rearm,
    /// `restart`: restart the service, as `net stop slsvc && net start slsvc` does.
    Restart,
    /// `confirmation ID`: what the telephone says to this installation id. There is no telephone in a lab.
    Confirm(InstallationId),
    /// `service STATE`: start, stop or disable the licensing service of a client, as the services snap-in does.
    Service(Service),
    /// `standard-user on|off`: whether users who are no administrators may activate, as the registry value
    /// `UserOperations` says.
    StandardUsers(bool),
}

/// For whom a verb is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The KMS service.
    Host,
    /// The machine to be activated.
    Client,
    /// Either.
    Both,
}

impl Role {
    /// For whom the verb of this name is, in whatever style it is written; `None` if there is no such verb.
    pub fn of_verb(name: &str) -> Option<Self> {
        verb_of(name).map(|verb| verb.role)
    }
}

/// A command line that says nothing that can be done.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// Nothing.
    #[error("a verb is missing")]
    Missing,
    /// No verb.
    #[error("there is no verb {0:?}")]
    UnknownVerb(String),
    /// A verb without the value it takes.
    #[error("{verb} takes {wanted}")]
    MissingValue {
        /// The verb.
        verb: &'static str,
        /// What it takes.
        wanted: &'static str,
    },
    /// A word too many.
    #[error("{verb} does not take {extra:?}")]
    Extra {
        /// The verb.
        verb: &'static str,
        /// The word.
        extra: String,
    },
    /// A number outside its range.
    #[error("{verb}: {got:?} is no interval: intervals are {} to {} minutes", INTERVALS.start(), INTERVALS.end())]
    Interval {
        /// The verb.
        verb: &'static str,
        /// The word.
        got: String,
    },
    /// No product key.
    #[error("-ipk: {0}")]
    Key(#[from] KeyError),
    /// No host, or no port.
    #[error("{verb}: {problem}")]
    Name {
        /// The verb.
        verb: &'static str,
        /// What is wrong.
        problem: NameError,
    },
    /// No installation id, or no confirmation id.
    #[error("{verb}: {problem}")]
    Id {
        /// The verb.
        verb: &'static str,
        /// What is wrong.
        problem: IdError,
    },
}

/// A verb: its name, what it takes, for whom it is, what it does, in both languages.
struct Verb {
    name: &'static str,
    takes: &'static str,
    role: Role,
    english: &'static str,
    japanese: &'static str,
}

const fn verb(
    name: &'static str,
    takes: &'static str,
    role: Role,
    english: &'static str,
    japanese: &'static str,
) -> Verb {
    Verb {
        name,
        takes,
        role,
        english,
        japanese,
    }
}

/// Every verb, in the order of the usage text.
#[rustfmt::skip]
const VERBS: &[Verb] = &[
    verb("-ipk", "KEY", Role::Both, "install a product key", "プロダクト キーをインストールする"),
    verb("-ato", "", Role::Both, "activate now", "ライセンス認証を行う"),
    verb("-dti", "", Role::Host, "show the installation id for activation by telephone", "電話によるライセンス認証のためのインストール ID を表示する"),
    verb("-atp", "CONFIRMATION", Role::Host, "activate by the confirmation id that the telephone gave", "電話で受け取った確認 ID でライセンス認証を行う"),
    verb("confirmation", "ID", Role::Host, "what the telephone says to an installation id, in the lab", "インストール ID に対する確認 ID を表示する (ラボ用)"),
    verb("-skms", "HOST[:PORT]", Role::Client, "register a KMS host, which beats DNS", "KMS コンピュータを登録する (DNS 自動検出より優先)"),
    verb("-ckms", "", Role::Client, "forget the registered KMS host", "登録した KMS コンピュータを消去する"),
    verb("-sprt", "PORT", Role::Host, "listen on another port, 1 to 65535", "KMS が使用する TCP ポートを設定する (1 ～ 65535)"),
    verb("-cdns", "", Role::Host, "do not publish in DNS", "DNS 発行を無効にする"),
    verb("-sdns", "", Role::Host, "publish in DNS", "DNS 発行を有効にする"),
    verb("-cpri", "", Role::Host, "low scheduling priority", "優先順位を低くする"),
    verb("-spri", "", Role::Host, "normal scheduling priority", "優先順位を通常に戻す"),
    verb("-sai", "MINUTES", Role::Host, "activation interval given to clients, 15 to 43200", "ライセンス認証間隔を設定する (15 ～ 43200 分)"),
    verb("-sri", "MINUTES", Role::Host, "renewal interval given to clients, 15 to 43200", "更新間隔を設定する (15 ～ 43200 分)"),
    verb("-dli", "", Role::Both, "show the licence", "ライセンス情報を表示する"),
    verb("-dlv", "[all]", Role::Both, "show the licence with details, or all licences", "詳細なライセンス情報を表示する"),
    verb("-rearm", "", Role::Client, "reset timer and identity, as sysprep /generalize does", "ライセンス認証タイマと ID をリセットする"),
    verb("restart", "", Role::Host, "restart the service: what was set takes effect", "サービスを再起動し、設定を有効にする"),
    verb("service", "STATE", Role::Client, "have the licensing service running, stopped or disabled", "ライセンス サービスの状態 (running、stopped、disabled) を設定する"),
    verb("standard-user", "on|off", Role::Client, "let users activate who are no administrators, or not", "標準ユーザーのライセンス認証を有効または無効にする"),
];

/// How the script is called, a verb a line.
pub fn usage(language: Language) -> String {
    let mut text = String::from(language.of(
        "Usage: slmgr VERB [VALUE]; verbs start with - or /, in small or capital letters\n",
        "使用法: slmgr 動詞 [値] (動詞は - または / で始まり、大文字と小文字は区別されません)\n",
    ));
    for verb in VERBS {
        let call = format!("{} {}", verb.name, verb.takes);
        let does = language.of(verb.english, verb.japanese);
        text.extend(["  ", &format!("{call:<20}"), "  ", does, "\n"]);
    }
    for (call, means) in [
        (format!("{SLUI} 4"), "-dti"),
        (format!("{SLUI} 4 CONFIRMATION"), "-atp CONFIRMATION"),
    ] {
        text.extend(["  ", &format!("{call:<20}"), "  ", means, "\n"]);
    }
    text
}

/// The program that activates by telephone, called with 4. It is a wizard of windows: what it shows, and what it asks for,
/// are two command lines here. Source: the deployment document, step 15.
const SLUI: &str = "slui";

/// What was typed, with `slui 4` as what it stands for.
fn resolved<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let slui = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.strip_suffix(".exe").unwrap_or(&name) == SLUI
    };
    match words {
        [name, "4"] if slui(name) => vec!["-dti"],
        [name, "4", rest @ ..] if slui(name) => [&["-atp"], rest].concat(),
        words => words.to_vec(),
    }
}

/// The verb that a word means: its own name, whatever the case and the option sign. The en dash is how documents print a
/// hyphen, and what is copied from one should work.
fn verb_of(word: &str) -> Option<&'static Verb> {
    let bare = word.strip_prefix(['-', '/', '\u{2013}']);
    let named = |verb: &&Verb| match (verb.name.strip_prefix('-'), bare) {
        (Some(name), Some(bare)) => name.eq_ignore_ascii_case(bare),
        (None, None) => verb.name.eq_ignore_ascii_case(word),
        _ => false,
    };
    VERBS.iter().find(named)
}

impl Command {
    /// Reads the words behind the script's name.
    ///
    /// # Errors
    /// They say nothing that can be done.
    pub fn parse(words: &[impl AsRef<str>]) -> Result<Self, CommandError> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let mut words = resolved(&words).into_iter();
        let word = words.next().ok_or(CommandError::Missing)?;
        let verb = verb_of(word).ok_or_else(|| CommandError::UnknownVerb(word.to_owned()))?;
        let takes_nothing = verb.takes.is_empty();
        let value = if takes_nothing { None } else { words.next() };
        if let Some(word) = words.next() {
            return Err(extra(verb, word));
        }
        if let (None, false, false) = (value, takes_nothing, verb.takes.starts_with('[')) {
            return Err(CommandError::MissingValue {
                verb: verb.name,
                wanted: verb.takes,
            });
        }
        Self::of(verb, value)
    }

    fn of(verb: &Verb, value: Option<&str>) -> Result<Self, CommandError> {
        let given = value.unwrap_or_default();
        let named = |problem| CommandError::Name {
            verb: verb.name,
            problem,
        };
        let id = |problem| CommandError::Id {
            verb: verb.name,
            problem,
        };
        Ok(match verb.name {
            "-ipk" => Self::InstallKey(given.parse()?),
            "-ato" => Self::Activate,
            "-dti" => Self::ShowInstallationId,
            "-atp" => Self::ActivateByTelephone(given.parse().map_err(id)?),
            "confirmation" => Self::Confirm(given.parse().map_err(id)?),
            "-skms" => Self::Register(given.parse().map_err(named)?),
            "-ckms" => Self::Forget,
            "-sprt" => Self::Port(port(given).map_err(named)?),
            "-cdns" => Self::Publish(false),
            "-sdns" => Self::Publish(true),
            "-cpri" => Self::NormalPriority(false),
            "-spri" => Self::NormalPriority(true),
            "-sai" => Self::ActivationInterval(interval(verb, given)?),
            "-sri" => Self::RenewalInterval(interval(verb, given)?),
            "-dli" => Self::Show,
            "-dlv" => match value {
                None => Self::ShowDetails { all: false },
                Some(word) if word.eq_ignore_ascii_case("all") => Self::ShowDetails { all: true },
                Some(word) => return Err(extra(verb, word)),
            },
            "-rearm" => Self::Rearm,
            "service" => {
                let service = Service::named(given).ok_or_else(|| extra(verb, given))?;
                Self::Service(service)
            }
            "standard-user" => match given.to_ascii_lowercase().as_str() {
                "on" => Self::StandardUsers(true),
                "off" => Self::StandardUsers(false),
                _ => return Err(extra(verb, given)),
            },
            _ => Self::Restart,
        })
    }

    /// Its verb, as the usage text writes it.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::InstallKey(_) => "-ipk",
            Self::Activate => "-ato",
            Self::ShowInstallationId => "-dti",
            Self::ActivateByTelephone(_) => "-atp",
            Self::Register(_) => "-skms",
            Self::Forget => "-ckms",
            Self::Port(_) => "-sprt",
            Self::Publish(false) => "-cdns",
            Self::Publish(true) => "-sdns",
            Self::NormalPriority(false) => "-cpri",
            Self::NormalPriority(true) => "-spri",
            Self::ActivationInterval(_) => "-sai",
            Self::RenewalInterval(_) => "-sri",
            Self::Show => "-dli",
            Self::ShowDetails { .. } => "-dlv",
            Self::Rearm => "-rearm",
            Self::Restart => "restart",
            Self::Confirm(_) => "confirmation",
            Self::Service(_) => "service",
            Self::StandardUsers(_) => "standard-user",
        }
    }

    /// Its value as it is written, if it has one.
    pub fn value(&self) -> Option<String> {
        match self {
            Self::InstallKey(key) => Some(key.to_string()),
            Self::ActivateByTelephone(id) => Some(id.to_string()),
            Self::Confirm(id) => Some(id.to_string()),
            Self::Register(host) => Some(host.to_string()),
            Self::Port(port) => Some(port.to_string()),
            Self::ActivationInterval(minutes) | Self::RenewalInterval(minutes) => {
                Some(minutes.to_string())
            }
            Self::ShowDetails { all: true } => Some("all".to_owned()),
            Self::Service(service) => Some(service.name().to_owned()),
            Self::StandardUsers(on) => Some(if *on { "on" } else { "off" }.to_owned()),
            _ => None,
        }
    }

    /// For whom it is.
    pub fn role(&self) -> Role {
        Role::of_verb(self.verb()).unwrap_or(Role::Both)
    }

    /// Whether it only shows something: that needs no elevation. Source: the deployment document, steps 30 and 1.
    pub const fn only_shows(&self) -> bool {
        matches!(
            self,
            Self::Show | Self::ShowDetails { .. } | Self::ShowInstallationId | Self::Confirm(_)
        )
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())?;
        match self.value() {
            Some(value) => write!(f, " {value}"),
            None => Ok(()),
        }
    }
}

fn extra(verb: &Verb, word: &str) -> CommandError {
    CommandError::Extra {
        verb: verb.name,
        extra: word.to_owned(),
    }
}

fn interval(verb: &Verb, text: &str) -> Result<u32, CommandError> {
    let digits = text.bytes().all(|octet| octet.is_ascii_digit());
    let minutes = text
        .parse()
        .ok()
        .filter(|minutes| digits && INTERVALS.contains(minutes));
    minutes.ok_or_else(|| CommandError::Interval {
        verb: verb.name,
        got: text.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "LABAA-BBBBB-CCCCC-DDDDD-EEEEE";

    fn words(line: &str) -> Vec<&str> {
        line.split_whitespace().collect()
    }

    fn parse(line: &str) -> Result<Command, CommandError> {
        Command::parse(&words(line))
    }

    fn every_command() -> Vec<Command> {
        let installation = crate::InstallationId::lab("test");
        vec![
            Command::InstallKey(KEY.parse().unwrap()),
            Command::Activate,
            Command::ShowInstallationId,
            Command::ActivateByTelephone(ConfirmationId::lab(&installation)),
            Command::Confirm(installation),
            Command::Register("[2001:db8::7]:1689".parse().unwrap()),
            Command::Forget,
            Command::Port(1689),
            Command::Publish(false),
            Command::Publish(true),
            Command::NormalPriority(false),
            Command::NormalPriority(true),
            Command::ActivationInterval(15),
            Command::RenewalInterval(43_200),
            Command::Show,
            Command::ShowDetails { all: false },
            Command::ShowDetails { all: true },
            Command::Rearm,
            Command::Restart,
            Command::Service(Service::Running),
            Command::Service(Service::Stopped),
            Command::Service(Service::Disabled),
            Command::StandardUsers(true),
            Command::StandardUsers(false),
        ]
    }

    #[test]
    fn every_verb_is_read_in_both_styles_and_in_any_case() {
        let mut verbs: Vec<&str> = every_command().iter().map(Command::verb).collect();
        verbs.dedup();
        let known: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
        assert_eq!(verbs, known);
        for command in every_command() {
            let line = command.to_string();
            let value = command.value().unwrap_or_default();
            let bare = command.verb().trim_start_matches('-');
            let styles: &[&str] = if command.verb().starts_with('-') {
                &["-", "/", "\u{2013}"]
            } else {
                &[""]
            };
            for style in styles {
                for name in [bare.to_owned(), bare.to_uppercase()] {
                    let line = format!("{style}{name} {value}");
                    assert_eq!(parse(&line).as_ref(), Ok(&command), "{line}");
                }
            }
            assert_eq!(parse(&line), Ok(command));
        }
    }

    #[test]
    fn the_telephone_wizard_is_two_command_lines() {
        let id = ConfirmationId::lab(&crate::InstallationId::lab("test"));
        for program in ["slui", "slui.exe", "SLUI.EXE"] {
            assert_eq!(
                parse(&format!("{program} 4")),
                Ok(Command::ShowInstallationId)
            );
            assert_eq!(
                parse(&format!("{program} 4 {id}")),
                Ok(Command::ActivateByTelephone(id))
            );
        }
    }

    #[test]
    fn what_cannot_be_done_says_why() {
        for (line, error) in [
            ("", "a verb is missing"),
            ("dli", "there is no verb \"dli\""),
            ("-restart", "there is no verb \"-restart\""),
            ("--dli", "there is no verb \"--dli\""),
            ("-xpr", "there is no verb \"-xpr\""),
            ("-ipk", "-ipk takes KEY"),
            ("-sai", "-sai takes MINUTES"),
            ("-dli all", "-dli does not take \"all\""),
            ("-dlv some", "-dlv does not take \"some\""),
            ("-sai 15 15", "-sai does not take \"15\""),
            (
                "-sai 14",
                "-sai: \"14\" is no interval: intervals are 15 to 43200 minutes",
            ),
            (
                "-sri 43201",
                "-sri: \"43201\" is no interval: intervals are 15 to 43200 minutes",
            ),
            (
                "-sri +60",
                "-sri: \"+60\" is no interval: intervals are 15 to 43200 minutes",
            ),
            (
                "-sri 99999999999",
                "-sri: \"99999999999\" is no interval: intervals are 15 to 43200 minutes",
            ),
            ("-sprt 0", "-sprt: \"0\" is no port: ports are 1 to 65535"),
            (
                "-sprt 65536",
                "-sprt: \"65536\" is no port: ports are 1 to 65535",
            ),
            (
                "-skms kms:x",
                "-skms: \"x\" is no port: ports are 1 to 65535",
            ),
            (
                "-ipk LAB",
                "-ipk: a product key is five groups of five letters or digits, as in LABAA-BBBBB-CCCCC-DDDDD-EEEEE",
            ),
            ("-atp 123", "-atp: 48 digits are wanted, not 3"),
            (
                "confirmation 1",
                "confirmation: 54 digits are wanted, not 1",
            ),
            ("service", "service takes STATE"),
            ("service gone", "service does not take \"gone\""),
            ("standard-user yes", "standard-user does not take \"yes\""),
            ("slui", "there is no verb \"slui\""),
            ("slui 3", "there is no verb \"slui\""),
            ("slui 4 123", "-atp: 48 digits are wanted, not 3"),
        ] {
            assert_eq!(parse(line).unwrap_err().to_string(), error, "{line}");
        }
    }

    #[test]
    fn the_usage_text_names_every_verb_in_both_languages() {
        insta::assert_snapshot!("usage_en", usage(Language::English));
        insta::assert_snapshot!("usage_ja", usage(Language::Japanese));
    }
}
