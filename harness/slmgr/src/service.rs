use kmspec_wire::kms::HResult;

use crate::language::Language;

/// What the licensing service of a client does. It does all that the script asks for, and renews what is activated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Service {
    /// It runs.
    #[default]
    Running,
    /// It was stopped, as by `net stop slsvc`.
    Stopped,
    /// It is disabled, and cannot be started.
    Disabled,
}

impl Service {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Running, Self::Stopped, Self::Disabled];

    /// As command lines spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Disabled => "disabled",
        }
    }

    /// The one that a word means.
    pub fn named(word: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|service| service.name().eq_ignore_ascii_case(word))
    }

    /// The code with which everything is refused that needs it; none while it runs.
    /// Source: MS-ERREF 2.2, `ERROR_SERVICE_NOT_ACTIVE` and `ERROR_SERVICE_DISABLED` as 2.1.2 makes HRESULTs of them.
    pub const fn refuses(self) -> Option<HResult> {
        match self {
            Self::Running => None,
            Self::Stopped => Some(HResult(0x8007_0426)),
            Self::Disabled => Some(HResult(0x8007_0422)),
        }
    }

    pub(crate) const fn notice(self, language: Language) -> &'static str {
        match self {
            Self::Running => language.of(
                "The licensing service is running.",
                "ライセンス サービスは実行中です。",
            ),
            Self::Stopped => language.of(
                "The licensing service is stopped.",
                "ライセンス サービスは停止しています。",
            ),
            Self::Disabled => language.of(
                "The licensing service is disabled.",
                "ライセンス サービスは無効です。",
            ),
        }
    }
}
