//! The real binary: exit codes, messages, what it prints.

mod config;
mod decode;
mod help;
mod kit;
mod lab;
mod pages;
mod run;
mod situations;
