//! `export nft` and `export iptables`.

use egress25_lab::ruleset::{Family, export_iptables, export_nft};

use super::args::{ExportArgs, ExportCommand};
use super::world;
use crate::console::Console;
use crate::failure::Failure;

pub(super) fn run(command: &ExportCommand, console: &mut Console) -> Result<(), Failure> {
    let args: &ExportArgs = match command {
        ExportCommand::Nft(args) => args,
        ExportCommand::Iptables(args) => &args.export,
    };
    let world = world::as_of(&args.lab, &args.edition, args.at_time)?;
    let network = world::network(&world, args.network.as_deref())?;
    let text = match command {
        ExportCommand::Nft(_) => export_nft(&world, &network, &args.interface),
        ExportCommand::Iptables(more) => {
            let family = if more.ipv6 { Family::V6 } else { Family::V4 };
            export_iptables(&world, &network, &args.interface, family)
        }
    };
    console.line(text.trim_end())
}
