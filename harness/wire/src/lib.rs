//! The KMS wire formats: DCE/RPC PDUs, NDR, messages, crypto, key sets.
