//! Output files that appear whole or not at all.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use egress25_packet_filter::capture::{OutputError, OutputFile};

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| name(e).into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_has_its_name_only_when_it_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.pcapng");
    let mut output = OutputFile::create(&path).unwrap();
    output.write_all(b"all of it").unwrap();
    assert_eq!(names(folder.path()), ["out.pcapng.partial"]);
    output.finish().unwrap();
    assert_eq!(names(folder.path()), ["out.pcapng"]);
    assert_eq!(fs::read(&path).unwrap(), b"all of it");
}

#[test]
fn an_unfinished_file_is_removed_and_what_was_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.pcapng");
    fs::write(&path, "old").unwrap();
    let mut output = OutputFile::create(&path).unwrap();
    output.write_all(b"half").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
    drop(output);
    assert_eq!(names(folder.path()), ["out.pcapng"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn a_finished_file_replaces_the_old_one_and_keeps_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.pcapng");
    fs::write(&path, "old and longer").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let mut output = OutputFile::create(&path).unwrap();
    output.write_all(b"new").unwrap();
    output.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_second_run_on_the_same_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.pcapng");
    let first = OutputFile::create(&path).unwrap();
    let error = OutputFile::create(&path).unwrap_err();
    assert!(matches!(error, OutputError::Busy { .. }), "{error}");
    first.finish().unwrap();
    OutputFile::create(&path).unwrap().finish().unwrap();
}

#[test]
fn what_a_killed_run_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.pcapng");
    fs::write(folder.path().join("out.pcapng.partial"), "of a killed run, and longer").unwrap();
    let mut output = OutputFile::create(&path).unwrap();
    output.write_all(b"new").unwrap();
    output.finish().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(names(folder.path()), ["out.pcapng"]);
}

#[test]
fn a_link_in_the_way_is_not_followed_and_one_to_the_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (path, victim) = (folder.path().join("out"), folder.path().join("victim"));
    fs::write(&victim, "precious").unwrap();
    symlink(&victim, folder.path().join("out.partial")).unwrap();
    let mut output = OutputFile::create(&path).unwrap();
    output.write_all(b"new").unwrap();
    output.finish().unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"precious");

    let link = folder.path().join("latest");
    symlink(&path, &link).unwrap();
    let mut output = OutputFile::create(&link).unwrap();
    output.write_all(b"newer").unwrap();
    output.finish().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&path).unwrap(), b"newer");
}

#[test]
fn a_device_is_written_to_as_it_is() {
    let mut output = OutputFile::create(Path::new("/dev/null")).unwrap();
    output.write_all(b"gone").unwrap();
    output.finish().unwrap();
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
    assert!(!Path::new("/dev/null.partial").exists());
}

#[test]
fn a_folder_and_a_folder_that_is_not_there_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let error = OutputFile::create(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("is a directory: name a file"), "{error}");
    let error = OutputFile::create(&folder.path().join("no/out")).unwrap_err().to_string();
    assert!(error.starts_with("cannot create `") && error.contains("no/out.partial`"), "{error}");
}

#[test]
fn a_name_that_cannot_be_taken_is_an_error_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let output = OutputFile::create(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = output.finish().unwrap_err();
    assert!(matches!(error, OutputError::Finish { .. }), "{error}");
    assert_eq!(names(folder.path()), ["out"]);
}
