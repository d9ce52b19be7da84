//! Numbers out of byte slices, in the byte order of the file.

use core::fmt;

/// The two bytes at `at`, `None` where the slice is shorter.
pub(crate) fn u16_at(bytes: &[u8], at: usize, order: ByteOrder) -> Option<u16> {
    let raw = *bytes.get(at..)?.first_chunk()?;
    Some(match order {
        ByteOrder::Little => u16::from_le_bytes(raw),
        ByteOrder::Big => u16::from_be_bytes(raw),
    })
}

/// The four bytes at `at`, `None` where the slice is shorter.
pub(crate) fn u32_at(bytes: &[u8], at: usize, order: ByteOrder) -> Option<u32> {
    let raw = *bytes.get(at..)?.first_chunk()?;
    Some(match order {
        ByteOrder::Little => u32::from_le_bytes(raw),
        ByteOrder::Big => u32::from_be_bytes(raw),
    })
}

/// The eight bytes at `at` as a signed number, `None` where the slice is shorter.
pub(in crate::capture) fn i64_at(bytes: &[u8], at: usize, order: ByteOrder) -> Option<i64> {
    let raw = *bytes.get(at..)?.first_chunk()?;
    Some(match order {
        ByteOrder::Little => i64::from_le_bytes(raw),
        ByteOrder::Big => i64::from_be_bytes(raw),
    })
}

/// The byte order of the numbers in a capture's headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl fmt::Display for ByteOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Little => "little endian",
            Self::Big => "big endian",
        })
    }
}
