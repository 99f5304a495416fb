//! The reference client against the reference host, in memory and under a virtual clock.

mod attempts;
mod keys;
mod kit;
mod licence;
mod searching;
mod threshold;
mod verbs;
