//! Capture files to TCP streams, PDUs and exchanges, and back.
