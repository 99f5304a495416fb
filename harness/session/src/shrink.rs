use kmspec_wire::keys::KeySet;
use kmspec_wire::pdu::ContextElement;

use crate::edit::Op;
use crate::render::Surroundings;
use crate::session::{Action, Call, Content, Group, Message, Offer, Sending, Session, Step, Stub};

/// Smaller sessions to try in place of this one, the boldest first: fewer steps, then fewer and plainer fields, then
/// fewer octets. All differ from it, and none is larger, so that trying again with what still shows comes to an end.
pub fn shrunk(session: &Session) -> Vec<Session> {
    let mut all = fewer_steps(session);
    all.extend(repeated(session));
    all.extend(offered_at_once(session));
    all.extend(plainer_steps(session));
    for (at, step) in session.steps.iter().enumerate() {
        let Action::Send(sending) = &step.action else {
            continue;
        };
        for smaller in plainer(sending).into_iter().chain(shorter(sending)) {
            all.push(replaced(session, at, Action::Send(Box::new(smaller))));
        }
    }
    all.extend(alike(session));
    if session.steps.len() > FEW_STEPS {
        all.extend(in_one_go(session));
    }
    all.retain(|candidate| candidate != session);
    all
}

/// So many steps are read at a glance: to be fewer still they are not made raw octets.
pub const FEW_STEPS: usize = 3;

/// Two PDUs in a row, neither of them a bind or a whole call, as the octets of both.
fn in_one_go(session: &Session) -> Vec<Session> {
    let keys = KeySet::lab();
    let around = Surroundings::nowhere(&keys);
    let octets = |step: &Step| match &step.action {
        Action::Send(sending) if sending.times <= 1 => match &sending.content {
            Content::Pdu(_) | Content::Raw(_) => Some(sending.render(&around)),
            _ => None,
        },
        _ => None,
    };
    let mut all = Vec::new();
    for (at, pair) in session.steps.windows(2).enumerate() {
        let [one, other] = pair else { continue };
        if one.connection != other.connection {
            continue;
        }
        if let (Some(first), Some(second)) = (octets(one), octets(other)) {
            let both = Sending::new(Content::Raw([first, second].concat()));
            let mut smaller = replaced(session, at, Action::Send(Box::new(both)));
            smaller.steps.remove(at.saturating_add(1));
            all.push(smaller);
        }
    }
    all
}

fn replaced(session: &Session, at: usize, action: Action) -> Session {
    let mut session = session.clone();
    if let Some(step) = session.steps.get_mut(at) {
        step.action = action;
    }
    session
}

/// Without a half of the steps, a quarter, and so on down to one.
fn fewer_steps(session: &Session) -> Vec<Session> {
    let len = session.steps.len();
    let mut all = Vec::new();
    let mut chunk = len / 2;
    while chunk > 0 {
        // From the end: what comes last is the likeliest to be needless.
        for start in (0..len).step_by(chunk).rev() {
            let mut steps = session.steps.clone();
            steps.drain(start..start.saturating_add(chunk).min(len));
            all.push(Session { steps });
        }
        chunk /= 2;
    }
    all
}

/// The same sent twice in a row, sent two times by one step.
fn repeated(session: &Session) -> Vec<Session> {
    let mut all = Vec::new();
    for (at, pair) in session.steps.windows(2).enumerate() {
        let [one, other] = pair else { continue };
        let (Action::Send(first), Action::Send(second)) = (&one.action, &other.action) else {
            continue;
        };
        let alike = Sending {
            times: first.times,
            ..(**second).clone()
        };
        if one.connection == other.connection && alike == **first {
            all.push(as_one(session, at, first, (first, second)));
        }
    }
    all
}

/// Two sendings in a row, of which the first is this step, as one that is sent as often as both, and is like this one.
fn as_one(session: &Session, at: usize, like: &Sending, both: (&Sending, &Sending)) -> Session {
    let (first, second) = both;
    let both = Sending {
        times: first.times.max(1).saturating_add(second.times.max(1)),
        ..like.clone()
    };
    let mut smaller = replaced(session, at, Action::Send(Box::new(both)));
    smaller.steps.remove(at.saturating_add(1));
    smaller
}

/// What a bind and a later `alter_context` offer, both or the latter alone, offered by one bind; and a bind where an
/// `alter_context` comes first.
fn offered_at_once(session: &Session) -> Vec<Session> {
    let mut all = Vec::new();
    let mut bind: Option<(usize, &Offer)> = None;
    for (at, step) in session.steps.iter().enumerate() {
        let Action::Send(sending) = &step.action else {
            continue;
        };
        let offer = match &sending.content {
            Content::Bind(offer) => {
                bind = Some((at, offer));
                continue;
            }
            Content::Alter(offer) => offer,
            _ => continue,
        };
        let Some((place, first)) = bind else {
            let first = of(sending, Content::Bind(offer.clone()));
            all.push(replaced(session, at, Action::Send(Box::new(first))));
            continue;
        };
        let mut both = first.clone();
        both.contexts.extend(offer.contexts.iter().cloned());
        for offer in [both, offer.clone()] {
            let once = of(sending, Content::Bind(offer));
            let mut smaller = replaced(session, place, Action::Send(Box::new(once)));
            smaller.steps.remove(at);
            all.push(smaller);
        }
    }
    all
}

/// Two calls in a row made one call sent two times, as the first is or as the second, and made the plainer of the two.
fn alike(session: &Session) -> Vec<Session> {
    let mut all = Vec::new();
    for (at, pair) in session.steps.windows(2).enumerate() {
        let [one, other] = pair else { continue };
        let (Action::Send(first), Action::Send(second)) = (&one.action, &other.action) else {
            continue;
        };
        let calls = matches!(
            (&first.content, &second.content),
            (Content::Request(_), Content::Request(_))
        );
        if !calls || first == second || one.connection != other.connection {
            continue;
        }
        for like in [first, second] {
            all.push(as_one(session, at, like, (first, second)));
        }
        // The same octets again: what is sent two times by one step has another IV and call id the second time.
        let size = |step: &Step| {
            let text = step.to_string();
            (text.len(), text)
        };
        let (plain, place) = if size(one) < size(other) {
            (first, at.saturating_add(1))
        } else {
            (second, at)
        };
        all.push(replaced(session, place, Action::Send(plain.clone())));
    }
    all
}

/// All on one connection, and shorter waits.
fn plainer_steps(session: &Session) -> Vec<Session> {
    let mut all = Vec::new();
    if session.steps.iter().any(|step| step.connection > 0) {
        let mut one = session.clone();
        one.steps.iter_mut().for_each(|step| step.connection = 0);
        all.push(one);
    }
    for (at, step) in session.steps.iter().enumerate() {
        if let Action::Wait(millis @ 1..) = step.action {
            all.push(replaced(session, at, Action::Wait(millis / 2)));
        }
        if step.action == Action::HalfClose {
            all.push(replaced(session, at, Action::Close));
        }
    }
    all
}

/// Fewer edits, and the plain client's way in everything that is not an edit.
fn plainer(sending: &Sending) -> Vec<Sending> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Sending)| {
        let mut smaller = sending.clone();
        change(&mut smaller);
        if smaller != *sending {
            all.push(smaller);
        }
    };
    with(&|s| s.edits.clear());
    for at in (0..sending.edits.len()).rev() {
        with(&|s| {
            s.edits.remove(at);
        });
    }
    with(&|s| s.segment = 0);
    with(&|s| s.hurry = false);
    for times in fewer(sending.times) {
        with(&|s| s.times = times);
    }
    match &sending.content {
        Content::Bind(offer) => {
            all.extend(plainer_offers(offer).map(|o| of(sending, Content::Bind(o))));
        }
        Content::Alter(offer) => {
            all.extend(plainer_offers(offer).map(|o| of(sending, Content::Alter(o))));
        }
        Content::Request(call) => {
            all.extend(plainer_calls(call).map(|c| of(sending, Content::Request(c))));
        }
        Content::Pdu(_) | Content::Raw(_) => {}
    }
    all
}

/// 1, a half, one less.
fn fewer(times: u16) -> impl Iterator<Item = u16> {
    let candidates = [1, times / 2, times.saturating_sub(1)];
    candidates
        .into_iter()
        .filter(move |fewer| *fewer > 0 && *fewer < times)
}

fn of(sending: &Sending, content: Content) -> Sending {
    Sending {
        content,
        ..sending.clone()
    }
}

fn plainer_offers(offer: &Offer) -> impl Iterator<Item = Offer> {
    let plain = Offer::kms();
    let mut all = vec![plain.clone()];
    let contexts = |contexts: Vec<ContextElement>| Offer {
        contexts,
        ..offer.clone()
    };
    let len = offer.contexts.len();
    let half = offer.contexts.iter().take(len / 2).cloned().collect();
    all.push(contexts(half));
    for at in (0..len).rev().take(MOST_CONTEXTS) {
        let mut fewer = offer.contexts.clone();
        fewer.remove(at);
        all.push(contexts(fewer));
    }
    all.extend([
        Offer {
            flags: plain.flags,
            ..offer.clone()
        },
        Offer {
            order: plain.order,
            ..offer.clone()
        },
        Offer {
            max_xmit_frag: plain.max_xmit_frag,
            ..offer.clone()
        },
        Offer {
            max_recv_frag: plain.max_recv_frag,
            ..offer.clone()
        },
        Offer {
            group: Group::Given(0),
            ..offer.clone()
        },
        Offer {
            call_id: plain.call_id,
            ..offer.clone()
        },
    ]);
    let offer = offer.clone();
    all.into_iter()
        .filter(move |plainer| *plainer != offer && plainer.contexts.len() <= len.max(1))
}

/// Contexts that are tried to be left out one by one.
const MOST_CONTEXTS: usize = 8;

fn plainer_calls(call: &Call) -> impl Iterator<Item = Call> {
    let plain = Call::kms(kmspec_wire::kms::Version::V6);
    let all = [
        Call {
            fragment: 0,
            ..call.clone()
        },
        Call {
            amid: None,
            ..call.clone()
        },
        Call {
            order: plain.order,
            ..call.clone()
        },
        Call {
            opnum: 0,
            ..call.clone()
        },
        Call {
            context_id: 0,
            ..call.clone()
        },
        Call {
            call_id: plain.call_id,
            ..call.clone()
        },
    ];
    let call = call.clone();
    all.into_iter().filter(move |plainer| *plainer != call)
}

/// Fewer octets.
fn shorter(sending: &Sending) -> Vec<Sending> {
    let mut all = Vec::new();
    for octets in sending
        .content
        .octets()
        .into_iter()
        .flat_map(|octets| shorter_octets(octets))
    {
        let mut smaller = sending.clone();
        if let Some(place) = smaller.content.octets_mut() {
            *place = octets;
        }
        all.push(smaller);
    }
    for (at, edit) in sending.edits.iter().enumerate() {
        let ops: Vec<Op> = match &edit.op {
            Op::Set(octets) => shorter_octets(octets).into_iter().map(Op::Set).collect(),
            Op::Xor(octets) => shorter_octets(octets).into_iter().map(Op::Xor).collect(),
            Op::Insert(octets) => shorter_octets(octets).into_iter().map(Op::Insert).collect(),
            Op::Grow(len) => fewer(*len).map(Op::Grow).collect(),
            Op::Remove(len) => fewer(*len).map(Op::Remove).collect(),
            Op::Cut => Vec::new(),
        };
        for op in ops {
            let mut smaller = sending.clone();
            if let Some(edit) = smaller.edits.get_mut(at) {
                edit.op = op;
            }
            all.push(smaller);
        }
    }
    all
}

fn shorter_octets(octets: &[u8]) -> Vec<Vec<u8>> {
    let len = octets.len();
    let lengths = [0, len / 2, len.saturating_sub(1)];
    let mut all: Vec<Vec<u8>> = lengths
        .into_iter()
        .filter(|shorter| *shorter < len)
        .map(|len| octets.iter().copied().take(len).collect())
        .collect();
    if octets.iter().any(|octet| *octet != 0) {
        all.push(vec![0; len]);
    }
    all
}

impl Content {
    /// The octets it is given as, if it is.
    fn octets(&self) -> Option<&Vec<u8>> {
        match self {
            Self::Pdu(plain) => Some(&plain.body),
            Self::Raw(octets) => Some(octets),
            Self::Request(call) => match &call.stub {
                Stub::Octets(octets) | Stub::Marshalled(_, Message::Octets(octets)) => Some(octets),
                Stub::Marshalled(_, Message::Kms(_)) => None,
            },
            Self::Bind(_) | Self::Alter(_) => None,
        }
    }

    fn octets_mut(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Pdu(plain) => Some(&mut plain.body),
            Self::Raw(octets) => Some(octets),
            Self::Request(call) => match &mut call.stub {
                Stub::Octets(octets) | Stub::Marshalled(_, Message::Octets(octets)) => Some(octets),
                Stub::Marshalled(_, Message::Kms(_)) => None,
            },
            Self::Bind(_) | Self::Alter(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dice, Mutator};

    #[test]
    fn shrinking_comes_to_an_end_at_nothing() {
        for number in 0..20 {
            let mut session = Mutator::new().generate(&mut Dice::new(2, number));
            let mut rounds = 0;
            while let Some(smaller) = shrunk(&session).into_iter().next() {
                session = smaller;
                rounds += 1;
                assert!(rounds < 1000, "{session}");
            }
            assert!(session.steps.len() <= 1, "{session}");
        }
    }

    /// The smallest session that still matters.
    fn smallest(text: &str, matters: impl Fn(&Session) -> bool) -> String {
        let mut session = Session::parse(text).unwrap();
        while let Some(smaller) = shrunk(&session).into_iter().find(&matters) {
            session = smaller;
        }
        session.to_string()
    }

    #[test]
    fn two_calls_become_one_that_is_sent_twice_and_two_offers_one() {
        let text = "kmspec session 1\nbind\n  offer 1 kms ndr64\nalter\n  offer 0 kms ndr32\n\
                    request v5 ndr32\nrequest v5 ndr64 context=1\n";
        let calls = |session: &Session| {
            let calls = session
                .sendings()
                .filter(|s| matches!(s.content, Content::Request(_)));
            calls.map(|call| call.times.max(1)).sum::<u16>()
        };
        let offers = |session: &Session| {
            let mut contexts = Vec::new();
            for sending in session.sendings() {
                if let Content::Bind(offer) | Content::Alter(offer) = &sending.content {
                    contexts.extend(offer.contexts.iter().map(|context| context.id.0));
                }
            }
            contexts.contains(&0) && contexts.contains(&1)
        };
        let small = smallest(text, |session| calls(session) == 2 && offers(session));
        let expected = "kmspec session 1\nbind\n  offer 1 kms ndr64\n  offer 0 kms ndr32\nrequest v5 ndr32 times=2\n";
        assert_eq!(small, expected);
    }

    #[test]
    fn two_calls_that_must_be_the_same_become_the_plainer_one_under_its_offer() {
        let text = "kmspec session 1\nbind\n  offer 1 kms ndr64\nalter\n  offer 0 kms ndr32\n\
                    request v5 ndr32\nrequest v5 ndr64 context=1\n";
        let matters = |session: &Session| {
            let offered = |id: u16| {
                session.sendings().any(|sending| match &sending.content {
                    Content::Bind(offer) => {
                        matches!(offer.contexts.as_slice(), [one] if one.id.0 == id)
                    }
                    Content::Alter(offer) => offer.contexts.iter().any(|one| one.id.0 == id),
                    _ => false,
                })
            };
            let calls = session
                .sendings()
                .filter_map(|sending| match &sending.content {
                    Content::Request(call) => Some((call, sending.times)),
                    _ => None,
                });
            let calls: Vec<_> = calls.collect();
            let bound = session.to_string().starts_with("kmspec session 1\nbind");
            bound
                && calls.len() == 2
                && calls
                    .iter()
                    .all(|(call, times)| offered(call.context_id) && *times < 2)
        };
        let expected =
            "kmspec session 1\nbind\n  offer 0 kms ndr32\nrequest v5 ndr32\nrequest v5 ndr32\n";
        assert_eq!(smallest(text, matters), expected);
    }

    #[test]
    fn pdus_in_a_row_become_their_octets_where_there_are_many_steps() {
        let text = "kmspec session 1\nbind\n  offer 0 kms ndr32\npdu request call=2 flags=01 body=00\n\
                    pdu co-cancel call=2\npdu orphaned call=2\nrequest v6 ndr32\n";
        let keys = KeySet::lab();
        let around = Surroundings::nowhere(&keys);
        let sent = |session: &Session| -> Vec<u8> {
            session.sendings().flat_map(|s| s.render(&around)).collect()
        };
        let whole = sent(&Session::parse(text).unwrap());
        let small = smallest(text, |session| sent(session) == whole);
        let steps: Vec<&str> = small
            .lines()
            .filter(|line| !line.starts_with(' '))
            .collect();
        let [_, "bind", raw, "request v6 ndr32"] = steps.as_slice() else {
            panic!("{small}");
        };
        assert!(raw.starts_with("raw 05000001"), "{small}");
    }

    #[test]
    fn the_one_edit_that_matters_is_what_is_left() {
        let text = "kmspec session 1\nconnect\nbind xmit=16\n  offer 0 kms ndr32\nrequest v6 times=40 fragment=88\n\
                    \x20 set pdu opnum 0500\n  set body n_policy ffffffff\n  xor pdu call_id 01\n@1 connect\nwait 20\n";
        let mut session = Session::parse(text).unwrap();
        let matters = |session: &Session| session.to_string().contains("n_policy ff");
        while let Some(smaller) = shrunk(&session).into_iter().find(matters) {
            session = smaller;
        }
        let expected = "kmspec session 1\nrequest v6 ndr32\n  set body n_policy ff\n";
        assert_eq!(session.to_string(), expected);
    }
}
