//! What was measured on.

use std::fs;

use serde::Serialize;

/// The machine, and how busy it was.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Hardware threads that may be used.
    pub threads: usize,
    /// Load average of the last minute.
    pub load: f64,
    /// The commit of the working tree.
    pub commit: String,
}

impl Machine {
    /// This one, now. What cannot be found out is empty.
    pub fn here() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processor = read("/proc/cpuinfo")
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or_else(String::new, |(_, name)| name.to_owned());
        let load = read("/proc/loadavg");
        let git = std::process::Command::new("git")
            .args(["describe", "--always", "--dirty"])
            .current_dir(super::package())
            .output();
        Self {
            processor,
            threads: std::thread::available_parallelism().map_or(0, usize::from),
            load: load
                .split(' ')
                .next()
                .and_then(|load| load.parse().ok())
                .unwrap_or_default(),
            commit: git.map_or_else(
                |_| String::new(),
                |git| String::from_utf8_lossy(&git.stdout).trim().to_owned(),
            ),
        }
    }
}
