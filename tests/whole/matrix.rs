//! `matrix`.

use egress25_policy::Offer;

use crate::program::{json, stdout};

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
fn the_cells_of_the_default_edition_say_what_the_article_says() {
    let matrix = json("matrix --format json");
    let cells = matrix["cells"].as_array().expect("cells");
    let answer = |offer: &str, state: &str| {
        let cell = cells
            .iter()
            .find(|cell| cell["offer"] == offer && cell["state"] == state)
            .expect("a cell");
        format!("{} {}", cell["verdict"], cell["reason"]).replace('"', "")
    };
    assert_eq!(answer("enterprise-agreement", "none"), "pass unrestricted-offer");
    assert_eq!(answer("pay-as-you-go", "before-cutoff"), "pass predates-restriction");
    assert_eq!(answer("pay-as-you-go", "none"), "drop not-granted");
    assert_eq!(answer("pay-as-you-go", "requested"), "drop request-pending");
    assert_eq!(answer("pay-as-you-go", "refused"), "drop request-refused");
    assert_eq!(answer("pay-as-you-go", "granted-not-restarted"), "drop waiting-for-stop-and-start");
    assert_eq!(answer("pay-as-you-go", "granted-and-started"), "pass exempt");
    assert_eq!(answer("pay-as-you-go", "revoked"), "drop revoked");
    assert_eq!(answer("free-trial", "none"), "drop offer-never-exempt");
    assert_eq!(
        answer("enterprise-agreement", "via-azure-firewall"),
        "reject azure-firewall-unsupported"
    );
    assert_eq!(answer("free-trial", "via-enterprise-appliance"), "pass unrestricted-offer");
    assert_eq!(answer("free-trial", "internal"), "pass internal");
    assert_eq!(answer("free-trial", "on-premises"), "pass on-premises");
    assert_eq!(answer("free-trial", "relay-587"), "pass relay-port");
}

#[test]
fn the_golden_tables_are_what_is_printed() {
    let folder = crate::program::repository().join("tests/golden");
    for (file, line) in [
        ("matrix-2020-12.md", "matrix --format markdown"),
        ("matrix-2023-12.md", "matrix --edition in-force --format markdown"),
        ("matrix-2020-12.csv", "matrix --format csv"),
    ] {
        let path = folder.join(file);
        let printed = stdout(line);
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
