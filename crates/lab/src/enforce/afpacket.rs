//! Every frame goes through the filter: two interfaces a port, and a program between them.
//!
//! For kernels with neither nftables nor a packet queue. While the program is gone nothing is
//! handed on at all.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use egress25_packet_filter::link::LinkType;
use egress25_policy::Verdict;

use crate::enforce::datapath::Enforce;
use crate::enforce::ether::{self, Receiver, Sender};
use crate::enforce::judge::{Court, JudgedPort, ThreadJudge};
use crate::enforce::reset;
use crate::enforce::verdict::Hub;
use crate::error::LabError;
use crate::network::NodeSpaces;
use crate::network::plan::{NodeKind, Plan, Point};

/// The `afpacket` data path.
pub(super) struct AfPacket {
    spaces: Arc<NodeSpaces>,
    stop: Arc<AtomicBool>,
}

impl AfPacket {
    pub(super) fn new(spaces: &Arc<NodeSpaces>) -> Self {
        Self { spaces: spaces.clone(), stop: Arc::default() }
    }

    /// Hands the frames of a point on from now on.
    fn begin(&self, point: &Point, court: &Court) -> Result<(), LabError> {
        let Some(onward) = &point.onward else { return Ok(()) };
        let place = self.spaces.get(point.node)?;
        let open = |name: &str| {
            place.run(|| ether::open(name).map_err(LabError::system(format!("opening `{name}`"))))
        };
        let (outer_sender, outer_receiver) = open(&point.interface)?;
        let (inner_sender, inner_receiver) = open(onward)?;
        let back = Arc::new(Mutex::new(outer_sender));
        let (judge, port) = (ThreadJudge::new(court.clone()), JudgedPort::from(point));
        let (answers, halt, hub) = (back.clone(), self.stop.clone(), court.hub.clone());
        place.spawn("afpacket", move || {
            let ended = judged(outer_receiver, inner_sender, &answers, judge, &port, &halt);
            tell(&hub, &port, ended);
        })?;
        let (halt, hub, port) = (self.stop.clone(), court.hub.clone(), JudgedPort::from(point));
        place.spawn("afpacket-back", move || {
            tell(&hub, &port, unjudged(inner_receiver, &back, &halt));
        })?;
        Ok(())
    }
}

fn tell(hub: &Hub, port: &JudgedPort, ended: io::Result<()>) {
    if let Err(error) = ended {
        let owner = &port.owner;
        hub.complain(format!("at the port of `{owner}` nothing is handed on any more: {error}"));
    }
}

/// Makes the nodes send frames as they are on a wire: with their checksums, and none longer
/// than the link takes. Offloads would leave both to a card that is not there.
fn whole_frames(plan: &Plan, spaces: &NodeSpaces, points: &[Point]) -> Result<(), LabError> {
    let ours: Vec<&String> = points
        .iter()
        .flat_map(|point| [Some(&point.interface), point.onward.as_ref()])
        .flatten()
        .collect();
    let is_wire =
        |node: usize| plan.nodes.get(node).is_some_and(|node| node.kind == NodeKind::Wires);
    for link in &plan.links {
        for (end, other) in [(&link.left, &link.right), (&link.right, &link.left)] {
            if is_wire(end.node) || !is_wire(other.node) || !ours.contains(&&other.interface) {
                continue;
            }
            let off = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"];
            let command: Vec<&str> =
                ["ethtool", "-K", &end.interface].into_iter().chain(off).collect();
            spaces.get(end.node)?.demand(&command, "").map_err(|error| {
                let what = format!("{error}; install ethtool, or try another data path");
                LabError::DataPath { path: "afpacket", what }
            })?;
        }
    }
    Ok(())
}

fn judged(
    mut from: Receiver,
    mut to: Sender,
    back: &Mutex<Sender>,
    mut judge: ThreadJudge,
    port: &JudgedPort,
    stop: &AtomicBool,
) -> io::Result<()> {
    loop {
        let frame = from.next()?;
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(frame) = frame else { continue };
        match judge.judge(port, LinkType::Ethernet, frame) {
            // A frame that a link does not take is lost, as on any link.
            Verdict::Pass => drop(to.send(frame)),
            Verdict::Drop => {}
            Verdict::Reject => {
                if let Some(answer) = reset::for_frame(frame) {
                    drop(back.lock().unwrap_or_else(PoisonError::into_inner).send(&answer));
                }
            }
        }
    }
}

fn unjudged(mut from: Receiver, to: &Mutex<Sender>, stop: &AtomicBool) -> io::Result<()> {
    loop {
        let frame = from.next()?;
        if stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        if let Some(frame) = frame {
            drop(to.lock().unwrap_or_else(PoisonError::into_inner).send(frame));
        }
    }
}

impl Enforce for AfPacket {
    fn join(&self, plan: &Plan, points: &[Point], court: &Court) -> Result<(), LabError> {
        whole_frames(plan, &self.spaces, points)?;
        points.iter().try_for_each(|point| self.begin(point, court))
    }

    fn stop_filter(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
