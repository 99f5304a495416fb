//! Calls and offers where a requirement tolerates another answer than the one it wants.

use kmspec_wire::pdu::{PduType, RequestBuilder};

use super::Link;
use crate::check::{Answer, Kind, ResponsePdu, Seen, closed, kind, responds};
use crate::verdict::Stop;

impl Link {
    /// The next PDU is of this kind, or one of the tolerated answers, which is noted and gives `None`.
    ///
    /// # Errors
    /// A failure that says what came instead.
    pub async fn expect_or<K: Kind>(
        &mut self,
        tolerated: &[Answer],
    ) -> Result<Option<Seen<K>>, Stop> {
        let got = self.answers(&[kind(K::PTYPE)], tolerated).await?;
        match got.octets {
            Some(octets) if octets.get(2) == Some(&K::PTYPE.0) => {
                Seen::new(octets, self.peer().record().steps()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The catalogue's `OK_RESPONSE` to this call, or one of the tolerated answers, which is noted and gives `None`.
    ///
    /// # Errors
    /// A failure that says what came instead, or what of the response differs.
    pub async fn ok_or(
        &mut self,
        call_id: u32,
        tolerated: &[Answer],
    ) -> Result<Option<Seen<ResponsePdu>>, Stop> {
        let got = self.answers(&[responds()], tolerated).await?;
        match got.octets {
            Some(octets) if octets.get(2) == Some(&PduType::RESPONSE.0) => {
                let response = Seen::new(octets, self.peer().record().steps())?;
                self.is_ok(&response, call_id)?;
                Ok(Some(response))
            }
            _ => Ok(None),
        }
    }

    /// Sends a request on a connection that the requirement lets the target end: it is answered by the catalogue's
    /// `OK_RESPONSE`, or the connection ends without a PDU.
    ///
    /// # Errors
    /// A failure that says what came instead.
    pub async fn call_or_closed(&mut self, request: &RequestBuilder) -> Result<(), Stop> {
        self.send(request.encoded()).await?;
        self.ok_or(request.header.call_id.0, &[closed()])
            .await
            .map(drop)
    }
}
