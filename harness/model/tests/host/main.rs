//! The reference host, driven octet by octet without a socket.
mod admin;
mod answers;
mod catalogue;
mod faults;
mod kit;
mod policy;
mod properties;
mod recorded;
mod script;
