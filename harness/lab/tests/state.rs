//! A state file against what can happen to it.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use kmspec_lab::state::{HostState, Kept, StateError, StateFile, kind_of};
use kmspec_model::{Host, Settings};
use kmspec_slmgr::Command as Verb;
use kmspec_wire::filetime::FileTime;
use serde::{Deserialize, Serialize};

/// A state whose parts have to be of one save.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Numbered {
    number: u32,
    again: Vec<u32>,
}

impl Kept for Numbered {
    const KIND: &'static str = "numbered";
    const VERSION: u32 = 3;
}

impl Numbered {
    fn new(number: u32) -> Self {
        Self {
            number,
            again: vec![number; 4000],
        }
    }
}

const NOW: FileTime = FileTime(134_398_416_170_000_000);

fn file<T: Kept>(folder: &Path) -> StateFile<T> {
    StateFile::open(folder.join("lab.state")).unwrap()
}

/// The program that is killed: it saves one state after the other, and says so before each.
#[test]
#[ignore = "not a test, but the program that another starts"]
fn a_program_that_saves_without_end() {
    let Some(folder) = std::env::var_os("STATE_FOLDER") else {
        return;
    };
    let file = file::<Numbered>(Path::new(&folder));
    let start = file.load().unwrap().map_or(0, |state| state.number);
    let mut out = std::io::stdout().lock();
    for number in start + 1.. {
        out.write_all(b"!").unwrap();
        out.flush().unwrap();
        file.save(&Numbered::new(number)).unwrap();
    }
}

#[test]
fn a_kill_at_any_moment_leaves_one_state_or_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 0_usize..25 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--exact",
                "--nocapture",
                "a_program_that_saves_without_end",
            ])
            .env("STATE_FOLDER", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pipe = child.stdout.take().unwrap();
        let mut begun = 0;
        let mut octet = [0];
        while begun < 2 + round % 3 {
            pipe.read_exact(&mut octet).unwrap();
            begun += usize::from(octet == *b"!");
        }
        // Each round a little later within a save.
        for _ in 0..round * 4000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let state = file::<Numbered>(folder.path()).load().unwrap().unwrap();
        assert_eq!(state, Numbered::new(state.number), "round {round}");
        let least = last + u32::try_from(begun).unwrap() - 1;
        assert!(
            state.number >= least,
            "round {round}: {} after {least}",
            state.number
        );
        last = state.number;
    }
}

#[test]
fn a_file_is_of_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = file::<Numbered>(folder.path());
    let second = StateFile::<Numbered>::open(first.path());
    assert!(matches!(second, Err(StateError::Busy(_))), "{second:?}");
    drop(first);
    file::<Numbered>(folder.path());
}

#[test]
fn a_damaged_file_is_told_of_and_set_aside() {
    let whole = {
        let folder = tempfile::tempdir().unwrap();
        let file = file::<Numbered>(folder.path());
        file.save(&Numbered {
            number: 7,
            again: vec![7],
        })
        .unwrap();
        fs::read(file.path()).unwrap()
    };
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut ways: Vec<Vec<u8>> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
    ways.push(flipped);
    ways.push(
        b"{\"format\":\"another\",\"version\":1,\"kind\":\"numbered\",\"sha256\":\"\"}\n{}"
            .to_vec(),
    );
    for octets in ways {
        let folder = tempfile::tempdir().unwrap();
        let file = file::<Numbered>(folder.path());
        fs::write(file.path(), &octets).unwrap();
        let error = file.load().unwrap_err();
        let StateError::Damaged { aside, .. } = &error else {
            panic!("{error}: {octets:?}");
        };
        assert_eq!(fs::read(aside).unwrap(), octets);
        assert!(!file.path().exists());
        assert_eq!(error.to_string().lines().count(), 1);
        // A second one does not push the first aside.
        fs::write(file.path(), b"x").unwrap();
        let second = file.load().unwrap_err().to_string();
        assert!(second.ends_with("lab.state.damaged-2"), "{second}");
        assert_eq!(file.load().unwrap(), None);
    }
}

#[test]
fn a_file_of_another_kind_or_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let numbered = file::<Numbered>(folder.path());
    numbered.save(&Numbered::new(1)).unwrap();
    let path = numbered.path().to_owned();
    drop(numbered);
    assert_eq!(kind_of(&path).as_deref(), Some("numbered"));
    let octets = fs::read(&path).unwrap();
    let error = file::<HostState>(folder.path())
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("this is the state of a numbered, not of a host"),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), octets);

    let newer = String::from_utf8(octets)
        .unwrap()
        .replacen("\"version\":3", "\"version\":4", 1);
    fs::write(&path, &newer).unwrap();
    let error = file::<Numbered>(folder.path())
        .load()
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("its version is 4, and 3 is the newest known"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), newer);
}

#[test]
fn a_host_remembers_what_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::new(Settings::default());
    HostState::bare(&Settings::default(), NOW).recall(&mut host);
    for line in [
        ["-ipk", "LABAA-BBBBB-CCCCC-DDDDD-EEEEE"].as_slice(),
        &["-ato"],
        &["-sprt", "1690"],
        &["-sai", "60"],
    ] {
        host.administer(NOW, true, &Verb::parse(line).unwrap())
            .unwrap();
    }
    let state = HostState::of(&host);
    assert_eq!(state.port(), Some(1690));
    let file = file::<HostState>(folder.path());
    file.save(&state).unwrap();
    let loaded = file.load().unwrap().unwrap();
    assert_eq!(loaded, state);
    let mut next = Host::new(Settings::default());
    loaded.recall(&mut next);
    assert_eq!(next.settings().activation_interval.minutes(), 60);
    assert!(next.settings().activated);
    assert_eq!(next.settings().epid, host.settings().epid);
}

#[test]
fn a_folder_that_is_not_there_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let error = StateFile::<Numbered>::open(folder.path().join("none/lab.state"));
    assert!(matches!(error, Err(StateError::Write { .. })), "{error:?}");
}
