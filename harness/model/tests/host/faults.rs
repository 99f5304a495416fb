//! The faults against the scripts: each is seen, and seen where it is about.

use std::collections::BTreeSet;

use kmspec_model::fault::{Fault, Faults};

use crate::catalogue::scripts;
use crate::script::Script;

#[test]
fn every_fault_fails_a_script_of_the_requirement_it_is_about() {
    let scripts = scripts();
    let ids: BTreeSet<&str> = scripts.iter().map(|script| script.id).collect();
    let unseen: Vec<String> = Fault::all()
        .filter(|fault| {
            let faults = Faults::only(*fault);
            // What every answer shows has no script of its own: any script that looks at answers will do.
            let own = |script: &&Script| !ids.contains(fault.about()) || script.id == fault.about();
            scripts
                .iter()
                .filter(own)
                .all(|script| script.play(faults).is_ok())
        })
        .filter(|fault| !WITHOUT_SCRIPT.contains(fault))
        .map(|fault| format!("{fault} ({})", fault.about()))
        .collect();
    assert!(unseen.is_empty(), "not seen:\n{}", unseen.join("\n"));
}

/// Faults that no script shows yet: only the suites look for them.
const WITHOUT_SCRIPT: [Fault; 33] = [
    Fault::AckReservedOctets,
    Fault::SyntaxHalfCompared,
    Fault::SyntaxMinorIgnored,
    Fault::Ndr64OfAnyInterface,
    Fault::StubLeftOver,
    Fault::LaterContextTaken,
    Fault::LaterOpnumTaken,
    Fault::SyntaxOfNewest,
    Fault::RandomHalf,
    Fault::CountOfRefused,
    Fault::CmidHalfCompared,
    Fault::LicensedNotCounted,
    Fault::ExpiresTooLate,
    Fault::CapOfAllApplications,
    Fault::NewestMakesRoom,
    Fault::NPolicyZeroRefused,
    Fault::SkewTooLax,
    Fault::CountsWrongStatus,
    Fault::TamperedNotCounted,
    Fault::CrashOnUnterminatedName,
    Fault::CrashOnLoneSurrogate,
    Fault::ReofferForgetsOthers,
    Fault::SizeSignIgnored,
    Fault::V6IvCounts,
    Fault::V4MacUnchecked,
    Fault::PreviousCmidTaken,
    Fault::CountsPerStatus,
    Fault::NPolicySigned,
    Fault::SkewUnchecked,
    Fault::ProductUnchecked,
    Fault::CrashOnLeftCall,
    Fault::LeaksMemory,
    Fault::LeaksDescriptors,
];

#[test]
fn every_fault_is_about_a_requirement_of_the_catalogue() {
    let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/catalogue");
    let mut ids = BTreeSet::new();
    for folder in [catalogue.to_owned(), format!("{catalogue}/rpc")] {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                let file: toml::Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
                let requirements = file.get("requirement").and_then(toml::Value::as_array);
                let id = |requirement: &toml::Value| requirement["id"].as_str().unwrap().to_owned();
                ids.extend(requirements.into_iter().flatten().map(id));
            }
        }
    }
    for fault in Fault::all() {
        assert!(
            ids.contains(fault.about()),
            "{fault} is about {}",
            fault.about()
        );
    }
}
