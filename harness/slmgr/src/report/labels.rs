//! The words of a report in both languages.
//!
//! The Japanese ones are the document's, to the letter; where it shows no example (a low priority, a disabled service, a
//! registered host, the other statuses) the words are ours, after the manner of the script.

use kmspec_wire::kms::LicenseStatus;

use crate::language::Language;

/// A field of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    ServiceVersion,
    Name,
    Description,
    ActivationId,
    ApplicationId,
    ExtendedPid,
    InstallationId,
    PartialKey,
    Status,
    Expiry,
    EvaluationEnd,
    Cmid,
    Registered,
    FromDns,
    Discovery,
    HostEpid,
    ActivationInterval,
    RenewalInterval,
    Count,
    Port,
    Publishing,
    Priority,
}

#[rustfmt::skip]
const LABELS: &[(Label, &str, &str)] = &[
    (Label::ServiceVersion, "Software licensing service version", "ソフトウェア ライセンス サービス バージョン"),
    (Label::Name, "Name", "名前"),
    (Label::Description, "Description", "説明"),
    (Label::ActivationId, "Activation ID", "ライセンス認証 ID"),
    (Label::ApplicationId, "Application ID", "アプリケーション ID"),
    (Label::ExtendedPid, "Extended PID", "拡張 PID"),
    (Label::InstallationId, "Installation ID", "インストール ID"),
    (Label::PartialKey, "Partial Product Key", "部分プロダクト キー"),
    (Label::Status, "License Status", "ライセンスの状態"),
    (Label::Expiry, "Volume activation expiration", "ボリューム ライセンス認証の有効期限"),
    (Label::EvaluationEnd, "Evaluation End Date", "評価最終日"),
    (Label::Cmid, "Client Machine ID (CMID)", "クライアント コンピュータ ID (CMID)"),
    (Label::Registered, "Registered KMS machine name", "登録済みの KMS コンピュータ名"),
    (Label::FromDns, "KMS machine name from DNS", "DNS からの KMS コンピュータ名"),
    (Label::Discovery, "DNS auto-discovery", "DNS 自動検出"),
    (Label::HostEpid, "KMS machine extended PID", "KMS コンピュータ拡張 PID"),
    (Label::ActivationInterval, "Activation interval", "ライセンス認証間隔"),
    (Label::RenewalInterval, "Renewal interval", "更新間隔"),
    (Label::Count, "Current count", "現在の数"),
    (Label::Port, "Listening on Port", "リッスンするポート"),
    (Label::Publishing, "DNS publishing", "DNS 発行"),
    (Label::Priority, "KMS priority", "KMS の優先順位"),
];

impl Label {
    /// The label in this language.
    pub(super) fn text(self, language: Language) -> &'static str {
        let row = LABELS.iter().find(|(label, ..)| *label == self);
        row.map_or("", |(_, english, japanese)| language.of(english, japanese))
    }

    /// The label that this text is, in either language and in any case.
    pub(super) fn of(text: &str) -> Option<(Self, Language)> {
        LABELS
            .iter()
            .find_map(|(label, english, japanese)| match text {
                text if text.eq_ignore_ascii_case(english) => Some((*label, Language::English)),
                text if text.eq_ignore_ascii_case(japanese) => Some((*label, Language::Japanese)),
                _ => None,
            })
    }
}

/// Above what a client shows.
pub(super) const CLIENT: (&str, &str) = (
    "Key Management Service client information",
    "キー マネージメント サービス クライアント情報",
);
/// Above what a host shows.
pub(super) const ENABLED: (&str, &str) = (
    "Key Management Service is enabled on this machine",
    "このコンピュータではキー マネージメント サービスが有効です",
);
/// Instead of what a host shows.
pub(super) const DISABLED: (&str, &str) = (
    "Key Management Service is disabled on this machine",
    "このコンピュータではキー マネージメント サービスが無効です",
);
/// DNS discovery that gave nothing.
pub(super) const NOT_AVAILABLE: (&str, &str) =
    ("KMS name not available", "DNS から KMS 名を取得できません");
/// Whether a host publishes.
pub(super) const PUBLISHING: [(bool, &str, &str); 2] =
    [(true, "enabled", "有効"), (false, "disabled", "無効")];
/// Whether a host's priority is normal.
pub(super) const PRIORITY: [(bool, &str, &str); 2] =
    [(true, "Normal", "通常"), (false, "Low", "低")];
/// Licence statuses.
#[rustfmt::skip]
pub(super) const STATUSES: [(LicenseStatus, &str, &str); 7] = [
    (LicenseStatus::UNLICENSED, "Unlicensed", "ライセンスなし"),
    (LicenseStatus::LICENSED, "Licensed", "ライセンス済み"),
    (LicenseStatus::OOB_GRACE, "Initial grace period", "初期猶予期間"),
    (LicenseStatus::OOT_GRACE, "Additional grace period", "追加猶予期間"),
    (LicenseStatus::NON_GENUINE_GRACE, "Non-genuine grace period", "非正規猶予期間"),
    (LicenseStatus::NOTIFICATION, "Notification", "通知"),
    (LicenseStatus::EXTENDED_GRACE, "Extended grace period", "延長された猶予期間"),
];

/// The word for a value, in this language.
pub(super) fn word<T: PartialEq>(
    words: &[(T, &'static str, &'static str)],
    value: &T,
    language: Language,
) -> &'static str {
    let row = words.iter().find(|(known, ..)| known == value);
    row.map_or("", |(_, english, japanese)| language.of(english, japanese))
}

/// The value that a word stands for, in either language. Scripts end some with a full stop, and explain others in
/// parentheses.
pub(super) fn meant<T: Copy>(words: &[(T, &'static str, &'static str)], text: &str) -> Option<T> {
    let bare = text.split_once(" (").map_or(text, |(bare, _)| bare);
    let bare = bare.trim_end_matches(['.', '。']).trim_end();
    let is = |word: &str| bare.eq_ignore_ascii_case(word);
    let row = words
        .iter()
        .find(|(_, english, japanese)| is(english) || is(japanese));
    row.map(|(value, ..)| *value)
}
