//! `lab own`: the processes that a lab lives in.

use std::io::Write;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use egress25_lab::control::place::LabFolder;
use egress25_lab::network::hosts::default_hosts;
use egress25_lab::network::isolate;
use egress25_lab::owner::{EventFeed, Owner, Setup, serve};
use egress25_lab::privileges;
use egress25_lab::process::ends_before;
use egress25_policy::in_a_line;
use jiff::Timestamp;

use crate::args::lab::{OwnArgs, OwnStage};
use crate::commands::lab::hosts::read_hosts;
use crate::commands::lab::place::is_of_a_run;
use crate::commands::lab::up::{ADOPTED, READY, arguments};
use crate::commands::store::follow::{LiveWorld, Opened};
use crate::say::console::{Console, to_stderr};
use crate::say::failure::Failure;

/// Runs one of the processes that a lab lives in.
///
/// # Errors
/// The lab does not come up, or ends by a failure.
pub fn run(args: &OwnArgs, console: &mut Console) -> Result<(), Failure> {
    match args.stage {
        OwnStage::Leave => leave(args),
        OwnStage::Attend => attend(args),
        OwnStage::Own => keep_lab(args, console),
    }
}

/// The process of the next stage.
fn start_stage(args: &OwnArgs, stage: &str, stdin: Stdio) -> Result<Child, Failure> {
    let program = std::env::current_exe()
        .map_err(|source| Failure::Read { name: "this program".to_owned(), source })?;
    Command::new(&program)
        .args(["lab", "own", "--stage", stage])
        .args(arguments(&args.up, &args.folder))
        .stdin(stdin)
        .spawn()
        .map_err(|source| Failure::Read { name: program.display().to_string(), source })
}

/// Leaves the namespaces behind and starts the first process in new ones. Standard input is that
/// one's lifeline: it ends with this process. Standard input of this process is the tether of
/// whoever has started the lab: it ends with him, too, unless he says that it is to go on.
fn leave(args: &OwnArgs) -> Result<(), Failure> {
    isolate::close_leaked()?;
    isolate::leave()?;
    privileges::confine(privileges::TO_HAND_ON)?;
    let mut inner = start_stage(args, "attend", Stdio::piped())?;
    // Programs of the lab may have written as other users to the folders that go with it.
    let goes = if args.remove.is_empty() { privileges::NOTHING } else { privileges::FILES };
    privileges::keep(goes)?;
    // `wait` would close it.
    let mut lifeline = inner.stdin.take();
    let stdin = std::io::stdin();
    let mut adopted = false;
    // No thread can be started here any more. Where nothing can be waited for, all ends.
    if !ends_before(&inner, stdin.as_fd()).unwrap_or(false) {
        let mut line = String::new();
        // An error is an end, too.
        let _ = stdin.read_line(&mut line);
        adopted = line.trim() == ADOPTED;
        if !adopted {
            drop(lifeline.take());
        }
    }
    let status = inner.wait();
    drop(lifeline);
    if !adopted {
        remove(args);
    }
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(source) => Err(Failure::Read { name: "the lab's process".to_owned(), source }),
    }
}

/// Removes what a lab that nobody has adopted leaves. The claim of its folder is this process's
/// standard error.
fn remove(args: &OwnArgs) {
    let lab = LabFolder::handed(&args.folder).map_err(Failure::from);
    let cleared = lab.and_then(|place| {
        let name = args.folder.display().to_string();
        place.clear().map_err(|source| Failure::Write { name, source })
    });
    if let Err(error) = cleared {
        // The log may be seen by who has started it.
        to_stderr(&format!("warning: {}", in_a_line(&error.to_string())));
    }
    for folder in args.remove.iter().filter(|folder| is_of_a_run(folder)) {
        // Whoever has started the lab removes them, too, if he lives.
        let _ = std::fs::remove_dir_all(folder);
    }
}

/// Settles in the new namespaces, starts the owner and reaps whoever loses his parent.
fn attend(args: &OwnArgs) -> Result<(), Failure> {
    isolate::settle(std::io::stdin(), || std::process::exit(1))?;
    let owner = start_stage(args, "own", Stdio::null())?;
    privileges::confine(privileges::NOTHING)?;
    // With the end of this process the kernel ends all others.
    std::process::exit(isolate::attend(owner.id())?)
}

fn keep_lab(args: &OwnArgs, console: &mut Console) -> Result<(), Failure> {
    let up = &args.up;
    let from = LiveWorld {
        inventory: &up.inventory,
        edition: &up.edition,
        at: up.at_time,
        store: up.store.as_deref(),
    };
    // A store is begun when all else has been read.
    let hosts = up.hosts.as_deref().map(read_hosts).transpose()?;
    let Opened { world, events, begun } = from.open()?;
    let hosts = hosts.unwrap_or_else(|| default_hosts(&world));
    // Before the first thread. What the lab writes besides is its own.
    let files = if events.is_some() { privileges::FILES } else { privileges::NOTHING };
    privileges::confine(privileges::OWNER | files)?;
    let (feed, log) = events.unzip();
    let setup = Setup {
        folder: args.folder.clone(),
        world,
        hosts,
        datapath: up.datapath,
        clock: Timestamp::now,
        log,
    };
    let mut is_up = false;
    let outcome = build_and_serve(setup, feed, || {
        is_up = true;
        let out = console.out();
        let _ = writeln!(out, "{READY}");
        let _ = out.flush();
    });
    if let (false, Err(_), Some(begun)) = (is_up, &outcome, begun) {
        begun.take_away();
    }
    outcome?;
    // Threads of the lab are still at work; nothing of what they do counts any more.
    std::process::exit(0)
}

fn build_and_serve(
    setup: Setup,
    feed: Option<Box<dyn EventFeed>>,
    ready: impl FnOnce(),
) -> Result<(), Failure> {
    let owner = Arc::new(Owner::build(setup)?);
    if let Some(feed) = feed {
        owner.follow(feed)?;
    }
    Ok(serve(&owner, ready)?)
}
