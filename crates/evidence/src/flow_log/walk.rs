//! Flow logs of any shape: whatever is around them, tuples stand below a rule.

use std::cell::Cell;
use std::fmt;
use std::io::Read;
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
}

/// A flow log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FlowLogError {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
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
    /// It is JSON, and has no flow log in it.
    #[error("it has no `records` with `flowTuples`: it is no flow log")]
    NoFlowLog,
}

/// Reads a flow log: documents one behind the other, each of which has, at any depth, objects with
/// `flowTuples` below a `rule`. Those that are `wanted` are handed to `visit`, with their rule. What is
/// held is what is wanted of one record.
///
/// # Errors
/// It cannot be read, or it is no flow log. What was whole before that has been visited.
pub fn read(
    input: impl Read,
    wanted: &dyn Fn(&FlowTuple) -> bool,
    visit: &mut dyn FnMut(LoggedFlow),
) -> Result<FlowLogRead, FlowLogError> {
    let mut json = serde_json::Deserializer::from_reader(input);
    let seen = Seen::default();
    let mut read = FlowLogRead::default();
    loop {
        seen.has_begun.set(false);
        let mut tuples = 0;
        let mut walk = Walk { wanted, visit, seen: &seen, tuples: &mut tuples };
        let walked = walk.value(Context::default()).deserialize(&mut json);
        read.tuples = read.tuples.saturating_add(tuples);
        match walked {
            Ok(pending) => pending.into_iter().for_each(&mut *visit),
            Err(error) if error.is_eof() && !seen.has_begun.get() => break,
            Err(error) if error.is_eof() && seen.is_flow_log.get() => {
                read.cut = Some((error.line(), error.column()));
                break;
            }
            Err(error) if error.is_io() => return Err(FlowLogError::Read(error.into())),
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
    if seen.is_flow_log.get() { Ok(read) } else { Err(FlowLogError::NoFlowLog) }
}

/// What was met.
#[derive(Debug, Default)]
struct Seen {
    has_begun: Cell<bool>,
    is_flow_log: Cell<bool>,
}

/// What stands around a value.
#[derive(Debug, Clone, Default)]
struct Context {
    rule: Option<Arc<str>>,
    group: Option<Arc<str>>,
    mac: Option<u64>,
}

/// Goes through values.
struct Walk<'a> {
    wanted: &'a dyn Fn(&FlowTuple) -> bool,
    visit: &'a mut dyn FnMut(LoggedFlow),
    seen: &'a Seen,
    tuples: &'a mut u64,
}

impl<'a> Walk<'a> {
    fn value<'w>(&'w mut self, within: Context) -> Value<'w, 'a> {
        Value { walk: self, within }
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
            self.walk.seen.has_begun.set(true);
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
        self.walk.seen.has_begun.set(true);
        let mut pending = Vec::new();
        while let Some(more) = all.next_element_seed(self.walk.value(self.within.clone()))? {
            pending.extend(more);
        }
        Ok(pending)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { walk, mut within } = self;
        walk.seen.has_begun.set(true);
        let (mut pending, mut is_record) = (Vec::new(), false);
        while let Some(key) = map.next_key_seed(Key)? {
            match key {
                Named::Rule => within.rule = map.next_value_seed(Text)?,
                Named::Group => within.group = map.next_value_seed(Text)?,
                Named::Mac => {
                    let mac = map.next_value_seed(Text)?;
                    within.mac = mac.and_then(|text| station(&text)).or(within.mac);
                }
                Named::Tuples => {
                    walk.seen.is_flow_log.set(true);
                    pending.extend(map.next_value_seed(Tuples { walk })?);
                }
                Named::Records => {
                    walk.seen.is_flow_log.set(true);
                    // What no rule is known of by the end of a record has none.
                    for one in map.next_value_seed(walk.value(within.clone()))? {
                        (walk.visit)(one);
                    }
                }
                Named::Record => {
                    is_record = true;
                    map.next_value::<IgnoredAny>()?;
                }
                Named::Other => pending.extend(map.next_value_seed(walk.value(within.clone()))?),
            }
        }
        for one in &mut pending {
            one.mac = one.mac.or(within.mac);
            one.rule.group = one.rule.group.take().or_else(|| within.group.clone());
            if let (true, Some(rule)) = (one.rule.name.is_empty(), &within.rule) {
                one.rule.name = rule.clone();
            }
        }
        if within.rule.is_some() || is_record {
            pending.drain(..).for_each(&mut *walk.visit);
        }
        Ok(pending)
    }
}

/// The tuples of a group.
struct Tuples<'w, 'a> {
    walk: &'w mut Walk<'a>,
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
        let mut found = Vec::new();
        while let Some(tuple) = all.next_element_seed(One)? {
            *self.walk.tuples = self.walk.tuples.saturating_add(1);
            if (self.walk.wanted)(&tuple) {
                found.push(LoggedFlow { tuple, rule: FlowRule::default(), mac: None });
            }
        }
        Ok(found)
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

/// A text; none where it is another value.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<Arc<str>>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl Visitor<'_> for Text {
    type Value = Option<Arc<str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.into()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// The keys that mean something, whatever their case: logs have both.
#[derive(Debug, Clone, Copy)]
enum Named {
    Rule,
    Group,
    Mac,
    Tuples,
    Records,
    /// What only a record has.
    Record,
    Other,
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Named;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Named, D::Error> {
        input.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Named, E> {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        Ok(match key.len() {
            4 if is("rule") => Named::Rule,
            5 if is("aclID") => Named::Group,
            3 if is("mac") => Named::Mac,
            10 if is("macAddress") => Named::Mac,
            10 if is("flowTuples") => Named::Tuples,
            7 if is("records") => Named::Records,
            8 if is("category") => Named::Record,
            _ => Named::Other,
        })
    }
}

/// A station address as a number: `000D3A000001` or `00-0D-3A-00-00-01`.
fn station(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    (digits.len() == 12).then(|| u64::from_str_radix(&digits, 16).ok()).flatten()
}
