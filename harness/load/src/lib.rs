//! The load generator: requests at a rate, and how long each answer took.
