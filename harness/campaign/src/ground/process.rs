//! What a process of this machine uses, from procfs. Source: proc(5).

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// What a process uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Memory in use, in octets.
    pub(crate) memory: u64,
    /// Its threads.
    pub(crate) threads: u64,
    /// Its open files.
    pub(crate) files: u64,
}

/// What the process of this number uses now.
pub(crate) fn usage(process: u32) -> Option<Usage> {
    let folder = Path::new("/proc").join(process.to_string());
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    let files = fs::read_dir(folder.join("fd")).ok()?.count();
    Some(Usage {
        memory: field("VmRSS:")? * 1024,
        threads: field("Threads:")?,
        files: u64::try_from(files).unwrap_or(u64::MAX),
    })
}

/// The process that listens at an address of this machine, if it is one of ours to look at; `likely` is looked at first,
/// since there may be many.
pub(crate) fn listening(address: SocketAddr, likely: Option<u32>) -> Option<u32> {
    let table = if address.is_ipv4() {
        "/proc/net/tcp"
    } else {
        "/proc/net/tcp6"
    };
    let table = fs::read_to_string(table).ok()?;
    let port = format!(":{:04X}", address.port());
    let inode = table.lines().skip(1).find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, LISTENS, ..] = words.as_slice() else {
            return None;
        };
        local
            .ends_with(&port)
            .then(|| words.get(9).copied())
            .flatten()
    })?;
    let socket = format!("socket:[{inode}]");
    let has = |process: &u32| {
        let folder = Path::new("/proc").join(process.to_string()).join("fd");
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut links = files.filter_map(|file| fs::read_link(file.path()).ok());
        links.any(|link| link.as_os_str() == socket.as_str())
    };
    if let Some(likely) = likely.filter(has) {
        return Some(likely);
    }
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut processes = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    processes.find(has)
}

/// State of a socket that listens.
const LISTENS: &str = "0A";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_of_this_process_is_found_and_what_it_uses() {
        if !Path::new("/proc/self/status").exists() {
            return;
        }
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let process = listening(listener.local_addr().unwrap(), None);
        assert_eq!(process, Some(std::process::id()));
        let usage = usage(std::process::id()).unwrap();
        assert!(
            usage.memory > 0 && usage.threads > 0 && usage.files > 2,
            "{usage:?}"
        );
    }
}
