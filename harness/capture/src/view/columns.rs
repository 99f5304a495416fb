use std::net::IpAddr;

use crate::tcp::Endpoint;

/// A line of columns, written to the end of a text.
///
/// Of a big capture this is most of the work there is, and formatting by `{:width$}` takes several times as long: it writes
/// every space on its own.
pub(crate) struct Columns<'t>(pub(crate) &'t mut String);

impl Columns<'_> {
    /// What `write` writes, then spaces up to that width.
    pub(crate) fn left(&mut self, width: usize, write: impl FnOnce(&mut String)) {
        let from = self.0.len();
        write(self.0);
        let written = self.0.get(from..).unwrap_or_default().chars().count();
        self.spaces(width.saturating_sub(written));
    }

    /// The number behind spaces, so that both have that width.
    pub(crate) fn right(&mut self, width: usize, number: u32) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(number);
        self.spaces(width.saturating_sub(digits.len()));
        self.0.push_str(digits);
    }

    /// So many spaces.
    pub(crate) fn spaces(&mut self, count: usize) {
        match SPACES.get(..count) {
            Some(spaces) => self.0.push_str(spaces),
            None => self.0.extend(std::iter::repeat_n(' ', count)),
        }
    }
}

/// A decimal number.
pub(crate) fn push_number(text: &mut String, number: u32) {
    text.push_str(itoa::Buffer::new().format(number));
}

/// So many decimal digits of a number, zeros in front.
pub(crate) fn push_digits<const N: usize>(text: &mut String, number: u64) {
    let mut digits = [b'0'; N];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or_default());
        rest /= 10;
    }
    text.push_str(str::from_utf8(&digits).unwrap_or_default());
}

/// As `Endpoint` shows itself.
pub(crate) fn push_endpoint(text: &mut String, endpoint: &Endpoint) {
    match endpoint.address {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            push_number(text, first.into());
            for octet in rest {
                text.push('.');
                push_number(text, octet.into());
            }
            text.push(':');
            push_number(text, endpoint.port.into());
        }
        IpAddr::V6(_) => text.push_str(&endpoint.to_string()),
    }
}

const SPACES: &str = "                                                                ";

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn written(write: impl FnOnce(&mut String)) -> String {
        let mut text = String::new();
        write(&mut text);
        text
    }

    #[test]
    fn numbers_and_endpoints_are_as_the_standard_library_has_them() {
        arbtest::arbtest(|u| {
            let number: u32 = u.arbitrary::<u32>()? >> u.int_in_range(0..=31)?;
            assert_eq!(
                written(|text| push_number(text, number)),
                number.to_string()
            );
            assert_eq!(
                written(|text| push_digits::<10>(text, number.into())),
                format!("{number:010}")
            );
            let address = if u.arbitrary()? {
                Ipv4Addr::from_bits(u.arbitrary()?).into()
            } else {
                Ipv6Addr::from_bits(u.arbitrary()?).into()
            };
            let endpoint = Endpoint {
                address,
                port: u.arbitrary()?,
            };
            let text = written(|text| push_endpoint(text, &endpoint));
            assert_eq!(text, endpoint.to_string());
            Ok(())
        });
    }

    #[test]
    fn columns_are_as_wide_as_the_standard_library_makes_them() {
        arbtest::arbtest(|u| {
            let (width, number, cell): (u8, u32, &str) = u.arbitrary()?;
            let width = usize::from(width);
            let line = written(|text| {
                let mut columns = Columns(text);
                columns.right(width, number);
                columns.left(width, |text| text.push_str(cell));
            });
            assert_eq!(line, format!("{number:>width$}{cell:width$}"));
            Ok(())
        });
    }
}
