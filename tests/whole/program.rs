//! Runs the real binary.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The binary, next to the folder of this test.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("EGRESS25_TEST_BINARY") {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().expect("this test has a path");
    let folder = test.parent().and_then(Path::parent).expect("it lies in `deps`");
    let path = folder.join(format!("egress25{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is missing: run `cargo build -p egress25`", path.display());
    path
}

/// The program with arguments, in the repository's folder, with an empty environment of its own.
pub(crate) fn egress25<I: AsRef<std::ffi::OsStr>>(
    arguments: impl IntoIterator<Item = I>,
) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).current_dir(repository());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("EGRESS25_") {
            command.env_remove(name);
        }
    }
    command
}

/// The arguments of a line, split at spaces.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// What the program writes to stdout; it has to end with 0.
pub(crate) fn stdout(line: &str) -> String {
    let output = egress25(words(line)).assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("text")
}

/// The JSON that the program writes; it has to end with 0.
pub(crate) fn json(line: &str) -> Value {
    serde_json::from_str(&stdout(line)).expect("JSON")
}

/// The exit code and what stands on stderr.
pub(crate) fn failure(line: &str) -> (i32, String) {
    let output = egress25(words(line)).output().expect("the program runs");
    let stderr = String::from_utf8(output.stderr).expect("text");
    (output.status.code().expect("it was not killed"), stderr)
}
