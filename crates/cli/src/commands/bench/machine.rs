//! What was measured on and with.

use std::process::Command;

use egress25_packet_filter::sieve::Vectors;
use serde::Serialize;

use crate::commands::bench::libpcap::Libpcap;

/// The machine.
#[derive(Debug, Serialize)]
pub(super) struct HostMachine {
    /// The processor's name.
    pub(super) processor: String,
    /// How many processors this process may use.
    pub(super) processors: usize,
    /// The widest vector instructions that are used here.
    pub(super) vectors: String,
    /// The kernel and its release.
    pub(super) kernel: String,
}

impl HostMachine {
    /// This one; what cannot be told is `unknown`.
    pub(super) fn here() -> Self {
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let kernel = ["/proc/sys/kernel/ostype", "/proc/sys/kernel/osrelease"].map(read);
        let kernel = kernel.map(|text| text.trim().to_owned()).join(" ");
        let or_unknown = |text: &str| {
            if text.trim().is_empty() { "unknown".to_owned() } else { text.trim().to_owned() }
        };
        Self {
            processor: or_unknown(processor(&cpuinfo)),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            vectors: Vectors::best().to_string(),
            kernel: or_unknown(&kernel),
        }
    }
}

/// The name of the first processor in `/proc/cpuinfo`.
fn processor(cpuinfo: &str) -> &str {
    let named = |line: &'static str| {
        move |text: &'_ str| text.split_once(':').is_some_and(|(name, _)| name.trim() == line)
    };
    let of = |name| cpuinfo.lines().find(|line| named(name)(line));
    let line = of("model name").or_else(|| of("Processor")).or_else(|| of("cpu model"));
    line.and_then(|line| line.split_once(':')).map_or("", |(_, value)| value)
}

/// The versions of who was measured; none where it is not there.
#[derive(Debug, Serialize)]
pub(super) struct Versions {
    /// This program's.
    pub(super) egress25: &'static str,
    /// libpcap's, as it says itself.
    pub(super) libpcap: Option<String>,
    /// tcpdump's, as it says itself.
    pub(super) tcpdump: Option<String>,
}

impl Versions {
    /// Those of this process and of what was found.
    pub(super) fn of(libpcap: Option<&Libpcap>) -> Self {
        Self {
            egress25: env!("CARGO_PKG_VERSION"),
            libpcap: libpcap.and_then(Libpcap::version),
            tcpdump: tcpdump(),
        }
    }
}

/// What tcpdump calls its version.
fn tcpdump() -> Option<String> {
    let output = Command::new("tcpdump").arg("--version").output().ok()?;
    let both = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&both);
    let version = text.lines().find_map(|line| line.strip_prefix("tcpdump version "))?;
    Some(version.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_the_first_that_is_named() {
        let text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: Some: Processor 9\nmodel name: b";
        assert_eq!(processor(text).trim(), "Some: Processor 9");
        assert_eq!(processor("processor : 0\n"), "");
    }

    #[test]
    fn a_machine_says_something_of_everything() {
        let HostMachine { processor, processors, vectors, kernel } = HostMachine::here();
        assert!(![processor, vectors, kernel].iter().any(String::is_empty));
        assert!(processors > 0);
    }
}
