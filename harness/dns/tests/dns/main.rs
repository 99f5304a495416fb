//! The server, the lookups and the updates, against themselves.

mod kit;
mod properties;
mod queries;
mod sockets;
mod texts;
mod updates;
