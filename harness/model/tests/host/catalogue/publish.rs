use crate::script::Script;

pub(super) fn scripts() -> Vec<Script> {
    vec![
        published("discovery.published"),
        published("discovery.target"),
        other_port("discovery.port"),
        beside_others(),
        withdrawn(),
        moved(),
        refused(),
    ]
}

fn published(id: &'static str) -> Script {
    Script::new(id).publishes(1688, &added(1688))
}

fn other_port(id: &'static str) -> Script {
    Script::new(id).publishes(1700, &added(1700))
}

fn added(port: u16) -> String {
    format!("add _vlmcs._tcp SRV 0 100 {port} kms.corp.example.")
}

fn removed(port: u16) -> String {
    format!("remove _vlmcs._tcp SRV 0 100 {port} kms.corp.example.")
}

fn beside_others() -> Script {
    configured("discovery.others-stay", "-cdns")
        .publishes(1688, &added(1688))
        .administer("restart", "restarted")
        .publishes(1688, &removed(1688))
}

fn configured(id: &'static str, line: &str) -> Script {
    let notice = match line {
        "-cdns" => "DNS publishing disabled.",
        "-sdns" => "DNS publishing enabled.",
        other => other,
    };
    let said = format!("{notice}\nRestart the service for this to take effect.");
    Script::new(id).administer(line, &said)
}

/// It takes effect when the service restarts, and so does the reverse.
fn withdrawn() -> Script {
    let said = "DNS publishing enabled.\nRestart the service for this to take effect.";
    configured("discovery.withdrawn", "-cdns")
        .publishes(1688, &added(1688))
        .administer("restart", "restarted")
        .publishes(1688, &removed(1688))
        .publishes(1688, "")
        .administer("-sdns", said)
        .publishes(1688, "")
        .administer("restart", "restarted")
        .publishes(1688, &added(1688))
}

fn moved() -> Script {
    let both = format!("{}; {}", removed(1688), added(1700));
    Script::new("discovery.port-follows")
        .publishes(1688, &added(1688))
        .publishes(1700, &both)
        .publishes(1700, &added(1700))
}

fn refused() -> Script {
    Script::new("discovery.dns-fails").dns_fails("open")
}
