//! Virtual machines, and the instances of scale sets.

use egress25_policy::{Power, utc_day};
use jiff::Timestamp;
use jiff::civil::{Date, date};

use crate::arm::interface::{self, Interface};
use crate::block::Block;
use crate::export::{Export, SCALE_SETS};
use crate::fields::{Fields, Look as _};
use crate::gaps::{GapKind, Gaps};
use crate::id::Id;
use crate::resource::Kind;

/// What an export says of a power state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Is(Power),
    Changing,
    Nothing,
}

/// The tables of all machines, and the events of those that can be placed.
pub(crate) fn blocks(export: &Export, gaps: &mut Gaps) -> Vec<Block> {
    let (mut tables, mut events) = (Vec::new(), Vec::new());
    for (name, id) in export.machine_names.sorted() {
        let (table, happened) = one(export, name, id, gaps);
        tables.push(table);
        events.extend(happened);
    }
    for id in export.done.keys().filter(|id| !export.machines.contains_key(*id)) {
        let is_set = id.kind().as_deref() == Some("microsoft.compute/virtualmachinescalesets");
        if is_set {
            gaps.note(format!("scale set {}", id.name()), GapKind::EventOfSet);
        } else {
            gaps.note(format!("machine {}", id.name()), GapKind::EventOfNobody);
        }
    }
    events.sort_by_key(|(at, ..)| *at);
    tables.extend(events.into_iter().map(|(at, machine, kind)| {
        let mut block = Block::event();
        block.text("at", &at.to_string());
        block.text("kind", kind);
        block.text("machine", machine);
        block
    }));
    tables
}

/// The interfaces of a machine that can be placed, in their order.
pub(crate) fn placed(export: &Export, machine: &Id) -> Vec<Result<Interface, GapKind>> {
    let ids = export.machines.get(machine).into_iter().flatten();
    ids.map(|id| interface::read(export, id)).collect()
}

type Happened<'a> = Vec<(Timestamp, &'a str, &'static str)>;

fn one<'a>(export: &'a Export, name: &'a str, id: &Id, gaps: &mut Gaps) -> (Block, Happened<'a>) {
    let mut block = export.block(&["machine", name], id);
    block.text("subscription", export.subscription(id));
    let nothing = Fields::new();
    let found = export.resources.get(id, Kind::Machine);
    let fields = found.map_or(&nothing, |found| &found.fields);
    if found.is_none() {
        block.gap(gaps, GapKind::MachineMissing);
    }
    if let Some(kind) = kind(export, id, fields) {
        block.text("kind", kind);
    }
    let interfaces = placed(export, id);
    let whole: Vec<_> = interfaces.iter().filter_map(|one| one.as_ref().ok()).collect();
    for missing in interfaces.iter().filter_map(|one| one.as_ref().err()) {
        block.gap(gaps, missing.clone());
    }
    for missing in whole.iter().flat_map(|one| &one.gaps) {
        block.gap(gaps, missing.clone());
    }
    match whole.as_slice() {
        [] => {
            if interfaces.is_empty() {
                block.off(gaps, GapKind::InterfaceMissing);
            } else {
                block.off(
                    gaps,
                    interfaces.into_iter().find_map(Result::err).unwrap_or(GapKind::NoAddress),
                );
            }
            return (block, Vec::new());
        }
        [only] => {
            for (key, value) in &only.keys {
                block.raw(key, value);
            }
        }
        several => {
            let inline = |one: &&Interface| {
                let keys = one.keys.iter().map(|(key, value)| format!("{key} = {value}"));
                format!("{{ {} }}", keys.collect::<Vec<_>>().join(", "))
            };
            block.lines("interfaces", &several.iter().map(inline).collect::<Vec<_>>());
        }
    }
    let happened = life(export, name, id, fields, &mut block, gaps);
    (block, happened)
}

fn kind(export: &Export, id: &Id, fields: &Fields) -> Option<&'static str> {
    let flexible = |set: &Id| {
        let set = export.resources.get(set, Kind::ScaleSet);
        set.and_then(|set| set.fields.text("orchestrationmode"))
            .is_some_and(|mode| mode.eq_ignore_ascii_case("flexible"))
    };
    // An instance of a flexible set is a virtual machine that names its set; one of a uniform set
    // stands below it.
    if fields.reference("virtualmachinescaleset").is_some() {
        return Some("flexible-scale-set");
    }
    let set = id.parent().filter(|_| id.text().contains(SCALE_SETS))?;
    Some(if flexible(&set) { "flexible-scale-set" } else { "scale-set" })
}

/// Writes power state and deployment, and yields what happened to it. Its power state is the one
/// before that.
fn life<'a>(
    export: &'a Export,
    name: &'a str,
    id: &Id,
    fields: &Fields,
    block: &mut Block,
    gaps: &mut Gaps,
) -> Happened<'a> {
    let told = power(fields);
    let mut happened = Vec::new();
    let done = export.done.get(id).map_or(&[][..], Vec::as_slice);
    let first = done.first().map(|done| done.deed.before());
    if let Some(first) = first {
        if first == Power::Stopped {
            block.gap(gaps, GapKind::PowerBefore);
        }
        block.text("power", first.name());
    }
    let mut now = first;
    for done in done {
        match now.and_then(|power| done.deed.after(power)) {
            Some(next) => {
                happened.push((done.at, name, done.deed.event()));
                now = Some(next);
            }
            None => block.gap(gaps, GapKind::EventLeftOut),
        }
    }
    match (told, now) {
        (Told::Is(power), None) => {
            block.gap(gaps, GapKind::PowerAtExport);
            block.text("power", power.name());
        }
        (Told::Is(power), Some(now)) if power != now => block.gap(gaps, GapKind::PowerDiffers),
        (Told::Changing, None) => block.gap(gaps, GapKind::PowerChanging),
        (Told::Nothing, None) => block.gap(gaps, GapKind::PowerUnknown),
        _ => {}
    }
    // Without a power state, a deployment would be an event: the machine would not be there before.
    let known = first.is_some() || matches!(told, Told::Is(_));
    if let Some(deployed) = created(fields).filter(|_| known) {
        block.text("deployed", &deployed.to_string());
    }
    happened
}

/// Before this nothing was created: services write the first day of their calendar for no day at all.
const NOT_BEFORE: Date = date(2010, 2, 1);

/// When something was created.
pub(crate) fn created(fields: &Fields) -> Option<Timestamp> {
    let system = || fields.object("systemdata")?.text("createdat");
    let at = fields.text("timecreated").or_else(system)?.parse().ok()?;
    (utc_day(at) >= NOT_BEFORE).then_some(at)
}

/// The power state: az has it in words, the API among the statuses, Resource Graph as a code.
fn power(fields: &Fields) -> Told {
    let view = fields.object("instanceview");
    let statuses = view.into_iter().flat_map(|view| view.objects("statuses"));
    let of_status = statuses
        .filter_map(|status| status.text("code"))
        .find(|code| code.to_ascii_lowercase().starts_with("powerstate/"));
    let extended = || {
        let view = fields.object("extended")?.object("instanceview")?;
        view.object("powerstate")?.text("code")
    };
    let Some(told) = fields.text("powerstate").or(of_status).or_else(extended) else {
        return Told::Nothing;
    };
    let told = told.to_ascii_lowercase();
    match told.trim_start_matches("powerstate/").trim_start_matches("vm ") {
        "running" => Told::Is(Power::Running),
        "stopped" => Told::Is(Power::Stopped),
        "deallocated" => Told::Is(Power::Deallocated),
        _ => Told::Changing,
    }
}
