//! The requirements of the catalogue, each with its stimulus, on the state machine.

use kmspec_model::fault::Faults;

use crate::script::Script;

mod admin;
mod association;
mod call;
mod header;
mod kms;
mod publish;
mod robust;

/// Every script.
pub(crate) fn scripts() -> Vec<Script> {
    [
        header::scripts(),
        association::scripts(),
        call::scripts(),
        robust::scripts(),
        kms::scripts(),
        admin::scripts(),
        publish::scripts(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn every_requirement_is_met_without_faults() {
    let failures: Vec<String> = scripts()
        .iter()
        .filter_map(|script| script.play(Faults::NONE).err())
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
