//! PKCS#7 padding to 16-byte blocks. Source: RFC 5652 section 6.3.

use super::BLOCK_SIZE;

/// The padding byte, which is also the number of padding bytes, for `len` bytes of content: 1 to 16.
pub fn byte_for(len: usize) -> u8 {
    let past = len % BLOCK_SIZE;
    u8::try_from(BLOCK_SIZE.saturating_sub(past)).unwrap_or_default()
}

/// Pads what `out` holds from `start` on.
pub fn pad(out: &mut Vec<u8>, start: usize) {
    let byte = byte_for(out.len().saturating_sub(start));
    out.resize(out.len().saturating_add(usize::from(byte)), byte);
}

/// The content without its padding, or `None` if the padding is not lawful.
pub fn unpad(data: &[u8]) -> Option<&[u8]> {
    let byte = *data.last()?;
    if !(1..=16).contains(&byte) || !data.len().is_multiple_of(BLOCK_SIZE) {
        return None;
    }
    let (content, padding) = data.split_at_checked(data.len().checked_sub(usize::from(byte))?)?;
    padding.iter().all(|&b| b == byte).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_round_trips() {
        for len in 0..70 {
            let mut data = vec![0xaa; len];
            pad(&mut data, 0);
            assert!(data.len().is_multiple_of(16) && data.len() > len);
            assert_eq!(unpad(&data), Some(&vec![0xaa; len][..]));
        }
    }

    #[test]
    fn unlawful_paddings_are_refused() {
        let mut wrong = [4; 16];
        wrong[13] = 5;
        let mut too_much = [17; 32];
        too_much[0] = 0;
        for (name, data) in [
            ("nothing", &[][..]),
            ("zero", &[0; 16]),
            ("seventeen", &too_much),
            ("not all alike", &wrong),
            ("not whole blocks", &[1; 15]),
        ] {
            assert_eq!(unpad(data), None, "{name}");
        }
    }
}
