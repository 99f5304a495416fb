//! What every field of an answer is worth when a recorded answer is compared with another.

use std::fmt;

use kmspec_wire::kms::verify;

/// How a field of an answer is compared with the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The protocol leaves no choice: it is the same.
    Equal,
    /// It follows from something else, such as the request: it stands in the right relation to that.
    Derived,
    /// It is the host's own, or chance: it may be anything that its rules allow.
    Free,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Equal => "equal",
            Self::Derived => "derived",
            Self::Free => "free",
        })
    }
}

/// How a value is written for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// A number in decimal.
    Number,
    /// A number in hexadecimal.
    Hex,
    /// Octets in hexadecimal.
    Octets,
    /// ASCII.
    Ascii,
    /// UTF-16LE.
    Utf16,
    /// A GUID.
    Guid,
    /// A FILETIME.
    Time,
}

/// A field of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldRule {
    /// The part of the answer it stands in, a dot, and its name as the specification spells it.
    pub name: &'static str,
    /// How it is compared.
    pub kind: Kind,
    /// Why so.
    pub reason: &'static str,
    /// The requirement that a value breaks which is not as the reason says; empty for none of its own.
    pub requirement: &'static str,
    /// How it is written.
    pub form: Form,
}

/// The rule of this field; list fields by the name without index.
pub fn rule(name: &str) -> Option<&'static FieldRule> {
    let plain = |name: &str| match (name.find('['), name.find(']')) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &name[..from], &name[to + 1..]),
        _ => name.to_owned(),
    };
    let name = plain(name);
    FIELDS.iter().find(|rule| rule.name == name)
}

macro_rules! fields {
    ($($name:literal $kind:ident $form:ident $requirement:expr, $reason:literal;)*) => {
        /// Every field of an answer, in wire order, part by part.
        pub const FIELDS: &[FieldRule] = &[$(FieldRule {
            name: $name,
            kind: Kind::$kind,
            reason: $reason,
            requirement: $requirement,
            form: Form::$form,
        }),*];
    };
}

fields! {
    "header.rpc_vers" Equal Number "rpc.header.version-in-replies", "version 5 alone is spoken";
    "header.rpc_vers_minor" Equal Number "rpc.header.version-in-replies", "minor version 0 was asked for";
    "header.PTYPE" Equal Number "", "the kind of the answer is the answer";
    "header.pfc_flags" Equal Hex "rpc.response.flags-clean", "flags say how to read the PDU and what was agreed on";
    "header.packed_drep" Equal Octets "rpc.header.reply-drep-not-echoed", "every KMS host writes little-endian, ASCII and IEEE";
    "header.frag_length" Derived Number "rpc.header.frag-length-exact", "the length of the PDU";
    "header.auth_length" Equal Number "rpc.header.auth-length-zero-without-auth", "there is no security trailer";
    "header.call_id" Derived Number "rpc.request.response-echoes-call-id", "the call id of what is answered";
    "ack.max_xmit_frag" Free Number "", "within its limits the host chooses the fragment size";
    "ack.max_recv_frag" Free Number "", "within its limits the host chooses the fragment size";
    "ack.assoc_group_id" Free Hex "", "the host names its association groups";
    "ack.sec_addr.length" Free Number "", "as long as the port's digits";
    "ack.sec_addr.port_spec" Free Ascii "", "the port the host listens on";
    "ack.sec_addr.padding" Free Octets "", "as many as align the results, of any value";
    "ack.n_results" Derived Number "rpc.bind.result-count-and-order", "one for each context offered";
    "ack.reserved" Equal Hex "", "reserved, 0";
    "ack.reserved2" Equal Hex "", "reserved, 0";
    "ack.result" Equal Number "", "whether a context can be used";
    "ack.reason" Equal Number "", "why a context cannot be used, or which features are granted";
    "ack.transfer_syntax.if_uuid" Equal Guid "", "the encoding that was chosen";
    "ack.transfer_syntax.if_version" Equal Hex "", "the encoding that was chosen";
    "ack.trailing" Equal Octets "", "nothing follows the results";
    "nak.provider_reject_reason" Equal Number "", "why the bind is refused";
    "nak.n_protocols" Free Number "", "the host lists the versions it speaks, or does not";
    "nak.p_protocols.major" Free Number "", "the host lists the versions it speaks, or does not";
    "nak.p_protocols.minor" Free Number "", "the host lists the versions it speaks, or does not";
    "nak.trailing" Free Octets "", "padding, or a signature with extended errors";
    "fault.alloc_hint" Free Number "", "a hint: 32 from Windows, 0 or nothing of use from others";
    "fault.p_cont_id" Equal Hex "", "the context of the call, 0 where it has none";
    "fault.cancel_count" Derived Number "rpc.fault.no-uninitialised-octets", "0: nothing was cancelled";
    "fault.flags" Derived Hex "rpc.fault.no-uninitialised-octets", "0: reserved, or no extended error data";
    "fault.status" Equal Hex "", "why the call failed";
    "fault.reserved" Derived Octets "rpc.fault.no-uninitialised-octets", "0: reserved";
    "fault.stub" Free Octets "", "extended error data are the host's";
    "response.alloc_hint" Derived Number "", "the length of the stub";
    "response.p_cont_id" Derived Hex "rpc.response.context-id", "the context of the request, or its low octet";
    "response.cancel_count" Derived Number "", "0: nothing was cancelled";
    "response.reserved" Derived Hex "", "0: reserved";
    "stub.responseSize" Derived Number "rpc.ndr.response-layout", "the octets of the message";
    "stub.responseSize.padding" Derived Octets "rpc.stub.padding-zero", "0: padding";
    "stub.referent" Free Hex "", "any number but 0 for a pointer to something";
    "stub.max_count" Derived Number "rpc.ndr.response-layout", "the octets of the message";
    "stub.response.padding" Derived Octets "rpc.stub.padding-zero", "0: padding";
    "stub.return_value" Equal Hex "", "whether and why the request is refused";
    "stub.trailing" Equal Octets "", "nothing follows the return value";
    "message.version" Derived Octets verify::ECHO_VERSION, "the version of the request, outside and inside";
    "message.iv" Derived Octets "", "in version 5 that of the request, in version 6 another";
    "body.version" Derived Octets verify::VERSION_AGREES, "the version of the request";
    "body.pid_size" Derived Number verify::PID_SIZE, "the octets of the ePID";
    "body.epid" Free Utf16 verify::PID_GRAMMAR, "the host's identity";
    "body.cmid" Derived Guid verify::ECHO_CMID, "that of the request";
    "body.client_time" Derived Time verify::ECHO_TIME, "that of the request";
    "body.count" Free Number "", "who asked this host before";
    "body.activation_interval" Free Number verify::INTERVALS_RANGE, "a setting of the host";
    "body.renewal_interval" Free Number verify::INTERVALS_RANGE, "a setting of the host";
    "message.x" Free Octets "", "random, hidden by the decrypted IV of the request";
    "message.hash" Derived Octets "crypto.v6-hash", "the hash of the random octets";
    "message.hardware_id" Free Octets "", "the host's identity";
    "message.iv_proof" Derived Octets verify::V6_IV_PROOF, "the decrypted IV of the request";
    "message.mac" Derived Octets verify::V6_HMAC, "the MAC of the message";
    "message.padding" Derived Octets verify::PADDING, "PKCS#7";
    "message.size" Derived Number verify::SIZE, "the fields fill the message";
    "message" Derived Octets "", "a message that opens";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_in_the_table_once_and_says_why() {
        for (nth, rule) in FIELDS.iter().enumerate() {
            let twice = FIELDS[..nth].iter().any(|other| other.name == rule.name);
            assert!(!twice, "{}", rule.name);
            assert!(rule.reason.len() > 3, "{}", rule.name);
            assert_eq!(super::rule(rule.name), Some(rule));
        }
    }

    #[test]
    fn a_field_of_a_list_is_found_by_its_name_with_an_index() {
        assert_eq!(
            rule("ack[1].result").map(|rule| rule.name),
            Some("ack.result")
        );
        assert_eq!(rule("ack.nonsense"), None);
    }
}
