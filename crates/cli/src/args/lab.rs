//! The arguments of `lab`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use egress25_lab::enforce::DataPath;
use jiff::Timestamp;

use crate::args::{EditionArgs, ForceArgs, GraphFormat, OutputFormat, StreamFormat, moment};

/// The commands below `lab`.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Build the network of an inventory and put the filter in force.
    ///
    /// Every machine is a network namespace, every virtual network a router of its own; there is
    /// an Internet with mx.example.net (port 25) and relay.example.net (port 587), and what is
    /// behind gateways. No root is needed where the kernel allows user namespaces. The lab goes
    /// on in the background until `lab down`; if its process dies, nothing of it stays.
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab up fixtures/scenarios/mail.inventory.toml\n\
         \x20 egress25 lab up inventory.toml --datapath nfqueue")]
    Up(Box<UpArgs>),
    /// End a lab
    ///
    /// When this returns, its processes have ended and its folder is free. What a lab has left
    /// that died is removed.
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab down")]
    Down(AtArgs),
    /// List the labs that run, and what is left of those that died
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab ls --format json")]
    Ls(LsArgs),
    /// Show the nodes of a lab, what was judged, and what went wrong
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab inspect --format json")]
    Inspect(InspectArgs),
    /// Run a program in a node: `lab exec vm-web -- swaks --to user@mx.example.net`.
    ///
    /// The node's network, host name, hosts file and resolver are those of the lab; files,
    /// users and programs are those of this machine. The exit code is the program's: 126 if it
    /// cannot be run, 127 if it is not there, 128 and the number of the signal that ended it.
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab exec vm-web -- swaks --to user@mx.example.net")]
    Exec(ExecArgs),
    /// Show verdicts as they happen, until interrupted
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab events --format ndjson")]
    Events(EventsArgs),
    /// Print the lab as a graph in DOT or Mermaid (of a running lab, or of an inventory)
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab graph inventory.toml | dot -Tsvg > lab.svg")]
    Graph(LabGraphArgs),
    /// Deallocate, start, restart, stop or redeploy a machine.
    ///
    /// The links of the machine go down and up, and the event is written. A start after a
    /// deallocate programs the machine anew; a restart does not.
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab vm deallocate vm-web && egress25 lab vm start vm-web")]
    Vm(VmArgs),
    /// Let something happen to a subscription: `lab event exemption-granted shop`
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab event exemption-granted shop")]
    Event(EventArgs),
    /// Write the packets that are judged, with their verdicts, to a pcapng file until
    /// interrupted
    ///
    /// SIGINT, SIGTERM, SIGHUP and the end of the lab end it, and the file is whole then. A file
    /// that cannot be written to its end is not there, and the exit code is 1.
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab capture judged.pcapng")]
    Capture(CaptureArgs),
    /// Open a TCP connection from a machine and say what became of it
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab connect vm-web mx.example.net:25 --expect timeout")]
    Connect(ConnectArgs),
    /// Run a scenario: a script with assertions
    ///
    /// The exit code is 3 if a step ends differently than it says.
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab run fixtures/scenarios/exemption.toml --junit report.xml")]
    Run(Box<RunArgs>),
    /// End the program that judges, as if it had crashed
    ///
    /// Over nft the kernel's rules judge on; over nfqueue SYNs to port 25 stay dropped, and over
    /// afpacket everything.
    #[command(after_long_help = "Examples:\n\
         \x20 egress25 lab crash")]
    Crash(AtArgs),
}

/// Which lab.
#[derive(Debug, Clone, Args)]
pub struct AtArgs {
    /// The lab's name
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub name: String,

    /// The folder with the labs' sockets and files
    ///
    /// Left out: `egress25` in the user's runtime folder.
    #[arg(long, value_name = "FOLDER")]
    pub run_dir: Option<PathBuf>,
}

/// The arguments of `lab up`.
#[derive(Debug, Clone, Args)]
pub struct UpArgs {
    /// The inventory
    #[arg(value_name = "INVENTORY")]
    pub inventory: PathBuf,

    /// Which lab.
    #[command(flatten)]
    pub at: AtArgs,

    /// How the filter is put in force: nft, nfqueue, afpacket, or none
    #[arg(long, value_name = "PATH", default_value = "nft")]
    pub datapath: DataPath,

    /// A store that the lab follows and writes its events to; made if there is none
    #[arg(long, value_name = "FILE")]
    pub store: Option<PathBuf>,

    /// A TOML file with the hosts on the Internet and on premises: `[host."mx.example.net"]`
    /// with `addresses`, `smtp` (ports on which the lab's own mail server answers) and
    /// `on_premises`
    #[arg(long, value_name = "FILE")]
    pub hosts: Option<PathBuf>,

    /// The time as of which the lab begins; left out: now. Earlier events of the inventory have
    /// happened, later ones do not happen by themselves
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at_time: Option<Timestamp>,

    /// Which edition, and which settings.
    #[command(flatten)]
    pub edition: EditionArgs,
}

/// The arguments of `lab own`, which `lab up` starts: no command of the user's, so that no help,
/// completion or variable knows it.
#[derive(Debug, Clone, Parser)]
#[command(name = "egress25 lab own")]
pub struct OwnArgs {
    /// What `lab up` was given.
    #[command(flatten)]
    pub up: UpArgs,

    /// The lab's folder, made already.
    #[arg(long, value_name = "FOLDER")]
    pub folder: PathBuf,

    /// A folder that goes with a lab that nobody adopts (repeatable).
    #[arg(long, value_name = "FOLDER")]
    pub remove: Vec<PathBuf>,

    /// How far the process has come.
    #[arg(long, value_enum, default_value_t)]
    pub stage: OwnStage,
}

/// The processes of a lab: each starts the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum OwnStage {
    /// Leaves the namespaces behind.
    #[default]
    Leave,
    /// Is the first in the new ones, and reaps.
    Attend,
    /// Builds the lab and answers.
    Own,
}

/// The arguments of `lab inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Which lab.
    #[command(flatten)]
    pub at: AtArgs,

    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// The arguments of `lab ls`.
#[derive(Debug, Args)]
pub struct LsArgs {
    /// The folder with the labs' sockets and files
    ///
    /// Left out: `egress25` in the user's runtime folder, and the labs of `lab run`.
    #[arg(long, value_name = "FOLDER")]
    pub run_dir: Option<PathBuf>,

    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,
}

/// The arguments of `lab exec`.
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// Which lab.
    #[command(flatten)]
    pub at: AtArgs,

    /// The node: a machine, a host, a firewall; `network:NAME`, `edge:NAME` and `internet` too
    pub node: String,

    /// End the program after so many seconds: exit code 124
    ///
    /// It has a process group of its own then, which is ended, and cannot read from a terminal.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,

    /// The program and its arguments
    #[arg(last = true, required = true)]
    pub command: Vec<OsString>,
}

/// The arguments of `lab events`.
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Which lab.
    #[command(flatten)]
    pub at: AtArgs,

    /// How the verdicts are written
    #[arg(long, value_enum, default_value_t)]
    pub format: StreamFormat,

    /// End after so many verdicts
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,

    /// Begin with what was judged before: the last 1,000 verdicts, which the lab keeps
    #[arg(long)]
    pub since_start: bool,
}

/// The arguments of `lab graph`.
#[derive(Debug, Args)]
pub struct LabGraphArgs {
    /// An inventory; left out: the running lab
    #[arg(value_name = "INVENTORY")]
    pub inventory: Option<PathBuf>,

    /// The language that it is written in
    #[arg(long, value_enum, default_value_t)]
    pub format: GraphFormat,

    /// Which lab.
    #[command(flatten)]
    pub at: AtArgs,
}

/// What happens to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VmAction {
    /// Stop it and give its place up (the portal's Stop).
    Deallocate,
    /// Start it.
    Start,
    /// Restart it: the exemption is not picked up.
    Restart,
    /// Power it off; it keeps its place.
    Stop,
    /// Shut it down from inside.
    Shutdown,
    /// Move it to another host.
    Redeploy,
}

/// The arguments of `lab vm`.
#[derive(Debug, Args)]
pub struct VmArgs {
    /// What happens
    #[arg(value_enum)]
    pub action: VmAction,

    /// The machine
    pub machine: String,

    /// Which lab.
    #[command(flatten)]
    pub at: AtArgs,
}

/// The arguments of `lab event`.
#[derive(Debug, Args)]
pub struct EventArgs {
    /// The kind, such as `exemption-asked`, `exemption-granted`, `exemption-revoked`
    pub kind: String,

    /// The subscription
    pub subscription: String,

    /// Why the deployment cannot use a relay, for `exemption-asked`
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,

    /// Which lab.
    #[command(flatten)]
    pub at: AtArgs,
}

/// The arguments of `lab capture`.
#[derive(Debug, Args)]
pub struct CaptureArgs {
    /// The file; `-` is stdout
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// Which lab.
    #[command(flatten)]
    pub at: AtArgs,

    /// What happens to a file that is in the way.
    #[command(flatten)]
    pub force: ForceArgs,
}

/// The arguments of `lab connect`.
#[derive(Debug, Args)]
pub struct ConnectArgs {
    /// The machine
    pub from: String,

    /// The destination: HOST:PORT
    pub to: String,

    /// How many seconds of silence count as a time-out
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub patience: u64,

    /// Fail with exit code 3 unless this becomes of it: open, timeout, refused, unreachable
    #[arg(long, value_name = "OUTCOME", value_parser = ["open", "timeout", "refused", "unreachable"])]
    pub expect: Option<String>,

    /// Which lab.
    #[command(flatten)]
    pub at: AtArgs,
}

/// The arguments of `lab run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The scenario file
    #[arg(value_name = "SCENARIO")]
    pub scenario: PathBuf,

    /// The data path: nft, nfqueue, afpacket
    #[arg(long, value_name = "PATH", default_value = "nft")]
    pub datapath: DataPath,

    /// Multiply every wait and every patience by this
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub time_scale: f64,

    /// Write the result as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,

    /// Write the verdicts of the run, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub verdicts: Option<PathBuf>,

    /// Write the judged packets with their verdicts as pcapng
    #[arg(long, value_name = "FILE")]
    pub capture: Option<PathBuf>,

    /// Write the events that happened as TOML, for `replay --events`
    #[arg(long, value_name = "FILE")]
    pub happened: Option<PathBuf>,

    /// What happens to files that are in the way.
    #[command(flatten)]
    pub force: ForceArgs,
}
