//! The probe: a SYN that nobody sent, to show that the data path judges.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use egress25_policy::{MachineName, Power};
use etherparse::PacketBuilder;

use crate::enforce::DataPath;
use crate::enforce::verdict::{PROBE, Told};
use crate::enforce::wire::{self, SendFrames};
use crate::error::LabError;
use crate::network::plan::NodeKind;
use crate::owner::Owner;

/// Where it is sent to (RFC 5737).
const TO: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 254);
/// How long a data path may take to tell of it.
const PATIENCE: Duration = Duration::from_secs(5);

impl Owner {
    /// Sends a probe from every machine that runs, or from one alone, and waits until the data path
    /// tells of each.
    pub(super) fn check_datapath(&self, only: Option<&MachineName>) -> Result<(), LabError> {
        if self.datapath == DataPath::None {
            return Ok(());
        }
        let heard = self.court.hub.listen(false);
        // The first frame on a new link may be lost to its coming up.
        let mut missing = self.send_probe(only)?;
        let begin = Instant::now();
        while !missing.is_empty() {
            let wait = Duration::from_millis(300);
            match heard.recv_timeout(wait) {
                Ok(Told::Verdict(event)) if event.is_probe() => {
                    missing.retain(|machine| *machine != event.port);
                }
                Ok(_) => {}
                Err(_) if begin.elapsed() < PATIENCE => {
                    self.send_probe(only)?;
                }
                Err(_) => {
                    let what = format!(
                        "a probe from `{}` was not judged; the rules are loaded, but the \
                         kernel does not use them",
                        missing.join("`, `")
                    );
                    return Err(LabError::DataPath { path: self.datapath.name(), what });
                }
            }
        }
        Ok(())
    }

    /// Sends a probe from every machine that runs, or from one alone, and returns whose they are.
    pub(super) fn send_probe(&self, only: Option<&MachineName>) -> Result<Vec<String>, LabError> {
        let world = self.court.policy.world();
        let mut sent = Vec::new();
        for (id, node) in self.plan().nodes.iter().enumerate() {
            let NodeKind::Machine(name) = &node.kind else { continue };
            let Some(machine) = world.machines().get(name) else { continue };
            if machine.state.power != Power::Running || only.is_some_and(|only| only != name) {
                continue;
            }
            self.spaces.get(id)?.run(|| {
                let failed = || LabError::system("sending a probe");
                let station = wire::station("eth0").map_err(failed())?;
                let frame = frame(station)?;
                let (mut sender, _) = wire::open("eth0").map_err(failed())?;
                sender.send_one(&frame).map_err(failed())
            })?;
            sent.push(name.as_str().to_owned());
        }
        Ok(sent)
    }
}

/// A SYN to everybody on the link: the router takes it, whatever its address is.
fn frame(station: [u8; 6]) -> Result<Vec<u8>, LabError> {
    let builder = PacketBuilder::ethernet2(station, [0xff; 6])
        .ipv4(PROBE.octets(), TO.octets(), 64)
        .tcp(25_025, egress25_policy::SMTP_PORT, 25, 1024)
        .syn();
    let mut frame = Vec::with_capacity(builder.size(0));
    builder
        .write(&mut frame, &[])
        .map_err(|error| LabError::Answer(format!("the probe cannot be built: {error}")))?;
    Ok(frame)
}
