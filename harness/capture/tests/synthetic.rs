//! Files, packets and calls made by hand: one situation each.

#[path = "synthetic/calls.rs"]
mod calls;
#[path = "synthetic/files.rs"]
mod files;
#[path = "synthetic/layers.rs"]
mod layers;
#[path = "synthetic/packets.rs"]
mod packets;
#[path = "synthetic/writer.rs"]
mod writer;
