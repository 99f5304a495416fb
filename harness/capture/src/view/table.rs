use std::fmt::{self, Write as _};

use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::ProtocolVersion;

use super::ExchangeView;
use super::columns::{Columns, push_digits, push_endpoint, push_number};
use crate::tcp::Endpoint;

/// The line above the table.
pub const HEADER: &str = "stream call  time                         client -> host                        ver  syntax  cmid                                  workstation               epid                                               count  intervals   result";

/// One line: the columns of [`HEADER`]. Widths are fixed, so that lines can be shown as they come.
impl fmt::Display for ExchangeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::with_capacity(HEADER.len());
        Lines::default().write(self, &mut line);
        f.write_str(&line)
    }
}

/// Writes exchanges as lines: the quicker way, for many of them. Of a big capture this is most of the work there is, and
/// most of a line is as in the line before; that text is kept.
#[derive(Debug, Default)]
pub struct Lines {
    second: Kept<u64>,
    ends: Kept<(Endpoint, Endpoint)>,
    sealed: Kept<(Option<ProtocolVersion>, &'static str)>,
    hresult: Kept<u32>,
}

impl Lines {
    /// Writes the line of an exchange behind what `text` holds.
    pub fn write(&mut self, exchange: &ExchangeView, text: &mut String) {
        let mut columns = Columns(text);
        columns.right(6, exchange.stream);
        columns.spaces(1);
        columns.right(4, exchange.call);
        columns.spaces(2);
        columns.left(28, |text| self.time(exchange.rpc.request_time_ns, text));
        columns.spaces(1);
        let (client, host) = (exchange.client, exchange.host);
        self.ends.push(columns.0, (client, host), |text| {
            Columns(text).left(36, |text| {
                push_endpoint(text, &client);
                text.push_str(" -> ");
                push_endpoint(text, &host);
            });
        });
        columns.spaces(2);
        if exchange.request.is_none() && exchange.response.is_none() {
            let key = (exchange.version, exchange.rpc.syntax);
            self.sealed
                .push(columns.0, key, |text| exchange.middle(&mut Columns(text)));
        } else {
            exchange.middle(&mut columns);
        }
        if let (Some(hresult), None) = (exchange.hresult, exchange.fault) {
            self.hresult.push(text, hresult, |text| {
                push(text, format_args!("0x{hresult:08X}"));
            });
        }
        exchange.result(text);
    }

    /// As `FileTime` shows itself.
    fn time(&mut self, unix_nanos: u64, text: &mut String) {
        let time = FileTime::from_unix_nanos(unix_nanos).0;
        let fraction = time % FileTime::SECOND;
        let second = time.saturating_sub(fraction);
        self.second.push(text, second, |text| {
            push(text, format_args!("{}", FileTime(second)));
            text.pop();
        });
        if fraction > 0 {
            text.push('.');
            push_digits::<7>(text, fraction);
        }
        text.push('Z');
    }
}

/// A piece of text, and what it was made of.
#[derive(Debug)]
struct Kept<K> {
    of: Option<K>,
    text: String,
}

impl<K> Default for Kept<K> {
    fn default() -> Self {
        Self {
            of: None,
            text: String::new(),
        }
    }
}

impl<K: PartialEq> Kept<K> {
    /// Writes the piece that is made of this, which is made by `write` if it is not the one that is kept.
    fn push(&mut self, text: &mut String, of: K, write: impl FnOnce(&mut String)) {
        if self.of.as_ref() != Some(&of) {
            self.text.clear();
            write(&mut self.text);
            self.of = Some(of);
        }
        text.push_str(&self.text);
    }
}

impl ExchangeView {
    /// Version to intervals.
    fn middle(&self, columns: &mut Columns<'_>) {
        self.asked(columns);
        self.answered(columns);
    }

    fn asked(&self, columns: &mut Columns<'_>) {
        columns.left(3, |text| match self.version {
            None => text.push('-'),
            Some(version) => {
                push_number(text, version.major.into());
                text.push('.');
                push_number(text, version.minor.into());
            }
        });
        columns.spaces(2);
        columns.left(6, |text| text.push_str(self.rpc.syntax));
        columns.spaces(2);
        let request = self.request.as_ref();
        let cmid = request.map_or("-", |request| &request.cmid);
        columns.left(36, |text| push_printable(text, cmid));
        columns.spaces(2);
        let workstation = request.map_or("-", |request| &request.workstation);
        columns.left(24, |text| push_printable(text, workstation));
        columns.spaces(2);
    }

    fn answered(&self, columns: &mut Columns<'_>) {
        let Some(response) = &self.response else {
            columns.left(49, |text| text.push('-'));
            columns.left(9, |text| text.push_str("      -"));
            columns.left(12, |text| text.push('-'));
            return;
        };
        columns.left(49, |text| push_printable(text, &response.epid));
        columns.spaces(2);
        columns.right(5, response.count);
        columns.spaces(2);
        columns.left(10, |text| {
            push_number(text, response.activation_interval);
            text.push('/');
            push_number(text, response.renewal_interval);
        });
        columns.spaces(2);
    }

    /// Where there is no HRESULT, what there is instead; then what became of the checks.
    fn result(&self, text: &mut String) {
        match (self.hresult, self.fault) {
            (_, Some(fault)) => push(text, format_args!("fault 0x{fault:08X}")),
            (Some(_), None) => {}
            (None, None) if self.rpc.reply.is_some() => text.push_str("no reply"),
            (None, None) => text.push_str("unreadable"),
        }
        if !self.rpc.bound {
            text.push_str(", unbound");
        }
        if let Some(id) = self.rpc.reply_call_id {
            push(text, format_args!(", reply has call id {id}"));
        }
        if let Some(error) = &self.error {
            push(text, format_args!(", {error}"));
            return;
        }
        match self.verified {
            None => {}
            Some(true) => text.push_str(", verified"),
            Some(false) => {
                text.push_str(", failed:");
                self.failed()
                    .for_each(|name| push(text, format_args!(" {name}")));
            }
        }
    }
}

/// Nothing that is written to a text fails.
fn push(text: &mut String, what: fmt::Arguments<'_>) {
    let _ = text.write_fmt(what);
}

/// Text of a stranger: what a terminal would obey is escaped.
fn push_printable(text: &mut String, strange: &str) {
    for c in strange.chars() {
        if c.is_control() {
            text.extend(c.escape_default());
        } else {
            text.push(c);
        }
    }
}
