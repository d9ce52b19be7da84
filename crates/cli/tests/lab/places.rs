//! The folders of labs, and who else can get at them.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use egress25_lab::control::client::Client;
use egress25_skipped::skipped;

use crate::harness::{Lab, egress25, impossible, is_root, scenario};

fn up(run_dir: &Path, name: &str) -> Output {
    let mut command = egress25();
    command.args(["lab", "up", "--datapath", "none", &format!("--name={name}")]);
    command.arg("--run-dir").arg(run_dir);
    command.arg(scenario("mail.inventory.toml")).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_name_with_a_path_in_it_emptied_files_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("a/b");
    std::fs::create_dir_all(&inside).unwrap();
    for name in ["log", "lock"] {
        std::fs::write(folder.path().join(name), "mine").unwrap();
    }
    let long = "x".repeat(65);
    for name in ["../..", "..", ".", ".x", "a/b", "", "-x", "\u{1b}[2J", "a\nb", "é", &long] {
        let output = up(&inside, name);
        assert_eq!(output.status.code(), Some(2), "{name:?}: {}", said(&output));
        assert!(said(&output).contains("is no lab's name"), "{name:?}: {}", said(&output));
        assert!(!said(&output).contains('\u{1b}'), "{name:?}");
        let mut down = egress25();
        down.args(["lab", "down", &format!("--name={name}"), "--run-dir"]).arg(&inside);
        assert_eq!(down.output().unwrap().status.code(), Some(2), "{name:?}");
    }
    for name in ["log", "lock"] {
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), "mine");
    }
}

#[test]
fn links_in_a_folder_that_was_there_before_were_followed_and_emptied_files() {
    let folder = tempfile::tempdir().unwrap();
    let precious = folder.path().join("precious");
    let lab = folder.path().join("default");
    std::fs::write(&precious, "mine").unwrap();
    std::fs::create_dir(&lab).unwrap();
    std::fs::set_permissions(&lab, PermissionsExt::from_mode(0o700)).unwrap();
    symlink(&precious, lab.join("log")).unwrap();
    let output = up(folder.path(), "default");
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "mine");
    assert_ne!(output.status.code(), Some(0), "{}", said(&output));
    std::fs::remove_dir_all(&lab).unwrap();
    // The folder itself as a link, and the one around it.
    let elsewhere = folder.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::set_permissions(&elsewhere, PermissionsExt::from_mode(0o700)).unwrap();
    symlink(&elsewhere, &lab).unwrap();
    for (run_dir, name) in [(folder.path(), "default"), (lab.as_path(), "x")] {
        let output = up(run_dir, name);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("is a link"), "{}", said(&output));
    }
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn a_folder_that_others_can_write_to_was_taken() {
    let folder = tempfile::tempdir().unwrap();
    let lab = folder.path().join("default");
    std::fs::create_dir(&lab).unwrap();
    std::fs::set_permissions(&lab, PermissionsExt::from_mode(0o777)).unwrap();
    let output = up(folder.path(), "default");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("open to other users"), "{}", said(&output));
    std::fs::remove_dir(&lab).unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let output = up(folder.path(), "default");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("written to by others"), "{}", said(&output));
}

#[test]
fn a_folder_with_too_long_a_path_for_a_socket_was_made_before_it_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let of_bytes = |bytes: usize| {
        let taken = folder.path().as_os_str().len() + "/".len() + "/default".len();
        folder.path().join("x".repeat(bytes - taken))
    };
    let output = up(&of_bytes(95), "default");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("has a path of 95 bytes, and 94 are the most"),
        "{}",
        said(&output)
    );
    assert!(!of_bytes(95).exists());
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let output = up(&of_bytes(94), "default");
    let down = egress25().args(["lab", "down", "--run-dir"]).arg(of_bytes(94)).output().unwrap();
    assert!(output.status.success() && down.status.success(), "{}{}", said(&output), said(&down));
}

#[test]
fn the_control_socket_of_a_stranger_was_believed() {
    if !is_root() {
        return skipped("not root: nobody else can be had");
    }
    let folder = tempfile::tempdir().unwrap();
    let lab = folder.path().join("default");
    std::fs::create_dir(&lab).unwrap();
    std::fs::set_permissions(&lab, PermissionsExt::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(&lab, Some(65_534), Some(65_534)).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(lab.join("control.sock")).unwrap();
    let refused = Client::connect(&lab).unwrap_err().to_string();
    assert!(refused.contains("another user's"), "{refused}");
    assert_eq!(up(folder.path(), "default").status.code(), Some(2));
    drop(socket);
}

#[test]
fn the_control_socket_was_open_to_others_with_umask_0() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "umask 0; exec {} lab up --datapath none --run-dir {} {}",
        env!("CARGO_BIN_EXE_egress25"),
        folder.path().display(),
        scenario("mail.inventory.toml").display()
    );
    let output = Command::new("sh").args(["-c", &line]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let lab = folder.path().join("default");
    let modes = ["", "control.sock", "log"].map(|name| mode(&lab.join(name)));
    let down = egress25().args(["lab", "down", "--run-dir"]).arg(folder.path()).output().unwrap();
    assert!(down.status.success(), "{}", said(&down));
    assert_eq!(modes, [0o700, 0o600, 0o600], "{modes:?}");
}

#[test]
fn another_user_at_the_control_socket_is_not_answered() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    if !is_root() || !Path::new("/usr/bin/python3").exists() {
        return skipped("not root, or no Python: nobody else can be had");
    }
    let lab = Lab::up(&scenario("mail.inventory.toml"), "none", &[]);
    let socket = lab.folder.path().join("default/control.sock");
    // The folder does not let others through; a connection that was opened before does.
    let script = "import os, socket, sys\n\
                  os.chdir(os.path.dirname(sys.argv[1]))\n\
                  os.setuid(65534)\n\
                  s = socket.socket(socket.AF_UNIX)\n\
                  s.settimeout(20)\n\
                  s.connect('control.sock')\n\
                  s.sendall(b'{\"do\":\"inspect\"}\\n')\n\
                  sys.exit(len(s.recv(10)))\n";
    for path in [lab.folder.path().join("default"), socket.clone()] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o777)).unwrap();
    }
    let python = Command::new("python3").args(["-c", script]).arg(&socket).output().unwrap();
    std::fs::set_permissions(lab.folder.path().join("default"), PermissionsExt::from_mode(0o700))
        .unwrap();
    let lost = said(&python).contains("ConnectionReset") || said(&python).contains("BrokenPipe");
    assert!(python.status.success() || lost, "{:?} {}", python.status, said(&python));
}

#[test]
fn a_user_without_a_runtime_folder_was_told_of_the_folder_of_root() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    if !is_root() {
        return skipped("not root, so the other tests show it already");
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("egress25");
    std::fs::copy(env!("CARGO_BIN_EXE_egress25"), &program).unwrap();
    let file = folder.path().join("inventory.toml");
    std::fs::copy(scenario("mail.inventory.toml"), &file).unwrap();
    std::os::unix::fs::chown(folder.path(), Some(65_534), Some(65_534)).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let run = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        command.arg("lab").args(words).current_dir(folder.path());
        command.env("TMPDIR", folder.path()).env_remove("XDG_RUNTIME_DIR").output().unwrap()
    };
    let output = run(&["up", "inventory.toml", "--datapath", "none"]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(mode(&folder.path().join("egress25-65534/default")), 0o700);
    let down = run(&["down"]);
    assert!(down.status.success(), "{}", said(&down));
}

// Where no lab can be built, none comes up either: nothing has to be installed for this.
#[test]
fn a_lab_that_did_not_come_up_left_its_run_folder() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("a/run");
    let no_store = folder.path().join("text.db");
    std::fs::write(&no_store, "this is no database\n").unwrap();
    let inventory = scenario("mail.inventory.toml");
    let missing = folder.path().join("missing.toml");
    let up = |inventory: &Path, more: &[&str]| {
        let mut command = egress25();
        command.args(["lab", "up", "--datapath", "none", "--run-dir"]).arg(&run);
        let output = command.arg(inventory).args(more).output().unwrap();
        assert!(!output.status.success(), "{}", said(&output));
        said(&output)
    };
    let store = no_store.display().to_string();
    for said in [up(&missing, &[]), up(&inventory, &["--store", &store])] {
        assert!(!folder.path().join("a").exists(), "{said}");
    }
    // What was there before stays.
    std::fs::create_dir_all(&run).unwrap();
    up(&missing, &[]);
    assert_eq!(std::fs::read_dir(&run).unwrap().count(), 0);
}
