//! The reference host, driven octet by octet without a socket.
mod answers;
mod kit;
mod policy;
mod properties;
