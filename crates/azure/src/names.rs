//! Names in the inventory: those of Azure, made unique where two things have one.

use std::collections::{BTreeMap, BTreeSet};

use egress25_policy::{LONGEST_NAME, acts_unseen};

use crate::id::Id;

/// The names of the things of a kind.
#[derive(Debug, Default)]
pub(crate) struct Names {
    by_id: BTreeMap<Id, String>,
    /// How the export spells those by which nothing in an inventory is called.
    spelt: BTreeMap<Id, String>,
}

/// A text as an inventory takes it for a name, unless it is blank: without signs that are not seen,
/// and cut where it is too long.
pub(crate) fn tidy(text: &str) -> String {
    let mut name: String = text.chars().filter(|sign| !acts_unseen(*sign)).collect();
    name.truncate(name.floor_char_boundary(LONGEST_NAME));
    name
}

/// What a thing is called, of which an export tells the name: by its id where that is blank.
fn called(told: &str, id: &Id) -> String {
    let names = [told, id.name(), id.text(), "unnamed"].into_iter().map(tidy);
    names.into_iter().find(|name| !name.trim().is_empty()).unwrap_or_default()
}

/// A name with more behind it; the name is cut where the two are too long.
fn with(name: &str, more: &str) -> String {
    let more = tidy(more);
    if more.is_empty() {
        return name.to_owned();
    }
    let room = LONGEST_NAME.saturating_sub(more.len()).saturating_sub(1);
    let name = name.get(..name.floor_char_boundary(room)).unwrap_or_default();
    tidy(&format!("{name}@{more}"))
}

impl Names {
    /// Names things by their own names. Where two have the same, their resource groups are added,
    /// then their subscriptions, or else their whole ids; `@` is in no name of Azure.
    pub(crate) fn of(things: impl Iterator<Item = (Id, String)>) -> Self {
        let mut named = Self::default();
        let mut things: Vec<_> = things
            .map(|(id, told)| {
                let name = called(&told, &id);
                let long = with(&name, &id.group().unwrap_or_default());
                let longest = with(&long, &id.subscription().unwrap_or_default());
                let whole = with(id.name(), id.text());
                if name != told {
                    named.spelt.insert(id.clone(), told);
                }
                (id, [name, long, longest, whole])
            })
            .collect();
        things.sort_by(|one, other| one.0.cmp(&other.0));
        let mut taken = BTreeSet::new();
        for step in 0..4_usize {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for (_, names) in &things {
                let name = names.get(step).map_or(String::new(), |name| name.to_ascii_lowercase());
                let count = seen.entry(name).or_default();
                *count = count.saturating_add(1);
            }
            things.retain(|(id, names)| {
                let Some(name) = names.get(step) else { return true };
                let lower = name.to_ascii_lowercase();
                let alone = seen.get(&lower) == Some(&1) && taken.insert(lower);
                if alone {
                    named.by_id.insert(id.clone(), name.clone());
                }
                !alone
            });
        }
        // Ids that differ in what is not seen, or behind what is cut, have even these in common.
        let mut numbers = 2_usize..;
        for (id, [name, ..]) in things {
            let numbered = numbers.by_ref().map(|number| with(&name, &number.to_string()));
            let free = numbered.into_iter().find(|name| taken.insert(name.to_ascii_lowercase()));
            named.by_id.extend(free.map(|name| (id, name)));
        }
        named
    }

    /// The names of parts: each whole's parts have names of their own.
    pub(crate) fn of_parts(parts: impl Iterator<Item = (Id, String)>) -> Self {
        let mut wholes: BTreeMap<Option<Id>, Vec<(Id, String)>> = BTreeMap::new();
        for (id, name) in parts {
            wholes.entry(id.parent()).or_default().push((id, name));
        }
        let mut all = Self::default();
        for parts in wholes.into_values() {
            let Self { by_id, spelt } = Self::of(parts.into_iter());
            all.by_id.extend(by_id);
            all.spelt.extend(spelt);
        }
        all
    }

    /// How the export spells the name of a thing, where no inventory has such a name.
    pub(crate) fn spelt(&self, id: &Id) -> Option<&str> {
        self.spelt.get(id).map(String::as_str)
    }

    /// The name of a thing, where it has one.
    pub(crate) fn get(&self, id: &Id) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }

    /// The things by their names.
    pub(crate) fn sorted(&self) -> Vec<(&str, &Id)> {
        let mut all: Vec<_> = self.by_id.iter().map(|(id, name)| (name.as_str(), id)).collect();
        all.sort_unstable();
        all
    }

    /// How many have names.
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_a_name_in_common_gets_its_group_or_more() {
        let id = |subscription: &str, group: &str| {
            Id::new(&format!(
                "/subscriptions/{subscription}/resourceGroups/{group}/providers/p/t/web"
            ))
        };
        let all = [id("1", "A"), id("1", "b"), id("2", "B")];
        let names = Names::of(all.iter().map(|id| (id.clone(), "web".to_owned())));
        let named: Vec<_> = all.iter().map(|id| names.get(id).unwrap()).collect();
        assert_eq!(named, ["web@a", "web@b@1", "web@b@2"]);
    }
    #[test]
    fn a_name_that_is_blank_too_long_or_not_seen_stopped_the_inventory_from_loading() {
        let id = |name: &str| Id::new(&format!("/subscriptions/1/resourceGroups/A/p/t/{name}"));
        let long = "x".repeat(600);
        let longer = format!("{long}y");
        let told = ["\u{202e}\u{200b}", " ", &long, &longer, "a\u{200d}b", "ab", "a\u{200c}b", "c"];
        let ids: Vec<_> = (0..told.len()).map(|number| id(&format!("n{number}"))).collect();
        let all = ids.iter().cloned().zip(told.iter().map(|told| (*told).to_owned()));
        let names = Names::of(all);
        let named: BTreeSet<_> = ids.iter().map(|id| names.get(id).unwrap()).collect();
        assert_eq!(named.len(), told.len(), "{named:?}");
        for name in &named {
            assert_eq!(egress25_policy::fit_for_a_name(name), Ok(()));
        }
        assert!(named.is_superset(&BTreeSet::from(["n0", "n1", "c"])), "{named:?}");
        let spelt: Vec<_> = ids.iter().map(|id| names.spelt(id)).collect();
        assert_eq!(spelt[4..], [Some("a\u{200d}b"), None, Some("a\u{200c}b"), None]);
    }

    #[test]
    fn things_whose_ids_differ_in_what_is_not_seen_had_one_name() {
        let ids = ["a", "a\u{200b}", "a\u{200c}"].map(|name| Id::new(&format!("/p/t/{name}")));
        let names = Names::of(ids.iter().map(|id| (id.clone(), id.name().to_owned())));
        let named: BTreeSet<_> = ids.iter().filter_map(|id| names.get(id)).collect();
        assert_eq!(named.len(), 3, "{named:?}");
    }
}
