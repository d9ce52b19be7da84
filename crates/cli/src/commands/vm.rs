//! `vm …`.

use egress25_exemption_store::Store;
use egress25_policy::{
    EventKind, Machine, MachineName, NetworkName, Placement, SubnetName, SubscriptionName,
};
use serde::Serialize;

use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow};

use crate::args::store::{NamedArgs, StoreListArgs};
use crate::args::vm::{DeployArgs, VmCommand};
use crate::commands::store::next_steps::pick_up;
use crate::commands::store::record::{is_recorded, record};
use crate::commands::store::{open, world};

/// Runs `vm …`.
///
/// # Errors
/// The store can't be used, or the state machines forbid it.
pub fn run(command: &VmCommand, console: &mut Console) -> Result<(), Failure> {
    let machine = |named: &NamedArgs| MachineName::from(named.name.as_str());
    let (named, kind) = match command {
        VmCommand::List(args) => return list(args, console),
        VmCommand::Deploy(args) => return deploy(args, console),
        VmCommand::Stop(args) => {
            let machine = machine(&args.named);
            let kind = if args.guest {
                EventKind::GuestShutdown { machine }
            } else {
                EventKind::MachineStopped { machine }
            };
            (&args.named, kind)
        }
        VmCommand::Deallocate(named) => {
            (named, EventKind::MachineDeallocated { machine: machine(named) })
        }
        VmCommand::Start(named) => (named, EventKind::MachineStarted { machine: machine(named) }),
        VmCommand::Restart(named) => {
            (named, EventKind::MachineRestarted { machine: machine(named) })
        }
        VmCommand::Redeploy(named) => {
            (named, EventKind::MachineRedeployed { machine: machine(named) })
        }
        VmCommand::Delete(named) => (named, EventKind::MachineDeleted { machine: machine(named) }),
    };
    let mut store = open(&named.place)?;
    finish(&mut store, named, vec![kind], console)
}

fn deploy(args: &DeployArgs, console: &mut Console) -> Result<(), Failure> {
    let mut store = open(&args.named.place)?;
    let machine = MachineName::from(args.named.name.as_str());
    let mut kinds = Vec::new();
    let placement = match &args.subscription {
        None => None,
        Some(_) if args.address.is_empty() => {
            return Err(Failure::Usage("a new machine needs an --address".to_owned()));
        }
        Some(subscription) => {
            let network = NetworkName::from(args.network.as_str());
            let is_begun = store.world().networks().contains_key(&network);
            if !is_begun || is_recorded(&store, &args.named.record, true)? {
                let address_space = args.address_space.clone();
                kinds.push(EventKind::NetworkAdded { network: network.clone(), address_space });
            }
            Some(Placement {
                subscription: SubscriptionName::from(subscription.as_str()),
                network,
                subnet: args.subnet.as_deref().map(SubnetName::from),
                addresses: args.address.clone(),
            })
        }
    };
    kinds.push(EventKind::MachineDeployed { machine, placement });
    finish(&mut store, &args.named, kinds, console)
}

/// Records what happened to a machine, and says how it stands.
fn finish(
    store: &mut Store,
    named: &NamedArgs,
    kinds: Vec<EventKind>,
    console: &mut Console,
) -> Result<(), Failure> {
    let name = MachineName::from(named.name.as_str());
    record(named, store, kinds, console, |world| {
        let headline = world.machines().get(&name).map_or_else(
            || format!("{name} is gone"),
            |machine| format!("{name} is {}", machine.state.power),
        );
        (headline, pick_up(world, [&name], &named.place))
    })
}

#[derive(Debug, Serialize)]
struct MachineRow {
    machine: String,
    subscription: String,
    power: &'static str,
    exempt: bool,
    /// What programmed it.
    programmed_by: egress25_policy::ProgrammedBy,
    programmed_at: Option<jiff::Timestamp>,
    offer_then: &'static str,
    addresses: Vec<String>,
}

#[derive(Debug, Serialize)]
struct MachineList<'a> {
    machines: &'a [MachineRow],
}

impl TableRow for MachineRow {
    const COLUMNS: &'static [&'static str] =
        &["machine", "subscription", "power", "exempt", "by", "at", "addresses"];

    fn cells(&self) -> Vec<String> {
        let by = serde_json::to_value(self.programmed_by).unwrap_or_default();
        vec![
            self.machine.clone(),
            self.subscription.clone(),
            self.power.to_owned(),
            if self.exempt { "yes" } else { "no" }.to_owned(),
            output::text(&by),
            self.programmed_at.map(|at| at.to_string()).unwrap_or_default(),
            self.addresses.join(" "),
        ]
    }
}

fn list(args: &StoreListArgs, console: &mut Console) -> Result<(), Failure> {
    let world = world(args)?;
    let row = |(name, machine): (&MachineName, &Machine)| {
        let programmed = &machine.state.programmed;
        let addresses = machine.interfaces.iter().flat_map(|interface| &interface.addresses);
        MachineRow {
            machine: name.to_string(),
            subscription: machine.subscription.to_string(),
            power: machine.state.power.name(),
            exempt: programmed.exempt,
            programmed_by: programmed.by,
            programmed_at: programmed.at,
            offer_then: programmed.offer.name(),
            addresses: addresses.map(ToString::to_string).collect(),
        }
    };
    let rows: Vec<_> = world.machines().iter().map(row).collect();
    output::list(console, args.format, &rows, &MachineList { machines: &rows })
}
