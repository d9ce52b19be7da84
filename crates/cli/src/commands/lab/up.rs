//! `lab up` and `lab down`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use egress25_lab::control::client::Client;
use egress25_lab::control::place::LabFolder;
use egress25_lab::control::requests::Request;
use egress25_lab::process::{Ready, ends_within};

use crate::args::lab::{AtArgs, UpArgs};
use crate::commands::lab::place::folder;
use crate::say::ask::path_word;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::signals::Signals;

/// What the owner prints when the lab is up.
pub(super) const READY: &str = "ready";

/// What whoever has started a lab says when it is to go on without him.
pub(super) const ADOPTED: &str = "adopted";

/// How long a lab may take to end: the kernel takes seconds for hundreds of namespaces.
const ENDS_WITHIN: Duration = Duration::from_secs(60);
/// How long somebody who looks whether a folder is free may have it.
const LOOK: Duration = Duration::from_millis(300);
const PAUSE: Duration = Duration::from_millis(10);

pub(super) fn run(args: &UpArgs, console: &mut Console) -> Result<(), Failure> {
    bring_up(args, &[], None)?.adopt()?;
    let AtArgs { name, run_dir } = &args.at;
    let at = run_dir.as_ref().map(|folder| format!(" --run-dir {}", path_word(folder)));
    let at = at.unwrap_or_default();
    console.note(&format!("lab `{name}` is up; `egress25 lab inspect --name {name}{at}` shows it"));
    Ok(())
}

/// What a lab hangs by: without it, or when its process ends, the lab ends.
pub(super) struct Tether {
    outermost: Child,
    hold: Option<ChildStdin>,
}

impl Tether {
    /// Lets the lab go on by itself.
    fn adopt(mut self) -> Result<(), Failure> {
        let told = self.hold.as_mut().map(|hold| writeln!(hold, "{ADOPTED}"));
        told.unwrap_or(Ok(()))
            .map_err(|error| Failure::Internal(format!("the lab has ended already: {error}")))
    }

    /// Ends the lab, and waits until nothing of it is left.
    pub(super) fn end(mut self) -> Result<(), Failure> {
        drop(self.hold.take());
        match ends_within(&mut self.outermost, ENDS_WITHIN) {
            Ok(true) => Ok(()),
            Ok(false) => Err(not_ended("the lab", self.outermost.id())),
            Err(source) => Err(Failure::Read { name: "the lab's process".to_owned(), source }),
        }
    }
}

fn not_ended(lab: &str, process: impl std::fmt::Display) -> Failure {
    Failure::Internal(format!(
        "{lab} was told to end and has not within {} seconds; its process is {process}",
        ENDS_WITHIN.as_secs()
    ))
}

/// Starts the owner of a lab and waits until it is up. The folders go with the lab, unless it is
/// adopted. A signal ends the wait, and with it the lab.
pub(super) fn bring_up(
    args: &UpArgs,
    goes_with_it: &[PathBuf],
    signals: Option<&Signals>,
) -> Result<Tether, Failure> {
    let folder = folder(&args.at)?;
    let is_new = |path: &&Path| path.symlink_metadata().is_err();
    let new: Vec<_> = folder.ancestors().take_while(is_new).collect();
    let tether = bring_up_in(&folder, args, goes_with_it, signals);
    if tether.is_err() {
        for made in new {
            // One with something of somebody else's in it stays.
            let _ = std::fs::remove_dir(made);
        }
    }
    tether
}

/// Starts the owner of a lab with a folder, and waits until it is up.
fn bring_up_in(
    folder: &Path,
    args: &UpArgs,
    goes_with_it: &[PathBuf],
    signals: Option<&Signals>,
) -> Result<Tether, Failure> {
    let (place, claim) = LabFolder::make_for(folder, |place| claim(place, LOOK, || false))?;
    let Some(claim) = claim else {
        return Err(Failure::Usage(format!(
            "lab `{}` is up already, or is coming up or going down; take it down first, or give \
             another `--name`",
            args.at.name
        )));
    };
    let unwritable = |source| Failure::Write { name: folder.display().to_string(), source };
    claim.set_len(0).map_err(unwritable)?;
    let log = claim.try_clone().map_err(unwritable)?;
    let program = std::env::current_exe()
        .map_err(|source| Failure::Read { name: "this program".to_owned(), source })?;
    let mut command = Command::new(&program);
    command.args(["lab", "own", "--stage", "leave"]);
    for folder in goes_with_it {
        command.arg("--remove").arg(folder);
    }
    command.args(arguments(args, folder));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(claim);
    let mut outermost = command
        .spawn()
        .map_err(|source| Failure::Read { name: program.display().to_string(), source })?;
    // The lab alone has the claim from here on.
    drop(command);
    let hold = outermost.stdin.take();
    let mut line = String::new();
    if let Some(stdout) = outermost.stdout.take() {
        let woken = signals.map(|signals| signals.wait(Some(stdout.as_fd()), None));
        if let Some(Ok(Ready::First)) = woken {
            Tether { outermost, hold }.end()?;
            let signal = signals.and_then(Signals::caught).unwrap_or("a signal");
            return Err(Failure::Internal(format!("ended by {signal} while the lab came up")));
        }
        // What cannot be read is no word that it is up.
        let _ = BufReader::new(stdout).read_line(&mut line);
    }
    if line.trim() == READY {
        return Ok(Tether { outermost, hold });
    }
    let failure = why_not_up(outermost, &log);
    drop(log);
    // What the owner has not come to remove.
    if let Ok(Some(_claim)) = place.claim() {
        let _ = place.clear();
    }
    Err(failure)
}

/// Why a lab did not come up, by its log.
fn why_not_up(mut outermost: Child, log: &File) -> Failure {
    let status = outermost.wait();
    let what = written(log).unwrap_or_else(|error| format!("its log cannot be read: {error}"));
    let what = what.trim().trim_start_matches("error: ");
    let what = format!("the lab did not come up: {what}");
    // The owner's exit code tells a bad input from a failure.
    match status.ok().and_then(|status| status.code()) {
        Some(code) if code == i32::from(Failure::BAD_INPUT) => {
            // What is shown of a file has lines.
            Failure::Lines(what.lines().map(str::to_owned).collect())
        }
        _ => Failure::Internal(what),
    }
}

/// What is in a file, from its beginning, wherever its name is by now.
fn written(log: &File) -> io::Result<String> {
    let mut bytes = vec![0; usize::try_from(log.metadata()?.len()).unwrap_or(0).min(1 << 20)];
    log.read_exact_at(&mut bytes, 0)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Claims a lab's folder, within some time, or until it is in vain; `None` where somebody has it.
fn claim(
    place: &LabFolder,
    within: Duration,
    is_in_vain: impl Fn() -> bool,
) -> Result<Option<File>, Failure> {
    let begun = Instant::now();
    loop {
        let claim = place.claim()?;
        if claim.is_some() || begun.elapsed() >= within || is_in_vain() {
            return Ok(claim);
        }
        std::thread::sleep(PAUSE);
    }
}

/// The arguments as the owner is given them.
pub(super) fn arguments(args: &UpArgs, folder: &Path) -> Vec<OsString> {
    let mut all: Vec<OsString> = Vec::new();
    let mut flag = |name: &str, value: OsString| {
        // In one word: a value may begin with a hyphen.
        let mut word = OsString::from(format!("--{name}="));
        word.push(value);
        all.push(word);
    };
    flag("name", args.at.name.clone().into());
    flag("folder", folder.into());
    flag("datapath", args.datapath.name().into());
    if let Some(store) = &args.store {
        flag("store", store.into());
    }
    if let Some(hosts) = &args.hosts {
        flag("hosts", hosts.into());
    }
    if let Some(at) = &args.at_time {
        flag("at-time", at.to_string().into());
    }
    if let Some(edition) = &args.edition.edition {
        flag("edition", edition.into());
    }
    for (name, value) in &args.edition.set {
        flag("set", format!("{name}={value}").into());
    }
    all.push("--".into());
    all.push(args.inventory.clone().into());
    all
}

/// Ends a lab, waits until its processes have ended, and removes what it wrote into its folder.
pub(super) fn down(at: &AtArgs, console: &mut Console) -> Result<(), Failure> {
    let folder = folder(at)?;
    let place = LabFolder::open(&folder)?;
    let name = &at.name;
    let owner = match Client::connect(&folder) {
        Ok(mut client) => {
            client.exchange(&Request::Down)?;
            client.owner()
        }
        // One that has died is taken down by removing what it left.
        Err(error) => match place.is_claimed()? {
            Some(false) => None,
            Some(true) | None => return Err(error.into()),
        },
    };
    let gone = || {
        console.note(&format!("lab `{name}` is down"));
        Ok(())
    };
    let has_successor = || {
        let now = owner.and_then(|_| Client::connect(&folder).ok()?.owner());
        now.is_some_and(|now| Some(now) != owner)
    };
    let claim = match claim(&place, ENDS_WITHIN, has_successor) {
        // Somebody else has taken it down meanwhile and removed what it left, or has brought up another
        // one in its place.
        Err(_) if !place.is_there() => return gone(),
        Ok(None) if has_successor() => return gone(),
        found => found?,
    };
    let Some(claim) = claim else {
        let process = owner.map_or_else(|| "unknown".to_owned(), |owner| owner.to_string());
        return Err(not_ended(&format!("lab `{name}`"), process));
    };
    let removed = place.clear();
    drop(claim);
    if let (None, Some(around)) = (&at.run_dir, folder.parent()) {
        // One that nobody has named; with other labs in it, it stays.
        let _ = std::fs::remove_dir(around);
    }
    removed.map_err(|source| Failure::Write { name: folder.display().to_string(), source })?;
    console.note(&match owner {
        Some(_) => format!("lab `{name}` is down"),
        None => format!("lab `{name}` had ended already; what it left is removed"),
    });
    Ok(())
}
