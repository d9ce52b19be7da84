//! Whose packets are judged: of a network, or of a port that they leave.

use std::net::IpAddr;
use std::sync::Arc;

use egress25_policy::{NetworkName, Reason};

use crate::table::{NetworkId, Table, TableAnswer};

/// Where the packets of a filter are seen.
#[derive(Debug, Clone)]
pub enum SeenAt {
    /// In a network, or where each shows by itself of which network it is.
    Network(Option<NetworkId>),
    /// Where they leave a port.
    Port(Port),
}

impl SeenAt {
    /// The network that is known without a look at the packet.
    pub(super) const fn network(&self) -> Option<NetworkId> {
        match self {
            Self::Network(network) => *network,
            Self::Port(port) => port.network,
        }
    }

    /// Whether a source is answered for by the entry that it has in [`Self::network`] alone.
    #[inline(always)]
    pub(super) fn is_plain(&self, source: IpAddr) -> bool {
        match self {
            Self::Network(_) => true,
            Self::Port(port) => port.is_own(source),
        }
    }
}

/// A port that packets leave, as a table knows its network.
///
/// A port sends only from its own addresses (RFC 2827, RFC 3704), unless it forwards: then the
/// machine at the port decides, whichever way the packet came there. What leaves a firewall has
/// been routed through it, whatever source it bears.
#[derive(Debug, Clone)]
pub struct Port {
    /// The name of its network.
    pub name: NetworkName,
    /// The network; `None` where the table has none of that name.
    pub network: Option<NetworkId>,
    /// The networks that packets can come to it from, the nearest first: its own, and more where it
    /// forwards or where it is not known who stands there.
    pub origins: Arc<[NetworkId]>,
    /// Whose sources it sends.
    pub sends: PortSources,
}

/// Whose sources a port sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortSources {
    /// Its own addresses alone.
    Own(Arc<[IpAddr]>),
    /// Its own addresses, and what others have sent to it to be forwarded.
    Forwarded(Arc<[IpAddr]>),
    /// What others have sent to a firewall that has this address.
    Firewall(IpAddr),
    /// Not known: a source is believed.
    Believed,
}

impl Port {
    #[inline(always)]
    fn is_own(&self, source: IpAddr) -> bool {
        match &self.sends {
            PortSources::Own(own) | PortSources::Forwarded(own) => own.contains(&source),
            PortSources::Firewall(_) => false,
            // What is not of the only network is of none.
            PortSources::Believed => self.origins.len() == 1,
        }
    }

    /// What becomes of a SYN to the port that is judged, and the network of whoever it seems to
    /// come from.
    pub(super) fn answer(
        &self,
        table: &Table,
        source: (IpAddr, u16),
        to: IpAddr,
    ) -> (Option<NetworkId>, TableAnswer) {
        if self.is_own(source.0) {
            return (self.network, table.answer(self.network, source, to));
        }
        let from = match &self.sends {
            PortSources::Own(_) => return self.nobody(table, Reason::SpoofedSource),
            PortSources::Believed => {
                return self
                    .of_nearest(table, |origin| Some(table.answer(Some(origin), source, to)));
            }
            PortSources::Forwarded(own) => own.first(),
            PortSources::Firewall(address) => Some(address),
        };
        let Some(from) = from else { return self.nobody(table, Reason::UnknownSource) };
        let port = (self.name.clone(), *from);
        // A forwarder sends on what comes from a peered network, and from those behind it: its
        // owner is found there.
        self.of_nearest(table, |origin| table.answer_forwarded(&port, Some(origin), source, to))
    }

    /// The answer in the nearest network that knows the source.
    fn of_nearest(
        &self,
        table: &Table,
        ask: impl Fn(NetworkId) -> Option<TableAnswer>,
    ) -> (Option<NetworkId>, TableAnswer) {
        let mut unknown: Option<TableAnswer> = None;
        for origin in self.origins.iter() {
            let Some(answer) = ask(*origin) else { continue };
            if answer.slot.is_some() {
                return (Some(*origin), answer);
            }
            // To whom it comes may be known in another network than the first.
            if unknown.is_none() || answer.reason == Reason::Inbound {
                unknown = Some(answer);
            }
        }
        unknown
            .map(|answer| (self.network, answer))
            .unwrap_or_else(|| self.nobody(table, Reason::UnknownSource))
    }

    fn nobody(&self, table: &Table, reason: Reason) -> (Option<NetworkId>, TableAnswer) {
        (self.network, TableAnswer { verdict: table.verdict(reason), reason, slot: None })
    }
}
