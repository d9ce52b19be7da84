//! A capture written again, whole, with comments.

use std::io::Write;
use std::ops::Range;

use crate::capture::read::bytes::{ByteOrder, u32_at};
use crate::capture::read::format::Container;
use crate::capture::read::option_list::{OPT_COMMENT, OptionList};
use crate::capture::read::pcapng::{
    BLOCK_HEAD, BLOCK_TAIL, ENHANCED_PACKET, PACKET, PACKET_HEAD, SECTION_HEADER,
    SECTION_HEADER_LEN, section_application,
};
use crate::capture::read::record::{Block, Record};
use crate::capture::write::writer::{
    InterfaceId, NewInterface, PcapngWriter, WriteError, WrittenPacket, fitting,
};

/// Where a section header says how long the section is, and what it says where nobody knows.
const SECTION_LENGTH: usize = 16;
const UNKNOWN_LENGTH: [u8; 8] = [0xff; 8];

/// Writes what was read of a capture: every block of a pcapng file as it was, what nobody here
/// understands among them, with comments added to packets; the packets of a pcap file as pcapng.
///
/// The output is written to in small pieces: it should be buffered.
///
/// Comments stand behind those that a packet has already. Verdicts that an earlier copy has left
/// there ([`VERDICT_MARK`], in a section that says it is one) are taken out; comments of others that
/// look like such get [`FOREIGN_MARK`] in front. A simple packet block has no room for any, and gets
/// none: a time, which every other packet has, would have to be made up for it.
pub struct CaptureCopy<W: Write> {
    form: WrittenForm<W>,
    /// Whether the section is one that we have written: then its verdicts are ours.
    is_ours: bool,
    /// A comment for each section: its verdicts are known by it when it is read again.
    title: String,
    without_comments: u64,
}

/// What every comment that tells a verdict begins with.
pub const VERDICT_MARK: &str = "egress25: ";

/// What a section's comment begins with that says that verdicts were added to its packets.
pub const COPY_MARK: &str = "egress25 replay of ";

/// What is put in front of another's comment that looks like a verdict of ours.
pub const FOREIGN_MARK: &str = "not by egress25: ";

/// The program that [`PcapngWriter`] names in a section.
const PROGRAM: &[u8] = b"egress25";

enum WrittenForm<W: Write> {
    /// Of a pcap file, which is one interface without a name.
    Anew(Box<PcapngWriter<W>>, Option<InterfaceId>),
    /// Of a pcapng file.
    Blocks(W),
}

impl<W: Write> CaptureCopy<W> {
    /// Begins a copy of a capture in a container, with a comment for the whole.
    ///
    /// # Errors
    /// Where the output fails.
    pub fn new(output: W, container: Container, title: &str) -> Result<Self, WriteError> {
        let form = match container {
            Container::Pcap { .. } => {
                WrittenForm::Anew(Box::new(PcapngWriter::new(output, Some(title))?), None)
            }
            Container::PcapNg { .. } => WrittenForm::Blocks(output),
        };
        Ok(Self { form, is_ours: false, title: title.to_owned(), without_comments: 0 })
    }

    /// Packets so far that could not be given their comments.
    #[must_use]
    pub const fn without_comments(&self) -> u64 {
        self.without_comments
    }

    /// Writes a block that is no packet, or none that can be read.
    ///
    /// # Errors
    /// Where the output fails.
    pub fn write_block(&mut self, block: &Block<'_>) -> Result<(), WriteError> {
        // There is none in a pcap file.
        let WrittenForm::Blocks(output) = &mut self.form else { return Ok(()) };
        if u32_at(block.bytes, 0, block.order) == Some(SECTION_HEADER) {
            self.is_ours = is_ours(block);
            return write_section(output, block, &self.title);
        }
        output.write_all(block.bytes).map_err(WriteError::Io)
    }

    /// Writes a packet with more comments. A comment over 65,535 bytes is cut.
    ///
    /// # Errors
    /// Where the output fails.
    pub fn write_packet(
        &mut self,
        record: &Record<'_>,
        comments: &[&str],
    ) -> Result<(), WriteError> {
        match (&mut self.form, &record.block) {
            (WrittenForm::Blocks(output), Some(block)) => {
                let Some(options) = options_place(block) else {
                    let left_away = u64::from(!comments.is_empty());
                    self.without_comments = self.without_comments.saturating_add(left_away);
                    return output.write_all(block.bytes).map_err(WriteError::Io);
                };
                let end = options_end(block, options);
                let kept = kept_options(block, options..end, self.is_ours);
                if comments.is_empty() && kept.is_none() {
                    return output.write_all(block.bytes).map_err(WriteError::Io);
                }
                write_with_comments(output, block, options..end, kept.as_deref(), comments)
            }
            (WrittenForm::Blocks(_), None) => Ok(()),
            (WrittenForm::Anew(writer, interface), _) => {
                let id = match *interface {
                    Some(id) => id,
                    None => *interface
                        .insert(writer.add_interface(&NewInterface::unnamed(record.link))?),
                };
                let Record { timestamp, wire_len, data, .. } = *record;
                writer.write_packet(id, &WrittenPacket { timestamp, wire_len, data }, comments)
            }
        }
    }

    /// Ends the copy and gives the output back.
    ///
    /// # Errors
    /// Where the output fails: then the copy is not whole.
    pub fn finish(self) -> Result<W, WriteError> {
        match self.form {
            WrittenForm::Anew(writer, _) => writer.finish(),
            WrittenForm::Blocks(mut output) => {
                output.flush().map_err(WriteError::Io)?;
                Ok(output)
            }
        }
    }
}

/// Where the options of a packet's block begin; `None` where it can have none.
fn options_place(block: &Block<'_>) -> Option<usize> {
    let kind = u32_at(block.bytes, 0, block.order)?;
    if !matches!(kind, ENHANCED_PACKET | PACKET) {
        return None;
    }
    let captured = u32_at(block.bytes, BLOCK_HEAD.checked_add(12)?, block.order)?;
    let padded = usize::try_from(captured).ok()?.checked_next_multiple_of(4)?;
    let end = block.bytes.len().checked_sub(BLOCK_TAIL)?;
    Some(BLOCK_HEAD.checked_add(PACKET_HEAD)?.checked_add(padded)?.min(end))
}

/// Where the options from `begin` on end: at `opt_endofopt`, at one that is broken, or with the
/// block.
fn options_end(block: &Block<'_>, begin: usize) -> usize {
    let stop = block.bytes.len().saturating_sub(BLOCK_TAIL);
    let begin = begin.min(stop);
    options_of(block, begin..stop).fold(begin, |end, (.., whole)| end.saturating_add(whole.len()))
}

/// The options of a block, each with its code, value and all its bytes.
fn options_of<'a>(
    block: &Block<'a>,
    range: Range<usize>,
) -> impl Iterator<Item = (u16, &'a [u8], &'a [u8])> {
    let options = block.bytes.get(range).unwrap_or_default();
    let mut list = OptionList::new(options, block.order);
    std::iter::from_fn(move || {
        let before = list.rest();
        let (code, value) = list.next()?.ok()?;
        let len = before.len().saturating_sub(list.rest().len());
        Some((code, value, before.get(..len).unwrap_or_default()))
    })
}

/// Whether an option is a comment that begins with a mark.
fn is_marked(code: u16, value: &[u8], mark: &str) -> bool {
    code == OPT_COMMENT && value.starts_with(mark.as_bytes())
}

/// Whether a section is one that a copy or a writer of ours has made.
fn is_ours(section: &Block<'_>) -> bool {
    let start = SECTION_HEADER_LEN.saturating_sub(BLOCK_TAIL);
    section_application(section.bytes) == Some(PROGRAM)
        || options_of(section, start..options_end(section, start))
            .any(|(code, value, _)| is_marked(code, value, COPY_MARK))
}

/// The options of a packet without the verdicts of an earlier copy, and with those of others marked;
/// `None` where there is neither.
fn kept_options(block: &Block<'_>, range: Range<usize>, is_ours: bool) -> Option<Vec<u8>> {
    let is_verdict = |code: u16, value: &[u8]| is_marked(code, value, VERDICT_MARK);
    if !options_of(block, range.clone()).any(|(code, value, _)| is_verdict(code, value)) {
        return None;
    }
    let mut kept = Vec::new();
    for (code, value, whole) in options_of(block, range) {
        if !is_verdict(code, value) {
            kept.extend_from_slice(whole);
        } else if !is_ours {
            let text = format!("{FOREIGN_MARK}{}", String::from_utf8_lossy(value));
            push_comment(&mut kept, block.order, &text);
        }
    }
    Some(kept)
}

/// A block with comments behind the options that it has, or behind those that are kept of them.
/// What of them is broken follows as it is.
fn write_with_comments(
    output: &mut impl Write,
    block: &Block<'_>,
    options: Range<usize>,
    kept: Option<&[u8]>,
    comments: &[&str],
) -> Result<(), WriteError> {
    let mut added = Vec::new();
    for comment in comments {
        push_comment(&mut added, block.order, comment);
    }
    let stop = block.bytes.len().saturating_sub(BLOCK_TAIL);
    let head = block.bytes.get(BLOCK_HEAD..options.start).unwrap_or_default();
    let rest = block.bytes.get(options.end..stop).unwrap_or_default();
    let before = block.bytes.get(options).unwrap_or_default();
    let before = kept.unwrap_or(before);
    let has_options = !before.is_empty() || !added.is_empty();
    let end_of_options: &[u8] = if rest.is_empty() && has_options { &[0; 4] } else { &[] };
    write_parts(output, block, &[head, before, &added, rest, end_of_options])
}

/// A section header with a comment, instead of an earlier copy's, and without the section's length,
/// which is another one now.
fn write_section(
    output: &mut impl Write,
    block: &Block<'_>,
    title: &str,
) -> Result<(), WriteError> {
    let mut bytes = block.bytes.to_vec();
    let length = SECTION_LENGTH..SECTION_LENGTH.saturating_add(UNKNOWN_LENGTH.len());
    if let Some(place) = bytes.get_mut(length) {
        place.copy_from_slice(&UNKNOWN_LENGTH);
    }
    let section = Block { bytes: &bytes, order: block.order };
    let start = SECTION_HEADER_LEN.saturating_sub(BLOCK_TAIL);
    let options = start..options_end(&section, start);
    let others = options_of(&section, options.clone())
        .filter(|(code, value, _)| !is_marked(*code, value, COPY_MARK))
        .flat_map(|(.., whole)| whole.iter().copied());
    let kept: Vec<u8> = others.collect();
    write_with_comments(output, &section, options, Some(&kept), &[title])
}

/// A block of the kind of another one, from the parts of its body.
fn write_parts(
    output: &mut impl Write,
    like: &Block<'_>,
    parts: &[&[u8]],
) -> Result<(), WriteError> {
    let around = BLOCK_HEAD.saturating_add(BLOCK_TAIL);
    let body: usize = parts.iter().map(|part| part.len()).sum();
    let total = body.saturating_add(around);
    let len = u32::try_from(total).map_err(|_| WriteError::PacketTooLong { len: total })?;
    let len = match like.order {
        ByteOrder::Little => len.to_le_bytes(),
        ByteOrder::Big => len.to_be_bytes(),
    };
    let kind = like.bytes.get(..4).unwrap_or_default();
    let mut write = |part: &[u8]| output.write_all(part).map_err(WriteError::Io);
    write(kind)?;
    write(&len)?;
    for part in parts {
        write(part)?;
    }
    write(&len)
}

fn push_comment(options: &mut Vec<u8>, order: ByteOrder, text: &str) {
    let text = fitting(text);
    // `fitting` makes sure of the 16 bits.
    let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
    for number in [OPT_COMMENT, len] {
        options.extend(match order {
            ByteOrder::Little => number.to_le_bytes(),
            ByteOrder::Big => number.to_be_bytes(),
        });
    }
    options.extend(text.as_bytes());
    options.resize(options.len().next_multiple_of(4), 0);
}
