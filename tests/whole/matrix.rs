//! `matrix`.

use egress25_policy::Offer;

use crate::oracle::Case;
use crate::program::{json, repository, stdout};

#[test]
fn every_offer_has_an_answer_in_every_state_of_every_edition() {
    let editions = json("policy list --format json");
    for edition in editions["editions"].as_array().expect("a list") {
        let id = edition["id"].as_str().expect("an id");
        let matrix = json(&format!("matrix --edition {id} --format json"));
        let states = matrix["states"].as_array().expect("states").len();
        let cells = matrix["cells"].as_array().expect("cells").len();
        assert_eq!(cells, states * Offer::ALL.len(), "{id}");
    }
}

#[test]
fn the_readme_shows_the_matrix_as_it_is_printed() {
    let read = |name: &str| std::fs::read_to_string(repository().join(name)).expect("a text");
    let golden = read("tests/golden/matrix-2020-12.md");
    let (_edition, tables) = golden.split_once("\n\n").expect("a line on the edition, and tables");
    assert!(read("README.md").contains(tables), "README.md has other tables");
}

/// A state of the matrix as a case of the statements; `None` for what is not on the way to the
/// Internet and the same for every offer.
fn case(offer: Offer, state: &str) -> Option<Case> {
    let after =
        Case { offer, date: "after", exemption: "none", history: "untouched", route: "direct" };
    let started = Case { exemption: "granted", history: "stopped-started", ..after };
    Some(match state {
        "before-cutoff" => Case { date: "before", ..after },
        "none" => after,
        "requested" => Case { exemption: "requested", ..after },
        "refused" => Case { exemption: "refused", ..after },
        "granted-not-restarted" => Case { exemption: "granted", ..after },
        "granted-and-started" => started,
        "via-appliance" => Case { route: "appliance-own", ..started },
        "revoked" => Case { exemption: "revoked", ..after },
        "via-azure-firewall" => Case { route: "azure-firewall", ..started },
        "via-enterprise-appliance" => Case { route: "appliance-open", ..after },
        "on-premises" => Case { route: "gateway", ..after },
        _ => return None,
    })
}

#[test]
fn every_cell_of_the_default_edition_is_what_the_statements_say() {
    let printed = stdout("matrix --format csv");
    for line in printed.lines().skip(1) {
        let cells: Vec<_> = line.split(',').collect();
        let offer = cells[1].parse().expect("an offer");
        let expected = match (case(offer, cells[2]), cells[2]) {
            (Some(case), _) => (case.answer(), case.statements()),
            //= G4 type=test
            (None, "relay-587") => ("pass relay-port", "G3 G4".to_owned()),
            (None, _) => ("pass internal", String::new()),
        };
        let found = format!("{} {}", cells[3], cells[4]);
        assert_eq!((found.as_str(), cells[5].to_owned()), expected, "{line}");
    }
    assert_eq!(printed.lines().count(), 1 + 13 * Offer::ALL.len());
    let all = json("matrix --format json");
    for (line, cell) in printed.lines().skip(1).zip(all["cells"].as_array().expect("cells")) {
        let of = |key: &str| cell[key].as_str().expect("a text").to_owned();
        let start = ["offer", "state", "verdict", "reason"].map(of).join(",");
        assert!(line.starts_with(&format!("2020-12,{start},")), "{line}: {start}");
    }
}

#[test]
fn the_golden_tables_are_what_is_printed() {
    let folder = repository().join("tests/golden");
    for (file, line) in [
        ("matrix-2020-12.md", "matrix --format markdown"),
        ("matrix-2023-12.md", "matrix --edition in-force --format markdown"),
        // The form of the rows; their answers are held by the statements above.
        ("matrix-2020-12.csv", "matrix --format csv"),
    ] {
        let path = folder.join(file);
        let mut printed = stdout(line);
        if file.ends_with(".csv") {
            let shown = |row: &&str| row.starts_with("edition,") || row.contains(",pay-as-you-go,");
            printed = printed.lines().filter(shown).map(|row| format!("{row}\n")).collect();
        }
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, &printed).expect("written");
        }
        let golden = std::fs::read_to_string(&path).expect("a golden file");
        assert!(golden == printed, "{file} is not what `egress25 {line}` prints:\n{printed}");
    }
}

#[test]
fn a_row_for_every_offer_where_that_is_wanted() {
    let text = stdout("matrix --all-offers --format markdown");
    for offer in Offer::ALL {
        let rows = text.lines().filter(|line| line.starts_with(&format!("| {} |", offer.title())));
        assert_eq!(rows.count(), 2, "{offer}");
    }
}
