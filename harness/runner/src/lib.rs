//! Targets, peers, running cases, reports.
