//! `filter`: the policy on a network that is there already.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use egress25_lab::enforce::judge::Court;
use egress25_lab::enforce::policy_state::PolicyState;
use egress25_lab::enforce::queue_rules;
use egress25_lab::enforce::standalone::{InterfaceFilter, queue, remove};
use egress25_lab::enforce::verdict::{Hub, Told};
use egress25_lab::error::LabError;
use egress25_lab::owner::EventFeed;
use egress25_lab::privileges;
use egress25_policy::{World, in_a_line};
use jiff::Timestamp;
use rustix::thread::CapabilitySet;

use crate::args::StreamFormat;
use crate::args::export::SentBy;
use crate::args::filter::FilterArgs;
use crate::commands::store::follow::{LiveWorld, Opened};
use crate::read::network;
use crate::say::console::{Console, to_stderr};
use crate::say::failure::Failure;
use crate::say::output;
use crate::say::verdict::verdict;

/// Puts the policy in force on an interface or a queue.
///
/// # Errors
/// The inventory is bad, or the filter cannot be put in force.
pub fn run(args: &FilterArgs, console: &mut Console) -> Result<(), Failure> {
    if args.remove
        && let Some(interface) = &args.interface
    {
        privileges::confine(privileges::JUDGE)?;
        return Ok(remove(&interface.interface)?);
    }
    if args.rules {
        for (program, rules) in queue_rules(args.queue.unwrap_or_default()) {
            console.line(format!("# {program}-restore --noflush"))?;
            console.lines(&rules)?;
        }
        return Ok(());
    }
    let Some(inventory) = &args.inventory else {
        return Err(Failure::Usage("say which inventory with --inventory".to_owned()));
    };
    let from = LiveWorld {
        inventory,
        edition: &args.edition,
        at: args.at_time,
        store: args.store.as_deref(),
    };
    let Opened { world, events, begun } = from.open()?;
    // Before the first thread. `nft` needs no more, and a queue's resets are frames.
    let files = files(events.is_some());
    let frames = if args.queue.is_some() { privileges::FRAMES } else { privileges::NOTHING };
    privileges::confine(privileges::JUDGE | files | frames)?;
    let enforced = enforce(args, &world, events.map(|(feed, _)| feed), console);
    if let (Err(_), Some(begun)) = (&enforced, begun) {
        begun.take_away();
    }
    enforced
}

/// What a store takes: it may be another user's.
const fn files(has_store: bool) -> CapabilitySet {
    if has_store { privileges::FILES } else { privileges::NOTHING }
}

/// Judges the packets of an interface or a queue for as long as it is wanted.
fn enforce(
    args: &FilterArgs,
    world: &World,
    feed: Option<Box<dyn EventFeed>>,
    console: &mut Console,
) -> Result<(), Failure> {
    // To take a store away again that was begun here.
    let kept = files(feed.is_some());
    let network = network::named_or_only(world, args.network.as_deref())?;
    let policy = Arc::new(PolicyState::new(world)?);
    let court = Court { policy, hub: Arc::new(Hub::default()), clock: Timestamp::now };
    let heard = court.hub.listen(false);
    if let Some(SentBy { interface, machine }) = &args.interface {
        let filter = InterfaceFilter::load(&court, &network, interface, machine.clone());
        // Kept to the end: as long as it is there nobody else filters the interface.
        let filter = Arc::new(filter?);
        console.note(&format!(
            "in force on `{interface}`; the rules stay when this ends (`--remove` takes them away)"
        ));
        let updated = filter.clone();
        follow(&court, feed, move |court| updated.update(&court.policy.world()))?;
        privileges::keep(kept)?;
        tell(&heard, args.format, console);
        drop(filter);
        return Ok(());
    }
    let number = args.queue.unwrap_or_default();
    follow(&court, feed, |_| Ok(()))?;
    let judged = court;
    let (ended, has_ended) = std::sync::mpsc::channel();
    std::thread::Builder::new()
        .name("queue".to_owned())
        .spawn(move || {
            let result = queue(&judged, &network, number, || {
                to_stderr(&format!("note: queue {number} is open"));
            });
            let _ = ended.send(result);
            // Whoever waits for verdicts is told by this that none will come.
            judged.hub.close();
        })
        .map_err(|source| Failure::Internal(format!("no thread can be started: {source}")))?;
    privileges::keep(kept)?;
    tell(&heard, args.format, console);
    match has_ended.recv() {
        Ok(Err(error)) => Err(error.into()),
        _ => Ok(()),
    }
}

/// Follows a store: the policy first, then whatever else has to be brought up to it.
fn follow(
    court: &Court,
    feed: Option<Box<dyn EventFeed>>,
    after: impl Fn(&Court) -> Result<(), LabError> + Send + 'static,
) -> Result<(), Failure> {
    let Some(mut feed) = feed else { return Ok(()) };
    let court = court.clone();
    std::thread::Builder::new()
        .name("feed".to_owned())
        .spawn(move || {
            let warn = |what: String| {
                to_stderr(&format!("warning: {}", in_a_line(&what)));
            };
            loop {
                let polled = feed.poll(&mut |next| {
                    let followed = court.policy.follow(next.world, next.applied);
                    if let Err(error) = followed.and_then(|()| after(&court)) {
                        warn(error.to_string());
                    }
                });
                polled.unwrap_or_else(warn);
            }
        })
        .map(drop)
        .map_err(|source| Failure::Internal(format!("no thread can be started: {source}")))
}

/// Tells the verdicts for as long as there are any. Whether anybody reads them changes nothing of
/// what is enforced: where they cannot be written, that is said once, and the filter goes on.
fn tell(heard: &Receiver<Told>, format: StreamFormat, console: &mut Console) {
    let mut silent = false;
    while let Ok(told) = heard.recv() {
        let written = match told {
            Told::Verdict(_) if silent => Ok(()),
            Told::Verdict(event) if format == StreamFormat::Human => verdict(&event, console),
            Told::Verdict(event) => output::ndjson(console, &*event),
            Told::Note(what) => {
                console.warn(&what);
                Ok(())
            }
            Told::Missed(count) => {
                console.warn(&format!("{count} verdicts came too fast to tell"));
                Ok(())
            }
        };
        if silent {
            continue;
        }
        if let Err(failure) = written.and_then(|()| console.finish()) {
            silent = true;
            console.warn(&format!(
                "{failure}: verdicts are no longer told, and the filter stays in force"
            ));
        }
    }
}
