//! Many answers at once.

use super::{FirstLook, Homes, NetworkId, Table};
use crate::classify::{Ahead, BLOCK, Code, Heads, Level, Vectors, Work};

impl Table {
    /// What becomes of many IPv4 SYNs to port 25 of one network: a code for each pair of source
    /// and destination, in order. The same as [`Self::answer`] for each; the buckets of a block
    /// of senders are fetched before the first is read.
    pub fn answer_many(
        &self,
        vectors: Vectors,
        network: Option<NetworkId>,
        pairs: &[(u32, u32)],
        codes: &mut Vec<Code>,
    ) {
        codes.clear();
        codes.resize(pairs.len(), Code::UNJUDGED);
        vectors.detect().run(Many { table: self, network, pairs, codes });
    }
}

/// Answers being worked out.
struct Many<'a> {
    table: &'a Table,
    network: Option<NetworkId>,
    pairs: &'a [(u32, u32)],
    codes: &'a mut [Code],
}

impl Work for Many<'_> {
    #[inline(always)]
    fn on<L: Level>(self, level: L) {
        let Self { table, network, pairs, codes } = self;
        let Some(homes) = table.homes_v4(network) else {
            for ((source, to), code) in pairs.iter().zip(codes) {
                let search = table.search_v4(network, *source);
                *code = table.answer_v4(level, search, *source, *to);
            }
            return;
        };
        // Two blocks take turns: while the senders of one are fetched, the other is answered.
        let look = table.first_look(&homes);
        let [mut fetched, mut next] = [&mut Heads::new(), &mut Heads::new()];
        let mut before: Option<&mut [Code]> = None;
        // Loops and no adapters: their bodies have to be compiled for the level's instructions.
        for (pairs, codes) in pairs.chunks(BLOCK).zip(codes.chunks_mut(BLOCK)) {
            let places = next.source.iter_mut().zip(&mut next.destination);
            for ((source, destination), (from, to)) in places.zip(pairs) {
                (*source, *destination) = (*from, *to);
            }
            for (home, source) in next.home.iter_mut().zip(&next.source) {
                *home = homes.home(*source);
            }
            for home in next.home.iter().take(pairs.len()) {
                look.prefetch(*home);
            }
            answer((table, &look), level, &homes, fetched, before.replace(codes));
            core::mem::swap(&mut fetched, &mut next);
        }
        answer((table, &look), level, &homes, fetched, before);
    }
}

/// Answers for a block whose senders were fetched.
#[inline(always)]
fn answer<L: Level>(
    (table, look): (&Table, &FirstLook<'_>),
    level: L,
    homes: &Homes,
    fetched: &Heads,
    block: Option<&mut [Code]>,
) {
    let Some(codes) = block else { return };
    let mut answers = [Code::UNJUDGED; BLOCK];
    let told = level.first_look(look, fetched, codes.len(), Ahead::NONE, &mut answers);
    for (code, answer) in codes.iter_mut().zip(answers) {
        *code = answer;
    }
    let mut further = !told & (u64::MAX >> (BLOCK.saturating_sub(codes.len()) & 63));
    look.prefetch_further(fetched, further);
    while further != 0 {
        let number = further.trailing_zeros() as usize;
        further &= further.wrapping_sub(1);
        let (_, source, to) = fetched.candidate(number);
        if let Some(code) = codes.get_mut(number) {
            *code = table.answer_further(level, homes, source, to);
        }
    }
}
