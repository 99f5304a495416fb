/// Names of rules, and one table of them.
macro_rules! rules {
    ($($name:ident = $id:literal: $meaning:literal,)*) => {
        $(#[doc = $meaning] pub const $name: &str = $id;)*

        /// Every rule this module judges, with what it asks. Source: kms-protocol 3 and 4.
        pub const RULES: &[(&str, &str)] = &[$(($name, $meaning),)*];
    };
}

rules! {
    ECHO_VERSION = "message.echo-version": "A response carries the version of the request.",
    ECHO_CMID = "message.echo-cmid": "A response carries the client machine id of the request.",
    ECHO_TIME = "message.echo-time": "A response carries the client time of the request.",
    PID_SIZE = "message.pid-size": "The size of the ePID is even and from 4 to 128 bytes.",
    PID_TERMINATED = "message.pid-terminated": "The ePID ends with a zero unit and holds no other.",
    PID_GRAMMAR = "message.pid-grammar": "The ePID follows the grammar of extended PIDs.",
    INTERVALS_RANGE = "message.intervals-range": "Both intervals are from 15 to 43200 minutes.",
    VERSION_AGREES = "message.version-agrees": "The version inside an envelope is the one outside.",
    SIZE = "message.size": "The fields fill the message, neither more nor less.",
    WORKSTATION_TERMINATED = "message.workstation-terminated": "The workstation name is terminated and filled with zeros.",
    LICENSE_STATUS_RANGE = "message.license-status-range": "The licence status is from 0 to 6.",
    VM_FLAG_RANGE = "message.vm-flag-range": "The flag of a virtual machine is 0 or 1.",
    CMID_V4 = "message.cmid-v4": "The client machine id is a random GUID.",
    V4_MAC = "crypto.v4-mac": "A v4 message ends with its CBC-MAC.",
    V5_IV_ECHO = "crypto.v5-iv-echo": "A v5 response carries the IV of the request.",
    V5_HASH = "crypto.v5-hash": "The hash of a v5 response is that of its random block.",
    V6_IV_FRESH = "crypto.v6-iv-fresh": "A v6 response has an IV of its own.",
    V6_HASH = "crypto.v6-hash": "The hash of a v6 response is that of its random block.",
    V6_IV_PROOF = "crypto.v6-iv-proof": "A v6 response carries the decrypted IV of the request.",
    V6_HMAC = "crypto.v6-hmac": "The MAC of a v6 response is right in the slot of the client time or a neighbouring one.",
    PADDING = "crypto.padding": "The padding of an encrypted message is PKCS#7.",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_have_a_sentence() {
        for (i, (name, meaning)) in RULES.iter().enumerate() {
            assert!(meaning.ends_with('.'), "{name}");
            assert!(RULES[..i].iter().all(|(other, _)| other != name), "{name}");
        }
    }
}
