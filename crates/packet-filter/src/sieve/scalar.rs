//! The level that needs nothing: the safe twin of the vector levels.

use crate::sieve::equal_lanes::Scalar;
use crate::sieve::heads::BLOCK;
use crate::sieve::level::Level;
use crate::sieve::template::{Template, WINDOW};

impl Level for Scalar {
    #[inline(always)]
    fn sieve(
        self,
        template: &Template,
        bytes: &[u8],
        offsets: &[u32; BLOCK],
        captured: &[u32; BLOCK],
    ) -> u64 {
        let mut left = 0_u64;
        let tells = template.told.of_tcp();
        for (lane, (offset, captured)) in offsets.iter().zip(captured).enumerate() {
            let rest = bytes.get(*offset as usize..).unwrap_or_default();
            let window = rest.get(template.base as usize..).and_then(<[u8]>::first_chunk::<WINDOW>);
            let whole = *captured >= template.needs() && *captured as usize <= rest.len();
            let passes = match window {
                Some(window) if whole => passes(template, tells, window),
                _ => false,
            };
            left |= u64::from(!passes) << (lane & 63);
        }
        left
    }
}

/// Whether a window is certainly no match: [`Template::passes`] without the detour over bits.
/// `tells` is whether the template tells any TCP segment from the rest.
#[inline(always)]
fn passes(template: &Template, tells: bool, window: &[u8; WINDOW]) -> bool {
    let [h0, h1, ip @ ..] = window;
    let (kind, ip) = if template.ether_type {
        (u16::from_be_bytes([*h0, *h1]) == 0x0800, ip.first_chunk::<24>())
    } else {
        (true, window.first_chunk::<24>())
    };
    let Some([first, _, t0, t1, _, _, f0, f1, _, protocol, rest @ ..]) = ip else { return false };
    let [.., s0, s1, p0, p1] = rest;
    let other =
        ((*protocol == 1) & template.icmp_passes) | ((*protocol == 17) & template.udp_passes);
    let whole = (*f0 & 0x3f) | *f1 == 0;
    let long = u16::from_be_bytes([*t0, *t1]) >= 24;
    let port = u16::from_be_bytes([*p0, *p1]);
    let asked =
        (port == template.wanted) | (tells && template.tells(u16::from_be_bytes([*s0, *s1]), port));
    kind & (*first == 0x45) & (other | ((*protocol == 6) & whole & long & !asked))
}

/// The sieve as it is defined, for the tests of the vector levels.
#[cfg_attr(not(test), expect(dead_code, reason = "the twin that tests compare with"))]
pub(crate) fn sieve(
    template: &Template,
    bytes: &[u8],
    offsets: &[u32; BLOCK],
    captured: &[u32; BLOCK],
) -> u64 {
    let mut left = 0;
    for (at, (offset, captured)) in offsets.iter().zip(captured).enumerate() {
        let start = *offset as usize;
        let frame = bytes.get(start..start.saturating_add(*captured as usize)).unwrap_or_default();
        let window = frame.get(template.base as usize..).and_then(<[u8]>::first_chunk::<WINDOW>);
        let passes = window.is_some_and(|window| template.passes(compare(template, window)));
        left |= u64::from(!passes) << at;
    }
    left
}

/// The comparison of one window, byte by byte.
fn compare(template: &Template, window: &[u8; WINDOW]) -> u32 {
    let mut bits = 0;
    for (at, order) in template.order.iter().enumerate() {
        let from = (at & 16) | usize::from(order & 15);
        let byte = if order & 0x80 == 0 { window.get(from) } else { None };
        let byte = byte.copied().unwrap_or_default();
        let part = |part: &[u8; WINDOW]| part.get(at).copied().unwrap_or_default();
        let fits =
            (byte & part(&template.mask)).min(part(&template.limit)) == part(&template.value);
        bits |= u32::from(fits) << at;
    }
    bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::frame::{FrameOptions, Wanted};
    use crate::link::LinkType;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_scalar_sieve_leaves_what_its_definition_leaves(
            noise in prop::array::uniform32(any::<u8>()),
            [kind, first, long, fragment, protocol, port] in prop::array::uniform6(0..8_u8),
            (raw, look_inside) in any::<(bool, bool)>(),
            [answers, icmp_errors, relay_syns] in any::<[bool; 3]>(),
        ) {
            let link = if raw { LinkType::Raw } else { LinkType::Ethernet };
            let wanted = Wanted { answers, icmp_errors, relay_syns };
            let options = FrameOptions { look_inside, wanted, ..FrameOptions::default() };
            let template = Template::new(link, &options).unwrap();
            let mut window = noise;
            let ip = if raw { 0 } else { 2 };
            if !raw && kind > 0 {
                window[..2].copy_from_slice(&[8, 0]);
            }
            if first > 0 {
                window[ip] = 0x45;
            }
            let total = [u16::from(noise[0]), 23, 24, 600][usize::from(long % 4)];
            window[ip + 2..ip + 4].copy_from_slice(&total.to_be_bytes());
            if fragment > 0 {
                window[ip + 6] &= 0x40;
                window[ip + 7] = 0;
            }
            if protocol > 0 {
                window[ip + 9] = [0, 1, 6, 17][usize::from(protocol % 4)];
            }
            if port > 0 {
                let ports: [u16; 7] = [25, 24, 281, 587, 465, 2525, 443];
                let port = ports[usize::from(port) - 1];
                window[ip + 22..ip + 24].copy_from_slice(&port.to_be_bytes());
                if noise[1] < 80 {
                    window[ip + 20..ip + 22].copy_from_slice(&[0, 25]);
                }
            }
            let defined = template.passes(compare(&template, &window));
            prop_assert_eq!(passes(&template, template.told.of_tcp(), &window), defined);
        }
    }
}
