//! Conversions and field access that cannot panic.

/// A length as a 64-bit count.
pub(crate) fn len64(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A count as an index; saturates where memory could not hold it anyway.
pub(crate) fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// `N` bytes at `at`.
pub(crate) fn array<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk::<N>().copied()
}

/// A 16-bit integer in network byte order.
pub(crate) fn be16(data: &[u8], at: usize) -> Option<u16> {
    array(data, at).map(u16::from_be_bytes)
}

/// A 32-bit integer in network byte order.
pub(crate) fn be32(data: &[u8], at: usize) -> Option<u32> {
    array(data, at).map(u32::from_be_bytes)
}

/// An octet.
pub(crate) fn octet(data: &[u8], at: usize) -> Option<u8> {
    data.get(at).copied()
}

/// Everything from `at`, nothing if `at` is past the end.
pub(crate) fn from(data: &[u8], at: usize) -> &[u8] {
    data.get(at..).unwrap_or_default()
}

/// At most the first `len` bytes.
pub(crate) fn upto(data: &[u8], len: usize) -> &[u8] {
    data.get(..len).unwrap_or(data)
}
