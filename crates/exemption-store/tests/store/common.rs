//! What the tests share: a small lab, plausible events, randomness with a seed.

use std::collections::BTreeMap;
use std::path::Path;

use egress25_exemption_store::{
    ExpectedRevision, Genesis, NewEntry, SqliteLog, SqliteOptions, Store, StoreError, StorePlace,
};
use egress25_policy::{
    Event, EventKind, ExemptionState, Machine, MachineName, NetworkName, Offer, Placement, Power,
    Subscription, SubscriptionName, VirtualNetwork, World,
};
use jiff::{SignedDuration, Timestamp};

/// Subscriptions with two machines each, in one network.
pub(crate) const SUBSCRIPTIONS: [(&str, Offer); 4] = [
    ("alpha", Offer::PayAsYouGo),
    ("beta", Offer::PartnerNetwork),
    ("gamma", Offer::Msdn),
    ("delta", Offer::CloudSolutionProvider),
];

pub(crate) fn start() -> Timestamp {
    "2020-12-08T09:00:00Z".parse().unwrap()
}

/// Seconds after the start.
pub(crate) fn at(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

pub(crate) fn genesis() -> Genesis {
    Genesis::new(start(), "2020-12")
}

pub(crate) fn event(at: Timestamp, kind: EventKind) -> Event {
    Event { at, edition: None, kind }
}

pub(crate) fn new(at: Timestamp, kind: EventKind) -> NewEntry {
    NewEntry::new(event(at, kind), at, "tester")
}

/// The entry with an idempotency key.
pub(crate) fn keyed(entry: NewEntry, key: impl Into<String>) -> NewEntry {
    NewEntry { key: Some(key.into()), ..entry }
}

/// Everything in a world that an event may change: two that began alike are the same if this is.
pub(crate) type WorldState = (
    BTreeMap<SubscriptionName, Subscription>,
    BTreeMap<NetworkName, VirtualNetwork>,
    BTreeMap<MachineName, Machine>,
);

pub(crate) fn state(world: &World) -> WorldState {
    (world.subscriptions().clone(), world.networks().clone(), world.machines().clone())
}

pub(crate) fn added(name: &str, offer: Offer) -> EventKind {
    EventKind::SubscriptionAdded {
        subscription: name.into(),
        offer,
        created: "2019-03-01".parse().unwrap(),
    }
}

pub(crate) fn asked(name: &str) -> EventKind {
    EventKind::ExemptionAsked {
        subscription: name.into(),
        channel: None,
        why: Some("a device that knows no authentication".to_owned()),
    }
}

pub(crate) fn granted(name: &str) -> EventKind {
    EventKind::ExemptionGranted { subscription: name.into() }
}

pub(crate) fn revoked(name: &str) -> EventKind {
    EventKind::ExemptionRevoked { subscription: name.into() }
}

pub(crate) fn deployed(machine: &str, subscription: &str, address: &str) -> EventKind {
    EventKind::MachineDeployed {
        machine: machine.into(),
        placement: Some(Placement {
            subscription: subscription.into(),
            network: "hub".into(),
            subnet: None,
            addresses: vec![address.parse().unwrap()],
        }),
    }
}

/// What every test's world begins with.
pub(crate) fn setup() -> Vec<NewEntry> {
    let mut events = vec![new(
        at(0),
        EventKind::NetworkAdded {
            network: "hub".into(),
            address_space: vec!["10.0.0.0/16".parse().unwrap()],
        },
    )];
    for (number, (name, offer)) in SUBSCRIPTIONS.iter().enumerate() {
        events.push(new(at(0), added(name, *offer)));
        for half in 0..2 {
            let machine = format!("{name}-{half}");
            let address = format!("10.0.{number}.{}", 4 + half);
            events.push(new(at(0), deployed(&machine, name, &address)));
        }
    }
    events
}

pub(crate) fn options() -> SqliteOptions {
    SqliteOptions { busy: std::time::Duration::from_secs(20) }
}

pub(crate) fn open(path: &Path) -> Store {
    try_open(path).unwrap()
}

pub(crate) fn try_open(path: &Path) -> Result<Store, StoreError> {
    Store::open(SqliteLog::open(path, options())?)
}

/// A new store with the world of [`setup`].
pub(crate) fn create(path: &Path) -> Store {
    let log = SqliteLog::create(&StorePlace::from(path), &genesis(), options()).unwrap();
    let mut store = Store::open(log).unwrap();
    store.append(ExpectedRevision::At(0), &setup()).unwrap();
    store
}

pub(crate) fn append(store: &mut Store, entry: NewEntry) -> Result<u64, StoreError> {
    store.append(ExpectedRevision::Any, &[entry]).map(|done| done[0].entry.revision)
}

/// The subscriptions and machines that the world takes to be exempt.
pub(crate) fn exempt(world: &World) -> Vec<String> {
    let granted = |state| state == ExemptionState::Granted;
    let subscriptions = world.subscriptions().iter();
    let machines = world.machines().iter();
    subscriptions
        .filter(|(_, subscription)| granted(subscription.exemption.state))
        .map(|(name, _)| name.to_string())
        .chain(
            machines
                .filter(|(_, machine)| machine.state.programmed.exempt)
                .map(|(name, _)| name.to_string()),
        )
        .collect()
}

/// A small generator (SplitMix64): the same seed, the same numbers.
#[derive(Debug, Clone)]
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }
}

/// An event that the world allows, about one of the subscriptions or machines.
pub(crate) fn allowed(world: &World, rng: &mut Rng, at: Timestamp) -> Event {
    loop {
        let kind = any_kind(world, rng);
        let event = event(at, kind);
        let granted = world.refuse_what_is_never_granted(&event);
        if granted.and_then(|()| world.clone().apply(&event)).is_ok() {
            return event;
        }
    }
}

/// Any event about one of the subscriptions or machines, allowed or not.
pub(crate) fn any_kind(world: &World, rng: &mut Rng) -> EventKind {
    let subscriptions: Vec<SubscriptionName> = world.subscriptions().keys().cloned().collect();
    let machines: Vec<MachineName> = world.machines().keys().cloned().collect();
    let subscription = subscriptions[rng.below(subscriptions.len())].clone();
    let machine = machines[rng.below(machines.len())].clone();
    match rng.below(16) {
        0 => asked(subscription.as_str()),
        1 => EventKind::ExemptionFurtherSteps { subscription },
        2 | 3 => EventKind::ExemptionGranted { subscription },
        4 => EventKind::ExemptionRefused { subscription },
        5 => EventKind::ExemptionRevoked { subscription },
        6 => EventKind::OfferChanged {
            subscription,
            offer: SUBSCRIPTIONS[rng.below(SUBSCRIPTIONS.len())].1,
        },
        7 => EventKind::MachineStopped { machine },
        8 | 9 => EventKind::MachineDeallocated { machine },
        10 | 11 => EventKind::MachineStarted { machine },
        12 => EventKind::MachineRestarted { machine },
        13 => EventKind::MachineRedeployed { machine },
        14 => EventKind::MachineDeleted { machine },
        _ => {
            // A machine of another subscription may take over a deleted one's name and address.
            let address = world.machines()[&machine].interfaces[0].addresses[0].to_string();
            match rng.below(3) {
                0 => EventKind::MachineDeployed { machine, placement: None },
                1 => deployed(machine.as_str(), subscription.as_str(), &address),
                _ => deployed(&format!("{machine}x"), subscription.as_str(), &address),
            }
        }
    }
}

/// A machine's next step in an endless circle: never refused, never done.
pub(crate) fn circle(world: &World, machine: &str) -> EventKind {
    let name = MachineName::from(machine);
    match world.machines()[&name].state.power {
        Power::Running => EventKind::MachineDeallocated { machine: name },
        _ => EventKind::MachineStarted { machine: name },
    }
}

/// A number from the environment, for the long runs.
pub(crate) fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().map_or(default, |text| text.parse().unwrap())
}

type Fill<'a> = &'a mut dyn FnMut(&Path) -> Result<(), StoreError>;

/// Keeps a file beside a store; who uses the library says how.
pub(crate) fn keep(
    path: &Path,
) -> impl FnMut(&str, Fill<'_>) -> Result<std::path::PathBuf, StoreError> {
    let path = path.display().to_string();
    move |ending, fill| {
        let mut names = (1..).map(|number| format!("{path}{ending}-{number}"));
        let kept = std::path::PathBuf::from(names.find(|name| !Path::new(name).exists()).unwrap());
        fill(&kept)?;
        Ok(kept)
    }
}

/// Restores a store that is there; what was there is kept.
pub(crate) fn restore(
    backup: &Path,
    to: &Path,
) -> Result<(egress25_exemption_store::VerifyReport, std::path::PathBuf), StoreError> {
    let (source, report) = SqliteLog::sound_backup(backup, options())?;
    let kept = source.restore_into(to, &mut keep(to))?;
    Ok((report, kept))
}
