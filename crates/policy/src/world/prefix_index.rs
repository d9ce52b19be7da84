//! Prefixes by the addresses in them.

use std::collections::BTreeMap;

use ipnet::IpNet;

/// Which of some prefixes hold an address or another prefix: asked once for each length of a prefix
/// that there is, however many prefixes there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrefixIndex<T> {
    by_length: BTreeMap<u8, BTreeMap<IpNet, Vec<T>>>,
}

impl<T> PrefixIndex<T> {
    /// The index of some prefixes, each with what it stands for.
    pub(crate) fn new(prefixes: impl IntoIterator<Item = (IpNet, T)>) -> Self {
        let mut index = Self { by_length: BTreeMap::new() };
        for (prefix, of) in prefixes {
            index.insert(prefix, of);
        }
        index
    }

    /// Adds a prefix.
    pub(crate) fn insert(&mut self, prefix: IpNet, of: T) {
        let of_length = self.by_length.entry(prefix.prefix_len()).or_default();
        of_length.entry(prefix.trunc()).or_default().push(of);
    }

    /// Takes a prefix away, wherever it stands for what a condition holds of.
    pub(crate) fn remove(&mut self, prefix: IpNet, is_it: impl Fn(&T) -> bool) {
        let Some(of_length) = self.by_length.get_mut(&prefix.prefix_len()) else { return };
        if let Some(all) = of_length.get_mut(&prefix.trunc()) {
            all.retain(|of| !is_it(of));
            if all.is_empty() {
                of_length.remove(&prefix.trunc());
            }
        }
        if of_length.is_empty() {
            self.by_length.remove(&prefix.prefix_len());
        }
    }

    /// What those stand for that hold all of a prefix, or an address as a prefix of its own.
    pub(crate) fn holding(&self, inner: IpNet) -> impl Iterator<Item = &T> + Clone {
        self.around(inner).flatten()
    }

    /// As [`Self::holding`], those of each length together, in the order in which they came.
    pub(crate) fn around(&self, inner: IpNet) -> impl Iterator<Item = &[T]> + Clone {
        let around = self.by_length.range(..=inner.prefix_len());
        around.filter_map(move |(length, prefixes)| {
            let prefix = IpNet::new(inner.addr(), *length).ok()?.trunc();
            prefixes.get(&prefix).map(Vec::as_slice)
        })
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

        let mut longer = index.clone();
        longer.insert("10.1.0.0/24".parse().unwrap(), "of 24");
        longer.insert("10.1.0.0/16".parse().unwrap(), "again");
        assert_ne!(longer, index);
        longer.remove("10.1.0.9/24".parse().unwrap(), |of| *of == "of 24");
        longer.remove("10.1.0.0/16".parse().unwrap(), |of| *of == "again");
        assert_eq!(longer, index, "what was taken away has never been");
    }
}
