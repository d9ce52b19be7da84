//! The figures in each format.

use crate::args::BenchFormat;
use crate::commands::bench::figures::{BenchTable, Figure, Figures, MeasuredTime};
use crate::commands::bench::machine::{HostMachine, Versions};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;

/// Writes them.
///
/// # Errors
/// The write failed.
pub(super) fn write(
    figures: &Figures,
    format: BenchFormat,
    console: &mut Console,
) -> Result<(), Failure> {
    match format {
        BenchFormat::Json => output::json(console, &output::Versioned::new(figures)),
        BenchFormat::Csv => csv(figures, console),
        BenchFormat::Markdown => markdown(figures, console),
        BenchFormat::Human => human(figures, console),
    }
}

/// The tables, each with its name for scripts.
fn tables(figures: &Figures) -> [(&'static str, &BenchTable); 2] {
    [("judge", &figures.judge), ("pipeline", &figures.pipeline)]
}

/// What a table shows.
fn title(figures: &Figures, table: &BenchTable) -> String {
    let Figures { source, .. } = figures;
    let packets = table.measured.packets;
    match table.measured.clock {
        MeasuredTime::Elapsed => {
            format!(
                "judge, on packets in memory: {source}, {packets} packets, one thread, time elapsed"
            )
        }
        MeasuredTime::Processors => {
            #[expect(clippy::cast_precision_loss, reason = "for people")]
            let megabytes = table.measured.bytes as f64 / 1e6;
            format!(
                "read -> judge -> count, on a capture file: {packets} packets, {megabytes:.0} MB, \
                 ns/packet in CPU time of all threads"
            )
        }
    }
}

/// What was measured on, and how.
fn environment(figures: &Figures) -> [String; 3] {
    let HostMachine { processor, processors, vectors, kernel } = &figures.machine;
    let Versions { egress25, libpcap, tcpdump } = &figures.versions;
    let or_none = |version: &Option<String>| version.clone().unwrap_or_else(|| "none".to_owned());
    let (rounds, warm_up) = (figures.rounds, figures.warm_up);
    let processors = output::counted(*processors, "processor", "processors");
    [
        format!("{processor}, {processors}, {vectors}; {kernel}"),
        format!("egress25 {egress25}; libpcap {}; tcpdump {}", or_none(libpcap), or_none(tcpdump)),
        format!(
            "medians of {} in turns, {warm_up} before them to warm up; 25 to 75 %: their middle \
             half; outliers: beyond 1.5 of its widths",
            output::counted(rounds, "round", "rounds"),
        ),
    ]
}

/// The columns of a table for people.
fn header(table: &BenchTable) -> [String; 8] {
    let peer = table.peer.as_deref().unwrap_or("peer");
    let peer = peer.split_whitespace().next().unwrap_or(peer);
    let time = match table.measured.clock {
        MeasuredTime::Elapsed => "Mpps",
        MeasuredTime::Processors => "elapsed ns",
    };
    ["", "ns/packet", "25 to 75 %", "outliers", time, "GB/s", &format!("times {peer}"), "found"]
        .map(str::to_owned)
}

/// The cells of a contender for people.
fn cells(table: &BenchTable, figure: &Figure) -> [String; 8] {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let Figure { name, spread, .. } = figure;
    let time = match table.measured.clock {
        MeasuredTime::Elapsed => figure.million_packets_per_second,
        MeasuredTime::Processors => figure.elapsed_nanoseconds_per_packet,
    };
    [
        name.clone(),
        format!("{:.2}", spread.median),
        spread.range(),
        spread.outliers.to_string(),
        format!("{time:.2}"),
        format!("{:.2}", figure.gigabytes_per_second),
        or_dash(figure.times_peer.map(|times| format!("{times:.2}"))),
        or_dash(figure.found.map(|found| found.to_string())),
    ]
}

fn human(figures: &Figures, console: &mut Console) -> Result<(), Failure> {
    for (_, table) in tables(figures) {
        console.line(title(figures, table))?;
        let header = header(table);
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        output::write_rows(console, &header, table.contenders.iter().map(|one| cells(table, one)))?;
        console.line("")?;
    }
    let width = console.width();
    let lines = environment(figures);
    lines.iter().flat_map(|line| output::wrap(line, width)).try_for_each(|line| console.line(line))
}

fn markdown(figures: &Figures, console: &mut Console) -> Result<(), Failure> {
    for (name, table) in tables(figures) {
        console.lines(&format!("### {name}\n\n{}.", cell(&title(figures, table))))?;
        console.line("")?;
        let header = header(table);
        console.line(format!("| {} |", header.join(" | ").trim_start()))?;
        console.line(format!("|{}", "---|".repeat(header.len())))?;
        for one in &table.contenders {
            let cells = cells(table, one).map(|text| cell(&text));
            console.line(format!("| {} |", cells.join(" | ")))?;
        }
        console.line("")?;
    }
    environment(figures).iter().try_for_each(|line| console.line(format!("- {}", cell(line))))
}

/// A text that neither ends a cell nor begins one.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The columns of the CSV: both tables below each other, the machine in each row.
const COLUMNS: [&str; 24] = [
    "table",
    "name",
    "clock",
    "nanoseconds_per_packet",
    "lower_quartile",
    "upper_quartile",
    "outliers",
    "elapsed_nanoseconds_per_packet",
    "million_packets_per_second",
    "gigabytes_per_second",
    "peer",
    "times_peer",
    "found",
    "packets",
    "bytes",
    "rounds",
    "warm_up",
    "processor",
    "processors",
    "vectors",
    "kernel",
    "egress25",
    "libpcap",
    "tcpdump",
];

fn csv(figures: &Figures, console: &mut Console) -> Result<(), Failure> {
    let tables = tables(figures);
    let rows = tables.iter().flat_map(|(name, table)| {
        table.contenders.iter().map(move |one| csv_row(figures, (name, table), one))
    });
    output::csv(console, &COLUMNS, rows)
}

fn csv_row(
    figures: &Figures,
    (table_name, table): (&str, &BenchTable),
    one: &Figure,
) -> [String; 24] {
    let Figures { machine, versions, .. } = figures;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let clock = match table.measured.clock {
        MeasuredTime::Elapsed => "elapsed",
        MeasuredTime::Processors => "processors",
    };
    [
        table_name.to_owned(),
        one.name.clone(),
        clock.to_owned(),
        one.spread.median.to_string(),
        one.spread.lower_quartile.to_string(),
        one.spread.upper_quartile.to_string(),
        one.spread.outliers.to_string(),
        one.elapsed_nanoseconds_per_packet.to_string(),
        one.million_packets_per_second.to_string(),
        one.gigabytes_per_second.to_string(),
        text(&table.peer),
        one.times_peer.map_or_else(String::new, |times| times.to_string()),
        one.found.map_or_else(String::new, |found| found.to_string()),
        table.measured.packets.to_string(),
        table.measured.bytes.to_string(),
        figures.rounds.to_string(),
        figures.warm_up.to_string(),
        machine.processor.clone(),
        machine.processors.to_string(),
        machine.vectors.clone(),
        machine.kernel.clone(),
        versions.egress25.to_owned(),
        text(&versions.libpcap),
        text(&versions.tcpdump),
    ]
}
