use std::fmt;

use kmspec_wire::filetime::FileTime;

use super::ExchangeView;

/// The line above the table.
pub const HEADER: &str = "stream call  time                         client -> host                        ver  syntax  cmid                                  workstation               epid                                               count  intervals   result";

/// One line: the columns of [`HEADER`]. Widths are fixed, so that lines can be shown as they come.
impl fmt::Display for ExchangeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = FileTime::from_unix_nanos(self.rpc.request_time_ns).to_string();
        let ends = format!("{} -> {}", self.client, self.host);
        write!(
            f,
            "{:>6} {:>4}  {time:28} {ends:36}  ",
            self.stream, self.call
        )?;
        let request = self.request.as_ref();
        let text = |field: Option<&str>| Printable(field.unwrap_or("-")).to_string();
        let version = text(self.version.as_deref());
        let cmid = text(request.map(|request| request.cmid.as_str()));
        let workstation = text(request.map(|request| request.workstation.as_str()));
        write!(
            f,
            "{version:3}  {:6}  {cmid:36}  {workstation:24}  ",
            self.rpc.syntax
        )?;
        match &self.response {
            None => write!(f, "{:49}  {:>5}  {:10}  ", "-", "-", "-")?,
            Some(response) => {
                let epid = text(Some(&response.epid));
                let intervals = format!(
                    "{}/{}",
                    response.activation_interval, response.renewal_interval
                );
                write!(f, "{epid:49}  {:>5}  {intervals:10}  ", response.count)?;
            }
        }
        self.result(f)
    }
}

impl ExchangeView {
    /// HRESULT or fault, then what became of the checks.
    fn result(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.hresult, self.fault) {
            (_, Some(fault)) => write!(f, "fault 0x{fault:08X}")?,
            (Some(hresult), None) => write!(f, "0x{hresult:08X}")?,
            (None, None) if self.rpc.reply.is_some() => f.write_str("no reply")?,
            (None, None) => f.write_str("unreadable")?,
        }
        if !self.rpc.bound {
            f.write_str(", unbound")?;
        }
        if let Some(id) = self.rpc.reply_call_id {
            write!(f, ", reply has call id {id}")?;
        }
        if let Some(error) = &self.error {
            return write!(f, ", {error}");
        }
        match self.verified {
            None => Ok(()),
            Some(true) => f.write_str(", verified"),
            Some(false) => {
                f.write_str(", failed:")?;
                self.failed().try_for_each(|name| write!(f, " {name}"))
            }
        }
    }
}

/// Text of a stranger: what a terminal would obey is escaped.
struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| {
            if c.is_control() {
                write!(f, "{}", c.escape_default())
            } else {
                write!(f, "{c}")
            }
        })
    }
}
