//! Every example inventory is a test: it is valid, and its questions have the expected answers.

use serde_json::Value;

use crate::expectations::{Expectation, inventories};
use crate::program::{egress25, stdout, words};

#[test]
fn there_are_at_least_six_labs_and_each_has_its_questions() {
    let inventories = inventories();
    assert!(inventories.len() >= 6, "{} inventories", inventories.len());
    for inventory in &inventories {
        let questions = inventory.expectations.as_ref().map_or(0, |all| all.question.len());
        assert!(questions >= 2, "{}: {questions} questions", inventory.file.display());
    }
}

#[test]
fn every_lab_is_valid() {
    for inventory in inventories() {
        let text = stdout(&format!("validate {}", inventory.file.display()));
        assert!(text.contains(": ok, inventory: "), "{text}");
    }
}

#[test]
fn every_question_has_the_expected_answer() {
    let mut wrong = Vec::new();
    let mut asked = 0;
    for inventory in inventories() {
        let Some(expectations) = &inventory.expectations else { continue };
        for question in &expectations.question {
            asked += 1;
            let answer = ask(&inventory.file.display().to_string(), question);
            for (what, expected, found) in differences(question, &answer) {
                let name =
                    inventory.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let question = &question.what;
                wrong.push(format!("{name}: {question}: {what} is {found}, expected {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(asked >= 60, "{asked} questions");
}

fn ask(inventory: &str, question: &Expectation) -> Value {
    let mut arguments =
        vec!["check", "--format", "json", "--inventory", inventory, "--to", &question.to];
    let mut flag = |name: &'static str, value: &'static str| arguments.extend([name, value]);
    for (name, value) in [
        ("--machine", question.machine.clone()),
        ("--from", question.from.clone()),
        ("--network", question.network.clone()),
        ("--at", question.at.clone()),
        ("--edition", question.edition.clone()),
        ("--port", question.port.map(|port| port.to_string())),
    ] {
        if let Some(value) = value {
            flag(name, value.leak());
        }
    }
    for setting in &question.set {
        arguments.extend(["--set", setting]);
    }
    let output = egress25(arguments).output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{inventory}: {}: {stderr}", question.what);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn texts(value: &Value, key: impl Fn(&Value) -> String) -> String {
    let empty = vec![];
    let list = value.as_array().unwrap_or(&empty);
    list.iter().map(key).collect::<Vec<_>>().join(" ")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("nothing").to_owned()
}

fn differences(expected: &Expectation, answer: &Value) -> Vec<(&'static str, String, String)> {
    let decision = &answer["decision"];
    let today = &answer["in_force"]["decision"];
    let today = format!("{} {}", text(&today["verdict"]), text(&today["reason"]));
    let assumed = texts(&decision["assumed"], |one| {
        format!("{}={}", text(&one["setting"]), text(&one["value"]))
    });
    let join = |list: &Option<Vec<String>>| list.as_ref().map(|list| list.join(" "));
    let hops = decision["path"].as_array().map_or(0, Vec::len).to_string();
    [
        ("verdict", Some(expected.verdict.clone()), text(&decision["verdict"])),
        ("reason", Some(expected.reason.clone()), text(&decision["reason"])),
        ("statements", join(&expected.statements), texts(&decision["statements"], text)),
        ("assumed", join(&expected.assumed), assumed),
        ("next_steps", join(&expected.next_steps), {
            texts(&decision["next_steps"], |step| text(&step["step"]))
        }),
        ("subscription", expected.subscription.clone(), text(&decision["subscription"])),
        ("hops", expected.hops.map(|hops| hops.to_string()), hops),
        ("in_force", expected.in_force.clone(), today),
    ]
    .into_iter()
    .filter_map(|(what, expected, found)| {
        let expected = expected?;
        (expected != found).then_some((what, expected, found))
    })
    .collect()
}

#[test]
fn rules_were_exported_for_what_is_no_interface_or_two_machines() {
    let export = |more: &str| {
        let inventory = "fixtures/scenarios/mail.inventory.toml";
        let line = format!("export nft {inventory} --network shop-net {more}");
        egress25(words(&line)).output().expect("runs")
    };
    for name in ["eth+", "eth*", "eth0;drop", "a/b", "averyveryverylongname", "..", "-i", "e\"x"] {
        let output = export(&format!("--interface={name}"));
        assert_eq!(output.status.code(), Some(2), "{name}");
    }
    for (more, code) in [
        ("--interface eth0=vm-web --interface eth0=vm-ea", 2),
        ("--interface eth0=vm-web --interface eth0", 2),
        ("--interface eth0=vm-web --interface eth0=vm-web", 0),
        ("--interface eth0=nobody", 2),
    ] {
        let output = export(more);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{more}: {said}");
    }
    let once = export("--interface eth0=vm-web").stdout;
    assert_eq!(export("--interface eth0=vm-web --interface eth0=vm-web").stdout, once);
}
