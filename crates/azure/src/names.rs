//! Names in the inventory: those of Azure, made unique where two things have one.

use std::collections::BTreeMap;

use egress25_policy::acts_unseen;

use crate::id::Id;

/// The names of the things of a kind.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<Id, String>);

impl Names {
    /// Names things by their own names. Where two have the same, their resource groups are added,
    /// then their subscriptions; `@` is in no name of Azure.
    pub(crate) fn of(things: impl Iterator<Item = (Id, String)>) -> Self {
        let mut things: Vec<_> = things
            .map(|(id, name)| {
                let name: String = name.chars().filter(|sign| !acts_unseen(*sign)).collect();
                let group = id.group().unwrap_or_default();
                let with = |name: &str, more: &str| match more {
                    "" => name.to_owned(),
                    more => format!("{name}@{more}"),
                };
                let long = with(&name, &group);
                let longest = with(&long, &id.subscription().unwrap_or_default());
                (id, [name, long, longest])
            })
            .collect();
        things.sort_by(|one, other| one.0.cmp(&other.0));
        let mut named = BTreeMap::new();
        for step in 0..3_usize {
            let mut seen: BTreeMap<String, usize> = BTreeMap::new();
            for (_, names) in &things {
                let name = names.get(step).map_or(String::new(), |name| name.to_ascii_lowercase());
                let count = seen.entry(name).or_default();
                *count = count.saturating_add(1);
            }
            things.retain(|(id, names)| {
                let Some(name) = names.get(step) else { return true };
                let alone = seen.get(&name.to_ascii_lowercase()) == Some(&1);
                if alone {
                    named.insert(id.clone(), name.clone());
                }
                !alone
            });
        }
        // What still has its name in common: by its whole id.
        for (id, _) in things {
            let name = format!("{}@{}", id.name(), id.text());
            named.insert(id, name);
        }
        Self(named)
    }

    /// The name of a thing, where it has one.
    pub(crate) fn get(&self, id: &Id) -> Option<&str> {
        self.0.get(id).map(String::as_str)
    }

    /// The things by their names.
    pub(crate) fn sorted(&self) -> Vec<(&str, &Id)> {
        let mut all: Vec<_> = self.0.iter().map(|(id, name)| (name.as_str(), id)).collect();
        all.sort_unstable();
        all
    }

    /// How many have names.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
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
}
