//! `man`: manual pages.

use std::fs;
use std::io::Write;
use std::path::Path;

use clap_mangen::Man;

use crate::args::ManArgs;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::written::{self, OutputKind};

/// Prints the manual page, or writes one for every command.
///
/// # Errors
/// The page cannot be written.
pub fn run(args: &ManArgs, console: &mut Console) -> Result<(), Failure> {
    if let Some(folder) = &args.dir {
        return write_all(folder, args.force.force, console);
    }
    let page = page(crate::command()).map_err(Failure::stdout)?;
    console.out().write_all(&page).map_err(Failure::stdout)
}

fn page(command: clap::Command) -> Result<Vec<u8>, std::io::Error> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}

fn write_all(folder: &Path, force: bool, console: &mut Console) -> Result<(), Failure> {
    let failed = |path: &Path| {
        let name = path.display().to_string();
        move |source| Failure::Write { name, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let mut command = crate::command();
    command.build();
    let mut waiting = vec![command];
    while let Some(command) = waiting.pop() {
        waiting.extend(command.get_subcommands().filter(|sub| sub.get_name() != "help").cloned());
        // `egress25 policy list` has the page `egress25-policy-list`.
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        let path = folder.join(format!("{name}.1"));
        let page = page(command).map_err(failed(&path))?;
        if let [Some(target)] = written::claim([], [Some((&path, OutputKind::Manual))], force)? {
            target.write(&page)?;
        }
        console.line(path.display().to_string())?;
    }
    Ok(())
}
