//! Batched answers at once.

use crate::sieve::{Ahead, BLOCK, Code, Heads, Level, LevelWork, Vectors, ones};
use crate::table::{CommonCase, Homes, NetworkId, Table};

impl Table {
    /// What becomes of many IPv4 SYNs to port 25 of one network: a code for each pair of source
    /// and destination, in order. The same as [`Self::answer`] for each; the buckets of a block
    /// of senders are fetched before the first is read.
    pub fn answer_batch(
        &self,
        vectors: Vectors,
        network: Option<NetworkId>,
        pairs: &[(u32, u32)],
        codes: &mut Vec<Code>,
    ) {
        codes.clear();
        codes.resize(pairs.len(), Code::UNJUDGED);
        vectors.detect().run(Batched { table: self, network, pairs, codes });
    }
}

/// Answers being worked out.
struct Batched<'a> {
    table: &'a Table,
    network: Option<NetworkId>,
    pairs: &'a [(u32, u32)],
    codes: &'a mut [Code],
}

impl LevelWork for Batched<'_> {
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
        // Three blocks take turns: while the senders of one are fetched, the one before is
        // answered, and the one before that gets the answers that took another bucket.
        let look = table.common_case(&homes);
        let [mut late, mut fetched, mut next] =
            [&mut Heads::new(), &mut Heads::new(), &mut Heads::new()];
        let mut before: Option<&mut [Code]> = None;
        let mut further = Further { codes: &mut [], which: 0 };
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
            further.end(table, level, &homes, late);
            further = answer(&look, level, fetched, before.replace(codes));
            // The block that was just answered is late, and what was late is filled next.
            core::mem::swap(&mut late, &mut fetched);
            core::mem::swap(&mut fetched, &mut next);
        }
        further.end(table, level, &homes, late);
        answer(&look, level, fetched, before).end(table, level, &homes, fetched);
    }
}

/// What the first look could not tell of a block.
struct Further<'a> {
    codes: &'a mut [Code],
    which: u64,
}

/// The first look at a block whose senders were fetched; what goes on in another bucket is
/// fetched.
#[inline(always)]
fn answer<'a, L: Level>(
    look: &CommonCase<'_>,
    level: L,
    fetched: &Heads,
    block: Option<&'a mut [Code]>,
) -> Further<'a> {
    let codes = block.unwrap_or_default();
    let mut answers = [Code::UNJUDGED; BLOCK];
    let told = level.common_case(look, fetched, codes.len(), Ahead::NONE, &mut answers);
    for (code, answer) in codes.iter_mut().zip(answers) {
        *code = answer;
    }
    let which = !told & ones(codes.len());
    look.prefetch_further(fetched, which);
    Further { codes, which }
}

impl Further<'_> {
    /// Goes on to the end.
    #[inline(always)]
    fn end<L: Level>(self, table: &Table, level: L, homes: &Homes, heads: &Heads) {
        let Self { codes, mut which } = self;
        while which != 0 {
            let number = which.trailing_zeros() as usize;
            which &= which.wrapping_sub(1);
            let (_, source, to) = heads.candidate(number);
            if let Some(code) = codes.get_mut(number) {
                *code = table.answer_further(level, homes, source, to);
            }
        }
    }
}
