//! Tables of the inventory as text: keys, comments, and what is missing, commented out.

use egress25_policy::{in_a_line, toml_in_sight};

use crate::gaps::{GapKind, Gaps, grouped};

/// How long the lines of comments are at most.
const WIDTH: usize = 100;

/// A table of the inventory.
#[derive(Debug)]
pub(crate) struct Block {
    place: String,
    /// What it is of, as counts call it.
    kind: String,
    header: String,
    lines: Vec<String>,
    /// Something that it needs is missing: all of it is a comment.
    is_off: bool,
}

/// A list of texts as TOML writes it.
pub(crate) fn list(texts: impl IntoIterator<Item = impl ToString>) -> String {
    let texts: Vec<_> = texts.into_iter().map(|text| toml_in_sight(&text.to_string())).collect();
    format!("[{}]", texts.join(", "))
}

/// A line of a list in the place of something that cannot be read. With it the inventory does not
/// load: without it a rule that denies would let pass, and a route would lead elsewhere.
pub(crate) fn unread(what: &str, name: &str) -> String {
    format!(
        "{{ unread = {} }}",
        toml_in_sight(&format!("{what} `{}`: {WRITE_IT}", in_a_line(name)))
    )
}

/// What is to be done with a line that cannot be read.
const WRITE_IT: &str = "write it here, or take this line out";

/// The value of `unread_KEY`, in the place of a key whose value cannot be read: as [`unread`] does,
/// it stops the inventory from loading.
pub(crate) fn unread_value(key: &str) -> String {
    toml_in_sight(&format!("`{key}`: {WRITE_IT}"))
}

/// A comment of lines that are not too long.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec!["#".to_owned()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len().saturating_add(word.len()) < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("#   {word}")),
        }
    }
    lines
}

/// What stands above all tables: the gaps of what has none, and what could not be placed, which stops
/// the inventory from loading.
pub(crate) fn head(gaps: &Gaps, unplaced: &[String], to: &mut String) {
    for (kind, places) in grouped(&gaps.of_the_whole()) {
        for line in wrapped(&format!("GAP: {}: {}", places.join(", "), kind.sentence())) {
            to.push_str(&line);
            to.push('\n');
        }
    }
    if !unplaced.is_empty() {
        to.push_str(&format!("unread = {}\n", list(unplaced)));
    }
}

fn key(part: &str) -> String {
    let bare = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-');
    if !part.is_empty() && part.chars().all(bare) { part.to_owned() } else { toml_in_sight(part) }
}

impl Block {
    /// The table of a name.
    pub(crate) fn new(path: &[&str]) -> Self {
        let header = path.iter().map(|part| key(part)).collect::<Vec<_>>().join(".");
        Self {
            place: path.join("."),
            kind: path
                .get(2)
                .or_else(|| path.first())
                .map_or(String::new(), |of| of.replace('-', "_")),
            header: format!("[{header}]"),
            lines: Vec::new(),
            is_off: false,
        }
    }

    /// An event.
    pub(crate) fn event() -> Self {
        let header = "[[event]]".to_owned();
        Self {
            place: "event".to_owned(),
            kind: "event".to_owned(),
            header,
            lines: Vec::new(),
            is_off: false,
        }
    }

    /// A key with a value as TOML writes it.
    pub(crate) fn raw(&mut self, key: &str, value: &str) {
        self.lines.push(format!("{key} = {value}"));
    }

    /// A key with a text.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.raw(key, &toml_in_sight(value));
    }

    /// A key with texts, where there are any.
    pub(crate) fn list(&mut self, key: &str, values: impl IntoIterator<Item = impl ToString>) {
        let mut values = values.into_iter().peekable();
        if values.peek().is_some() {
            self.raw(key, &list(values));
        }
    }

    /// A list with a line for each item, as TOML writes them.
    pub(crate) fn lines(&mut self, key: &str, items: &[String]) {
        match items {
            [] => self.raw(key, "[]"),
            _ => {
                self.lines.push(format!("{key} = ["));
                self.lines.extend(items.iter().map(|item| format!("    {item},")));
                self.lines.push("]".to_owned());
            }
        }
    }

    /// A remark: in one line, whatever is named in it.
    pub(crate) fn remark(&mut self, text: &str) {
        self.lines.push(format!("# {}", in_a_line(text)));
    }

    /// Something is missing here.
    pub(crate) fn gap(&mut self, gaps: &mut Gaps, kind: GapKind) {
        let lines = wrapped(&format!("GAP: {}", kind.sentence()));
        if !self.lines.windows(lines.len()).any(|known| known == lines) {
            self.lines.extend(lines);
        }
        gaps.in_table(&self.place, kind);
    }

    /// What stands below a key cannot be read: the inventory does not load until it is written.
    pub(crate) fn unread(&mut self, key: &str) {
        self.raw(&format!("unread_{key}"), &unread_value(key));
    }

    /// Something is missing without which the table cannot stand.
    pub(crate) fn off(&mut self, gaps: &mut Gaps, kind: GapKind) {
        self.gap(gaps, kind);
        self.is_off = true;
    }

    /// What it is of, where it is commented out.
    pub(crate) fn off_kind(&self) -> Option<&str> {
        self.is_off.then_some(self.kind.as_str())
    }

    /// The table as text.
    pub(crate) fn write(&self, to: &mut String) {
        to.push('\n');
        for line in std::iter::once(&self.header).chain(&self.lines) {
            if self.is_off && !line.starts_with('#') {
                to.push_str("# ");
            }
            to.push_str(line);
            to.push('\n');
        }
    }
}
