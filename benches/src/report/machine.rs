//! The machine and the versions.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use egress25_packet_filter::sieve::Vectors;

use super::Failed;

/// Writes what was measured on and with.
pub(super) fn section(page: &mut String, root: &Path) -> Result<(), Failed> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let numbers = |name: &str| {
        let line = cpu.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("?", |rest| rest.trim_start_matches([' ', '\t', ':'])).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let rustc = output("rustc", &["--version"]);
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))?;
    writeln!(page, "## Machine and versions\n")?;
    writeln!(
        page,
        "- {model} (family {}, model {}), {cores} cores in use, best instructions: {}",
        numbers("cpu family"),
        numbers("model\t\t"),
        Vectors::best()
    )?;
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    writeln!(page, "- Linux {}", kernel.trim())?;
    let load: Vec<_> = load.split_whitespace().take(3).collect();
    writeln!(page, "- load average when it began: {}", load.join(", "))?;
    writeln!(page, "- {}", rustc.trim())?;
    for name in ["etherparse", "pnet_packet", "pcap", "criterion"] {
        if let Some(version) = version(&lock, name) {
            writeln!(page, "- {name} {version}")?;
        }
    }
    let dpdk = output("pkg-config", &["--modversion", "libdpdk"]);
    if cfg!(feature = "dpdk") {
        writeln!(page, "- DPDK {}", dpdk.trim())?;
    }
    let tcpdump = output("tcpdump", &["--version"]);
    for line in tcpdump.lines().take(2) {
        writeln!(page, "- {line}")?;
    }
    page.push('\n');
    Ok(())
}

/// What a program prints, on either stream; nothing where it is not there.
fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(
        |_| String::new(),
        |output| {
            let both = [output.stdout, output.stderr].concat();
            String::from_utf8_lossy(&both).into_owned()
        },
    )
}

/// The version of a package in a lock file.
fn version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let start = lock.find(&format!("name = \"{name}\"\n"))?;
    lock.get(start..)?.lines().nth(1)?.strip_prefix("version = ").map(|v| v.trim_matches('"'))
}
