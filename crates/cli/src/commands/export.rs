//! `export nft` and `export iptables`.

use egress25_lab::rules::{Family, RulePort, export_iptables, export_nft};

use crate::args::export::{ExportCommand, RulesExportArgs, SentBy};
use crate::read::inventory::world_as_of;
use crate::read::network;
use crate::say::console::Console;
use crate::say::failure::Failure;

/// Prints the policy of a network as rules.
///
/// # Errors
/// The inventory is bad, or nobody reads the output.
pub fn run(command: &ExportCommand, console: &mut Console) -> Result<(), Failure> {
    let args: &RulesExportArgs = match command {
        ExportCommand::Nft(args) => args,
        ExportCommand::Iptables(args) => &args.export,
    };
    let world = world_as_of(&args.inventory, &args.edition, args.at_time)?;
    let network = network::named_or_only(&world, args.network.as_deref())?;
    let mut named: Vec<&SentBy> = Vec::new();
    for port in &args.interface {
        match named.iter().find(|known| known.interface == port.interface) {
            None => named.push(port),
            Some(known) if known.machine == port.machine => {}
            Some(_) => {
                return Err(Failure::Usage(format!(
                    "`--interface {}` is given twice, and not as the port of one machine",
                    port.interface
                )));
            }
        }
    }
    let ports = named
        .into_iter()
        .map(|port| RulePort::outside(&world, &network, &port.interface, port.machine.as_ref()));
    let ports: Vec<_> = ports.collect::<Result<_, _>>()?;
    let text = match command {
        ExportCommand::Nft(_) => export_nft(&world, &network, &ports),
        ExportCommand::Iptables(more) => {
            let family = if more.ipv6 { Family::V6 } else { Family::V4 };
            export_iptables(&world, &network, &ports, family)
        }
    };
    console.lines(&text)
}
