//! What became of something, in a word that has a shape beside its colour.

use egress25_policy::Verdict;

/// A word with its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    pub(super) shape: SymbolShape,
    pub(super) word: &'static str,
}

/// A shape; each has a colour of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SymbolShape {
    /// For what came about.
    Circle,
    /// For what vanished.
    Square,
    /// For what was refused.
    Triangle,
    /// For anything else.
    Diamond,
}

impl Symbol {
    /// A word with a shape; a page gives a shape to one word alone.
    #[must_use]
    pub const fn new(shape: SymbolShape, word: &'static str) -> Self {
        Self { shape, word }
    }
}

impl From<Verdict> for Symbol {
    fn from(verdict: Verdict) -> Self {
        let shape = match verdict {
            Verdict::Pass => SymbolShape::Circle,
            Verdict::Drop => SymbolShape::Square,
            Verdict::Reject => SymbolShape::Triangle,
        };
        Self::new(shape, verdict.name())
    }
}

impl SymbolShape {
    /// Its class in the style sheet.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Circle => "circle",
            Self::Square => "square",
            Self::Triangle => "triangle",
            Self::Diamond => "diamond",
        }
    }
}
