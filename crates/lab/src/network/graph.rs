//! A network as a graph: what stands in it and what is joined, and two languages to write it in,
//! DOT for `dot -Tsvg` and Mermaid for pages that draw it themselves.

use std::fmt::Write as _;

use egress25_policy::in_a_line;

use crate::network::plan::{NodeKind, Plan};

/// Nodes, and which of them are joined.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<GraphNode>,
    edges: Vec<GraphEdge>,
}

/// The number of a node of a graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GraphNodeId(usize);

#[derive(Debug, Clone, PartialEq, Eq)]
struct GraphNode {
    shape: GraphShape,
    lines: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct GraphEdge {
    from: GraphNodeId,
    to: GraphNodeId,
    label: Option<String>,
    line: GraphLine,
}

/// What a node is, as its shape tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphShape {
    /// A network.
    Network,
    /// A part of a network.
    Subnet,
    /// Where packets are translated on their way out.
    WayOut,
    /// The Internet.
    Internet,
    /// A machine.
    Machine,
    /// An Azure Firewall.
    Firewall,
    /// Somebody outside.
    Host,
    /// What has no meaning of its own.
    Point,
}

/// How two nodes are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphLine {
    /// Simply.
    Plain,
    /// By what the filter judges.
    Judged,
    /// From one of them to the other.
    Leads,
    /// From one side alone, where both would be needed.
    Broken,
}

impl Graph {
    /// Adds a node with the lines of its name.
    pub fn node(&mut self, shape: GraphShape, lines: Vec<String>) -> GraphNodeId {
        self.nodes.push(GraphNode { shape, lines });
        GraphNodeId(self.nodes.len().saturating_sub(1))
    }

    /// Joins two nodes.
    pub fn join(
        &mut self,
        from: GraphNodeId,
        to: GraphNodeId,
        line: GraphLine,
        label: Option<String>,
    ) {
        self.edges.push(GraphEdge { from, to, label, line });
    }

    /// It in the DOT language.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut text =
            "digraph network {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n".to_owned();
        for (id, GraphNode { shape, lines }) in self.nodes.iter().enumerate() {
            let shape = shape.in_dot();
            let label = dot_text(lines);
            let _ = writeln!(text, "  n{id} [shape={shape} label=\"{label}\"];");
        }
        for GraphEdge { from, to, label, line } in &self.edges {
            let style = match line {
                GraphLine::Plain => "dir=none",
                GraphLine::Judged => "dir=none color=red",
                GraphLine::Leads => "dir=forward",
                GraphLine::Broken => "dir=forward style=dashed",
            };
            let label = label.iter().map(|label| {
                let label = dot_text(std::slice::from_ref(label));
                format!(" label=\"{label}\"")
            });
            let label: String = label.collect();
            let _ = writeln!(text, "  n{} -> n{} [{style}{label}];", from.0, to.0);
        }
        text.push_str("}\n");
        text
    }

    /// It as a flowchart of Mermaid.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = "flowchart LR\n".to_owned();
        for (id, GraphNode { shape, lines }) in self.nodes.iter().enumerate() {
            let (open, close) = shape.in_mermaid();
            let label = mermaid_text(lines);
            let _ = writeln!(text, "  n{id}{open}\"{label}\"{close}");
        }
        let mut judged = Vec::new();
        for (number, GraphEdge { from, to, label, line }) in self.edges.iter().enumerate() {
            let arrow = match line {
                GraphLine::Plain => "---",
                GraphLine::Judged => {
                    judged.push(number.to_string());
                    "---"
                }
                GraphLine::Leads => "-->",
                GraphLine::Broken => "-.->",
            };
            let label = label.iter().map(|label| {
                let label = mermaid_text(std::slice::from_ref(label));
                format!("|\"{label}\"|")
            });
            let label: String = label.collect();
            let _ = writeln!(text, "  n{} {arrow}{label} n{}", from.0, to.0);
        }
        if !judged.is_empty() {
            let _ = writeln!(text, "  linkStyle {} stroke:red", judged.join(","));
        }
        text
    }
}

impl GraphShape {
    const fn in_dot(self) -> &'static str {
        match self {
            Self::Network => "ellipse",
            Self::Subnet => "folder",
            Self::WayOut => "diamond",
            Self::Internet => "doublecircle",
            Self::Machine => "box",
            Self::Firewall => "octagon",
            Self::Host => "house",
            Self::Point => "point",
        }
    }

    const fn in_mermaid(self) -> (&'static str, &'static str) {
        match self {
            Self::Network => ("([", "])"),
            Self::Subnet => ("[/", "/]"),
            Self::WayOut => ("{", "}"),
            Self::Internet => ("(((", ")))"),
            Self::Machine => ("[", "]"),
            Self::Firewall => ("{{", "}}"),
            Self::Host => ("[[", "]]"),
            Self::Point => ("((", "))"),
        }
    }
}

/// Lines as a quoted text of DOT has them: it ends at a quote, and a backslash begins an escape.
fn dot_text(lines: &[String]) -> String {
    let line = |line: &String| in_a_line(line).replace('\\', "\\\\").replace('"', "\\\"");
    lines.iter().map(line).collect::<Vec<_>>().join("\\n")
}

/// Lines as a quoted text of Mermaid has them, where HTML, Markdown and directives have a meaning:
/// of ASCII only what has none goes as it is. A `\n` in a name breaks its line, however it is written.
fn mermaid_text(lines: &[String]) -> String {
    let has_no_meaning =
        |sign: char| sign.is_ascii_alphanumeric() || " .,:/-_()".contains(sign) || !sign.is_ascii();
    let line = |line: &String| {
        let mut text = String::with_capacity(line.len());
        for sign in in_a_line(line).chars() {
            if has_no_meaning(sign) {
                text.push(sign);
            } else {
                let _ = write!(text, "#{};", u32::from(sign));
            }
        }
        text
    };
    lines.iter().map(line).collect::<Vec<_>>().join("<br/>")
}

/// The plan of a lab.
impl From<&Plan> for Graph {
    fn from(plan: &Plan) -> Self {
        let mut graph = Self::default();
        for (id, node) in plan.nodes.iter().enumerate() {
            let (shape, label) = match &node.kind {
                NodeKind::Network(name) => (GraphShape::Network, format!("network {name}")),
                NodeKind::Edge(name) => (GraphShape::WayOut, format!("edge of {name}")),
                NodeKind::Internet => (GraphShape::Internet, "Internet".to_owned()),
                NodeKind::Machine(name) => (GraphShape::Machine, name.to_string()),
                NodeKind::Firewall(name) => {
                    (GraphShape::Firewall, format!("Azure Firewall {name}"))
                }
                NodeKind::Host(name) => (GraphShape::Host, name.clone()),
                NodeKind::Wires => (GraphShape::Point, "wires".to_owned()),
            };
            let addresses = plan.addresses(id).map(|address| address.to_string()).collect();
            graph.node(shape, [vec![label], addresses].concat());
        }
        for link in &plan.links {
            let judged = plan.points.iter().any(|point| {
                [&link.left, &link.right]
                    .iter()
                    .any(|end| end.node == point.node && end.interface == point.interface)
            });
            let (line, label) = match judged {
                true => (GraphLine::Judged, Some("filter".to_owned())),
                false => (GraphLine::Plain, None),
            };
            graph.join(GraphNodeId(link.left.node), GraphNodeId(link.right.node), line, label);
        }
        graph
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_name_in_either_language() {
        let mut graph = Graph::default();
        let name = "a\"]; b -- c; %%{init: {}}%% `*x*` <b>#quot;\\n".to_owned();
        let one = graph.node(GraphShape::Machine, vec![name.clone(), "10.0.0.4".to_owned()]);
        graph.join(one, one, GraphLine::Leads, Some(name));
        let dot = graph.dot();
        assert!(
            dot.contains(r#"label="a\"]; b -- c; %%{init: {}}%% `*x*` <b>#quot;\\n\n10.0.0.4""#)
        );
        let mermaid = graph.mermaid();
        let written = "\"a#34;#93;#59; b -- c#59; #37;#37;#123;init: ";
        assert_eq!(mermaid.matches(written).count(), 2, "{mermaid}");
        assert!(!mermaid.contains("<b>") && mermaid.contains("<br/>10.0.0.4\"]"), "{mermaid}");
    }
}
