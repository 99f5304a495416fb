//! Clients under test that are programs, with control verbs and without.

use std::fs;
use std::path::Path;

use crate::kit::{folder, put, say};

/// A client that asks when it is told where, and nothing else; `cannot` is what it does otherwise.
fn without_verbs(cannot: &str) -> String {
    format!(
        "\
if [ \"$KMSPEC_VERB\" != ato ]; then {cannot}; fi
host=\"$KMSPEC_HOST:$KMSPEC_PORT\"
unset KMSPEC_HOST KMSPEC_STATE KMSPEC_PROTOCOL KMSPEC_CLOCK KMSPEC_DNS KMSPEC_SUFFIX KMSPEC_DOMAIN KMSPEC_DHCP_DOMAIN KMSPEC_EDITION
exec {} lab client --once --host \"$host\" --timeout 2s
",
        env!("CARGO_BIN_EXE_kmspec")
    )
}

/// The lab client with the verbs of the licence manager, on a state file for each machine.
fn with_verbs() -> String {
    format!(
        "\
program={}
state=\"$KMSPEC_STATE/client.state\" verb=\"$KMSPEC_VERB\" value=\"$KMSPEC_VALUE\" host=\"$KMSPEC_HOST:$KMSPEC_PORT\"
edition=\"${{KMSPEC_EDITION:-vista-enterprise}}\" dns=\"$KMSPEC_DNS\"
set -- --state \"$state\" --timeout 2s
if [ -n \"$KMSPEC_CLOCK$KMSPEC_PROTOCOL\" ]; then echo 'no clock, no protocol' >&2; exit 89; fi
for pair in suffix:\"$KMSPEC_SUFFIX\" domain:\"$KMSPEC_DOMAIN\" dhcp-domain:\"$KMSPEC_DHCP_DOMAIN\"; do
    if [ -n \"${{pair#*:}}\" ]; then set -- \"$@\" \"--${{pair%%:*}}\" \"${{pair#*:}}\"; fi
done
unset KMSPEC_HOST KMSPEC_STATE KMSPEC_DNS KMSPEC_SUFFIX KMSPEC_DOMAIN KMSPEC_DHCP_DOMAIN KMSPEC_EDITION KMSPEC_VALUE
if [ ! -e \"$state\" ]; then
    $program lab client --once --edition \"$edition\" --host 127.0.0.1:1 --state \"$state\" >/dev/null 2>&1
    $program lab slmgr --lang en --state \"$state\" -ckms >/dev/null
fi
case \"$verb\" in
    ato) exec $program lab client --once --host \"$host\" \"$@\" ;;
    discover) exec $program lab client --once --dns \"$dns\" \"$@\" ;;
    dli|dlv|ckms|rearm) exec $program lab slmgr --lang en --state \"$state\" \"-$verb\" ;;
    ipk|skms) exec $program lab slmgr --lang en --state \"$state\" \"-$verb\" \"$value\" ;;
    service|standard-user) exec $program lab slmgr --lang en --state \"$state\" \"$verb\" \"$value\" ;;
    unelevated) exec $program lab slmgr --lang en --state \"$state\" --not-elevated $value ;;
    *) echo \"no verb $verb\" >&2; exit 89 ;;
esac
",
        env!("CARGO_BIN_EXE_kmspec")
    )
}

/// Runs these cases on the client that a script is: id, verdict and reason of each row.
fn rows(folder: &Path, script: &str, control: &str, only: &str) -> Vec<(String, String, String)> {
    put(folder, "client.sh", script);
    let file = format!("[target]\nrole = \"client\"\nstart = [\"sh\", \"client.sh\"]\n{control}");
    put(folder, "client.toml", file);
    let said = say(
        folder,
        &format!("run client.toml {only} --report json=run.json"),
    );
    let report = fs::read_to_string(folder.join("run.json"))
        .unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let report: serde_json::Value =
        serde_json::from_str(&report).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let text =
        |row: &serde_json::Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    let rows = report["results"].as_array().unwrap().iter();
    let rows = rows.filter(|row| text(row, "suite") != "every-answer");
    rows.map(|row| (text(row, "id"), text(row, "verdict"), text(row, "reason")))
        .collect()
}

/// Cases, and the verb that each needs first.
const NEEDED: [(&str, &str); 7] = [
    ("deployment.client-install/workgroup-dhcp", "discover"),
    ("deployment.mak-to-kms/vista-enterprise", "dli"),
    ("deployment.client-configure/ipv4-port", "skms"),
    ("deployment.client-deploy/rearm", "clock"),
    ("deployment.support/client", "dlv"),
    ("discovery.query", "discover"),
    ("client.registered-host-wins/answers", "skms"),
];

#[test]
fn a_client_without_verbs_is_skipped_by_the_name_of_the_missing_one() {
    let only: Vec<String> = NEEDED
        .iter()
        .map(|(id, _)| format!("--only {id}"))
        .collect();
    let only = format!("{} --only deployment.activate-script", only.join(" "));
    for (cannot, says) in [
        ("exit 1", ""),
        (
            "echo 'not me' >&2; exit 89",
            "; the client cannot do this: not me",
        ),
    ] {
        let folder = folder();
        let rows = rows(folder.path(), &without_verbs(cannot), "", &only);
        for (id, verb) in NEEDED {
            let row = rows.iter().find(|(row, ..)| row == id);
            let (_, verdict, reason) = row.unwrap_or_else(|| panic!("{id}: {rows:?}"));
            assert_eq!(verdict, "skip", "{id}");
            let with_words = format!("needs control verb {verb}{says}");
            assert!(*reason == with_words || verb == "clock", "{id}: {reason}");
            assert!(
                reason.starts_with(&format!("needs control verb {verb}")),
                "{id}: {reason}"
            );
        }
        let told = rows
            .iter()
            .find(|(id, ..)| id == "deployment.activate-script");
        assert_eq!(told.unwrap().1, "pass", "{rows:?}");
    }
}

#[test]
fn a_verb_of_the_target_file_is_used_although_the_client_has_none() {
    let folder = folder();
    let control = "[control]\ndlv = [\"sh\", \"-c\", \"echo nothing of the form\"]\n";
    let rows = rows(
        folder.path(),
        &without_verbs("exit 1"),
        control,
        "--only deployment.support/client",
    );
    assert_eq!(rows[0].1, "warn", "{rows:?}");
}

#[test]
fn a_client_with_verbs_passes_what_it_can_be_told() {
    let folder = folder();
    let cases = [
        "deployment.client-install",
        "deployment.client-configure",
        "deployment.mak-to-kms/vista-enterprise",
        "deployment.mak-to-kms/server-itanium",
        "deployment.support/client",
        "discovery.lookup",
        "discovery.looks-again",
        "client.tries-next-host/refuses",
    ];
    let only: Vec<String> = cases.iter().map(|id| format!("--only {id}*")).collect();
    let rows = rows(folder.path(), &with_verbs(), "", &only.join(" "));
    let wrong: Vec<_> = rows
        .iter()
        // Others may have the one port that goes without saying.
        .filter(|(_, verdict, reason)| verdict != "pass" && !reason.contains(":1688"))
        .collect();
    assert!(rows.len() > 20 && wrong.is_empty(), "{wrong:#?}");
}
