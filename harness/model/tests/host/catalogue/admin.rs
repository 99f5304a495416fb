use kmspec_slmgr::{ConfirmationId, InstallationId};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::{RequestBody, Version};
use kmspec_wire::ndr::TransferSyntax;

use crate::kit::request;
use crate::script::Script;

const KEY: &str = "LABAA-BBBBB-CCCCC-DDDDD-EEEEE";
const RESTART: &str = "Restart the service for this to take effect.";

pub(super) fn scripts() -> Vec<Script> {
    let mut scripts = vec![
        keys(),
        telephone(),
        elevation(),
        showing(),
        showing_grace(),
        support(),
        all(),
    ];
    scripts.extend(settings());
    scripts
}

fn answered(count: u32) -> String {
    format!("resp 03 ctx 0 = {count}; open")
}

fn asking(script: Script, expected: &str) -> Script {
    let body: RequestBody = request(Version::V6, 1);
    script.ask(TransferSyntax::Ndr32, &body, |call| call, expected)
}

/// With a new key the host serves nobody until it is activated; a key of others is none.
fn keys() -> Script {
    let foreign = "YVT36-YVCP2-J97GQ-7T22R-RWV8P";
    let script = Script::bound("deployment.host-install")
        .administer(
            &format!("-ipk {foreign}"),
            "the lab host takes keys that start with LAB only",
        )
        .administer(
            &format!("/IPK {KEY}"),
            &format!("Installed product key {KEY} successfully."),
        );
    let script = asking(script, "resp 03 ctx 0 = c004f035 of 0; open").administer(
        "-ato",
        "Activating kmspec lab host, Windows edition ...\nProduct activated successfully.",
    );
    asking(script, &answered(1))
}

fn telephone() -> Script {
    let id = InstallationId::lab(&format!("{KEY} 570123456"));
    let other = ConfirmationId::lab(&InstallationId::lab("another"));
    let script = Script::bound("deployment.host-install")
        .administer(
            &format!("-ipk {KEY}"),
            &format!("Installed product key {KEY} successfully."),
        )
        .administer("-dti", &format!("Installation ID: {id}"))
        .administer(
            &format!("-atp {other}"),
            "the confirmation id does not fit the installation id",
        );
    let script = asking(script, "resp 03 ctx 0 = c004f035 of 0; open").administer(
        &format!("-atp {}", ConfirmationId::lab(&id)),
        "Product activated successfully.",
    );
    asking(script, &answered(1))
}

fn elevation() -> Script {
    Script::bound("deployment.host-configure")
        .asked_by_anybody("-sai 60", "this needs elevation")
        .asked_by_anybody("-ato", "this needs elevation")
        .asked_by_anybody("restart", "this needs elevation")
        .asked_by_anybody("-dli", &shown(0, 1688, "enabled", "Normal"))
}

/// What `-dli` shows of an activated host with the key it has from the start.
fn shown(count: u32, port: u16, publishing: &str, priority: &str) -> String {
    format!(
        "Name: kmspec lab host, Windows edition\n\
         Description: kmspec lab, VOLUME_KMS channel\n\
         Partial Product Key: LAB01\n\
         License Status: Licensed\n\n\
         Key Management Service is enabled on this machine\n\
         Current count: {count}\n\
         Listening on Port: {port}\n\
         DNS publishing {publishing}\n\
         KMS priority: {priority}"
    )
}

/// Each setting shows only after a restart. The intervals are on the wire.
fn settings() -> Vec<Script> {
    let before = shown(0, 1688, "enabled", "Normal");
    let mut scripts = Vec::new();
    for (id, line, said, after) in [
        (
            "deployment.port",
            "-sprt 1689",
            "KMS port set to 1689 successfully.",
            shown(0, 1689, "enabled", "Normal"),
        ),
        (
            "deployment.dns",
            "-cdns",
            "DNS publishing disabled.",
            shown(0, 1688, "disabled", "Normal"),
        ),
        (
            "deployment.priority",
            "-cpri",
            "KMS priority set to Low.",
            shown(0, 1688, "enabled", "Low"),
        ),
    ] {
        scripts.push(
            Script::bound(id)
                .administer(line, &format!("{said}\n{RESTART}"))
                .administer("-dli", &before)
                .administer("restart", "restarted")
                .administer("-dli", &after),
        );
    }
    for (id, verb, said) in [
        ("deployment.activation-interval", "-sai", "Activation"),
        ("deployment.renewal-interval", "-sri", "Renewal"),
    ] {
        let set = |script: Script| {
            script
                .administer(
                    &format!("{verb} 14"),
                    &format!("{verb}: \"14\" is no interval: intervals are 15 to 43200 minutes"),
                )
                .administer(
                    &format!("{verb} 60"),
                    &format!("{said} interval set to 60 minutes successfully.\n{RESTART}"),
                )
        };
        // The first answer's intervals are remembered: without a restart they stay.
        let script = set(asking(
            Script::bound("deployment.host-configure"),
            &answered(1),
        ));
        scripts.push(asking(script, &answered(1)));
        let script = set(Script::bound(id));
        scripts.push(intervals(script.administer("restart", "restarted"), id));
    }
    let script = Script::bound("deployment.host-configure")
        .administer(
            "-sai 60",
            &format!("Activation interval set to 60 minutes successfully.\n{RESTART}"),
        )
        .administer("restart", "restarted");
    scripts.push(script.known_intervals((60, 10_080), |script| asking(script, &answered(1))));
    scripts
}

/// The intervals of an answer after a restart: one is 60 minutes.
fn intervals(script: Script, id: &str) -> Script {
    let expected = if id == "deployment.activation-interval" {
        (60, 10_080)
    } else {
        (120, 60)
    };
    script.known_intervals(expected, |script| asking(script, &answered(1)))
}

fn showing() -> Script {
    let script = asking(Script::bound("deployment.show"), &answered(1))
        .administer("-dli", &shown(1, 1688, "enabled", "Normal"))
        .administer(
            "-sprt 1689",
            &format!("KMS port set to 1689 successfully.\n{RESTART}"),
        )
        .administer("restart", "restarted");
    script.administer("-dli", &shown(1, 1689, "enabled", "Normal"))
}

fn showing_grace() -> Script {
    let left = |minutes: u32, days: u32| {
        shown(0, 1688, "enabled", "Normal").replace("LAB01", "EEEEE").replace(
            "Licensed\n",
            &format!("Initial grace period\nVolume activation expiration: {minutes} minute(s) ({days} day(s))\n"),
        )
    };
    let over = shown(0, 1688, "enabled", "Normal")
        .replace("LAB01", "EEEEE")
        .replace("Licensed", "Notification");
    Script::new("deployment.show")
        .administer(
            &format!("-ipk {KEY}"),
            &format!("Installed product key {KEY} successfully."),
        )
        .administer("-dli", &left(43_200, 30))
        .wait(38 * FileTime::MINUTE, "closed")
        .administer("-dli", &left(43_162, 29))
        .wait(30 * FileTime::DAY, "closed")
        .administer("-dli", &over)
}

fn details() -> String {
    let id = InstallationId::lab("LABHO-STKEY-FORKM-SPECS-LAB01 570123456");
    let version = env!("CARGO_PKG_VERSION");
    let more = format!(
        "Activation ID: 6b6d7370-6563-4c61-b000-686f73740001\n\
         Application ID: 55c92734-d682-4d71-983e-d6ec3f16059f\n\
         Extended PID: 99999-00206-570-123456-03-1033-9600.0000-0012026\n\
         Installation ID: {id}\n\
         Partial"
    );
    let text = shown(0, 1688, "enabled", "Normal").replace("Partial", &more);
    format!("Software licensing service version: {version}\n\n{text}")
}

fn support() -> Script {
    Script::new("deployment.support").administer("-dlv", &details())
}

fn all() -> Script {
    let other = |number: u32, name: &str, channel: &str, application: &str| {
        format!(
            "\n\nName: kmspec lab {name} edition\n\
             Description: kmspec lab, {channel} channel\n\
             Activation ID: 6b6d7370-6563-4c61-b000-686f7374000{number}\n\
             Application ID: {application}\n\
             License Status: Unlicensed"
        )
    };
    let text = details()
        + &other(
            2,
            "client, Windows",
            "VOLUME_KMSCLIENT",
            "55c92734-d682-4d71-983e-d6ec3f16059f",
        )
        + &other(
            3,
            "host, Office",
            "VOLUME_KMS",
            "0ff1ce15-a989-479d-af46-f275c6370663",
        );
    Script::new("deployment.support").administer("/DLV ALL", &text)
}
