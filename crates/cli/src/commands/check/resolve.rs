//! From the arguments to the question and the world that it is asked of.

use std::net::IpAddr;
use std::sync::Arc;

use egress25_policy::{
    Edition, EventKind, MachineName, Offer, Question, SMTP_PORT, Source, Timeline, World,
    WorldError, first_few, nearest, utc_day,
};
use ipnet::IpNet;
use jiff::Timestamp;
use jiff::civil::Date;

use crate::args::{CheckArgs, Described, InInventory};
use crate::commands::store::inventory;
use crate::read::deployment::{Deployment, Reached};
use crate::read::edition::{self, ChosenEdition};
use crate::read::inventory::{InventoryInput, advance};
use crate::read::whose::one_alone;
use crate::read::{network, offer};
use crate::say::failure::Failure;
use crate::say::output::counted;

/// What the question is asked of.
#[derive(Debug)]
pub(super) enum Scene {
    /// A deployment described by flags.
    Described {
        /// The facts.
        deployment: Box<Deployment>,
        /// Settings, by name.
        set: Vec<(String, String)>,
        /// The time of the question, where one is said.
        at: Option<Timestamp>,
    },
    /// An inventory at a time.
    Inventory {
        /// The inventory.
        inventory: Box<InventoryInput>,
        /// The time.
        at: Timestamp,
        /// The day that facts of the network are asked for, where the user said the time.
        day: Option<Date>,
    },
}

/// A question, the edition that answers it, and what it is asked of.
#[derive(Debug)]
pub(super) struct Subject {
    /// The edition that answers.
    pub edition: Arc<Edition>,
    /// The question.
    pub question: Question,
    /// What it is asked of.
    pub scene: Scene,
    /// What the user may want to know of how the arguments were read.
    pub notes: Vec<String>,
    /// That the edition was not the text of the question's time, where it was not.
    pub other_time: Option<String>,
}

impl Scene {
    /// The world as an edition judges it.
    ///
    /// # Errors
    /// Something in it does not fit, or cannot have happened.
    pub(super) fn world(&self, edition: &Arc<Edition>) -> Result<World, Failure> {
        match self {
            Self::Described { deployment, set, .. } => {
                let settings = edition::settings(edition, set)?;
                let internal = |error: WorldError| Failure::Internal(error.to_string());
                if let Some(offer) = deployment.undated(edition, &settings).map_err(internal)? {
                    return Err(no_date(offer, edition));
                }
                deployment.world(edition, settings).map_err(internal)
            }
            Self::Inventory { inventory, at, day } => inventory.world_at(edition, *at, *day),
        }
    }
}

/// That a day of creation is needed.
fn no_date(offer: Offer, edition: &Edition) -> Failure {
    let of_which = if edition.default { String::new() } else { format!(" of {}", edition.id) };
    Failure::Usage(format!(
        "--created is missing: the rule for {offer}{of_which} depends on the day on which the \
         subscription was created (Azure's API does not return it; the portal and the first \
         invoice show it)"
    ))
}

/// Reads the arguments as a question.
///
/// # Errors
/// They do not fit together, or a file is bad.
pub(super) fn resolve(args: &CheckArgs) -> Result<Subject, Failure> {
    one_alone(args.in_inventory.inventory.as_deref(), args.in_inventory.store.as_deref())?;
    match &args.in_inventory.inventory {
        Some(inventory) => {
            let inventory =
                InventoryInput::load(inventory, &args.in_inventory.events, &args.edition.set)?;
            in_inventory(args, &args.in_inventory, inventory)
        }
        None if of_the_store(args) => {
            let inventory = inventory(args.in_inventory.store.as_deref(), &args.edition.set)?;
            in_inventory(args, &args.in_inventory, inventory)
        }
        None => described(args, &args.described),
    }
}

/// Whether a machine is asked about, and not a subscription that flags describe.
const fn of_the_store(args: &CheckArgs) -> bool {
    let InInventory { machine, from, store, .. } = &args.in_inventory;
    machine.is_some() || from.is_some() || store.is_some()
}

/// Where the connection goes: the port of `--to`, of `--port`, or that of SMTP.
fn destination(args: &CheckArgs) -> Result<(IpAddr, u16), Failure> {
    match (args.to.port, args.port) {
        (Some(of_to), Some(port)) if of_to != port => Err(Failure::Usage(format!(
            "--to says port {of_to}, and --port says {port}; drop one of them"
        ))),
        (of_to, port) => Ok((args.to.address, of_to.or(port).unwrap_or(SMTP_PORT))),
    }
}

fn described(args: &CheckArgs, described: &Described) -> Result<Subject, Failure> {
    let (to, port) = destination(args)?;
    let of = &described.subscription;
    let offer = offer::offer(of)?.ok_or_else(|| {
        Failure::Usage(format!(
            "say --offer, --quota-id, --inventory or --store; the offers are: {}; --quota-id \
             recognises one by its quotaId",
            first_few(Offer::ALL.iter().map(|offer| offer.name()))
        ))
    })?;
    let reached = match (of.started_since_grant, described.deployed_since_grant) {
        (true, _) => Reached::Started,
        (_, true) => Reached::Deployed,
        _ => Reached::No,
    };
    let flag = match reached {
        Reached::No => None,
        Reached::Started => Some("started-since-grant"),
        Reached::Deployed => Some("deployed-since-grant"),
    };
    offer::reached_only_if_granted(of, flag)?;
    let exemption = of.exempt.unwrap_or_default();
    let created = of.created;
    let via_created = described.via_created.or(created);
    let deployment = Deployment {
        offer,
        created,
        exemption,
        reached,
        deployed: described.deployed,
        kind: described.kind.unwrap_or_default(),
        via: described.via,
        hub: described.via_offer.map(|offer| (offer, via_created)),
        public_address: false,
        to,
        port,
    };
    let space = Deployment::address_space();
    let mut notes = Vec::new();
    if space.iter().any(|net| net.contains(&to)) {
        let space: Vec<_> = space.iter().map(IpNet::to_string).collect();
        let space = space.join(" and ");
        notes.push(format!("the network is taken to be {space}, so {to} is inside of it"));
    }
    if to.is_ipv6() && !space.iter().any(|net| net.contains(&to)) {
        notes.push("the machine is taken to have a public IPv6 address".to_owned());
    }
    let asked_for = args.edition.edition.as_deref();
    let at = args.in_inventory.at;
    let chosen = match at {
        Some(_) if edition::is_by_date(asked_for) => ChosenEdition::ByDate,
        _ => ChosenEdition::One(edition::choose(asked_for, None)?),
    };
    let set = args.edition.set.clone();
    Ok(Subject {
        edition: chosen.at(at.unwrap_or_else(Timestamp::now))?,
        question: deployment.question(),
        other_time: at.map(|at| chosen.of_another_time(at, at)).transpose()?.flatten(),
        scene: Scene::Described { deployment: Box::new(deployment), set, at },
        notes,
    })
}

fn in_inventory(
    args: &CheckArgs,
    in_inventory: &InInventory,
    mut inventory: InventoryInput,
) -> Result<Subject, Failure> {
    let mut notes = Vec::new();
    let mut at = in_inventory.at.unwrap_or_else(Timestamp::now);
    let chosen = inventory.judged_by(args.edition.edition.as_deref())?;
    let edition = chosen.at(at)?;
    let day = in_inventory.at.map(utc_day);
    let mut timeline = inventory.timeline_on(&edition, day)?;
    if in_inventory.at.is_none() && in_inventory.inventory.is_none() {
        // Whatever the clock says, everything in a store has happened.
        at = timeline.events().last().map_or(at, |last| at.max(last.at));
    }
    advance(&mut timeline, at)?;
    let mut other_time = chosen.of_another_time(at, at)?;
    if in_inventory.at.is_none() && other_time.is_some() {
        // The time is now, and what the text in force answers stands beside this answer.
        let (id, now) = (&edition.id, &Edition::in_force()?.id);
        other_time = Some(format!("edition {id} answers; the text in force is {now} (below)"));
    }
    let own = inventory.own_edition()?;
    if let Some(own) = own.filter(|own| own.id != edition.id && !timeline.events().is_empty()) {
        notes.push(format!(
            "the inventory's events happened under its own edition, {}; {} judges",
            own.id, edition.id
        ));
    }
    let later = timeline.events().iter().filter(|event| event.at > at).count();
    if later > 0 {
        let events = counted(later, "event has", "events have");
        notes.push(format!("{events} not happened by {at}"));
    }
    let source = source(in_inventory, &timeline, at)?;
    let (destination, port) = destination(args)?;
    Ok(Subject {
        edition,
        question: Question { source, destination, port, source_port: args.from_port },
        scene: Scene::Inventory { inventory: Box::new(inventory), at, day },
        other_time,
        notes,
    })
}

/// Who sends: a machine of the inventory, or an address.
fn source(
    in_inventory: &InInventory,
    timeline: &Timeline,
    at: Timestamp,
) -> Result<Source, Failure> {
    let world = timeline.world();
    let what = if in_inventory.inventory.is_some() { "inventory" } else { "store" };
    if let Some(address) = in_inventory.from {
        let network = in_inventory.network.as_deref();
        let network = network.map(|name| network::named(world, name)).transpose()?;
        return Ok(Source::Address { network, address });
    }
    let names = || world.machines().keys().map(MachineName::as_str);
    let Some(name) = &in_inventory.machine else {
        return Err(Failure::Usage(format!(
            "say which machine sends with --machine (or an address with --from); the {what}'s \
             machines are: {}",
            first_few(names())
        )));
    };
    if !world.machines().contains_key(name.as_str()) {
        let deploys = |kind: &EventKind| {
            let is_it = kind.machine().is_some_and(|machine| machine.as_str() == name);
            is_it && matches!(kind, EventKind::MachineDeployed { .. })
        };
        let mut later = timeline.events().iter().filter(|event| event.at > at);
        if let Some(event) = later.find(|event| deploys(&event.kind)) {
            return Err(Failure::Usage(format!(
                "at {at:.0} the {what} has no machine `{name}` yet: it is deployed at {}; ask with \
                 a later --at",
                event.at
            )));
        }
        return Err(Failure::Usage(format!(
            "the {what} has no machine `{name}`; its machines are: {}",
            nearest(name, names())
        )));
    }
    Ok(Source::Machine(MachineName::from(name.as_str())))
}
