//! One tuple: what a flow log says of a flow at a moment.

use std::net::{IpAddr, SocketAddr};

use jiff::Timestamp;

use crate::tuple::Tuple;

/// Later seconds than these are milliseconds: as seconds they lie in the year 5138.
const MOST_SECONDS: i64 = 100_000_000_000;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// What became of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowState {
    /// It is allowed, and the log says no more (version 1).
    Allowed,
    /// It begins.
    Begun,
    /// It goes on.
    GoesOn,
    /// It ended.
    Ended,
    /// It is denied.
    Denied,
}

/// What a flow log says of a flow at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowTuple {
    /// When.
    pub at: Timestamp,
    /// Its ends, from the side that opens it.
    pub tuple: Tuple,
    /// The protocol, as IANA numbers it.
    pub protocol: u8,
    /// Whether it leaves the interface, and does not come in.
    pub is_outbound: bool,
    /// What became of it.
    pub state: FlowState,
    /// Packets since the last tuple of it, from the side that opens it and back to it, where the log
    /// counts them.
    pub packets: Option<(u64, u64)>,
}

/// A text is no tuple of a flow log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no flow tuple: {what}")]
pub struct NoFlowTuple {
    /// The text, or its beginning.
    pub text: String,
    /// What is wrong with it.
    pub what: &'static str,
}

/// So much of a bad text is shown.
const SHOWN: usize = 80;

impl FlowTuple {
    /// Reads one. Version 1 of network security groups has 8 fields, version 2 has 13 or, with empty ones,
    /// more; virtual networks have the protocol as a number, the state in the place of the decision
    /// and a word on encryption behind it. What it is shows in the fields: the category of a record may
    /// say otherwise.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, NoFlowTuple> {
        let bad = |what| NoFlowTuple { text: text.chars().take(SHOWN).collect(), what };
        let mut fields = text.split(',').map(str::trim);
        let mut next = || fields.next().unwrap_or_default();
        let [at, source, destination] = [next(), next(), next()];
        let [from, to, protocol, direction, seventh, eighth] =
            [next(), next(), next(), next(), next(), next()];
        let number = at.parse::<i64>().map_err(|_| bad("the time is no number"))?;
        let at = match number {
            seconds if seconds.abs() < MOST_SECONDS => Timestamp::from_second(seconds),
            millis => Timestamp::from_millisecond(millis),
        };
        let at = at.map_err(|_| bad("there is no such time"))?;
        let end = |address: &str, port: &str| {
            let address = address.parse::<IpAddr>().map_err(|_| bad("an address is none"))?;
            // Protocols without ports have none.
            let port = if port.is_empty() { Ok(0) } else { port.parse::<u16>() };
            Ok(SocketAddr::new(address, port.map_err(|_| bad("a port is none"))?))
        };
        let tuple = Tuple { from: end(source, from)?, to: end(destination, to)? };
        let protocol = match protocol {
            "T" => TCP,
            "U" => UDP,
            number => {
                number.parse().map_err(|_| bad("the protocol is neither T, U nor a number"))?
            }
        };
        let is_outbound = match direction {
            "O" => true,
            "I" => false,
            _ => return Err(bad("the direction is neither I nor O")),
        };
        let state = |text| match text {
            "B" => Some(FlowState::Begun),
            "C" => Some(FlowState::GoesOn),
            "E" => Some(FlowState::Ended),
            "D" => Some(FlowState::Denied),
            _ => None,
        };
        // Of a network security group the decision comes first, and of a virtual network the state.
        let state = match (seventh, eighth) {
            ("A", "") => Some(FlowState::Allowed),
            ("A", of_it) => state(of_it),
            ("D", "" | "B" | "C" | "E" | "D") => Some(FlowState::Denied),
            (of_it, _) => state(of_it),
        };
        let state = state.ok_or_else(|| bad("the decision or the state is none"))?;
        let packets = |text: &str| match text {
            "" => Ok(None),
            number => number.parse::<u64>().map(Some).map_err(|_| bad("a count is no number")),
        };
        let (sent, _bytes, returned) = (packets(next())?, next(), packets(next())?);
        Ok(Self { at, tuple, protocol, is_outbound, state, packets: sent.zip(returned) })
    }

    /// Whether it is a connection of TCP that is opened to a port outside of the interface.
    #[must_use]
    pub const fn opens_to(&self, port: u16) -> bool {
        self.protocol == TCP && self.is_outbound && self.tuple.to.port() == port
    }
}
