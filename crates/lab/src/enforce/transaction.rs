//! Rules of nftables that are changed in place: one netlink transaction, without a program.

use std::fmt;
use std::io;
use std::net::IpAddr;

use netlink_packet_core::{
    DefaultNla, NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST, NetlinkMessage,
    NetlinkPayload,
};
use netlink_packet_netfilter::nftables::{
    DataAttribute, ExpressionAttribute, Expressions, GenAttribute, GenMessage, Immediate,
    ListAttribute, Meta, MetaKey, NfTablesMessage, Register, RuleAttribute, RuleMessage,
    SetElementAttribute, SetElementList, SetElementMessage, Verdict, VerdictAttribute,
};
use netlink_packet_netfilter::none::ControlMessage;
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
    NetfilterSubsystem,
};
use netlink_sys::Socket;
use netlink_sys::constants::NETLINK_NETFILTER;

use crate::rules::{InPlace, SenderVerdict};

/// How many elements are in one message: the length of its list is told in two bytes.
const ELEMENTS: usize = 256;

/// A socket that changes the rules of one network namespace.
pub(crate) struct Transactions {
    socket: Socket,
    /// The number of the last message.
    sequence: u32,
    /// The number that the kernel gave the namespace's rules when they were known to be ours; every
    /// transaction, whoever makes it, takes a new one.
    known: u32,
}

impl fmt::Debug for Transactions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transactions").field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

impl Transactions {
    /// Opens one for the calling thread's network namespace, and takes its rules of now for what is
    /// known: [`Self::change`] refuses to change others, which somebody has changed since.
    pub(crate) fn from_now() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        socket.bind_auto()?;
        socket.set_cap_ack(true)?;
        socket.set_non_blocking(true)?;
        let mut transactions = Self { socket, sequence: 0, known: 0 };
        transactions.note()?;
        Ok(transactions)
    }

    fn note(&mut self) -> io::Result<()> {
        let mut request = Batch { bytes: Vec::new(), sequence: self.sequence };
        let asked = NfTablesMessage::GetGen(GenMessage { attributes: Vec::new() });
        request.push(
            NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, 0),
            asked.into(),
            NLM_F_REQUEST,
        );
        self.sequence = request.sequence;
        self.socket.send(&request.bytes, 0)?;
        let (answer, _) = self.socket.recv_from_full()?;
        self.known = generation(&answer)?;
        Ok(())
    }

    /// Makes a change: all of it or, where that fails, nothing. It is in force then.
    pub(crate) fn change(&mut self, change: &InPlace<'_>) -> io::Result<()> {
        let mut batch = Batch { bytes: Vec::new(), sequence: self.sequence };
        batch.begin(self.known);
        for message in messages(change) {
            batch.rules(message);
        }
        let first = self.sequence.wrapping_add(1);
        let last = batch.sequence;
        batch.control(ControlMessage::BatchEnd);
        self.sequence = batch.sequence;
        self.socket.send(&batch.bytes, 0)?;
        // The kernel has answered when it returns.
        loop {
            let (answers, _) = self.socket.recv_from_full()?;
            if answered(&answers, first, last)? {
                break;
            }
        }
        self.note()
    }
}

/// The number of a namespace's rules, from the kernel's answer.
fn generation(answer: &[u8]) -> io::Result<u32> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let message = NetlinkMessage::<NetfilterMessage>::deserialize(answer)
        .map_err(|error| invalid(error.to_string()))?;
    let NetlinkPayload::InnerMessage(NetfilterMessage {
        inner: NetfilterMessageInner::NfTables(NfTablesMessage::NewGen(told)),
        ..
    }) = message.payload
    else {
        return Err(invalid("the kernel does not tell the number of its rules".to_owned()));
    };
    let number = told.attributes.iter().find_map(|attribute| match attribute {
        GenAttribute::Id(number) => Some(*number),
        _ => None,
    });
    number.ok_or_else(|| invalid("the kernel's rules have no number".to_owned()))
}

/// Whether the last message of a batch is confirmed by some answers.
///
/// # Errors
/// A message of it is refused.
fn answered(answers: &[u8], first: u32, last: u32) -> io::Result<bool> {
    let mut rest = answers;
    while !rest.is_empty() {
        let message = NetlinkMessage::<NetfilterMessage>::deserialize(rest)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
        let header = message.header;
        let of_this_batch = (first..=last).contains(&header.sequence_number);
        if let (true, NetlinkPayload::Error(error)) = (of_this_batch, message.payload) {
            if error.code.is_some() {
                return Err(error.to_io());
            }
            if header.sequence_number == last {
                return Ok(true);
            }
        }
        // Messages begin at multiples of four bytes.
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        rest = rest.get(length.max(16).next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

/// Messages that count all together or not at all.
struct Batch {
    bytes: Vec<u8>,
    sequence: u32,
}

impl Batch {
    /// Begins a batch that is refused where the rules have another number than the known one.
    fn begin(&mut self, known: u32) {
        /// `NFNL_MSG_BATCH_BEGIN`, and its attribute `NFNL_BATCH_GENID`.
        const BEGIN: u8 = 16;
        const NUMBER: u16 = 1;
        let attributes = vec![DefaultNla::new(NUMBER, known.to_be_bytes().to_vec())];
        self.control(ControlMessage::Other { message_type: BEGIN, attributes });
    }

    fn control(&mut self, message: ControlMessage) {
        let subsystem = u16::from(u8::from(NetfilterSubsystem::NfTables));
        let header = NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, subsystem);
        self.push(header, message.into(), NLM_F_REQUEST);
    }

    fn rules(&mut self, (message, flags): (NfTablesMessage, u16)) {
        let header = NetfilterHeader::new(NetfilterProtoFamily::Inet, 0, 0);
        self.push(header, message.into(), NLM_F_REQUEST | NLM_F_ACK | flags);
    }

    fn push(&mut self, header: NetfilterHeader, message: NetfilterMessageInner, flags: u16) {
        self.sequence = self.sequence.wrapping_add(1);
        let mut message = NetlinkMessage::from(NetfilterMessage::new(header, message));
        message.header.flags = flags;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let begin = self.bytes.len();
        let length = message.buffer_len().next_multiple_of(4);
        self.bytes.resize(begin.saturating_add(length), 0);
        if let Some(room) = self.bytes.get_mut(begin..) {
            message.serialize(room);
        }
    }
}

/// The messages of a change, each with what its flags say besides.
fn messages(change: &InPlace<'_>) -> Vec<(NfTablesMessage, u16)> {
    let mut all = Vec::new();
    if let Some(stamp) = change.stamp {
        let chain = |more: Option<RuleAttribute>| RuleMessage {
            attributes: [
                RuleAttribute::Table(change.table.to_owned()),
                RuleAttribute::Chain("stamp".to_owned()),
            ]
            .into_iter()
            .chain(more)
            .collect(),
        };
        // Without a handle: every rule of the chain.
        all.push((NfTablesMessage::DeleteRule(chain(None)), 0));
        let rule = RuleAttribute::Expressions(set_mark(stamp));
        let flags = NLM_F_CREATE | NLM_F_APPEND;
        all.push((NfTablesMessage::NewRule(chain(Some(rule))), flags));
    }
    for map in &change.maps {
        let list = |elements| SetElementMessage {
            attributes: vec![
                SetElementList::Table(change.table.to_owned()),
                SetElementList::Set(map.map.to_owned()),
                SetElementList::Elements(elements),
            ],
        };
        for gone in map.gone.chunks(ELEMENTS) {
            let elements = gone.iter().map(|address| ListAttribute::Element(vec![key(*address)]));
            all.push((NfTablesMessage::DeleteSetElement(list(elements.collect())), 0));
        }
        for new in map.new.chunks(ELEMENTS) {
            let elements = new.iter().map(|(address, verdict)| {
                ListAttribute::Element(vec![key(*address), data(verdict)])
            });
            all.push((NfTablesMessage::NewSetElement(list(elements.collect())), NLM_F_CREATE));
        }
    }
    all
}

/// `meta mark set STAMP`.
fn set_mark(stamp: u32) -> Vec<ListAttribute<ExpressionAttribute>> {
    let register = Register::Reg1;
    let expression = |name: &str, data| {
        ListAttribute::Element(vec![
            ExpressionAttribute::Name(name.to_owned()),
            ExpressionAttribute::Data(data),
        ])
    };
    let value = DataAttribute::Value(stamp.to_ne_bytes().to_vec());
    let load = vec![Immediate::DestinationRegister(register), Immediate::Data(value)];
    let set = vec![Meta::Key(MetaKey::Mark), Meta::SourceRegister(register)];
    vec![
        expression("immediate", Expressions::Immediate(load)),
        expression("meta", Expressions::Meta(set)),
    ]
}

fn key(address: IpAddr) -> SetElementAttribute {
    let bytes = match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    SetElementAttribute::Key(DataAttribute::Value(bytes))
}

fn data(verdict: &SenderVerdict) -> SetElementAttribute {
    let verdict = match verdict {
        SenderVerdict::Goto(chain) => {
            vec![VerdictAttribute::Code(Verdict::Goto), VerdictAttribute::Chain(chain.clone())]
        }
        SenderVerdict::Return => vec![VerdictAttribute::Code(Verdict::Return)],
    };
    SetElementAttribute::Data(DataAttribute::Verdict(verdict))
}
