//! What `cargo bench` runs.

/// It hands the options of criterion to all that it runs, and to Rust's own harness they are unknown.
#[test]
fn only_benchmarks_are_run_as_such() {
    let manifest: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
    let others = manifest["bin"].as_array().unwrap().iter();
    let others = others.chain([&manifest["lib"]]);
    assert!(
        others
            .clone()
            .all(|one| one["bench"].as_bool() == Some(false))
    );
    let programs = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/bin")).unwrap();
    assert_eq!(
        others.count(),
        programs.count() + 1,
        "a program without bench = false"
    );
    let benches = manifest["bench"].as_array().unwrap().iter();
    assert!(
        benches
            .clone()
            .all(|one| one["harness"].as_bool() == Some(false))
    );
}
