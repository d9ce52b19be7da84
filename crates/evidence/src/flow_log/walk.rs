//! Flow logs of any shape: whatever is around them, tuples stand below a rule.

use std::fmt;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::flow_log::tuple::{FlowTuple, NoFlowTuple};

/// The rule that a flow met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct FlowRule {
    /// Its name; empty where the log has none.
    pub name: Arc<str>,
    /// The group that it is of, as a virtual network's log has it.
    pub group: Option<Arc<str>>,
}

impl FlowRule {
    /// Whether it is no rule of the owner's: the platform handled the traffic without one (N21).
    #[must_use]
    pub fn is_the_platforms(&self) -> bool {
        self.name.get(..12).is_some_and(|start| start.eq_ignore_ascii_case("PlatformRule"))
    }

    /// Whether the log names none: what is denied so is denied by the encryption of the network (N21).
    #[must_use]
    pub fn is_unspecified(&self) -> bool {
        self.name.eq_ignore_ascii_case("unspecified")
    }
}

/// A tuple, the rule that it met, and the interface that it was seen at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedFlow {
    /// The tuple.
    pub tuple: FlowTuple,
    /// The rule.
    pub rule: FlowRule,
    /// The interface's station address, as its digits make a number, where the log has it.
    pub mac: Option<u64>,
}

/// What was read of a flow log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FlowLogRead {
    /// How many tuples there were.
    pub tuples: u64,
    /// Where it breaks off, if it does: in which line and column.
    pub cut: Option<(usize, usize)>,
    /// Whether it showed that it is a flow log. One that is empty, or breaks off before that, did not.
    pub is_flow_log: bool,
}

/// A flow log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FlowLogError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is no JSON.
    #[error("line {line}, column {column}: {what}")]
    Json {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
        /// What is wrong.
        what: String,
    },
    /// It has a text that no flow log has.
    #[error("it has a text of more than {MOST_OF_A_STRING} bytes, which no flow log has")]
    Endless,
    /// It is JSON, and has no flow log in it.
    #[error("it has no `records` with `flowTuples`: it is no flow log")]
    NoFlowLog,
}

/// The longest text between two quotation marks, in bytes: a tuple has some hundred, an id a few
/// hundred more.
const MOST_OF_A_STRING: u64 = 1 << 20;

/// A stream of JSON that ends at a text which is too long to be held.
struct BoundedStrings<R> {
    input: R,
    /// How long the text has been so far, if it is in one.
    length: Option<u64>,
    is_escaped: bool,
}

impl<R: Read> Read for BoundedStrings<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_too_long() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let read = self.input.read(into)?;
        for byte in into.iter().take(read) {
            match (&mut self.length, byte) {
                (None, b'"') => self.length = Some(0),
                (None, _) => {}
                (Some(_), b'"') if !self.is_escaped => self.length = None,
                (Some(length), byte) => {
                    *length = length.saturating_add(1);
                    self.is_escaped = *byte == b'\\' && !self.is_escaped;
                }
            }
        }
        Ok(read)
    }
}

impl<R> BoundedStrings<R> {
    fn is_too_long(&self) -> bool {
        self.length.is_some_and(|length| length > MOST_OF_A_STRING)
    }
}

/// So many tuples are held at most until all is known that stands around them.
const MOST_HELD: usize = 65_536;

/// Reads a flow log: documents one behind the other, each of which has, at any depth, objects with
/// `flowTuples` below a `rule`. Those that are `wanted` are handed to `visit`, with their rule. What is
/// held is what is wanted of one rule, in bounded memory.
///
/// # Errors
/// It cannot be read, or it is no flow log. What was whole before that has been visited.
pub fn read(
    input: impl Read,
    wanted: &dyn Fn(&FlowTuple) -> bool,
    visit: &mut dyn FnMut(LoggedFlow),
) -> Result<FlowLogRead, FlowLogError> {
    let mut input = BoundedStrings { input, length: None, is_escaped: false };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(&mut input));
    let mut walk = Walk { wanted, visit, read: FlowLogRead::default(), has_begun: false };
    let mut is_empty = true;
    loop {
        walk.has_begun = false;
        let walked = walk.value(Context::default()).deserialize(&mut json);
        is_empty &= !walk.has_begun;
        match walked {
            Ok(pending) => pending.into_iter().for_each(&mut *walk.visit),
            Err(error) if error.is_eof() && !walk.has_begun => break,
            // What is compressed breaks off as a failure to read.
            Err(error)
                if error.is_eof()
                    || error.io_error_kind() == Some(io::ErrorKind::UnexpectedEof) =>
            {
                walk.read.cut = Some((error.line(), error.column()));
                break;
            }
            Err(error) if error.is_io() => {
                drop(json);
                return Err(match input.is_too_long() {
                    true => FlowLogError::Endless,
                    false => FlowLogError::Read(error.into()),
                });
            }
            Err(error) => {
                let text = error.to_string();
                let what = text.split(" at line ").next().unwrap_or_default().to_owned();
                return Err(FlowLogError::Json {
                    line: error.line(),
                    column: error.column(),
                    what,
                });
            }
        }
    }
    let FlowLogRead { cut, is_flow_log, .. } = walk.read;
    if is_flow_log || cut.is_some() || is_empty {
        Ok(walk.read)
    } else {
        Err(FlowLogError::NoFlowLog)
    }
}

/// What stands around a value.
#[derive(Debug, Clone, Default)]
struct Context {
    rule: Option<Arc<str>>,
    group: Option<Arc<str>>,
    mac: Option<u64>,
}

impl Context {
    /// Adds to tuples what is not known of them yet.
    fn complete(&self, pending: &mut [LoggedFlow]) {
        for one in pending {
            one.mac = one.mac.or(self.mac);
            one.rule.group = one.rule.group.take().or_else(|| self.group.clone());
            if let (true, Some(rule)) = (one.rule.name.is_empty(), &self.rule) {
                one.rule.name = rule.clone();
            }
        }
    }
}

/// Goes through values.
struct Walk<'a> {
    wanted: &'a dyn Fn(&FlowTuple) -> bool,
    visit: &'a mut dyn FnMut(LoggedFlow),
    read: FlowLogRead,
    /// Whether anything of a document has been met.
    has_begun: bool,
}

impl<'a> Walk<'a> {
    const fn value<'w>(&'w mut self, within: Context) -> Value<'w, 'a> {
        Value { walk: self, within }
    }

    /// What becomes of tuples at the end of what stands around them: they are handed on where nothing
    /// more is to come, as when the log breaks off.
    fn after<E>(
        &mut self,
        read: Result<(), E>,
        mut pending: Vec<LoggedFlow>,
        within: &Context,
        is_all: bool,
    ) -> Result<Vec<LoggedFlow>, E> {
        within.complete(&mut pending);
        if is_all || read.is_err() || pending.len() > MOST_HELD {
            pending.drain(..).for_each(&mut *self.visit);
        }
        read.map(|()| pending)
    }
}

/// A value of any kind: gives back those of its tuples whose rule is not known yet.
struct Value<'w, 'a> {
    walk: &'w mut Walk<'a>,
    within: Context,
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = Vec<LoggedFlow>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self)
    }
}

macro_rules! nothing {
    ($($visit:ident: $of:ty),*) => {
        $(fn $visit<E>(self, _: $of) -> Result<Self::Value, E> {
            self.walk.has_begun = true;
            Ok(Vec::new())
        })*
    };
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = Vec<LoggedFlow>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    nothing!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
        let Self { walk, within } = self;
        walk.has_begun = true;
        let mut pending = Vec::new();
        let read = loop {
            match all.next_element_seed(walk.value(within.clone())) {
                Ok(Some(more)) => pending.extend(more),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        walk.after(read, pending, &within, false)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let Self { walk, within } = self;
        walk.has_begun = true;
        let mut object = Object { within, is_record: false, pending: Vec::new() };
        let read = object.read(walk, map);
        let Object { within, is_record, pending } = object;
        walk.after(read, pending, &within, within.rule.is_some() || is_record)
    }
}

/// An object, as far as it is read.
struct Object {
    within: Context,
    /// Whether it has what only a record has.
    is_record: bool,
    pending: Vec<LoggedFlow>,
}

impl Object {
    /// Reads all fields. Those that mean something do so whatever their case: logs have both.
    fn read<'de, A: MapAccess<'de>>(
        &mut self,
        walk: &mut Walk<'_>,
        mut map: A,
    ) -> Result<(), A::Error> {
        let Self { within, is_record, pending } = self;
        let text = |text: Option<String>| text.map(Arc::<str>::from);
        while let Some(mut key) = map.next_key::<String>()? {
            key.make_ascii_lowercase();
            match key.as_str() {
                "rule" => within.rule = text(map.next_value()?),
                "aclid" => within.group = text(map.next_value()?),
                "mac" | "macaddress" => {
                    let mac: Option<String> = map.next_value()?;
                    within.mac = mac.and_then(|text| station(&text)).or(within.mac);
                }
                "flowtuples" => {
                    walk.read.is_flow_log = true;
                    let within = within.clone();
                    pending.extend(map.next_value_seed(Tuples { walk, within })?);
                }
                "records" => {
                    walk.read.is_flow_log = true;
                    // What no rule is known of by the end of a record has none.
                    let left = map.next_value_seed(walk.value(within.clone()))?;
                    left.into_iter().for_each(&mut *walk.visit);
                }
                "category" => {
                    *is_record = true;
                    map.next_value::<IgnoredAny>()?;
                }
                _ => pending.extend(map.next_value_seed(walk.value(within.clone()))?),
            }
        }
        Ok(())
    }
}

/// The tuples of a group.
struct Tuples<'w, 'a> {
    walk: &'w mut Walk<'a>,
    within: Context,
}

impl<'de> DeserializeSeed<'de> for Tuples<'_, '_> {
    type Value = Vec<LoggedFlow>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Tuples<'_, '_> {
    type Value = Vec<LoggedFlow>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of flow tuples")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<Self::Value, A::Error> {
        let Self { walk, within } = self;
        let mut found = Vec::new();
        let read = loop {
            let tuple = match all.next_element_seed(One) {
                Ok(Some(tuple)) => tuple,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            walk.read.tuples = walk.read.tuples.saturating_add(1);
            if (walk.wanted)(&tuple) {
                found.push(LoggedFlow { tuple, rule: FlowRule::default(), mac: None });
            }
            if found.len() >= MOST_HELD {
                within.complete(&mut found);
                found.drain(..).for_each(&mut *walk.visit);
            }
        };
        walk.after(read, found, &within, false)
    }
}

/// A tuple.
struct One;

impl<'de> DeserializeSeed<'de> for One {
    type Value = FlowTuple;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<FlowTuple, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for One {
    type Value = FlowTuple;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a flow tuple")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<FlowTuple, E> {
        FlowTuple::parse(text).map_err(|error: NoFlowTuple| E::custom(error))
    }
}

/// A station address as a number: `000D3A000001` or `00-0D-3A-00-00-01`.
fn station(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    (digits.len() == 12).then(|| u64::from_str_radix(&digits, 16).ok()).flatten()
}
