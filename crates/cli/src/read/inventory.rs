//! An inventory with further events, as several commands take them.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use egress25_policy::{
    Edition, Event, InventoryError, InventoryFile, Timeline, TimelineError, World, parse_events,
    parse_moment, utc_day,
};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::args::EditionArgs;
use crate::read::edition::{self, ChosenEdition};
use crate::read::input::{NamedText, stdin_once};
use crate::read::service_tags::service_tags;
use crate::say::failure::Failure;

/// An inventory, read and not yet built.
#[derive(Debug, Clone)]
pub struct InventoryInput {
    source: NamedText,
    file: InventoryFile,
    more: Vec<(NamedText, Vec<Event>)>,
    set: Vec<(String, String)>,
    /// The edition under which a store's log was begun; its events are the log's alone.
    log: Option<String>,
    /// Whether the text of each time judges, and so answers what happened where nothing names an edition.
    by_date: bool,
}

/// Reads the text of an inventory that is to begin something.
///
/// # Errors
/// The text is no inventory, or has names that are none.
pub fn inventory_file(source: &NamedText) -> Result<InventoryFile, Failure> {
    source.refuse_json("inventory")?;
    let file = InventoryFile::parse(&source.text);
    let checked = file.and_then(|file| file.check_what_begins().map(|()| file));
    Ok(checked.map_err(|error| source.inventory_error(&error))?)
}

impl InventoryInput {
    /// Refuses one in which nobody sends and nothing happens: it answers nothing.
    ///
    /// # Errors
    /// It is one.
    pub fn refuse_empty(&self, timeline: &Timeline) -> Result<(), Failure> {
        let is_empty = timeline.world().machines().is_empty() && timeline.events().is_empty();
        let what = "there is no machine in it and nothing happens: add `[machine.NAME]`";
        if is_empty { Err(self.source.error(what, None).into()) } else { Ok(()) }
    }

    /// Reads an inventory and files with more events.
    ///
    /// # Errors
    /// A file cannot be read or is bad.
    pub fn load(
        inventory: &Path,
        events: &[PathBuf],
        set: &[(String, String)],
    ) -> Result<Self, Failure> {
        stdin_once([inventory].into_iter().chain(events.iter().map(PathBuf::as_path)))?;
        let mut input = Self::beside(NamedText::read(inventory)?, inventory, set)?;
        for path in events {
            let source = NamedText::read(path)?;
            let events = events_of(&source)?;
            input.more.push((source, events));
        }
        Ok(input)
    }

    /// The inventory of a text that was read from a path, beside which the file of its service tags is.
    ///
    /// # Errors
    /// The text is no inventory, or that file cannot be read or is bad.
    pub fn beside(
        source: NamedText,
        path: &Path,
        set: &[(String, String)],
    ) -> Result<Self, Failure> {
        let mut input = Self::of(source, set)?;
        if let Some(file) = input.file.service_tag_file() {
            let file = path.parent().map_or_else(|| file.into(), |folder| folder.join(file));
            let text = NamedText::read(&file).map_err(|failure| {
                let what = format!("the service-tag file {failure}");
                let key = Some("service_tag_file".to_owned());
                input.source.inventory_error(&InventoryError { what, key, span: None })
            })?;
            input.file.tell_service_tags(service_tags(&text)?);
        }
        Ok(input)
    }

    /// An inventory from a text alone.
    ///
    /// # Errors
    /// The text is no inventory.
    pub fn of(source: NamedText, set: &[(String, String)]) -> Result<Self, Failure> {
        let file = inventory_file(&source)?;
        Ok(Self { source, file, more: vec![], set: set.to_vec(), log: None, by_date: false })
    }

    /// The log of a store, with the text of the inventory that it began with. The inventory's own
    /// events are in the log.
    ///
    /// # Errors
    /// The text is no inventory.
    pub fn of_log(
        source: NamedText,
        set: &[(String, String)],
        edition: String,
        log: (NamedText, Vec<Event>),
    ) -> Result<Self, Failure> {
        let file =
            InventoryFile::parse(&source.text).map_err(|error| source.inventory_error(&error))?;
        let (set, log, more) = (set.to_vec(), Some(edition), vec![log]);
        Ok(Self { source, file, more, set, log, by_date: false })
    }

    /// Adds the events of one more text.
    pub fn add_events(&mut self, source: NamedText, events: Vec<Event>) {
        self.more.push((source, events));
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.source.name
    }

    /// The edition of the arguments, of the inventory, or the default.
    ///
    /// # Errors
    /// There is no such edition.
    pub fn edition(&self, argument: Option<&str>) -> Result<Arc<Edition>, Failure> {
        match (argument, &self.log, self.file.edition()) {
            // What the file names is the file's to mend.
            (None, None, Some(named)) => edition::find(named).map_err(|failure| match failure {
                Failure::Usage(what) => {
                    let key = Some("edition".to_owned());
                    self.source.inventory_error(&InventoryError { what, key, span: None }).into()
                }
                other => other,
            }),
            (argument, log, named) => edition::choose(argument, log.as_deref().or(named)),
        }
    }

    /// What judges: as [`Self::edition`], or the text of each time.
    ///
    /// # Errors
    /// There is no such edition.
    pub fn judged_by(&mut self, argument: Option<&str>) -> Result<ChosenEdition, Failure> {
        if edition::is_by_date(argument) {
            self.by_date = true;
            return Ok(ChosenEdition::ByDate);
        }
        self.edition(argument).map(ChosenEdition::One)
    }

    /// The edition under which the inventory's events happened: the one that the file or the log
    /// names. Where none does it is the one that judges, or by date the text of each event's time.
    ///
    /// # Errors
    /// There is no such edition.
    pub fn own_edition(&self) -> Result<Option<Arc<Edition>>, Failure> {
        let named = self.log.is_some() || self.file.edition().is_some();
        named.then(|| self.edition(None)).transpose()
    }

    /// Builds the timeline as an edition judges it.
    ///
    /// Where that is another than the inventory's own, what happened has happened under the
    /// inventory's own: an exemption that was granted then counts as granted then.
    ///
    /// # Errors
    /// Something in the inventory does not fit, or an event cannot happen; the error says where.
    pub fn timeline(&self, edition: &Arc<Edition>) -> Result<Timeline, Failure> {
        self.timeline_on(edition, None)
    }

    /// As [`Self::timeline`], with the facts of the network as they stood on a day; none: on the
    /// edition's first.
    ///
    /// # Errors
    /// As for [`Self::timeline`].
    pub fn timeline_on(
        &self,
        edition: &Arc<Edition>,
        day: Option<Date>,
    ) -> Result<Timeline, Failure> {
        // What the command line says wrong is not the file's fault.
        edition::settings(edition, &self.set)?;
        let mut inventory = self
            .file
            .build(edition, &self.set)
            .map_err(|error| self.source.inventory_error(&error))?;
        inventory.world.day = day;
        if self.log.is_some() {
            inventory.events.clear();
        }
        inventory.events.extend(self.more.iter().flat_map(|(_, events)| events.iter().cloned()));
        if let Some(own) = self.own_edition()? {
            inventory.world.history = own;
        } else if self.by_date {
            for event in inventory.events.iter_mut().filter(|event| event.edition.is_none()) {
                event.edition = Some(Edition::at(utc_day(event.at))?.edition.id.clone());
            }
        }
        let mut sorted = inventory.events.clone();
        sorted.sort_by_key(|event| event.at);
        inventory
            .timeline(vec![])
            .map_err(|error| self.event_error(&error, sorted.get(error.place)))
    }

    /// The world as an edition judges it, with everything that had happened at a time, and the facts
    /// of the network as they stood on a day.
    ///
    /// # Errors
    /// Something in the inventory does not fit, or an event cannot happen; the error says where.
    pub fn world_at(
        &self,
        edition: &Arc<Edition>,
        at: Timestamp,
        day: Option<Date>,
    ) -> Result<World, Failure> {
        let mut timeline = self.timeline_on(edition, day)?;
        advance(&mut timeline, at)?;
        Ok(timeline.world().clone())
    }

    /// An event that cannot happen, where it stands in its file.
    fn event_error(&self, error: &TimelineError, event: Option<&Event>) -> Failure {
        let sources = [&self.source].into_iter().chain(self.more.iter().map(|(source, _)| source));
        for source in sources {
            if let Some(span) = event.and_then(|event| locate_event(&source.text, event)) {
                return source.error(error.to_string(), Some(span)).into();
            }
        }
        self.source.error(error.to_string(), None).into()
    }
}

/// Lets everything happen that takes effect at or before a time.
///
/// # Errors
/// An event cannot happen.
pub fn advance(timeline: &mut Timeline, at: Timestamp) -> Result<(), Failure> {
    let moved = timeline.move_to(timeline.position_at(at), |_, _| {});
    moved.map_err(|error| Failure::Usage(error.to_string()))
}

/// The world of an inventory, with everything that had happened at a time; none: now.
///
/// # Errors
/// The file cannot be read or is bad, or an event cannot happen.
pub fn world_as_of(
    inventory: &Path,
    args: &EditionArgs,
    at: Option<Timestamp>,
) -> Result<World, Failure> {
    let input = InventoryInput::load(inventory, &[], &args.set)?;
    let edition = input.edition(args.edition.as_deref())?;
    input.world_at(&edition, at.unwrap_or_else(Timestamp::now), at.map(utc_day))
}

/// The events of a file that has nothing else.
///
/// # Errors
/// What is wrong with it, and where.
pub fn events_of(source: &NamedText) -> Result<Vec<Event>, Failure> {
    source.refuse_json("list of events")?;
    parse_events(&source.text).map_err(|error| source.inventory_error(&error).into())
}

/// The bytes of a TOML text where an event stands.
fn locate_event(text: &str, event: &Event) -> Option<Range<usize>> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let events = document.get_ref().get("event")?.get_ref().as_array()?;
    let subject = event
        .kind
        .subscription()
        .map(egress25_policy::SubscriptionName::as_str)
        .or_else(|| event.kind.machine().map(egress25_policy::MachineName::as_str));
    events.iter().find_map(|found| {
        let table = found.get_ref().as_table()?;
        let word = |key: &str| table.get(key).and_then(|value| value.get_ref().as_str());
        let at = match table.get("at")?.get_ref() {
            toml::de::DeValue::Datetime(at) => at.to_string(),
            at => at.as_str()?.to_owned(),
        };
        let at: Timestamp = parse_moment(&at).ok()?;
        let named = [word("subscription"), word("machine")].into_iter().flatten();
        let fits = at == event.at
            && word("kind") == Some(event.kind.name())
            && subject.is_none_or(|subject| named.into_iter().any(|name| name == subject));
        fits.then(|| table.get("kind").map_or(found.span(), |kind| kind.span()))
    })
}
