//! The real binary: exit codes, messages, what it prints.

mod adapter;
mod bench;
mod browser;
mod bundle;
mod check;
mod client;
mod client_verbs;
mod compare;
mod config;
mod decode;
mod dns;
mod expect;
mod fleet;
mod fuzz;
mod help;
mod kit;
mod lab;
mod pages;
mod peers;
mod record;
mod reports;
mod run;
mod schemas;
mod situations;
mod slmgr;
