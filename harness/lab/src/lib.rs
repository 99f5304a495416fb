//! The model at work: tokio host and its settings.
