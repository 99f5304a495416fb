use std::str::FromStr;

use kmspec_wire::kms::ProtocolVersion;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{ContextElement, ContextId, PduType, PfcFlags};
use thiserror::Error;

use super::{HEAD, ptype_named, syntax_named};
use crate::edit::{Edit, Layer, Op, Place};
use crate::session::{
    Action, Call, Content, Group, Message, Offer, Order, Plain, Sending, Session, Step, Stub,
};

/// Why a text is no session.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it; a fragment.
    pub problem: String,
}

impl Session {
    /// Reads the text form.
    ///
    /// # Errors
    /// The first line that makes no sense.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut steps: Vec<Step> = Vec::new();
        let mut headed = false;
        for (line, text) in (1..).zip(text.lines()) {
            let wrong = |problem| ParseError { line, problem };
            let (text, _) = text
                .split_once('#')
                .filter(|(left, _)| is_remark(left))
                .unwrap_or((text, ""));
            if text.trim().is_empty() {
                continue;
            }
            if !headed {
                if text.trim_end() != HEAD {
                    return Err(wrong(format!("a session begins with {HEAD:?}")));
                }
                headed = true;
            } else if text.starts_with([' ', '\t']) {
                let last = steps.last_mut().map(|step| &mut step.action);
                let Some(Action::Send(sending)) = last else {
                    return Err(wrong("belongs to no step that sends".to_owned()));
                };
                detail(text, sending).map_err(wrong)?;
            } else {
                if steps.len() >= Session::MOST_STEPS {
                    return Err(wrong(format!("more than {} steps", Session::MOST_STEPS)));
                }
                steps.push(step(text).map_err(wrong)?);
            }
        }
        if headed {
            Ok(Self { steps })
        } else {
            let problem = format!("a session begins with {HEAD:?}");
            Err(ParseError { line: 1, problem })
        }
    }
}

/// A `#` begins a remark at the start of a line and behind a space; inside a word it counts fields.
fn is_remark(left: &str) -> bool {
    left.is_empty() || left.ends_with([' ', '\t'])
}

type Parsed<T> = Result<T, String>;

fn step(text: &str) -> Parsed<Step> {
    let mut words = text.split_whitespace().peekable();
    let mut connection = 0;
    if let Some(number) = words.peek().and_then(|word| word.strip_prefix('@')) {
        connection = within(
            number,
            u64::from(Session::MOST_CONNECTIONS).saturating_sub(1),
            "connection",
        )?;
        words.next();
    }
    let verb = words
        .next()
        .ok_or("a step is missing behind the connection")?;
    let mut options = Options::of(words)?;
    let action = match verb {
        "connect" => Action::Connect,
        "half-close" => Action::HalfClose,
        "close" => Action::Close,
        "wait" => {
            let millis = options.word("a number of milliseconds")?;
            Action::Wait(within(&millis, u64::from(Session::LONGEST_WAIT), "wait")?)
        }
        _ => Action::Send(Box::new(sending(verb, &mut options)?)),
    };
    options.finish()?;
    Ok(Step { connection, action })
}

fn sending(verb: &str, options: &mut Options) -> Parsed<Sending> {
    let content = match verb {
        "bind" => Content::Bind(offer(options)?),
        "alter" => Content::Alter(offer(options)?),
        "request" => Content::Request(call(options)?),
        "pdu" => Content::Pdu(plain(options)?),
        "raw" => Content::Raw(hex(&options.word("octets")?)?),
        _ => return Err(format!("no step is called {verb:?}")),
    };
    Ok(Sending {
        content,
        edits: Vec::new(),
        segment: options.number("segment", u16::MAX)?.unwrap_or(0),
        times: options.number("times", Session::MOST_TIMES)?.unwrap_or(1),
        hurry: options.flag("hurry"),
    })
}

fn offer(options: &mut Options) -> Parsed<Offer> {
    let plain = Offer::kms();
    let group = match options.value("group") {
        None => Group::Given(0),
        Some(text) => match text.strip_prefix('@') {
            Some(connection) => Group::Of(within(connection, 255, "connection")?),
            None => Group::Given(within(&text, u64::from(u32::MAX), "group")?),
        },
    };
    Ok(Offer {
        call_id: options.number("call", u32::MAX)?.unwrap_or(plain.call_id),
        flags: flags(options)?,
        order: order(options)?,
        max_xmit_frag: options
            .number("xmit", u16::MAX)?
            .unwrap_or(plain.max_xmit_frag),
        max_recv_frag: options
            .number("recv", u16::MAX)?
            .unwrap_or(plain.max_recv_frag),
        group,
        contexts: Vec::new(),
    })
}

fn call(options: &mut Options) -> Parsed<Call> {
    let stub = match options.value("stub") {
        Some(octets) => Stub::Octets(hex(&octets)?),
        None => marshalled(options)?,
    };
    Ok(Call {
        call_id: options.number("call", u32::MAX)?.unwrap_or(2),
        context_id: options.number("context", u16::MAX)?.unwrap_or(0),
        opnum: options.number("opnum", u16::MAX)?.unwrap_or(0),
        order: order(options)?,
        fragment: options.number("fragment", u16::MAX)?.unwrap_or(0),
        amid: options.value("amid").map(|name| ptype(&name)).transpose()?,
        stub,
    })
}

fn marshalled(options: &mut Options) -> Parsed<Stub> {
    let message = match options.value("message") {
        Some(octets) => Message::Octets(hex(&octets)?),
        None => Message::Kms(version(&options.word("v4, v5, v6, message=… or stub=…")?)?),
    };
    let syntax = match options.maybe_word().as_deref() {
        None | Some("ndr32") => TransferSyntax::Ndr32,
        Some("ndr64") => TransferSyntax::Ndr64,
        Some(other) => return Err(format!("no transfer syntax is called {other:?}")),
    };
    Ok(Stub::Marshalled(syntax, message))
}

fn ptype(name: &str) -> Parsed<PduType> {
    ptype_named(name).ok_or_else(|| format!("no PDU type is called {name:?}"))
}

fn plain(options: &mut Options) -> Parsed<Plain> {
    let name = options.word("a PDU type")?;
    let ptype = ptype(&name)?;
    Ok(Plain {
        ptype,
        flags: flags(options)?,
        call_id: options.number("call", u32::MAX)?.unwrap_or(2),
        body: options
            .value("body")
            .map_or(Ok(Vec::new()), |octets| hex(&octets))?,
    })
}

fn flags(options: &mut Options) -> Parsed<PfcFlags> {
    let Some(text) = options.value("flags") else {
        return Ok(PfcFlags::WHOLE);
    };
    let flags = u8::from_str_radix(&text, 16);
    flags
        .map(PfcFlags)
        .map_err(|_| format!("flags are two hexadecimal digits, not {text:?}"))
}

fn order(options: &mut Options) -> Parsed<Order> {
    match options.value("order").as_deref() {
        None | Some("little") => Ok(Order::Little),
        Some("big") => Ok(Order::Big),
        Some(other) => Err(format!("order is little or big, not {other:?}")),
    }
}

fn version(text: &str) -> Parsed<ProtocolVersion> {
    let wrong = || format!("a version is v4, v5, v6 or as v6.1, not {text:?}");
    let numbers = text.strip_prefix('v').ok_or_else(wrong)?;
    let (major, minor) = numbers.split_once('.').unwrap_or((numbers, "0"));
    Ok(ProtocolVersion {
        major: major.parse().map_err(|_| wrong())?,
        minor: minor.parse().map_err(|_| wrong())?,
    })
}

/// An indented line: a context offered, or an edit.
fn detail(text: &str, sending: &mut Sending) -> Parsed<()> {
    let mut words = text.split_whitespace();
    let verb = words.next().unwrap_or_default();
    let mut next = |what: &str| words.next().ok_or_else(|| format!("{verb} needs {what}"));
    if verb == "offer" {
        let (Content::Bind(offer) | Content::Alter(offer)) = &mut sending.content else {
            return Err("only bind and alter have offers".to_owned());
        };
        let id = within(next("a context id")?, u64::from(u16::MAX), "context id")?;
        let named =
            |name: &str| syntax_named(name).ok_or_else(|| format!("no syntax is called {name:?}"));
        let abstract_syntax = named(next("an interface")?)?;
        offer.contexts.push(ContextElement {
            id: ContextId(id),
            abstract_syntax,
            transfer_syntaxes: words.map(named).collect::<Parsed<_>>()?,
        });
        return Ok(());
    }
    let layer = next("a layer")?;
    let layer = Layer::ALL.into_iter().find(|known| known.name() == layer);
    let layer = layer.ok_or_else(|| format!("{verb} needs a layer: body, message, stub or pdu"))?;
    let place = next("a place")?.parse()?;
    let op = match verb {
        "set" => Op::Set(hex(next("octets")?)?),
        "xor" => Op::Xor(hex(next("octets")?)?),
        "insert" => Op::Insert(hex(next("octets")?)?),
        "grow" => Op::Grow(within(next("a length")?, u64::from(u16::MAX), "length")?),
        "remove" => Op::Remove(within(next("a length")?, u64::from(u16::MAX), "length")?),
        "cut" => Op::Cut,
        _ => return Err(format!("no edit is called {verb:?}")),
    };
    if let Some(word) = words.next() {
        return Err(format!("{word:?} is too much"));
    }
    sending.edits.push(Edit { layer, place, op });
    Ok(())
}

impl FromStr for Place {
    type Err = String;

    /// `field`, `field#nth`, `field+at`, `field#nth+at`; the field of all octets is `*`.
    fn from_str(text: &str) -> Parsed<Self> {
        let most = u64::from(u16::MAX);
        let (text, at) = match text.split_once('+') {
            Some((text, at)) => (text, within(at, most, "offset")?),
            None => (text, 0),
        };
        let (field, nth) = match text.split_once('#') {
            Some((field, nth)) => (field, within(nth, most, "number of a field")?),
            None => (text, 0),
        };
        let field = field.to_owned();
        Ok(Self { field, nth, at })
    }
}

/// What stands behind a step's verb: words, and values with names.
struct Options {
    words: std::collections::VecDeque<String>,
    values: Vec<(String, String)>,
}

impl Options {
    fn of<'a>(words: impl Iterator<Item = &'a str>) -> Parsed<Self> {
        let mut options = Self {
            words: std::collections::VecDeque::new(),
            values: Vec::new(),
        };
        for word in words {
            match word.split_once('=') {
                None => options.words.push_back(word.to_owned()),
                Some((name, _)) if options.values.iter().any(|(known, _)| known == name) => {
                    return Err(format!("{name} stands twice"));
                }
                Some((name, value)) => options.values.push((name.to_owned(), value.to_owned())),
            }
        }
        Ok(options)
    }

    fn word(&mut self, what: &str) -> Parsed<String> {
        self.maybe_word()
            .ok_or_else(|| format!("{what} is missing"))
    }

    fn maybe_word(&mut self) -> Option<String> {
        let hurry = self.words.front().is_some_and(|word| word == "hurry");
        if hurry { None } else { self.words.pop_front() }
    }

    fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        before != self.words.len()
    }

    fn value(&mut self, name: &str) -> Option<String> {
        let at = self.values.iter().position(|(known, _)| known == name)?;
        Some(self.values.swap_remove(at).1)
    }

    fn number<T>(&mut self, name: &str, most: T) -> Parsed<Option<T>>
    where
        T: TryFrom<u64> + Into<u64>,
    {
        let value = self.value(name);
        value
            .map(|text| within(&text, most.into(), name))
            .transpose()
    }

    fn finish(self) -> Parsed<()> {
        let named = self.values.first().map(|(name, _)| name);
        match self.words.front().or(named) {
            None => Ok(()),
            Some(word) => Err(format!("{word:?} is nothing this step has")),
        }
    }
}

fn within<T: TryFrom<u64>>(text: &str, most: u64, what: &str) -> Parsed<T> {
    let number = text.parse::<u64>().ok().filter(|number| *number <= most);
    let number = number.and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("{what} is a number up to {most}, not {text:?}"))
}

fn hex(text: &str) -> Parsed<Vec<u8>> {
    let wrong =
        || format!("octets are pairs of hexadecimal digits, or a dash for none, not {text:?}");
    if text == "-" {
        return Ok(Vec::new());
    }
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.ok_or_else(wrong)?;
    let (pairs, odd) = digits.as_chunks::<2>();
    if !odd.is_empty() || pairs.is_empty() {
        return Err(wrong());
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}
