//! `bench`: how fast packets are judged on this machine, in memory and from a file.

mod figures;
mod libpcap;
mod machine;
mod packet_file;
mod packets;
mod pipeline;
mod rounds;
mod stage;
mod statistics;
mod written;

use std::sync::Arc;

use egress25_packet_filter::table::{NetworkId, Table};

use crate::args::BenchArgs;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::signals::Signals;
use figures::{BenchTable, Figures, Measured, MeasuredTime};
use libpcap::Libpcap;
use machine::{HostMachine, Versions};
use packet_file::PacketFile;
use packets::Packets;
use pipeline::{Pipeline, TCPDUMP, Tcpdump};
use rounds::{Contender, RoundsProgress, in_turns};
use stage::LIBPCAP;

/// Measures.
///
/// # Errors
/// A file is bad, the capture or the figures cannot be written, or a signal came.
pub fn run(args: &BenchArgs, console: &mut Console) -> Result<(), Failure> {
    let (packets, table, network) = packets::load(args)?;
    if packets.is_empty() {
        return Err(Failure::Usage("there is no packet to measure with".to_owned()));
    }
    packets.warnings().iter().for_each(|warning| console.warn(warning));
    let libpcap = packets.is_ethernet().then(Libpcap::load).flatten();
    if libpcap.is_none() {
        console.note("libpcap is not installed, or the packets are not Ethernet: not compared");
    }
    let signals = Signals::catch()?;
    let least = u64::from(args.file_size.get()) << 20;
    let file = PacketFile::write(&packets, least)?;
    let mut judges = stage::contenders(&packets, &table, network, libpcap.as_ref());
    let mut pipelines = pipelines(&file, &packets, (&table, network), console);
    let (judge, pipeline) = {
        let everybody = judges.len().saturating_add(pipelines.len());
        let rounds = usize::try_from(args.warm_up.saturating_add(args.rounds.get()));
        let turns = everybody.saturating_mul(rounds.unwrap_or(usize::MAX));
        let progress = RoundsProgress::new(console, &signals, turns);
        progress.is_wanted()?;
        let judge = in_turns(&mut judges, args, &progress)?;
        (judge, in_turns(&mut pipelines, args, &progress)?)
    };
    let in_memory = Measured {
        clock: MeasuredTime::Elapsed,
        packets: u64::try_from(packets.len()).unwrap_or(u64::MAX),
        bytes: packets.bytes(),
    };
    let in_file =
        Measured { clock: MeasuredTime::Processors, packets: file.packets(), bytes: file.bytes() };
    let figures = Figures {
        source: packets.source().to_owned(),
        rounds: args.rounds.get(),
        warm_up: args.warm_up,
        machine: HostMachine::here(),
        versions: Versions::of(libpcap.as_ref()),
        judge: BenchTable::of(in_memory, LIBPCAP, &judge),
        pipeline: BenchTable::of(in_file, TCPDUMP, &pipeline),
    };
    written::write(&figures, args.format, console)
}

/// Who reads the file: we, and tcpdump where it can.
fn pipelines<'a>(
    file: &'a PacketFile,
    packets: &Packets,
    (table, network): (&Arc<Table>, Option<NetworkId>),
    console: &Console,
) -> Vec<Box<dyn Contender + 'a>> {
    let pipeline = Pipeline { file, table: table.clone(), network };
    let mut all: Vec<Box<dyn Contender + 'a>> = vec![Box::new(pipeline)];
    if !packets.is_ethernet() {
        console.note("the packets are not Ethernet: not compared with tcpdump");
        return all;
    }
    match Tcpdump::on(file) {
        Ok(tcpdump) => all.push(Box::new(tcpdump)),
        Err(said) => console.note(&format!("not compared with tcpdump: {said}")),
    }
    all
}
