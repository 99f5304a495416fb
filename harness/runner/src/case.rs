//! What a conformance case is.

use std::future::Future;
use std::pin::Pin;

use kmspec_rules::Role;

use crate::listener::Listener;
use crate::peer::Peer;
use crate::verdict::Stop;

/// What running a case gives.
pub type CaseFuture = Pin<Box<dyn Future<Output = Result<(), Stop>> + Send>>;

/// Code that checks one requirement, once for each row of its table. Written with [`case!`](crate::case!).
#[derive(Debug)]
pub struct Case {
    /// The requirement's id; behind a `/`, which of several stories about it this is.
    pub id: &'static str,
    /// What it asks, in a sentence or two.
    pub sentence: &'static str,
    /// What it needs of target and run.
    pub needs: &'static [Needs],
    /// The names of the table's rows; a single empty name where there is no table.
    pub variants: fn() -> Vec<String>,
    /// Runs the row of this number.
    pub story: Story,
}

/// What a case does, by whom it judges.
#[derive(Clone, Copy, Debug)]
pub enum Story {
    /// It plays the client, and judges a host.
    Host(fn(Peer, usize) -> CaseFuture),
    /// It plays the host, and judges a client.
    Client(fn(Listener, usize) -> CaseFuture),
}

/// What a case needs of target and run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// The KMS interface and keys: cannot be asked of just any RPC endpoint.
    Kms,
    /// A target that has counted nobody yet: started for this case, or reset.
    Fresh,
    /// No other case at the same time.
    Alone,
    /// A look at the target's health afterwards, because the stimulus is meant to hurt.
    Probe,
    /// A target that shares the tester's clock to within an hour.
    Clock,
    /// A target of its own while it runs, where several can be started, so that it may use control verbs; what was done
    /// to it before does not matter. Elsewhere it shares one, and has control verbs only if it also needs to be alone.
    Own,
    /// Time: it talks slowly or waits long, so it is started before others, lest a run end with waiting for it alone.
    Time,
    /// Hundreds of connections, one after the other or several at once. It is started early, as one that takes time, and a
    /// self-test runs few of these for a fault that they are not about.
    Crowd,
}

impl Case {
    /// The requirement it checks.
    pub fn requirement(&self) -> &'static str {
        self.id
            .split_once('/')
            .map_or(self.id, |(requirement, _)| requirement)
    }

    /// Whom it judges.
    pub const fn role(&self) -> Role {
        match self.story {
            Story::Host(_) => Role::Host,
            Story::Client(_) => Role::Client,
        }
    }

    /// The full ids of all rows, in order.
    pub fn ids(&self) -> Vec<String> {
        let join = |variant: String| {
            if variant.is_empty() {
                self.id.to_owned()
            } else {
                format!("{}/{variant}", self.id)
            }
        };
        (self.variants)().into_iter().map(join).collect()
    }

    /// Whether it needs this.
    pub fn needs(&self, what: Needs) -> bool {
        self.needs.contains(&what)
    }
}

/// Writes a [`Case`]: a sentence, an id, perhaps a table, and a story.
///
/// ```
/// use kmspec_runner::case;
/// use kmspec_wire::pdu::PfcFlags;
///
/// case! {
///     /// Other flags on a bind are ignored and not copied.
///     FLAGS_OTHERS_IGNORED { id: "rpc.bind.flags-others-ignored" }
///     for flags in [("reserved", 0x0b), ("did-not-execute", 0x23)];
///     async fn(peer) {
///         let mut link = peer.connect().await?;
///         link.send(peer.bind().flags(PfcFlags(flags)).encoded()).await?;
///         link.bind_ack().await?.flags_are(PfcFlags::WHOLE)
///     }
/// }
/// assert_eq!(FLAGS_OTHERS_IGNORED.ids()[1], "rpc.bind.flags-others-ignored/did-not-execute");
/// ```
///
/// A case that plays the host, and judges a client, is `async as_host`:
///
/// ```
/// use kmspec_runner::case;
///
/// case! {
///     /// A host that resets the connection is reported.
///     RESET { id: "rpc.client.peer-closes/after-bind" }
///     async as_host(listener) {
///         let mut link = listener.link().await?;
///         link.bind().await?;
///         listener.rejects(link).await.map(drop)
///     }
/// }
/// assert_eq!(RESET.requirement(), "rpc.client.peer-closes");
/// ```
#[macro_export]
macro_rules! case {
    (
        $(#[doc = $doc:literal])+
        $name:ident { id: $id:literal $(, needs: [$($need:ident),* $(,)?])? $(,)? }
        for $row:pat in $table:expr;
        async fn($peer:ident) $body:block
    ) => {
        $(#[doc = $doc])+
        pub(crate) static $name: $crate::case::Case = $crate::case::Case {
            id: $id,
            sentence: concat!($($doc),+),
            needs: &[$($($crate::case::Needs::$need),*)?],
            variants: || $table.into_iter().map(|row| $crate::case::name_of(&row).to_string()).collect(),
            story: $crate::case::Story::Host(|$peer, number| Box::pin(async move {
                let Some((_, $row)) = $table.into_iter().nth(number) else {
                    return Err($crate::verdict::Stop::Error(format!("no row {number} in the table")));
                };
                $body
            })),
        };
    };
    (
        $(#[doc = $doc:literal])+
        $name:ident { id: $id:literal $(, needs: [$($need:ident),* $(,)?])? $(,)? }
        for $row:pat in $table:expr;
        async as_host($listener:ident) $body:block
    ) => {
        $(#[doc = $doc])+
        pub(crate) static $name: $crate::case::Case = $crate::case::Case {
            id: $id,
            sentence: concat!($($doc),+),
            needs: &[$($($crate::case::Needs::$need),*)?],
            variants: || $table.into_iter().map(|row| $crate::case::name_of(&row).to_string()).collect(),
            story: $crate::case::Story::Client(|mut $listener, number| Box::pin(async move {
                let Some((_, $row)) = $table.into_iter().nth(number) else {
                    return Err($crate::verdict::Stop::Error(format!("no row {number} in the table")));
                };
                $body
            })),
        };
    };
    (
        $(#[doc = $doc:literal])+
        $name:ident { id: $id:literal $(, needs: [$($need:ident),* $(,)?])? $(,)? }
        async as_host($listener:ident) $body:block
    ) => {
        $(#[doc = $doc])+
        pub(crate) static $name: $crate::case::Case = $crate::case::Case {
            id: $id,
            sentence: concat!($($doc),+),
            needs: &[$($($crate::case::Needs::$need),*)?],
            variants: || vec![String::new()],
            story: $crate::case::Story::Client(|mut $listener, _| Box::pin(async move { $body })),
        };
    };
    (
        $(#[doc = $doc:literal])+
        $name:ident { id: $id:literal $(, needs: [$($need:ident),* $(,)?])? $(,)? }
        async fn($peer:ident) $body:block
    ) => {
        $(#[doc = $doc])+
        pub(crate) static $name: $crate::case::Case = $crate::case::Case {
            id: $id,
            sentence: concat!($($doc),+),
            needs: &[$($($crate::case::Needs::$need),*)?],
            variants: || vec![String::new()],
            story: $crate::case::Story::Host(|$peer, _| Box::pin(async move { $body })),
        };
    };
}

/// The name of a table's row: its first half.
#[doc(hidden)]
pub fn name_of<N, T>((name, _): &(N, T)) -> &N {
    name
}
