//! `graph` and `lab graph`: the same in two languages, whatever names there are, and in both what
//! the languages' own programs read.

use std::process::{Command, Stdio};

use egress25_skipped::skipped;
use serde_json::Value;

use crate::browser::Browser;
use crate::program::{repository, stdout};

const HOSTILE: &str =
    "a\"']; b -- c; %%{init: {'theme':'dark'}}%% `*x*` <script>&quot;#35;\\x end \u{05d0}";

/// An inventory whose names would be something else in either language.
fn hostile(folder: &std::path::Path) -> String {
    let name = Value::from(HOSTILE).to_string();
    let path = folder.join("inventory.toml");
    let toml = format!(
        "[subscription.{name}]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n\
         [network.{name}]\naddress_space = [\"10.0.0.0/16\"]\n[machine.{name}]\nsubscription = \
         {name}\nnetwork = {name}\naddresses = [\"10.0.1.4\"]\n"
    );
    std::fs::write(&path, toml).expect("written");
    path.display().to_string()
}

/// Every graph of the shipped inventories, and one with such names: a lab refuses these.
fn graphs(folder: &std::path::Path, format: &str) -> Vec<String> {
    let shipped = inventories().into_iter().flat_map(|inventory| {
        ["graph", "lab graph"].map(|verb| format!("{verb} {inventory} --format {format}"))
    });
    let hostile = format!("graph {} --format {format}", hostile(folder));
    shipped.chain([hostile]).map(|line| stdout(&line)).collect()
}

fn inventories() -> Vec<String> {
    let folder = repository().join("fixtures/inventories");
    let files = std::fs::read_dir(folder).expect("inventories").map(|entry| entry.expect("a file"));
    let paths = files.map(|file| file.path().display().to_string());
    let mut paths: Vec<_> =
        paths.filter(|path| path.ends_with(".toml") && !path.ends_with(".expect.toml")).collect();
    paths.sort();
    paths
}

#[test]
fn golden_graphs_are_the_same_in_both_languages() {
    for (verb, inventory) in
        [("graph", "hub-and-spokes"), ("graph", "ways-out"), ("lab graph", "day-of-mail")]
    {
        for (format, extension) in [("dot", "dot"), ("mermaid", "mmd")] {
            let line = format!("{verb} fixtures/inventories/{inventory}.toml --format {format}");
            let graph = stdout(&line);
            let name = format!("{}-{inventory}.{extension}", verb.replace(' ', "-"));
            let golden = repository().join("tests/golden").join(name);
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&golden, &graph).expect("written");
            }
            assert_eq!(graph, std::fs::read_to_string(&golden).expect("a golden file"), "{line}");
        }
    }
}

#[test]
fn graphviz_reads_every_graph() {
    let folder = tempfile::tempdir().expect("a folder");
    for graph in graphs(folder.path(), "dot") {
        let child = Command::new("dot")
            .arg("-Tplain")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else { return skipped("graphviz is not installed") };
        let mut stdin = child.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut stdin, graph.as_bytes()).expect("written");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}\n{graph}");
        let nodes = graph.matches(" [shape=").count();
        let read = String::from_utf8_lossy(&output.stdout).matches("\nnode ").count();
        assert_eq!(read, nodes, "{graph}");
    }
}

/// Draws each graph, and gives the texts of its nodes and how many lines it has.
const DRAW: &str = "mermaid.initialize({startOnLoad: false});
(async () => {
    const drawn = [];
    for (const graph of GRAPHS) {
        try {
            const {svg} = await mermaid.render('drawn' + drawn.length, graph);
            const page = new DOMParser().parseFromString(svg, 'text/html');
            drawn.push({
                nodes: [...page.querySelectorAll('.node')].map(one => one.textContent.trim()),
                lines: page.querySelectorAll('.flowchart-link').length,
                scripts: page.querySelectorAll('script').length,
            });
        } catch (error) {
            drawn.push({error: String(error)});
        }
    }
    document.title = JSON.stringify(drawn);
})();";

#[test]
fn mermaid_draws_every_graph_with_the_names_as_they_are() {
    let Some(browser) = Browser::with("mermaid.min.js") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let graphs = graphs(folder.path(), "mermaid");
    let script = DRAW.replace("GRAPHS", &serde_json::to_string(&graphs).expect("JSON"));
    let page = "<!DOCTYPE html><html><head><title></title></head><body></body></html>";
    let drawn = browser.title_after(page, &script, &[]);
    let drawn: Vec<Value> = serde_json::from_str(&drawn).expect(&drawn);
    assert_eq!(drawn.len(), graphs.len());
    for (graph, drawn) in graphs.iter().zip(&drawn) {
        let count =
            |is_one: fn(&str) -> bool| graph.lines().skip(1).filter(|line| is_one(line)).count();
        let is_edge =
            |line: &str| [" ---", " -->", " -.->"].iter().any(|arrow| line.contains(arrow));
        let nodes = count(|line| line.ends_with([']', '}', ')']));
        assert_eq!(drawn["nodes"].as_array().map(Vec::len), Some(nodes), "{drawn}\n{graph}");
        assert_eq!(drawn["lines"], count(is_edge), "{drawn}\n{graph}");
        assert_eq!(drawn["scripts"], 0);
    }
    let of_hostile = drawn.last().expect("a graph")["nodes"].to_string();
    let name = Value::from(HOSTILE).to_string();
    assert!(of_hostile.contains(name.trim_matches('"')), "{of_hostile}");
}
