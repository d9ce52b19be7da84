//! `lab up` and `lab down`.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use egress25_lab::client::Client;
use egress25_lab::owner::Request;
use egress25_lab::place::Place;

use super::args::{AtArgs, UpArgs};
use super::{failed, folder};
use crate::console::Console;
use crate::failure::Failure;

/// What the owner prints when the lab is up.
pub(super) const READY: &str = "ready";

pub(super) fn run(args: &UpArgs, console: &mut Console) -> Result<(), Failure> {
    bring_up(args)?;
    let name = &args.at.name;
    console.note(&format!("lab `{name}` is up; `egress25 lab inspect --name {name}` shows it"));
    Ok(())
}

/// Starts the owner of a lab and waits until it is up.
pub(super) fn bring_up(args: &UpArgs) -> Result<(), Failure> {
    let folder = folder(&args.at)?;
    let place = Place::make(&folder).map_err(failed)?;
    if Client::connect(&folder).is_ok() {
        return Err(Failure::Usage(format!(
            "lab `{}` is up already; take it down first, or give another `--name`",
            args.at.name
        )));
    }
    let unwritable = |source| Failure::Write { name: folder.display().to_string(), source };
    let log = place.file("log").map_err(failed)?;
    log.set_len(0).map_err(unwritable)?;
    let program = std::env::current_exe()
        .map_err(|source| Failure::Read { name: "this program".to_owned(), source })?;
    let mut owner = Command::new(&program)
        .args(["lab", "own", "--stage", "leave"])
        .args(arguments(args, &folder))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(|source| Failure::Read { name: program.display().to_string(), source })?;
    let mut line = String::new();
    if let Some(stdout) = owner.stdout.take() {
        let _ = BufReader::new(stdout).read_line(&mut line);
    }
    if line.trim() == READY {
        return Ok(());
    }
    let status = owner.wait();
    let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
    let what = log.trim().trim_start_matches("error: ");
    let what = format!("the lab did not come up: {what}");
    // The owner's exit code tells a bad input from a failure.
    match status.ok().and_then(|status| status.code()) {
        Some(code) if code == i32::from(Failure::BAD_INPUT) => Err(Failure::Usage(what)),
        _ => Err(Failure::Internal(what)),
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
    all.push(args.lab.clone().into());
    all
}

pub(super) fn down(at: &AtArgs, console: &mut Console) -> Result<(), Failure> {
    take_down(at)?;
    console.note(&format!("lab `{}` is down", at.name));
    Ok(())
}

/// Ends a lab and waits until it has gone.
pub(super) fn take_down(at: &AtArgs) -> Result<(), Failure> {
    let folder = folder(at)?;
    let mut client = Client::connect(&folder).map_err(failed)?;
    client.ask(&Request::Down).map_err(failed)?;
    // The connection ends with the owner.
    while matches!(client.line(), Ok(Some(_))) {}
    for _ in 0..100 {
        if Client::connect(&folder).is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
