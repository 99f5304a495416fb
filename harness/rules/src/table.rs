/// Whose octets a rule judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// What the KMS service sends.
    Host,
    /// What the machine to be activated sends.
    Client,
}

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rule {
    /// Its place in [`RULES`]: the first field, so that comparing two rules compares numbers and not texts.
    number: usize,
    /// Id of the requirement it checks.
    pub requirement: &'static str,
    /// Whose octets it judges.
    pub role: Role,
    /// What it asks, in one sentence.
    pub sentence: &'static str,
}

macro_rules! rules {
    ($($role:ident { $($name:ident = $id:literal: $sentence:literal,)+ })+) => {
        /// The places of the rules.
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "the names of the rules")]
        enum Place { $($($name,)+)+ }

        $($(
            pub(crate) const $name: Rule = Rule {
                number: Place::$name as usize,
                requirement: $id,
                role: Role::$role,
                sentence: $sentence,
            };
        )+)+

        /// Every rule. A requirement that binds both roles has one rule for each.
        pub const RULES: &[Rule] = &[$($($name,)+)+];
    };
}

rules! {
    Host {
        VERSION_IN_REPLIES = "rpc.header.version-in-replies": "Every reply carries RPC version 5.0, or 5.1 where the bind did.",
        FRAG_LENGTH_EXACT = "rpc.header.frag-length-exact": "frag_length covers the PDU: at least its header, and every structure inside.",
        AUTH_LENGTH_ZERO = "rpc.header.auth-length-zero-without-auth": "A reply has no verifier where the client sent none, and never half of one.",
        REPLY_DREP = "rpc.header.reply-drep-not-echoed": "The data representation of a reply is that of its own octets.",
        CALL_ID_IN_FAULT = "rpc.header.call-id-echoed-in-fault": "A fault carries the call id of a PDU that is not answered yet.",
        ACK_ECHOES_CALL_ID = "rpc.bind.ack-echoes-call-id": "A bind_ack carries the call id of a bind that is not answered yet.",
        ACK_BASIC = "rpc.bind.ack-basic": "An accepted context names a transfer syntax offered for it, and nothing follows the result list.",
        ACK_FLAGS_WHOLE = "rpc.bind.flags-first-last-optional": "A bind_ack has both fragment flags, whatever the bind had.",
        ACK_FLAGS_SIGNING = "rpc.bind.flags-header-signing": "A bind_ack grants header signing only where the bind asked for it.",
        ACK_FLAGS_OTHERS = "rpc.bind.flags-others-ignored": "A bind_ack has no flags beside fragments, multiplexing and header signing.",
        RESULT_COUNT = "rpc.bind.result-count-and-order": "One result for each context offered, in the order of the offer.",
        REJECTED_SYNTAX_ZERO = "rpc.bind.rejected-syntax-zero": "A result that is no acceptance has an all-zero transfer syntax.",
        SYNTAX_VERSION = "rpc.bind.transfer-syntax-version": "An accepted context names the version that was offered, not another of the same UUID.",
        SECONDARY_ADDRESS = "rpc.bind.secondary-address-port": "The secondary address is a decimal port with one NUL, or empty.",
        SECONDARY_PADDING = "rpc.bind.secondary-address-padding": "The result list starts on the next multiple of four behind the secondary address.",
        SECOND_BIND = "rpc.bind.second-bind": "A connection is bound once.",
        NAK_FORMAT = "rpc.nak.format": "A bind_nak has a known reason, the call id of a PDU that is not answered yet, and version 5.0.",
        BTFN_ANSWER = "rpc.btfn.negotiate-ack": "Feature negotiation is answered with negotiate_ack or rejected, and nothing else is answered so.",
        BTFN_MASK = "rpc.btfn.mask-not-above-request": "Only features that were requested are granted.",
        BTFN_FIRST = "rpc.btfn.first-syntax-decides": "Only an element whose first transfer syntax asks for features is negotiated.",
        SIZES_FLOOR = "rpc.fragsize.floor": "A bind_ack announces at least 1432 octets in both directions.",
        SIZES_OFFER = "rpc.fragsize.both-equal": "A bind_ack announces no more in each direction than was offered for it, offers below 2048 counting as 2048.",
        RESPONSE_SIZE = "rpc.fragsize.response-within-limit": "No response fragment is larger than the size negotiated.",
        ALTER_CALL_ID = "rpc.alter.new-context": "An alter_context_resp carries the call id of an alter_context that is not answered yet.",
        ALTER_FLAGS = "rpc.alter.flags": "An alter_context_resp has both fragment flags, and beside them only what was asked for.",
        ALTER_BEFORE_BIND = "rpc.state.alter-before-bind": "No alter_context is answered before a bind.",
        CALL_BEFORE_BIND = "rpc.state.request-before-bind": "No call is answered before a bind.",
        CLIENT_PTYPES = "rpc.state.server-only-pdus": "A host sends no PDU of a type that only clients send, nor of an unknown one.",
        RESPONSE_BASIC = "rpc.request.response-basic": "A response has lawful fragments, the hint of its stub or none, and no reserved or cancel count set.",
        RESPONSE_CALL_ID = "rpc.request.response-echoes-call-id": "A response carries the call id of a request that is not answered yet.",
        UNKNOWN_CONTEXT = "rpc.request.unknown-context": "No call is served on a context that was never offered.",
        REJECTED_CONTEXT = "rpc.request.rejected-context": "No call is served on a context that was rejected.",
        OPNUM_RANGE = "rpc.request.opnum-out-of-range": "No operation but 0 is served.",
        RESPONSE_FLAGS = "rpc.response.flags-clean": "A response has no flags beside fragments and multiplexing.",
        RESPONSE_CONTEXT = "rpc.response.context-id": "A response carries the context id of its request, or its low octet.",
        FAULT_CONTEXT = "rpc.response.context-id": "A fault carries the context id of its request, its low octet, or 0.",
        FAULT_FORMAT = "rpc.fault.format": "A fault has 32 octets, a hint that is not 0 and no stub, extended error data aside.",
        FAULT_OCTETS = "rpc.fault.no-uninitialised-octets": "Cancel count, flags and reserved octets of a fault are 0.",
        FAULT_STATUS = "rpc.fault.status-allowed": "The status of a fault is none of those a host must not send.",
        NDR32_RESPONSE = "rpc.ndr.response-layout": "A response in NDR32 is size, referent, count, data, padding and return value, and no more.",
        NDR64_RESPONSE = "rpc.ndr64.response-layout": "A response in NDR64 is size, referent, count, data, padding and return value, and no more.",
        RETURN_ALIGNED = "rpc.ndr.return-value-aligned": "The return value is aligned to four octets.",
        ERROR_LAYOUT = "rpc.ndr.error-response-layout": "A failure is size 0, a null referent and the return value.",
        STUB_TRUNCATED = "rpc.ndr.stub-truncated": "No request stub that ends too early gets a normal answer.",
        COUNTS_DISAGREE = "rpc.ndr.counts-disagree": "No request stub whose counts disagree gets a normal answer.",
        HOST_PADDING_ZERO = "rpc.stub.padding-zero": "The padding of a response stub is zero.",
        ECHO_VERSION = "message.echo-version": "A response carries the version of its request.",
        ECHO_CMID = "message.echo-cmid": "A response carries the client machine id of its request.",
        ECHO_TIME = "message.echo-time": "A response carries the client time of its request.",
        PID_SIZE = "message.pid-size": "The size of the ePID is even and from 4 to 128 octets.",
        PID_TERMINATED = "message.pid-terminated": "The ePID ends with a zero unit and holds no other.",
        PID_GRAMMAR = "message.pid-grammar": "The ePID follows the grammar of extended PIDs.",
        PID_STABLE = "message.pid-stable": "The ePID for a counted id does not change.",
        INTERVALS_RANGE = "message.intervals-range": "Both intervals are from 15 to 43200 minutes.",
        HOST_VERSION_AGREES = "message.version-agrees": "The version inside the envelope of a response is the one outside.",
        HOST_SIZE = "message.size": "The fields of a response fill the message.",
        UNKNOWN_VERSION = "message.unknown-version": "No request of an unknown version gets a normal answer.",
        TOO_SHORT = "message.too-short": "No request of the wrong size gets a normal answer.",
        HWID_STABLE = "message.v6-hwid-stable": "The hardware id for a counted id does not change.",
        HOST_V4_MAC = "crypto.v4-mac": "A v4 response ends with its CBC-MAC.",
        V5_IV_ECHO = "crypto.v5-iv-echo": "A v5 response carries the IV of its request.",
        V5_HASH = "crypto.v5-hash": "The hash of a v5 response is that of its random block.",
        V6_IV_FRESH = "crypto.v6-iv-fresh": "A v6 response has an IV of its own.",
        V6_HASH = "crypto.v6-hash": "The hash of a v6 response is that of its random block.",
        V6_IV_PROOF = "crypto.v6-iv-proof": "A v6 response carries the decrypted IV of its request.",
        V6_HMAC = "crypto.v6-hmac": "The MAC of a v6 response is right in the slot of the client time or a neighbouring one.",
        RANDOM_FRESH = "crypto.random-fresh": "The random block of a response was never seen before, and no octet fills half of it.",
        HOST_PADDING = "crypto.padding": "An encrypted response opens, and its padding is PKCS#7.",
        REJECT_TAMPERED = "crypto.reject-tampered": "No encrypted request with a wrong padding or inner version gets a normal answer.",
    }
    Client {
        CLIENT_FRAG_LENGTH = "rpc.header.frag-length-exact": "frag_length covers the PDU: at least its header, and every structure inside.",
        CLIENT_AUTH_LENGTH = "rpc.header.auth-length-zero-without-auth": "A PDU whose auth_length is not 0 ends in a verifier of that length.",
        BIND_FIRST = "rpc.client.bind-first": "The first PDU is a well-formed bind.",
        BIND_CONTEXTS = "rpc.client.bind-contexts": "The bind offers KMS 1.0 in NDR32 or NDR64 under distinct context ids.",
        BIND_BTFN = "rpc.client.bind-btfn": "The bind has at most one feature negotiation element, well-formed.",
        BIND_SIZES = "rpc.client.bind-sizes": "The bind offers at least 1432 octets, is no longer than that, and has its reserved fields 0.",
        WAITS_FOR_ACK = "rpc.client.waits-for-ack": "No call is sent before the bind is answered.",
        USES_ACCEPTED = "rpc.client.uses-accepted-context": "A call uses a context that was accepted.",
        REQUEST_FORM = "rpc.client.request-well-formed": "A request is opnum 0 without verifier, with lawful flags and the hint of its stub or none.",
        CALL_ID_DISTINCT = "rpc.client.call-id-distinct": "Calls in flight have distinct call ids.",
        RESPECTS_MAX_RECV = "rpc.client.request-respects-max-recv": "No request fragment is larger than the host announced.",
        AFTER_NAK = "rpc.client.bind-nak": "No call follows a bind_nak.",
        AFTER_BIND_FAULT = "rpc.client.bind-fault": "No call follows a fault that answered the bind.",
        AFTER_REJECTION = "rpc.client.all-rejected": "No call follows a bind_ack that accepted nothing, unless alter_context changed that.",
        NDR32_REQUEST = "rpc.ndr.request-layout": "A request in NDR32 is size, count and data.",
        NDR64_REQUEST = "rpc.ndr64.request-layout": "A request in NDR64 is size, padding, count and data.",
        CLIENT_PADDING_ZERO = "rpc.stub.padding-zero": "The padding of a request stub is zero.",
        CLIENT_VERSION_AGREES = "message.version-agrees": "The version inside the envelope of a request is the one outside.",
        CLIENT_SIZE = "message.size": "A request has the size of its version.",
        WORKSTATION = "message.workstation-terminated": "The workstation name is terminated and filled with zeros.",
        LICENSE_STATUS = "message.license-status-range": "The licence status is from 0 to 6.",
        VM_FLAG = "message.vm-flag-range": "The flag of a virtual machine is 0 or 1.",
        CMID_V4 = "message.cmid-v4": "The client machine id is a random GUID.",
        CLIENT_V4_MAC = "crypto.v4-mac": "A v4 request ends with its CBC-MAC.",
        CLIENT_PADDING = "crypto.padding": "The padding of a request is 04 04 04 04.",
        N_POLICY = "policy.n-policy-sane": "N policy is at most 1000.",
    }
}

impl Rule {
    /// Its place in [`RULES`].
    pub(crate) const fn number(self) -> usize {
        self.number
    }
}

#[cfg(test)]
mod tests {
    use super::RULES;

    #[test]
    fn every_rule_is_one_sentence_of_its_own() {
        for (i, rule) in RULES.iter().enumerate() {
            assert!(rule.sentence.ends_with('.'), "{}", rule.requirement);
            assert!(!RULES[..i].contains(rule), "{}", rule.requirement);
            assert_eq!(rule.number(), i, "{}", rule.requirement);
        }
    }
}
