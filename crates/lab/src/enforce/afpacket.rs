//! Every frame goes through the filter: two interfaces a port, and a program between them.
//!
//! For kernels with neither nftables nor a packet queue. While the program is gone nothing is
//! handed on at all.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use egress25_policy::Verdict;

use crate::enforce::datapath::Enforce;
use crate::enforce::judge::{Court, JudgedPort, ThreadJudge};
use crate::enforce::reset;
use crate::enforce::verdict::Hub;
use crate::enforce::wire::{ReadFrames, SendFrames, Socket};
use crate::error::LabError;
use crate::network::NodeSpaces;
use crate::network::plan::{NodeKind, Plan, Point};
use crate::privileges::NOTHING;

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
            place.run(|| Socket::open(name).map_err(LabError::system(format!("opening `{name}`"))))
        };
        let (outer, inner) = (open(&point.interface)?, open(onward)?);
        let (judge, port) = (ThreadJudge::new(court.clone()), JudgedPort::from(point));
        let (halt, hub) = (self.stop.clone(), court.hub.clone());
        let (from, to) = (outer.clone(), inner.clone());
        place.spawn("afpacket", NOTHING, move || {
            let answers = from.sender();
            let mut judged = Judged::new(from.reader(), to.sender(), answers, judge, port);
            let ended = until_stopped(&halt, || judged.hand_on(&halt));
            tell(&hub, &judged.port, ended);
        })?;
        let (halt, hub, port) = (self.stop.clone(), court.hub.clone(), JudgedPort::from(point));
        place.spawn("afpacket-back", NOTHING, move || {
            let mut unjudged = Unjudged::new(inner.reader(), outer.sender());
            tell(&hub, &port, until_stopped(&halt, || unjudged.hand_on(&halt)));
        })?;
        Ok(())
    }
}

/// Does something again and again until it fails or is told to stop.
fn until_stopped(
    stop: &AtomicBool,
    mut again: impl FnMut() -> io::Result<usize>,
) -> io::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        again()?;
    }
    Ok(())
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

/// What goes from a port into the network.
#[derive(Debug)]
pub struct Judged<R, S> {
    from: R,
    to: S,
    /// Answers go back to the port by it.
    back: S,
    judge: ThreadJudge,
    port: JudgedPort,
    verdicts: Vec<Verdict>,
    places: Vec<u32>,
}

impl<R: ReadFrames, S: SendFrames> Judged<R, S> {
    /// Hands on what a judge lets pass.
    pub const fn new(from: R, to: S, back: S, judge: ThreadJudge, port: JudgedPort) -> Self {
        Self { from, to, back, judge, port, verdicts: Vec::new(), places: Vec::new() }
    }

    /// Waits for frames, for a while, and hands on those that pass, none of them once it is told to
    /// stop. Returns how many came.
    ///
    /// # Errors
    /// No more can be read.
    pub fn hand_on(&mut self, stop: &AtomicBool) -> io::Result<usize> {
        let Self { from, to, back, judge, port, verdicts, places } = self;
        let frames = from.read()?;
        if stop.load(Ordering::Relaxed) {
            return Ok(0);
        }
        judge.judge_batch(port, &frames, verdicts);
        places.clear();
        for (place, verdict) in (0_u32..).zip(verdicts.iter()) {
            if *verdict == Verdict::Pass {
                places.push(place);
            }
        }
        to.send(&frames, places);
        for (frame, verdict) in frames.iter().zip(verdicts.iter()) {
            if *verdict == Verdict::Reject
                && let Some(answer) = reset::for_frame(frame.bytes)
            {
                // That the sender is told is a courtesy.
                let _ = back.send_one(&answer);
            }
        }
        Ok(frames.len())
    }
}

/// What comes to a port from the network.
struct Unjudged<R, S> {
    from: R,
    to: S,
    places: Vec<u32>,
}

impl<R: ReadFrames, S: SendFrames> Unjudged<R, S> {
    const fn new(from: R, to: S) -> Self {
        Self { from, to, places: Vec::new() }
    }

    /// Waits for frames, for a while, and hands them on unless it is told to stop. Returns how many
    /// came.
    fn hand_on(&mut self, stop: &AtomicBool) -> io::Result<usize> {
        let Self { from, to, places } = self;
        let frames = from.read()?;
        if stop.load(Ordering::Relaxed) {
            return Ok(0);
        }
        places.clear();
        places.extend((0_u32..).take(frames.len()));
        to.send(&frames, places);
        Ok(frames.len())
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
