//! Every situation has its exit code and its one line.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};

use crate::kit::{
    Lab, NO_PACKETS, OTHER_KEYS, Refusing, closing, folder, put, recording, resetting, say, silent,
    web,
};

/// Name, command line, exit code, what the one complaint says; none if there is nothing to complain of.
type Situation = (&'static str, &'static str, i32, &'static str);

#[rustfmt::skip]
const USAGE: &[Situation] = &[
    ("no command", "", 2, "a command is missing; see kmspec --help"),
    ("no command of the lab", "lab", 2, "a command is missing; see kmspec lab --help"),
    ("unknown command", "judge", 2, "unrecognized subcommand 'judge'; see kmspec --help"),
    ("mistyped command", "self-tst", 2, "unrecognized subcommand 'self-tst'; a similar subcommand exists: 'self-test'; see kmspec --help"),
    ("unknown option", "run --sute x", 2, "unexpected argument '--sute' found; a similar argument exists: '--suite'; see kmspec run --help"),
    ("missing operand", "decode", 2, "required arguments were not provided: <CAPTURE>...; see kmspec decode --help"),
    ("missing value", "run --seed", 2, "a value is required for '--seed <NUMBER>' but none was supplied; see kmspec run --help"),
    ("no such format", "decode a --format xml", 2, "invalid value 'xml' for '--format <FORMAT>' [possible values: table, json]"),
    ("no jobs", "run --jobs 0", 2, "invalid value '0' for '--jobs <NUMBER>': there must be one at least"),
    ("no such duration", "run --timeout soon", 2, "a duration is a number above 0 and ms, s, m or h, as in 300ms or 5s"),
    ("no such part", "run --shard 5/4", 2, "a part is I/N with I from 1 to N, as in 2/5"),
    ("no part in the environment", "run --shard auto", 2, "--shard auto, and no variable of a build or batch system names a part; give --shard I/N"),
    ("no such level", "run --level most", 2, "invalid value 'most' for '--level <LEVEL>' [possible values: must, should, may]"),
    ("no such report", "run --report xml=a", 2, "a report is json=PATH, junit=PATH, html=PATH, sarif=PATH or github"),
    ("interface without stub", "run --interface afa8bd80-7d8a-11c9-bef4-08002b102989/1.0", 2, "required arguments were not provided: --stub <HEX>"),
    ("interface without version", "run --interface afa8bd80 --stub 00", 2, "an interface is its UUID and version"),
    ("half an octet", "run --interface afa8bd80-7d8a-11c9-bef4-08002b102989/1.0 --stub 0", 2, "octets have two hexadecimal digits each"),
    ("help", "--help", 0, ""),
    ("help of a command", "run -h", 0, ""),
    ("version", "--version", 0, ""),
];

#[rustfmt::skip]
const SELECTION: &[Situation] = &[
    ("unknown suite", "run --suite nope", 2, "there is no suite \"nope\"; there are "),
    ("unknown id", "run --only crypto.v6-hmca", 2, "there is no `crypto.v6-hmca`; did you mean `crypto.v6-hmac`? see kmspec list"),
    ("unknown id to skip", "run --skip nope.nope.nope", 2, "there is no `nope.nope.nope`; see kmspec list"),
    ("pattern of nothing", "run --only nope.*", 2, "there is no `nope.*`; see kmspec list"),
    ("nothing selected", "run --only crypto.* --skip crypto.*", 2, "nothing is selected: no case is all that was asked for"),
    ("nothing listed", "list --only nope", 2, "nothing selected: no requirement is all that was asked for"),
    ("listed", "list --only crypto.* --level must", 0, ""),
    ("listed for programs", "list --format json", 0, ""),
    ("explained", "explain crypto.v6-hmac", 0, ""),
    ("explained by the name of a case", "explain crypto.v6-hmac/over-hours", 0, ""),
    ("nothing to explain", "explain crypto.v6-hmca", 2, "there is no `crypto.v6-hmca`; did you mean `crypto.v6-hmac`? see kmspec list"),
];

#[rustfmt::skip]
const TARGETS: &[Situation] = &[
    ("lab host in the process", "run --suite crypto", 0, ""),
    ("lab host at an address", "run {lab} --suite crypto", 0, ""),
    ("a part of it", "run {lab} --suite crypto --shard 1/2", 0, ""),
    ("lab host by a target file", "run host.toml --suite crypto", 0, ""),
    ("host with other keys", "run {lab} --suite crypto --keys other.toml", 1, ""),
    ("nothing that applies", "run {lab} --only policy.count-distinct", 2, "nothing was judged: every case was skipped"),
    ("refused", "run {refusing} --suite crypto", 2, "not judged: at the start: cannot connect to {refusing}: Connection refused"),
    ("reset", "run {resetting} --suite crypto", 2, "not judged: at the start: "),
    ("closed", "run {closing} --suite crypto", 2, "not judged: at the start: "),
    ("silent", "run {silent} --suite crypto --timeout 200ms", 2, "not judged: at the start: silent: no answer to a bind within 200ms"),
    ("something else", "run {web} --suite crypto", 2, "not judged: at the start: "),
    ("name of nobody", "run kms.invalid:1688 --suite crypto", 2, "cannot find kms.invalid: "),
    ("no port", "run 127.0.0.1", 2, "\"127.0.0.1\" is no target: give HOST:PORT"),
    ("no target file", "run none.toml", 2, "none.toml: cannot read it: No such file or directory"),
    ("target file that is not TOML", "run broken.toml", 2, "broken.toml:2:11: string values must be quoted"),
    ("target file with a slip", "run slip.toml", 2, "slip.toml:2:1: unknown field `addres`"),
    ("target file without port", "run portless.toml", 2, "portless.toml:2:11: \"localhost\" is no target"),
    ("no key file", "run {lab} --keys none.toml", 2, "none.toml: cannot read it: No such file or directory"),
    ("bad key file", "run {lab} --keys badkeys.toml", 2, "badkeys.toml:3:21: 14 bytes where the key has 20"),
    ("report without place", "run --suite crypto --report json=none/a.json", 2, "none/a.json: cannot write it: No such file or directory"),
    ("transcripts without place", "run --suite crypto --transcripts v6.pcap", 2, "v6.pcap: cannot write it: File exists"),
];

#[rustfmt::skip]
const CAPTURES: &[Situation] = &[
    ("good", "decode v6.pcap", 0, ""),
    ("good, for programs", "decode v6.pcap --format json", 0, ""),
    ("two good ones", "decode v6.pcap v4.pcap", 0, ""),
    ("compressed", "decode v6.pcap.gz", 0, ""),
    ("missing", "decode none.pcap", 2, "none.pcap: cannot read it: No such file or directory"),
    ("one of two missing", "decode none.pcap v6.pcap", 2, "none.pcap: cannot read it: No such file or directory"),
    ("a folder", "decode .", 2, ".: cannot read it: is a directory"),
    ("damaged", "decode half.pcap", 2, "half.pcap: byte "),
    ("compressed and damaged", "decode half.pcap.gz", 2, "half.pcap.gz: byte "),
    ("empty", "decode empty.pcap", 2, "empty.pcap: byte 0: the file is empty"),
    ("no capture", "decode other.toml", 2, "other.toml: byte 0: neither pcap nor pcapng"),
    ("nothing to replay", "replay nowhere.pcap", 2, "nowhere.pcap: cannot read it: "),
    ("a damaged recording", "replay half.pcap", 2, "half.pcap: byte "),
    ("a recording without KMS", "replay quiet.pcap", 2, "quiet.pcap: no KMS in this capture"),
    ("a target and no recording", "replay 127.0.0.1:1", 2, "a capture or a bundle is missing; see kmspec replay --help"),
    ("no KMS", "decode quiet.pcap", 2, "quiet.pcap: no KMS in this capture"),
    ("wrong keys", "decode v6.pcap --keys other.toml", 2, "v6.pcap: cannot open v6 request: padding"),
    ("no keys needed", "decode v6.pcap --structure", 0, ""),
    ("keys and structure", "decode v6.pcap --structure --keys other.toml", 2, "the argument '--structure' cannot be used with '--keys <FILE>'"),
    ("bad keys", "decode v6.pcap --keys badkeys.toml", 2, "badkeys.toml:3:21: 14 bytes where the key has 20"),
];

#[rustfmt::skip]
const LAB: &[Situation] = &[
    ("ePID of a production host", "lab serve --epid 05426-00206-563-535837-03-1056-9200.0000-0732024", 2, "ePID has platform id 05426, the lab host's is always 99999"),
    ("no ePID", "lab serve --epid 99999", 2, "invalid value '99999' for '--epid <EPID>': ePID"),
    ("interval too short", "lab serve --activation-interval 14", 2, "interval of 14 minutes is not within 15 to 43200"),
    ("interval too long", "lab serve --renewal-interval 43201", 2, "interval of 43201 minutes is not within 15 to 43200"),
    ("no hardware id", "lab serve --hwid 123", 2, "a hardware id is 16 hexadecimal digits"),
    ("no port", "lab serve --port 65536", 2, "65536 is not in 0..=65535"),
    ("port in use", "lab serve --port {taken}", 2, "Address already in use (os error 98); give another --port"),
    ("published in no zone", "lab serve --port 0 --publish a..b --dns 127.0.0.1:5300", 2, "--publish: \"a..b\" is not a domain name"),
    ("published without a server", "lab serve --port 0 --publish a.test", 2, "--dns <IP:PORT>"),
    ("published at no address", "lab serve --port 0 --publish a.test --dns nowhere", 2, "invalid socket address syntax"),
    ("DNS: no zone", "lab dns", 2, "--zone <NAME>"),
    ("DNS: no name of a zone", "lab dns --zone a..b", 2, "--zone: \"a..b\" is not a domain name"),
    ("DNS: half a record", "lab dns --zone a.test --record 'kms SRV 0 0 1688'", 2, "--record: \"0 0 1688\" is not the data of SRV"),
    ("DNS: record outside", "lab dns --zone a.test --record 'kms.b.test. A 127.0.0.1'", 2, "kms.b.test. is not in a zone that is served"),
    ("DNS: no such fault", "lab dns --zone a.test --fault lazy", 2, "\"lazy\" is not one of servfail"),
    ("DNS: no such file", "lab dns --zone a.test --records nothing.zone", 2, "nothing.zone: cannot read it"),
    ("DNS: port in use", "lab dns --zone a.test --listen {taken}", 2, "Address already in use (os error 98); give --listen another port"),
    ("control from elsewhere", "lab serve --port 0 --control 0.0.0.0:0 --token-file token", 2, "--control 0.0.0.0:0: control connections are for loopback only"),
    ("control without token", "lab serve --port 0 --control 127.0.0.1:0", 2, "required arguments were not provided: --token-file <FILE>"),
    ("token without place", "lab serve --port 0 --control 127.0.0.1:0 --token-file none/token", 2, "none/token: cannot write it: No such file or directory"),
    ("state without place", "lab serve --port 0 --state none/lab.state", 2, "none/lab.state.lock: cannot write it: No such file or directory"),
    ("nobody to administer", "lab slmgr -dli", 2, "required arguments were not provided"),
    ("no such state", "lab slmgr --state none.state -dli", 2, "none.state: there is no such state"),
    ("control without a token", "lab slmgr --control 127.0.0.1:1 --token-file none -dli", 2, "none: cannot read it: No such file or directory"),
    ("no such language", "lab slmgr --state none.state --lang fr -dli", 2, "a language is en or ja"),
    ("client under test: port in use", "run --role client --listen {taken}", 2, "--listen: cannot listen on 127.0.0.1:{taken}: Address already in use (os error 98); give another"),
    ("client under test: address of nobody here", "run --role client --listen 192.0.2.1:1688", 2, "--listen: cannot listen on 192.0.2.1:1688: Cannot assign requested address (os error 99); give another"),
    ("client: name of nobody", "lab client --once --host kms.invalid", 2, "--host kms.invalid: the name does not resolve"),
    ("client: no port", "lab client --once --host 127.0.0.1:65536", 2, "\"65536\" is no port: ports are 1 to 65535"),
    ("client: no address", "lab client --once --host [::1", 2, "\"[::1\" is no IPv6 address"),
    ("client: key with a wrong shape", "lab client --once --key LAB", 2, "a product key is five groups of five letters or digits"),
    ("client: state without place", "lab client --once --state none/pc.state", 2, "none/pc.state.lock: cannot write it: No such file or directory"),
    ("client: control without --run", "lab client --once --control 127.0.0.1:0 --token-file token", 2, "the argument '--once' cannot be used with '--control <ADDR>'"),
    ("client: control from elsewhere", "lab client --run --control 0.0.0.0:0 --token-file token", 2, "--control 0.0.0.0:0: control connections are for loopback only"),
    ("client: control in use", "lab client --run --control 127.0.0.1:{taken} --token-file token", 2, "Address already in use (os error 98)"),
    ("damaged state", "lab serve --port 0 --state damaged.state", 2, "damaged.state: damaged (it breaks off in its first line); set aside as damaged.state.damaged"),
    ("damaged state administered", "lab slmgr --state damaged2.state -dli", 2, "damaged2.state: damaged (it breaks off in its first line); set aside as damaged2.state.damaged"),
    ("token with a wrong shape", "lab slmgr --control 127.0.0.1:1 --token-file short -dli", 2, "short: this is no control token: it has 64 hexadecimal digits"),
    ("address of nobody here", "lab serve --listen 192.0.2.1 --port 0", 2, "give an address of this machine to --listen"),
];

#[test]
fn every_situation_has_its_code_and_its_line() {
    let folder = folder();
    let folder = folder.path();
    let lab = Lab::serve(folder, "");
    let refusing = Refusing::new();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let places = [
        ("{lab}", lab.address.to_string()),
        ("{refusing}", refusing.address.to_string()),
        ("{resetting}", resetting().to_string()),
        ("{closing}", closing().to_string()),
        ("{silent}", silent().to_string()),
        ("{web}", web().to_string()),
        ("{taken}", taken.local_addr().unwrap().port().to_string()),
    ];
    files(folder, &lab);
    let fill = |text: &str| {
        let all = places.iter();
        all.fold(text.to_owned(), |text, (name, place)| {
            text.replace(name, place)
        })
    };
    let mut wrong = Vec::new();
    let tables = [USAGE, SELECTION, TARGETS, CAPTURES, LAB];
    for (name, line, code, says) in tables.into_iter().flatten() {
        let said = say(folder, &fill(line));
        let complaints = said.complaints();
        let as_said = match (complaints.as_slice(), *says) {
            ([], "") => true,
            ([one], says) => !says.is_empty() && one.contains(&fill(says)),
            _ => false,
        };
        if said.code != Some(*code) || !as_said || said.stderr.contains("panicked") {
            wrong.push(format!("{name}: kmspec {line}\n{said:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The files that the situations name.
fn files(folder: &std::path::Path, lab: &Lab) {
    let v6 = recording("03");
    put(folder, "v6.pcap", v6);
    put(folder, "v4.pcap", recording("01"));
    put(folder, "damaged.state", "x");
    put(folder, "damaged2.state", "x");
    let short = put(folder, "short", "7");
    let owners = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(short, owners).unwrap();
    put(folder, "half.pcap", &v6[..v6.len() / 2]);
    put(folder, "empty.pcap", "");
    put(folder, "quiet.pcap", NO_PACKETS);
    let packed = compressed(v6);
    put(folder, "v6.pcap.gz", &packed);
    put(folder, "half.pcap.gz", &packed[..packed.len() / 2]);
    put(folder, "other.toml", OTHER_KEYS);
    put(
        folder,
        "badkeys.toml",
        OTHER_KEYS.trim_start().replace("no key", ""),
    );
    put(
        folder,
        "broken.toml",
        "[target]\naddress = localhost:1688\n",
    );
    put(
        folder,
        "slip.toml",
        "[target]\naddres = \"localhost:1688\"\n",
    );
    put(
        folder,
        "portless.toml",
        "[target]\naddress = \"localhost\"\n",
    );
    let host = format!(
        "[target]\naddress = \"{}\"\n[control]\ndli = [\"true\"]\n",
        lab.address
    );
    put(folder, "host.toml", host);
    assert!(fs::read_dir(folder).unwrap().count() > 10);
}

fn compressed(octets: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(octets).unwrap();
    encoder.finish().unwrap()
}
