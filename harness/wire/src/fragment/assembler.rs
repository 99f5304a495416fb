use thiserror::Error;

use crate::pdu::{CallId, ContextId, Header, PfcFlags, Request, Response};

/// Limits of reassembly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a whole stub.
    pub total: usize,
    /// Fragments of one call.
    pub fragments: usize,
}

impl Default for Limits {
    /// 4 MiB, as Windows. Source: MS-RPCE 3.3.3.5.4. As many fragments as octets: one-octet fragments are lawful.
    fn default() -> Self {
        Self {
            total: 0x0040_0000,
            fragments: 0x0040_0000,
        }
    }
}

/// One fragment as the assembler sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// First, last, both or neither; other flags do not matter.
    pub flags: PfcFlags,
    /// The call.
    pub call_id: CallId,
    /// The presentation context.
    pub context_id: ContextId,
    /// Hint for the size of the whole stub.
    pub alloc_hint: u32,
    /// This fragment's part of the stub.
    pub stub: &'a [u8],
}

impl<'a> Part<'a> {
    /// A fragment of a request.
    pub const fn of_request(header: &Header, request: &Request<'a>) -> Self {
        let Request {
            alloc_hint,
            context_id,
            stub,
            ..
        } = *request;
        Self {
            flags: header.pfc_flags,
            call_id: header.call_id,
            context_id,
            alloc_hint,
            stub,
        }
    }

    /// A fragment of a response.
    pub const fn of_response(header: &Header, response: &Response<'a>) -> Self {
        let Response {
            alloc_hint,
            context_id,
            stub,
            ..
        } = *response;
        Self {
            flags: header.pfc_flags,
            call_id: header.call_id,
            context_id,
            alloc_hint,
            stub,
        }
    }
}

/// Puts the fragments of one direction of a connection together, one call at a time.
///
/// A stub that comes in one fragment is lent out where it lies.
#[derive(Debug, Default)]
pub struct Assembler {
    limits: Limits,
    open: Option<Open>,
    stub: Vec<u8>,
    count: usize,
}

/// The call of which fragments are still missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Open {
    call_id: CallId,
    context_id: ContextId,
}

/// A fragment that does not fit. The assembler is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FragmentError {
    /// Not a first fragment, and no call is open.
    #[error("a fragment without FIRST_FRAG, and no call is open")]
    WithoutFirst,
    /// A first fragment while its own call is open.
    #[error("a second first fragment of call {0:?}")]
    FirstTwice(CallId),
    /// A fragment of another call while one is open.
    #[error("a fragment of call {got:?} while call {open:?} is open")]
    OtherCall {
        /// The call that is open.
        open: CallId,
        /// Its presentation context.
        context_id: ContextId,
        /// The call of the fragment.
        got: CallId,
    },
    /// The hint announces more than the limit.
    #[error("alloc_hint {got} is more than {limit}")]
    HintOverLimit {
        /// The hint.
        got: u32,
        /// The limit, in octets.
        limit: usize,
    },
    /// The stub grew over the limit.
    #[error("the stub grew over {limit} octets")]
    TotalOverLimit {
        /// The limit, in octets.
        limit: usize,
    },
    /// The call has too many fragments.
    #[error("the call has more than {limit} fragments")]
    TooManyFragments {
        /// The limit.
        limit: usize,
    },
}

impl Assembler {
    /// An assembler with no call open.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            open: None,
            stub: Vec::new(),
            count: 0,
        }
    }

    /// The call of which fragments are still missing.
    pub fn open_call(&self) -> Option<(CallId, ContextId)> {
        self.open.map(
            |Open {
                 call_id,
                 context_id,
             }| (call_id, context_id),
        )
    }

    /// Forgets the call that is open.
    pub fn abandon(&mut self) {
        self.open = None;
    }

    /// Takes a fragment; the whole stub if it was the last.
    ///
    /// # Errors
    /// The fragment does not fit; the assembler is as it was before.
    pub fn push<'b>(&'b mut self, part: Part<'b>) -> Result<Option<&'b [u8]>, FragmentError> {
        let first = part.flags.has(PfcFlags::FIRST_FRAG);
        let last = part.flags.has(PfcFlags::LAST_FRAG);
        self.check(&part, first)?;
        if first && last {
            return Ok(Some(part.stub));
        }
        if first {
            self.open = Some(Open {
                call_id: part.call_id,
                context_id: part.context_id,
            });
            self.stub.clear();
            self.count = 0;
        }
        self.stub.extend_from_slice(part.stub);
        self.count = self.count.saturating_add(1);
        if !last {
            return Ok(None);
        }
        self.open = None;
        Ok(Some(&self.stub))
    }

    fn check(&self, part: &Part<'_>, first: bool) -> Result<(), FragmentError> {
        let (held, count) = match self.open {
            Some(Open {
                call_id,
                context_id,
            }) if call_id != part.call_id => {
                return Err(FragmentError::OtherCall {
                    open: call_id,
                    context_id,
                    got: part.call_id,
                });
            }
            Some(_) if first => return Err(FragmentError::FirstTwice(part.call_id)),
            None if !first => return Err(FragmentError::WithoutFirst),
            Some(_) => (self.stub.len(), self.count),
            None => (0, 0),
        };
        let Limits { total, fragments } = self.limits;
        let whole = part.flags.has(PfcFlags::WHOLE);
        if first && !whole && usize::try_from(part.alloc_hint).unwrap_or(usize::MAX) > total {
            return Err(FragmentError::HintOverLimit {
                got: part.alloc_hint,
                limit: total,
            });
        }
        if held.saturating_add(part.stub.len()) > total {
            return Err(FragmentError::TotalOverLimit { limit: total });
        }
        if count >= fragments {
            return Err(FragmentError::TooManyFragments { limit: fragments });
        }
        Ok(())
    }
}
