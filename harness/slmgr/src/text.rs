use thiserror::Error;

/// A text that is in no encoding we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// What a Japanese console writes to a file.
    #[error(
        "this looks like Shift-JIS (octet {at} on); print it as UTF-8 (chcp 65001) or as UTF-16 (cscript //U)"
    )]
    ShiftJis {
        /// Where the first octet stands that is no UTF-8.
        at: usize,
    },
    /// UTF-16 that breaks off, or has half a pair.
    #[error("UTF-16 that is broken at octet {at}")]
    Utf16 {
        /// Where.
        at: usize,
    },
    /// Anything else.
    #[error("neither UTF-8 nor UTF-16 (octet {at} on)")]
    Unknown {
        /// Where the first octet stands that is no UTF-8.
        at: usize,
    },
}

/// The text of a program's output: UTF-8, or UTF-16 with a byte order mark or of either order without one.
///
/// # Errors
/// It is in another encoding; Shift-JIS is recognised, and named.
pub fn decode(octets: &[u8]) -> Result<String, TextError> {
    match octets {
        [0xff, 0xfe, rest @ ..] => return utf16(rest, 2, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, 2, u16::from_be_bytes),
        // Reports begin with a line break or a letter, of which UTF-16 has a zero octet.
        [first, 0, ..] if *first != 0 => return utf16(octets, 0, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => return utf16(octets, 0, u16::from_be_bytes),
        _ => {}
    }
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    match std::str::from_utf8(octets) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let at = error.valid_up_to();
            Err(if is_shift_jis(octets) {
                TextError::ShiftJis { at }
            } else {
                TextError::Unknown { at }
            })
        }
    }
}

fn utf16(octets: &[u8], start: usize, unit: fn([u8; 2]) -> u16) -> Result<String, TextError> {
    let (pairs, rest) = octets.as_chunks::<2>();
    let mut text = String::new();
    let mut at = start;
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let character = character.map_err(|_| TextError::Utf16 { at })?;
        text.push(character);
        at = at.saturating_add(character.len_utf16().saturating_mul(2));
    }
    if rest.is_empty() {
        Ok(text)
    } else {
        Err(TextError::Utf16 { at })
    }
}

/// Whether all octets are lawful Shift-JIS, in which a first octet of 0x81..=0x9f or 0xe0..=0xfc has a second, and
/// 0xa1..=0xdf stands for half-width kana. Source: JIS X 0208:1997 annex 1.
fn is_shift_jis(octets: &[u8]) -> bool {
    let mut octets = octets.iter();
    while let Some(octet) = octets.next() {
        match octet {
            0x00..=0x7f | 0xa1..=0xdf => {}
            0x81..=0x9f | 0xe0..=0xfc => match octets.next() {
                Some(0x40..=0x7e | 0x80..=0xfc) => {}
                _ => return false,
            },
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_scripts_write_is_read() {
        let text = "\r\n名前: x";
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for (name, octets) in [
            ("UTF-8", text.as_bytes().to_vec()),
            (
                "UTF-8 with a mark",
                [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            ),
            (
                "UTF-16LE with a mark",
                [b"\xff\xfe".as_slice(), &little].concat(),
            ),
            ("UTF-16LE", little),
            (
                "UTF-16BE with a mark",
                [b"\xfe\xff".as_slice(), &big].concat(),
            ),
            ("UTF-16BE", big),
        ] {
            assert_eq!(decode(&octets).as_deref(), Ok(text), "{name}");
        }
        assert_eq!(decode(b"").as_deref(), Ok(""));
    }

    #[test]
    fn other_encodings_are_named() {
        // 名前, as code page 932 writes it.
        let shift_jis = [0x0d, 0x0a, 0x96, 0xbc, 0x91, 0x4f];
        for (octets, error) in [
            (&shift_jis[..], TextError::ShiftJis { at: 2 }),
            (&[b'a', 0xff, 0xff], TextError::Unknown { at: 1 }),
            (
                &[0xff, 0xfe, 0x00, 0xd8, b'a', 0],
                TextError::Utf16 { at: 2 },
            ),
            (&[b'a', 0, b'b'], TextError::Utf16 { at: 2 }),
        ] {
            assert_eq!(decode(octets), Err(error));
        }
    }
}
