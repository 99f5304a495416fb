//! The recorded exchanges and their manifest, embedded.
