//! Interface descriptions of pcapng.

use jiff::Timestamp;

use crate::capture::read::bytes::{ByteOrder, i64_at, u16_at, u32_at};
use crate::capture::read::error::RecordFault;
use crate::capture::read::next::{NANOS_PER_SECOND, OutOfRange};
use crate::capture::read::option_list::OptionList;
use crate::link::{LinkType, UnsupportedLinkType};

const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

/// What is kept of a name or a description, in bytes, so that a section of many interfaces with
/// long names stays bounded.
const NAME_LEN: usize = 512;

/// What an interface description block says that we need.
#[derive(Debug)]
pub(crate) struct CaptureInterface {
    /// An unsupported type is a fault only of the packets that have it.
    pub(crate) link: Result<LinkType, UnsupportedLinkType>,
    pub(crate) snaplen: u32,
    pub(crate) name: Option<Box<str>>,
    pub(crate) description: Option<Box<str>>,
    resolution: TimeUnit,
    /// `if_tsoffset`: seconds to add.
    offset: i64,
}

/// `if_tsresol`: what a time stamp counts, as the negative power of 10 or of 2 of a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TimeUnit {
    Decimal(u8),
    Binary(u8),
}

impl CaptureInterface {
    /// Reads the body of an interface description block.
    pub(crate) fn parse(body: &[u8], order: ByteOrder) -> Result<Self, RecordFault> {
        let mut interface = Self {
            link: LinkType::from_disk(u32::from(u16_at(body, 0, order).unwrap_or_default())),
            snaplen: u32_at(body, 4, order).unwrap_or_default(),
            name: None,
            description: None,
            resolution: TimeUnit::Decimal(6),
            offset: 0,
        };
        for option in OptionList::new(body.get(8..).unwrap_or_default(), order) {
            let (code, value) = option
                .map_err(|code| RecordFault::Option { code, what: "longer than its block" })?;
            let broken = |what| RecordFault::Option { code, what };
            match code {
                IF_NAME => interface.name = Some(text(value)),
                IF_DESCRIPTION => interface.description = Some(text(value)),
                IF_TSRESOL => {
                    let &[byte] = value else { return Err(broken("not 1 byte long")) };
                    interface.resolution = TimeUnit::from_byte(byte);
                }
                IF_TSOFFSET => {
                    let offset = i64_at(value, 0, order).filter(|_| value.len() == 8);
                    interface.offset = offset.ok_or_else(|| broken("not 8 bytes long"))?;
                }
                _ => {}
            }
        }
        Ok(interface)
    }

    /// How many nanoseconds a time stamp counts, where that is all that is to be known.
    pub(crate) fn whole_nanos(&self) -> Option<u64> {
        match self.resolution {
            TimeUnit::Decimal(power @ 0..=9) if self.offset == 0 => {
                Some(10_u64.pow(u32::from(9_u8.saturating_sub(power))))
            }
            _ => None,
        }
    }

    /// The time that a packet's time stamp means, in nanoseconds since 1970.
    pub(crate) fn time(&self, raw: u64) -> Result<i128, OutOfRange> {
        let offset = i128::from(self.offset).saturating_mul(i128::from(NANOS_PER_SECOND));
        let nanos = i128::try_from(self.resolution.nanos(raw)).map_err(|_| OutOfRange)?;
        let nanos = offset.saturating_add(nanos);
        if (Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond()).contains(&nanos) {
            Ok(nanos)
        } else {
            Err(OutOfRange)
        }
    }
}

impl TimeUnit {
    fn from_byte(byte: u8) -> Self {
        match byte & 0x7f {
            power if byte == power => Self::Decimal(power),
            power => Self::Binary(power),
        }
    }

    /// `raw` units in nanoseconds, rounded down.
    fn nanos(self, raw: u64) -> u128 {
        let raw = u128::from(raw);
        match self {
            // What nearly every file has.
            Self::Decimal(6) => raw.saturating_mul(1_000),
            Self::Decimal(9) => raw,
            Self::Decimal(power @ 0..=9) => {
                raw.saturating_mul(10_u128.saturating_pow(u32::from(9_u8.saturating_sub(power))))
            }
            Self::Decimal(power) => {
                let divisor = 10_u128.checked_pow(u32::from(power.saturating_sub(9)));
                divisor.and_then(|divisor| raw.checked_div(divisor)).unwrap_or(0)
            }
            Self::Binary(power) => {
                let scaled = raw.saturating_mul(u128::from(NANOS_PER_SECOND));
                scaled.checked_shr(u32::from(power)).unwrap_or(0)
            }
        }
    }
}

/// A name out of an option. Some writers end it with a zero byte.
fn text(value: &[u8]) -> Box<str> {
    let value = value.get(..NAME_LEN).unwrap_or(value);
    let end = value.iter().rposition(|&b| b != 0).map_or(0, |last| last.saturating_add(1));
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned().into_boxed_str()
}
