//! The real binary: exit codes, messages, what it prints.

mod config;
mod check;
mod decode;
mod help;
mod kit;
mod lab;
mod pages;
mod record;
mod run;
mod situations;
