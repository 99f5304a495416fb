//! Faults of what a host has of itself in DNS.

use crate::fault::{Fault, Faults};
use crate::publish::Change;

/// The changes that are made instead of the honest ones.
pub(crate) fn changes(faults: Faults, honest: Vec<Change>) -> Vec<Change> {
    let withdraws = !honest.iter().any(|change| matches!(change, Change::Add(_)));
    let mut made = Vec::new();
    for change in honest {
        match change {
            Change::Add(_) if faults.has(Fault::PublishesNothing) => {}
            Change::Add(mut record) => {
                if faults.has(Fault::PublishedPortFixed) {
                    record.port = 1688;
                }
                if faults.has(Fault::PublishedServiceWrong) {
                    record.service = "_kms._tcp";
                }
                if faults.has(Fault::PublishedTargetRoot) {
                    ".".clone_into(&mut record.host.target);
                }
                if faults.has(Fault::PublishReplacesOthers) {
                    made.push(Change::RemoveAll(record.service));
                }
                made.push(Change::Add(record));
            }
            Change::Remove(record) if withdraws && faults.has(Fault::WithdrawsOthers) => {
                made.push(Change::RemoveAll(record.service));
            }
            Change::Remove(_) if withdraws && faults.has(Fault::NeverWithdraws) => {}
            Change::Remove(_) if !withdraws && faults.has(Fault::OldPortPublished) => {}
            other => made.push(other),
        }
    }
    made
}
