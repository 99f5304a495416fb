//! A KMS message as a list of fields.

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::ResponseBody;
use kmspec_wire::kms::envelope::{OpenedRequest, OpenedResponse, Proof, open_response};
use kmspec_wire::kms::verify::{self, Violation};

use super::{Value, len64, show};

/// Adds the fields of a message: those that are not as they must be name the rule they break.
pub(super) fn values(
    values: &mut Vec<Value>,
    message: &[u8],
    request: Option<&OpenedRequest>,
    keys: &KeySet,
) {
    let mut scratch = Vec::new();
    let opened = match open_response(keys, message, &mut scratch) {
        Ok(opened) => opened,
        Err(error) => {
            let octets = error.to_string().into_bytes();
            return values.push(value("message", &octets, Some("")));
        }
    };
    values.push(value("message", b"opens", None));
    let found = request.map(|request| verify::response(request, &opened));
    let mut fields = Fields {
        values,
        found: found.unwrap_or_default(),
    };
    fields.outer(&opened);
    fields.body(&opened.body);
    fields.proof(&opened.proof);
    fields.push("message.padding", opened.rest, "padding");
    fields.push("message.size", &len64(message).to_le_bytes(), "message");
}

fn value(field: &str, octets: &[u8], broken: Option<&'static str>) -> Value {
    Value {
        field: field.to_owned(),
        octets: octets.to_vec(),
        shown: show(field, octets, ByteOrder::Little),
        broken,
    }
}

struct Fields<'a> {
    values: &'a mut Vec<Value>,
    found: Vec<Violation>,
}

impl Fields<'_> {
    /// Adds a field that breaks what was found of it under this name.
    fn push(&mut self, field: &str, octets: &[u8], name: &str) {
        let here = self.found.iter().find(|violation| violation.field == name);
        let broken = here.map(|violation| violation.rule);
        self.values.push(value(field, octets, broken));
    }

    /// Adds a field that breaks this rule if anything does.
    fn push_by_rule(&mut self, field: &str, octets: &[u8], rule: &'static str) {
        let broken = self.found.iter().any(|violation| violation.rule == rule);
        self.values
            .push(value(field, octets, broken.then_some(rule)));
    }

    /// What stands outside of the encrypted part; in version 4 there is one version and no IV.
    fn outer(&mut self, opened: &OpenedResponse<'_>) {
        let version = opened.version.to_le_bytes();
        self.push_by_rule("message.version", &version, verify::ECHO_VERSION);
        if !matches!(opened.proof, Proof::V4 { .. }) {
            self.push("message.iv", &opened.iv, "iv");
            let version = opened.body.version.to_le_bytes();
            self.push_by_rule("body.version", &version, verify::VERSION_AGREES);
        }
    }

    fn body(&mut self, body: &ResponseBody<'_>) {
        let size = body.pid_size.to_le_bytes();
        let out_of_range = self
            .found
            .iter()
            .any(|violation| violation.field == "pid_size");
        if out_of_range {
            self.push("body.pid_size", &size, "pid_size");
        } else {
            // Where the ePID does not end behind its terminator, its size may be what is wrong.
            self.push_by_rule("body.pid_size", &size, verify::PID_TERMINATED);
        }
        self.push("body.epid", body.epid, "epid");
        self.push("body.cmid", &body.cmid.to_le_bytes(), "cmid");
        let time = body.client_time.0.to_le_bytes();
        self.push("body.client_time", &time, "client_time");
        self.push("body.count", &body.count.to_le_bytes(), "count");
        let (activation, renewal) = (body.activation_interval, body.renewal_interval);
        for (field, name, minutes) in [
            (
                "body.activation_interval",
                "activation_interval",
                activation,
            ),
            ("body.renewal_interval", "renewal_interval", renewal),
        ] {
            self.push(field, &minutes.to_le_bytes(), name);
        }
    }

    fn proof(&mut self, proof: &Proof) {
        match proof {
            Proof::V4 { mac } => self.push("message.mac", &mac.got, "mac"),
            Proof::V5 { x, hash } => self.salt(x, hash),
            Proof::V6 {
                x,
                hash,
                hardware_id,
                iv_proof,
                mac,
                ..
            } => {
                self.salt(x, hash);
                self.push("message.hardware_id", hardware_id, "hardware_id");
                self.push("message.iv_proof", iv_proof, "iv_proof");
                self.push("message.mac", &mac.got, "mac");
            }
        }
    }

    fn salt(&mut self, x: &[u8], hash: &[u8]) {
        self.push("message.x", x, "x");
        self.push("message.hash", hash, "hash");
    }
}
