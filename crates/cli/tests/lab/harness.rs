//! A lab for a test: up in a fresh folder, and down again whatever happens.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use egress25_lab::control::client::Client;
use egress25_lab::control::requests::Request;
use egress25_skipped::skipped;
use serde_json::Value;

pub(crate) const DATAPATHS: [&str; 3] = ["nft", "nfqueue", "afpacket"];

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub(crate) fn scenario(name: &str) -> PathBuf {
    root().join("fixtures/scenarios").join(name)
}

pub(crate) fn egress25() -> Command {
    Command::new(env!("CARGO_BIN_EXE_egress25"))
}

/// Held by tests that fill the machine, so that they do not disturb each other.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn is_root() -> bool {
    String::from_utf8_lossy(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0"
}

pub(crate) fn installed(program: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|d| Path::new(d).join(program).exists())
}

/// Why no lab can be built here, if none can.
pub(crate) fn impossible(datapath: &str) -> Option<String> {
    let needs: &[&str] = match datapath {
        "nft" => &["nft"],
        "nfqueue" => &["iptables-restore", "ip6tables-restore"],
        _ => &["ethtool"],
    };
    if let Some(missing) = needs.iter().find(|program| !installed(program)) {
        return Some(format!("`{missing}` is not installed, which {datapath} needs"));
    }
    let namespaces = Command::new("unshare").args(["-Urn", "true"]).output();
    if !namespaces.is_ok_and(|output| output.status.success()) {
        return Some("the kernel allows no user and network namespaces here".to_owned());
    }
    None
}

/// The data paths that can be had here; says aloud which cannot, and why.
pub(crate) fn possible() -> impl Iterator<Item = &'static str> {
    DATAPATHS.into_iter().filter(|datapath| impossible(datapath).map(skipped).is_none())
}

/// The processes whose arguments name a folder: the owner of its lab and what it started.
pub(crate) fn processes(folder: &Path) -> Vec<u32> {
    let folder = folder.display().to_string();
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&folder))
        })
        .collect()
}

/// Sends a signal to a process.
pub(crate) fn kill(signal: &str, pid: u32) {
    let done = Command::new("kill").args(["-s", signal, &pid.to_string()]).status();
    assert!(done.unwrap().success(), "{signal}");
}

/// Has a process stand still. The signal alone says so: on another processor a thread may run on for as
/// long as it takes to be told.
pub(crate) fn stop(pid: u32) {
    kill("STOP", pid);
    wait_until("all of its threads stand still", || {
        let threads =
            std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        threads.filter_map(|one| std::fs::read_to_string(one.path().join("stat")).ok()).all(
            |said| {
                let (_, state) = said.rsplit_once(") ").unwrap();
                state.starts_with(['T', 't', 'Z', 'X'])
            },
        )
    });
}

pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) struct Lab {
    pub(crate) folder: tempfile::TempDir,
    children: Vec<Child>,
}

impl Lab {
    /// Brings a lab up.
    pub(crate) fn up(lab: &Path, datapath: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let this = Self { folder, children: vec![] };
        let output = this
            .command(&["up"])
            .arg(lab)
            .args(["--datapath", datapath])
            .args(more)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        this
    }

    /// A command below `lab`, for this one.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let (first, rest) = words.split_first().unwrap();
        let mut command = egress25();
        command.args(["lab", first, "--run-dir"]).arg(self.folder.path()).args(rest);
        command
    }

    pub(crate) fn output(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What a command that has to succeed prints.
    pub(crate) fn print(&self, words: &[&str]) -> String {
        let output = self.output(words);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{words:?}: {text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    pub(crate) fn exec(&self, node: &str, command: &[&str]) -> Output {
        let words: Vec<&str> = [&["exec", node, "--"], command].concat();
        self.output(&words)
    }

    /// What becomes of a connection.
    pub(crate) fn connect(&self, from: &str, to: &str) -> String {
        self.print(&["connect", from, to, "--patience", "2"]).trim().to_owned()
    }

    pub(crate) fn inspect(&self) -> Value {
        serde_json::from_str(&self.print(&["inspect", "--format", "json"])).unwrap()
    }

    /// Starts a command that goes on; it ends with the test.
    pub(crate) fn start(&mut self, mut command: Command) -> &mut Child {
        self.children.push(command.stdin(Stdio::null()).spawn().unwrap());
        self.children.last_mut().unwrap()
    }

    /// The same, with the standard streams that it has.
    pub(crate) fn start_piped(&mut self, mut command: Command) -> &mut Child {
        self.children.push(command.spawn().unwrap());
        self.children.last_mut().unwrap()
    }

    /// The process of a stage: `leave`, `attend` or `own`.
    pub(crate) fn process(&self, stage: &str) -> u32 {
        let found: Vec<u32> = processes(self.folder.path())
            .into_iter()
            .filter(|pid| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                let words: Vec<_> = line.split(|byte| *byte == 0).collect();
                let said = words.windows(2).find(|pair| pair[0] == b"--stage");
                words.contains(&b"own".as_slice())
                    && said.is_some_and(|pair| pair[1] == stage.as_bytes())
            })
            .collect();
        assert_eq!(found.len(), 1, "one process is at the stage `{stage}`: {found:?}");
        found[0]
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("default/log")).unwrap_or_default()
    }
}

/// Lets an event happen in a lab, now.
pub(crate) fn apply(lab: &Lab, fields: Value) -> Result<(), String> {
    let mut fields = fields;
    fields["at"] = serde_json::json!(jiff::Timestamp::now());
    let event = serde_json::from_value(fields).unwrap();
    let mut client = Client::connect(&lab.folder.path().join("default")).unwrap();
    let done = client.exchange(&Request::Apply { events: vec![event] });
    done.map(drop).map_err(|error| error.to_string())
}

impl Drop for Lab {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        // A test that fails may have more than one up.
        for lab in std::fs::read_dir(self.folder.path()).into_iter().flatten().flatten() {
            let name = lab.file_name().to_string_lossy().into_owned();
            let _ = self.command(&["down", "--name", &name]).output();
        }
    }
}

/// All that a program has said.
pub(crate) fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}
