//! What `lab dns` does, for its own users and for the tools of others.

use std::fmt::Write as _;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use kmspec_dns::{Authority, DnsServer, Fault, Zone};
use tokio::runtime::Runtime;

use crate::kit::{Lab, folder, put, say};

/// What stands in the file of records.
const RECORDS: &str = "\
; The hosts of the lab.
_vlmcs._tcp 600 IN SRV 0 100 1688 kms01
_vlmcs._tcp     IN SRV 10 0 1689 kms02.corp.example. ; the second choice

kms01 A 127.0.0.1
kms02 CNAME kms01
";

fn serve(folder: &Path, options: &str) -> Lab {
    put(folder, "lab.zone", RECORDS);
    let line = format!("lab dns --listen 0 --zone corp.example --records lab.zone {options}");
    Lab::start(folder, &line)
}

/// What a tool says, fed with a text; `None` where it is missing, and says so.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn tool(name: &str, arguments: &[&str], input: &str) -> Option<String> {
    let child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: needs {name}");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    Some(String::from_utf8(text).unwrap())
}

/// What dig says of a server, without what differs from run to run.
fn dig(lab: &Lab, question: &str) -> Option<String> {
    let port = lab.address.port().to_string();
    let mut arguments = vec![
        "@127.0.0.1",
        "-p",
        &port,
        "+nocookie",
        "+tries=1",
        "+time=2",
    ];
    arguments.extend(question.split(' '));
    let text = tool("dig", &arguments, "")?;
    let stays = |line: &&str| {
        let varies = [
            ";; Query time",
            ";; SERVER",
            ";; WHEN",
            "; <<>>",
            ";; global options",
        ];
        let why = line.contains("communications error") || line.starts_with(";; ;;");
        !line.is_empty() && !why && !varies.iter().any(|start| line.starts_with(start))
    };
    let mut lines = Vec::new();
    for line in text.lines().filter(stays) {
        let line = line.split(", id: ").next().unwrap_or(line);
        lines.push(line.replace(&port, "PORT"));
    }
    Some(lines.join("\n"))
}

#[test]
fn dig_reads_its_answers() {
    let folder = folder();
    let mut text = String::new();
    for (options, question) in [
        ("", "_vlmcs._tcp.corp.example SRV"),
        ("", "+noedns +tcp _VLMCS._tcp.Corp.example SRV"),
        ("", "kms02.corp.example A"),
        ("", "_tcp.corp.example SRV"),
        ("", "nobody.corp.example A"),
        ("", "corp.example SOA"),
        ("", "corp.test SRV"),
        ("--fault truncate", "_vlmcs._tcp.corp.example SRV"),
        ("--fault truncate", "+ignore _vlmcs._tcp.corp.example SRV"),
        ("--fault servfail", "_vlmcs._tcp.corp.example SRV"),
        ("--fault cname", "_vlmcs._tcp.corp.example SRV"),
        ("--fault empty", "_vlmcs._tcp.corp.example SRV"),
        ("--fault wrong-question", "_vlmcs._tcp.corp.example SRV"),
        ("--fault slow=5s", "_vlmcs._tcp.corp.example SRV"),
    ] {
        let lab = serve(folder.path(), options);
        let Some(said) = dig(&lab, question) else {
            return;
        };
        writeln!(text, "$ dig {question} # {options}\n{said}\n").unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn nsupdate_changes_its_zone() {
    let folder = folder();
    let lab = serve(folder.path(), "");
    let update = |lines: &str| {
        let server = format!(
            "server 127.0.0.1 {}\nzone corp.example\n",
            lab.address.port()
        );
        tool("nsupdate", &["-t", "2"], &format!("{server}{lines}send\n"))
    };
    let owner = "_vlmcs._tcp.corp.example.";
    let add = format!("update add {owner} 60 SRV 5 5 1700 kms03.corp.example.\n");
    for (lines, said, left) in [
        (add.clone(), "", "1688 1689 1700"),
        (
            format!(
                "prereq yxrrset {owner} SRV\nupdate delete {owner} SRV 0 100 1688 kms01.corp.example.\n"
            ),
            "",
            "1689 1700",
        ),
        (
            format!("prereq nxdomain {owner}\n{add}"),
            "update failed: YXDOMAIN\n",
            "1689 1700",
        ),
        (
            format!("prereq yxrrset {owner} TXT\n{add}"),
            "update failed: NXRRSET\n",
            "1689 1700",
        ),
        (
            "update add kms.corp.test. 60 A 127.0.0.1\n".to_owned(),
            "update failed: NOTZONE\n",
            "1689 1700",
        ),
        (format!("update delete {owner} SRV\n"), "", ""),
    ] {
        let Some(answer) = update(&lines) else { return };
        assert_eq!(answer, said, "{lines}");
        let Some(found) = dig(&lab, &format!("+short {owner} SRV")) else {
            return;
        };
        let mut ports: Vec<&str> = found
            .lines()
            .filter_map(|line| line.split(' ').nth(2))
            .collect();
        ports.sort_unstable();
        assert_eq!(ports.join(" "), left, "{lines}");
    }
}

#[test]
fn it_tells_what_it_is_asked_and_ends_in_order() {
    let folder = folder();
    let lab = serve(folder.path(), "");
    assert!(lab.address.ip().is_loopback());
    let said = lab.end("INT");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.complaints(), [""; 0]);
}

#[test]
fn a_client_finds_the_host_that_publishes_itself() {
    let folder = folder();
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(async {
        let zone = Zone::new("corp.example").unwrap();
        let address = "127.0.0.1:0".parse().unwrap();
        DnsServer::start(address, Authority::new([zone]))
            .await
            .unwrap()
    });
    let dns = server.address();
    let options = format!("--start-count 24 --publish corp.example --dns {dns}");
    let lab = Lab::serve(folder.path(), &options);
    let published = |server: &DnsServer| server.srv("_vlmcs._tcp.corp.example").pop();
    let found = runtime.block_on(server.until(Duration::from_secs(20), published));
    let port = lab.address.port();
    let expected = format!("0 0 {port} kmspec-lab.corp.example.");
    assert_eq!(found.unwrap().to_string(), expected);
    for (fault, suffixes, code) in [
        (None, "--suffix corp.example", 0),
        (None, "--suffix other.example --domain corp.example", 0),
        (
            None,
            "--suffix nobody.corp.example --dhcp-domain corp.example",
            0,
        ),
        (None, "--suffix nobody.corp.example", 2),
        (Some(Fault::Truncate), "--suffix corp.example", 0),
        (Some(Fault::Cname), "--suffix corp.example", 0),
        (Some(Fault::ServFail), "--suffix corp.example", 2),
        (Some(Fault::Empty), "--suffix corp.example", 2),
    ] {
        server.set_faults(fault.into_iter().collect());
        let said = say(
            folder.path(),
            &format!("lab client --once --dns {dns} {suffixes}"),
        );
        assert_eq!(said.code, Some(code), "{fault:?} {suffixes}: {said:?}");
        let by = format!("activated by kmspec-lab.corp.example:{port}");
        assert_eq!(
            said.stdout.contains(&by),
            code == 0,
            "{fault:?} {suffixes}: {said:?}"
        );
    }
}

#[test]
fn discovery_is_judged() {
    let folder = folder();
    let said = say(folder.path(), "run --suite discovery");
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_bad_line_of_a_file_is_named() {
    let folder = folder();
    put(
        folder.path(),
        "bad.zone",
        "kms01 A 127.0.0.1\n\nkms02 A 127.0.0.256\n",
    );
    let said = say(
        folder.path(),
        "lab dns --zone corp.example --records bad.zone",
    );
    assert_eq!(said.code, Some(2));
    let expected =
        "kmspec: bad.zone:3:1: \"127.0.0.256\" is not the data of A; write an IPv4 address";
    assert_eq!(said.complaints(), [expected]);
}
