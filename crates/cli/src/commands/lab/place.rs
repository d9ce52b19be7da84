//! Where a lab is, and how it is reached.

use std::path::{Path, PathBuf};

use egress25_lab::control::client::Client;
use egress25_lab::control::place;

use crate::args::lab::AtArgs;
use crate::say::failure::Failure;

/// How the folder of a run's lab is called, in the folder for temporary files.
pub(super) const HOME: &str = "egress25-run-";

/// What the folder for the files of its programs has behind that.
pub(super) const FILES: &str = "-files";

/// The name of a run's lab.
pub(super) const LAB_OF_A_RUN: &str = "scenario";

/// Whether a folder is one that a run makes for its lab or its programs: nothing else goes with a
/// lab.
pub(super) fn is_of_a_run(folder: &Path) -> bool {
    let named = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(HOME));
    named && folder.parent() == Some(&std::env::temp_dir())
}

/// The folder for the files of a scenario's programs, beside that of the lab: programs that
/// change to other users have to get there.
pub(super) fn program_files(at: &AtArgs) -> PathBuf {
    let mut name = at.run_dir.clone().unwrap_or_default().into_os_string();
    name.push(FILES);
    PathBuf::from(name)
}

/// The folder of a lab. It is worked out once and handed on: in a user namespace everybody is
/// root.
pub(super) fn folder(at: &AtArgs) -> Result<PathBuf, Failure> {
    let name = place::name(&at.name)?;
    Ok(run_dir(at.run_dir.as_deref()).join(name))
}

/// The folder around labs' folders.
pub(super) fn run_dir(given: Option<&Path>) -> PathBuf {
    let base = given.map(Path::to_owned).unwrap_or_else(|| {
        std::env::var_os("XDG_RUNTIME_DIR").map_or_else(
            || std::env::temp_dir().join(format!("egress25-{}", rustix::process::geteuid())),
            |folder| PathBuf::from(folder).join("egress25"),
        )
    });
    std::path::absolute(&base).unwrap_or(base)
}

pub(super) fn client(at: &AtArgs) -> Result<Client, Failure> {
    Ok(Client::connect(&folder(at)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_that_nobody_adopted_took_any_folder_with_it() {
        let temporary = std::env::temp_dir();
        for (folder, goes) in [
            (temporary.join("egress25-run-1-2"), true),
            (temporary.join("egress25-run-1-2-files"), true),
            (temporary.join("victim"), false),
            (temporary.join("victim/egress25-run-1-2"), false),
            (PathBuf::from("egress25-run-1-2"), false),
            (temporary.join("egress25-run-1-2/.."), false),
        ] {
            assert_eq!(is_of_a_run(&folder), goes, "{}", folder.display());
        }
    }
}
