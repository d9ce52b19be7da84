//! What names there are, said in a line however many they are.

use std::collections::BinaryHeap;

/// How many names are listed.
const LISTED: usize = 8;

/// How much of a name is compared and shown, in characters.
const SHOWN: usize = 64;

/// The beginning of a name, or of a value, as long as it can be shown.
pub(super) fn cut(name: &str) -> String {
    let mut cut: String = name.chars().take(SHOWN).collect();
    if name.chars().nth(SHOWN).is_some() {
        cut.push('…');
    }
    cut
}

/// The names that there are; of many, the nearest to one that is not among them and how many more
/// there are.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let wanted = cut(name);
    let mut heap = BinaryHeap::new();
    let mut more = 0_usize;
    for (place, known) in known.into_iter().enumerate() {
        let known = cut(known);
        heap.push((strsim::osa_distance(&wanted, &known), place, known));
        if heap.len() > LISTED {
            // The farthest goes.
            heap.pop();
            more = more.saturating_add(1);
        }
    }
    let mut kept = heap.into_sorted_vec();
    if more == 0 {
        kept.sort_by_key(|(_, place, _)| *place);
    }
    let kept: Vec<_> = kept.into_iter().map(|(.., name)| name).collect();
    listed(&kept, more)
}

/// The names that there are; of many, the first and how many more there are.
pub fn first_few<'a>(known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known = known.into_iter();
    let names: Vec<_> = known.by_ref().take(LISTED).map(cut).collect();
    listed(&names, known.count())
}

/// What the nearest of some names stands for, if one is so near that it may have been meant: a
/// letter in four, and in the same digits.
pub fn closest<'a, T>(name: &str, known: impl IntoIterator<Item = (&'a str, T)>) -> Option<T> {
    let name = cut(name);
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let wanted = digits(&name);
    known
        .into_iter()
        .filter(|(known, _)| digits(known) == wanted)
        .map(|(known, stands_for)| (strsim::osa_distance(&name, known), known.len(), stands_for))
        .filter(|(distance, len, _)| distance.saturating_mul(4) <= *len)
        .min_by_key(|(distance, ..)| *distance)
        .map(|(.., stands_for)| stands_for)
}

fn listed(names: &[String], more: usize) -> String {
    match (names.is_empty(), more) {
        (true, _) => "none".to_owned(),
        (false, 0) => names.join(", "),
        (false, more) => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::{first_few, nearest};

    #[test]
    fn a_wrong_name_among_many_listed_all_of_them() {
        let names: Vec<_> = (0..10_000).map(|number| format!("machine-{number:05}")).collect();
        let known = || names.iter().map(String::as_str);
        let said = nearest("machine-0042", known());
        assert!(said.starts_with("machine-00042, "), "{said}");
        assert!(said.ends_with(" and 9992 more") && said.len() < 200, "{said}");
        assert!(first_few(known()).ends_with("machine-00007 and 9992 more"));
        let long = "x".repeat(1_000_000);
        assert!(nearest(&long, [long.as_str()]).len() < 100);
    }

    #[test]
    fn few_names_are_all_listed_in_their_order() {
        assert_eq!(nearest("c", ["b", "c1", "a"]), "b, c1, a");
        assert_eq!(nearest("c", []), "none");
    }
}
