//! Prefixes by the addresses in them.

use std::collections::{BTreeSet, HashMap};

use ipnet::IpNet;

/// Which of some prefixes hold an address or another prefix: asked once for each length of a prefix
/// that there is, however many prefixes there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrefixIndex<T> {
    by_prefix: HashMap<IpNet, Vec<T>>,
    lengths: BTreeSet<u8>,
}

impl<T> PrefixIndex<T> {
    /// The index of some prefixes, each with what it stands for.
    pub(crate) fn new(prefixes: impl IntoIterator<Item = (IpNet, T)>) -> Self {
        let (mut by_prefix, mut lengths) = (HashMap::<_, Vec<T>>::new(), BTreeSet::new());
        for (prefix, of) in prefixes {
            by_prefix.entry(prefix.trunc()).or_default().push(of);
            lengths.insert(prefix.prefix_len());
        }
        Self { by_prefix, lengths }
    }

    /// What those stand for that hold all of a prefix, or an address as a prefix of its own.
    pub(crate) fn holding(&self, inner: IpNet) -> impl Iterator<Item = &T> {
        self.around(inner).flatten()
    }

    /// As [`Self::holding`], those of each length together, in the order in which they came.
    pub(crate) fn around(&self, inner: IpNet) -> impl Iterator<Item = &[T]> {
        let lengths = self.lengths.range(..=inner.prefix_len());
        let around = lengths.filter_map(move |len| IpNet::new(inner.addr(), *len).ok());
        around.filter_map(|prefix| self.by_prefix.get(&prefix.trunc())).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::PrefixIndex;

    #[test]
    fn a_prefix_is_held_by_those_around_it_and_by_itself() {
        let all = ["10.0.0.0/8", "10.1.0.0/16", "10.1.0.7/16", "10.2.0.0/16", "fd00::/16"];
        let index = PrefixIndex::new(all.iter().map(|text| (text.parse().unwrap(), *text)));
        let holding =
            |text: &str| index.holding(text.parse().unwrap()).copied().collect::<Vec<_>>();
        assert_eq!(holding("10.1.2.3/32"), ["10.0.0.0/8", "10.1.0.0/16", "10.1.0.7/16"]);
        assert_eq!(holding("10.2.0.0/16"), ["10.0.0.0/8", "10.2.0.0/16"]);
        assert_eq!(holding("10.0.0.0/12"), ["10.0.0.0/8"]);
        assert_eq!(holding("fd00::1/128"), ["fd00::/16"]);
        assert_eq!(holding("0.0.0.0/0"), [""; 0]);
    }
}
