//! Sessions as data: what a client does to a host, step by step.
