use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;

use super::*;
use crate::check;
use crate::language::Language;
use crate::name::HostName;
use crate::text::decode;

/// The document's example of a client, label by label. Source: the deployment document, step 32.
const DOCUMENT_CLIENT: &str = "名前 : Windows(TM) Vista, Enterprise エディション
説明 : Windows オペレーティング システム  -  Vista, ENVIRONMENT チャネル
部分プロダクト キー : RHXCM
ライセンスの状態 : ライセンス済み
ボリューム ライセンス認証の有効期限 : 43162 分 (29 日)
評価最終日 : 8/29/2007 4:59:59 PM
キー マネージメント サービス クライアント情報
クライアント コンピュータ ID (CMID) : 45d450a8-2bef-4f04-9271-6104516a1b60

DNS 自動検出 : DNS から KMS 名を取得できません
KMS コンピュータ拡張 PID :  11111-00140-008-805425-03-1033-5384.0000-1752006

ライセンス認証間隔 : 120 分
更新間隔 :  10080 minute(s)
";

/// The document's example of a host.
const DOCUMENT_HOST: &str = "このコンピュータではキー マネージメント サービスが有効です
現在の数 :  7

リッスンするポート :  1688

DNS 発行 : 有効
KMS の優先順位 : 通常
";

/// The document's example for support.
const DOCUMENT_SUPPORT: &str = "ソフトウェア ライセンス サービス バージョン :  6.0.5384.4
ライセンス認証 ID : 14478aca-ea15-4958-ac34-359281101c99
アプリケーション ID : 55c92734-d682-4d71-983e-d6ec3f16059f
拡張 PID :  11111-00140-009-000002-03-1033-5384.0000-1942006
インストール ID :  000963843315259493598506854253663081409973656140419231
";

fn read(text: &str) -> Read {
    Report::read(text).unwrap()
}

fn document() -> Report {
    read(&format!(
        "{DOCUMENT_SUPPORT}{DOCUMENT_CLIENT}{DOCUMENT_HOST}"
    ))
    .report
}

#[test]
fn every_example_of_the_document_is_read() {
    let report = document();
    assert_eq!(report.service_version.as_deref(), Some("6.0.5384.4"));
    let [license] = report.licenses.as_slice() else {
        panic!("{report:?}")
    };
    assert_eq!(license.name, "Windows(TM) Vista, Enterprise エディション");
    assert_eq!(
        license.partial_key,
        "MF9PG-RQK7R-26BPJ-TWFYK-RHXCM"
            .parse::<crate::ProductKey>()
            .map(|key| key.partial())
            .ok()
    );
    assert_eq!(license.status, LicenseStatus::LICENSED);
    assert_eq!(license.expiry, Some(Expiry::of_minutes(43_162)));
    assert_eq!(
        license.expiry,
        Some(Expiry {
            minutes: 43_162,
            days: 29
        })
    );
    assert_eq!(license.evaluation_end.unwrap().year, 2007);
    assert_eq!(license.application_id, Some(kmspec_wire::kms::ids::WINDOWS));
    assert_eq!(
        license.extended_pid.unwrap().to_string(),
        "11111-00140-009-000002-03-1033-5384.0000-1942006"
    );
    let client = report.client().unwrap();
    assert_eq!(
        client.cmid.to_string(),
        "45d450a8-2bef-4f04-9271-6104516a1b60"
    );
    assert!(client.cmid.is_random());
    assert_eq!(client.discovery, Some(Discovery::NotAvailable));
    assert_eq!(client.host_epid.unwrap().day_of_year, 175);
    assert_eq!(
        (client.activation_interval, client.renewal_interval),
        (Some(120), Some(10_080))
    );
    let service = report.service().unwrap();
    assert_eq!((service.count, service.port), (7, 1688));
    assert!(service.publishing && service.normal_priority);
}

#[test]
fn a_report_is_written_as_the_document_writes_it() {
    insta::assert_snapshot!("document_en", document().write(Language::English));
    insta::assert_snapshot!("document_ja", document().write(Language::Japanese));
}

#[test]
fn what_real_scripts_print_around_it_is_kept_aside() {
    let plain = read(&document().write(Language::English));
    let banner = "Microsoft (R) Windows Script Host Version 5.8\r\nCopyright (C) Microsoft Corporation. All rights reserved.\r\n\r\n";
    let text = format!(
        "\u{feff}{banner}{}\r\nTrusted time: 11/22/2026\r\n",
        document().write(Language::English).replace('\n', "\r\n")
    );
    let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for octets in [text.as_bytes(), &units] {
        let noisy = read(&decode(octets).unwrap());
        assert_eq!(noisy.report, plain.report);
        assert_eq!(noisy.around.len(), 3, "{:?}", noisy.around);
    }
    assert_eq!(plain.around, [""; 0]);
}

#[test]
fn the_variants_of_real_scripts_are_read() {
    for (line, of) in [
        (
            "License Status: Additional grace period (KMS license expired or hardware out of tolerance)",
            LicenseStatus::OOT_GRACE,
        ),
        ("license status : LICENSED", LicenseStatus::LICENSED),
        (
            "License Status: Non-genuine grace period.",
            LicenseStatus::NON_GENUINE_GRACE,
        ),
        ("ライセンスの状態：通知", LicenseStatus::NOTIFICATION),
        ("License Status: 9", LicenseStatus(9)),
    ] {
        let report = read(&format!("Name: x\n{line}\n")).report;
        assert_eq!(report.licenses[0].status, of, "{line}");
    }
    let host = "Name: x\nLicense Status: Licensed\nKey Management Service is enabled on this machine.\n    Current count: 7\n    Listening on Port: 1688\n    DNS publishing disabled\n    KMS priority: Low\n";
    let service = *read(host).report.service().unwrap();
    assert!(!service.publishing && !service.normal_priority);
    let off =
        "Name: x\nLicense Status: Licensed\nKey Management Service is disabled on this machine\n";
    assert_eq!(
        read(off).report.licenses[0].host,
        Some(HostPart { service: None })
    );
}

#[test]
fn of_all_licences_only_the_one_with_a_partial_key_can_be_used() {
    let text = "Name: a\nLicense Status: Unlicensed\n\nName: b\nPartial Product Key: EEEEE\nLicense Status: Licensed\n\nName: c\nLicense Status: Unlicensed\n";
    let report = read(text).report;
    let names: Vec<&str> = report
        .usable()
        .map(|license| license.name.as_str())
        .collect();
    assert_eq!((report.licenses.len(), names), (3, vec!["b"]));
}

#[test]
fn every_field_that_is_wrong_is_told_with_its_line() {
    let errors = |text: &str| Report::read(text).unwrap_err().to_string();
    for (text, expected) in [
        ("", "Name: it is missing"),
        ("nothing of the kind\n", "Name: it is missing"),
        ("Name: x\n", "License Status: it is missing"),
        ("License Status: Licensed\n", "Name: it is missing"),
        (
            "Name: x\nLicense Status: fine\n",
            "line 2: License Status: \"fine\" is not a licence status",
        ),
        (
            "Name:\nLicense Status: Licensed\n",
            "line 1: Name: \"\" is not a text",
        ),
        (
            "名前 : x\nライセンスの状態 : ライセンス済み\n部分プロダクト キー : RHXC\nライセンス認証間隔 : 120\nリッスンするポート : 0\n",
            "line 3: Partial Product Key: \"RHXC\" is not the last five characters of a key; line 4: Activation interval: \"120\" is not a number of minutes; line 5: Listening on Port: \"0\" is not a port",
        ),
        (
            "Name: x\nLicense Status: Licensed\nInstallation ID: 000964843315259493598506854253663081409973656140419231\n",
            "line 3: Installation ID: \"000964843315259493598506854253663081409973656140419231\" is not 54 digits whose check digits are right",
        ),
        (
            "Name: x\nLicense Status: Licensed\nVolume activation expiration: 5 weeks\n",
            "line 3: Volume activation expiration: \"5 weeks\" is not minutes and days",
        ),
        (
            "Name: x\nLicense Status: Licensed\nCurrent count: 7\nCurrent count: 8\n",
            "line 4: Current count: it stands there twice, and differs",
        ),
        (
            "Name: x\nLicense Status: Licensed\nKey Management Service is enabled on this machine\nCurrent count: 7\n",
            "Listening on Port: it is missing; DNS publishing: it is missing; KMS priority: it is missing",
        ),
        (
            "Name: x\nLicense Status: Licensed\nKey Management Service client information\n",
            "Client Machine ID (CMID): it is missing",
        ),
    ] {
        assert_eq!(errors(text), expected, "{text}");
    }
}

fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let words = [
        "Windows",
        "Vista,",
        "エディション",
        "a:b",
        "(TM)",
        "KMS",
        "：",
        "名前",
        "DNS publishing",
    ];
    let mut text = u.choose(&words)?.to_string();
    for _ in 0..u.int_in_range(0..=3)? {
        text = format!("{text} {}", u.choose(&words)?);
    }
    Ok(text)
}

fn maybe<T>(
    u: &mut Unstructured<'_>,
    make: impl FnOnce(&mut Unstructured<'_>) -> Result<T>,
) -> Result<Option<T>> {
    if u.arbitrary()? {
        make(u).map(Some)
    } else {
        Ok(None)
    }
}

fn guid(u: &mut Unstructured<'_>) -> Result<Guid> {
    u.arbitrary().map(Guid::from_u128)
}

fn epid(u: &mut Unstructured<'_>) -> Result<Epid> {
    let texts = [
        "11111-00140-008-805425-03-1033-5384.0000-1752006",
        "99999-00206-570-123456-03-1033-9600.0000-0012026",
    ];
    Ok(u.choose(&texts)?.parse().unwrap())
}

fn host_name(u: &mut Unstructured<'_>) -> Result<RegisteredHost> {
    let name = match u.int_in_range(0..=2)? {
        0 => HostName::Address(u.arbitrary::<core::net::Ipv4Addr>()?.into()),
        1 => HostName::Address(u.arbitrary::<core::net::Ipv6Addr>()?.into()),
        _ => HostName::Name((*u.choose(&["KMS03", "kms03.site5.contoso.com"])?).to_owned()),
    };
    let port = maybe(u, |u| u.int_in_range(1..=u16::MAX))?;
    Ok(RegisteredHost { name, port })
}

fn license(u: &mut Unstructured<'_>) -> Result<License> {
    let status = LicenseStatus(u.int_in_range(0..=8)?);
    let minutes = |u: &mut Unstructured<'_>| u.arbitrary::<u32>();
    Ok(License {
        name: text(u)?,
        description: maybe(u, text)?,
        activation_id: maybe(u, guid)?,
        application_id: maybe(u, guid)?,
        extended_pid: maybe(u, epid)?,
        installation_id: maybe(u, |u| Ok(InstallationId::lab(&text(u)?)))?,
        partial_key: maybe(u, |_| Ok("RHXCM".parse().unwrap()))?,
        status,
        expiry: maybe(u, |u| {
            Ok(Expiry {
                minutes: u.arbitrary()?,
                days: u.arbitrary()?,
            })
        })?,
        evaluation_end: maybe(u, |u| {
            Ok(Date {
                year: u.int_in_range(1000..=9999)?,
                month: u.int_in_range(1..=12)?,
                day: u.int_in_range(1..=31)?,
                hour: u.int_in_range(0..=23)?,
                minute: u.int_in_range(0..=59)?,
                second: u.int_in_range(0..=59)?,
            })
        })?,
        client: maybe(u, |u| {
            Ok(ClientPart {
                cmid: guid(u)?,
                registered: maybe(u, host_name)?,
                discovery: maybe(u, |u| {
                    Ok(maybe(u, host_name)?.map_or(Discovery::NotAvailable, Discovery::Found))
                })?,
                host_epid: maybe(u, epid)?,
                activation_interval: maybe(u, minutes)?,
                renewal_interval: maybe(u, minutes)?,
            })
        })?,
        host: maybe(u, |u| {
            Ok(HostPart {
                service: maybe(u, |u| {
                    Ok(Service {
                        count: u.arbitrary()?,
                        port: u.int_in_range(1..=u16::MAX)?,
                        publishing: u.arbitrary()?,
                        normal_priority: u.arbitrary()?,
                        activation_interval: maybe(u, minutes)?,
                        renewal_interval: maybe(u, minutes)?,
                    })
                })?,
            })
        })?,
    })
}

#[test]
fn any_report_reads_back_in_both_languages() {
    arbtest(|u| {
        let mut report = Report {
            service_version: maybe(u, text)?,
            licenses: Vec::new(),
        };
        for _ in 0..u.int_in_range(1..=3)? {
            report.licenses.push(license(u)?);
        }
        for language in [Language::English, Language::Japanese] {
            let written = report.write(language);
            let again =
                Report::read(&written).unwrap_or_else(|errors| panic!("{errors}\n{written}"));
            assert_eq!(again.report, report, "{written}");
            assert_eq!(
                (again.language, again.around.len()),
                (language, 0),
                "{written}"
            );
        }
        Ok(())
    })
    .budget_ms(2000);
}

#[test]
fn nothing_that_is_read_panics_or_changes_when_written() {
    let whole = format!("{DOCUMENT_SUPPORT}{DOCUMENT_CLIENT}{DOCUMENT_HOST}");
    for end in 0..=whole.len() {
        check::report(&whole.as_bytes()[..end]);
    }
    arbtest(|u| {
        let mut octets = whole.clone().into_bytes();
        for _ in 0..u.int_in_range(1..=4)? {
            let at = u.choose_index(octets.len())?;
            octets[at] = u.arbitrary()?;
        }
        check::report(&octets);
        check::report(u.bytes(u.len().min(200))?);
        Ok(())
    })
    .budget_ms(1000);
}
