/// What the caller does with the octets it got, and then with the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Next {
    /// What becomes of the connection once the octets are sent.
    pub after: After,
    /// How the octets are sent.
    pub delivery: Delivery,
    /// Units of 100 ns to wait before sending; 0 unless a fault wants the host slow.
    pub delay: u64,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum After {
    /// It stays open.
    #[default]
    Open,
    /// It ends in order (FIN), after what was to be sent.
    Close,
    /// It is reset, whatever was to be sent.
    Reset,
    /// The host dies: it stops listening and all its connections end. Only faults ask for it.
    Crash,
}

/// How octets are sent. TCP leaves it to the sender; a client that takes one read for one PDU finds out here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// All at once.
    #[default]
    Whole,
    /// One octet after the other, each in a segment of its own.
    OctetByOctet,
    /// The first half, then the rest.
    Halves {
        /// What lies between, in units of 100 ns.
        pause: u64,
    },
}

impl Next {
    /// Nothing special.
    pub const OPEN: Self = Self {
        after: After::Open,
        delivery: Delivery::Whole,
        delay: 0,
    };

    /// Whether the connection takes more octets.
    pub const fn is_open(&self) -> bool {
        matches!(self.after, After::Open)
    }
}
