//! A real Locust master with two workers of ours.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::root;
use crate::kit::{Lab, Said, folder, kmspec, put, signal_to};

/// Two classes: one whose name says a version, one that asks what the worker's mix says.
const LOCUSTFILE: &str = "
from locust import User, task

class KmsUser(User):
    @task
    def ask(self):
        pass

class KmsV4User(User):
    @task
    def ask(self):
        pass
";

/// A Python that has Locust: that of the folder which the tests of the whole repository prepare, or the system's.
fn python() -> Option<PathBuf> {
    let pythons = [
        root().join("target/locust-venv/bin/python"),
        "python3".into(),
    ];
    let found = pythons.into_iter().find(|python| {
        let output = Command::new(python).args(["-c", "import locust"]).output();
        output.is_ok_and(|output| output.status.success())
    });
    if found.is_none() {
        let skipped = writeln!(io::stderr(), "skipped: needs locust");
        skipped.unwrap();
    }
    found
}

/// A port that was free a moment ago: Locust does not say which one it was given.
fn port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

fn master(python: &Path, folder: &Path, port: u16, options: &str) -> Child {
    put(folder, "locustfile.py", LOCUSTFILE);
    Command::new(python)
        .args([
            "-m",
            "locust",
            "--master",
            "--master-bind-host",
            "127.0.0.1",
        ])
        .args(["--master-bind-port", &port.to_string()])
        .args(options.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn worker(folder: &Path, port: u16) -> Child {
    kmspec(folder)
        .args([
            "bench",
            "--locust-master",
            &format!("127.0.0.1:{port}"),
            "--versions",
            "v5,v6",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The numbers in a worker's last line: tests, requests, failures.
fn numbers(said: &Said) -> [u64; 3] {
    assert_eq!(said.code, Some(0), "{said:?}");
    let line = said.stdout.replace(',', "");
    let numbers: Vec<u64> = line
        .split_whitespace()
        .filter_map(|word| word.trim_end_matches(';').parse().ok())
        .collect();
    numbers[..3].try_into().unwrap()
}

/// The most users that a worker told of.
fn users(said: &Said) -> u64 {
    let lines = said
        .stderr
        .lines()
        .filter_map(|line| line.strip_suffix(" users"));
    lines
        .filter_map(|users| users.parse().ok())
        .max()
        .unwrap_or(0)
}

#[test]
fn a_locust_master_spreads_users_and_adds_up_what_workers_count() {
    let Some(python) = python() else { return };
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let port = port();
    let options = format!(
        "-f locustfile.py --headless --expect-workers 2 --expect-workers-max-wait 60 --host {} -u 5 -r 5 -t 5s --csv out",
        lab.address
    );
    let master = master(&python, folder.path(), port, &options);
    let workers = [worker(folder.path(), port), worker(folder.path(), port)];
    let said = Said::from(master.wait_with_output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.stderr.contains("Traceback"), "{said:?}");
    // The master said quit, and they went.
    let said = workers.map(|worker| Said::from(worker.wait_with_output().unwrap()));
    assert_eq!(said.iter().map(users).sum::<u64>(), 5, "{said:?}");
    assert!(said.iter().all(|said| users(said) >= 2), "{said:?}");
    let ours = said
        .iter()
        .map(numbers)
        .fold(0, |sum, [tests, requests, failures]| {
            assert_eq!((tests, failures), (1, 0));
            sum + requests
        });
    let table = fs::read_to_string(folder.path().join("out_stats.csv")).unwrap();
    let requests = |kind: &str, name: &str| -> u64 {
        let row = table
            .lines()
            .find(|line| line.starts_with(&format!("{kind},{name},")));
        row.and_then(|row| row.split(',').nth(2)?.parse().ok())
            .unwrap_or_else(|| panic!("{name}: {table}"))
    };
    assert_eq!(requests("", "Aggregated"), ours, "{table}");
    let by_name = requests("KMS", "v4") + requests("KMS", "v5+v6");
    assert_eq!(by_name, ours, "{table}");
}

/// One request to the master's page; `None` until it is there.
fn ask(port: u16, method: &str, path: &str, form: &str) -> Option<Value> {
    let address: SocketAddr = (Ipv4Addr::LOCALHOST, port).into();
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()
}

/// Asks until the answer is as wanted.
fn until(port: u16, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let began = std::time::Instant::now();
    loop {
        if let Some(answer) = ask(port, "GET", path, "").filter(&wanted) {
            return answer;
        }
        assert!(
            began.elapsed().as_secs() < 90,
            "{path}: {:?}",
            ask(port, "GET", path, "")
        );
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
}

#[test]
fn the_page_of_a_locust_master_begins_and_stops_tests() {
    let Some(python) = python() else { return };
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let (port_of_workers, web) = (port(), port());
    let options = format!("-f locustfile.py KmsUser --web-host 127.0.0.1 --web-port {web}");
    let master = master(&python, folder.path(), port_of_workers, &options);
    let workers = [
        worker(folder.path(), port_of_workers),
        worker(folder.path(), port_of_workers),
    ];
    let ready = |answer: &Value| {
        answer["workers"]
            .as_array()
            .is_some_and(|workers| workers.len() == 2)
    };
    until(web, "/stats/requests", ready);
    let total = |answer: &Value| {
        answer["stats"].as_array().unwrap().last().unwrap()["num_requests"].as_u64()
    };
    let mut last = None;
    for _ in 0..2 {
        let form = format!("user_count=4&spawn_rate=4&host={}", lab.address);
        let begun = ask(web, "POST", "/swarm", &form).unwrap();
        assert_eq!(begun["success"], true, "{begun}");
        until(web, "/stats/requests", |answer| {
            answer["user_count"] == 4 && total(answer) > Some(100)
        });
        assert_eq!(ask(web, "POST", "/stop", "").unwrap()["success"], true);
        let stopped = until(web, "/stats/requests", |answer| {
            let ready = |worker: &Value| worker["state"] == "ready" && worker["user_count"] == 0;
            answer["state"] == "stopped" && answer["workers"].as_array().unwrap().iter().all(ready)
        });
        last = total(&stopped);
    }
    signal_to(&master, "TERM");
    master.wait_with_output().unwrap();
    let said = workers.map(|worker| Said::from(worker.wait_with_output().unwrap()));
    let ours = said
        .iter()
        .map(numbers)
        .fold(0, |sum, [tests, requests, _]| {
            assert_eq!(tests, 2);
            sum + requests
        });
    assert_eq!(last, Some(ours), "{said:?}");
}
