//! What criterion leaves behind: a folder for each benchmark, with its samples.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

use super::{MeasureError, file};

/// One benchmark as it was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Its name, group included.
    pub name: String,
    /// Nanoseconds of one iteration in the quickest sample: what a busy machine disturbs least.
    pub best_ns: f64,
    /// Nanoseconds of one iteration in the median sample.
    pub median_ns: f64,
    /// What one iteration gets through, if it is measured by that.
    pub through: Option<Through>,
}

/// What one iteration gets through, as criterion writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Through {
    /// Octets.
    Bytes(u64),
    /// Messages, turns, cases.
    Elements(u64),
}

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
    throughput: Option<Through>,
}

#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// All benchmarks below `folder` that were measured since then, by name.
pub fn read(folder: &Path, since: SystemTime) -> Result<Vec<Measured>, MeasureError> {
    let mut found = Vec::new();
    walk(folder, since, &mut found)?;
    found.sort_by(|a: &Measured, b| a.name.cmp(&b.name));
    Ok(found)
}

fn walk(folder: &Path, since: SystemTime, found: &mut Vec<Measured>) -> Result<(), MeasureError> {
    for entry in fs::read_dir(folder).map_err(file(folder))? {
        let path = entry.map_err(file(folder))?.path();
        if !path.is_dir() {
            continue;
        }
        let named = path.file_name().is_some_and(|name| name == "new");
        if named && path.join("benchmark.json").is_file() {
            found.extend(measured(&path, since)?);
        } else {
            walk(&path, since, found)?;
        }
    }
    Ok(())
}

fn measured(folder: &Path, since: SystemTime) -> Result<Option<Measured>, MeasureError> {
    let path = folder.join("sample.json");
    let modified = fs::metadata(&path).and_then(|data| data.modified());
    if modified.map_err(file(&path))? < since {
        return Ok(None);
    }
    let benchmark: Benchmark = json(&folder.join("benchmark.json"))?;
    let sample: Sample = json(&path)?;
    let mut each: Vec<f64> = sample
        .times
        .iter()
        .zip(&sample.iters)
        .map(|(time, iterations)| time / iterations)
        .collect();
    each.sort_by(f64::total_cmp);
    let (Some(best), Some(median)) = (each.first(), each.get(each.len() / 2)) else {
        return Ok(None);
    };
    Ok(Some(Measured {
        name: benchmark.full_id,
        best_ns: *best,
        median_ns: *median,
        through: benchmark.throughput,
    }))
}

fn json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T, MeasureError> {
    let text = fs::read_to_string(path).map_err(file(path))?;
    serde_json::from_str(&text).map_err(|error| MeasureError::Unreadable {
        from: path.display().to_string(),
        problem: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quickest_and_the_median_sample_are_read_and_old_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("crypto/mac v4/new");
        fs::create_dir_all(&new).unwrap();
        let benchmark = r#"{"full_id":"crypto/mac v4","throughput":{"Bytes":236}}"#;
        fs::write(new.join("benchmark.json"), benchmark).unwrap();
        let sample = r#"{"iters":[10.0,20.0,30.0],"times":[1000.0,1000.0,6000.0]}"#;
        fs::write(new.join("sample.json"), sample).unwrap();
        let read_since = |since| read(folder.path(), since).unwrap();
        let expected = Measured {
            name: "crypto/mac v4".to_owned(),
            best_ns: 50.0,
            median_ns: 100.0,
            through: Some(Through::Bytes(236)),
        };
        assert_eq!(read_since(SystemTime::UNIX_EPOCH), [expected]);
        let later = SystemTime::now() + std::time::Duration::from_secs(3600);
        assert_eq!(read_since(later), []);
    }
}
