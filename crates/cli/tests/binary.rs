//! A small test of the binary itself, so that cargo builds it with the tests of the workspace;
//! the whole-program tests are in the package `egress25-tests`.

use assert_cmd::Command;

#[test]
fn it_says_its_version() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_egress25"));
    let output = command.arg("--version").output().expect("it runs");
    assert!(output.status.success());
    let expected = concat!("egress25 ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}
