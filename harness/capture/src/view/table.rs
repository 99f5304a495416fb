use std::fmt::{self, Write as _};

use kmspec_wire::filetime::FileTime;

use super::ExchangeView;
use super::columns::{Columns, push_endpoint, push_number};

/// The line above the table.
pub const HEADER: &str = "stream call  time                         client -> host                        ver  syntax  cmid                                  workstation               epid                                               count  intervals   result";

/// One line: the columns of [`HEADER`]. Widths are fixed, so that lines can be shown as they come.
impl fmt::Display for ExchangeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = String::with_capacity(HEADER.len());
        self.write_line(&mut line);
        f.write_str(&line)
    }
}

impl ExchangeView {
    /// Writes the line behind what `text` holds: the quicker way, for many of them.
    pub fn write_line(&self, text: &mut String) {
        let mut columns = Columns(text);
        columns.right(6, self.stream);
        columns.spaces(1);
        columns.right(4, self.call);
        columns.spaces(2);
        let time = FileTime::from_unix_nanos(self.rpc.request_time_ns);
        columns.left(28, |text| push(text, format_args!("{time}")));
        columns.spaces(1);
        columns.left(36, |text| {
            push_endpoint(text, &self.client);
            text.push_str(" -> ");
            push_endpoint(text, &self.host);
        });
        columns.spaces(2);
        self.asked(&mut columns);
        self.answered(&mut columns);
        self.result(text);
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

    /// HRESULT or fault, then what became of the checks.
    fn result(&self, text: &mut String) {
        match (self.hresult, self.fault) {
            (_, Some(fault)) => push(text, format_args!("fault 0x{fault:08X}")),
            (Some(hresult), None) => push(text, format_args!("0x{hresult:08X}")),
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
