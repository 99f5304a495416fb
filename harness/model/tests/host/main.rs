//! The reference host, driven octet by octet without a socket.
mod answers;
mod catalogue;
mod kit;
mod policy;
mod properties;
mod script;
