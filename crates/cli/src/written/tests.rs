//! What is written, and what is left alone.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use crate::written::*;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn claim_one(inputs: &[&Path], output: &Path, force: bool) -> Result<Target, WrittenError> {
    let [target] = claim(inputs.iter().copied(), [Some((output, OutputKind::Manual))], force)?;
    Ok(target.unwrap())
}

fn page(text: &str) -> Vec<u8> {
    format!("{} {text}\n", OutputKind::Manual.mark().unwrap()).into_bytes()
}

#[test]
fn an_output_that_is_an_input_by_any_path_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("input"), page("input")).unwrap();
    fs::hard_link(at("input"), at("hard")).unwrap();
    symlink("input", at("soft")).unwrap();
    for output in ["input", "hard", "soft", "./soft", "x/../input"] {
        fs::create_dir_all(at("x")).unwrap();
        for force in [false, true] {
            let refused = claim_one(&[Path::new("no-such-file"), &at("input")], &at(output), force);
            assert!(matches!(refused, Err(WrittenError::IsInput { .. })), "{output}: {refused:?}");
        }
    }
    assert_eq!(fs::read(at("input")).unwrap(), page("input"));
}

#[test]
fn two_outputs_that_are_one_file_are_refused_also_before_it_exists() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    symlink(".", at("here")).unwrap();
    let both = |a: &Path, b: &Path| {
        claim([], [Some((a, OutputKind::Capture)), None, Some((b, OutputKind::Junit))], true)
            .map(|_| ())
    };
    let refused = both(&at("new"), &at("here/new"));
    assert!(matches!(refused, Err(WrittenError::Twice { .. })), "{refused:?}");
    fs::write(at("old"), "").unwrap();
    let refused = both(&at("old"), &at("here/old"));
    assert!(matches!(refused, Err(WrittenError::Twice { .. })), "{refused:?}");
    both(Path::new("/dev/null"), Path::new("/dev/null")).unwrap();
    both(&at("new"), &at("other")).unwrap();
}

#[test]
fn a_file_of_somebody_else_is_replaced_by_force_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.1");
    fs::write(&path, "a letter").unwrap();
    let refused = claim_one(&[], &path, false);
    assert!(matches!(refused, Err(WrittenError::NotOurs { .. })), "{refused:?}");
    claim_one(&[], &path, true).unwrap().write(&page("one")).unwrap();
    claim_one(&[], &path, false).unwrap().write(&page("two")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), page("two"));
    // Ours of another kind is somebody's, too.
    let other = claim([], [Some((path.as_path(), OutputKind::Junit))], false);
    assert!(matches!(other, Err(WrittenError::NotOurs { .. })), "{other:?}");
    fs::write(&path, "").unwrap();
    claim_one(&[], &path, false).unwrap().write(&page("three")).unwrap();
    assert_eq!(names(folder.path()), ["x.1"]);
}

#[test]
fn a_directory_and_a_link_to_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let refused = claim_one(&[], folder.path(), true);
    assert!(matches!(refused, Err(WrittenError::Directory { .. })), "{refused:?}");
    let path = folder.path().join("link");
    symlink("nowhere", &path).unwrap();
    let refused = claim_one(&[], &path, true);
    assert!(matches!(refused, Err(WrittenError::LinkToNothing { .. })), "{refused:?}");
}

#[test]
fn a_link_stays_and_its_file_keeps_who_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, page("old")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o604)).unwrap();
    symlink("file", &link).unwrap();
    claim_one(&[], &link, false).unwrap().write(&page("new")).unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert_eq!(fs::read(&file).unwrap(), page("new"));
    assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o604);
}

#[test]
fn a_new_file_has_the_mode_of_any_new_file() {
    let folder = tempfile::tempdir().unwrap();
    let (file, plain) = (folder.path().join("file"), folder.path().join("plain"));
    claim_one(&[], &file, false).unwrap().write(b"text").unwrap();
    fs::write(&plain, "text").unwrap();
    assert_eq!(file.metadata().unwrap().mode(), plain.metadata().unwrap().mode());
}

#[test]
fn nothing_has_the_name_before_it_is_whole_and_nothing_is_left_of_what_fails() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut output = Output::create(claim_one(&[], &path, false).unwrap()).unwrap();
    output.write_all(b"half").unwrap();
    assert!(!path.exists());
    assert_eq!(names(folder.path()).len(), 1);
    drop(output);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_came_to_have_the_name_meanwhile_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let output = Output::create(claim_one(&[], &path, true).unwrap()).unwrap();
    fs::write(&path, "theirs").unwrap();
    let refused = output.finish();
    assert!(matches!(refused, Err(WrittenError::Exists { .. })), "{refused:?}");
    let output = Output::create(claim_one(&[], &path, true).unwrap()).unwrap();
    fs::write(folder.path().join("new"), "theirs anew").unwrap();
    fs::rename(folder.path().join("new"), &path).unwrap();
    let refused = output.finish();
    assert!(matches!(refused, Err(WrittenError::Changed { .. })), "{refused:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "theirs anew");
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn the_draft_of_a_killed_run_is_removed_and_a_live_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let dead = folder.path().join("old.db.egress25-0123abcd.partial");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("old.db"), "half").unwrap();
    fs::write(dead.join("old.db-wal"), "half").unwrap();
    let other = folder.path().join("mine.partial");
    fs::create_dir(&other).unwrap();
    let live = Draft::beside(&folder.path().join("live")).unwrap();
    assert!(!dead.exists());
    let second = Draft::beside(&folder.path().join("live")).unwrap();
    assert!(live.path().parent().unwrap().exists() && second.path() != live.path());
    fs::write(live.path(), "one").unwrap();
    fs::write(second.path(), "two").unwrap();
    live.publish().unwrap();
    let refused = second.publish();
    assert!(matches!(refused, Err(WrittenError::Exists { .. })), "{refused:?}");
    assert_eq!(fs::read_to_string(folder.path().join("live")).unwrap(), "one");
    assert_eq!(names(folder.path()), ["live", "mine.partial"]);
}

#[test]
fn a_name_as_long_as_names_can_be_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ö".repeat(127));
    claim_one(&[], &path, false).unwrap().write(b"text").unwrap();
    assert_eq!(names(folder.path()).len(), 1);
}

#[test]
fn a_device_is_written_to_as_it_is() {
    let target = claim_one(&[], Path::new("/dev/full"), false).unwrap();
    let refused = target.write(b"text");
    assert!(matches!(refused, Err(WrittenError::System { .. })), "{refused:?}");
    claim_one(&[], Path::new("/dev/null"), false).unwrap().write(b"text").unwrap();
}
