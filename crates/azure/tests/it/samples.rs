//! Every file of the shared samples: read, with how much of what, or refused, with what helps. The
//! table is reviewed: `UPDATE_GOLDEN=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use crate::{imported, samples};

const TABLE: &str = "tests/it/samples.tsv";

/// A line for each file.
fn table(folder: &Path) -> String {
    let mut text = "file\tanswer\tholds or says\n".to_owned();
    let index = std::fs::read_to_string(folder.join("INDEX.tsv")).expect("the index");
    for line in index.lines().skip(1) {
        let mut cells = line.split('\t');
        let (Some(kind), Some(file)) = (cells.next(), cells.next()) else { continue };
        let read = std::fs::read_to_string(folder.join(kind).join(file)).expect("a text");
        let (answer, what) = match imported(&[&read]) {
            Ok(imported) => {
                let counts = imported.counts.iter().filter(|(_, count)| *count > 0);
                let counts: Vec<_> =
                    counts.map(|(what, count)| format!("{what} {count}")).collect();
                ("read", counts.join(", "))
            }
            Err(error) => {
                let said = error.to_string().replace("`0.json` ", "").replace("`0.json`: ", "");
                ("refused", said)
            }
        };
        let _ = writeln!(text, "{kind}/{file}\t{answer}\t{what}");
    }
    text
}

#[test]
fn every_sample_is_read_or_refused_as_the_table_says() {
    let Some(folder) = samples() else { return };
    let table = table(&folder);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &table).expect("written");
    }
    let reviewed = std::fs::read_to_string(&path).expect("the table");
    assert_eq!(table, reviewed, "{TABLE} is old");
    let read = table.lines().filter(|line| line.contains("\tread\t")).count();
    assert!(read >= 90, "{read} are read");
}
