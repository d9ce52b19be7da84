//! Many answers at once.

use super::{NetworkId, Table};
use crate::classify::{BLOCK, Code, Level, Vectors, Work};

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
        let mut block = [0_u32; BLOCK];
        // Loops and no adapters: their bodies have to be compiled for the level's instructions.
        for (pairs, codes) in pairs.chunks(BLOCK).zip(codes.chunks_mut(BLOCK)) {
            for (home, (source, _)) in block.iter_mut().zip(pairs) {
                *home = homes.home(*source);
            }
            for home in block.iter().take(pairs.len()) {
                table.prefetch_home(*home);
            }
            for ((home, (source, to)), code) in block.iter().zip(pairs).zip(codes) {
                *code = table.answer_home(level, &homes, *home, *source, *to);
            }
        }
    }
}
