//! What people and programs read of a capture: a line or a JSON object an exchange, and what is to be told beside them.

mod columns;
mod exchange;
mod report;
mod table;

pub use self::exchange::{ExchangeView, RequestView, ResponseView, RpcView};
pub use self::table::{HEADER, Lines};

use std::io::Read;
use std::sync::Arc;

use kmspec_wire::keys::KeySet;

use crate::dissect::{Outcome, read};
use crate::open::Opener;
use crate::rpc::{Exchange, Notice, Observer};
use crate::tcp::Limits;

/// One thing to show of a capture.
#[derive(Clone, Debug)]
pub enum Item {
    /// An exchange.
    Exchange(Box<ExchangeView>),
    /// Something beside exchanges.
    Notice(Notice),
}

/// Reads a capture and hands on what there is to show of it; `file` is the name it goes by.
///
/// Without keys nothing is opened: structure only.
///
/// ```
/// use kmspec_capture::tcp::Limits;
/// use kmspec_capture::view::{Item, decode};
/// use kmspec_wire::keys::KeySet;
///
/// let capture = kmspec_captures::find("03-vlmcs-vlmcsd-v6-one-connection.pcap").unwrap();
/// let mut counts = Vec::new();
/// decode(capture.file, capture.bytes, Limits::default(), Some(&KeySet::lab()), |item| {
///     if let Item::Exchange(exchange) = item {
///         counts.push(exchange.response.unwrap().count);
///     }
/// });
/// assert_eq!(counts, [50; 8]);
/// ```
pub fn decode<R: Read>(
    file: &str,
    input: R,
    limits: Limits,
    keys: Option<&KeySet>,
    each: impl FnMut(Item),
) -> Outcome {
    let mut show = Show {
        file: Arc::from(file),
        opener: keys.map(Opener::new),
        each,
    };
    read(input, limits, &mut show)
}

struct Show<'k, F> {
    file: Arc<str>,
    opener: Option<Opener<'k>>,
    each: F,
}

impl<F: FnMut(Item)> Observer for Show<'_, F> {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let view = ExchangeView::new(&self.file, exchange, self.opener.as_mut());
        (self.each)(Item::Exchange(Box::new(view)));
    }

    fn notice(&mut self, notice: &Notice) {
        (self.each)(Item::Notice(*notice));
    }
}
