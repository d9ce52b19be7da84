//! Many answers at once.

use super::{NetworkId, Table};
use crate::classify::{BLOCK, Code, Detected, Level, Vectors};

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
        codes.reserve(pairs.len());
        match vectors.detect() {
            Detected::Scalar(level) => self.many(level, network, pairs, codes),
            #[cfg(target_arch = "x86_64")]
            Detected::Avx2(level) => level.with(|| self.many(level, network, pairs, codes)),
            #[cfg(target_arch = "x86_64")]
            Detected::Avx512(level) => level.with(|| self.many(level, network, pairs, codes)),
        }
    }

    #[inline(always)]
    fn many<L: Level>(
        &self,
        level: L,
        network: Option<NetworkId>,
        pairs: &[(u32, u32)],
        codes: &mut Vec<Code>,
    ) {
        let Some(homes) = self.homes_v4(network) else {
            codes.extend(pairs.iter().map(|(source, to)| {
                let search = self.search_v4(network, *source);
                self.answer_v4(level, search, *source, *to)
            }));
            return;
        };
        let mut block = [0_u32; BLOCK];
        for pairs in pairs.chunks(BLOCK) {
            for (home, (source, _)) in block.iter_mut().zip(pairs) {
                *home = homes.home(*source);
                self.prefetch_home(*home);
            }
            codes.extend(
                block.iter().zip(pairs).map(|(home, (source, to))| {
                    self.answer_home(level, &homes, *home, *source, *to)
                }),
            );
        }
    }
}
