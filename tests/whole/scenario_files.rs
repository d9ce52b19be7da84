//! `validate` of scenarios: everything that can be wrong with one is found before a lab is built.

use crate::program::{failure, repository, stdout};

/// Writes a scenario with the shipped inventory and validates it: exit code and what stands on
/// stderr.
fn validate(steps: &str) -> (i32, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = repository().join("fixtures/scenarios/mail.inventory.toml");
    let path = folder.path().join("played.toml");
    let text = format!("name = \"n\"\ninventory = \"{}\"\n{steps}", inventory.display());
    std::fs::write(&path, text).expect("written");
    failure(&format!("validate {}", path.display()))
}

const WAIT: &str = "[[step]]\nwait = 1\n\n";

#[test]
fn the_shipped_scenarios_were_taken_for_inventories() {
    let folder = repository().join("fixtures/scenarios");
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).expect("the scenarios") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        let kind = if text.contains("[[step]]") { "ok, scenario: " } else { "ok, inventory: " };
        let said = stdout(&format!("validate {}", path.display()));
        assert!(said.contains(kind), "{said}");
        checked += usize::from(kind == "ok, scenario: ");
    }
    assert!(checked >= 4, "{checked} scenarios are shipped");
}

#[test]
fn what_is_wrong_in_a_step_was_found_when_the_lab_was_up() {
    let to = |server: &str| format!("connect = {{ from = \"vm-web\", to = \"{server}\" }}");
    for (step, part) in [
        ("conect = { from = \"vm-web\" }", "unknown field `conect`"),
        ("connect = { from = \"vm-web\", too = \"a:1\" }", "unknown field `too`"),
        ("connect = { from = \"vm-wep\", to = \"vm-ea:25\" }", "the lab has no `vm-wep`"),
        (
            "event = { kind = \"machine-stopped\", machine = \"vm-wbe\" }\nexpect = \"refused\"",
            "the lab has no machine `vm-wbe`; it has: ",
        ),
        (
            "event = { kind = \"exemption-granted\", subscription = \"shpo\" }\nexpect = \"refused\"",
            "the lab has no subscription `shpo`; it has: ",
        ),
        (&to("mx.example.nett:25"), "`mx.example.nett` is no host and no machine"),
        (&to("mx.example.net"), "expected HOST:PORT"),
        (&to("mx.example.net:0"), "a port from 1 to 65535"),
        (
            "mail = { from = \"vm-ea\", to = \"a\\r\\nDATA\", server = \"mx.example.net:25\" }",
            "an address without white space",
        ),
        (&to("mx.example.net:65536"), "a port from 1 to 65535"),
        (&to("2001:db8::19:25"), "expected HOST:PORT"),
        (&format!("{}\nexpect = \"timout\"", to("vm-ea:25")), "not `timout`"),
        (&format!("{}\nreason = \"granted\"", to("vm-ea:25")), "unknown variant `granted`"),
        ("event = { kind = \"exemption-askd\", subscription = \"shop\" }", "no kind of event"),
        ("event = { kind = \"exemption-asked\", subscription = \"shp\" }", "no subscription `shp`"),
        (
            "event = { kind = \"exemption-granted\", subscription = \"shop\" }",
            "expect = \"refused\"",
        ),
        ("exec = { on = \"vm-none\", command = [\"true\"] }", "the lab has no `vm-none`"),
        ("[step.postfix]\non = \"vm-web\"\naction = \"strat\"", "unknown variant `strat`"),
        ("wait = 1\nexec = { on = \"vm-web\", command = [\"true\"] }", "does one thing"),
    ] {
        let (code, text) = validate(&format!("{WAIT}[[step]]\n{step}\n\n{WAIT}"));
        assert_eq!(code, 2, "{step}\n{text}");
        assert!(text.contains(part), "`{part}` is missing in\n{text}");
        assert!(text.contains("step 2"), "the step is missing in\n{text}");
        assert!(text.contains("played.toml"), "the file is missing in\n{text}");
        let first = step.split([' ', '.', '[']).find(|word| !word.is_empty()).expect("a key");
        let picture = text.split_once("played.toml").expect("a place").1;
        let pictured = picture.contains(first) || picture.contains("action");
        assert!(pictured && picture.contains("here"), "the place is missing in\n{text}");
    }
}

#[test]
fn what_a_step_does_counts_for_the_next() {
    let deployed = "[[step]]\nevent = { kind = \"machine-deployed\", machine = \"vm-new\", \
                    subscription = \"shop\", network = \"partner-net\", \
                    addresses = [\"10.2.0.77\"] }\n\n";
    let sends = "[[step]]\nconnect = { from = \"vm-new\", to = \"vm-web:25\" }\n";
    assert_eq!(validate(&format!("{deployed}{sends}")).0, 0);
    assert_eq!(validate(&format!("{sends}{deployed}")).0, 2);
    let refused = "[[step]]\nevent = { kind = \"exemption-granted\", subscription = \"shop\" }\n\
                   expect = \"refused\"\n";
    assert_eq!(validate(refused).0, 0);
}

#[test]
fn what_is_wrong_outside_of_the_steps_is_found_too() {
    for (hosts, part) in [
        ("[host.mx]\naddresses = []\n", "a host needs an address"),
        ("[host.mx]\naddresses = [\"1.2.3.4\"]\non_premises = \"nat\"\n", "no network `nat`"),
        ("[host.mx]\naddresses = [\"1.2.3.4\"]\nsmpt = [25]\n", "unknown field `smpt`"),
    ] {
        let (code, text) = validate(&format!("{WAIT}{hosts}"));
        assert_eq!(code, 2, "{text}");
        assert!(text.contains(part) && text.contains("here"), "`{part}` is missing in\n{text}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lost.toml");
    std::fs::write(&path, format!("name = \"n\"\ninventory = \"gone.toml\"\n{WAIT}"))
        .expect("written");
    let (code, text) = failure(&format!("validate {}", path.display()));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("gone.toml` cannot be read") && text.contains("lost.toml"), "{text}");
}

#[test]
fn a_scenario_that_stopped_fitting_left_the_report_of_the_run_before() {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = repository().join("fixtures/scenarios/mail.inventory.toml");
    let (path, report) = (folder.path().join("s.toml"), folder.path().join("junit.xml"));
    let green =
        "<?xml version=\"1.0\"?>\n<!-- written by egress25 -->\n<testsuite failures=\"0\"/>\n";
    for step in ["connect = { from = \"vm-wbe\", to = \"mx.example.net:25\" }", "conect = 1"] {
        let text =
            format!("name = \"n\"\ninventory = \"{}\"\n[[step]]\n{step}\n", inventory.display());
        std::fs::write(&path, text).expect("written");
        std::fs::write(&report, green).expect("written");
        let line = format!("lab run {} --junit {} --force", path.display(), report.display());
        let (code, said) = failure(&line);
        assert_eq!(code, 2, "{said}");
        let text = std::fs::read_to_string(&report).expect("a report");
        assert!(text.contains("errors=\"1\""), "{text}");
    }
}

#[test]
fn a_scenario_without_a_step_was_taken_for_an_inventory() {
    let (code, said) = validate("[[steps]]\nwait = 1\n");
    assert_eq!(code, 2);
    assert!(said.contains("unknown field `steps`"), "{said}");
    let (code, said) = validate(&format!("{WAIT}patience = 3\n"));
    assert_eq!(code, 2);
    assert!(said.contains("patience"), "{said}");
}

#[test]
fn a_scenario_that_calls_its_inventory_lab_says_what_the_key_is_called_now() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("old.toml");
    std::fs::write(&path, format!("name = \"n\"\nlab = \"mail.toml\"\n{WAIT}")).expect("written");
    for command in ["validate", "lab run"] {
        let (code, said) = failure(&format!("{command} {}", path.display()));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("the key `lab` is called `inventory` now"), "{said}");
        assert!(said.contains("old.toml:2:1"), "the place is missing in\n{said}");
    }
}
