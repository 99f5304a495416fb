//! Bind and its acknowledgement.

mod ack;
mod flags;
mod hostile;
mod lists;
mod ndr64;
mod second;
mod syntaxes;

use kmspec_runner::Suite;

pub(crate) static BIND: Suite = Suite::new(
    "bind",
    &[
        &ack::ECHOES_CALL_ID,
        &ack::BASIC,
        &ack::BASIC_SEGMENTED,
        &flags::FIRST_LAST_OPTIONAL,
        &flags::CONC_MPX,
        &flags::HEADER_SIGNING,
        &flags::OTHERS_IGNORED,
        &lists::COUNT_AND_ORDER,
        &ack::REJECTED_SYNTAX_ZERO,
        &ack::SECONDARY_ADDRESS_PORT,
        &ack::SECONDARY_ADDRESS_PADDING,
        &syntaxes::UNKNOWN_INTERFACE,
        &syntaxes::INTERFACE_MAJOR,
        &syntaxes::INTERFACE_MINOR_NEWER,
        &syntaxes::UNKNOWN_TRANSFER_SYNTAX,
        &syntaxes::UNKNOWN_TRANSFER_SYNTAX_OCTET,
        &syntaxes::TRANSFER_SYNTAX_VERSION,
        &syntaxes::LIST_PICKS_SUPPORTED,
        &lists::AFTER_LONG_LIST,
        &hostile::NO_CONTEXTS,
        &hostile::ZERO_TRANSFER_SYNTAXES,
        &hostile::TOO_MANY_ELEMENTS,
        &hostile::TOO_MANY_ELEMENTS_BEHIND,
        &hostile::TOO_MANY_SYNTAXES,
        &hostile::TRUNCATED,
        &hostile::RESERVED_IGNORED,
        &hostile::RESERVED_AS_COUNT,
        &lists::MIXED_RESULTS_USABLE,
        &lists::ONE_NEW_CONTEXT,
        &lists::SAME_ID_TWICE,
        &lists::CONTEXT_ID_ARBITRARY,
        &lists::CONTEXT_ID_MANY_CONNECTIONS,
        &ndr64::ONE_OF_TWO,
        &ndr64::SIDE_BY_SIDE,
        &ndr64::ONLY,
        &ndr64::IN_ONE_ELEMENT,
        &ndr64::WINDOWS_CLIENT_SHAPE,
        &lists::LARGE,
        &second::ALL_REJECTED,
        &second::SECOND_BIND,
        &second::SECOND_BIND_AFTER_REJECTION,
    ],
);
