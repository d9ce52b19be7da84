//! A store behind a lab: its events come from there, and are written there.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use egress25_exemption_store::{
    Expected, Follower, FollowerState, Genesis, NewEntry, Place, SqliteLog, SqliteOptions, Store,
};
use egress25_lab::owner::{EventFeed, EventLog};
use egress25_policy::{Event, World};
use jiff::Timestamp;

use super::args::UpArgs;
use crate::failure::Failure;
use crate::input::Source;
use crate::lab_input::LabInput;

/// Who writes, as the store's entries say.
const WHO: &str = "egress25 lab";

/// The world of a store, what follows it, and where more is written.
pub(super) type Opened = (World, Box<dyn EventFeed>, Box<dyn EventLog>);

/// Opens the store of a lab, or begins it with the lab file.
pub(super) fn open(path: &Path, up: &UpArgs) -> Result<Opened, Failure> {
    let wrong = |error: egress25_exemption_store::StoreError| Failure::Internal(error.to_string());
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if !path.exists() {
        begin(&path, up)?;
    }
    let log = SqliteLog::open(&path, SqliteOptions::default())
        .map_err(|error| Failure::Internal(error.to_string()))?;
    let store = Store::open(log).map_err(wrong)?;
    let follower = store.follow().map_err(wrong)?;
    let world = follower.world().clone();
    let feed = Feed { follower, waiting: VecDeque::new(), stale: false };
    Ok((world, Box::new(feed), Box::new(Log(Mutex::new(store)))))
}

fn begin(path: &Path, up: &UpArgs) -> Result<(), Failure> {
    let wrong = |error: egress25_exemption_store::StoreError| Failure::Internal(error.to_string());
    let source = Source::read(&up.lab)?;
    let input = LabInput::of(source.clone(), &up.edition.set)?;
    let edition = input.edition(up.edition.edition.as_deref())?;
    let mut genesis = Genesis::new(Timestamp::now(), &edition.id).with_lab(&source.text);
    for (name, value) in &up.edition.set {
        genesis = genesis.with_setting(name, value);
    }
    let (_, events) = genesis.build().map_err(wrong)?;
    let options = SqliteOptions::default();
    let log = SqliteLog::create(&Place::File(path.to_owned()), &genesis, options).map_err(wrong)?;
    let mut store = Store::open(log).map_err(wrong)?;
    let until = up.at_time.unwrap_or_else(Timestamp::now);
    let mut past: Vec<Event> = events.into_iter().filter(|event| event.at <= until).collect();
    past.sort_by_key(|event| event.at);
    let batch: Vec<_> =
        past.into_iter().map(|event| NewEntry::new(event, Timestamp::now(), WHO)).collect();
    store.append(Expected::Any, &batch).map_err(wrong).map(drop)
}

struct Feed {
    follower: Follower,
    waiting: VecDeque<Event>,
    stale: bool,
}

impl EventFeed for Feed {
    fn next(&mut self) -> Option<Result<Event, String>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(Ok(event));
            }
            let waiting = &mut self.waiting;
            self.follower.poll(Duration::from_secs(1), |entry, _, _| {
                waiting.push_back(entry.event.clone());
            });
            match self.follower.state() {
                FollowerState::Current => self.stale = false,
                // It is told once; the last good world stays in force.
                FollowerState::Stale { error, .. } if !self.stale => {
                    self.stale = true;
                    return Some(Err(format!("the store cannot be followed: {error}")));
                }
                FollowerState::Stale { .. } => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    }
}

struct Log(Mutex<Store<SqliteLog>>);

impl EventLog for Log {
    fn append(&self, event: &Event) -> Result<(), String> {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        store
            .append(Expected::Any, &[NewEntry::new(event.clone(), Timestamp::now(), WHO)])
            .map(drop)
            .map_err(|error| error.to_string())
    }
}
