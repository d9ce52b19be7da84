//! The plan as a graph in the DOT language, for `dot -Tsvg`.

use std::fmt::Write as _;

use crate::network::plan::{NodeKind, Plan};

/// The graph.
#[must_use]
pub fn dot(plan: &Plan) -> String {
    let mut text = "graph lab {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n".to_owned();
    for (id, node) in plan.nodes.iter().enumerate() {
        let (shape, label) = match &node.kind {
            NodeKind::Network(name) => ("ellipse", format!("network {name}")),
            NodeKind::Edge(name) => ("diamond", format!("edge of {name}")),
            NodeKind::Internet => ("doublecircle", "Internet".to_owned()),
            NodeKind::Machine(name) => ("box", name.to_string()),
            NodeKind::Firewall(name) => ("octagon", format!("Azure Firewall {name}")),
            NodeKind::Host(name) => ("house", name.clone()),
            NodeKind::Wires => ("point", "wires".to_owned()),
        };
        let addresses = plan.addresses(id).map(|address| address.to_string()).collect();
        let lines = [vec![label], addresses].concat().join("\\n");
        let _ = writeln!(text, "  n{id} [shape={shape} label=\"{lines}\"];");
    }
    for link in &plan.links {
        let judged = plan.points.iter().any(|point| {
            [&link.left, &link.right]
                .iter()
                .any(|end| end.node == point.node && end.interface == point.interface)
        });
        let style = if judged { " [label=\"filter\" color=red]" } else { "" };
        let _ = writeln!(text, "  n{} -- n{}{style};", link.left.node, link.right.node);
    }
    text.push_str("}\n");
    text
}
