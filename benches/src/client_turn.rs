use kmspec_model::client::{Attempt, Reply};
use kmspec_model::{Connection, Host, Settings};
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::open_request;
use kmspec_wire::kms::{RequestBody, Version};

/// A turn of the reference client, over and over: it seals, binds, asks, and verifies all of the answer. The host's octets
/// are those of the reference host, kept from the first time.
#[derive(Debug)]
pub struct ClientTurn {
    attempt: Attempt,
    request: RequestBody,
    bind_ack: Vec<u8>,
    response: Vec<u8>,
    out: Vec<u8>,
}

impl ClientTurn {
    /// A client that asks as the recorded one of that version did.
    pub fn new(version: Version) -> Self {
        let recorded = crate::call(version).request;
        let request = open_request(&KeySet::lab(), &recorded)
            .expect("the recording is under the lab keys")
            .body;
        let now = request.client_time;
        let mut host = Host::new(Settings::default());
        let mut connection = Connection::open(&mut host, now, 1688);
        let mut attempt = Attempt::new(&request, IV);
        let (mut out, mut bind_ack, mut response) = (Vec::new(), Vec::new(), Vec::new());
        attempt.connected(&mut out);
        let _open = connection.receive(&mut host, now, &out, &mut bind_ack);
        out.clear();
        assert_eq!(attempt.receive(&bind_ack, &mut out), None);
        let _open = connection.receive(&mut host, now, &out, &mut response);
        Self {
            attempt,
            request,
            bind_ack,
            response,
            out,
        }
    }

    /// Takes a turn: how the host answered.
    pub fn take(&mut self) -> Reply {
        self.attempt.again(&self.request, IV);
        self.out.clear();
        self.attempt.connected(&mut self.out);
        let asked = self.attempt.receive(&self.bind_ack, &mut self.out);
        assert_eq!(asked, None);
        let reply = self.attempt.receive(&self.response, &mut self.out);
        reply.expect("the answer is whole")
    }
}

const IV: [u8; 16] = [5; 16];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_of_each_version_is_answered_again_and_again() {
        for version in Version::ALL {
            let mut turn = ClientTurn::new(version);
            for _ in 0..3 {
                assert!(matches!(turn.take(), Reply::Answer(_)), "{version}");
            }
        }
    }
}
