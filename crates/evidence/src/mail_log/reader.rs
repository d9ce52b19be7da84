//! What every reader of a program's log does.

use std::collections::VecDeque;

use crate::mail_log::attempt::Attempt;
use crate::mail_log::line::Line;

/// Reads what one program writes, line by line.
pub(super) trait Reader {
    /// Takes a line; `false` where it is not this program's, or is not understood.
    fn read(&mut self, line: &Line, found: &mut Vec<Attempt>) -> bool;

    /// Nothing comes any more.
    fn end(&mut self, _found: &mut Vec<Attempt>) {}
}

/// What a reader remembers, by a key, of things that are not over: the oldest is given up first.
#[derive(Debug)]
pub(super) struct Remembered<T> {
    kept: VecDeque<(String, T)>,
}

/// How many things that are not over a reader remembers.
const MOST: usize = 512;

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { kept: VecDeque::new() }
    }
}

impl<T> Remembered<T> {
    /// Remembers something under a key; what was given up for it comes back.
    pub(super) fn put(&mut self, key: String, thing: T) -> Option<T> {
        let full = self.kept.len() >= MOST;
        let given_up = if full { self.kept.pop_front() } else { None };
        self.kept.push_back((key, thing));
        given_up.map(|(_, thing)| thing)
    }

    /// What was put last.
    pub(super) fn last(&mut self) -> Option<&mut T> {
        self.kept.back_mut().map(|(_, thing)| thing)
    }

    /// Takes what is remembered of a key.
    pub(super) fn take(&mut self, key: &str) -> Option<T> {
        let place = self.kept.iter().rposition(|(known, _)| known == key)?;
        self.kept.remove(place).map(|(_, thing)| thing)
    }

    /// Takes all of it.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = T> {
        self.kept.drain(..).map(|(_, thing)| thing)
    }
}
