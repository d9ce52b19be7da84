//! Ids of Azure's resources: by them everything is joined, whatever their casing.

use std::cmp::Ordering;

/// A resource's id. Two that differ in casing alone are the same: services write it differently.
#[derive(Debug, Clone)]
pub(crate) struct Id {
    written: String,
    lower: String,
}

impl Id {
    /// The id that a text is.
    pub(crate) fn new(text: &str) -> Self {
        let written = text.trim().trim_matches('/').to_owned();
        let lower = written.to_ascii_lowercase();
        Self { written, lower }
    }

    /// The id of a subscription.
    pub(crate) fn of_subscription(guid: &str) -> Self {
        Self::new(&format!("subscriptions/{guid}"))
    }

    /// The id of something below this one.
    pub(crate) fn below(&self, collection: &str, name: &str) -> Self {
        Self::new(&format!("{}/{collection}/{name}", self.written))
    }

    /// What stands behind a word of the id, as it is written.
    fn behind(&self, words: &[&str]) -> Option<&str> {
        let mut parts = self.written.split('/');
        parts.find(|part| words.iter().any(|word| part.eq_ignore_ascii_case(word)))?;
        parts.next()
    }

    /// The id in small letters.
    pub(crate) fn text(&self) -> &str {
        &self.lower
    }

    /// The last part: the resource's own name.
    pub(crate) fn name(&self) -> &str {
        self.written.rsplit('/').next().unwrap_or_default()
    }

    /// The resource group, in small letters.
    pub(crate) fn group(&self) -> Option<String> {
        // The portal's view of a single resource has the singular.
        self.behind(&["resourceGroups", "resourceGroup"]).map(str::to_ascii_lowercase)
    }

    /// The subscription's GUID, in small letters.
    pub(crate) fn subscription(&self) -> Option<String> {
        self.behind(&["subscriptions"]).map(str::to_ascii_lowercase)
    }

    /// The id of what this is a part of: two parts less.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (above, _) = self.written.rsplit_once('/')?;
        let (above, _) = above.rsplit_once('/')?;
        Some(Self::new(above))
    }

    /// Whether it is below another.
    pub(crate) fn is_below(&self, other: &Self) -> bool {
        self.lower.strip_prefix(&other.lower).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Where ids below this one begin among others, in order.
    pub(crate) fn first_below(&self) -> Self {
        Self { written: format!("{}/", self.written), lower: format!("{}/", self.lower) }
    }

    /// The type that the id says, in small letters: provider and collections, without names.
    pub(crate) fn kind(&self) -> Option<String> {
        let (_, behind) = self.lower.rsplit_once("providers/")?;
        let mut parts = behind.split('/');
        let mut kind = parts.next()?.to_owned();
        while let (Some(collection), Some(_)) = (parts.next(), parts.next()) {
            kind.push('/');
            kind.push_str(collection);
        }
        Some(kind)
    }
}

impl PartialEq for Id {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for Id {}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Id {
    fn cmp(&self, other: &Self) -> Ordering {
        self.lower.cmp(&other.lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casing_tells_no_ids_apart_and_the_parts_are_found() {
        let one = Id::new(
            "/subscriptions/S/resourceGroups/APP/providers/Microsoft.Network\
             /virtualNetworks/Net/subnets/a",
        );
        let other = Id::new(
            "/SUBSCRIPTIONS/s/resourcegroups/app/providers/microsoft.network\
             /virtualnetworks/net/Subnets/A",
        );
        assert_eq!(one, other);
        assert_eq!(one.kind().unwrap(), "microsoft.network/virtualnetworks/subnets");
        assert_eq!((one.name(), one.group().unwrap().as_str()), ("a", "app"));
        assert_eq!(one.parent().unwrap().name(), "Net");
        assert!(one.is_below(&other.parent().unwrap()));
        assert_eq!(one.subscription().unwrap(), "s");
    }
}
