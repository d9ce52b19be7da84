//! How far the feed of events has come, for those who wait for an event of theirs.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::enforce::verdict::Hub;
use crate::error::LabError;

/// How long an event may take from the log into force.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many failures are remembered for those who wait.
const REMEMBERED: usize = 100;

#[derive(Default)]
pub(super) struct FeedFollower {
    state: Mutex<FeedState>,
    moved: Condvar,
}

#[derive(Default)]
struct FeedState {
    place: u64,
    failed: VecDeque<(u64, String)>,
}

impl FeedFollower {
    /// An event was taken from the log, and is in force or failed. A failure is everybody's
    /// business: the lab is not what the log says.
    pub(super) fn reached(&self, place: u64, done: Result<(), LabError>, hub: &Hub) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.place = state.place.max(place);
        if let Err(error) = done {
            let what = error.to_string();
            hub.complain(format!("event {place} of the store is not in force: {what}"));
            if state.failed.len() >= REMEMBERED {
                state.failed.pop_front();
            }
            state.failed.push_back((place, what));
        }
        drop(state);
        self.moved.notify_all();
    }

    /// Waits until an event is in force.
    pub(super) fn wait(&self, place: u64) -> Result<(), LabError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |state: &mut FeedState| state.place < place;
        let (state, _) = self
            .moved
            .wait_timeout_while(state, PATIENCE, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        if state.place < place {
            let what = "the event is written, but has not reached the lab; `lab inspect` may \
                        say why";
            return Err(LabError::Answer(what.to_owned()));
        }
        match state.failed.iter().find(|(failed, _)| *failed == place) {
            Some((_, what)) => {
                Err(LabError::Answer(format!("the event is written, but is not in force: {what}")))
            }
            None => Ok(()),
        }
    }
}
