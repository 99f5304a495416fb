//! The reference host and client as state machines.
