use kmspec_wire::kms::HResult;

use crate::ids::{ConfirmationId, InstallationId};
use crate::key::ProductKey;
use crate::language::Language;
use crate::name::RegisteredHost;
use crate::service::Service;

/// What the script says of something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A key was installed.
    KeyInstalled(ProductKey),
    /// The multiple activation key that was there is gone.
    MakRemoved,
    /// A product is being activated.
    Activating(String),
    /// It was.
    Activated,
    /// The installation id.
    InstallationId(InstallationId),
    /// What the telephone says to an installation id.
    ConfirmationId(ConfirmationId),
    /// A host was registered.
    Registered(RegisteredHost),
    /// The registered host was forgotten.
    Forgotten,
    /// The port was set.
    Port(u16),
    /// Publishing in DNS was set.
    Publishing(bool),
    /// The scheduling priority was set; whether it is normal.
    NormalPriority(bool),
    /// The activation interval was set, in minutes.
    ActivationInterval(u32),
    /// The renewal interval was set, in minutes.
    RenewalInterval(u32),
    /// What was set waits for a restart.
    RestartNeeded,
    /// The service was restarted, and listens on this port.
    Restarted(u16),
    /// The client was rearmed; how often it still can be.
    Rearmed(u32),
    /// What the licensing service of the client does from now on.
    Service(Service),
    /// Whether users who are no administrators may activate.
    StandardUsers(bool),
}

impl Notice {
    /// One line in that language.
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Japanese => self.japanese(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::KeyInstalled(key) => format!("Installed product key {key} successfully."),
            Self::MakRemoved => "Removed the multiple activation key.".to_owned(),
            Self::Activating(name) => format!("Activating {name} ..."),
            Self::Activated => "Product activated successfully.".to_owned(),
            Self::InstallationId(id) => format!("Installation ID: {id}"),
            Self::ConfirmationId(id) => format!("Confirmation ID: {id}"),
            Self::Registered(host) => {
                format!("Key Management Service machine name set to {host} successfully.")
            }
            Self::Forgotten => {
                "Key Management Service machine name cleared successfully.".to_owned()
            }
            Self::Port(port) => format!("KMS port set to {port} successfully."),
            Self::Publishing(true) => "DNS publishing enabled.".to_owned(),
            Self::Publishing(false) => "DNS publishing disabled.".to_owned(),
            Self::NormalPriority(true) => "KMS priority set to Normal.".to_owned(),
            Self::NormalPriority(false) => "KMS priority set to Low.".to_owned(),
            Self::ActivationInterval(minutes) => {
                format!("Activation interval set to {minutes} minutes successfully.")
            }
            Self::RenewalInterval(minutes) => {
                format!("Renewal interval set to {minutes} minutes successfully.")
            }
            Self::RestartNeeded => "Restart the service for this to take effect.".to_owned(),
            Self::Restarted(port) => {
                format!("The service was restarted, and listens on port {port}.")
            }
            Self::Rearmed(left) => {
                format!("Rearmed successfully; it can be done {left} more times.")
            }
            Self::Service(service) => service.notice(Language::English).to_owned(),
            Self::StandardUsers(true) => "Standard user activation is on.".to_owned(),
            Self::StandardUsers(false) => "Standard user activation is off.".to_owned(),
        }
    }

    fn japanese(&self) -> String {
        match self {
            Self::KeyInstalled(key) => {
                format!("プロダクト キー {key} を正常にインストールしました。")
            }
            Self::MakRemoved => "マルチ ライセンス認証キーを削除しました。".to_owned(),
            Self::Activating(name) => format!("{name} のライセンス認証を行っています ..."),
            Self::Activated => "製品は正常にライセンス認証されました。".to_owned(),
            Self::InstallationId(id) => format!("インストール ID : {id}"),
            Self::ConfirmationId(id) => format!("確認 ID : {id}"),
            Self::Registered(host) => {
                format!("KMS コンピュータ名は {host} に正常に設定されました。")
            }
            Self::Forgotten => "KMS コンピュータ名は正常に消去されました。".to_owned(),
            Self::Port(port) => format!("KMS ポートは {port} に正常に設定されました。"),
            Self::Publishing(true) => "DNS 発行は有効です。".to_owned(),
            Self::Publishing(false) => "DNS 発行は無効です。".to_owned(),
            Self::NormalPriority(true) => "KMS の優先順位は通常に設定されました。".to_owned(),
            Self::NormalPriority(false) => "KMS の優先順位は低に設定されました。".to_owned(),
            Self::ActivationInterval(minutes) => {
                format!("ライセンス認証間隔は {minutes} 分に正常に設定されました。")
            }
            Self::RenewalInterval(minutes) => {
                format!("更新間隔は {minutes} 分に正常に設定されました。")
            }
            Self::RestartNeeded => {
                "変更を有効にするには、サービスを再起動してください。".to_owned()
            }
            Self::Restarted(port) => {
                format!("サービスを再起動しました。リッスンするポートは {port} です。")
            }
            Self::Rearmed(left) => {
                format!("正常にリセットされました。残り {left} 回リセットできます。")
            }
            Self::Service(service) => service.notice(Language::Japanese).to_owned(),
            Self::StandardUsers(true) => "標準ユーザーのライセンス認証は有効です。".to_owned(),
            Self::StandardUsers(false) => "標準ユーザーのライセンス認証は無効です。".to_owned(),
        }
    }
}

/// The line with a result code that the script ends with where something was refused: `Error: 0xC004F038 …`.
pub fn result_line(language: Language, code: HResult, reason: &str) -> String {
    let error = language.of("Error", "エラー");
    let meaning = meaning(language, code).unwrap_or(reason);
    format!("{error}: 0x{:08X} {meaning}", code.0)
}

/// What a code means, in one sentence.
fn meaning(language: Language, code: HResult) -> Option<&'static str> {
    let of = |english, japanese| Some(language.of(english, japanese));
    match code.0 {
        0x8007_0005 => of(
            "Access denied: the requested action requires elevated privileges.",
            "アクセスが拒否されました: この操作には管理者特権が必要です。",
        ),
        0x8007_0422 => of(
            "The licensing service is disabled, and cannot be started.",
            "ライセンス サービスが無効になっているため、開始できません。",
        ),
        0x8007_0426 => of(
            "The licensing service has not been started.",
            "ライセンス サービスが開始されていません。",
        ),
        0xc004_f014 => of(
            "No product key is installed.",
            "プロダクト キーがインストールされていません。",
        ),
        0xc004_f035 => of(
            "The computer could not be activated with a volume license product key.",
            "ボリューム ライセンス プロダクト キーでライセンス認証できませんでした。",
        ),
        0xc004_f038 => of(
            "The count reported by your Key Management Service (KMS) is insufficient.",
            "キー マネージメント サービス (KMS) から報告された数が不足しています。",
        ),
        0xc004_f04d => of("The confirmation ID is invalid.", "確認 ID が無効です。"),
        0xc004_f050 => of("The product key is invalid.", "プロダクト キーが無効です。"),
        0xc004_f074 => of(
            "No Key Management Service (KMS) could be contacted.",
            "キー マネージメント サービス (KMS) に接続できませんでした。",
        ),
        0xc004_d307 => of(
            "The maximum allowed number of rearms has been exceeded.",
            "リセットできる最大回数を超えました。",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_notice_is_one_line_and_no_two_are_the_same() {
        let key = "LABAA-BBBBB-CCCCC-DDDDD-EEEEE".parse().unwrap();
        let notices = [
            Notice::KeyInstalled(key),
            Notice::MakRemoved,
            Notice::Activating("Windows".to_owned()),
            Notice::Activated,
            Notice::InstallationId(InstallationId::lab("test")),
            Notice::ConfirmationId(ConfirmationId::lab(&InstallationId::lab("test"))),
            Notice::Registered("kms03.site5.contoso.com".parse().unwrap()),
            Notice::Forgotten,
            Notice::Port(1689),
            Notice::Publishing(true),
            Notice::Publishing(false),
            Notice::NormalPriority(true),
            Notice::NormalPriority(false),
            Notice::ActivationInterval(15),
            Notice::RenewalInterval(15),
            Notice::RestartNeeded,
            Notice::Restarted(1689),
            Notice::Rearmed(2),
            Notice::Service(Service::Running),
            Notice::Service(Service::Stopped),
            Notice::Service(Service::Disabled),
            Notice::StandardUsers(true),
            Notice::StandardUsers(false),
        ];
        let mut lines: Vec<String> = [Language::English, Language::Japanese]
            .iter()
            .flat_map(|language| notices.iter().map(|notice| notice.text(*language)))
            .collect();
        assert!(lines.iter().all(|line| !line.contains('\n')));
        let count = lines.len();
        lines.sort();
        lines.dedup();
        assert_eq!(lines.len(), count);
    }

    #[test]
    fn a_result_has_its_code_in_hexadecimal() {
        let line = result_line(Language::English, HResult::NOT_ENOUGH_COUNT, "");
        let expected = "Error: 0xC004F038 The count reported by your Key Management Service (KMS) is insufficient.";
        assert_eq!(line, expected);
        let line = result_line(Language::Japanese, HResult(0x8000_4005), "想定外");
        assert_eq!(line, "エラー: 0x80004005 想定外");
    }
}
