//! Every row of the evasion table is shown by a test.

use std::collections::BTreeSet;
use std::path::Path;

use egress25_skipped::skipped;

/// The sources that carry `// row:` lines.
const SOURCES: [&str; 7] = [
    include_str!("tcp.rs"),
    include_str!("ipv4.rs"),
    include_str!("ipv6.rs"),
    include_str!("fragments.rs"),
    include_str!("link_layers.rs"),
    include_str!("tunnels.rs"),
    include_str!("other_encapsulations.rs"),
];

/// The rows that the tests name; a long one goes on in the next line, indented.
pub(crate) fn shown() -> BTreeSet<String> {
    let mut rows: Vec<String> = Vec::new();
    let mut open = false;
    for line in SOURCES.iter().flat_map(|source| source.lines()) {
        if let Some(row) = line.strip_prefix("// row: ") {
            rows.push(row.to_owned());
            open = true;
        } else if let (true, Some(rest)) = (open, line.strip_prefix("//      ")) {
            let row = rows.last_mut().unwrap();
            row.push(' ');
            row.push_str(rest);
        } else {
            open = false;
        }
    }
    rows.into_iter().collect()
}

/// The cases of the table in `evasion.md`, or a loud word and `None` where it is missing.
pub(crate) fn table() -> Option<BTreeSet<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/evasion.md");
    let Ok(text) = std::fs::read_to_string(&path) else {
        skipped(format_args!("no evasion table at {}", path.display()));
        return None;
    };
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    Some(rows.filter(|case| *case != "case").map(str::to_owned).collect())
}

/// The rows that the lab's tests show: a frame alone does not tell which port it left.
const OF_THE_LAB: [&str; 2] = [
    "live: a port-25 SYN at a firewall's port, whatever source it bears",
    "live: source address that is not one of the sending **port's** own, `ip_forwarding` off",
];

/// The rows that nothing shows yet, because the filter does not do what they say. One that a test
/// shows has to go from here.
const OPEN: [&str; 1] = ["destination is an address of the world, source is not"];

#[test]
fn every_row_has_a_test() {
    let Some(table) = table() else { return };
    assert!(table.len() > 40, "the table was not found: {table:?}");
    let mut rows = shown();
    let elsewhere = OF_THE_LAB.into_iter().chain(OPEN);
    for row in elsewhere {
        assert!(rows.insert(row.to_owned()), "`{row}` is shown here, too");
    }
    assert_eq!(rows, table);
}
