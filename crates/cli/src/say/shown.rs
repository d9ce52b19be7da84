//! A line as a terminal may get it.

use std::borrow::Cow;
use std::ops::Add;

use egress25_policy::in_a_line;

/// A line in which nothing acts but the colours that [`Paint`](crate::say::console::Paint) gives.
///
/// Whatever text it is made of, or gets added, is spelt by [`in_a_line`]. It has no `Display`: a
/// text that was made of it, colours and all, could not be told from one that somebody else wrote.
#[derive(Debug, Clone, Default)]
pub struct Shown(String);

impl Shown {
    /// A text in a colour, which is that of the code.
    #[must_use]
    pub(super) fn in_color(code: &str, text: &str) -> Self {
        Self(format!("\u{1b}[{code}m{}\u{1b}[0m", in_a_line(text)))
    }

    /// Without the spaces at its end.
    #[must_use]
    pub fn trim_end(mut self) -> Self {
        self.0.truncate(self.0.trim_end().len());
        self
    }

    /// What the terminal gets.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Shown {
    fn from(text: &str) -> Self {
        Self(in_a_line(text).into_owned())
    }
}

impl From<String> for Shown {
    fn from(text: String) -> Self {
        match in_a_line(&text) {
            Cow::Borrowed(_) => Self(text),
            Cow::Owned(shown) => Self(shown),
        }
    }
}

impl From<&String> for Shown {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl<T: AsRef<str>> Add<T> for Shown {
    type Output = Self;

    fn add(mut self, text: T) -> Self {
        self.0.push_str(&in_a_line(text.as_ref()));
        self
    }
}

impl Add<Self> for Shown {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.0.push_str(&other.0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn a_text_brought_its_own_colours_and_lines() {
        let line = Shown::in_color("1", "a\u{1b}[31m") + "b\nc" + Shown::from("\u{202e}d");
        assert_eq!(line.as_str(), "\u{1b}[1ma\\u{1b}[31m\u{1b}[0mb\\nc\\u{202e}d");
    }
}
