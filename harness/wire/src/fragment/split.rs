use crate::pdu::PfcFlags;

/// One fragment of a stub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment<'a> {
    /// First, last, both or neither.
    pub flags: PfcFlags,
    /// Octets of the stub from here to its end, for `alloc_hint`.
    pub left: usize,
    /// This fragment's part of the stub.
    pub stub: &'a [u8],
}

/// Cuts a stub into fragments of at most `max_frag` octets each, of which `overhead` are header.
///
/// All but the last part are multiples of 8 octets (C706 12.6.2 wants alignment kept), and no part is empty unless the
/// stub is. A size that leaves no room is taken as room for 8 octets.
pub fn fragments(
    stub: &[u8],
    max_frag: usize,
    overhead: usize,
) -> impl Iterator<Item = Fragment<'_>> {
    let room = (max_frag.saturating_sub(overhead) & !7).max(8);
    let mut rest = Some(stub);
    let mut flags = PfcFlags::FIRST_FRAG;
    std::iter::from_fn(move || {
        let stub = rest?;
        let left = stub.len();
        let (part, after) = stub.split_at_checked(room).unwrap_or((stub, &[]));
        rest = (!after.is_empty()).then_some(after);
        let last = if after.is_empty() {
            PfcFlags::LAST_FRAG
        } else {
            PfcFlags(0)
        };
        let fragment = Fragment {
            flags: flags | last,
            left,
            stub: part,
        };
        flags = PfcFlags(0);
        Some(fragment)
    })
}
